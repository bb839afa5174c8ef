"""One split of gold data, indexed so that the audit can look up copies of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from s3.audit.similar import Similar
from s3.data.example import Example

if TYPE_CHECKING:
    from datasketch import MinHash

Key = tuple[str, ...]  # the normal texts of a row: the written field, then the given ones


class Copy(NamedTuple):
    """How a row repeats a gold row: `kind` is "same_row", "same_text" or "near_text"."""

    kind: str
    gold: str  # where the gold row stands
    similarity: float  # of the written texts, 0 to 1


class Split:
    """The rows, written texts and contexts (given fields) of gold examples, by normal texts."""

    def __init__(self, examples: Sequence[Example], fields: Sequence[str], near: float) -> None:
        self.examples = examples
        self.rows: dict[Key, Example] = {}
        self.texts: dict[str, Example] = {}
        self._places: dict[str, str] = {}
        for number, example in enumerate(examples, 1):
            row = example.key(*fields)
            self.rows.setdefault(row, example)
            self.texts.setdefault(row[0], example)
            self._places.setdefault(example.id, example.origin.source or f"row {number}")
        self.contexts = {row[1:] for row in self.rows}
        self._similar = Similar(self.texts, near)

    def place(self, example: Example) -> str:
        """Return where an example of this split stands."""
        return self._places[example.id]

    def copies(self, rows: Sequence[Key], sketched: dict[str, MinHash]) -> list[Copy | None]:
        """Return, for each row, the closest way in which it repeats this split, if any.

        `sketched` is for `Similar.nearest`.
        """
        others = [row[0] for row in rows if row[0] not in self.texts]
        nearest = dict(zip(others, self._similar.nearest(others, sketched), strict=True))

        def copy(row: Key) -> Copy | None:
            if row in self.rows:
                return Copy("same_row", self.place(self.rows[row]), 1.0)
            if row[0] in self.texts:
                return Copy("same_text", self.place(self.texts[row[0]]), 1.0)
            match = nearest[row[0]]
            if match is None:
                return None
            return Copy("near_text", self.place(self.texts[match.text]), match.similarity)

        return [copy(row) for row in rows]
