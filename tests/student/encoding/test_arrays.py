"""Large arrays lie in files that nobody sees, small ones and those without a disk in memory."""

import os

import numpy as np
import pytest

from s3.storage import cache_folder
from s3.student.encoding import arrays
from s3.student.encoding.arrays import Growing, joined, room

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


@pytest.mark.parametrize("large", [1, 60, 1 << 28])
def test_an_array_grows_and_what_was_taken_from_it_stays(large, monkeypatch):
    monkeypatch.setattr(arrays, "LARGE", large)
    growing, parts, taken = Growing(np.int32, 2), [], []
    for length in (0, 3, 1, 0, 40, 7):
        parts.append(np.arange(2 * length, dtype=np.int32).reshape(-1, 2) + len(parts))
        growing.append(parts[-1])
        taken.append(growing.filled)
        assert np.array_equal(growing.filled, np.concatenate(parts))
    assert all(np.array_equal(old, growing.filled[: len(old)]) for old in taken)
    assert isinstance(growing.filled.base.base, np.memmap) == (large < 1 << 28)
    growing.cut(4)
    growing.append(parts[0])
    assert np.array_equal(growing.filled, np.concatenate(parts[:3]))


def test_a_disk_that_is_full_on_the_way_leaves_nothing_out(monkeypatch):
    monkeypatch.setattr(arrays, "LARGE", 1)
    growing = Growing(np.int32)
    growing.append(np.arange(10))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    growing.append(np.arange(10, 30))
    assert not isinstance(growing.filled.base.base, np.memmap)
    assert np.array_equal(growing.filled, np.arange(30))
