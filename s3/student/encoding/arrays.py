"""Arrays that may be larger than the memory: those lie in a file that is mapped into it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from math import prod
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from s3.storage import nameless

LARGE = 1 << 25  # bytes from which an array lies in a file
SPARE = 4  # an array that grows gets room for a fourth more than is there


def room(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array to be filled.

    A large one is in a file of the user's cache folder that has no name, so that it goes with the
    array, however the process ends. Where the disk has no room, it is in memory as others are.
    """
    if size_of(shape, dtype) < LARGE:
        return np.empty(shape, dtype)
    try:
        with nameless() as file:
            return mapped(file, shape, dtype)
    except OSError:
        return np.empty(shape, dtype)


def size_of(shape: tuple[int, ...], dtype: DTypeLike) -> int:
    """Return the bytes of an array."""
    return np.dtype(dtype).itemsize * prod(shape)


def mapped(file: IO[bytes], shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return a file's content as an array, the file made so large that it fits.

    Raises OSError where the disk has no room: found out later, that would end the process.
    """
    os.posix_fallocate(file.fileno(), 0, size_of(shape, dtype))
    return np.asarray(np.memmap(file, dtype, "r+", shape=shape))


def joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return arrays one after the other, as `np.concatenate` does; one alone as it is."""
    if len(parts) == 1:
        return parts[0]
    rows = sum(len(part) for part in parts)
    whole = room((rows, *parts[0].shape[1:]), parts[0].dtype)
    return np.concatenate(parts, out=whole)


class Growing:
    """An array [n, *shape] that grows at its end; what it held before stays where it is.

    Once it is large it lies in a file, as `room` says, and no second copy is made of it.
    """

    def __init__(self, dtype: DTypeLike, *shape: int) -> None:
        self._held: NDArray[Any] = np.empty((0, *shape), dtype)
        self._file: IO[bytes] | None = None
        self._length = 0

    @property
    def filled(self) -> NDArray[Any]:
        """What has been appended so far."""
        return self._held[: self._length]

    def append(self, part: NDArray[Any]) -> None:
        """Add an array [m, *shape] at the end."""
        end = self._length + len(part)
        if end > len(self._held):
            self._make_room(end + end // SPARE)
        self._held[self._length : end] = part
        self._length = end

    def cut(self, length: int) -> None:
        """Take away what is beyond so many elements."""
        self._length = length

    def _make_room(self, length: int) -> None:
        shape, dtype = (length, *self._held.shape[1:]), self._held.dtype
        filled, file = self.filled, self._file
        try:
            if size_of(shape, dtype) >= LARGE:
                self._file = file or nameless()
                self._held = mapped(self._file, shape, dtype)
            else:
                self._held = np.empty(shape, dtype)
        except OSError:
            file = self._file = None
            self._held = np.empty(shape, dtype)
        if file is None:  # else the file that has grown holds it
            self._held[: len(filled)] = filled
