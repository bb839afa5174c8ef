from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s3.llm import (
    BudgetReached,
    Completion,
    Failure,
    Prompt,
    Server,
    Session,
    TooManyFailures,
)
from tests.llm.conftest import server
from tests.server import FakeLLM, answer

Serve = Callable[..., FakeLLM]


def prompts(number: int, first: int = 0) -> list[Prompt]:
    return [Prompt(f"Write review {i}.", reply_tokens=32) for i in range(first, first + number)]


def texts(endpoint: FakeLLM, asked: list[Prompt], seed: int = 0) -> list[str]:
    with Session(server(endpoint), seed) as llm:
        outcomes = list(llm.complete(asked))
    assert all(isinstance(outcome, Completion) for outcome in outcomes)
    return [outcome.text for outcome in outcomes if isinstance(outcome, Completion)]


def test_completions_come_in_order_each_with_a_seed_of_its_own(serve: Serve) -> None:
    endpoint = serve(delay=0.01)
    got = texts(endpoint, prompts(120))
    by_prompt = {r["messages"][-1]["content"]: answer(r) for r in endpoint.requests}
    assert got == [by_prompt[prompt.text] for prompt in prompts(120)]
    assert len({request["seed"] for request in endpoint.requests}) == 120


def test_same_again_asks_nothing_one_edited_asks_one_fifty_more_ask_fifty(serve: Serve) -> None:
    endpoint = serve()
    asked = prompts(200)
    first = texts(endpoint, asked)
    assert texts(endpoint, asked) == first
    assert len(endpoint.requests) == 200
    asked[70] = Prompt("Write something else.", reply_tokens=32)
    again = texts(endpoint, asked)
    assert len(endpoint.requests) == 201
    assert [i for i in range(200) if again[i] != first[i]] == [70]
    assert texts(endpoint, asked + prompts(50, first=500))[:200] == again
    assert len(endpoint.requests) == 251


def test_the_same_prompt_gives_other_samples_and_the_same_ones_after_a_restart(
    serve: Serve,
) -> None:
    endpoint = serve()
    same = prompts(1) * 7
    first = texts(endpoint, same)
    assert len(set(first)) == 7
    assert texts(endpoint, same * 2)[:7] == first
    assert len(endpoint.requests) == 14


def test_samples_are_counted_over_the_calls_of_a_connection(serve: Serve) -> None:
    endpoint = serve()
    with Session(server(endpoint), 0) as llm:
        split = [next(llm.complete(prompts(1))) for _ in range(3)]
    assert [c.text for c in split if isinstance(c, Completion)] == texts(endpoint, prompts(1) * 3)
    assert len(endpoint.requests) == 3


def test_everything_that_decides_a_completion_is_in_its_key(serve: Serve) -> None:
    endpoint = serve()
    base = server(endpoint)
    others = [server(endpoint, temperature=0.5), server(endpoint, top_p=0.5)]
    others += [server(endpoint, model="other"), server(endpoint, protocol="completions")]
    for llm, seed in [(base, 0), (base, 1), *((other, 0) for other in others)]:
        before = len(endpoint.requests)
        with Session(llm, seed) as session:
            list(session.complete(prompts(1)))
        assert len(endpoint.requests) == before + 1
    changed = [Prompt("Write review 0.", reply_tokens=31), Prompt("Write review 0.", "Be brief.")]
    texts(endpoint, changed)
    assert len(endpoint.requests) == 8


def test_what_does_not_decide_a_completion_is_not(serve: Serve) -> None:
    endpoint = serve()
    first = texts(endpoint, prompts(5))
    llm = server(
        endpoint, concurrency=3, max_cost=1.0, input_price=1.0, output_price=1.0, timeout=9.0
    )
    with Session(llm, 0) as session:
        again = [c.text for c in session.complete(prompts(5)) if isinstance(c, Completion)]
    assert (again, len(endpoint.requests)) == (first, 5)


