"""Which examples exist already: a digest of each key, packed, so that millions can be known."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np

SIZE = 16  # bytes of a digest, so that no two keys are ever confused
LEAST, SHARE = 10_000, 8  # new keys are packed when they are so many, and an eighth of the others


class Known:
    """A set of keys (`Example.key`) that only grows, at about 30 bytes each, however long they are.

    What was added last is in a set, all else sorted in an array.
    """

    def __init__(self, keys: Iterable[tuple[str, ...]] = ()) -> None:
        self._packed = np.empty(0, f"S{SIZE}")
        self._recent: set[bytes] = set()
        for key in keys:
            self.add(key)

    def add(self, key: tuple[str, ...]) -> bool:
        """Note a key; return whether it is new."""
        digest = _digest(key)
        if self._has(digest):
            return False
        self._recent.add(digest)
        if len(self._recent) >= max(LEAST, len(self._packed) // SHARE):
            recent = np.fromiter(self._recent, self._packed.dtype, len(self._recent))
            self._packed = np.concatenate([self._packed, recent])
            self._packed.sort()
            self._recent.clear()
        return True

    def __contains__(self, key: tuple[str, ...]) -> bool:
        return self._has(_digest(key))

    def _has(self, digest: bytes) -> bool:
        if digest in self._recent:
            return True
        place = int(np.searchsorted(self._packed, np.bytes_(digest)))
        return place < len(self._packed) and bool(self._packed[place] == digest)


def _digest(key: tuple[str, ...]) -> bytes:
    digest = blake2b(repr(key).encode(), digest_size=SIZE).digest()
    return digest.rstrip(b"\0")  # as numpy gives it back
