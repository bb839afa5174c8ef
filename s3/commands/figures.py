"""`python -m s3 figures FOLDER…`: figures of runs and comparisons as files for a paper."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from s3.commands.runs import Folders


class Kind(StrEnum):
    """What files are written."""

    pdf = "pdf"
    svg = "svg"


class Method(StrEnum):
    """How a map's plane is found."""

    tsne = "tsne"
    pca = "pca"


Output = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where they go.")]
Format = Annotated[Kind, typer.Option("--format", help="Of the files.")]
Against = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=VALUE", help="Draw gains above these runs, as compare has them."),
]
MapBy = Annotated[Method, typer.Option("--map", help="How a run's map is made.")]


def figures(
    folders: Folders = None,
    output: Output = Path("figures"),
    kind: Format = Kind.pdf,
    against: Against = None,
    map_method: MapBy = Method.tsne,
) -> None:
    """Figures for a paper: of one run its rounds, epochs, confusions and map; of more, compared.

    One column wide, fonts embedded, colours that the colour-blind tell apart.
    """
    from s3.analysis.comparison import compare
    from s3.analysis.results import find_runs
    from s3.report.figures import comparison_figures, run_figures, write_figures
    from s3.runs.reading import Run

    paths = list(find_runs(folders or ()))
    if len(paths) == 1:
        charts, missing = run_figures(Run.open(paths[0]), map_method)
    else:
        found = compare(folders or (), against=against or ())
        charts, missing = comparison_figures(found), list(found.notes)
    for path in write_figures(charts, output, kind):
        print(path)
    for line in missing:
        print(line, file=sys.stderr)
