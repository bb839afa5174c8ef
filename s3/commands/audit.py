"""`python -m s3 audit FILE --gold FILE`: audits any file of rows, from here or elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from s3.errors import UserError
from s3.text import sanitised

File = Annotated[Path, typer.Argument(metavar="FILE", help="The synthetic rows.")]
Gold = Annotated[Path, typer.Option(metavar="FILE", help="Gold rows to compare with.")]
Test = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Gold test rows; none may be in FILE.")
]
Written = Annotated[str, typer.Option(metavar="COLUMN", help="The column that an LLM wrote.")]
Given = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="A column that the LLM was given; may be repeated."),
]
Near = Annotated[
    float,
    typer.Option(min=0.1, max=1, help="Share of word pairs in common that makes a near copy."),
]


def audit(
    file: File,
    gold: Gold,
    test: Test = None,
    written: Written = "text",
    given: Given = None,
    near: Near = 0.6,
) -> None:
    """What a synthetic set repeats of itself and of gold data.

    Files are JSON Lines, CSV, JSON, Parquet or plain text. The exit status is 1 where rows of the
    test file are found in FILE, 2 where a file cannot be read.
    """
    from s3.audit import Audit
    from s3.audit.file import audit_file

    splits = {"gold": gold, "test": test} if test else {"gold": gold}
    try:
        findings = audit_file(Audit(near=near), file, splits, written, given or [])
    except UserError as error:
        print(f"error: {sanitised(str(error))}", file=sys.stderr)
        raise typer.Exit(2) from None
    show(findings.metrics, findings.copies)
    raise typer.Exit(1 if findings.metrics.get("audit/test/same_row") else 0)


def show(metrics: Mapping[str, float], copies: Sequence[Mapping[str, Any]]) -> None:
    """Print the metrics as a table, and the first copies."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows = metrics.get("audit/rows", 0)
    table = Table("metric", "rows", f"of {rows}")
    for name, value in metrics.items():
        share = value if isinstance(value, float) else value / rows
        table.add_row(Text(sanitised(name)), f"{share * rows:.0f}", f"{100 * share:.1f} %")
    console = Console()
    console.print(table)
    for copy in copies[:3]:
        line = f"{copy['split']} {copy['kind']} of {copy['gold']}: {copy['text']}"
        line = " ".join(sanitised(line).split())
        console.print(line, markup=False, highlight=False, overflow="ellipsis", no_wrap=True)
