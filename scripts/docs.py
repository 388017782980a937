"""Write the pages of `docs/` that are made from tables in the code.

`docs/findings.md` has a section for each code of the table in `keras_registry.findings`: its
heading is the code alone, so that a link to it holds when the words change. In `docs/contract.md`
the tables of checks are made from `keras_registry.contract`; the rest is written by hand.

Usage, in an environment that has keras-registry:

    python scripts/docs.py            # write
    python scripts/docs.py --check    # write nothing; status 1 if a page is not as it should be
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from itertools import groupby
from pathlib import Path

from keras_registry.contract import CHECKS, Check
from keras_registry.findings import CODES, Code, Policy

FOLDER = Path(__file__).resolve().parents[1] / "docs"

# What the letter of a code stands for; a new letter has to be given its words here.
ROOMS = {
    "A": ("Artifact", "what is wrong with the file itself"),
    "M": ("Manifest", "what is wrong with the document in the file that says what it needs"),
    "D": ("Discovery", "what is wrong with the distributions that are installed"),
    "R": ("Resolution", "whether the environment has what the model needs"),
    "S": ("Config schema", "whether the saved configs are ones that the installed classes take"),
    "W": ("Weights", "whether the weights in memory are the weights that were saved"),
    "K": ("Keras", "where Keras or its backend makes a difference"),
    "C": ("Contract", "what a plugin does not keep of what a serialisable object promises"),
}

INTRODUCTION = """\
# Findings

<!-- Written by scripts/docs.py from the table in keras_registry.findings: change it there. -->

Everything that keras-registry can find wrong, or worth knowing, has a code: a letter for the
subject and three digits. A code never changes its meaning, so it is what a program should look
at; the words of a message may change in any release.

The level says what a finding does: an `error` stops the load or fails the check, a `warning` is
shown, a `note` is kept and shown only if it would explain a failure. It depends on the policy in
force: `compatible` unless you choose another one for a call, for a block of code with
`keras_registry.policy("strict")`, or with the environment variable `KERAS_REGISTRY_POLICY`.
"""


def make_findings_page() -> str:
    """Return the text of `docs/findings.md`."""
    rows = sorted(CODES.values(), key=lambda row: (list(ROOMS).index(row.code[0]), row.code))
    parts = [INTRODUCTION, _format_overview(rows)]
    for letter, group in groupby(rows, key=lambda row: row.code[0]):
        name, subject = ROOMS[letter]
        parts.append(f"## {name} ({letter})\n\nAbout {subject}.\n")
        parts += map(_format_section, group)
    return "\n".join(parts)


def _format_overview(rows: list[Code]) -> str:
    lines = [_format_row("code", "situation", *Policy), "|---" * 5 + "|"]
    lines += [
        _format_row(f"[{row.code}](#{row.code.lower()})", row.title, *map(row.level, Policy))
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def _format_section(row: Code) -> str:
    levels = [_format_row(*Policy), "|---" * 3 + "|", _format_row(*map(row.level, Policy))]
    explanation = textwrap.fill(
        row.explanation, width=100, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join([f"### {row.code}", "", f"**{row.title}**", "", *levels, "", explanation, ""])


def _format_row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


# What the first digit of a check's code stands for.
SUBJECTS = {
    "C1": "Objects of every kind",
    "C2": "Layers and models",
    "C3": "Losses",
    "C4": "Metrics",
    "C5": "Optimizers and schedules",
    "C6": "Initializers, regularizers, constraints, functions",
    "C7": "The distribution",
    "C8": "Files of released versions",
}
BEGIN, END = "<!-- checks: ", "<!-- end of checks -->"


def make_contract_page() -> str:
    """Return the text of `docs/contract.md`: as it is, with the tables of checks."""
    text = (FOLDER / "contract.md").read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    notice = rest.partition("\n")[0]
    after = rest.partition(END)[2]
    parts = [f"{before}{BEGIN}{notice}\n"]
    for subject, group in groupby(CHECKS, key=lambda check: check.code[:2]):
        parts.append(f"### {SUBJECTS[subject]} ({subject}xx)\n")
        parts += [_format_row("check", "promise", "fix"), "|---" * 3 + "|"]
        parts += [_format_check(check) for check in group]
        parts.append("")
    return "\n".join([*parts, f"{END}{after}"])


def _format_check(check: Check) -> str:
    promise = f"**{check.promise}** {check.explanation}".strip().replace("``", "`")
    cells = (promise, check.fix)
    escaped = (cell.replace("|", "\\|") for cell in cells)
    return _format_row(f"{check.code} `{check.name}`", *escaped)


# What the golden texts of `tests/contract/test_faulty.py` are about, one file each.
FAULTS = {
    "configs": "Configs of layers",
    "layers": "Weights, shapes and calls of layers",
    "models": "Models",
    "losses": "Losses",
    "metrics": "Metrics",
    "optimizers": "Optimizers and schedules",
    "weights": "Initializers, regularizers and constraints",
    "functions": "Functions",
}

FAULTS_INTRODUCTION = """\
# Mistakes that the contract kit finds

