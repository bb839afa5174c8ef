"""`python -m s3 analyze FOLDER…`: what the data of finished runs are like, round by round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from s3.commands.runs import Folders


class Format(StrEnum):
    """How the measures are printed."""

    table = "table"
    markdown = "markdown"
    csv = "csv"
    json = "json"


Output = Annotated[Format, typer.Option("--format", help="How they are printed.")]


def print_rows(
    output: Format, rows: Sequence[Mapping[str, Any]], cells: Sequence[list[str]], texts: set[str]
) -> None:
    """Print rows with numbers as they are (csv, json), or as a table of cells, headings first.

    The columns of the table that are not named as texts are flush right.
    """
    from s3.analysis.formats import csv_text, json_text, markdown_table, print_table

    head, *lines = cells
    if output is Format.table:
        print_table(head, lines, numbers=set(head) - texts)
    elif output is Format.markdown:
        print(markdown_table([head, *lines], list(texts)), end="")
    else:
        print(csv_text(rows) if output is Format.csv else json_text(rows), end="")


def analyze(folders: Folders = None, output: Output = Format.table) -> None:
    """What the data of finished runs are like: diversity, nearness to gold, labels, errors, cost.

    A table a run, a column a round; docs/analysis.md says what each measure means. They are kept
    in the run's folder (analysis/), so that the second call is quick.
    """
    from s3.analysis.formats import csv_text, json_text, markdown_table, print_table
    from s3.analysis.measures import measured, tables
    from s3.errors import UserError

    rows = measured(folders or ())
    if not rows:
        raise UserError("no finished run there: python -m s3 runs lists what there is.")
    if output is Format.csv:
        print(csv_text(rows), end="")
    elif output is Format.json:
        print(json_text(rows), end="")
    else:
        for name, (head, *cells) in tables(rows):
            print(f"## {name}\n" if output is Format.markdown else name)
            if output is Format.markdown:
                print(markdown_table([head, *cells], head[:1]))
            else:
                print_table(head, cells, numbers=set(head[1:]))
                print()
