"""The LLMs one can choose: OpenAI, its batch API, any compatible server, the embedded default."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from s3.errors import UserError
from s3.llm.settings import LLM, Endpoint
from s3.llm.types import Style

if TYPE_CHECKING:
    from s3.llm.channel import Channel
    from s3.llm.work import Work


@dataclass(kw_only=True)
class OpenAI(LLM):
    """OpenAI's own API; the key is read from OPENAI_API_KEY, never from a config."""

    name: str = "openai"
    model: str = "gpt-4o-mini"
    base_url: str = "https://api.openai.com/v1"

    limit_field: ClassVar[str] = "max_completion_tokens"  # max_tokens is refused by newer models

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_url(self.base_url)

    @contextmanager
    def serve(self) -> Iterator[Endpoint]:
        """Read the key. Raises UserError where the environment has none."""
        key = os.environ.get("OPENAI_API_KEY", "").strip()
        if not key:
            raise UserError(
                "llm: OPENAI_API_KEY is not set. Set it in the environment (not in a config), or "
                "use llm=smollm2, which needs no key."
            )
        yield Endpoint(self.base_url.rstrip("/"), key)


@dataclass(kw_only=True)
class OpenAIBatch(OpenAI):
    """OpenAI's batch API: half the price, an answer within a day."""

    poll_seconds: float = 30.0

    discount: ClassVar[float] = 0.5

    def channel(self, work: Work) -> Channel:
        """Return the sender of batches."""
        from s3.llm.batch import Batches

        return Batches(work, self.poll_seconds)


@dataclass(kw_only=True)
class Server(LLM):
    """A server that speaks OpenAI's protocol: vLLM, Ollama, llama.cpp, a provider."""

    name: str = "server"
    base_url: str
    key_env: str = "S3_SERVER_KEY"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_url(self.base_url)

    @contextmanager
    def serve(self) -> Iterator[Endpoint]:
        """Take the address as it stands, with the key of the environment if there is one."""
        yield Endpoint(self.base_url.rstrip("/"), os.environ.get(self.key_env, "").strip())


@dataclass(kw_only=True)
class SmolLM2(LLM):
    """The embedded default: SmolLM2-135M-Instruct on a loopback port inside the run."""

    name: str = "smollm2"
    model: str = "SmolLM2-135M-Instruct"
    style: Style = Style.continuation
    concurrency: int = 64  # as many as the server can have slots
    max_concurrency: int = 64
    timeout: float = 600.0
    threads: int | None = None

    def serve(self) -> AbstractContextManager[Endpoint]:
        """Load the weights (fetched once) and listen until the connection closes."""
        from s3.llm.embedded import serving

        return serving(self)

    def channel(self, work: Work) -> Channel:
        """Return the sender that uses the server's slots best."""
        from s3.llm.embedded import SLOTS
        from s3.llm.lanes import Lanes

        return Lanes(work, SLOTS)


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"base_url must be like http://localhost:8000/v1, not {url!r}")
    if parts.username or parts.password:
        raise ValueError("base_url must hold no user or password: keys come from the environment")
