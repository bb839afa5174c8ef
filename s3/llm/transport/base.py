"""What a transport is, and one whose work runs in an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import hashlib
import random
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from s3.llm.format import Format
from s3.llm.keys import redacted
from s3.llm.limits import Budget
from s3.llm.protocols import Protocol
from s3.llm.store import Account
from s3.llm.trial import Trial
from s3.llm.types import Completion, Failure, Prompt, Usage

PATIENCE = 10.0  # seconds to end in
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 20.0  # seconds between attempts; doubled each time
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Address:
    """Where requests go: the URL up to and with `/v1`, and the key ("" for none).

    What the URL asks for after a question mark (Azure's api-version) goes with every request.
    `others` are the URLs of further servers of the same model, under the same key.
    """

    url: str
    key: str = ""
    others: tuple[str, ...] = ()

    def each(self) -> list[Address]:
        """Return an address of its own for each server."""
        return [Address(url, self.key) for url in (self.url, *self.others)]

    def at(self, path: str) -> str:
        """Return the URL of a path below this one."""
        parts = urlsplit(self.url)
        return parts._replace(path=parts.path.rstrip("/") + path).geturl()

    def redact(self, text: bytes) -> bytes:
        """Return an error's words without the key, should they hold it in any form.

        For what is shown of an endpoint: a reply is data, and stays as it is.
        """
        return redacted(text, self.key)

    def proxy(self) -> str | None:
        """Return the proxy that the environment names; none to this machine itself."""
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        return None if host in LOOPBACK or proxy_bypass(host) else getproxies().get(parts.scheme)


@dataclass(slots=True, eq=False)
class Request:
    """One prompt on its way: `id` is its address in the store, `number` its place in line."""

    number: int
    prompt: Prompt
    id: str
    outcome: Completion | Failure | None = None
    protocol: Protocol | None = None  # the one that the id was made for


@dataclass
class Context:
    """What a session and its transport share, seen from both of their threads.

    `arrived` is set whenever a request has got its outcome, or `stopped` has got the reason why
    no more will.
    """

    where: str  # the endpoint and the model, for messages
    format: Format
    usage: Usage
    budget: Budget
    account: Account
    trial: Trial  # of replies: do completions come of them?
    arrived: threading.Event = field(default_factory=threading.Event)
    stopped: Exception | None = None
    redact: Callable[[bytes], bytes] = bytes  # the address's own, once that is known

    @property
    def protocol(self) -> Protocol:
        """The wire format as the endpoint wants it now."""
        return self.format.protocol

    def address(self, request: Request) -> bool:
        """Give a request the id that it has in the present format; return whether it is another."""
        protocol = self.protocol
        if request.protocol is protocol:
            return False
        sample = request.id.rpartition("-")[2]
        request.id = f"{self.format.key(request.prompt, protocol)}-{sample}"
        request.protocol = protocol
        return True

    def fail(self, request: Request, reason: str, detail: str) -> None:
        """Give a request its outcome: no completion."""
        self.usage.failures += 1
        request.outcome = Failure(request.prompt, reason, self.shown(detail))
        self.arrived.set()

    def stop(self, error: Exception) -> None:
        """Let the session end with an error."""
        error.args = tuple(self.shown(one) if isinstance(one, str) else one for one in error.args)
        self.stopped = self.stopped or error
        self.arrived.set()

    def shown(self, text: str) -> str:
        """Return what is to be said, without the key."""
        return self.redact(text.encode(errors="replace")).decode(errors="replace")


class Transport(ABC):
    """Answers requests in any order, each stored before its outcome is set.

    At most `window` requests are open at a time; they come in portions of `step`.
    """

    window: int
    step: int

    @abstractmethod
    def submit(self, requests: list[Request]) -> None:
        """Begin to answer requests. Raises UserError where the endpoint cannot be started."""

    @abstractmethod
    def cancel(self, requests: list[Request]) -> None:
        """Give up requests that nobody waits for any more."""

    @abstractmethod
    def close(self) -> None:
        """End at once; what has arrived is stored."""


class LoopTransport(Transport):
    """A transport whose work is tasks in an event loop of its own, in a thread of its own.

    A task that raises stops the session with what it raised. The loop starts, and with it the
    endpoint if that is ours, at the first request that must be sent.
    """

    def __init__(
        self, context: Context, reach: Callable[[], AbstractContextManager[Address]]
    ) -> None:
        self._context, self._reach = context, reach
        self._loop: asyncio.AbstractEventLoop | None = None
        self._endpoint = ExitStack()
        self._tasks: dict[Request, asyncio.Task[None]] = {}  # by the request that it answers
        self._running: set[asyncio.Task[None]] = set()

    @abstractmethod
    def _begin(self, requests: list[Request]) -> None:
        """Start tasks for requests, in the loop."""

    @abstractmethod
    async def _open(self, address: Address) -> None:
        """Make what lives in the loop."""

    @abstractmethod
    async def _shut(self) -> None:
        """Close what lives in the loop; what has arrived is stored."""

    async def _drain(self, reason: Exception) -> None:
        """Stop for `reason`; let arrive what is on its way and paid for."""

    def submit(self, requests: list[Request]) -> None:
        """Begin to answer requests."""
        if self._loop is None:
            address = self._endpoint.enter_context(self._reach())
            self._context.redact = address.redact
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="llm", daemon=True)
            self._thread.start()
            asyncio.run_coroutine_threadsafe(self._open(address), self._loop).result()
        self._loop.call_soon_threadsafe(self._begin, requests)

    def cancel(self, requests: list[Request]) -> None:
        """Give up requests that nobody waits for any more."""
        if self._loop and requests:
            self._loop.call_soon_threadsafe(self._drop, requests)

    def close(self) -> None:
        """Cancel what is open; end the thread, and the endpoint if it is ours."""
        loop, self._loop = self._loop, None
        if loop:
            asyncio.run_coroutine_threadsafe(self._end(), loop).result(PATIENCE)
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join(PATIENCE)
            loop.close()
        self._endpoint.close()

    def _start(
        self, requests: list[Request], answer: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        """Run what answers `requests` as a task."""

        async def watched() -> None:
            try:
                await answer()
            except Exception as error:
                await self._drain(error)
                self._context.stop(error)
            finally:
                for request in requests:
                    self._tasks.pop(request, None)

        task = asyncio.get_running_loop().create_task(watched())
        self._tasks.update(dict.fromkeys(requests, task))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _drop(self, requests: list[Request]) -> None:
        for request in requests:
            if task := self._tasks.get(request):
                task.cancel()

    async def _end(self) -> None:
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._shut()


def seed_of(id: str, draw: int) -> int:
    """Return the seed that a request is sent with; `draw` counts those that gave an empty reply."""
    digest = hashlib.sha256(f"{id}-{draw}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1  # 31 bits: what every server takes


def back_off(times: int) -> float:
    """Return the pause before the next attempt in seconds: doubled each time, with jitter."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(times - 1, 30)) * random.uniform(0.5, 1.5)
