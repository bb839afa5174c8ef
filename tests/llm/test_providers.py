"""What can be chosen: options, identities, prices; nothing is sent."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from s3.llm import LLM, OpenAI, OpenAIBatch, Prompt, Server, SmolLM2

CONF = Path(__file__).parents[2] / "s3" / "conf" / "llm"
FILES = {OpenAI: "openai", OpenAIBatch: "openai_batch", Server: "server", SmolLM2: "smollm2"}


@pytest.mark.parametrize(
    ("option", "value"),
    [("temperature", 3), ("top_p", 0), ("concurrency", 0), ("attempts", 0), ("timeout", -1)],
)
def test_a_value_out_of_range_is_named(option: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{option} must be .*, not {value}"):
        OpenAI(**{option: value})  # type: ignore[arg-type]


def test_concurrency_cannot_start_above_its_cap() -> None:
    with pytest.raises(ValueError, match="max_concurrency"):
        OpenAI(concurrency=500)


def test_an_unknown_protocol_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="protocol must be one of chat_completions, completions"):
        SmolLM2(protocol="telepathy")


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x/v1", "http://user:pass@host/v1"])
def test_a_bad_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        Server(base_url=url, model="m")


LIKE_A_KEY = "sk-proj-0123456789abcdefghij"


@pytest.mark.parametrize(
    "options",
    [
        {"key_env": LIKE_A_KEY},
        {"key_env": "0123456789abcdef0123456789abcdef"},
        {"key_env": "gsk_0123456789abcdefghij"},
        {"model": LIKE_A_KEY},
        {"extra": {"headers": {"Authorization": "Bearer x0123456789"}}},
        {"extra": {"nested": [{"api_key": "x0123456789"}]}},
        {"base_url": "http://host/v1?api_key=x0123456789"},
        {"base_url": "http://host/v1?api-version=1&subscription-key=x0123456789"},
        {"base_url": "http://user:x0123456789@host/v1"},
    ],
)
def test_a_key_in_an_option_is_refused_and_not_repeated(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="environment") as error:
        Server(**{"base_url": "http://host/v1", "model": "m", **options})
    assert "0123456789" not in str(error.value)


@pytest.mark.parametrize("model", ["o3", "o4-mini", "gpt-5", "gpt-5-mini-2025-08-07", "openai/o1"])
def test_models_that_always_think_start_with_what_they_take(model: str) -> None:
    sent = OpenAI(model=model).make_protocol().request(Prompt("Hi", stop=("x",), reply_tokens=50))
    assert set(sent) == {"model", "messages", "max_completion_tokens"}
    assert sent["max_completion_tokens"] > 1000


@pytest.mark.parametrize(
    "model", ["gpt-4o-mini", "gpt-5-chat-latest", "gpt-5.2", "solo3", "oss-20b"]
)
def test_other_models_are_sent_the_sampling(model: str) -> None:
    server = Server(base_url="http://host/v1", model=model)
    sent = server.make_protocol().request(Prompt("Hi", stop=("x",), reply_tokens=50))
    assert {"temperature", "top_p", "stop"} < set(sent)
    assert 50 in sent.values()


def test_what_is_chosen_to_be_sent_is_in_the_identity_and_only_then() -> None:
    base: dict[str, Any] = {"base_url": "http://host/v1", "model": "m"}
    known = Server(**base).identity()
    for more in ({"reasoning": "low"}, {"extra": {"top_k": 4}}, {"omit": ["seed"]}):
        assert Server(**base, **more).identity() == {**known, **more}


@pytest.mark.parametrize("cls", FILES)
def test_each_class_has_a_file_that_shows_its_options(cls: type[LLM]) -> None:
    written: Any = OmegaConf.load(CONF / f"{FILES[cls]}.yaml")
    assert written.pop("defaults") == [f"/schema/{cls.__name__}@_here_", "_self_"]
    assert set(written) == {field.name for field in dataclasses.fields(cls)}
    model = {} if cls is SmolLM2 else {"model": "m"}
    merged = OmegaConf.merge(OmegaConf.structured(cls), written, model)
    assert isinstance(OmegaConf.to_object(merged), cls)


@pytest.mark.parametrize(
    ("cls", "without"),
    [
        (OpenAIBatch, {"concurrency", "requests_per_minute", "tokens_per_minute", "timeout"}),
        (SmolLM2, {"concurrency", "requests_per_minute", "max_cost", "input_price", "model"}),
    ],
)
def test_an_option_that_would_do_nothing_does_not_exist(cls: type[LLM], without: set[str]) -> None:
    assert not without & {field.name for field in dataclasses.fields(cls)}


@pytest.mark.parametrize(
    "other",
    [
        {"base_url": "http://other/v1"},
        {"model": "n"},
        {"protocol": "completions"},
        {"temperature": 0.1},
        {"top_p": 0.1},
    ],
)
def test_what_decides_replies_is_in_the_identity(other: dict[str, Any]) -> None:
    base: dict[str, Any] = {"base_url": "http://host/v1", "model": "m"}
    identity = Server(**base).identity()
    assert Server(**{**base, **other}).identity() != identity
    same = {"base_url": "http://host/v1/", "max_cost": 1.0, "concurrency": 3, "key_env": "X"}
    assert Server(**{**base, **same}).identity() == identity


def test_the_embedded_server_is_known_by_its_weights() -> None:
    identity = SmolLM2().identity()
    assert len(identity["weights"]) == 64
    assert "base_url" not in identity
    assert SmolLM2(threads=1, max_tokens=5).identity() == identity


def test_a_dated_model_has_its_familys_price_unless_it_has_its_own() -> None:
    listed = OpenAI(model="gpt-4o-mini-2024-07-18").price()
    assert listed == OpenAI(model="gpt-4o-mini").price()
    assert listed is not None
    assert (listed.input, listed.cached) == pytest.approx((0.15e-6, 0.075e-6))
    assert OpenAI(model="gpt-4o-2024-05-13").price() != OpenAI(model="gpt-4o").price()
    assert OpenAI(model="unheard-of").price() is None


def test_batches_are_cheaper_and_an_own_price_counts() -> None:
    online, batch = OpenAI().price(), OpenAIBatch().price()
    assert online is not None
    assert batch is not None
    assert (batch.input, batch.output) == pytest.approx((online.input / 2, online.output / 2))
    own = OpenAI(model="unheard-of", input_price=2.0, output_price=4.0).price()
    assert own is not None
    assert (own.cached, own.output) == pytest.approx((2e-6, 4e-6))
