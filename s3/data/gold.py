"""Gold data: real labelled examples, from the bundle, from files or from the hub."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from textwrap import shorten
from typing import Any

from s3.data.example import Example
from s3.data.files import Placed, Row, read_file, read_hub
from s3.errors import UserError, did_you_mean
from s3.progress import note
from s3.text import sanitised

BUNDLE = Path(__file__).parent / "bundled"


class Source(Enum):
    """Where gold data come from."""

    bundled = "bundled"
    files = "files"
    hub = "hub"


@dataclass(frozen=True)
class GoldData:
    """The gold examples of a run by their role; `train` is `validation` where none is named.

    `test` is empty where there is none: scores are cross-validated. `validation`, and then `train`,
    are empty where no row is labelled.
    """

    validation: list[Example]
    test: list[Example]
    train: list[Example]

    @property
    def apart(self) -> dict[str, list[Example]]:
        """The splits that there are by name, each once."""
        splits = {"validation": self.validation, "test": self.test}
        if self.train is not self.validation:
            splits["train"] = self.train
        return {name: rows for name, rows in splits.items() if rows}


@dataclass(kw_only=True)
class Splits:
    """One source of gold rows: which of its splits plays which part, and how it names things.

    `validation` is where errors come from and checkpoints are chosen; `test` only scores; `train`
    serves the Gold Data baseline and as contexts (null: it is the validation set).
    """

    path: str = ""  # a folder before the file names, or the hub data set
    name: str | None = None  # the hub data set's configuration
    validation: str | None = None
    test: str | None = None
    train: str | None = None
    columns: dict[str, str] = field(default_factory=dict)  # field -> column, where they differ
    labels: dict[str, str] = field(default_factory=dict)  # value in the data -> label, likewise

    def rows(self, split: str, source: Source) -> Iterator[Placed]:
        """Yield the raw rows of one split with their places."""
        if source is Source.hub:
            yield from read_hub(self.path, self.name, split)
        else:
            folder = BUNDLE if source is Source.bundled else Path()
            yield from read_file(folder / self.path / split)


@dataclass(kw_only=True)
class Gold:
    """Where a task's gold data come from, and how much of it is used."""

    source: Source = Source.bundled
    bundled: Splits = field(default_factory=Splits)
    files: Splits = field(default_factory=Splits)
    hub: Splits = field(default_factory=Splits)
    validation_size: int | None = None  # rows, drawn with the run's seed; null: all
    train_size: int | None = None  # likewise; only where train is a split of its own
    test_size: int | None = None  # rows, drawn with `test_seed`: the same for every run
    test_seed: int = 0
    folds: int = 5  # of cross-validation, where there is no test split

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.folds < 2:
            raise ValueError(f"gold.folds must be at least 2, not {self.folds}")
        for name in ("validation_size", "test_size", "train_size"):
            size = getattr(self, name)
            if size is not None and size < 1:
                raise ValueError(f"gold.{name} must be at least 1 (or null: all), not {size}")

    @property
    def splits(self) -> Splits:
        """The chosen source's splits."""
        chosen: Splits = getattr(self, self.source.value)
        return chosen

    def check(self) -> None:
        """Raise ValueError for splits that do not go together, and sizes that would cut nothing."""
        where = f"gold.{self.source.value}"
        if self.splits.train and not self.splits.validation:
            raise ValueError(
                f"{where}.train without {where}.validation: rows that are trained on choose nothing"
            )
        for role in ("validation", "train"):
            if self.splits.test and self._place(role) == self._place("test"):
                raise ValueError(
                    f"{where}.{role} and {where}.test are the same, {self.splits.test}: test rows "
                    "would be learnt from, and test scores mean nothing. Split the rows in two"
                )
        if self.train_size is not None and not self.splits.train:
            raise ValueError(
                f"gold.train_size={self.train_size} has nothing to cut: {where}.train "
                "is not set, so train is the validation set; "
                "use gold.validation_size"
            )

    def _place(self, role: str) -> str:
        """Return where the rows of a role are; the same place, the same string."""
        split = getattr(self.splits, role) or ""
        if self.source is Source.hub or not split:
            return split
        return str(Path(self.splits.path, split).resolve())

    def rows(self, role: str, seed: int) -> list[Placed]:
        """Return the rows of a role, cut to its size by a seeded draw, in their own order.

        `seed` is the run's; test rows are drawn with `test_seed` in its place, so that scores of
        several seeds are over the same rows. Raises UserError for a role without rows.
        """
        split = getattr(self.splits, role)
        if not split:
            raise UserError(f"gold {role}: there is none (gold.{self.source.value}.{role}).")
        rows = list(self.splits.rows(split, self.source))
        if not rows:
            raise UserError(f"gold {role} ({self.splits.path} {split}) holds no rows.")
        size = getattr(self, f"{role}_size")
        if size is not None and size > len(rows):
            note(f"gold.{role}_size={size}", f"there are only {len(rows)} rows, all are taken")
        if size is not None:
            rows = sample(rows, size, self.test_seed if role == "test" else seed)
        _say_sanitised(role, rows)
        return rows


