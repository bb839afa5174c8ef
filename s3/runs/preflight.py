"""What a run would stumble over after it has paid: looked at before the first request.

A dry run looks at the same. Places are tried by writing to them, since permissions say little:
a disk may be read-only or full, a folder may lie below a file.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from s3.errors import UserError
from s3.runs.listeners.wandb import Wandb, complaint
from s3.storage import cache_folder
from s3.student import Student, Training
from s3.student.weights import size

LEAST = 50 << 20  # bytes for completions, rows and metrics
# What a run keeps at a time, in sizes of the pretrained weights: those of the best epoch and the
# model that ships; fine-tuning also a checkpoint, with the optimiser's two moments.
KEPT = {Training.probe: 2, Training.finetune: 5, Training.probe_then_finetune: 6}


def look(folder: Path, student: Student, wandb: Wandb) -> None:
    """Look at a run's folder, the cache and W&B's settings before anything is asked or written.

    Raises UserError where the run could not write what it must. What W&B would refuse is only said:
    it never ends a run.
    """
    cache = cache_folder()
    need = LEAST + KEPT[student.training] * size(student)
    for place, room, option in ((folder, need, "root"), (cache, LEAST, "S3_CACHE")):
        ground = existing(place)
        try:
            with tempfile.TemporaryFile(dir=ground) as file:
                file.write(b"\0")
        except OSError as error:
            raise UserError(
                f"{place}: cannot be written ({error.strerror}: {ground}). {option}=/a/folder "
                "names another place."
            ) from None
        if (free := shutil.disk_usage(ground).free) < room:
            raise UserError(
                f"{place}: its disk has {free / 1e6:.0f} MB left, and a run needs about "
                f"{room / 1e6:.0f} MB there. Make room, or name another place: {option}=/a/folder."
            )
    if said := complaint(wandb):
        print(said, file=sys.stderr)


def existing(path: Path) -> Path:
    """Return the nearest folder or file above a path that is there."""
    return next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
