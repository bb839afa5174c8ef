"""Near copies: MinHash finds candidates, the share of word pairs in common decides."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from s3.data.known import Known

if TYPE_CHECKING:
    from datasketch import MinHash, MinHashLSH

HASHES = 64  # minima kept of a text; enough, as candidates are compared word pair by word pair
MISSED = 0.01  # the share of near copies, at most, that are never made candidates


class Match(NamedTuple):
    """A known text and its Jaccard similarity to the one asked for, 0 to 1."""

    text: str
    similarity: float


def shingles(text: str) -> set[str]:
    """Return the pairs of neighbouring words of a normal text; of a single word, itself."""
    words = text.split()
    return {" ".join(pair) for pair in pairwise(words)} or {text}


def similarity(one: str, other: str) -> float:
    """Return the Jaccard similarity of two normal texts' word pairs."""
    left, right = shingles(one), shingles(other)
    return len(left & right) / len(left | right)


class Similar:
    """Finds, among known normal texts, the nearest to another one; remembers what it was asked."""

    def __init__(self, texts: Iterable[str], near: float) -> None:
        """`near` is the lowest similarity that counts."""
        self._texts, self._near = list(texts), near
        self._asked = Known()
        self._found: dict[str, Match] = {}

    def nearest(self, texts: Iterable[str], sketched: dict[str, MinHash]) -> list[Match | None]:
        """Return the nearest known text of each, None where none is near.

        `sketched` holds texts' sketches, which are made once for all whom these texts are asked of.
        """
        asked = list(texts)
        new = [text for text in asked if self._asked.add((text,))]
        unsketched = [text for text in new if text not in sketched]
        sketched.update(zip(unsketched, _sketches(unsketched), strict=True))
        for text in new:
            candidates = (self._texts[index] for index in self._index.query(sketched[text]))
            matches = (Match(known, similarity(text, known)) for known in candidates)
            best = max(matches, key=lambda match: (match.similarity, match.text), default=None)
            if best and best.similarity >= self._near:
                self._found[text] = best
        return [self._found.get(text) for text in asked]

    @cached_property
    def _index(self) -> MinHashLSH:
        from datasketch import MinHashLSH

        # Of n bands of r hashes, one agrees with probability 1 - (1 - near^r)^n.
        rows = max(r for r in range(1, 9) if (1 - self._near**r) ** (HASHES // r) <= MISSED)
        index = MinHashLSH(num_perm=HASHES, params=(HASHES // rows, rows))
        for number, sketch in enumerate(_sketches(self._texts)):
            index.insert(number, sketch, check_duplication=False)
        return index


def _sketches(texts: list[str]) -> Iterable[MinHash]:
    from datasketch import MinHash

    # A checksum is hashed twice as fast as the default SHA-1; MinHash mixes its bits.
    pairs = ([pair.encode() for pair in shingles(text)] for text in texts)
    sketches: Iterable[MinHash] = MinHash.generator(pairs, num_perm=HASHES, hashfunc=zlib.crc32)
    return sketches
