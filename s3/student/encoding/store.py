"""Tokens: every text is tokenised once, and its rows lie flat in a few arrays.

Rounds of training share most of their examples, and 200,000 rows as Python objects would take
gigabytes: so there is one store a head, of arrays, and a digest of each text finds its rows again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from s3.data.example import Example
from s3.data.many import chosen
from s3.errors import UserError
from s3.student.encoding.rows import Rows
from s3.student.heads.base import Floats, Head, Ints
from s3.student.settings import Settings
from s3.student.tokenizer import load_tokenizer
from s3.student.weights import Pretrained, declared_prompt, locate

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

CHUNK = 1000  # texts tokenised at a time: bounds what is held as Python objects
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


@dataclass(frozen=True)
class Selection:
    """The rows of a list of examples: row `numbers[i]` belongs to example `owners[i]`.

    `targets` [rows, n] is what they train on. The rows of an example are neighbours.
    """

    rows: Rows
    numbers: Ints
    owners: Ints
    targets: Ints

    @property
    def lengths(self) -> Ints:
        """The number of tokens of each selected row."""
        return self.rows.lengths(self.numbers)

    def firsts(self, examples: int) -> Ints:
        """Return where each example's rows begin, and at last where they end, [examples + 1]."""
        firsts: Ints = np.searchsorted(self.owners, np.arange(examples + 1))
        return firsts


class TokenStore:
    """Everything that has been tokenised for one head.

    `features` [n, width] are what a frozen encoder has said so far, of the rows numbered `encoded`.
    """

    def __init__(
        self, head: Head, tokenizer: PreTrainedTokenizerFast, max_length: int, stride: int
    ) -> None:
        self.head, self.tokenizer = head, tokenizer
        self.max_length, self.stride = max_length, stride
        self.texts = Texts.none()
        self.rows = Rows(head.annotations)
        self.encoded: Ints = np.empty(0, np.int64)
        self.features: Floats = np.empty((0, 0), np.float32)

    def select(self, examples: Sequence[Example], *, targets: bool) -> Selection:
        """Return the rows of the examples; only texts never seen before are tokenised."""
        wanted = keys(self.head.texts(example) for example in examples)
        new = self.texts.missing(wanted)
        if len(new):
            self._add(chosen(examples, new), wanted[new])
        numbers, owners = self.texts.rows(wanted)
        goals: Ints = np.zeros((len(numbers), 1), np.int64)
        if targets and len(numbers):
            starts, notes = self.rows.starts, self.rows.annotations
            found = (
                self.head.target(examples[owner], notes[starts[row] : starts[row + 1]])
                for row, owner in zip(numbers, owners, strict=True)
            )
            goals = np.fromiter(chain.from_iterable(found), np.int64).reshape(len(numbers), -1)
        return Selection(self.rows, numbers, owners, goals)

    def _add(self, new: Sequence[Example], names: Keys) -> None:
        before, counts = len(self.rows), list[int]()
        try:
            for i in range(0, len(new), CHUNK):
                texts = [self.head.texts(example) for example in new[i : i + CHUNK]]
                found = self.head.tokenize(self.tokenizer, texts, self.max_length, self.stride)
                counts += [len(rows) for _, rows in zip(texts, found, strict=True)]
                encodings = [row for rows in found for row in rows]
                self.rows.append(encodings, [self.head.annotate(row) for row in encodings])
            self.texts = self.texts.with_(names, counts)
        except BaseException:  # an interrupted call, too, leaves all as it was
            self.rows.cut(before)
            raise


class Encoder:
    """A model's tokenizer and, for each head, the store of what it has tokenised so far."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._stores: dict[Head, TokenStore] = {}

    @cached_property
    def source(self) -> Pretrained:
        """Where the pretrained weights and the tokenizer are loaded from."""
        return locate(self.settings)

    @cached_property
    def prefix(self) -> str:
        """What goes before each text: as set, else as the model declares it, or nothing."""
        if self.settings.prefix is not None:
            return self.settings.prefix
        return declared_prompt(self.source) if self.settings.weights else ""

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """The model's tokenizer; UserError where the model cannot read `max_length` tokens."""
        tokenizer = load_tokenizer(self.source, self.prefix)
        if self.settings.max_length > tokenizer.model_max_length:
            raise UserError(
                f"model.max_length={self.settings.max_length} is more than the "
                f"{tokenizer.model_max_length} tokens that {self.settings.name} reads"
            )
        return tokenizer

    def tokens(self, head: Head) -> TokenStore:
        """Return the head's store."""
        if head not in self._stores:
            sizes = self.settings.max_length, self.settings.stride
            self._stores[head] = TokenStore(head, self.tokenizer, *sizes)
        return self._stores[head]

    def forget(self) -> None:
        """Drop all that was tokenised: texts that are asked about once would pile up."""
        self._stores.clear()
