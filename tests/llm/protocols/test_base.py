from __future__ import annotations

import email.utils
import json
import time

import pytest

from s3.errors import UserError
from s3.llm.errors import Fault, RateLimited, Unfit
from s3.llm.protocols import ChatCompletions, Completions, Protocol, Response
from s3.llm.protocols.waits import seconds, wait
from s3.llm.types import Prompt, Tokens

CHAT, TEXT = ChatCompletions("m", 0.9, 0.9), Completions("m", 0.9, 0.9)
PROMPT = Prompt("Hello", reply_tokens=9)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1s", 1.0), ("6m0s", 360.0), ("20ms", 0.02), ("2h3m", 7380.0), ("1.5", 1.5), ("soon", None)],
)
def test_durations(text: str, expected: float | None) -> None:
    assert seconds(text) == (None if expected is None else pytest.approx(expected))


def test_how_long_to_stay_away() -> None:
    assert wait({"retry-after": "3"}) == 3
    assert wait({"retry-after-ms": "250", "retry-after": "1"}) == 0.25
    date = email.utils.formatdate(time.time() + 30, usegmt=True)
    assert wait({"retry-after": date}) == pytest.approx(30, abs=2)
    assert wait({}) is None


def test_announced_limits_say_when_one_more_may_go() -> None:
    spent = {"limit": "600", "remaining": "0", "reset": "60s"}
    headers = {f"x-ratelimit-{name}-requests": value for name, value in spent.items()}
    assert CHAT.announced(headers) == pytest.approx(0.1)
    assert CHAT.announced({**headers, "x-ratelimit-remaining-requests": "5"}) is None


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (429, "slow down", RateLimited),
        (429, "You exceeded your current quota", RateLimited),
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
        CHAT.content(Response(status, {}, body), "here")


def protocol(body: bytes) -> Protocol:
    return TEXT if b'"text"' in body else CHAT


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"choices": [{"text": "hal', "truncated"),
        (b'{"error": "no"}', "unparsable"),
        (b"[1, 2]", "unparsable"),
        (b'{"choices": [{"message": null}]}', "unparsable"),
        (b'{"choices": [{"text": " \\n"}]}', "empty"),
        (b'{"choices": [{"message": {"content": null}}]}', "empty"),
    ],
)
def test_a_200_without_a_completion_is_a_fault(body: bytes, reason: str) -> None:
    with pytest.raises(Fault) as error:
        protocol(body).read(body, "id", PROMPT)
    assert error.value.reason == reason


def test_a_filtered_reply_is_no_completion() -> None:
    body = b'{"choices": [{"text": "half", "finish_reason": "content_filter"}]}'
    with pytest.raises(Unfit):
        protocol(body).read(body, "id", PROMPT)


def test_a_format_translates_what_its_api_calls_the_ends() -> None:
    class Messages(ChatCompletions):
        finishes = {"max_tokens": "length", "refusal": "content_filter"}  # noqa: RUF012

    def reply(end: str) -> bytes:
        choice = {"message": {"content": "half"}, "finish_reason": end}
        return json.dumps({"choices": [choice]}).encode()

    format_ = Messages("m", 0.9, 0.9)
    assert format_.read(reply("max_tokens"), "id", PROMPT).finish == "length"
    assert format_.read(reply("end_turn"), "id", PROMPT).finish == "end_turn"
    with pytest.raises(Unfit):
        format_.read(reply("refusal"), "id", PROMPT)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": "5", "completion_tokens": "4.0"}, (Tokens(5, 4), True)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, (Tokens(2, 3), False)),  # a text, for none
        ({"prompt_tokens": -5, "completion_tokens": 10**30}, (Tokens(2, 3), False)),
        ({"prompt_tokens": float("nan"), "completion_tokens": True}, (Tokens(2, 3), False)),
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 2,
                "prompt_tokens_details": {"cached_tokens": 3},
            },
            (Tokens(5, 2, 3), True),
        ),
        (None, (Tokens(2, 3), False)),  # four bytes a token, rounded up
        ({"prompt_tokens": 7}, (Tokens(7, 3), False)),
        ({"prompt_tokens": "many", "completion_tokens": -1}, (Tokens(2, 3), False)),
    ],
)
def test_usage_is_as_stated_or_else_an_estimate(usage: object, expected: object) -> None:
    content = {"choices": [{"text": "ten bytes."}], "usage": usage}
    assert TEXT.used(content, PROMPT) == expected


def test_what_holds_no_reply_and_states_nothing_has_cost_nothing() -> None:
    assert CHAT.used({"error": "no"}, PROMPT) == (Tokens(), True)
