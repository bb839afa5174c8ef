"""What the machine can do: its precision and its cores."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from s3.errors import UserError
from s3.progress import AT_ONCE
from s3.student.settings import Precision

M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -3, -1  # glibc's malloc.h
KERNELS = 64  # compiled products that are kept; a step of a BERT needs 16 at most


def chosen(precision: Precision) -> Precision:
    """Return the precision to compute in: `auto` is bf16 where the hardware multiplies it."""
    import torch

    if precision is not Precision.auto:
        return precision
    if torch.cuda.is_available():
        native = torch.cuda.get_device_capability()[0] >= 8  # older ones only emulate it
    else:
        native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return Precision.bf16 if native else Precision.fp32


def check_devices(wanted: int) -> None:
    """Raise UserError where the machine has GPUs, but fewer than the processes that shall train."""
    import torch

    if torch.cuda.is_available() and wanted > (there := torch.cuda.device_count()):
        raise UserError(
            f"model.devices={wanted}: this machine shows {there} GPU{'s' * (there > 1)}, and each "
            "process needs one of its own"
        )


def cores() -> int:
    """Return the number of physical cores that this process may use.

    Two threads on one core only disturb each other in matrix products.
    """
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    folders = [Path(f"/sys/devices/system/cpu/cpu{cpu}/topology") for cpu in allowed]
    names = ("physical_package_id", "core_id")
    try:
        found = {tuple((folder / name).read_text() for name in names) for folder in folders}
    except OSError:  # no Linux: half of the logical ones may be missed, none is shared
        found = set()
    return len(found) or len(allowed) or os.cpu_count() or 1


@cache
def tune_memory() -> bool:
    """Make malloc keep freed memory, and oneDNN few compiled kernels; return whether malloc does.

    By default, malloc returns large arrays to the system after each step, and the system clears
    their pages for the next one: up to a quarter of a training's time (benchmarks/training.md).
    glibc can be told to keep them from version 2.35 on. Earlier versions accept no such mmap
    threshold, and the trim threshold alone would do harm.

    oneDNN, and torch's layer over it, keep 1,024 compiled kernels each: some hundred megabytes,
    for shapes of batches that seldom return. Both read the variables when they compile the first.
    """
    for name in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        os.environ.setdefault(name, str(KERNELS))
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(M_MMAP_THRESHOLD, 2**30) and mallopt(M_TRIM_THRESHOLD, 2**31 - 1))


def tune_attention() -> None:
    """Take cuDNN's attention from torch's choice; its own flash attention does the work then.

    In bf16, cuDNN compiles a kernel for each shape that it has not seen. Batches by length have a
    new one every few steps: fine-tuning on an H200 was four to eight times as slow
    (benchmarks/training.md). Without a GPU this does nothing.
    """
    import torch

    torch.backends.cuda.enable_cudnn_sdp(False)


def use_cores(processes: int = 1) -> None:
    """Compute from now on with this process's share of the physical cores, of `processes`.

    Jobs of a sweep that run side by side divide them further. The process's memory and attention
    are tuned too. Results depend on the number of threads.
    """
    import torch

    tune_memory()
    tune_attention()
    jobs = int(os.environ.get(AT_ONCE, 1))
    torch.set_num_threads(max(1, cores() // (processes * jobs)))


@contextmanager
def all_cores() -> Iterator[None]:
    """Compute with all of this job's cores while the block runs; memory stays tuned."""
    import torch

    before = torch.get_num_threads()
    use_cores()
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def one_core() -> Iterator[None]:
    """Compute with one core while the block runs: what is small is not worth sharing."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
