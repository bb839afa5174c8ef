"""`python -m s3 check`: what an endpoint does is found, said, and put into a YAML that works."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from click.testing import Result
from omegaconf import OmegaConf
from typer.testing import CliRunner

from s3.commands.app import app
from s3.composing import composed
from s3.llm import Prompt, Session
from tests.server import FakeLLM, Json, Manners


class Endpoint(FakeLLM):
    """A fake LLM with a list of models, which can refuse fields and offers what it is told to."""

    def __init__(self, **manners: Any) -> None:
        super().__init__(None, Manners(**manners))
        self.models: Any = {"data": [{"id": "m", "max_model_len": 4096}]}
        self.refuses: tuple[str, ...] = ()
        self.seeds = True
        self.more: Json = {}  # in each reply's choice
        self.tries = 0
        self.short = 0  # tokens of a reply that thoughts use up

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.endswith("/models"):
            return web.json_response(self.models)
        content = json.loads(await request.read())
        if bad := [name for name in content if name in self.refuses]:
            said = f"Unsupported parameter: '{bad[0]}' is not supported with this model."
            return self._say(400, said)
        return await super()._handle(request)

    def _text(self, request: Json) -> str:
        self.tries += 1
        return super()._text(request if self.seeds else {**request, "seed": self.tries})

    def _completion(self, request: Json, text: str) -> Json:
        whole = super()._completion(request, text)
        choice = whole["choices"][0]
        choice["message"] |= self.more
        if self.short:
            choice["message"]["reasoning_content"] = "Let me think."
            if request["max_tokens"] < self.short:
                choice["message"]["content"], choice["finish_reason"] = None, "length"
        if request.get("logprobs"):
            choice["logprobs"] = {"content": [{"token": "word", "logprob": -0.1}]}
        return whole


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as one:
        yield one


def checked(*options: str) -> Result:
    return CliRunner().invoke(app, ["check", *options])


def at(endpoint: FakeLLM, *more: str) -> list[str]:
    return ["llm=server", f"llm.base_url={endpoint.url}", "llm.model=m", *more]


def lines(result: Result) -> dict[str, str]:
    """What was reported, by its name."""
    assert result.exit_code == 0, result.output
    report = result.stdout.partition("\n\n")[0].splitlines()[1:]
    return {line[:18].strip(): line[19:] for line in report}


def test_what_an_endpoint_is_and_does_is_said(endpoint: Endpoint) -> None:
    said = lines(checked(*at(endpoint, "llm.input_price=1", "llm.output_price=2")))
    assert said["endpoint"] == endpoint.url
    assert (said["protocol"], said["model"]) == ("chat_completions", "m")
    assert said["context length"] == "4096 tokens"
    assert said["seeds"].startswith("exact")
    assert (said["log-probabilities"], said["thinking"]) == ("offered", "no")
    assert said["refused fields"] == "none"
    assert re.match(r"\d+ tokens/s", said["speed"])
    assert said["price"] == "$1 and $2 a million tokens in and out"
    asked = sum(len(text) // 4 for text in endpoint.asked)
    cost = (asked * 1 + 3 * 16 * 2) / 1e6
    assert said["this check"] == f"{asked} + 48 tokens, ${cost:.6f}"
    assert len(endpoint.requests) == 3


def test_of_several_servers_each_is_asked(endpoint: Endpoint) -> None:
    with Endpoint() as other:
        other.models, other.seeds = {"data": [{"id": "m", "max_model_len": 2048}]}, False
        urls = f"llm.base_url=[{endpoint.url},{other.url}]"
        result = checked("llm=server", urls, "llm.model=m")
        first, second, made = result.stdout.split("\n\n", 2)
        one, two = (len(server.requests) for server in (endpoint, other))
        other.manners.status = 401
        failed = checked("llm=server", urls, "llm.model=m")
    assert (result.exit_code, one, two) == (0, 3, 3)
    assert f"Sends 3 prompts to {endpoint.url} and to {other.url}: at most" in first
    assert "4096 tokens" in first
    assert "seeds              exact" in first
    assert f"endpoint           {other.url}" in second
    assert "2048 tokens" in second
    assert "not exact" in second
    assert OmegaConf.create(made.partition("\n\n")[2]).base_url == [endpoint.url, other.url]
    assert failed.exit_code == 1
    assert f"{other.url}: " in failed.stderr
    assert "401" in failed.stderr
    assert "seeds              exact" in failed.stdout


def test_the_cost_is_said_before_anything_is_sent(endpoint: Endpoint) -> None:
    endpoint.manners.status = 401
    result = checked(*at(endpoint, "llm.input_price=1", "llm.output_price=2"))
    assert re.match(
        r"Sends 3 prompts to .*: at most \d{3} tokens, \$0\.000\d+; "
        r"if it thinks, at most \d{5} tokens, \$0\.02\d+\.",
        result.stdout,
    )
    assert result.exit_code == 1


def test_a_cap_that_the_check_could_break_is_kept(endpoint: Endpoint) -> None:
    result = checked(*at(endpoint, "llm.max_tokens=100"))
    assert "llm.max_tokens=100" in str(result.exception)
    assert endpoint.requests == []


def test_other_seeds_and_no_log_probabilities_are_noticed(endpoint: Endpoint) -> None:
    endpoint.seeds, endpoint.refuses = False, ("logprobs",)
    said = lines(checked(*at(endpoint)))
    assert said["seeds"].startswith("not exact")
    assert said["log-probabilities"] == "not offered"


def test_thoughts_are_noticed(endpoint: Endpoint) -> None:
    endpoint.more = {"reasoning_content": "Let me think."}
    assert lines(checked(*at(endpoint)))["thinking"].startswith("yes")


def test_thoughts_that_use_up_a_reply_get_room_and_are_paid_for(endpoint: Endpoint) -> None:
    endpoint.short = 1000
    said = lines(checked(*at(endpoint, "llm.input_price=0", "llm.output_price=1")))
    assert said["thinking"].startswith("yes")
    spent = {body["max_tokens"] for body in endpoint.requests}
    assert (min(spent), max(spent) > 4096) == (40, True)
    assert said["this check"].endswith(f" {16 * 4} tokens, ${16 * 4 / 1e6:.6f}")


def test_an_unknown_price_is_not_shown_as_none(endpoint: Endpoint) -> None:
    result = checked(*at(endpoint))
    assert "at a price that is not known" in result.stdout
    assert "$" not in result.stdout
    assert lines(result)["price"].startswith("not known")


@pytest.mark.parametrize(
    "pricing", [{"prompt": "0.00000015", "completion": "0.0000006"}, {"input": 0.15, "output": 0.6}]
)
def test_prices_and_lengths_that_a_service_lists_are_taken(
    endpoint: Endpoint, pricing: Any
) -> None:
    endpoint.models = [{"id": "m", "context_length": 131072, "pricing": pricing}]
    result = checked(*at(endpoint))
    said = lines(result)
    assert said["price"] == "$0.15 and $0.6 a million tokens in and out, as it lists itself"
    assert said["context length"] == "131072 tokens"
    assert "input_price: 0.15\noutput_price: 0.6" in result.stdout


def test_the_yaml_makes_the_llm_with_what_was_learnt(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.refuses = ("top_p", "seed")
    result = checked(*at(endpoint, "llm.temperature=0.7"))
    said = lines(result)
    assert "top_p" in said["refused fields"]
    assert said["seeds"] == "none are taken"
    text = result.stdout.partition("\n\n")[2]
    (tmp_path / "llm").mkdir()
    (tmp_path / "llm" / "own.yaml").write_text(text)
    llm = composed(["llm=own"], tmp_path).experiment.llm
    assert (llm.endpoint, llm.temperature) == (endpoint.url, 0.7)
    assert set(OmegaConf.create(text).omit) == {"top_p", "seed"}
    before = len(endpoint.requests)
    with Session(llm, 0) as session:
        list(session.complete([Prompt("Hello")]))
    assert [set(body) & {"top_p", "seed"} for body in endpoint.requests[before:]] == [set()]


def test_a_model_that_is_not_there_is_named_with_those_that_are(endpoint: Endpoint) -> None:
    endpoint.models = {"data": [{"id": "qwen3"}, {"id": "llama3"}]}
    endpoint.manners.status, endpoint.manners.said = 404, "The model `m` does not exist"
    result = checked(*at(endpoint))
    assert "does not exist" in str(result.exception)
    assert "It lists no m, but llama3, qwen3." in str(result.exception)


@pytest.mark.parametrize(
    ("manners", "said"),
    [
        ({"status": 401, "said": "bad key"}, "Check the API key"),
        ({"status": 429, "headers": {"Retry-After": "90"}}, "it limits the rate"),
        ({"body": b"<html><title>Portal</title>"}, "HTML page: Portal"),
    ],
)
def test_what_an_endpoint_will_not_do_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch, manners: Any, said: str
) -> None:
    monkeypatch.setattr("s3.llm.check.back_off", lambda times: 0.0)
    with Endpoint(**manners) as endpoint:
        assert said in str(checked(*at(endpoint)).exception)


def test_nothing_at_the_address_is_said_at_once() -> None:
    result = checked("llm=server", "llm.base_url=http://127.0.0.1:1/v1", "llm.model=m")
    assert "cannot be reached" in str(result.exception)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["llm=opnai"], "Did you mean llm=openai?"),
        (["llm=server", "llm.modle=x"], "Did you mean llm.model?"),
        (["llm=server"], "llm.model has no value"),
        (["llm=openai", "llm.temperature=9"], "llm.temperature must be in 0..2"),
    ],
)
def test_a_wrong_option_is_one_line(options: list[str], said: str) -> None:
    result = checked(*options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_batch_api_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    assert "llm=openai" in str(checked("llm=openai_batch").exception)


def test_nothing_is_stored(endpoint: Endpoint, cache: Path) -> None:
    lines(checked(*at(endpoint)))
    assert not (cache / "completions").exists()


def test_azures_address_keeps_its_version() -> None:
    url = "https://r.openai.azure.com/openai/deployments/d?api-version=2024-10-21"
    assert composed(["llm=azure", f'llm.base_url="{url}"']).experiment.llm.endpoint == url