<!-- Written by scripts/docs.py from tests/golden/contract/faults_*.txt, which the tests write. -->

Each row is an object in `tests/contract/faulty/` with one mistake: what is wrong with it, the check
that is meant for it, and what that check says. The tests run all checks on each of them: this one
fails, names what is at fault, and no other fails but for consequences that are listed beside the
object; a correct twin of each sort passes all of them. Where somebody met the mistake, the thread
is named. {count} mistakes, {threads} of them from threads; the words are those of {made_with}.
"""


def make_faults_page() -> str:
    """Return the text of `docs/contract-faults.md`, from the golden texts of the tests."""
    folder = FOLDER.parent / "tests" / "golden" / "contract"
    texts = {n: (folder / f"faults_{n}.txt").read_text(encoding="utf-8") for n in FAULTS}
    rows = {n: [json.loads(line) for line in text.splitlines()[1:]] for n, text in texts.items()}
    every = [row for group in rows.values() for row in group]
    introduction = FAULTS_INTRODUCTION.format(
        count=len(every),
        threads=sum(row["thread"] is not None for row in every),
        made_with=texts["layers"].partition("\n")[0],
    )
    parts = [introduction]
    for name, group in rows.items():
        parts += [f"## {FAULTS[name]}\n", _format_row("mistake", "check", "at fault", "message")]
        parts += ["|---" * 4 + "|", *map(_format_fault, group), ""]
    return "\n".join(parts)


def _format_fault(row: dict[str, str | None]) -> str:
    mistake = f"{row['mistake']} (`{row['name']}`)"
    if row["thread"] is not None:
        where, _, number = row["thread"].partition("#")
        link = f"[{row['thread']}](https://github.com/{where}/issues/{number})"
        mistake += f". {link}: {row['says']}"
    message = f"wanted {row['wanted']}; found {row['found']}"
    code, _, check = str(row["check"]).partition(" ")
    cells = [mistake, f"{code} `{check}`", f"`{row['at_fault']}`", message]
    return _format_row(*(cell.replace("|", "\\|").replace("<", "&lt;") for cell in cells))


PAGES = {
    "contract.md": make_contract_page,
    "contract-faults.md": make_faults_page,
    "findings.md": make_findings_page,
}


def main(arguments: list[str] | None = None) -> int:
    """Write the pages or check them, and say on standard error which ones differ."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    parser.add_argument("--output", type=Path, default=FOLDER, help="default: %(default)s")
    options = parser.parse_args(arguments)

    status = 0
    for name, make_page in PAGES.items():
        target, text = options.output / name, make_page()
        if target.exists() and target.read_text(encoding="utf-8") == text:
            continue
        if options.check:
            sys.stderr.write(f"{name} is not what scripts/docs.py writes\n")
            status = 1
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")
            sys.stderr.write(f"{name} written\n")
    return status


if __name__ == "__main__":
    raise SystemExit(main())
