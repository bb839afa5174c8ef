"""What holds for OpenAI's batches holds for Anthropic's and Mistral's, each in its own words."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from s3.errors import UserError
from s3.llm import BatchService, Completion, Prompt, Session
from s3.llm.types import Usage
from tests.llm.transport.bulk import KEY, AnthropicBulk, Bulk, MistralBulk

CONF = Path(__file__).parents[3] / "s3" / "conf" / "llm"
KINDS: dict[str, type[Bulk]] = {"anthropic": AnthropicBulk, "mistral": MistralBulk}
# How each says the same: a server's error, a request of its own that is refused, no credit.
FAULTS: dict[str, dict[str, Any]] = {
    "anthropic": {
        kind: {"type": "errored", "error": {"type": "error", "error": {"type": t, "message": said}}}
        for kind, t, said in (
            ("server", "api_error", "Internal server error"),
            ("own", "invalid_request_error", "messages: at least one message is required"),
            ("credit", "invalid_request_error", "Your credit balance is too low"),
        )
    },
    "mistral": {
        kind: {"status_code": status, "body": {"object": "error", "message": said}}
        for kind, status, said in (
            ("server", 500, "Internal server error"),
            ("own", 422, "messages: at least one message is required"),
            ("credit", 402, "insufficient funds: see billing"),
        )
    },
}
ENDS: dict[str, dict[str, Any]] = {
    "anthropic": {
        "cancelled": {"cancel_initiated_at": "2026-01-01T00:00:00Z"},
        "unknown": {"processing_status": "paused"},
    },
    "mistral": {"cancelled": {"status": "CANCELLED"}, "unknown": {"status": "PAUSED"}},
}
GONE = {"anthropic": {"type": "canceled"}, "mistral": {"status_code": 0, "body": None}}


@pytest.fixture(params=KINDS)
def kind(request: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-another-service")
    for name in KINDS:
        monkeypatch.setenv(f"{name.upper()}_API_KEY", KEY)
    return str(request.param)


@pytest.fixture
def bulk(kind: str) -> Iterator[Bulk]:
    with KINDS[kind]() as stand_in:
        yield stand_in


def service(kind: str, url: str, **settings: Any) -> BatchService:
    """The LLM of a YAML, at a stand-in."""
    written: Any = OmegaConf.to_container(OmegaConf.load(CONF / f"{kind}_batch.yaml"))
    assert written.pop("defaults")[0] == "/schema/BatchService@_here_"
    here = {"base_url": url, "poll_seconds": 0.02, "attempts": 3}
    return BatchService(**{**written, **here, **settings})


def ask(kind: str, bulk: Bulk, number: int, **settings: Any) -> tuple[list[str], Usage, Session]:
    with Session(service(kind, bulk.url, **settings), 0, "run") as session:
        outcomes = list(session.complete(prompts(number)))
    return [c.text for c in outcomes if isinstance(c, Completion)], session.usage, session


def prompts(number: int) -> list[Prompt]:
    return [Prompt(f"Write review {i}.", "You write.", reply_tokens=32) for i in range(number)]


def test_a_batch_is_answered_stored_and_paid_at_half_the_price(kind: str, bulk: Bulk) -> None:
    texts, usage, _ = ask(kind, bulk, 12)
    assert (len(set(texts)), [len(lines) for lines in bulk.lines]) == (12, [12])
    price = service(kind, bulk.url).price()
    assert price
    cost = usage.prompt_tokens * price.input + usage.completion_tokens * price.output
    assert usage.cost == pytest.approx(cost) != 0
    again, usage, _ = ask(kind, bulk, 12)
    assert (again, usage.stored, len(bulk.lines)) == (texts, 12, 1)


def test_the_body_is_the_protocols_own(kind: str, bulk: Bulk) -> None:
    ask(kind, bulk, 1)
    line = bulk.lines[0][0]
    (body,) = (line[name] for name in ("body", "params") if name in line)
    protocol = service(kind, bulk.url).make_protocol()
    assert protocol.body(prompts(1)[0]).items() <= body.items()


def test_a_servers_error_is_asked_again_and_a_refused_request_is_a_failure(
    kind: str, bulk: Bulk
) -> None:
    bulk.faults = [FAULTS[kind][name] for name in ("server", "own", "server")]
    texts, usage, session = ask(kind, bulk, 12, tolerated_failures=1)
    assert [len(lines) for lines in bulk.lines] == [12, 2]
    assert (len(set(texts)), usage.retries) == (11, 2)
    assert [failure.reason for failure in session.failures] == ["rejected"]
    assert "at least one message" in session.failures[0].detail


def test_spent_credit_is_said_and_what_came_before_is_kept(kind: str, bulk: Bulk) -> None:
    bulk.faults = [FAULTS[kind]["credit"]] * 5
    with pytest.raises(UserError, match="credit or limit is used up"):
        ask(kind, bulk, 12)
    assert len(set(ask(kind, bulk, 12)[0])) == 12
    assert [len(lines) for lines in bulk.lines] == [12, 5]


def test_a_cancelled_batch_keeps_what_it_brought(kind: str, bulk: Bulk) -> None:
    bulk.ends, bulk.faults = [ENDS[kind]["cancelled"]], [GONE[kind]] * 4
    with pytest.raises(UserError, match=r"cancelled.* 8 of 12 "):
        ask(kind, bulk, 12)
    assert len(set(ask(kind, bulk, 12)[0])) == 12
    assert [len(lines) for lines in bulk.lines] == [12, 4]


def test_an_unknown_status_is_waited_for(kind: str, bulk: Bulk) -> None:
    bulk.ends = [ENDS[kind]["unknown"]]
    with pytest.raises(UserError, match="for long"):
        ask(kind, bulk, 12)
    bulk.batches[0].update(over=False)
    assert len(set(ask(kind, bulk, 12)[0])) == 12
    assert len(bulk.lines) == 1


def test_a_submission_whose_answer_was_lost_is_not_paid_twice(kind: str) -> None:
    with KINDS[kind](deaf=1) as bulk:
        assert len(set(ask(kind, bulk, 12)[0])) == 12
        assert len(bulk.lines) == 1


def test_what_is_too_large_at_once_goes_in_parts(kind: str) -> None:
    with KINDS[kind](largest=1500) as bulk:
        assert len(set(ask(kind, bulk, 12)[0])) == 12
        sizes = [len(lines) for lines in bulk.lines]
        assert len(sizes) > 1
        assert sum(sizes) == 12


RUN = """
import sys
from tests.llm.transport.test_bulk_apis import prompts, service
from s3.llm import Session
with Session(service(sys.argv[1], sys.argv[2]), 0, "first") as llm:
    list(llm.complete(prompts(30)))
