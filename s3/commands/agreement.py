"""`python -m s3 agreement FOLDER…`: test scores over how far annotators agree."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from s3.commands.analyze import Format, Output, print_rows
from s3.commands.compare import Metric, Round
from s3.composing import Folder, composed_llm, spent, split_options, wrong_options
from s3.errors import ConfigError

if TYPE_CHECKING:
    from s3.analysis.comparison import Comparison
    from s3.llm import LLM

Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FOLDER… [llm=NAME…]",
        help="Of runs or sweeps; by default outputs and multirun. An LLM stands in for annotators.",
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        metavar="NAME[,NAME…]",
        help="Of the gold test rows: counts, a list or a share; or several, a label each.",
    ),
]
Samples = Annotated[
    int, typer.Option(min=2, help="Labels that an LLM gives each row, in place of annotators.")
]
Figure = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Draw the curves, too: .svg or .pdf.")
]
Rows = list[dict[str, Any]]


def agreement(
    words: Words = None,
    columns: Columns = None,
    samples: Samples = 10,
    metric: Metric = None,
    round: Round = "best",
    output: Output = Format.table,
    figure: Figure = None,
    config_dir: Folder = None,
) -> None:
    """Test scores of finished runs on the rows that annotators agree on, by how far they do.

    Agreement is the share of a row's most frequent label; docs/analysis.md says how the columns
    hold it. Shares of csv and json lie in 0..1. Without columns, `llm=NAME` samples labels of each
    test row: LLM disagreement, a stand-in, which is not what people say.
    """
    from s3.analysis.agreement import cells
    from s3.analysis.comparison import compare
    from s3.errors import UserError

    if figure and figure.suffix not in (".svg", ".pdf"):
        raise UserError(f"--figure {figure}: a file that ends in .svg or .pdf")
    folders, options = split_options(words or ())
    with wrong_options():
        if (columns is None) == (not options):
            raise ConfigError("name one of both: --columns of annotations, or llm=NAME")
        llm = composed_llm(options, config_dir) if options else None
        if llm and llm.temperature == 0:
            raise ConfigError("llm.temperature=0 gives the same label each time: sample above 0")
    found = compare([Path(folder) for folder in folders], metric=metric, round=round)
    rows = _stood_in(found, llm, samples) if llm else _annotated(found, str(columns).split(","))
    if not rows:
        raise UserError("no curve: fewer than 20 test rows.")
    table = cells(rows)
    print_rows(output, rows, table, set(table[0][:-5]))
    if figure:
        _draw(rows, figure)
    for line in found.notes:
        print(line, file=sys.stderr)


def _annotated(found: Comparison, columns: Sequence[str]) -> Rows:
    from s3.analysis.agreement import agreements, curves

    names = [name.strip() for name in columns]
    return curves(found, lambda task, placed: agreements(placed, names))


def _stood_in(found: Comparison, llm: LLM, samples: int) -> Rows:
    """Return the curves over the agreement of an LLM with itself, named as what they are."""
    from s3.analysis.agreement import curves
    from s3.llm import Session
    from s3.self_agreement import STAND_IN, self_agreements

    with Session(llm, seed=0) as session:
        rows = curves(
            found,
            lambda task, placed: self_agreements(
                session, task, [task.read_gold(row) for row in placed], samples=samples
            ),
        )
        print(f"{session.model}: {spent(session.usage)}", file=sys.stderr)
    return [{"agreement_of": STAND_IN, **row} for row in rows]


def _draw(rows: Rows, figure: Path) -> None:
    from s3.report.agreement import agreement_charts
    from s3.report.figures import write_figures

    charts = list(agreement_charts(rows))
    names = [
        figure.stem if len(charts) == 1 else f"{figure.stem}-{i + 1}" for i in range(len(charts))
    ]
    drawn = dict(zip(names, charts, strict=True))
    for path in write_figures(drawn, figure.parent, figure.suffix[1:]):
        print(f"figure: {path}", file=sys.stderr)
