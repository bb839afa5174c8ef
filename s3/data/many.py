"""Many examples: they lie in a file, and what is held of each is its place.

A million examples as objects take some 600 bytes each, more where texts are long. Here a set takes
8 bytes an example, and so does whatever is chosen from sets or joined of them.
"""

from __future__ import annotations

import marshal
import os
import sys
from abc import abstractmethod
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from io import BufferedRandom
from operator import attrgetter
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from s3.data.example import Answers, Example, Origin
from s3.data.known import Known
from s3.storage import nameless

BLOCK = 1000  # examples that are written at a time; a smaller set is held as objects
PART = 1 << 40  # more than any set has: number n of part p has the place p * PART + n
_values = attrgetter(*(one.name for one in fields(Origin)))


class Examples(Sequence[Example]):
    """Examples that need not be objects: each access may make one anew, so `is` tells nothing.

    A set equals every sequence of the same examples.
    """

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Example]: ...
    def __getitem__(self, index: int | slice) -> Example | Sequence[Example]:
        """Return an example, or those of a slice."""
        number = range(len(self))[index]
        return self._at(number) if isinstance(number, int) else chosen(self, number)

    @abstractmethod
    def _at(self, number: int) -> Example:
        """Return the example of a number, from 0."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(map(Example.__eq__, self, other))


class Spilled(Examples):
    """Examples in a file without a name in the user's cache folder, which goes with them.

    More may follow, none changes. The last ones are objects; where the disk has no room, all are.
    """

    def __init__(self, examples: Iterable[Example] = ()) -> None:
        self._ends = array("q", [0])  # in the file: before the first example, after each
        self._recent: list[Example] = []  # not in the file
        self._file: BufferedRandom | None = None
        for example in examples:
            self.append(example)

    def append(self, example: Example) -> None:
        """Add an example."""
        self._recent.append(example)
        if len(self._recent) % BLOCK == 0:
            self._spill()

    def _spill(self) -> None:
        """Move a block to the file, if the disk has room."""
        packed = [_packed(example) for example in self._recent[:BLOCK]]
        try:
            self._file = self._file or nameless()
            whole = b"".join(packed)
            if os.pwrite(self._file.fileno(), whole, self._ends[-1]) < len(whole):
                return
        except OSError:
            return
        for one in packed:
            self._ends.append(self._ends[-1] + len(one))
        del self._recent[:BLOCK]

    def __len__(self) -> int:
        return len(self._ends) - 1 + len(self._recent)

    def _at(self, number: int) -> Example:
        spilled = len(self._ends) - 1
        if number >= spilled:
            return self._recent[number - spilled]
        assert self._file is not None
        start, end = self._ends[number], self._ends[number + 1]
        return _unpacked(os.pread(self._file.fileno(), end - start, start))

    def __reduce__(self) -> tuple[type[Spilled], tuple[list[Example]]]:
        """Go to another process as objects: it cannot open a file without a name."""
        return Spilled, (list(self),)


class View(Examples):
    """Some examples of one set or of several, in any order."""

    def __init__(self, parts: Sequence[Sequence[Example]], places: NDArray[np.int64]) -> None:
        self.parts, self.places = parts, places

    def __len__(self) -> int:
        return len(self.places)

    def _at(self, number: int) -> Example:
        part, place = divmod(int(self.places[number]), PART)
        return self.parts[part][place]


def chosen(examples: Sequence[Example], numbers: Iterable[int]) -> View:
    """Return the examples that have these numbers, from 0."""
    places = np.fromiter(numbers, np.int64)
    if isinstance(examples, View):
        return View(examples.parts, examples.places[places])
    return View([examples], places)


def filtered(examples: Sequence[Example], wanted: Callable[[Example], bool]) -> View:
    """Return the examples of which `wanted` is true."""
    return chosen(examples, (number for number, one in enumerate(examples) if wanted(one)))


def without(examples: Sequence[Example], taken: Iterable[Example]) -> View:
    """Return the examples whose ids none of those taken has."""
    ids = Known((example.id,) for example in taken)
    return filtered(examples, lambda example: (example.id,) not in ids)


def joined(*sets: Sequence[Example]) -> View:
    """Return the examples of some sets, one set's after the other's."""
    parts: list[Sequence[Example]] = []
    places = [np.empty(0, np.int64)]
    for one in sets:
        view = one if isinstance(one, View) else chosen(one, range(len(one)))
        places.append(view.places + len(parts) * PART)
        parts += view.parts
    return View(parts, np.concatenate(places))


def _packed(example: Example) -> bytes:
    """Return an example as bytes; marshal is quick, and none outlives the Python that wrote it."""
    target: Any = example.target
    if isinstance(target, Answers):
        target = (target.texts, target.starts)
    return marshal.dumps((dict(example.fields), target, _values(example.origin)))


def _unpacked(packed: bytes) -> Example:
    texts, target, origin = marshal.loads(packed)
    target = sys.intern(target) if isinstance(target, str) else Answers(*target)
    return Example(texts, target, Origin(*origin))
