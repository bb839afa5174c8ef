"""OpenAI's Responses API, in the shapes that its reference shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from s3.llm import Prompt
from s3.llm.errors import Fault, NoRoom, RateLimited, Unfit
from s3.llm.protocols import PROTOCOLS, Response
from s3.llm.types import Tokens

API = PROTOCOLS["responses"]("gpt-4.1-mini", 0.5, 0.25)
PROMPT = Prompt("Hello", system="Be kind.", reply_tokens=70)
THOUGHT = {"id": "rs_1", "type": "reasoning", "summary": [], "content": []}


def said(*parts: Any) -> dict[str, Any]:
    return {"id": "msg_1", "type": "message", "role": "assistant", "content": list(parts)}


def text(words: str) -> dict[str, Any]:
    return {"type": "output_text", "text": words, "annotations": []}


def body(*output: Any, **more: Any) -> bytes:
    usage = {
        "input_tokens": 36,
        "input_tokens_details": {"cached_tokens": 32},
        "output_tokens": 87,
        "output_tokens_details": {"reasoning_tokens": 64},
        "total_tokens": 123,
    }
    whole = {"id": "resp_1", "object": "response", "status": "completed", "error": None}
    whole |= {"incomplete_details": None, "model": "gpt-4.1-mini-2025-04-14", "usage": usage}
    return json.dumps({**whole, "output": list(output), **more}).encode()


def test_a_request_has_the_fields_of_the_reference_and_is_not_kept() -> None:
    assert json.loads(API.encode(PROMPT, 5)) == {
        "model": "gpt-4.1-mini",
        "instructions": "Be kind.",
        "input": "Hello",
        "temperature": 0.5,
        "top_p": 0.25,
        "max_output_tokens": 70,
        "store": False,
    }


def test_a_limit_that_would_be_refused_is_raised() -> None:
    assert API.body(Prompt("Hello", reply_tokens=7))["max_output_tokens"] == 16


def test_the_messages_are_read_and_the_thoughts_left_out() -> None:
    read = API.read(
        body(THOUGHT, said(text("A "), text("film.")), said(text(" End."))), "i", PROMPT
    )
    assert (read.text, read.finish) == ("A film. End.", "completed")
    assert (read.model, read.prompt_tokens, read.completion_tokens) == (
        "gpt-4.1-mini-2025-04-14",
        36,
        87,
    )
    assert API.used(json.loads(body(said(text("x")))), PROMPT) == (Tokens(36, 87, 32), True)


def test_thoughts_that_used_up_the_reply_are_told_from_an_empty_one() -> None:
    cut = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    with pytest.raises(NoRoom):
        API.read(body(THOUGHT, **cut), "id", PROMPT)


def test_a_reply_at_its_longest_is_cut_off() -> None:
    cut = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    assert API.read(body(said(text("half a")), **cut), "id", PROMPT).finish == "length"


@pytest.mark.parametrize(
    ("output", "more"),
    [
        ([said({"type": "refusal", "refusal": "I cannot."})], {}),
        (
            [said(text("half"))],
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
        ),
    ],
)
def test_what_was_declined_or_filtered_is_no_completion(output: Any, more: Any) -> None:
    with pytest.raises(Unfit):
        API.read(body(*output, **more), "id", PROMPT)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("server_error", Fault),
        ("rate_limit_exceeded", RateLimited),
        ("invalid_prompt", Unfit),
        ("bio_policy", Unfit),
        ("vector_store_timeout", Fault),
    ],
)
def test_a_200_that_failed_is_judged_by_its_cause(code: str, kind: type[Exception]) -> None:
    failed = body(status="failed", error={"code": code, "message": "It broke."})
    with pytest.raises(kind):
        API.content(Response(200, {}, failed), "here")


def test_a_200_without_output_is_a_fault() -> None:
    with pytest.raises(Fault, match="unparsable"):
        API.read(b'{"status": "completed"}', "id", PROMPT)
