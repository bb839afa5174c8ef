from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from s3.errors import UserError
from s3.llm import BudgetReached, Completion, OpenAI, OpenAIBatch, Prompt, Session, TooManyFailures
from s3.llm.store import Store
from s3.llm.types import Usage
from tests.server import FakeLLM

Serve = Callable[..., FakeLLM]


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")


def prompts(number: int) -> list[Prompt]:
    return [Prompt(f"Write review {i}.", reply_tokens=32) for i in range(number)]


def ask(endpoint: FakeLLM, number: int, **settings: Any) -> tuple[list[str], Usage]:
    llm = OpenAIBatch(base_url=endpoint.url, poll_seconds=0.05, **settings)
    with Session(llm, 0) as session:
        outcomes = list(session.complete(prompts(number)))
    return [outcome.text for outcome in outcomes if isinstance(outcome, Completion)], session.usage


def expected(endpoint: FakeLLM, number: int) -> list[str]:
    """What the same requests give one by one."""
    llm = OpenAI(base_url=endpoint.url)
    with Session(llm, 0) as session:
        return [c.text for c in session.complete(prompts(number)) if isinstance(c, Completion)]


def test_a_batch_brings_what_single_requests_bring_and_is_stored(serve: Serve) -> None:
    endpoint = serve(seconds=0.2)
    texts, usage = ask(endpoint, 60)
    assert len(set(texts)) == 60
    assert (usage.requests, len(endpoint.batches)) == (60, 1)
    # Half of the listed price: 0.75 and 4.50 dollars a million.
    assert usage.cost == pytest.approx(
        (usage.prompt_tokens * 0.75 + usage.completion_tokens * 4.5) / 2e6
    )
    assert expected(endpoint, 60) == texts  # all of them out of the store
    assert endpoint.requests == []


def test_what_expired_or_failed_is_submitted_again(serve: Serve) -> None:
    endpoint = serve(expire=7, fail=5)
    texts, usage = ask(endpoint, 40)
    assert len(texts) == 40
    assert usage.retries == 12
    assert [b["input_file_id"] and b["status"] for b in endpoint.batches] == [
        "expired",
        "completed",
    ]


def test_a_full_queue_is_waited_for_and_a_lost_answer_is_not_paid_twice(serve: Serve) -> None:
    endpoint = serve(broken=2, deaf=1)
    texts, _ = ask(endpoint, 10)
    assert len(texts) == 10
    assert len(endpoint.batches) == 3  # two that failed, one that was answered


RUN = """
import sys
from s3.llm import OpenAIBatch, Prompt, Session
with Session(OpenAIBatch(base_url=sys.argv[1], poll_seconds=0.05), 0, "first") as llm:
    prompts = [Prompt(f"Write review {i}.", reply_tokens=32) for i in range(30)]
    list(llm.complete(prompts))
"""


def test_a_killed_run_picks_up_the_batch_that_it_had_submitted(serve: Serve) -> None:
    endpoint = serve(seconds=2.0)
    process = subprocess.Popen([sys.executable, "-c", RUN, endpoint.url])
    while not endpoint.batches:
        time.sleep(0.01)
    process.kill()
    process.wait()
    texts, _ = ask(endpoint, 40)
    assert len(texts) == 40
    lines = [len(endpoint.files[b["input_file_id"]].splitlines()) for b in endpoint.batches]
    assert lines == [30, 10]


def test_caps_hold_for_batches(serve: Serve) -> None:
    endpoint = serve()
    with pytest.raises(BudgetReached, match="max_tokens"):
        ask(endpoint, 100, max_tokens=1000)
    lines = sum(len(endpoint.files[b["input_file_id"]].splitlines()) for b in endpoint.batches)
    assert (1000 - 112) // 20 <= lines <= 1000 // 19
    texts, usage = ask(endpoint, 100)
    assert (len(texts), usage.requests) == (100, 100 - lines)


def test_a_line_that_no_batch_answers_fails_in_the_end(serve: Serve) -> None:
    endpoint = serve(fail=3)
    with pytest.raises(TooManyFailures, match="3 server_error"):
        ask(endpoint, 10, attempts=1)


def test_without_a_key_it_says_so(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(UserError, match="OPENAI_API_KEY"):
        ask(serve(), 1)


def test_a_rejected_line_is_a_failure_and_all_others_are_stored(serve: Serve) -> None:
    endpoint = serve(reject=2)
    llm = OpenAIBatch(base_url=endpoint.url, poll_seconds=0.05, tolerated_failures=2)
    with Session(llm, 0) as session:
        outcomes = list(session.complete(prompts(20)))
    assert [failure.reason for failure in session.failures] == ["rejected", "rejected"]
    assert "Unrecognized argument" in session.failures[0].detail
    assert sum(isinstance(outcome, Completion) for outcome in outcomes) == 18
    assert len(endpoint.batches) == 1
    assert len(expected(endpoint, 20)) == 20
    assert len(endpoint.requests) == 2  # the others are in the store


def test_lines_that_make_a_batch_invalid_fail_and_the_others_go_in_again(serve: Serve) -> None:
    endpoint = serve(invalid=2)
    llm = OpenAIBatch(base_url=endpoint.url, poll_seconds=0.05, tolerated_failures=2)
    with Session(llm, 0) as session:
        outcomes = list(session.complete(prompts(10)))
    assert [failure.detail for failure in session.failures] == ["no such field"] * 2
    assert sum(isinstance(outcome, Completion) for outcome in outcomes) == 8
    assert len(endpoint.batches) == 2


def test_whoever_resumes_a_batch_stores_all_that_it_brings(serve: Serve) -> None:
    endpoint = serve(seconds=2.0)
    process = subprocess.Popen([sys.executable, "-c", RUN, endpoint.url])
    while not endpoint.batches:
        time.sleep(0.01)
    process.kill()
    process.wait()
    texts, usage = ask(endpoint, 3)  # another run wants three of its thirty
    assert (len(texts), usage.cost) == (3, 0.0)  # the one that submitted it pays
    with closing(Store()) as store:
        query = "SELECT run, requests, cost FROM ledger WHERE requests"
        ((run, requests, cost),) = store.database.execute(query).fetchall()
    assert (run, requests) == ("first", 30)
    assert cost > 0
    assert len(expected(endpoint, 30)) == 30
    assert (endpoint.requests, len(endpoint.batches)) == ([], 1)
