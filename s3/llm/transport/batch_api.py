"""What a provider's bulk API is to `batch.py`; each provider's is a subclass in a file beside it.

A batch is one piece of bytes with a line for each request. How a line, a reply and the state of a
batch are written is the subclass's matter alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from s3.llm.protocols import Response
from s3.llm.transport.base import Request


@dataclass(frozen=True)
class Rejection:
    """Why a batch was not carried out: nothing of it was answered, nothing is to be paid.

    `lines` are those that made it invalid, counted from 0, each with what the provider says of it.
    Where there are none, `later` says whether the same batch may be taken at another time.
    """

    said: str
    lines: Mapping[int, str]
    later: bool


@dataclass(frozen=True)
class Ended:
    """How a batch ended: replies by their requests' ids, or why it was not carried out.

    A request without a reply is unanswered: it may be submitted again.
    """

    replies: Mapping[str, Response] = field(default_factory=dict)
    rejection: Rejection | None = None


class BatchAPI(ABC):
    """A bulk API at an address. Raises UserError where its own retries did not help."""

    @abstractmethod
    def line(self, request: Request, draw: int) -> bytes:
        """Return a request's line; `draw` is another for another sample of an empty reply."""

    @abstractmethod
    def sent(self, lines: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the id and the protocol's body of each line of a batch: the inverse of `line`."""

    @abstractmethod
    async def submit(self, lines: bytes, digest: str) -> str:
        """Submit a batch marked with a digest, once; return the provider's id for it."""

    @abstractmethod
    async def find(self, digest: str) -> str | None:
        """Return the id of the batch marked with a digest, if the provider has one."""

    @abstractmethod
    async def ended(self, batch: str, poll_seconds: float) -> Ended:
        """Wait for the end of a batch; return what it brings."""

    @abstractmethod
    async def close(self) -> None:
        """End the connections."""
