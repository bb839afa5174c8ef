"""The gold rows of a finished run, read again from where they came from.

A run's folder keeps of gold what a model answered, and the texts of its errors, not the rows
themselves.
"""

from __future__ import annotations

from omegaconf import OmegaConf

from s3.data.example import Example
from s3.data.files import Placed
from s3.data.rows import fingerprint
from s3.errors import UserError
from s3.runs.checksums import damaged
from s3.runs.reading import Run
from s3.tasks import Classification, ExtractiveQA, Task


def task_of(run: Run) -> Task:
    """Return the task of a finished run. Raises UserError where its configuration is damaged."""
    options = run.config.get("task", {})
    schema = OmegaConf.structured(Classification if "labels" in options else ExtractiveQA)
    OmegaConf.set_struct(schema, False)
    try:
        task = OmegaConf.to_object(OmegaConf.merge(schema, options))
    except (ValueError, TypeError) as error:  # OmegaConf's own are ValueErrors or TypeErrors too
        raise damaged(run.path / "config.yaml", str(error)) from None
    assert isinstance(task, Task)
    return task


def gold_of(run: Run, split: str) -> list[Example]:
    """Return a run's gold rows of a split, in the run's order; see `placed_gold`."""
    task = task_of(run)
    return [task.read_gold(row) for row in placed_gold(run, split)]


def placed_gold(run: Run, split: str) -> list[Placed]:
    """Return a run's gold rows of a split as they are in their file, all their columns.

    `split` is "validation", "train" or "test". Raises UserError where they cannot be read, or are
    no longer those that the run had.
    """
    task = task_of(run)
    place = split if getattr(task.gold.splits, split) else "validation"
    rows = task.gold.rows(place, int(run.summary["seed"]))
    if fingerprint(map(task.read_gold, rows)) != run.identity.get("gold", {}).get(split):
        raise UserError(
            f"{run.path}: the gold {split} rows of {task.gold.splits.path} are no longer those of "
            "this run, so nothing can be held against them."
        )
    return rows
