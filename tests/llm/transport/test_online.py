"""The online transport against an endpoint that misbehaves: what is tried again, and how."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from s3.errors import UserError
from s3.llm import Completion, Prompt, Session, TooManyFailures
from s3.llm.types import Usage
from tests.llm.conftest import server
from tests.server import FakeLLM

Serve = Callable[..., FakeLLM]


def ask(endpoint: FakeLLM, number: int, **settings: Any) -> tuple[Usage, float]:
    """Ask for completions, all of which must come; return what it took, and the seconds."""
    started = time.monotonic()
    with Session(server(endpoint, **settings), 0) as llm:
        prompts = [Prompt(f"Write review {i}.", reply_tokens=32) for i in range(number)]
        outcomes = list(llm.complete(prompts))
    assert all(isinstance(outcome, Completion) for outcome in outcomes)
    return llm.usage, time.monotonic() - started


def test_every_fault_is_mended_within_seconds(serve: Serve) -> None:
    endpoint = serve(
        delay=0.05, refuse=0.1, error=0.05, truncate=0.02, drop=0.02, empty=0.02, seed=1
    )
    usage, seconds = ask(endpoint, 200)
    assert seconds < 3 * 2  # the benchmark has the figure; a busy machine gets twice the time
    assert usage.requests == len(endpoint.requests) == 200 + usage.retries
    assert usage.rate_limited == endpoint.statuses[429] > 5


def test_one_slow_row_holds_up_no_other(serve: Serve) -> None:
    endpoint = serve(hang=0.02, seed=3)
    usage, seconds = ask(endpoint, 100, timeout=1.0, concurrency=5, max_concurrency=5)
    assert usage.retries >= 1
    assert seconds < 4


def test_a_429_that_says_how_long_pauses_all_and_costs_no_attempt(serve: Serve) -> None:
    endpoint = serve(rate=1200)
    usage, seconds = ask(endpoint, 60, attempts=1)
    assert seconds < 8  # 2 s is the best that the rate allows; a second for each refusal is 40
    assert usage.rate_limited < 60


def test_announced_limits_are_waited_for(serve: Serve) -> None:
    endpoint = serve(rate=1200, announce=True)
    usage, seconds = ask(endpoint, 60, attempts=1)
    assert seconds < 12
    assert usage.rate_limited < 200


def test_a_rate_that_is_known_meets_no_429(serve: Serve) -> None:
    endpoint = serve(rate=1200)
    usage, seconds = ask(endpoint, 60, requests_per_minute=1180)
    assert usage.rate_limited == 0
    assert seconds < 3.5


def test_tokens_a_minute_are_kept(serve: Serve) -> None:
    endpoint = serve()
    usage, seconds = ask(endpoint, 40, tokens_per_minute=20 * 30 * 60)
    # Half a second's burst of 15 requests' tokens, then those of 30 a second.
    assert (usage.tokens - 300) / 600 - 0.3 < seconds < 4


@pytest.mark.parametrize(
    ("status", "said", "advice"),
    [
        (401, "Incorrect API key", "API key"),
        (403, "no access", "API key"),
        (404, "The model does not exist", "llm.model"),
        (429, "You exceeded your current quota: insufficient_quota", "credit"),
        (400, "Unrecognized argument", "settings"),
        (302, "moved", "Redirects"),
    ],
)
def test_what_cannot_be_mended_stops_at_once(
    serve: Serve, status: int, said: str, advice: str
) -> None:
    endpoint = serve(status=status, said=said)
    with pytest.raises(UserError, match=advice):
        ask(endpoint, 300, concurrency=5, max_concurrency=5)
    assert len(endpoint.requests) <= 5


def test_a_wait_of_hours_is_not_waited_for(serve: Serve) -> None:
    endpoint = serve(status=429, said="daily limit", headers={"Retry-After": "40000"})
    with pytest.raises(UserError, match="40000 s"):
        ask(endpoint, 10)


def test_attempts_are_bounded(serve: Serve) -> None:
    endpoint = serve(status=500)
    with pytest.raises(TooManyFailures):
        ask(endpoint, 3, attempts=3)
    assert len(endpoint.requests) == 9


def test_an_endpoint_that_is_down_ends_the_run_early(serve: Serve) -> None:
    endpoint = serve(status=503)
    with pytest.raises(UserError, match="20 prompts in a row"):
        ask(endpoint, 5000, attempts=2, concurrency=20, max_concurrency=20)
    assert len(endpoint.requests) < 2000  # of 10,000


def test_a_prompt_with_an_empty_reply_gets_another_seed(serve: Serve) -> None:
    endpoint = serve(body=b'{"choices": [{"message": {"content": " "}}]}')
    with pytest.raises(TooManyFailures, match="1 empty"):
        ask(endpoint, 1, attempts=4)
    seeds = [request["seed"] for request in endpoint.requests]
    assert seeds[0] == seeds[1] != seeds[2] == seeds[3]


def test_concurrency_grows_while_all_goes_well_and_never_beyond_its_cap(serve: Serve) -> None:
    endpoint = serve(delay=0.1)
    _, grown = ask(endpoint, 300, concurrency=5, max_concurrency=100)
    assert grown < 300 / 5 * 0.1 / 2
    _, fixed = ask(serve(delay=0.1), 50, concurrency=5, max_concurrency=5)
    assert fixed >= 1.0
