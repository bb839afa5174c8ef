"""The options of each kind of LLM and their ranges; a class has only options that do something.

Every LLM has sampling and caps (`Settings`). One behind an address has a model, retries and
prices besides (`RemoteSettings`). One that is asked request by request also has rates and a
concurrency limit (`OnlineSettings`): a batch API has none, the embedded server's slots are its own.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from s3.llm.keys import refuse_keys

# The range of each number: (lowest, highest). None as a value means "no limit".
RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0.01, 1),
    "concurrency": (1, 10_000),
    "max_concurrency": (1, 10_000),
    "requests_per_minute": (1, 1e9),
    "tokens_per_minute": (1, 1e12),
    "timeout": (0.1, 86_400),
    "attempts": (1, 100),
    "tolerated_failures": (0, 1e9),
    "max_cost": (0, 1e9),
    "max_tokens": (0, 1e15),
    "max_requests": (0, 1e15),
    "input_price": (0, 1e6),
    "output_price": (0, 1e6),
    "poll_seconds": (0.01, 3600),
    "threads": (1, 1024),
}


@dataclass(kw_only=True)
class Settings:
    """What every LLM has: its wire format, its sampling, and caps on what a run may ask for."""

    name: str  # in messages
    protocol: str = "chat_completions"  # a name in s3.llm.protocols.PROTOCOLS
    temperature: float | None = 0.9  # null: not sent, the model's own
    top_p: float | None = 0.9  # nucleus sampling; null: not sent
    tolerated_failures: int = 0  # prompts that may stay without a completion in each step
    max_requests: int | None = None  # sent over the wire; 0: only what the store has
    max_tokens: int | None = None  # of prompts and replies together

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in (one.name for one in fields(self)):
            value = getattr(self, name)
            if name in RANGES and value is not None:
                low, high = RANGES[name]
                if not low <= value <= high:
                    raise ValueError(f"{name} must be in {low:g}..{high:g}, not {value}")


@dataclass(kw_only=True)
class RemoteSettings(Settings):
    """An LLM behind an address that may charge: prices are US dollars a million tokens.

    What an endpoint wants beside the sampling: `reasoning` is a thinking model's effort, `extra`
    are fields to add to each request or to replace there, `omit` those to leave out.
    """

    model: str  # as the endpoint names it
    base_url: str  # up to and with /v1; a `Server` may have several
    reasoning: str | None = None  # none, minimal, low, medium or high; null: the model's own
    extra: dict[str, Any] = field(default_factory=dict)  # fields to add to each request
    omit: list[str] = field(default_factory=list)  # fields to leave out of each request
    attempts: int = 10  # for one prompt
    max_cost: float | None = None  # US dollars
    input_price: float | None = None  # US dollars a million tokens; null: from prices.yaml
    output_price: float | None = None  # likewise, of what is written

    def __post_init__(self) -> None:
        """Check the ranges and the address, and that nothing holds a key."""
        super().__post_init__()
        refuse_keys(asdict(self))
        urls = addresses(self.base_url)
        if len(set(urls)) < max(1, len(urls)):
            raise ValueError(f"base_url must be one address or several, not {self.base_url}")
        for url in urls:
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError(f"base_url must be like http://localhost:8000/v1, not {url!r}")


def addresses(base_url: Any) -> list[str]:
    """Return the addresses of an option that holds one or a list, without a slash at the end."""
    several = base_url if isinstance(base_url, list) else [base_url]
    return [str(url).rstrip("/") for url in several]


@dataclass(kw_only=True)
class OnlineSettings(RemoteSettings):
    """An LLM that is asked request by request; `timeout` is seconds for one reply."""

    concurrency: int = 50  # requests in flight at the start
    max_concurrency: int = 200  # and at most
    requests_per_minute: int | None = None  # the account's limit; null: learnt from HTTP 429
    tokens_per_minute: int | None = None  # likewise
    timeout: float = 120.0  # seconds for one reply

    def __post_init__(self) -> None:
        """Check the ranges and that concurrency starts below its cap."""
        super().__post_init__()
        if self.max_concurrency < self.concurrency:
            raise ValueError(
                f"max_concurrency must be at least concurrency ({self.concurrency}), "
                f"not {self.max_concurrency}"
            )
