"""Write the pages of `docs/` that are made from tables in the code.

`docs/findings.md` has a section for each code of the table in `keras_registry.findings`: its
heading is the code alone, so that a link to it holds when the words change.

Usage, in an environment that has keras-registry:

    python scripts/docs.py            # write
    python scripts/docs.py --check    # write nothing; status 1 if a page is not as it should be
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from itertools import groupby
from pathlib import Path

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


PAGES = {"findings.md": make_findings_page}


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
