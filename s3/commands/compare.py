"""`python -m s3 compare FOLDER…`: finished runs side by side, with how sure their scores are."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from s3.commands.runs import Folders


class Format(StrEnum):
    """How the comparison is printed."""

    table = "table"
    markdown = "markdown"
    latex = "latex"
    csv = "csv"
    json = "json"


Against = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="Hold all others against the runs with this setting (method=gold); may be repeated.",
    ),
]
Metric = Annotated[
    str | None,
    typer.Option(help="accuracy, macro_f1, em or f1; by default what chose between the rounds."),
]
Round = Annotated[str, typer.Option(help="best (the one that ships), last, or a number.")]
Html = Annotated[Path | None, typer.Option(help="Write a page of it to this file, too.")]
Output = Annotated[Format, typer.Option("--format", help="How it is printed.")]


def compare(
    folders: Folders = None,
    against: Against = None,
    metric: Metric = None,
    round: Round = "best",
    output: Output = Format.table,
    html: Html = None,
) -> None:
    """Finished runs side by side: scores with intervals, differences, sizes, costs.

    Runs that differ by their seed alone are one line. Shares of csv and json lie in 0..1.
    """
    from s3.analysis.comparison import compare
    from s3.analysis.formats import TEXTS, legend, show

    found = compare(folders or (), against=against or (), metric=metric, round=round)
    if html:
        from s3.report.comparison import write_comparison

        print(f"page: {write_comparison(found, html)}", file=sys.stderr)
    if output is Format.table:
        show(found)
        return
    print(TEXTS[output.value](found), end="")
    for line in legend(found):
        print(line, file=sys.stderr)
