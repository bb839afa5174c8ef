"""The runs below a folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from s3.runs import folder as layout
from s3.runs.checksums import DAMAGED
from s3.runs.reading import Run

ROOTS = ("outputs", "multirun")  # of single runs and of sweeps
SUPERSEDED = re.compile(rf"-old-\d+$|^{DAMAGED}$")  # names of folders that hold no current run


def finished_runs(root: Path) -> Iterator[Path]:
    """Yield the folders of finished runs below a folder, itself included.

    Those that `fresh=true` moved aside are left out, and copies of damaged files.
    """
    yield from _holding(layout.SUMMARY, root)


def begun_runs(root: Path) -> Iterator[Run]:
    """Yield the runs there that are not finished: they have no summary, nor all rounds."""
    runs = (Run(layout.RunFolder(path)) for path in _holding(layout.IDENTITY, root))
    yield from (run for run in runs if not run.folder.finished)


def _holding(file: str, root: Path) -> Iterator[Path]:
    folders = sorted(path.parent for path in root.rglob(file))
    yield from (one for one in folders if one == root or not SUPERSEDED.search(one.name))
