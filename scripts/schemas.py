"""Write the published JSON Schemas into `schema/`, each from the model of its format.

A schema whose version was released is frozen: change the version of the format with the model,
and the script writes a new file beside the old one.

Usage, in an environment that has keras-registry:

    python scripts/schemas.py            # write
    python scripts/schemas.py --check    # write nothing; status 1 if a file is not as it should be
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from keras_registry import manifest, snapshot
from keras_registry.cli import output, report_schema

FOLDER = Path(__file__).resolve().parents[1] / "schema"


def make_schemas() -> dict[str, str]:
    """Return the text of every published schema, by its path below `schema/`."""
    schemas = {
        f"manifest/{manifest.MANIFEST_VERSION}.schema.json": manifest.make_json_schema(),
        f"report/{output.REPORT_VERSION}.schema.json": report_schema.make_json_schema(),
        f"snapshot/{snapshot.SNAPSHOT_VERSION}.schema.json": snapshot.make_json_schema(),
    }
    return {
        path: json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for path, schema in schemas.items()
    }


def main(arguments: list[str] | None = None) -> int:
    """Write the schemas or check them, and say on standard error which ones differ."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    parser.add_argument("--output", type=Path, default=FOLDER, help="default: %(default)s")
    options = parser.parse_args(arguments)

    status = 0
    for path, text in make_schemas().items():
        target = options.output / path
        if target.exists() and target.read_text(encoding="utf-8") == text:
            continue
        if options.check:
            sys.stderr.write(f"{path} is not what scripts/schemas.py writes\n")
            status = 1
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")
            sys.stderr.write(f"{path} written\n")
    return status


if __name__ == "__main__":
    raise SystemExit(main())