def test_servers_at_two_addresses_share_no_completions(serve: Serve) -> None:
    one, other = serve(), serve()
    texts(one, prompts(5))
    texts(other, prompts(5))
    assert (len(one.requests), len(other.requests)) == (5, 5)


def test_a_cap_on_requests_is_never_passed_and_a_higher_one_continues(serve: Serve) -> None:
    endpoint = serve(delay=0.01)
    got: list[object] = []
    with (
        Session(server(endpoint, max_requests=30), 0) as llm,
        pytest.raises(BudgetReached) as error,
    ):
        got.extend(llm.complete(prompts(100)))
    assert "llm.max_requests=30" in str(error.value)
    assert (len(got), len(endpoint.requests)) == (30, 30)
    texts(endpoint, prompts(100))
    assert len(endpoint.requests) == 100


@pytest.mark.parametrize("cap", [{"max_tokens": 2000}, {"max_cost": 0.002}])
def test_caps_on_tokens_and_money_hold_with_much_in_flight(
    serve: Serve, cap: dict[str, float]
) -> None:
    endpoint = serve(delay=0.02)
    llm = server(endpoint, input_price=1.0, output_price=1.0, **cap)
    with Session(llm, 0) as session, pytest.raises(BudgetReached):
        list(session.complete(prompts(500)))
    used = session.usage.tokens if "max_tokens" in cap else session.usage.cost
    limit = next(iter(cap.values()))
    one = 16 + 64 + 32  # tokens that a request of these reserves
    assert limit - one * (1 if "max_tokens" in cap else 1e-6) <= used <= limit


def test_what_a_run_paid_before_it_was_cut_counts_towards_its_caps(serve: Serve) -> None:
    endpoint = serve()
    with Session(server(endpoint), 0, run="mine") as llm:
        list(llm.complete(prompts(20)))
    with Session(server(endpoint, max_requests=25), 0, run="mine") as llm:
        with pytest.raises(BudgetReached):
            list(llm.complete(prompts(40)))
        assert llm.usage.stored == 20
    assert len(endpoint.requests) == 25


def test_failures_are_listed_at_the_end_and_everything_else_is_kept(serve: Serve) -> None:
    endpoint = serve(error=0.3, seed=3)
    llm = server(endpoint, attempts=1)
    with Session(llm, 0) as session, pytest.raises(TooManyFailures) as error:
        list(session.complete(prompts(60), "reviews"))
    failed = len(error.value.failures)
    assert "reviews" in str(error.value)
    assert f"{failed} server_error" in str(error.value)
    assert failed == endpoint.statuses[500] == len(session.failures) == session.usage.failures
    endpoint.manners.error = 0
    texts(endpoint, prompts(60))
    assert len(endpoint.requests) == 60 + failed


def test_tolerated_failures_take_their_place_in_line(serve: Serve) -> None:
    endpoint = serve(error=0.3, seed=3)
    with Session(server(endpoint, attempts=1, tolerated_failures=60), 0) as llm:
        outcomes = list(llm.complete(prompts(60)))
    assert len(outcomes) == 60
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    assert failures == llm.failures
    assert failures[0].prompt == prompts(60)[outcomes.index(failures[0])]


def test_a_prompt_that_is_too_long_is_skipped_and_counted(serve: Serve) -> None:
    endpoint = serve(context=50)
    asked = [*prompts(3), Prompt("x" * 60), *prompts(2, first=9)]
    with Session(server(endpoint), 0) as llm:
        outcomes = list(llm.complete(asked))
    assert [isinstance(outcome, Failure) for outcome in outcomes].index(True) == 3
    assert [failure.reason for failure in llm.failures] == ["too_long"]
    assert len(endpoint.requests) == 6


