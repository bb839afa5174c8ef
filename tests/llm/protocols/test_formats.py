"""Each wire format: what is sent for a prompt, and what is read."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from s3.llm import Prompt, Style
from s3.llm.protocols import PROTOCOLS, Protocol

PROMPT = Prompt("Hello", system="Be kind.", stop=("\n",), reply_tokens=7)


TAKES_STOPS = set(PROTOCOLS) - {"responses"}


def made(name: str, **more: str) -> Protocol:
    return PROTOCOLS[name]("m", 0.5, 0.25, **more)


def test_a_chat_has_turns_and_a_continuation_a_text() -> None:
    chat = made("chat_completions").body(PROMPT)
    assert [turn["role"] for turn in chat["messages"]] == ["system", "user"]
    text = made("completions").body(PROMPT)
    assert "messages" not in text
    assert text["prompt"] == "Hello"
    for body in (chat, text):
        settings = [body[name] for name in ("model", "temperature", "top_p", "stop", "max_tokens")]
        assert settings == ["m", 0.5, 0.25, ["\n"], 7]


def test_the_length_goes_by_the_name_that_the_api_wants() -> None:
    newer = made("chat_completions", length_field="max_completion_tokens")
    body = newer.body(PROMPT)
    assert (body["max_completion_tokens"], "max_tokens" in body) == (7, False)
    assert newer.prompt(body) == PROMPT


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_body_gives_its_prompt_back(name: str) -> None:
    protocol = made(name)
    system = "Be kind." if protocol.style is Style.chat else ""
    prompt = Prompt("Hello", system, ("END",) if name in TAKES_STOPS else (), 70)
    assert protocol.prompt(protocol.body(prompt)) == prompt
    if system:
        longer = replace(prompt, turns=("Hi", "Good day"))
        assert protocol.prompt(protocol.body(longer)) == longer
    sent = json.loads(protocol.encode(prompt, 5, id_slot=3))
    assert sent == {**protocol.body(prompt), **protocol.seeding(5), "id_slot": 3}


@pytest.mark.parametrize(
    ("name", "seeding"),
    [
        ("chat_completions", {"seed": 5}),
        ("completions", {"seed": 5}),
        ("azure_chat", {"seed": 5}),
        ("mistral_chat", {"random_seed": 5}),
        ("responses", {}),
        ("anthropic_messages", {}),
    ],
)
def test_the_seed_goes_by_the_name_that_the_api_wants(name: str, seeding: dict[str, int]) -> None:
    assert made(name).seeding(5) == seeding


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_setting_without_a_value_is_not_sent(name: str) -> None:
    body = PROTOCOLS[name]("m", None, None).body(Prompt("Hello"))
    assert not {"temperature", "top_p"} & set(body)


@pytest.mark.parametrize(
    ("name", "choice"),
    [("chat_completions", {"message": {"content": "Hi"}}), ("completions", {"text": "Hi"})],
)
def test_the_first_choice_is_read(name: str, choice: dict[str, object]) -> None:
    body = {"model": "m-1", "choices": [{**choice, "finish_reason": "length"}, {}]}
    read = made(name).read(json.dumps(body).encode(), "id", PROMPT)
    assert (read.id, read.text, read.finish, read.model) == ("id", "Hi", "length", "m-1")
