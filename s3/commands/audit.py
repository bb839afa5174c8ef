"""Audit any file: `python -m s3.audit FILE --gold FILE --written hypothesis --given premise`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from s3.audit import Audit, Auditor, Findings
from s3.data.example import Example, Origin
from s3.data.files import read_file
from s3.data.gold import field_text
from s3.errors import UserError


def main() -> int:
    """Audit a file; return 1 where it holds rows of the test file, 2 where it cannot be read."""
    chosen = parser().parse_args()
    try:
        findings = audit(chosen)
    except (UserError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    show(findings)
    return 1 if findings.metrics.get("audit/test/same_row") else 0


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    found = argparse.ArgumentParser(
        prog="python -m s3.audit",
        description="What a synthetic set repeats of itself and of gold data. Exits with 1 where "
        "rows of the test file are found in it. Files: JSON Lines, CSV (.gz), Parquet.",
    )
    found.add_argument("file", type=Path, help="the synthetic rows")
    found.add_argument("--gold", type=Path, required=True, help="gold rows to compare with")
    found.add_argument("--test", type=Path, help="gold test rows, none of which may be in FILE")
    found.add_argument("--written", default="text", help="the column that an LLM wrote")
    found.add_argument("--given", nargs="+", default=[], help="the columns that it was given")
    found.add_argument(
        "--near", type=float, default=Audit.near, help="see audit.near (%(default)s)"
    )
    return found


def audit(chosen: argparse.Namespace) -> Findings:
    """Return the audit that a command line asks for. Raises UserError, ValueError."""
    fields = (chosen.written, *chosen.given)
    settings = Audit(near=chosen.near)
    paths = {"gold": chosen.gold, "test": chosen.test}
    gold = {name: read(path, fields) for name, path in paths.items() if path}
    auditor = Auditor(settings, gold, chosen.written, chosen.given)
    return auditor.measure(read(chosen.file, fields))


def read(path: Path, fields: Sequence[str]) -> list[Example]:
    """Return a file's rows; their label is that of the column `label`, if there is one."""
    examples = []
    for placed in read_file(path):
        place, row = placed
        texts = {name: field_text(placed, name) for name in fields}
        origin = Origin("file", source=place.rpartition("/")[2])
        examples.append(Example(texts, str(row.get("label", "")), origin))
    return examples


def show(findings: Findings) -> None:
    """Print the metrics as a table, and the first copies."""
    from rich.console import Console
    from rich.table import Table

    rows = findings.metrics.get("audit/rows", 0)
    table = Table("metric", "rows", f"of {rows}")
    for name, value in findings.metrics.items():
        share = value if isinstance(value, float) else value / rows
        table.add_row(name, f"{share * rows:.0f}", f"{100 * share:.1f} %")
    console = Console()
    console.print(table)
    for copy in findings.copies[:3]:
        line = f"{copy['split']} {copy['kind']} of {copy['gold']}: {copy['text']}"
        console.print(line, markup=False, highlight=False, overflow="ellipsis", no_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
