"""What `llm=` can be: OpenAI, its batch API, services, servers, the embedded default.

Another service of a known protocol is a YAML of `Service`, or of `BatchService`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from s3.llm.base import LLM, Batched, Online, Remote
from s3.llm.embedded import MODEL, SLOTS, WEIGHTS, serving
from s3.llm.keys import key_of
from s3.llm.protocols import PROTOCOLS, Protocol
from s3.llm.settings import addresses
from s3.llm.transport.base import Address, Context, Transport


@dataclass(kw_only=True)
class OpenAIAccount(Remote):
    """What both of OpenAI's ways share."""

    model: str = "gpt-5.4-mini"
    base_url: str = "https://api.openai.com/v1"

    length_field: ClassVar[str] = "max_completion_tokens"  # newer models refuse max_tokens

    @contextmanager
    def address(self) -> Iterator[Address]:
        """Read the key. Raises UserError where the environment has none."""
        yield Address(self.endpoint, key_of("OPENAI_API_KEY"))


@dataclass(kw_only=True)
class OpenAI(OpenAIAccount, Online):
    """OpenAI's own API."""

    name: str = "openai"


@dataclass(kw_only=True)
class OpenAIBatch(OpenAIAccount, Batched):
    """OpenAI's batch API: half the price, an answer within a day."""

    name: str = "openai"
    bulk: str = "openai"


@dataclass(kw_only=True)
class Server(Online):
    """A server that speaks OpenAI's protocol: vLLM, Ollama, llama.cpp, a provider.

    `base_url` is its address, or a list of those of several servers of the same model.
    """

    name: str = "server"
    base_url: Any  # an address or a list of several: str | list[str], which OmegaConf cannot say
    key_env: str = "S3_SERVER_KEY"

    @contextmanager
    def address(self) -> Iterator[Address]:
        """Take the addresses as they stand, with the key of the environment if there is one."""
        url, *others = addresses(self.base_url)
        yield Address(url, key_of(self.key_env, needed=False), tuple(others))


@dataclass(kw_only=True)
class Keyed(Remote):
    """A provider's API: `name` is its list in prices.yaml, `key_env` the variable with the key."""

    name: str
    key_env: str  # the environment variable with the key

    @contextmanager
    def address(self) -> Iterator[Address]:
        """Read the key. Raises UserError where the environment has none."""
        yield Address(self.endpoint, key_of(self.key_env))


@dataclass(kw_only=True)
class Service(Keyed, Online):
    """A provider's API that is asked request by request."""


@dataclass(kw_only=True)
class BatchService(Keyed, Batched):
    """A provider's bulk API: often half the price, an answer within a day."""


@dataclass(kw_only=True)
class SmolLM2(LLM):
    """The embedded default: SmolLM2-135M-Instruct on loopback, shared by a machine's runs."""

    name: str = "smollm2"
    protocol: str = "completions"
    threads: int | None = None

    @property
    def endpoint(self) -> str:
        """The server of this machine's runs."""
        return "embedded"

    def identity(self) -> dict[str, Any]:
        """The weights, the format and the sampling; the port is another each time."""
        return {
            "weights": WEIGHTS.sha256,
            "protocol": self.protocol,
            "model": MODEL,
            "temperature": self.temperature,
            "top_p": self.top_p,
        }

    def make_protocol(self) -> Protocol:
        """Return the chosen format."""
        return PROTOCOLS[self.protocol](MODEL, self.temperature, self.top_p)

    def address(self) -> AbstractContextManager[Address]:
        """Start the server, or find it running."""
        return serving(self.threads)

    def make_transport(self, context: Context) -> Transport:
        """Return the sender that uses the server's slots best."""
        from s3.llm.transport.slots import SlotsTransport  # imports aiohttp

        return SlotsTransport(context, self.address, SLOTS)
