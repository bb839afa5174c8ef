"""The price list and its arithmetic."""

from __future__ import annotations

import json

import pytest
from omegaconf import OmegaConf

from s3.llm import Prompt
from s3.llm.limits import Price, price_of
from s3.llm.limits.prices import PRICES
from s3.llm.protocols import PROTOCOLS
from s3.llm.types import Tokens

LISTS = OmegaConf.load(PRICES)


def test_cached_tokens_have_a_price_of_their_own() -> None:
    price = Price(input=4.0, cached=1.0, output=10.0)
    assert price.of(Tokens(prompt=5, completion=2, cached=3)) == 2 * 4 + 3 * 1 + 2 * 10


@pytest.mark.parametrize("service", LISTS)
def test_each_listed_price_says_when_and_where_it_was_looked_up(service: str) -> None:
    listed = LISTS[service]
    assert listed.page.startswith("https://")
    assert 0 < listed.get("batch", 1) <= 1
    for name, entry in listed.models.items():
        assert str(entry.date) >= "2026-11", name
        assert entry.source == "litellm", name
        assert 0 < entry.get("cached", entry.input) <= entry.input <= entry.output, name


def test_a_model_has_a_price_of_its_own_at_each_service() -> None:
    groq, together = (price_of(name, "openai/gpt-oss-120b") for name in ("groq", "together"))
    assert groq is not None
    assert together is not None
    assert groq.cached < together.cached
    assert price_of("openrouter", "openai/gpt-oss-120b") is None


# What each service states of one request, and what it costs by the list: prompt tokens that are
# fresh, cached ones, and those of the reply with its thoughts, in US dollars a million.
BILLS = [
    (
        ("openai", "gpt-5-mini", "chat_completions"),  # thoughts are in the completion
        {
            "prompt_tokens": 1000,
            "prompt_tokens_details": {"cached_tokens": 400},
            "completion_tokens": 500,
            "completion_tokens_details": {"reasoning_tokens": 300},
            "total_tokens": 1500,
        },
        600 * 0.25 + 400 * 0.025 + 500 * 2.00,
    ),
    (
        ("gemini", "gemini-2.5-flash", "chat_completions"),  # thoughts are in the total alone
        {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1500},
        1000 * 0.30 + 500 * 2.50,
    ),
    (
        ("deepseek", "deepseek-v4-flash", "chat_completions"),
        {
            "prompt_tokens": 1000,
            "prompt_cache_hit_tokens": 900,
            "prompt_cache_miss_tokens": 100,
            "completion_tokens": 200,
            "total_tokens": 1200,
        },
        100 * 0.30 + 900 * 0.006 + 200 * 1.20,
    ),
    (
        ("openai", "gpt-4.1-mini", "responses"),
        {
            "input_tokens": 1000,
            "input_tokens_details": {"cached_tokens": 400},
            "output_tokens": 500,
            "output_tokens_details": {"reasoning_tokens": 300},
            "total_tokens": 1500,
        },
        600 * 0.40 + 400 * 0.10 + 500 * 1.60,
    ),
    (
        ("anthropic", "claude-haiku-4-5-20251001", "anthropic_messages"),
        {"input_tokens": 600, "cache_read_input_tokens": 400, "output_tokens": 500},
        600 * 1.00 + 400 * 0.10 + 500 * 5.00,
    ),
]


@pytest.mark.parametrize(("what", "usage", "millionths"), BILLS, ids=lambda one: str(one)[:40])
def test_a_bill_is_what_the_service_would_charge(
    what: tuple[str, str, str], usage: dict[str, object], millionths: float
) -> None:
    service, model, protocol = what
    content = json.loads(json.dumps({"usage": usage}))
    used, stated = PROTOCOLS[protocol](model, 0.9, None).used(content, Prompt("Hello"))
    assert stated
    online, batch = price_of(service, model), price_of(service, model, batch=True)
    assert online is not None
    assert batch is not None
    assert online.of(used) == pytest.approx(millionths / 1e6)
    share = LISTS[service].get("batch", 1)
    assert batch.of(used) == pytest.approx(share * millionths / 1e6)
