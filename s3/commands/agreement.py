"""`python -m s3 agreement FOLDER…`: test scores over how far annotators agree."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from s3.commands.analyze import Format, Output, print_rows
from s3.commands.compare import Metric, Round
from s3.commands.runs import Folders

Columns = Annotated[
    str,
    typer.Option(
        metavar="NAME[,NAME…]",
        help="Of the gold test rows: counts, a list or a share; or several, a label each.",
    ),
]
Figure = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Draw the curves, too: .svg or .pdf.")
]


def agreement(
    columns: Columns,
    folders: Folders = None,
    metric: Metric = None,
    round: Round = "best",
    output: Output = Format.table,
    figure: Figure = None,
) -> None:
    """Test scores of finished runs on the rows that annotators agree on, by how far they do.

    Agreement is the share of a row's most frequent label; docs/analysis.md says how the columns
    hold it. Shares of csv and json lie in 0..1.
    """
    from s3.analysis.agreement import cells, curves
    from s3.analysis.comparison import compare
    from s3.errors import UserError
    from s3.report.agreement import agreement_charts
    from s3.report.figures import write_figures

    if figure and figure.suffix not in (".svg", ".pdf"):
        raise UserError(f"--figure {figure}: a file that ends in .svg or .pdf")
    found = compare(folders or (), metric=metric, round=round)
    rows = curves(found, [name.strip() for name in columns.split(",")])
    if not rows:
        raise UserError("no curve: fewer than 20 test rows.")
    table = cells(rows)
    print_rows(output, rows, table, set(table[0][:-5]))
    if figure:
        charts = list(agreement_charts(rows))
        names = [
            figure.stem if len(charts) == 1 else f"{figure.stem}-{i + 1}"
            for i in range(len(charts))
        ]
        drawn = dict(zip(names, charts, strict=True))
        for path in write_figures(drawn, figure.parent, figure.suffix[1:]):
            print(f"figure: {path}", file=sys.stderr)
    for line in found.notes:
        print(line, file=sys.stderr)
