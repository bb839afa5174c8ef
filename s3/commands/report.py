"""`python -m s3 report RUN…`: the page of a finished run, written into its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Folders = Annotated[
    list[Path] | None,
    typer.Argument(metavar="RUN", help="Folders of runs or sweeps; by default outputs, multirun."),
]


def report(folders: Folders = None) -> None:
    """Write report.html into the folders of finished runs: one page each, to open in a browser."""
    from s3.analysis.results import find_runs, roots
    from s3.errors import UserError
    from s3.report.run import write_report
    from s3.runs.reading import Run

    paths = list(find_runs(folders or ()))
    if not paths:
        for root in roots(folders or ()):
            Run.open(root)  # says why it is no finished run
        raise UserError(f"no finished run in outputs and multirun ({Path.cwd()}).")
    for path in paths:
        print(write_report(Run.open(path)))
