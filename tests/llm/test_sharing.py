"""The store while others hold it, while its disk is full, and two processes that ask the same."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from s3.llm import Completion, Session
from s3.llm.errors import StoreError
from s3.llm.store import Store
from s3.llm.transport import saving
from tests.llm.conftest import server
from tests.llm.test_session import prompts
from tests.server import FakeLLM

Serve = Callable[..., FakeLLM]

ASKING = """
import sys
from s3.llm import Completion, Prompt, Server, Session
asked = [Prompt(f"Write review {i}.", reply_tokens=32) for i in range(int(sys.argv[2]))]
llm = Server(base_url=sys.argv[1], model="test", concurrency=8, max_concurrency=8)
with Session(llm, 0) as session:
    assert all(isinstance(one, Completion) for one in session.complete(asked))
"""


def asking(endpoint: FakeLLM, number: int, before: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", before + ASKING, endpoint.url, str(number)]
    return subprocess.Popen(command, text=True, stderr=subprocess.PIPE)


def stored() -> int:
    ((count,),) = Store().database.query("SELECT count(*) FROM completions")
    return int(count)


def holding() -> sqlite3.Connection:
    """A program that has begun to write, and does not end."""
    other = sqlite3.connect(Store().path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_two_processes_that_ask_the_same_pay_for_it_once(serve: Serve) -> None:
    endpoint = serve(delay=0.2)
    both = [asking(endpoint, 100) for _ in range(2)]
    said = [one.communicate(timeout=120)[1] for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    assert len(endpoint.requests) == 100
    assert any("another process asks" in one for one in said)


BATCH = """
import sys
from s3.llm import Completion, OpenAIBatch, Prompt, Session
first, last = map(int, sys.argv[2:])
asked = [Prompt(f"Write review {i}.", reply_tokens=32) for i in range(first, last)]
with Session(OpenAIBatch(base_url=sys.argv[1], poll_seconds=0.1), 0) as session:
    assert all(isinstance(one, Completion) for one in session.complete(asked))
"""


@pytest.mark.parametrize("seconds", [0.0, 3.0])  # the one ends before the other looks, or after
def test_batches_that_overlap_are_paid_for_once(
    seconds: float, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two processes, and where lines fail the first time: who asks them again is one process."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    endpoint = serve(seconds=seconds, fail=2)
    spans = [(0, 20), (10, 30), (0, 20)]
    command = [sys.executable, "-c", BATCH, endpoint.url]
    all_ = [
        subprocess.Popen([*command, *map(str, span)], text=True, stderr=subprocess.PIPE)
        for span in spans
    ]
    said = [one.communicate(timeout=120)[1] for one in all_]
    assert [one.returncode for one in all_] == [0] * 3, said
    files = (endpoint.files[batch["input_file_id"]] for batch in endpoint.batches)
    assert sum(len(lines.splitlines()) for lines in files) == 30 + 2
    assert stored() == 30
    assert any("another process asks" in one for one in said) or not seconds


def test_who_waits_goes_on_when_the_other_dies(serve: Serve) -> None:
    endpoint = serve(delay=1.0)
    first = asking(endpoint, 40)
    while len(endpoint.requests) < 16:
        time.sleep(0.02)
    second = asking(endpoint, 40)
    time.sleep(1)
    first.kill()
    first.communicate()
    endpoint.manners.delay = 0.01
    said = second.communicate(timeout=60)[1]
    assert second.returncode == 0, said
    assert stored() == 40
    assert len(endpoint.requests) <= 40 + 8  # what was in flight


def test_while_the_store_is_locked_nothing_is_sent_and_nothing_is_lost(
    serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    endpoint = serve()
    other, sent = holding(), []

    def free() -> None:
        sent.append(len(endpoint.requests))
        other.rollback()

    threading.Timer(5, free).start()
    with Session(server(endpoint, concurrency=8, max_concurrency=8), 0) as llm:
        outcomes = list(llm.complete(prompts(100)))
    assert all(isinstance(one, Completion) for one in outcomes)
    assert (len(endpoint.requests), stored()) == (100, 100)
    assert sent[0] <= 8
    assert capfd.readouterr().err.count("Nothing more is sent") == 1


def test_a_store_that_stays_locked_ends_the_run_and_says_what_is_lost(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(saving, "STORING", 2.0)
    endpoint, other = serve(), holding()
    llm = Session(server(endpoint, concurrency=8, max_concurrency=8), 0)
    with pytest.raises(StoreError, match="Another program has it open"):
        list(llm.complete(prompts(100)))
    answered = len(endpoint.requests)
    assert answered <= 8
    other.rollback()
    llm.close()  # they are tried once more
    assert stored() == answered
    assert "lost" not in capfd.readouterr().err


FULL = """
import resource, threading
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, most))
threading.Timer(6, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))).start()
"""


def test_while_the_disk_is_full_nothing_is_sent_and_nothing_is_lost(serve: Serve) -> None:
    body = {"choices": [{"finish_reason": "stop", "message": {"content": "x" * 2000}}]}
    endpoint = serve(body=json.dumps(body).encode())
    one = asking(endpoint, 300, FULL)
    time.sleep(4)
    sent = len(endpoint.requests)
    said = one.communicate(timeout=60)[1]
    assert one.returncode == 0, said
    assert "Nothing more is sent" in said
    assert sent < 150
    assert (len(endpoint.requests), stored()) == (300, 300)


def test_a_cache_below_a_file_is_an_error_before_anything_is_sent(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").write_text("a file")
    monkeypatch.setenv("S3_CACHE", str(tmp_path / "x" / "cache"))
    endpoint = serve()
    with pytest.raises(StoreError, match="S3_CACHE"):
        Session(server(endpoint), 0)
    assert not endpoint.requests
