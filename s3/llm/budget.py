"""Money and caps: what a token costs, and whether one more request may leave."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from s3.llm.errors import BudgetReached
from s3.llm.settings import LLM
from s3.llm.types import Prompt, Usage

PRICES = Path(__file__).with_name("prices.yaml")
TEMPLATE_TOKENS = 64  # what a chat template adds to a prompt, at most


@dataclass(frozen=True)
class Tokens:
    """Tokens of one request, or of several together."""

    prompt: int = 0
    completion: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.prompt + other.prompt, self.completion + other.completion)

    def __sub__(self, other: Tokens) -> Tokens:
        return Tokens(self.prompt - other.prompt, self.completion - other.completion)

    @property
    def total(self) -> int:
        """Both kinds together."""
        return self.prompt + self.completion


def most(prompt: Prompt) -> Tokens:
    """Return the most tokens that a prompt can use: no tokenizer makes more tokens than bytes."""
    text = len(prompt.text.encode()) + len(prompt.system.encode())
    return Tokens(text + TEMPLATE_TOKENS, prompt.reply_tokens)


def guess(prompt: Prompt) -> int:
    """Return about how many tokens a prompt's text has: four bytes each."""
    return (len(prompt.text.encode()) + len(prompt.system.encode())) // 4


@dataclass(frozen=True)
class Price:
    """US dollars a token."""

    input: float = 0.0
    output: float = 0.0

    def of(self, tokens: Tokens) -> float:
        """What tokens cost."""
        return tokens.prompt * self.input + tokens.completion * self.output


def price(llm: LLM) -> Price | None:
    """Return a model's price: the config's, else the data file's, else None."""
    listed = _listed(llm.model)
    input_price = listed[0] if llm.input_price is None else llm.input_price
    output_price = listed[1] if llm.output_price is None else llm.output_price
    if input_price is None or output_price is None:
        return None
    scale = llm.discount / 1e6
    return Price(input_price * scale, output_price * scale)


def _listed(model: str) -> tuple[float, float] | tuple[None, None]:
    from omegaconf import OmegaConf

    models = OmegaConf.load(PRICES).models
    undated = re.sub(r"-(\d{4}-\d\d-\d\d|\d{4})$", "", model)
    found = models.get(model) or models.get(undated)
    return (found[0], found[1]) if found else (None, None)


class Budget:
    """The hard caps of a run; requests in flight count with the most that they can use.

    A request whose fate is unknown (a timeout, a cut body) counts so for ever: it may be billed.
    """

    def __init__(self, llm: LLM, usage: Usage, before: Usage) -> None:
        """`usage` is this connection's, live; `before` what earlier processes of the run paid."""
        self._llm, self._usage, self._before = llm, usage, before
        self._price = price(llm) or Price()
        self._open = Tokens()

    def reserve(self, need: Tokens) -> None:
        """Count a request that leaves."""
        self._open += need
        self._usage.requests += 1

    def settle(self, need: Tokens) -> None:
        """Take back a reservation: the request is done, or never was."""
        self._open -= need

    def pay(self, used: Tokens) -> float:
        """Enter tokens into the books; return their cost in US dollars."""
        cost = self._price.of(used)
        self._usage.prompt_tokens += used.prompt
        self._usage.completion_tokens += used.completion
        self._usage.cost += cost
        return cost

    def refuses(self, need: Tokens) -> BudgetReached | None:
        """Say which cap one more request could break, if any."""
        llm, used, before = self._llm, self._usage, self._before
        ahead = self._open + need
        plans = (
            ("max_requests", llm.max_requests, before.requests + used.requests, 1),
            ("max_tokens", llm.max_tokens, before.tokens + used.tokens, ahead.total),
            ("max_cost", llm.max_cost, before.cost + used.cost, self._price.of(ahead)),
        )
        for name, cap, spent, more in plans:
            if cap is not None and spent + more > cap:
                return BudgetReached(
                    f"llm.{name}={cap:g} is reached: {spent:.6g} used, the next request may take "
                    f"{more:.6g}. Everything paid for is stored: raise llm.{name} and run the "
                    "same command to continue."
                )
        return None
