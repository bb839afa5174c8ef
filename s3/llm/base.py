"""What an LLM is, to all that asks one: its settings, a protocol, a transport and an address.

A kind of LLM makes these itself, so nothing below knows kinds. It is embedded, or `Remote`; that
is asked request by request, `Online`, or in batches, `Batched`. `providers.py` has those that
`llm=` can name.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar

from s3.errors import UserError
from s3.llm.limits import Budget, Limiter, Price, price_of
from s3.llm.protocols import PROTOCOLS, Protocol
from s3.llm.protocols.base import ROOM
from s3.llm.settings import OnlineSettings, RemoteSettings, Settings, addresses
from s3.llm.transport.anthropic_batch import AnthropicBatchAPI
from s3.llm.transport.base import Address, Context, Transport
from s3.llm.transport.batch import BatchTransport
from s3.llm.transport.batch_api import BatchAPI
from s3.llm.transport.mistral_batch import MistralBatchAPI
from s3.llm.transport.openai_batch import OpenAIBatchAPI
from s3.llm.types import Style, Usage

BULK: dict[str, type[BatchAPI]] = {
    "openai": OpenAIBatchAPI,
    "anthropic": AnthropicBatchAPI,
    "mistral": MistralBatchAPI,
}
# Models of OpenAI's that always think, by whichever provider: they refuse sampling and stops, and
# their thoughts count as the reply's tokens. Later ones of the gpt-5 kind need only the new name
# of the reply's limit.
THINKING = re.compile(r"(?:.*/)?(o\d+(-(?!.*chat).*)?|gpt-5(-(mini|nano|pro|codex))?(-\d{4}-.*)?)")
NEWER = re.compile(r"(?:.*/)?gpt-5.*")


@dataclass(kw_only=True)
class LLM(Settings, ABC):
    """An LLM as a config chooses it: the settings, and what they make for a session."""

    def __post_init__(self) -> None:
        """Check the ranges and the protocol."""
        super().__post_init__()
        if self.protocol not in PROTOCOLS:
            raise ValueError(f"protocol must be one of {', '.join(PROTOCOLS)}, not {self.protocol}")

    @property
    @abstractmethod
    def endpoint(self) -> str:
        """Who answers, as the store notes it."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Return what decides the replies, beside the prompt and the seed; `model` is in it.

        It keys the completions and is part of what names a run: no key, cap or rate is in it.
        """

    @abstractmethod
    def make_protocol(self) -> Protocol:
        """Return what turns prompts into requests and responses into completions."""

    @property
    def style(self) -> Style:
        """How prompts must be written for it."""
        return self.make_protocol().style

    @abstractmethod
    def address(self) -> AbstractContextManager[Address]:
        """Return where requests go, with the key of the environment, while a block runs."""

    @abstractmethod
    def make_transport(self, context: Context) -> Transport:
        """Return what sends the requests of a session; nothing starts before it must send."""

    def price(self) -> Price | None:
        """Return what a token costs, None where that is not known; by default nothing."""
        return Price()

    def make_budget(self, usage: Usage, before: Usage) -> Budget:
        """Return the caps of a run, which has paid `before` in earlier processes."""
        price = self.price() or Price()
        return Budget(price, usage, before, self.max_requests, self.max_tokens)


@dataclass(kw_only=True)
class Remote(RemoteSettings, LLM):
    """An LLM behind an address."""

    length_field: ClassVar[str] = "max_tokens"

    @property
    def endpoint(self) -> str:
        """The base URL, without a slash at its end; of several, the first: it names them all."""
        return addresses(self.base_url)[0]

    def identity(self) -> dict[str, Any]:
        """The address, the format, the model, its sampling, and what else is chosen to be sent."""
        chosen = {"reasoning": self.reasoning, "extra": self.extra, "omit": sorted(self.omit)}
        return {
            "base_url": self.endpoint,
            "protocol": self.protocol,
            "model": self.model,
            "temperature": self.temperature,
            "top_p": self.top_p,
            **{name: value for name, value in chosen.items() if value},
        }

    def make_protocol(self) -> Protocol:
        """Return the chosen format, as the model is known to want it."""
        omit, thinks = list(self.omit), bool(THINKING.fullmatch(self.model))
        omit += ["max_tokens"] if NEWER.fullmatch(self.model) or thinks else []
        omit += ["temperature", "top_p", "stop"] if thinks else []
        return PROTOCOLS[self.protocol](
            self.model, self.temperature, self.top_p, self.length_field, self.reasoning,
            self.extra, tuple(dict.fromkeys(omit)), ROOM if thinks else 0,
        )  # fmt: skip

    def price(self) -> Price | None:
        """Return the config's price, else the listed one."""
        return price_of(self.name, self.model, self.input_price, self.output_price)

    def make_budget(self, usage: Usage, before: Usage) -> Budget:
        """Return the caps, that on money too. Raises UserError where it needs a price."""
        budget = super().make_budget(usage, before)
        budget.max_cost = self.max_cost
        if self.max_cost is not None and self.price() is None:
            raise UserError(
                f"llm.max_cost needs the price of {self.model}, which is not known: set "
                "llm.input_price and llm.output_price (US dollars a million tokens)."
            )
        return budget


@dataclass(kw_only=True)
class Online(OnlineSettings, Remote):
    """A remote LLM that is asked request by request."""

    def make_transport(self, context: Context) -> Transport:
        """Return the sender of single requests, within the rates."""
        from s3.llm.transport.online import OnlineTransport  # imports aiohttp

        limiter = Limiter(
            context.budget, self.concurrency, self.max_concurrency,
            self.requests_per_minute, self.tokens_per_minute,
        )  # fmt: skip
        return OnlineTransport(context, self.address, limiter, self.timeout, self.attempts)


@dataclass(kw_only=True)
class Batched(Remote):
    """A remote LLM that is asked in batches: `bulk` is whose bulk API it speaks."""

    bulk: str
    poll_seconds: float = 30.0

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        if self.bulk not in BULK:
            raise ValueError(f"bulk must be one of {', '.join(BULK)}, not {self.bulk}")

    def price(self) -> Price | None:
        """Return the price at the discount of batches."""
        return price_of(self.name, self.model, self.input_price, self.output_price, batch=True)

    def make_transport(self, context: Context) -> Transport:
        """Return the sender of batches."""
        connect = BULK[self.bulk]
        return BatchTransport(context, self.address, connect, self.attempts, self.poll_seconds)
