"""Prices and caps, without a server."""

from __future__ import annotations

from omegaconf import OmegaConf

from s3.llm import Prompt, Usage
from s3.llm.limits import Budget, Price, most
from s3.llm.limits.budget import PRICES
from s3.llm.types import Tokens


def test_cached_tokens_have_a_price_of_their_own() -> None:
    price = Price(input=4.0, cached=1.0, output=10.0)
    assert price.of(Tokens(prompt=5, completion=2, cached=3)) == 2 * 4 + 3 * 1 + 2 * 10


def test_each_listed_price_says_when_it_was_looked_up() -> None:
    for name, entry in OmegaConf.load(PRICES).models.items():
        assert str(entry.date) >= "2026", name
        assert 0 < entry.get("cached", entry.input) <= entry.input < entry.output, name


def test_an_estimate_binds_as_a_stated_usage_does_and_is_counted() -> None:
    usage = Usage()
    budget = Budget(Price(1.0, 1.0, 1.0), usage, Usage(), max_tokens=100)
    need = most(Prompt("", reply_tokens=10))  # and 64 for a chat's template
    assert budget.exceeded(need) is None
    assert budget.pay(Tokens(20, 10), stated=False) == 30
    assert (usage.unstated, usage.cost) == (1, 30)
    assert budget.exceeded(need) is not None
