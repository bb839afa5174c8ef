"""Large arrays lie in files that nobody sees, small ones and those without a disk in memory."""

import os

import numpy as np
import pytest

from s3.storage import cache_folder
from s3.student.encoding import arrays
from s3.student.encoding.arrays import joined, room

PARTS = [np.arange(6, dtype=np.int32).reshape(-1, 2), np.ones((4, 2), np.int32)]


@pytest.mark.parametrize("large", [1, 1 << 28])
def test_arrays_are_joined_as_numpy_joins_them(large, monkeypatch):
    monkeypatch.setattr(arrays, "LARGE", large)
    found = joined(PARTS)
    assert found.dtype == np.int32
    assert np.array_equal(found, np.concatenate(PARTS))
    assert isinstance(found.base, np.memmap) == (large == 1)
    assert joined([PARTS[0][:0], PARTS[1][:0]]).shape == (0, 2)


def test_a_file_leaves_nothing_in_the_cache(monkeypatch):
    monkeypatch.setattr(arrays, "LARGE", 1)
    before = sorted(cache_folder().iterdir())
    found = room((1000,), np.float32)
    found[:] = 7
    assert found.sum() == 7000
    assert sorted(cache_folder().iterdir()) == before


def test_without_room_on_the_disk_an_array_is_in_memory(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(arrays, "LARGE", 1)
    monkeypatch.setattr(os, "posix_fallocate", full)
    assert not isinstance(joined(PARTS).base, np.memmap)
