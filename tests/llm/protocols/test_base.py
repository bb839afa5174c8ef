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


BILLING = "You exceeded your current quota, please check your plan and billing details."
TPM = "on tokens per minute (TPM): Limit 6000, Used 5034, Requested 1443."


@pytest.mark.parametrize(
    ("error", "wait"),
    [
        # Groq's, with a link to what is called billing; Gemini's, which says so of each minute
        ({"message": f"{TPM} Please try again in 4.77s. https://console.groq.com/billing"}, 4.77),
        ({"message": f"{TPM} More? https://console.groq.com/settings/billing"}, None),
        ({"message": f"{BILLING} Please retry in 38.1s."}, 38.1),
        ({"message": "spent", "details": [{"retryDelay": "38s"}]}, 38),
        ({"message": "No deployments available. Try again in 5 seconds."}, 5),
        ({"message": "Slow down, try again in 1m30s"}, 90),
    ],
)
def test_a_rate_limit_is_told_from_a_spent_account_and_its_wait_is_read(
    error: object, wait: float | None
) -> None:
    for body in ({"error": error}, [{"error": error}]):
        with pytest.raises(RateLimited) as limited:
            CHAT.content(Response(429, {}, json.dumps(body).encode()), "here")
        assert limited.value.wait == wait


def test_a_request_that_a_minute_can_never_hold_is_given_up() -> None:
    said = "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 342389."
    with pytest.raises(Unfit, match="too_long"):
        CHAT.content(Response(429, {}, json.dumps({"error": {"message": said}}).encode()), "here")


def test_an_error_in_a_list_is_read() -> None:
    body = b'[{"error": {"code": 401, "message": "API key not valid"}}]'
    with pytest.raises(UserError, match=r"HTTP 401: API key not valid"):
        CHAT.content(Response(401, {}, body), "here")


def test_a_spent_account_is_said_to_be_so_whatever_the_status() -> None:
    body = b'{"error": {"message": "Your credit balance is too low"}}'
    with pytest.raises(UserError, match="add credit"):
        CHAT.content(Response(400, {}, body), "here")


@pytest.mark.parametrize("end", ["abort", "network_error", "insufficient_system_resource"])
def test_what_the_endpoint_broke_off_is_no_completion(end: str) -> None:
    choice = {"message": {"content": "half a te"}, "finish_reason": end}
    with pytest.raises(Fault, match="broken_off"):
        CHAT.read(json.dumps({"choices": [choice]}).encode(), "id", PROMPT)


def test_what_a_filter_left_nothing_of_is_not_asked_again() -> None:
    choice = {"message": {"content": ""}, "finish_reason": "sensitive"}
    with pytest.raises(Unfit, match="filtered"):
        CHAT.read(json.dumps({"choices": [choice]}).encode(), "id", PROMPT)


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
