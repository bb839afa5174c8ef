"""Caps: whether one more request may leave."""

from __future__ import annotations

from dataclasses import dataclass, field

from s3.llm.errors import BudgetReached
from s3.llm.limits.prices import Price
from s3.llm.types import Prompt, Tokens, Usage, token_estimate

TEMPLATE_TOKENS = 64  # what a chat template adds to a prompt, at most


def most(prompt: Prompt) -> Tokens:
    """Return the most tokens that a prompt can use: no tokenizer makes more tokens than bytes."""
    template = TEMPLATE_TOKENS * (1 + len(prompt.turns))
    return Tokens(len(prompt.sent.encode()) + template, prompt.reply_tokens)


def guess(prompt: Prompt) -> int:
    """Return about how many tokens a prompt and its reply have together."""
    return token_estimate(prompt.sent) + prompt.reply_tokens


@dataclass
class Budget:
    """The hard caps of a run; requests in flight count with the most that they can use.

    `usage` is this session's, live; `before` what earlier processes of the run have paid. A
    request whose fate is unknown (a timeout, a cut body) stays reserved: it may be billed.
    """

    price: Price
    usage: Usage
    before: Usage
    max_requests: int | None = None
    max_tokens: int | None = None
    max_cost: float | None = None
    reserved: Tokens = field(default_factory=Tokens)

    def reserve(self, need: Tokens) -> None:
        """Count a request that leaves."""
        self.reserved += need
        self.usage.requests += 1

    def settle(self, need: Tokens) -> None:
        """Take back a reservation: the request is done, or never was."""
        self.reserved -= need

    def pay(self, used: Tokens, stated: bool = True) -> float:
        """Enter a response into the books, `stated` or estimated; return its cost in dollars."""
        cost = self.price.of(used)
        self.usage.prompt_tokens += used.prompt
        self.usage.completion_tokens += used.completion
        self.usage.cost += cost
        self.usage.unstated += not stated
        return cost

    def exceeded(self, need: Tokens) -> BudgetReached | None:
        """Say which cap one more request could break, if any."""
        used, before = self.usage, self.before
        ahead = self.reserved + need
        plans = (
            ("max_requests", self.max_requests, before.requests + used.requests, 1),
            ("max_tokens", self.max_tokens, before.tokens + used.tokens, ahead.total),
            ("max_cost", self.max_cost, before.cost + used.cost, self.price.of(ahead)),
        )
        for name, cap, spent, more in plans:
            if cap is not None and spent + more > cap:
                return BudgetReached(
                    f"llm.{name}={cap:g} is reached: {spent:.6g} used, the next request may take "
                    f"{more:.6g}. Everything paid for is stored: raise llm.{name} and run the "
                    "same command to continue."
                )
        return None
