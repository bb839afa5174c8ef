"""`python -m s3 runs FOLDER…`: which runs there are, finished or begun."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Folders = Annotated[  # of all commands that read finished runs
    list[Path] | None,
    typer.Argument(metavar="FOLDER", help="Of runs or sweeps; by default outputs and multirun."),
]


def runs(folders: Folders = None) -> None:
    """Which runs there are: what was run, what differs from the defaults, how far, what it scores.

    The score is that of the round that ships, on test.
    """
    from s3.analysis.formats import print_table
    from s3.analysis.listing import HEADINGS, listing

    print_table(HEADINGS, list(listing(folders or ())))
