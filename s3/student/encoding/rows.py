"""Rows of tokens: flat arrays, which lie in files mapped into memory once they are large."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import DTypeLike

from s3.student.encoding.arrays import Growing
from s3.student.heads.base import Ints

if TYPE_CHECKING:
    from tokenizers import Encoding


class Rows:
    """Rows of tokens, one after the other; more may follow, none changes.

    Row i has `ids[starts[i]:starts[i + 1]]`, int32, and alike `segments`, int8, the token types,
    and `annotations`, int32 [tokens, n], what the head says of each token.
    """

    def __init__(self, annotations: int) -> None:
        self._ids, self._segments = Growing(np.int32), Growing(np.int8)
        self._annotations = Growing(np.int32, annotations)
        self._starts = Growing(np.int64)
        self._starts.append(np.zeros(1, np.int64))

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def ids(self) -> Ints:
        """The tokens of all rows, [tokens]."""
        return self._ids.filled

    @property
    def segments(self) -> Ints:
        """Each token's type, [tokens]."""
        return self._segments.filled

    @property
    def annotations(self) -> Ints:
        """What the head says of each token, [tokens, n]."""
        return self._annotations.filled

    @property
    def starts(self) -> Ints:
        """Where each row begins, and at last where they end, [rows + 1]."""
        return self._starts.filled

    def lengths(self, numbers: Ints) -> Ints:
        """Return the number of tokens of each of these rows."""
        starts = self.starts
        lengths: Ints = starts[numbers + 1] - starts[numbers]
        return lengths

    def append(self, encodings: Sequence[Encoding], notes: Sequence[Ints]) -> None:
        """Add a row for each encoding, with what the head says of its tokens."""
        self._ids.append(_flat((e.ids for e in encodings), np.int32))
        self._segments.append(_flat((e.type_ids for e in encodings), np.int8))
        self._annotations.append(np.concatenate([self.annotations[:0], *notes]))
        ends = np.cumsum([len(e) for e in encodings], dtype=np.int64)
        self._starts.append(self.starts[-1] + ends)

    def cut(self, rows: int) -> None:
        """Take away the rows beyond so many."""
        self._starts.cut(rows + 1)
        for one in (self._ids, self._segments, self._annotations):
            one.cut(int(self.starts[-1]))


def _flat(lists: Iterable[Sequence[int]], dtype: DTypeLike) -> Ints:
    return np.fromiter(chain.from_iterable(lists), dtype)
