"""What a run would stumble over after it has paid: looked at before the first request.

A dry run looks at the same. Places are tried by writing to them, since permissions say little:
a disk may be read-only or full, a folder may lie below a file.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from s3.data.example import Example, Origin
from s3.data.gold import GoldData
from s3.errors import UserError
from s3.llm import LLM
from s3.methods import Method
from s3.runs.listeners.wandb import Wandb, complaint
from s3.storage import cache_folder
from s3.student import Student, Training
from s3.student.weights import size
from s3.tasks import Task

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


def described(
    task: Task, llm: LLM, method: Method, student: Student, seed: int
) -> Iterator[tuple[str, str]]:
    """Yield what is known of a task's prompts and rows, and of the student that reads them.

    Nothing is sent. What is odd about rows is said on stderr. Raises UserError for what would end
    a run, before it has begun or after.
    """
    prompts = ", ".join(sorted(method.templates(task)))
    yield "prompts", f"{prompts or 'none'}, in the {llm.style.value} style"
    gold = task.load(seed)
    for role, rows in (("validation", gold.validation), ("test", gold.test)):
        if not rows:
            crossed = f"cross-validation in {task.gold.folds} folds"
            without = crossed if gold.validation else "nothing is labelled"
            if role == "validation":
                without = "synthetic rows are kept aside in their place"
            yield role, f"no rows: {without}"
            continue
        labels = Counter(one.target for one in rows if isinstance(one.target, str))
        counts = ", ".join(f"{label} {labels[label]}" for label in task.label_names)
        yield role, f"{len(rows)} rows" + (f": {counts}" if counts else "")
    said = student.preflight(task.head(), like_rows(task, gold))
    yield "small model", "; ".join(said) or "it can be loaded, and reads the rows as a whole"


def like_rows(task: Task, gold: GoldData) -> list[Example]:
    """Return rows as the student will read: of gold, or where there is none a line."""
    names = (*task.given, task.written)
    line = Example(dict.fromkeys(names, "A line of text."), "", Origin("gold"))
    return gold.validation or gold.test or [line]


def existing(path: Path) -> Path:
    """Return the nearest folder or file above a path that is there."""
    return next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
