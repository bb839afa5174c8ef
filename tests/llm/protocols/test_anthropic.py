"""Anthropic's Messages API, in the shapes that its reference shows."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from s3.errors import UserError
from s3.llm import Prompt
from s3.llm.errors import Fault, NoRoom, RateLimited, Unfit
from s3.llm.protocols import PROTOCOLS, Response
from s3.llm.types import Tokens

API = PROTOCOLS["anthropic_messages"]("claude-haiku-4-5", 0.5, None)
PROMPT = Prompt("Hello", system="Be kind.", stop=("\n", "END"), reply_tokens=70)
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "EqQB"}
TEXT = {"type": "text", "text": "A film.", "citations": None}


def body(*content: Any, end: str = "end_turn", **more: Any) -> bytes:
    usage = {
        "input_tokens": 20,
        "cache_creation_input_tokens": 3,
        "cache_read_input_tokens": 100,
        "output_tokens": 40,
        "output_tokens_details": {"thinking_tokens": 30},
    }
    whole = {"id": "msg_1", "type": "message", "role": "assistant", "stop_sequence": None}
    whole |= {"model": "claude-haiku-4-5-20251001", "stop_reason": end, "usage": usage, **more}
    return json.dumps({**whole, "content": list(content)}).encode()


def test_a_request_has_the_headers_and_fields_of_the_reference() -> None:
    assert API.headers("sk-ant") == {"anthropic-version": "2023-06-01", "x-api-key": "sk-ant"}
    assert json.loads(API.encode(PROMPT, 5)) == {
        "model": "claude-haiku-4-5",
        "system": "Be kind.",
        "messages": [{"role": "user", "content": "Hello"}],
        "temperature": 0.5,
        "stop_sequences": ["END"],  # one of white space alone would be refused
        "max_tokens": 70,
    }


def test_the_texts_are_read_and_the_thoughts_left_out() -> None:
    redacted = {"type": "redacted_thinking", "data": "EmwK"}
    more = {"type": "text", "text": " End."}
    read = API.read(body(THOUGHT, redacted, TEXT, more), "id", PROMPT)
    assert (read.text, read.finish) == ("A film. End.", "end_turn")
    assert read.model == "claude-haiku-4-5-20251001"


def test_the_prompt_is_what_was_fresh_cached_and_written_to_the_cache() -> None:
    assert API.used(json.loads(body(TEXT)), PROMPT) == (Tokens(123, 40, 100), True)
    plain = json.loads(body(TEXT, usage={"input_tokens": 20, "output_tokens": 4}))
    assert API.used(plain, PROMPT) == (Tokens(20, 4), True)


def test_how_much_to_think_goes_by_anthropics_names() -> None:
    assert replace(API, reasoning="low").request(PROMPT)["output_config"] == {"effort": "low"}
    assert replace(API, reasoning="none").request(PROMPT)["thinking"] == {"type": "disabled"}


def test_thoughts_that_used_up_the_reply_are_told_from_an_empty_one() -> None:
    with pytest.raises(NoRoom):
        API.read(body(THOUGHT, end="max_tokens"), "id", PROMPT)


@pytest.mark.parametrize("end", ["max_tokens", "model_context_window_exceeded"])
def test_a_reply_at_its_longest_is_cut_off(end: str) -> None:
    assert API.read(body(TEXT, end=end), "id", PROMPT).finish == "length"


def test_a_refusal_is_no_completion() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "No."}
    with pytest.raises(Unfit):
        API.read(body(TEXT, end="refusal", stop_details=details), "id", PROMPT)


@pytest.mark.parametrize(
    ("status", "type_", "said", "kind"),
    [
        (529, "overloaded_error", "Overloaded", RateLimited),
        (429, "rate_limit_error", "This request would exceed your rate limit", RateLimited),
        (500, "api_error", "Internal server error", Fault),
        (400, "invalid_request_error", "prompt is too long: 208310 tokens > 200000", Unfit),
        (413, "request_too_large", "Request exceeds the maximum size", Unfit),
        (401, "authentication_error", "invalid x-api-key", UserError),
        (429, "rate_limit_error", "enforced_spend_limit_reached", UserError),
        (402, "billing_error", "Your credit balance is too low", UserError),
        (404, "not_found_error", "model: claude-x", UserError),
    ],
)
def test_each_error_has_its_kind(status: int, type_: str, said: str, kind: type[Exception]) -> None:
    error = {"type": "error", "error": {"type": type_, "message": said}, "request_id": "req_1"}
    with pytest.raises(kind):
        API.content(Response(status, {}, json.dumps(error).encode()), "here")


def test_an_overloaded_service_says_how_long_to_stay_away() -> None:
    with pytest.raises(RateLimited) as refused:
        API.content(Response(529, {"retry-after": "7"}, b"{}"), "here")
    assert refused.value.wait == 7


def test_announced_limits_say_when_one_more_may_go() -> None:
    reset = (datetime.now(UTC) + timedelta(seconds=60)).isoformat().replace("+00:00", "Z")
    limits = {"limit": "600", "remaining": "0", "reset": reset}
    headers = {f"anthropic-ratelimit-requests-{name}": value for name, value in limits.items()}
    assert API.announced(headers) == pytest.approx(0.1, rel=0.1)
    assert API.announced({**headers, "anthropic-ratelimit-requests-remaining": "5"}) is None
    soon = {**headers, "anthropic-ratelimit-requests-reset": "soon"}
    assert API.announced(soon) == 0