@pytest.mark.parametrize("about", [{"max_model_len": 200}, {"meta": {"n_ctx_train": "200"}}])
def test_a_prompt_that_has_no_chance_by_the_list_of_models_is_not_sent(
    serve: Serve, about: dict[str, Any]
) -> None:
    endpoint = serve(models=[{"id": "another", "max_model_len": 1}, {"id": "test", **about}])
    asked = [Prompt("word " * 300, reply_tokens=8), Prompt("word " * 30, reply_tokens=8)]
    with Session(server(endpoint), 0) as llm:
        long, short = llm.complete(asked)
    assert isinstance(long, Failure)
    assert (long.reason, isinstance(short, Completion)) == ("too_long", True)
    assert "takes 200: not sent" in long.detail
    assert endpoint.asked == [asked[1].text]


def test_a_prompt_that_is_too_long_is_sent_once_however_often_it_is_asked(serve: Serve) -> None:
    endpoint = serve(context=50)
    with Session(server(endpoint), 0) as llm:
        for _ in range(5):
            list(llm.complete([Prompt("x" * 60), *prompts(1)]))
    assert [failure.reason for failure in llm.failures] == ["too_long"] * 5
    assert len([text for text in endpoint.asked if "x" in text]) == 1


def priced(endpoint: FakeLLM, **settings: Any) -> Server:
    return server(endpoint, input_price=1.0, output_price=2.0, **settings)


def cost(endpoint: FakeLLM) -> float:
    """What the responses that the endpoint gave cost: 4 tokens a prompt, 16 words a reply."""
    return endpoint.statuses[200] * (4 * 1 + 16 * 2) / 1e6


USAGE = {"prompt_tokens": 4, "completion_tokens": 16}


def test_what_was_paid_is_the_runs_own_and_another_attempt_begins_at_nothing(serve: Serve) -> None:
    endpoint = serve(usage=USAGE)
    with Session(priced(endpoint), 0, "mine") as llm:
        list(llm.complete(prompts(10)))
        assert llm.paid == pytest.approx(llm.usage.cost) == pytest.approx(cost(endpoint))
    with Session(priced(endpoint), 0, "mine") as llm:
        list(llm.complete(prompts(12)))
        assert llm.paid == pytest.approx(cost(endpoint))  # of both processes
    with Session(priced(endpoint), 0, "again") as llm:
        list(llm.complete(prompts(12)))
        assert (llm.paid, llm.usage.stored) == (0.0, 12)
    with Session(priced(endpoint), 0, "again") as llm:
        list(llm.complete(prompts(13)))
        assert llm.paid == pytest.approx(cost(endpoint) / 13)