def sample(rows: list[Placed], size: int, seed: int) -> list[Placed]:
    """Draw `size` rows (all, where there are fewer) and keep their order."""
    drawn = random.Random(seed).sample(range(len(rows)), min(size, len(rows)))
    return [rows[index] for index in sorted(drawn)]


def _say_sanitised(role: str, rows: list[Placed]) -> None:
    """Say how many rows hold what will be left out of their texts."""
    changed = [
        place
        for place, row in rows
        if any(isinstance(cell, str) and sanitised(cell) != cell for cell in row.values())
    ]
    if changed:
        note(
            f"gold {role}",
            "characters that nobody sees (controls, halves of characters) are left out of "
            f"{len(changed)} rows or mended there, first {sanitised(changed[0])}",
        )


def source_of(placed: Placed) -> str:
    """Return where a row stands, as an example's origin has it: the file's name and the line."""
    return sanitised(placed[0].rpartition("/")[2])


def find_column(row: Row, column: str) -> str | None:
    """Return a row's own name of a column: the same, or the only one but for case and spaces."""
    if column in row:
        return column
    alike = [name for name in row if _loose(name) == _loose(column)]
    return alike[0] if len(alike) == 1 else None


def field_text(placed: Placed, column: str) -> str:
    """Return one text of a row, sanitised. Raises UserError for a missing column, an empty text."""
    cell = _cell(placed, column, "column")
    text = sanitised(cell) if isinstance(cell, str) else ""
    if not text.strip():
        raise UserError(f"{placed[0]}: column {column!r} is empty or not a text.")
    return text


def label_of(placed: Placed, column: str, names: dict[str, str], known: Iterable[str]) -> str:
    """Return a row's label, which may differ in case, in outer spaces, or be 0.0 for 0.

    Raises UserError for a row without one, or with one that the task does not know.
    """
    place, value = placed[0], _cell(placed, column, "label column")
    if value is None or value != value or not str(value).strip():  # NaN is not equal to itself
        raise UserError(f"{place}: column {column!r} holds no label.")
    labels = {**{label: label for label in known}, **names}
    if (found := labels.get(str(value))) is not None:
        return found
    alike = {labels[name] for name in labels if _loose(name) == _loose(str(value))}
    if len(alike) == 1:
        note(_file(place), f"the label {value!r} is read as {min(alike)!r}")
        return alike.pop()
    shown = shorten(repr(str(value)), 60, placeholder="...")
    hint = " (-1 marks hidden labels)" if str(value) == "-1" else ""
    raise UserError(
        f"{place}: unknown label {shown}{hint}; the task knows {', '.join(labels)}."
        + did_you_mean(str(value), labels)
    )


def _cell(placed: Placed, column: str, what: str) -> Any:
    """Return what a row has in a column. Raises UserError where it has none of that name."""
    place, row = placed
    name = find_column(row, column)
    if name is None:
        columns = ", ".join(row)
        raise UserError(
            f"{place}: no {what} {column!r}; columns: {columns}. Map it in gold.*.columns."
            + did_you_mean(column, row)
        )
    if name != column:
        note(_file(place), f"the column {name!r} is read as {column!r}")
    return row[name]


def _loose(name: str) -> str:
    """Return a name without case and outer spaces, a whole number without its decimals."""
    return re.sub(r"^([+-]?\d+)\.0+$", r"\1", name.strip().casefold())


def _file(place: str) -> str:
    return place.rpartition(":")[0] or "gold"
