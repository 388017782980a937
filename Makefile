# Two commands for a fresh clone, on a machine with Python >= 3.11, pip, git and make:
#   make demo    make test
# Everything else is a verb of noxfile.py: see `make help`.

ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN := Scripts
else
PYTHON ?= python3
BIN := bin
endif

DEMO := .venv
NOX := .venv-nox
STARTER := plugins/keras-registry-starter
STARTER_FILES := $(wildcard $(shell git ls-files --cached --others --exclude-standard $(STARTER) 2>/dev/null))
PIP := -m pip --disable-pip-version-check --no-input

# A command that fails does not leave its target behind, looking made.
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help demo test clean python

help:
	@echo "make demo    publish a plugin, save a model, load it in a fresh process: the whole story"
	@echo "make test    every check and every test, as CI runs them"
	@echo "make clean   remove what the two made"
	@echo
	@echo "PYTHON=python3.12 make ...   use another interpreter (3.11 or newer)"
	@echo "$(NOX)/$(BIN)/nox --list     the single verbs, once \`make test\` has run"

demo: $(DEMO)/.installed dist/.starter
	$(DEMO)/$(BIN)/keras-registry demo --plugin dist/keras_registry_starter-*.whl

test: $(NOX)/.installed
	$(NOX)/$(BIN)/python -m nox

clean:
	rm -rf $(DEMO) $(NOX) .nox dist .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find $(wildcard benchmarks plugins registry scripts tests) -type d \( -name __pycache__ -o -name '.*_cache' \) -prune -exec rm -rf {} +

# The core is installed in place, so its sources need no new installation; its metadata does.
$(DEMO)/.installed: pyproject.toml | python
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/$(BIN)/python $(PIP) install --editable ".[tensorflow]" build
	touch $@

dist/.starter: $(STARTER_FILES) | $(DEMO)/.installed
	mkdir -p dist
	rm -f dist/keras_registry_starter-*.whl
	$(DEMO)/$(BIN)/python -m build --wheel --outdir dist $(STARTER)
	touch $@

$(NOX)/.installed: Makefile | python
	$(PYTHON) -m venv $(NOX)
	$(NOX)/$(BIN)/python $(PIP) install "nox>=2025.2.9"
	touch $@

python:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "keras-registry needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: PYTHON=python3.12 make ...")'
