"""Tokens in memory: every text is tokenised once, and its rows lie flat in a few arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from s3.data.example import Example
from s3.student.head import Head, Ints
from s3.student.texts import Keys, Texts, keys

if TYPE_CHECKING:
    from tokenizers import Encoding
    from transformers import PreTrainedTokenizerFast

CHUNK = 1000  # texts tokenised at a time: bounds what is held as Python objects


@dataclass
class Rows:
    """Rows of tokens, one after the other; more may follow, none changes.

    Row i has `ids[starts[i]:starts[i + 1]]`, int32, and `segments`, int8, alike; `spans`, int32
    [tokens, 2], are the characters of the context that a token covers, or empty.
    """

    ids: Ints
    segments: Ints
    spans: Ints
    starts: Ints

    def lengths(self, numbers: Ints) -> Ints:
        """Return the number of tokens of each of these rows."""
        lengths: Ints = self.starts[numbers + 1] - self.starts[numbers]
        return lengths

    def extend(self, parts: Sequence[Rows]) -> None:
        """Append rows; who holds these holds them too, and no copy of the old ones remains."""
        lengths = np.concatenate([np.diff(one.starts) for one in (self, *parts)])
        ids = np.concatenate([self.ids, *(part.ids for part in parts)])
        segments = np.concatenate([self.segments, *(part.segments for part in parts)])
        spans = np.concatenate([self.spans, *(part.spans for part in parts)])
        starts = np.concatenate([[0], np.cumsum(lengths)])
        self.ids, self.segments, self.spans, self.starts = ids, segments, spans, starts


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
        return self.rows.lengths(self.numbers)


class Tokens:
    """The store of everything tokenised for one head; it lives as long as its Student."""

    def __init__(
        self, head: Head, tokenizer: PreTrainedTokenizerFast, max_length: int, stride: int
    ) -> None:
        self.head, self.tokenizer = head, tokenizer
        self.max_length, self.stride = max_length, stride
        self.texts = Texts.none()
        self.rows = _pack([], head.windows)

    def select(self, examples: Sequence[Example], *, targets: bool) -> Selection:
        """Return the rows of the examples; only texts never seen before are tokenised."""
        wanted = keys(self.head.texts(example) for example in examples)
        new = self.texts.missing(wanted)
        if len(new):
            self._add([examples[i] for i in new], wanted[new])
        numbers, owners = self.texts.rows(wanted)
        goals: Ints = np.zeros((len(numbers), 1), np.int64)
        if targets and len(numbers):
            goals = self._targets(examples, numbers, owners)
        return Selection(self.rows, numbers, owners, goals)

    def _add(self, new: Sequence[Example], names: Keys) -> None:
        parts: list[Rows] = []
        counts: list[int] = []
        for i in range(0, len(new), CHUNK):
            texts = [self.head.texts(example) for example in new[i : i + CHUNK]]
            found = self.head.tokenize(self.tokenizer, texts, self.max_length, self.stride)
            counts += [len(rows) for _, rows in zip(texts, found, strict=True)]
            parts.append(_pack([row for rows in found for row in rows], self.head.windows))
        known = self.texts.with_(names, counts)
        self.rows.extend(parts)  # not before: a failure above leaves all as it was
        self.texts = known

    def _targets(self, examples: Sequence[Example], numbers: Ints, owners: Ints) -> Ints:
        starts, spans = self.rows.starts, self.rows.spans
        targets = (
            self.head.target(examples[owner], spans[starts[row] : starts[row + 1]])
            for row, owner in zip(numbers, owners, strict=True)
        )
        return np.fromiter(chain.from_iterable(targets), np.int64).reshape(len(numbers), -1)


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


def _spans(encoding: Encoding) -> Ints:
    """The characters of each token of the second segment, (-1, -1) for all others."""
    second = np.array([s == 1 for s in encoding.sequence_ids])
    spans: Ints = np.where(second[:, None], np.array(encoding.offsets, np.int32), np.int32(-1))
    return spans
