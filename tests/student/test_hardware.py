"""What the machine is told and asked."""

import resource

import pytest
import torch

from s3.student.hardware import keep_memory

ARRAY = 2**24  # float32 elements, 64 MiB
PAGES = ARRAY * 4 // resource.getpagesize()


def faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def test_memory_that_is_freed_is_kept():
    if not keep_memory():
        pytest.skip("only glibc 2.35 and later keeps memory when told")
    counts = [faults() for _ in range(9) if torch.zeros(ARRAY).numel()]
    # The first ones may still grow the heap; were each handed back, all eight would be paid for.
    assert counts[-1] - counts[0] < 4 * PAGES
