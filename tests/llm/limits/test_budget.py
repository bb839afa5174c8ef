"""Caps, without a server."""

from __future__ import annotations

from s3.llm import Prompt, Usage
from s3.llm.limits import Budget, Price, most
from s3.llm.types import Tokens


def test_an_estimate_binds_as_a_stated_usage_does_and_is_counted() -> None:
    usage = Usage()
    budget = Budget(Price(1.0, 1.0, 1.0), usage, Usage(), max_tokens=100)
    need = most(Prompt("", reply_tokens=10))  # and 64 for a chat's template
    assert budget.exceeded(need) is None
    assert budget.pay(Tokens(20, 10), stated=False) == 30
    assert (usage.unstated, usage.cost) == (1, 30)
    assert budget.exceeded(need) is not None
