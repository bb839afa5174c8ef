"""Each service's YAML against a stand-in: path, headers and body as its documentation has them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from omegaconf import OmegaConf

from s3.errors import UserError
from s3.llm import Prompt, Service, Session
from s3.llm.protocols import PROTOCOLS
from tests.server import FakeLLM

CONF = Path(__file__).parents[2] / "s3" / "conf" / "llm"
FILES: dict[str, Any] = {
    path.stem: OmegaConf.to_container(OmegaConf.load(path)) for path in sorted(CONF.glob("*.yaml"))
}
SCHEMA = "/schema/Service@_here_"
YAMLS = {name: one for name, one in FILES.items() if SCHEMA in one.pop("defaults")}
KEY = "sk-0123456789abcdef"
PROMPT = Prompt("Write a review.", "You write.", reply_tokens=50)
TURNS = [{"role": "system", "content": "You write."}, {"role": "user", "content": PROMPT.text}]
AZURE = "https://RESOURCE.openai.azure.com/openai/deployments/D?api-version=2024-10-21"
CHAT = {
    "id": "x",
    "object": "chat.completion",
    "choices": [{"message": {"role": "assistant", "content": "Good."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
}
REPLIES = {
    "anthropic_messages": {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": "Good."}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 9, "output_tokens": 2},
    },
    "responses": {
        "object": "response",
        "status": "completed",
        "error": None,
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "Good."}]}],
        "usage": {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11},
    },
}


class StandIn(FakeLLM):
    """Answers everything with one body; `seen` has the path, the headers and the body of each."""

    def __init__(self, reply: dict[str, Any]) -> None:
        super().__init__()
        self.reply, self.seen = reply, list[tuple[str, Mapping[str, str], dict[str, Any]]]()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = json.loads(await request.read())
        self.seen.append((request.path_qs, request.headers, body))
        return web.json_response(self.reply)


@pytest.fixture(params=YAMLS)
def asked(request: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, StandIn, Any]]:
    """A service's name, a stand-in that one of its prompts was sent to, and what was asked."""
    settings = dict(YAMLS[request.param])
    if request.param == "azure":
        settings["base_url"] = AZURE
    monkeypatch.setenv(settings["key_env"], KEY)
    reply = REPLIES.get(settings.get("protocol", ""), CHAT)
    with StandIn(reply) as stand_in:
        parts = urlsplit(settings["base_url"])
        here = parts._replace(scheme="http", netloc=f"127.0.0.1:{stand_in.port}")
        with Session(Service(**{**settings, "base_url": here.geturl()}), 7) as session:
            (completion,) = session.complete([PROMPT])
        assert completion.text == "Good."  # type: ignore[union-attr]
        assert (session.usage.prompt_tokens, session.usage.completion_tokens) == (9, 2)
        yield request.param, stand_in, stand_in.seen


PATHS = {
    "anthropic": "/v1/messages",
    "responses": "/v1/responses",
    "azure": "/openai/deployments/D/chat/completions?api-version=2024-10-21",
    "openrouter": "/api/v1/chat/completions",
    "gemini": "/v1beta/openai/chat/completions",
    "together": "/v1/chat/completions",
    "groq": "/openai/v1/chat/completions",
    "deepseek": "/chat/completions",
    "mistral": "/v1/chat/completions",
}
KEYS = {"anthropic": ("x-api-key", KEY), "azure": ("api-key", KEY)}
HOSTS = {
    "anthropic": "api.anthropic.com",
    "responses": "api.openai.com",
    "openrouter": "openrouter.ai",
    "gemini": "generativelanguage.googleapis.com",
    "together": "api.together.ai",
    "groq": "api.groq.com",
    "deepseek": "api.deepseek.com",
    "mistral": "api.mistral.ai",
}


def expected(service: str, model: str, seed: Any) -> dict[str, Any]:
    """The body that a service's documentation shows for the prompt."""
    if service == "anthropic":
        turns = {"system": "You write.", "messages": TURNS[1:]}
        return {"model": model, **turns, "temperature": 0.9, "max_tokens": 50}
    if service == "responses":
        text = {"instructions": "You write.", "input": PROMPT.text, "store": False}
        sampling = {"temperature": 0.9, "top_p": 0.9}
        return {"model": model, **text, **sampling, "max_output_tokens": 50}
    body = {"model": model, "messages": TURNS, "temperature": 0.9, "top_p": 0.9, "max_tokens": 50}
    more: dict[str, dict[str, Any]] = {
        "mistral": {"random_seed": seed},
        "gemini": {},
        "deepseek": {"thinking": {"type": "disabled"}},
        "groq": {"reasoning_effort": "low", "seed": seed},
    }
    return {**body, **more.get(service, {"seed": seed})}


def test_a_request_is_as_the_service_documents_it(asked: tuple[str, StandIn, Any]) -> None:
    service, _, [(path, headers, body)] = asked
    assert path == PATHS[service]
    name, value = KEYS.get(service, ("Authorization", f"Bearer {KEY}"))
    assert headers[name] == value
    assert sum(KEY in value for value in headers.values()) == 1
    assert headers["Content-Type"] == "application/json"
    assert headers.get("anthropic-version") == ("2023-06-01" if service == "anthropic" else None)
    seed = body.get("seed") or body.get("random_seed")
    assert body == expected(service, YAMLS[service]["model"], seed)


def test_the_addresses_are_those_of_the_services() -> None:
    found = {name: urlsplit(one["base_url"]) for name, one in YAMLS.items() if name != "azure"}
    assert {name: parts.hostname for name, parts in found.items()} == HOSTS
    assert {parts.scheme for parts in found.values()} == {"https"}


@pytest.mark.parametrize("service", YAMLS)
def test_a_file_names_its_key_its_model_and_where_its_prices_come_from(service: str) -> None:
    written = YAMLS[service]
    assert set(written) <= {field.name for field in dataclasses.fields(Service)}
    assert written["key_env"].endswith("_API_KEY")
    assert written.get("protocol", "chat_completions") in PROTOCOLS
    llm = Service(**{**written, "base_url": "https://x/v1"})
    assert (llm.price() is None) == (service == "openrouter")
    text = (CONF / f"{service}.yaml").read_text()
    assert written["key_env"] in text.splitlines()[0]
    assert "price" in next(line for line in text.splitlines() if line.startswith("name:"))


def test_without_its_key_a_service_says_which_variable_is_to_be_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    llm = Service(name="groq", model="m", base_url="https://x/v1", key_env="GROQ_API_KEY")
    with pytest.raises(UserError, match="GROQ_API_KEY is not set"), Session(llm, 0) as session:
        list(session.complete([PROMPT]))
