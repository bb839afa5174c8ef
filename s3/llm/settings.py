"""What every LLM has in its config: the model, its sampling, its pace and its caps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from s3.llm.types import Prompt, Style

if TYPE_CHECKING:
    from s3.llm.channel import Channel
    from s3.llm.session import Session
    from s3.llm.work import Work

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


@dataclass(frozen=True)
class Endpoint:
    """Where requests go: the URL up to and with `/v1`, and the key ("" for none)."""

    url: str
    key: str = ""


@dataclass(kw_only=True)
class LLM(ABC):
    """A model behind an OpenAI-compatible endpoint. The fields are its config.

    `timeout` is in seconds; prices are in US dollars a million tokens; `name` is part of the
    store's keys, so completions of one endpoint are never taken for those of another.
    """

    name: str
    model: str
    style: Style = Style.chat
    temperature: float = 0.9
    top_p: float = 0.95
    concurrency: int = 50
    max_concurrency: int = 200
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    timeout: float = 120.0
    attempts: int = 10
    tolerated_failures: int = 0
    max_cost: float | None = None
    max_tokens: int | None = None
    max_requests: int | None = None
    input_price: float | None = None
    output_price: float | None = None

    # The settings that `decisive` and the store's key are made of: others change no reply.
    deciding: ClassVar[tuple[str, ...]] = ("name", "model", "style", "temperature", "top_p")
    limit_field: ClassVar[str] = "max_tokens"  # what the API calls the reply's length limit
    discount: ClassVar[float] = 1.0  # share of the listed price that is paid

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in RANGES and value is not None:
                low, high = RANGES[field.name]
                if not low <= value <= high:
                    raise ValueError(f"{field.name} must be in {low:g}..{high:g}, not {value}")
        if self.max_concurrency < self.concurrency:
            raise ValueError(
                f"max_concurrency must be at least concurrency ({self.concurrency}), "
                f"not {self.max_concurrency}"
            )

    def connect(self, seed: int, run: str = "") -> Session:
        """Return a connection, to be used in a `with`; nothing heavy happens before it must send.

        `run` names the run in the store's books: what earlier processes of the same run have
        paid counts towards its caps. Without a name each connection is a run of its own.
        """
        from s3.llm.session import Session

        return Session(self, seed, run)

    @abstractmethod
    def serve(self) -> AbstractContextManager[Endpoint]:
        """Reach the endpoint, starting it where it is ours. Raises UserError without a key."""

    def channel(self, work: Work) -> Channel:
        """Return what sends the requests of a connection."""
        from s3.llm.pool import Pool

        return Pool(work)

    def route(self) -> str:
        """The path of the API that this style of prompt uses."""
        return "/chat/completions" if self.style is Style.chat else "/completions"

    def decisive(self, prompt: Prompt) -> dict[str, Any]:
        """The part of a request that decides its reply, but for the seed."""
        content: dict[str, Any] = {"prompt": prompt.text}
        if self.style is Style.chat:
            turns = [("system", prompt.system)] * bool(prompt.system) + [("user", prompt.text)]
            content = {"messages": [{"role": role, "content": text} for role, text in turns]}
        settings = {"temperature": self.temperature, "top_p": self.top_p}
        stop = {"stop": list(prompt.stop)} if prompt.stop else {}
        length = {self.limit_field: prompt.reply_tokens}
        return {"model": self.model, **content, **settings, **stop, **length}
