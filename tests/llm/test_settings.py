from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from s3.llm import LLM, OpenAI, OpenAIBatch, Prompt, Server, SmolLM2, Style
from s3.llm.budget import price
from s3.llm.work import Row, address, body

CONF = Path(__file__).parents[2] / "conf" / "llm"


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


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x/v1", "http://user:pass@host/v1"])
def test_a_bad_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        Server(base_url=url, model="m")


@pytest.mark.parametrize("cls", [OpenAI, OpenAIBatch, Server, SmolLM2])
def test_each_class_has_a_file_that_fits_it(cls: type[LLM]) -> None:
    file = {OpenAI: "openai", OpenAIBatch: "openai_batch", Server: "server", SmolLM2: "smollm2"}
    written: Any = OmegaConf.load(CONF / f"{file[cls]}.yaml")
    assert written.pop("defaults") == [f"/schema/{cls.__name__}@_here_", "_self_"]
    merged = OmegaConf.merge(OmegaConf.structured(cls), written, {"model": "m"})
    assert isinstance(OmegaConf.to_object(merged), cls)


def test_prices_are_found_by_model_and_by_date_and_overridden() -> None:
    listed = price(OpenAI(model="gpt-4o-mini-2024-07-18"))
    assert listed is not None
    assert listed.input == pytest.approx(0.15e-6)
    assert price(OpenAI(model="unheard-of")) is None
    own = price(OpenAI(model="unheard-of", input_price=2.0, output_price=4.0))
    assert own is not None
    assert own.output == pytest.approx(4e-6)


def test_a_chat_and_a_continuation_are_sent_as_such() -> None:
    prompt = Prompt("Hello", system="Be kind.", stop=("\n",), reply_tokens=7)
    chat = OpenAI().decisive(prompt)
    assert [turn["role"] for turn in chat["messages"]] == ["system", "user"]
    assert (chat["max_completion_tokens"], chat["stop"]) == (7, ["\n"])
    text = Server(base_url="http://x/v1", model="m", style=Style.continuation).decisive(prompt)
    assert (text["prompt"], text["max_tokens"]) == ("Hello", 7)


def test_keys_and_seeds_stay_as_they_are_over_versions() -> None:
    # A change here throws every store away: it must be meant.
    key = address(SmolLM2(), Prompt("Hello"), 0)
    assert key == "f26859f81bc8153954223dd6431ab81e"
    assert b'"seed": 1909658378' in body(SmolLM2(), Row(0, Prompt("Hello"), f"{key}-0"))
