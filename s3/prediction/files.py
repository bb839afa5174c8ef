"""A file of rows through a model: read, answered and written a chunk at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from s3.data.files import Placed, read_file, read_standard_input
from s3.data.gold import field_text, find_column
from s3.errors import UserError, did_you_mean
from s3.prediction.model import Model
from s3.prediction.writing import writer
from s3.progress import progress

CHUNK = 1024  # rows in memory at a time, among which lengths are sorted


@dataclass(frozen=True)
class Columns:
    """Which columns of a file hold the texts, and what those are called that are added.

    `named` maps a field of the model to a column; before a field's own name goes the column that
    the run's gold data had for it. `prefix` begins the names of what is added. Answers less sure
    than `threshold` are left empty.
    """

    model: Model
    named: Mapping[str, str]
    prefix: str = ""
    threshold: float = 0.0

    def __post_init__(self) -> None:
        """Raise UserError for a field that the model does not have."""
        for field in self.named:
            if field not in self.model.fields:
                known = ", ".join(self.model.fields)
                raise UserError(
                    f"--columns {field}=...: the model reads no field of that name, but {known}."
                    + did_you_mean(field, self.model.fields)
                )

    def texts(self, placed: Placed) -> dict[str, str]:
        """Return the texts of a row by field. Raises UserError with its place where one lacks."""
        return {
            field: field_text(placed, self._column(placed, field)) for field in self.model.fields
        }

    @cached_property
    def _wanted(self) -> dict[str, list[str]]:
        """The columns that may hold each field, the likeliest first: asked of every row."""
        gold = self.model.task.gold.splits.columns
        return {
            field: [self.named[field]] if field in self.named else [gold.get(field, field), field]
            for field in self.model.fields
        }

    def _column(self, placed: Placed, field: str) -> str:
        place, row = placed
        wanted = self._wanted[field]
        if found := next((name for name in wanted if find_column(row, name)), None):
            return found
        raise UserError(
            f"{place}: no column {wanted[0]!r}; columns: {', '.join(row)}. Name the one to read: "
            f"--columns {field}=COLUMN." + did_you_mean(wanted[0], row)
        )

    def checked(self, placed: Placed) -> Placed:
        """Return the row. Raises UserError where a text lacks, or a name to be added is taken."""
        self.texts(placed)
        place, row = placed
        if taken := next((name for name in self.added if name in row), None):
            raise UserError(
                f"{place}: there is a column {taken!r} already, and none is written over: "
                "--prefix predicted_ gives those that are added other names."
            )
        return placed

    @cached_property
    def added(self) -> list[str]:
        """The names of the columns that are added."""
        likely = [f"probability_{label}" for label in self.model.task.label_names]
        names = (self.model.task.variable, "probability", *likely)
        return [self.prefix + name for name in names]

    def answered(self, chunk: list[Placed]) -> Iterator[dict[str, Any]]:
        """Yield the rows with what the model says of them."""
        found = self.model.answers(self.texts(placed) for placed in chunk)
        assert found.probabilities is not None
        shares = found.probabilities.astype(float).round(6)
        for (_, row), answer, likely in zip(chunk, found.answers, shares.tolist(), strict=True):
            each = likely if self.model.task.label_names else []
            said = answer if max(likely) >= self.threshold else ""
            yield {**row, **dict(zip(self.added, [said, max(likely), *each], strict=True))}


def predict_file(columns: Columns, source: Path | None, target: Path | None) -> int:
    """Write the rows of a file with the model's answers to another; return how many there were.

    None stands for standard input and output, in JSON Lines. A file is first read through once, so
    that a row that cannot be read is found before the work, whose end can then be told.
    Raises UserError with file and line for such a row.
    """
    total = None
    rows = read_standard_input if source is None else lambda: read_file(source)
    if source is not None:
        total = sum(1 for _ in map(columns.checked, rows()))
    with writer(target) as write, progress("predicting", total) as work:
        for chunk in _chunks(map(columns.checked, rows())):
            write(list(columns.answered(chunk)))
            work.update(work.done + len(chunk))
    return work.done


def _chunks(rows: Iterable[Placed]) -> Iterator[list[Placed]]:
    going = iter(rows)
    while chunk := list(islice(going, CHUNK)):
        yield chunk
