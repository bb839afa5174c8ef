"""What tokens cost: the price list, and the arithmetic of one request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from s3.llm.types import Tokens

PRICES = Path(__file__).with_name("prices.yaml")
DATED = re.compile(r"-(\d{4}-\d\d-\d\d|\d{8}|\d{4})$")  # gpt-4o-mini-2024-07-18


@dataclass(frozen=True)
class Price:
    """US dollars a token: of the prompt, of its cached part, of the reply and its thoughts."""

    input: float = 0.0
    cached: float = 0.0
    output: float = 0.0

    def of(self, tokens: Tokens) -> float:
        """What tokens cost."""
        fresh = tokens.prompt - tokens.cached
        return fresh * self.input + tokens.cached * self.cached + tokens.completion * self.output


def price_of(
    service: str,
    model: str,
    input_price: float | None = None,
    output_price: float | None = None,
    batch: bool = False,
) -> Price | None:
    """Return what a service charges for a model: as given (a million tokens), else as listed.

    None where neither says it. `batch`: at the discount of the service's batch API.
    """
    listed = _lists().get(service) or {"models": {}}
    entry = listed["models"].get(model) or listed["models"].get(DATED.sub("", model)) or {}
    input = entry.get("input") if input_price is None else input_price
    output = entry.get("output") if output_price is None else output_price
    if input is None or output is None:
        return None
    cached = entry.get("cached", input) if input_price is None else input
    scale = (listed.get("batch", 1.0) if batch else 1.0) / 1e6
    return Price(input * scale, cached * scale, output * scale)


@cache
def _lists() -> dict[str, Any]:
    """Return the price list of each service: read once, since that takes as long as 100 replies."""
    import yaml

    lists: dict[str, Any] = yaml.safe_load(PRICES.read_text(encoding="utf-8"))
    return lists
