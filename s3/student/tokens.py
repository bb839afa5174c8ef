"""Tokens in memory: every text is tokenised once, and its rows lie flat in a few arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from s3.data import Example
from s3.student.head import Head, Ints

if TYPE_CHECKING:
    from tokenizers import Encoding
    from transformers import PreTrainedTokenizerFast

CHUNK = 1000  # texts tokenised at a time: bounds what is held as Python objects


@dataclass(frozen=True)
class Rows:
    """Rows of tokens, one after the other.

    Row i has `ids[starts[i]:starts[i + 1]]`, int32, and `segments`, int8, alike; `spans`, int32
    [tokens, 2], are the characters of the context that a token covers, or empty.
    """

    ids: Ints
    segments: Ints
    spans: Ints
    starts: Ints

    @property
    def lengths(self) -> Ints:
        """The number of tokens of each row."""
        return np.diff(self.starts)


@dataclass(frozen=True)
class Selection:
    """The rows of a list of examples: row `numbers[i]` belongs to example `owners[i]`.

    `targets` [rows, 1 or 2] is what they train on. The rows of an example are neighbours.
    """

    rows: Rows
    numbers: Ints
    owners: Ints
    targets: Ints

    @property
    def lengths(self) -> Ints:
        """The number of tokens of each selected row."""
        return self.rows.lengths[self.numbers]


class Tokens:
    """The store of everything tokenised for one head; it lives as long as its Student."""

    def __init__(
        self, head: Head, tokenizer: PreTrainedTokenizerFast, max_length: int, stride: int
    ) -> None:
        self.head, self.tokenizer = head, tokenizer
        self.max_length, self.stride = max_length, stride
        self.places: dict[bytes, tuple[int, int]] = {}  # texts -> first row, one after the last
        self.rows = _pack([], head.windows)

    def select(self, examples: Sequence[Example], *, targets: bool) -> Selection:
        """Return the rows of the examples; only texts never seen before are tokenised."""
        texts = [self.head.texts(example) for example in examples]
        keys = [hashlib.blake2b(repr(t).encode(), digest_size=16).digest() for t in texts]
        self._add({k: t for k, t in zip(keys, texts, strict=True) if k not in self.places})
        places = [self.places[key] for key in keys]
        numbers = np.array([row for first, end in places for row in range(first, end)], np.int64)
        owners = np.repeat(np.arange(len(examples)), [end - first for first, end in places])
        wanted = self._targets(examples, numbers, owners) if targets else [(0,)] * len(numbers)
        return Selection(self.rows, numbers, owners, np.array(wanted, np.int64))

    def _add(self, new: dict[bytes, tuple[str, ...]]) -> None:
        keys, parts = list(new), [self.rows]
        count = len(self.rows.starts) - 1
        for i in range(0, len(keys), CHUNK):
            texts = [new[key] for key in keys[i : i + CHUNK]]
            found = self.head.tokenize(self.tokenizer, texts, self.max_length, self.stride)
            for key, encodings in zip(keys[i : i + CHUNK], found, strict=True):
                self.places[key] = count, count + len(encodings)
                count += len(encodings)
            parts.append(_pack([row for rows in found for row in rows], self.head.windows))
        self.rows = _join(parts)

    def _targets(
        self, examples: Sequence[Example], numbers: Ints, owners: Ints
    ) -> list[tuple[int, ...]]:
        starts, spans = self.rows.starts, self.rows.spans
        return [
            self.head.target(examples[owner], spans[starts[row] : starts[row + 1]])
            for row, owner in zip(numbers, owners, strict=True)
        ]


def _pack(encodings: Sequence[Encoding], windows: bool) -> Rows:
    ids = [np.array(e.ids, np.int32) for e in encodings]
    segments = [np.array(e.type_ids, np.int8) for e in encodings]
    spans = [_spans(e) for e in encodings] if windows else []
    return Rows(
        np.concatenate(ids or [np.empty(0, np.int32)]),
        np.concatenate(segments or [np.empty(0, np.int8)]),
        np.concatenate(spans or [np.empty((0, 2), np.int32)]),
        np.cumsum([0, *map(len, ids)]),
    )


def _join(parts: Sequence[Rows]) -> Rows:
    lengths = np.concatenate([part.lengths for part in parts])
    return Rows(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.segments for part in parts]),
        np.concatenate([part.spans for part in parts]),
        np.concatenate([[0], np.cumsum(lengths)]),
    )


def _spans(encoding: Encoding) -> Ints:
    """The characters of each token of the second segment, (-1, -1) for all others."""
    second = np.array([s == 1 for s in encoding.sequence_ids])
    spans: Ints = np.where(second[:, None], np.array(encoding.offsets, np.int32), np.int32(-1))
    return spans
