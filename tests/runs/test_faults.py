"""The fault table of docs/reliability.md: whole runs that something befalls."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from tests.runs.helpers import ROOT, finished, result, wait
from tests.runs.lab import Lab
from tests.server import FakeLLM, Manners

Serve = Callable[..., FakeLLM]
pytestmark = pytest.mark.slow  # whole runs of the command, half a minute each
OPTIONS = ["task=imdb", "method.rounds=1", "model.training=finetune", "wandb.mode=disabled"]
SLOWLY = ["llm.concurrency=2", "llm.max_concurrency=2"]
IN_FLIGHT = 2


def whole(lab: Lab, endpoint: FakeLLM) -> int:
    """Run undisturbed, with a store of its own; return how much that asked."""
    lab.run(endpoint, *OPTIONS, "root=whole", S3_CACHE=str(lab.folder / "cache-whole"))
    return len(endpoint.requests)


def same(lab: Lab) -> None:
    """The run came to the result of the undisturbed one."""
    assert result(lab.folders()[0]) == result(lab.folders("whole")[0])


def ended(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=240)
    assert "Traceback" not in output, output
    return output


@pytest.mark.timeout(1200)
def test_killed_at_twenty_moments(lab: Lab, serve: Serve):
    endpoint = serve(delay=0.1)
    sent = whole(lab, endpoint)

    def progress() -> int:
        return len(endpoint.requests) + len(list(lab.folder.glob("outputs/**/*")))

    for moment in range(20):
        before, process = progress(), lab.start(endpoint, *OPTIONS, *SLOWLY)
        while process.poll() is None and progress() < before + 1 + moment % 7:
            time.sleep(0.01)
        process.kill()
        process.communicate()
    lab.run(endpoint, *OPTIONS)
    same(lab)
    assert len(endpoint.requests) - sent <= sent + 20 * IN_FLIGHT


@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGINT], [signal.SIGINT] * 2])
def test_ended_by_signals(lab: Lab, serve: Serve, signals: list[signal.Signals]):
    endpoint = serve(delay=0.1)
    sent = whole(lab, endpoint)
    process = lab.start(endpoint, *OPTIONS, *SLOWLY)
    wait(lambda: len(endpoint.requests) > sent + 10, process)
    for one in signals:
        process.send_signal(one)
        time.sleep(0.1)
    ended(process)
    assert process.returncode != 0
    lab.run(endpoint, *OPTIONS)
    same(lab)
    assert len(endpoint.requests) - sent <= sent + IN_FLIGHT


LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)), resource.RLIM_INFINITY))
sys.argv[0] = "run.py"
runpy.run_path({!r}, run_name="__main__")
"""


@pytest.mark.parametrize(
    ("size", "said"),
    [(64_000, r"model\.safetensors: could not"), (900, r"config\.yaml: could not")],
)
def test_the_disk_is_full_for_what_a_run_writes(lab: Lab, serve: Serve, size: int, said: str):
    """No file may grow beyond a size: the weights, or already the configuration."""
    endpoint = serve()
    lab.run(endpoint, *OPTIONS, "root=whole")  # the store has all: it need not grow
    sent = len(endpoint.requests)
    code = LIMITED.format(str(ROOT / "run.py"))
    url = f"llm.base_url={endpoint.url}"
    done = subprocess.run(
        [sys.executable, "-c", code, str(size), *lab.options, url, *OPTIONS],
        cwd=lab.folder, capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert re.search(said, last)
    assert "Traceback" not in done.stderr
    lab.run(endpoint, *OPTIONS)
    assert len(lab.folders()) == 1
    assert len(endpoint.requests) == sent


def test_a_home_that_cannot_be_written(lab: Lab, serve: Serve):
    (lab.folder / "file").write_text("")
    home = str(lab.folder / "file" / "home")
    output = lab.run(serve(), *OPTIONS, "wandb.mode=offline", HOME=home)
    assert "Traceback" not in output
    assert "wandb sync" in output


def test_wandb_with_a_malformed_key_at_each_run(lab: Lab, serve: Serve):
    endpoint = serve(delay=0.1)
    key = {"WANDB_API_KEY": "not a key"}
    process = lab.start(endpoint, *OPTIONS, *SLOWLY, "wandb.mode=online", **key)
    wait(lambda: len(endpoint.requests) > 8, process)
    process.send_signal(signal.SIGINT)
    ended(process)
    output = lab.run(endpoint, *OPTIONS, "wandb.mode=online", **key)
    assert "kept offline" in output
    assert "Traceback" not in output


def test_the_same_run_twice_at_once(lab: Lab, serve: Serve):
    endpoint = serve(delay=1.0)
    first = lab.start(endpoint, *OPTIONS, *SLOWLY)
    wait(lambda: len(endpoint.requests) > 2, first)
    second = lab.start(endpoint, *OPTIONS, *SLOWLY)
    assert "another process is running this" in ended(second)
    assert second.returncode == 1
    ended(first)
    assert first.returncode == 0


def test_a_server_that_is_gone_for_ten_seconds(lab: Lab):
    with FakeLLM(None, Manners(delay=0.1)) as before:
        process = lab.start(before, *OPTIONS, *SLOWLY)
        wait(lambda: len(before.requests) > 10, process)
    time.sleep(10)
    with FakeLLM(None, Manners(), before.port):
        ended(process)
    assert process.returncode == 0
    assert len(finished(lab.folder / "outputs")) == 1


BACK = """
import runpy, sys, time
real = time.time
time.time = lambda: real() - 86_400
sys.argv[0] = "run.py"
runpy.run_path({!r}, run_name="__main__")
"""


def test_a_clock_that_is_set_back_a_day(lab: Lab, serve: Serve):
    endpoint = serve(delay=0.1)
    sent = whole(lab, endpoint)
    process = lab.start(endpoint, *OPTIONS, *SLOWLY)
    wait(lambda: len(endpoint.requests) > sent + 10, process)
    process.kill()
    process.communicate()
    url = f"llm.base_url={endpoint.url}"
    command = [sys.executable, "-c", BACK.format(str(ROOT / "run.py")), *lab.options, url, *OPTIONS]
    subprocess.run(command, cwd=lab.folder, check=True, capture_output=True, env=os.environ)
    same(lab)
    assert len(endpoint.requests) - sent <= sent + IN_FLIGHT
