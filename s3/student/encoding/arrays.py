"""Arrays that may be larger than the memory: those lie in a file that is mapped into it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from s3.storage import cache_folder

LARGE = 1 << 28  # bytes from which an array lies in a file


def room(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array to be filled.

    A large one is in a file of the user's cache folder that has no name, so that it goes with the
    array, however the process ends. Where the disk has no room, it is in memory as others are.
    """
    size = np.dtype(dtype).itemsize * int(np.prod(shape, dtype=np.int64))
    if size < LARGE:
        return np.empty(shape, dtype)
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=cache_folder()) as file:
            os.posix_fallocate(file.fileno(), 0, size)  # a full disk would end the process later
            return np.asarray(np.memmap(file, dtype, "r+", shape=shape))
    except OSError:
        return np.empty(shape, dtype)


def joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return arrays one after the other, as `np.concatenate` does."""
    rows = sum(len(part) for part in parts)
    whole = room((rows, *parts[0].shape[1:]), parts[0].dtype)
    return np.concatenate(parts, out=whole)
