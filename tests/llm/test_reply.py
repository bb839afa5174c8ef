from __future__ import annotations

import email.utils
import json
import time

import pytest

from s3.errors import UserError
from s3.llm.errors import Fault, Refusal, Unfit
from s3.llm.reply import Reply, announced, judge, pause, read, seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1s", 1.0), ("6m0s", 360.0), ("20ms", 0.02), ("2h3m", 7380.0), ("1.5", 1.5), ("soon", None)],
)
def test_durations(text: str, expected: float | None) -> None:
    assert seconds(text) == (None if expected is None else pytest.approx(expected))


def test_how_long_to_stay_away() -> None:
    assert pause({"retry-after": "3"}) == 3
    assert pause({"retry-after-ms": "250", "retry-after": "1"}) == 0.25
    date = email.utils.formatdate(time.time() + 30, usegmt=True)
    assert pause({"retry-after": date}) == pytest.approx(30, abs=2)
    assert pause({}) is None


def test_announced_limits_say_when_one_more_may_go() -> None:
    spent = {"limit": "600", "remaining": "0", "reset": "60s"}
    headers = {f"x-ratelimit-{name}-requests": value for name, value in spent.items()}
    assert announced(headers) == pytest.approx(0.1)
    assert announced({**headers, "x-ratelimit-remaining-requests": "5"}) is None


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (429, "slow down", Refusal),
        (429, "You exceeded your current quota", Refusal),
        (429, "insufficient_quota", UserError),
        (500, "", Fault),
        (503, "loading", Fault),
        (400, "This model's maximum context length is 8192 tokens", Unfit),
        (400, "request (99 tokens) exceeds the available context size", Unfit),
        (400, "The response was filtered: content_filter", Unfit),
        (400, "Unrecognized argument", UserError),
        (404, "The model does not exist", UserError),
    ],
)
def test_each_cause_has_its_kind(status: int, said: str, kind: type[Exception]) -> None:
    body = json.dumps({"error": {"message": said}}).encode()
    with pytest.raises(kind):
        judge(Reply(status, {}, body), "here")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"choices": [{"text": "hal', "truncated"),
        (b'{"error": "no"}', "unparsable"),
        (b'{"choices": [{"text": " \\n"}]}', "empty"),
        (b'{"choices": [{"message": {"content": null}}]}', "empty"),
    ],
)
def test_a_200_without_a_completion_is_a_fault(body: bytes, reason: str) -> None:
    with pytest.raises(Fault) as error:
        read(body, "id")
    assert error.value.reason == reason


def test_a_filtered_reply_is_no_completion() -> None:
    body = b'{"choices": [{"text": "half", "finish_reason": "content_filter"}]}'
    with pytest.raises(Unfit):
        read(body, "id")
