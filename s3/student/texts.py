"""Which texts have been tokenised, and which rows are theirs; a few numbers a text, in arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s3.student.head import Ints

Keys = NDArray[np.bytes_]  # digests of texts


def keys(texts: Iterable[tuple[str, ...]]) -> Keys:
    """Return the digests of texts, 16 bytes each, so that no two texts are ever confused."""
    digests = (hashlib.blake2b(repr(text).encode(), digest_size=16).digest() for text in texts)
    return np.fromiter(digests, "S16")


@dataclass(frozen=True)
class Texts:
    """The texts whose tokens are held: the i-th added has rows `starts[i]` to `starts[i + 1]`.

    `known` are the sorted keys, and `known[j]` was the `order[j]`-th to be added.
    """

    known: Keys
    order: Ints
    starts: Ints

    @classmethod
    def none(cls) -> Texts:
        """Return the empty set."""
        return cls(np.empty(0, "S16"), np.empty(0, np.int64), np.zeros(1, np.int64))

    def missing(self, wanted: Keys) -> Ints:
        """Return the places in `wanted` where an unknown text occurs first, in order."""
        distinct, firsts = np.unique(wanted, return_index=True)
        return np.sort(firsts[~np.isin(distinct, self.known)])

    def with_(self, new: Keys, counts: Sequence[int]) -> Texts:
        """Return these and the new texts, which have `counts` rows each."""
        known = np.concatenate([self.known[np.argsort(self.order)], new])
        order = np.argsort(known)
        ends = self.starts[-1] + np.cumsum(counts, dtype=np.int64)
        return Texts(known[order], order, np.concatenate([self.starts, ends]))

    def rows(self, wanted: Keys) -> tuple[Ints, Ints]:
        """Return the rows of known texts, one text's after the other's, and each row's text.

        That is its place in `wanted`.
        """
        texts = self.order[np.searchsorted(self.known, wanted)]
        first = self.starts[texts]
        counts = self.starts[texts + 1] - first
        owners = np.repeat(np.arange(len(wanted)), counts)
        before = np.cumsum(counts) - counts  # rows of earlier texts
        return (first - before)[owners] + np.arange(len(owners)), owners
