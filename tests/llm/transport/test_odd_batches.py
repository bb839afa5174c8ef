"""One bad item costs nothing of what is paid, and no failure of a batch repeats itself for ever."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from typer.testing import CliRunner

from s3.commands.app import app
from s3.errors import UserError
from s3.llm import Completion, OpenAIBatch, Prompt, Session, TooManyFailures
from s3.llm.types import Usage
from tests.llm.transport.odd import OddBatches, edited, html, said
from tests.server import Json

BILLING = {"code": "billing_hard_limit_reached", "message": "Billing hard limit has been reached"}
INVALID = {"code": "invalid_file", "message": "the file could not be read yet"}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")


def ask(endpoint: OddBatches, number: int, **settings: Any) -> tuple[list[str], Usage, Session]:
    """What a run of a command brings."""
    settings = {"poll_seconds": 0.02, "attempts": 3, **settings}
    with Session(OpenAIBatch(base_url=endpoint.url, **settings), 0) as session:
        prompts = [Prompt(f"Write review {i}.", reply_tokens=32) for i in range(number)]
        outcomes = list(session.complete(prompts))
    return [c.text for c in outcomes if isinstance(c, Completion)], session.usage, session


def stored(endpoint: OddBatches, number: int) -> bool:
    """Whether the same command has all it needs."""
    before = len(endpoint.batches)
    texts, usage, _ = ask(endpoint, number)
    return (len(texts), usage.stored, len(endpoint.batches)) == (number, number, before)


def body(line: Json) -> Json:
    return line["response"]["body"]


def broken(text: bytes) -> Callable[[Json], bytes]:
    return lambda line: text


ITEMS: dict[str, tuple[Callable[[Json], object], str]] = {
    "no id": (lambda line: line.pop("custom_id"), "1 unknown_id"),
    "an id that is a list": (lambda line: line.update(custom_id=[1]), "1 unknown_id"),
    "an id that nobody asked": (lambda line: line.update(custom_id="x-0"), "1 unknown_id"),
    "a cut line": (lambda line: json.dumps(line).encode()[:90], "1 truncated"),
    "no JSON": (broken(b"<html>"), "1 no_json"),
    "an event": (broken(b"data: {}"), "1 no_json"),
    "half a character": (broken(b"\xff\xfe"), "1 "),
    "a list": (broken(b"[1, 2]"), "1 unparsable"),
    "absurd depth": (broken(b"[" * 200_000), "1 "),
    "a response that is a text": (lambda line: line.update(response="none"), "1 server_error"),
    "no status": (lambda line: line["response"].update(status_code=0), "1 server_error"),
    "no body": (lambda line: line["response"].update(body=None), "1 unparsable"),
    "no choices": (lambda line: body(line).pop("choices"), "1 unparsable"),
    "choices of another kind": (lambda line: body(line).update(choices={"a": 1}), "1 unparsable"),
    "a server's error": (lambda line: line["response"].update(status_code=503), "1 server_error"),
    "a timeout": (
        lambda line: line.update(response=None, error={"code": "request_timeout"}),
        "1 timeout",
    ),
}


@pytest.mark.parametrize("item", ITEMS)
def test_of_one_bad_line_all_others_are_kept_and_its_prompt_is_asked_again(
    item: str, capfd: pytest.CaptureFixture[str]
) -> None:
    edit, counted = ITEMS[item]
    with OddBatches(edited(3, edit)) as endpoint:
        texts, usage, _ = ask(endpoint, 12)
        assert len(set(texts)) == 12
        assert (endpoint.lines, usage.retries) == ([12, 1], 1)
        assert stored(endpoint, 12)
    assert f"1 of 12 lines hold no completion ({counted}" in capfd.readouterr().err


@pytest.mark.parametrize(
    "usage",
    ["12", [], {"prompt_tokens": "7", "completion_tokens": "9"}, {"prompt_tokens": -3}, None],
)
def test_a_reply_with_odd_usage_is_stored_at_once(usage: object) -> None:
    with OddBatches(edited(0, lambda line: body(line).update(usage=usage))) as endpoint:
        texts, used, _ = ask(endpoint, 12)
        assert (len(set(texts)), endpoint.lines) == (12, [12])
        assert used.tokens > 0
        assert stored(endpoint, 12)


@pytest.mark.parametrize("number", [b"1e999", b"9" * 5000])
def test_a_number_without_bounds_states_nothing(number: bytes) -> None:
    def edit(line: Json) -> bytes:
        body(line)["usage"]["prompt_tokens"] = "HERE"
        return json.dumps(line).encode().replace(b'"HERE"', number)

    with OddBatches(edited(0, edit)) as endpoint:
        assert len(set(ask(endpoint, 12)[0])) == 12
        assert endpoint.lines == [12]
        assert stored(endpoint, 12)


@pytest.mark.parametrize("status", [200, 400, 500])
def test_half_a_surrogate_pair_in_a_line_costs_nothing(status: int) -> None:
    def edit(line: Json) -> None:
        body(line)["choices"][0]["message"]["content"] = "Good \ud800."
        body(line)["error"] = {"message": "bad \ud800"} if status != 200 else None
        line["response"]["status_code"] = status

    with OddBatches(edited(0, edit)) as endpoint:
        texts, _, session = ask(endpoint, 12, tolerated_failures=1)
        assert (len(set(texts)), len(session.failures)) == ((11, 1) if status == 400 else (12, 0))
        assert endpoint.lines == ([12, 1] if status == 500 else [12])


def test_an_answer_that_is_also_an_error_is_an_answer() -> None:
    def alter(good: list[bytes], bad: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        ids = [json.loads(line)["custom_id"] for line in good]
        error = {"response": {"status_code": 500, "body": {"error": {"message": "no"}}}}
        return good, [json.dumps({"custom_id": id, **error}).encode() for id in ids]

    with OddBatches(alter) as endpoint:
        texts, usage, session = ask(endpoint, 12)
        assert (len(set(texts)), endpoint.lines, usage.retries) == (12, [12], 0)
        assert session.failures == []
        assert stored(endpoint, 12)


def test_a_second_answer_to_the_same_request_is_paid_for_and_not_used() -> None:
    with OddBatches() as plain:
        _, once, _ = ask(plain, 12)
    with OddBatches(lambda good, bad: (good + good[:1], bad)) as endpoint:
        texts, twice, _ = ask(endpoint, 12)
        assert (len(set(texts)), endpoint.lines) == (12, [12])
        assert twice.tokens > once.tokens
        assert stored(endpoint, 12)


def test_the_key_inside_a_reply_is_part_of_the_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    with OddBatches(rule=lambda prompt, seed: f"A test of {prompt}") as endpoint:
        assert ask(endpoint, 2)[0] == ["A test of Write review 0.", "A test of Write review 1."]


def test_a_batch_that_failed_validation_goes_in_again(capfd: pytest.CaptureFixture[str]) -> None:
    failed = {"status": "failed", "errors": {"data": [INVALID]}}
    with OddBatches(ends=[failed, {}]) as endpoint:
        assert len(ask(endpoint, 12)[0]) == 12
        assert endpoint.lines == [12, 12]
    assert "could not be read yet" in capfd.readouterr().err


def test_one_that_always_fails_ends_the_run_and_the_next_command_submits_it() -> None:
    failed = {"status": "failed", "errors": {"data": [INVALID]}}
    with OddBatches(ends=[failed]) as endpoint:
        with pytest.raises(UserError, match="could not be read yet"):
            ask(endpoint, 12)
        assert endpoint.lines == [12, 12, 12]
        endpoint.ends = [{}]
        assert len(ask(endpoint, 12)[0]) == 12


def test_what_a_failed_batch_has_brought_is_kept() -> None:
    failed = {"status": "failed", "errors": {"data": [INVALID]}, "output": True}
    with OddBatches(lambda good, bad: (good[:8], bad), ends=[failed, {}]) as endpoint:
        assert len(set(ask(endpoint, 12)[0])) == 12
        assert endpoint.lines == [12, 4]
        assert stored(endpoint, 12)


def test_a_cancelled_batch_stops_the_run_and_the_next_command_submits_the_rest() -> None:
    with OddBatches(
        lambda good, bad: (good[:5], bad), ends=[{"status": "cancelled"}, {}]
    ) as endpoint:
        with pytest.raises(UserError, match=r"cancelled.*5 of 12 .*run the same command"):
            ask(endpoint, 12)
        assert endpoint.lines == [12]
        assert len(set(ask(endpoint, 12)[0])) == 12
        assert endpoint.lines == [12, 7]


def test_a_status_that_nobody_knows_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    paused = [said({"id": "batch-0", "status": "paused"}) for _ in range(4)]
    with OddBatches(answers={"GET /batches/batch-0": paused}) as endpoint:
        texts, usage, _ = ask(endpoint, 12, attempts=1)
        assert (len(texts), endpoint.lines, usage.retries) == (12, [12], 0)
    assert capfd.readouterr().err.count("'paused'") == 1


@pytest.mark.parametrize(
    "answers",
    [
        {"GET /batches/batch-0": [html(), html()]},
        {"GET /files/file-1/content": [said({}, 503) for _ in range(3)]},
    ],
)
def test_a_look_at_a_batch_may_fail(
    answers: dict[str, list[web.Response]], capfd: pytest.CaptureFixture[str]
) -> None:
    with OddBatches(answers=answers) as endpoint:
        texts, _, _ = ask(endpoint, 12)
        assert (len(texts), endpoint.lines) == (12, [12])
    assert capfd.readouterr().err.count("could not be looked at") == 1


def test_one_that_stays_ends_the_run_and_the_batch_is_not_lost() -> None:
    paused = [said({"id": "batch-0", "status": "paused"}) for _ in range(12)]
    with OddBatches(answers={"GET /batches/batch-0": paused}) as endpoint:
        with pytest.raises(UserError, match="unknown status 'paused', for long"):
            ask(endpoint, 12)
        assert len(ask(endpoint, 12)[0]) == 12
        assert endpoint.lines == [12]


def test_a_billing_limit_is_shown_as_one() -> None:
    failed = {"status": "failed", "errors": {"data": [BILLING]}}
    with OddBatches(ends=[failed, {}]) as endpoint:
        with pytest.raises(UserError, match=r"credit or limit is used up.*Billing hard limit"):
            ask(endpoint, 12)
        assert endpoint.lines == [12]
        assert len(ask(endpoint, 12)[0]) == 12


def test_a_billing_limit_met_half_way_keeps_what_came() -> None:
    def alter(good: list[bytes], bad: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        error = {"status_code": 429, "body": {"error": {"code": "insufficient_quota"}}}
        ids = [json.loads(line)["custom_id"] for line in good[7:]]
        return good[:7], [json.dumps({"custom_id": i, "response": error}).encode() for i in ids]

    with OddBatches(alter) as endpoint:
        with pytest.raises(UserError, match="credit or limit is used up"):
            ask(endpoint, 12)
        assert len(ask(endpoint, 12)[0]) == 12
        assert endpoint.lines == [12, 5]


def test_a_file_that_is_too_large_goes_in_parts() -> None:
    with OddBatches(largest=1200) as endpoint:
        assert len(set(ask(endpoint, 12)[0])) == 12
        assert max(endpoint.lines) < 6
        assert sum(endpoint.lines) == 12
        assert stored(endpoint, 12)


def test_a_prompt_that_is_too_large_alone_fails_alone() -> None:
    with OddBatches(largest=100) as endpoint:
        _, _, session = ask(endpoint, 3)
        assert [failure.reason for failure in session.failures] == ["too_long"] * 3


def test_a_batch_larger_than_the_whole_queue_goes_in_parts() -> None:
    with OddBatches(room=120) as endpoint:
        assert len(set(ask(endpoint, 400)[0])) == 400
        assert sorted(endpoint.lines) == [100, 100, 100, 100, 200, 200, 400]


def test_several_that_are_each_larger_than_the_queue_do_not_wait_for_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("s3.llm.transport.batch.ROWS", 200)
    with OddBatches(room=120) as endpoint:
        assert len(set(ask(endpoint, 400)[0])) == 400
        assert endpoint.lines.count(100) == 4


@pytest.mark.parametrize(
    ("answers", "match"),
    [
        ({"POST /files": [html()]}, "no JSON object: an HTML page: Sign in"),
        ({"POST /files": [said({"error": {"message": "no disk"}})]}, "error: no disk"),
        ({"POST /files": [said({"object": "file"})]}, "no id"),
        ({"POST /files": [said([])]}, "no JSON object"),
        ({"POST /files": [html(404)]}, "HTTP 404.*has a batch API"),
        ({"POST /files": [said({"error": {"message": "bad key"}}, 401)]}, "Check the API key"),
        ({"POST /batches": [said({"error": BILLING}, 400)]}, "credit or limit is used up"),
        ({"POST /batches": [said({"error": BILLING})]}, "credit or limit is used up"),
        ({"POST /batches": [html() for _ in range(3)]}, "no JSON object: an HTML page: Sign in"),
        (
            {"GET /batches/batch-0": [html() for _ in range(12)]},
            "no JSON object: an HTML page: Sign in",
        ),
    ],
)
def test_what_no_call_should_answer_ends_in_a_clear_error_and_the_next_command_goes_on(
    answers: dict[str, list[web.Response]], match: str
) -> None:
    with OddBatches(answers=answers) as endpoint:
        with pytest.raises(UserError, match=match):
            ask(endpoint, 12)
        assert len(set(ask(endpoint, 12)[0])) == 12
        assert endpoint.lines == [12]


def test_replies_that_the_provider_no_longer_has_are_asked_again() -> None:
    gone = said({"error": {"message": "No such File object"}}, 404)
    with OddBatches(answers={"GET /files/file-1/content": [gone]}) as endpoint:
        assert len(set(ask(endpoint, 12)[0])) == 12
        assert endpoint.lines == [12, 12]


def test_replies_of_no_use_are_not_paid_for_again() -> None:
    with OddBatches(rule=lambda prompt, seed: "") as endpoint:
        with pytest.raises(UserError, match=r"nothing usable \(20 empty\)"):
            ask(endpoint, 30)
        assert endpoint.lines == [30]


def test_a_prompt_without_a_reply_fails_for_the_reason_of_its_last_attempt() -> None:
    with OddBatches(rule=lambda prompt, seed: "" if "7" in prompt else prompt) as endpoint:
        with pytest.raises(TooManyFailures, match="1 empty"):
            ask(endpoint, 12)
        assert endpoint.lines == [12, 1, 1]


def test_a_batch_whose_submission_was_never_answered_is_found_again() -> None:
    down = [said({}, 503) for _ in range(3)]
    with OddBatches(answers={"GET /batches": down}) as endpoint:
        endpoint.manners.deaf = 1
        with pytest.raises(UserError, match="HTTP 503"):
            ask(endpoint, 12)
        assert len(set(ask(endpoint, 12)[0])) == 12
        assert endpoint.lines == [12]


def test_a_batch_that_is_not_there_is_not_given_up_in_silence() -> None:
    gone = [said({"error": {"message": "No batch found"}}, 404) for _ in range(2)]
    with OddBatches(answers={"GET /batches/batch-0": gone}) as endpoint:
        for _ in range(2):
            with pytest.raises(UserError, match=r"not there for this key.*store forget batch-0"):
                ask(endpoint, 12)
        done = CliRunner().invoke(app, ["store", "forget", "batch-0"], catch_exceptions=False)
        assert done.exit_code == 0
        assert len(set(ask(endpoint, 12)[0])) == 12
        assert endpoint.lines == [12, 12]


def test_a_field_that_every_line_is_refused_for_is_left_out_of_the_next_batch() -> None:
    refusal = {"error": {"message": "Unsupported parameter: 'top_p'", "param": "top_p"}}

    def alter(good: list[bytes], bad: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        error = {"response": {"status_code": 400, "body": refusal}}
        ids = [json.loads(line)["custom_id"] for line in good]
        return [], [json.dumps({"custom_id": id, **error}).encode() for id in ids]

    with OddBatches(alter) as endpoint:
        assert len(set(ask(endpoint, 12)[0])) == 12
        assert endpoint.lines == [12, 12]
        files = [endpoint.files[batch["input_file_id"]] for batch in endpoint.batches]
        assert [b'"top_p"' in file for file in files] == [True, False]
        assert stored(endpoint, 12)
