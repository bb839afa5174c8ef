"""Data that exist already: rows of a file or of a run, as seed or as additions (Table 5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from s3.data.example import Example, Origin
from s3.data.files import read_file
from s3.data.many import Spilled
from s3.data.rows import added_files, from_row
from s3.errors import UserError
from s3.storage import read_jsonl
from s3.tasks import Task


def existing(task: Task, path: Path, kind: str) -> Sequence[Example]:
    """Return the examples of a kind, "seed" or "extrapolation", from a file or a run's folder.

    A file's rows are read like gold rows (columns and labels as the gold source maps them) and
    count as that kind. Raises UserError where there are none, and for rows of another task.
    """
    if path.is_dir():
        examples = (example for file in added_files(path) for example in _added(file))
        kinds = {kind, "labelled"} if kind == "seed" else {kind}
        found = Spilled(example for example in examples if example.origin.kind in kinds)
    else:
        found = Spilled(_as(kind, task.read_gold(placed)) for placed in read_file(path))
    if not found:
        raise UserError(f"{path}: no examples of kind {kind!r} (a data file, or a run's folder).")
    fields = {*task.given, task.written}
    if wrong := next((one for one in found if set(one.fields) != fields), None):
        theirs, ours = ", ".join(wrong.fields), ", ".join(sorted(fields))
        raise UserError(f"{path}: rows with the fields {theirs}; the task has {ours}.")
    return found


def _added(file: Path) -> Iterator[Example]:
    try:
        yield from map(from_row, read_jsonl(file))
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{file}: damaged ({error}). The command that made this run makes it again."
        ) from None


def _as(kind: str, example: Example) -> Example:
    return replace(example, origin=Origin(kind, source=example.origin.source))
