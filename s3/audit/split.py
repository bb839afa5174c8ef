"""One split of gold data, as the audit looks things up in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from s3.audit.similar import Similar, normal
from s3.data.example import Example

Key = tuple[str, ...]  # the normal texts of a row: the written field, then the given ones


class Copy(NamedTuple):
    """How a row repeats a gold row: `kind` is "same_row", "same_text" or "near_text"."""

    kind: str
    gold: str  # where the gold row stands
    similarity: float  # of the written texts, 0 to 1


class Split:
    """The rows, written texts and contexts (given fields) of gold examples."""

    def __init__(self, examples: Sequence[Example], fields: Sequence[str], near: float) -> None:
        self.rows: dict[Key, str] = {}
        self.texts: dict[str, str] = {}
        for number, example in enumerate(examples, 1):
            row, place = key(example, fields), example.origin.source or f"row {number}"
            self.rows.setdefault(row, place)
            self.texts.setdefault(row[0], place)
        self.contexts = {row[1:] for row in self.rows}
        self._similar = Similar(self.texts, near)

    def copies(self, rows: Sequence[Key]) -> list[Copy | None]:
        """Return, for each row, the closest way in which it repeats this split, if any."""
        others = [row[0] for row in rows if row[0] not in self.texts]
        nearest = dict(zip(others, self._similar.nearest(others), strict=True))

        def copy(row: Key) -> Copy | None:
            if row in self.rows:
                return Copy("same_row", self.rows[row], 1.0)
            if row[0] in self.texts:
                return Copy("same_text", self.texts[row[0]], 1.0)
            match = nearest[row[0]]
            return match and Copy("near_text", self.texts[match.text], match.similarity)

        return [copy(row) for row in rows]


def key(example: Example, fields: Sequence[str]) -> Key:
    """Return the normal texts of an example's fields, in that order."""
    return tuple(normal(example.fields[name]) for name in fields)
