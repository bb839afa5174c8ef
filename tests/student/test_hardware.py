"""What the machine is told and asked."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from s3.errors import UserError
from s3.progress import AT_ONCE
from s3.student import Precision
from s3.student.hardware import (
    all_cores,
    check_devices,
    chosen,
    cores,
    tune_memory,
    use_cores,
)
from tests.student.conftest import reviews

ARRAY = 2**24  # float32 elements, 64 MiB
PAGES = ARRAY * 4 // resource.getpagesize()


def faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def test_memory_that_is_freed_is_kept():
    if not tune_memory():
        pytest.skip("only glibc 2.35 and later keeps memory when told")
    counts = [faults() for _ in range(25) if torch.zeros(ARRAY).numel()]
    # The first may still grow the heap. Were each handed back, the last ones would be paid for.
    assert counts[-1] - counts[-9] < 4 * PAGES


GROWTH = """
import sys, torch
from s3.student import Precision
from s3.student.hardware import all_cores, chosen, cores, tune_memory, use_cores

def held():
    status = open("/proc/self/status").read()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024

tune_memory() if sys.argv[1] == "kept" else None
weights = torch.randn(64, 64).bfloat16()
product = lambda rows: torch.nn.functional.linear(torch.ones(rows, 64).bfloat16(), weights)
product(1), print(-held()), [product(rows) for rows in range(2, 400)], print(held())
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's own count")
def test_products_of_many_shapes_hold_little_memory():
    def growth(how: str) -> float:
        """MiB that 400 products of different shapes leave behind in a new process."""
        own = {name: value for name, value in os.environ.items() if "CACHE_CAPACITY" not in name}
        command = [sys.executable, "-c", GROWTH, how]
        said = subprocess.run(command, env=own, capture_output=True, check=True, text=True)
        return sum(map(float, said.stdout.split()))

    as_it_comes = growth("as it comes")
    if as_it_comes < 100:
        pytest.skip(f"this machine's products keep {as_it_comes:.0f} MiB only")
    assert growth("kept") < as_it_comes / 2


@pytest.mark.parametrize("avx", [False, True])
@pytest.mark.parametrize("amx", [False, True])
def test_auto_is_bf16_where_the_processor_multiplies_it(avx, amx, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert chosen(Precision.auto) is (Precision.bf16 if avx or amx else Precision.fp32)
    assert chosen(Precision.bf16) is Precision.bf16
    assert chosen(Precision.fp32) is Precision.fp32


@pytest.mark.parametrize(("capability", "native"), [((7, 5), False), ((8, 0), True)])
def test_auto_is_bf16_on_gpus_that_do_not_emulate_it(capability, native, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    assert chosen(Precision.auto) is (Precision.bf16 if native else Precision.fp32)


def test_more_devices_than_gpus_are_refused_before_anything_is_paid(varied, head, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(UserError, match=r"model\.devices=2: this machine shows 1 GPU, and each"):
        varied(devices=2).preflight(head, reviews(4, 0))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    check_devices(2)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    check_devices(9)  # processes, then: they share the cores


def test_attention_is_torchs_own_once_a_student_has_computed(student, head, tmp_path):
    torch.backends.cuda.enable_cudnn_sdp(True)
    student.fit(head, reviews(8, 0), reviews(8, 1), seed=0, folder=tmp_path)
    assert not torch.backends.cuda.cudnn_sdp_enabled()
    assert torch.backends.cuda.flash_sdp_enabled()


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="reads Linux's own account")
def test_two_threads_of_one_core_count_once(monkeypatch):
    """Eight logical processors allowed, on four cores of two packages."""
    monkeypatch.undo()  # of the one core that these tests have
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))

    def read(path):
        cpu = int(path.parts[5].removeprefix("cpu"))
        return str(cpu // 4 if path.name == "physical_package_id" else cpu % 2)

    monkeypatch.setattr(Path, "read_text", read)
    assert cores() == 4


def test_threads_are_the_cores_shared_by_processes_and_then_as_before(monkeypatch):
    monkeypatch.setattr("s3.student.hardware.cores", lambda: 6)
    before = torch.get_num_threads()
    with all_cores():
        assert torch.get_num_threads() == 6
        use_cores(processes=4)
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_jobs_side_by_side_divide_the_cores(monkeypatch):
    monkeypatch.setattr("s3.student.hardware.cores", lambda: 6)
    monkeypatch.setenv(AT_ONCE, "3")
    with all_cores():
        assert torch.get_num_threads() == 2
        use_cores(processes=4)
        assert torch.get_num_threads() == 1
