"""Several servers of one model: load, one that dies and comes back, the keys of the store."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from s3.llm import Completion, Prompt, Server, Session
from s3.llm.errors import TooManyFailures
from tests.server import FakeLLM, Manners

Serve = Callable[..., FakeLLM]
PROMPTS = [Prompt(f"Write review {i}.", reply_tokens=32) for i in range(300)]


def several(*urls: str, concurrency: int = 10, attempts: int = 10) -> Server:
    return Server(
        base_url=list(urls), model="test", concurrency=concurrency, max_concurrency=concurrency,
        attempts=attempts,
    )  # fmt: skip


def texts(llm: Server, prompts: list[Prompt]) -> list[str]:
    with Session(llm, 0) as session:
        outcomes = list(session.complete(prompts))
    assert all(isinstance(one, Completion) for one in outcomes)
    return [one.text for one in outcomes if isinstance(one, Completion)]


def test_a_server_that_dies_gives_its_work_to_the_other_and_gets_some_when_it_is_back(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    steady, manners = serve(delay=0.1), Manners(delay=0.1)
    dying, back = FakeLLM(None, manners).__enter__(), None
    llm, got = several(steady.url, dying.url), []
    with Session(llm, 0) as session:
        for number, outcome in enumerate(session.complete(PROMPTS)):
            assert isinstance(outcome, Completion)
            got.append(outcome.text)
            if number == 50:
                before = len(dying.requests)
                dying.__exit__()
            if number == 100:
                back = FakeLLM(None, manners, dying.port).__enter__()
    assert back
    back.__exit__()
    assert before > 15  # half of the first, by load
    assert 30 < len(back.requests) < 150
    # What was in flight at the dead one, and single requests that looked whether it is back.
    assert session.usage.retries < 20
    said = capsys.readouterr().err
    assert said.count(f"{dying.url} fails") == said.count(f"{dying.url} answers again") == 1
    # Who answered is in no key: the first alone has them all in the store.
    alone = Server(base_url=steady.url, model="test", max_requests=0)
    assert alone.identity() == llm.identity()
    assert texts(alone, PROMPTS) == got


def test_the_slower_server_gets_less(serve: Serve) -> None:
    fast, slow = serve(delay=0.02), serve(delay=0.3)
    texts(several(slow.url, fast.url), PROMPTS[:100])
    assert len(slow.requests) * 2 < len(fast.requests)


def test_a_server_that_answers_errors_only_costs_no_prompt(serve: Serve) -> None:
    ill, well = serve(status=503), serve(delay=0.05)
    texts(several(ill.url, well.url, attempts=3), PROMPTS[:100])
    assert len(ill.requests) < 20 < len(well.requests)


def test_where_all_are_down_the_run_ends_as_with_one(serve: Serve) -> None:
    ill = [serve(status=503) for _ in range(2)]
    with (
        pytest.raises(TooManyFailures),
        Session(several(*(o.url for o in ill), attempts=2), 0) as s,
    ):
        list(s.complete(PROMPTS[:4]))
    assert all(one.requests for one in ill)


@pytest.mark.parametrize("urls", [[], ["http://a/v1", "http://a/v1/"], ["http://a/v1", "b"]])
def test_addresses_that_cannot_be_are_refused(urls: list[str]) -> None:
    with pytest.raises(ValueError, match="base_url"):
        several(*urls)


def test_a_key_in_the_second_address_is_refused() -> None:
    with pytest.raises(ValueError, match="no user or password"):
        several("http://a/v1", "http://me:word@b/v1")