"""


def test_a_killed_run_picks_up_its_batch(kind: str) -> None:
    with KINDS[kind](seconds=2.0) as bulk:
        process = subprocess.Popen([sys.executable, "-c", RUN, kind, bulk.url])
        while not bulk.batches:
            time.sleep(0.01)
        process.kill()
        process.wait()
        texts, _, _ = ask(kind, bulk, 40)
        assert len(set(texts)) == 40
        assert sorted(len(lines) for lines in bulk.lines) == [10, 30]


def test_a_job_that_mistral_finds_invalid_is_submitted_again(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", KEY)
    failed = {"status": "FAILED", "output_file": None, "errors": [{"message": "bad file"}]}
    with MistralBulk() as bulk:
        bulk.ends = [failed]
        assert len(set(ask("mistral", bulk, 12)[0])) == 12
        assert len(bulk.lines) == 2
    assert "bad file" in capfd.readouterr().err


def test_of_several_batches_at_anthropic_the_one_with_our_requests_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    with AnthropicBulk(deaf=2) as bulk:
        other = [Prompt(f"Translate {i}.", reply_tokens=32) for i in range(12)]
        with Session(service("anthropic", bulk.url, attempts=1), 0) as session:
            list(session.complete(other))
        assert len(set(ask("anthropic", bulk, 12)[0])) == 12
        assert len(bulk.lines) == 2