def test_a_price_that_is_not_known_is_said_once(
    serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    said = "has no price that is known"
    with Session(server(serve()), 0) as llm:
        assert not llm.priced
        for _ in range(2):
            list(llm.complete(prompts(2)))
    assert capfd.readouterr().err.count(said) == 1
    with Session(server(serve(), input_price=0, output_price=0), 0) as llm:  # one's own
        assert llm.priced
        list(llm.complete(prompts(2)))
    assert said not in capfd.readouterr().err


def test_empty_replies_are_paid_for_too(serve: Serve) -> None:
    endpoint = serve(empty=0.3, seed=1, usage=USAGE)
    with Session(priced(endpoint), 0, "mine") as llm:
        list(llm.complete(prompts(30)))
        assert endpoint.statuses[200] > 30
        assert llm.paid == pytest.approx(cost(endpoint))
        assert llm.usage.cost == pytest.approx(cost(endpoint))


def test_two_runs_at_once_each_know_what_they_paid(serve: Serve) -> None:
    endpoint = serve(delay=0.3, usage=USAGE)
    with Session(priced(endpoint), 0, "one") as one, Session(priced(endpoint), 0, "two") as two:
        one._fill(line := deque(), iter(prompts(5)))  # under way ...
        list(two.complete(prompts(5)))  # ... and paid for by another as well
        while any(request.outcome is None for request in line):
            time.sleep(0.01)
        assert endpoint.statuses[200] == 10
        assert one.paid == pytest.approx(two.paid) == pytest.approx(cost(endpoint) / 2)


def test_where_no_usage_is_stated_caps_bind_by_an_estimate_and_it_is_said_once(
    serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    endpoint = serve(usage={})
    with Session(priced(endpoint, max_tokens=3000), 0) as llm:
        list(llm.complete(prompts(3)))
        with pytest.raises(BudgetReached):
            list(llm.complete(prompts(500, first=9)))
    said = capfd.readouterr().err
    assert said.count("states no usage") == 1
    assert llm.usage.unstated == endpoint.statuses[200] < 500
    assert llm.usage.cost > 0
    assert 2800 < llm.usage.tokens <= 3000


def test_a_caller_that_stops_early_stops_the_sending(serve: Serve) -> None:
    endpoint = serve(delay=0.05)
    with Session(server(endpoint, concurrency=5, max_concurrency=5), 0) as llm:
        replies = llm.complete(prompts(500))
        next(replies)
        replies.close()  # type: ignore[attr-defined]
        time.sleep(1)  # what was on its way has arrived, on a busy machine too
        sent = len(endpoint.requests)
        time.sleep(0.3)
        assert len(endpoint.requests) == sent < 30
        assert isinstance(next(llm.complete(prompts(1, first=900))), Completion)


def test_prompts_stream_through(serve: Serve) -> None:
    endpoint = serve()
    asked = 0

    def source() -> object:
        nonlocal asked
        for asked, prompt in enumerate(prompts(6000), 1):  # noqa: B007
            yield prompt

    with Session(server(endpoint), 0) as llm:
        replies = llm.complete(source())  # type: ignore[arg-type]
        next(replies)
        assert asked <= 2100


def test_ctrl_c_ends_at_once_and_keeps_what_arrived(serve: Serve) -> None:
    endpoint = serve(delay=0.2)

    def interrupt() -> None:
        while sum(endpoint.answered.values()) < 30:  # of a busy machine, most are not read yet
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt), Session(server(endpoint, concurrency=5), 0) as llm:
        list(llm.complete(prompts(5000)))
    ended = time.monotonic()
    answered = sum(endpoint.answered.values())
    before = len(endpoint.requests)
    with Session(server(endpoint), 0) as llm:
        replies = llm.complete(prompts(before))
        assert sum(isinstance(r, Completion) for r in replies) == before
    assert llm.usage.stored >= answered - llm.usage.requests
    assert llm.usage.stored > 5
    assert time.monotonic() - ended < 5


KILLED = """
import sys
from s3.llm import Prompt, Server, Session
with Session(Server(base_url=sys.argv[1], model="test"), 0) as llm:
    for _ in llm.complete([Prompt(f"Write review {i}.", reply_tokens=32) for i in range(2000)]):
        pass
"""


def test_a_killed_process_loses_only_what_was_in_flight(serve: Serve, cache: Path) -> None:
    endpoint = serve(delay=0.05)
    process = subprocess.Popen([sys.executable, "-c", KILLED, endpoint.url])
    while len(endpoint.requests) < 400:
        time.sleep(0.01)
    process.kill()
    process.wait()
    time.sleep(0.2)
    sent = len(endpoint.requests)
    got = texts(endpoint, prompts(2000))
    assert len(endpoint.requests) - 2000 <= 200  # max_concurrency: what can have been in flight
    assert len(endpoint.requests) > sent
    replies = {r["messages"][-1]["content"]: answer(r) for r in endpoint.requests}
    assert got == [replies[prompt.text] for prompt in prompts(2000)]


def test_a_cap_on_cost_needs_a_price(serve: Serve) -> None:
    with pytest.raises(Exception, match=r"llm\.input_price"):
        Session(server(serve(), max_cost=1.0), 0)


def test_importing_the_engine_imports_nothing_heavy() -> None:
    heavy = ["aiohttp", "torch", "transformers", "xllamacpp", "openai", "datasets", "wandb"]
    code = f"import sys, s3.llm; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
