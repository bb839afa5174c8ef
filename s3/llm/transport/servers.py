"""Several servers of one model, as if they were one: requests go where the fewest are in flight.

One that fails is left alone for a while that doubles with each failure in a row; then a single
request tries it. What it was asked is asked of the others, by the retries that any request has.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

from s3.llm.errors import Fault
from s3.llm.protocols import Response
from s3.llm.transport.base import Address
from s3.llm.transport.http import HTTP
from s3.llm.transport.models import context_length, entry, listed

FIRST_REST, LONGEST_REST = 1.0, 60.0  # seconds without requests for a server that has failed


@dataclass(eq=False)
class _Server:
    url: str
    http: HTTP
    in_flight: int = 0
    asked: int = 0
    failed: int = 0  # times in a row
    since: float = 0.0  # the last of them

    @property
    def rested(self) -> float:
        """When it has rested for long enough."""
        return self.since + min(LONGEST_REST, FIRST_REST * 2.0 ** min(self.failed - 1, 30))

    def takes(self, now: float) -> bool:
        """Whether a request may go there: after failures one at a time, to see if it is back."""
        return not self.failed or (now >= self.rested and not self.in_flight)


class Servers:
    """The servers of an address; made inside a running event loop, with `HTTP`'s arguments."""

    def __init__(self, address: Address, headers: Mapping[str, str], timeout: float) -> None:
        self._servers = [_Server(one.url, HTTP(one, headers, timeout)) for one in address.each()]

    async def close(self) -> None:
        """End the connections."""
        for server in self._servers:
            await server.http.close()

    async def context_length(self, model: str) -> int | None:
        """Return the tokens of prompt and reply that all servers take, None if none says it."""
        found = []
        for server in self._servers:
            try:
                found.append(context_length(entry(await listed(server.http), model)))
            except Fault:  # a prompt will say so, after its attempts
                continue
        return min(filter(None, found), default=None)

    async def post(self, path: str, body: bytes) -> Response:
        """Send JSON to the server that is least busy. Raises as `HTTP.post` does."""
        server, started = self._least_busy(), time.monotonic()
        server.in_flight += 1
        server.asked += 1
        try:
            response = await server.http.post(path, body)
        except Fault as fault:
            self._failed(server, str(fault), started)
            raise
        finally:
            server.in_flight -= 1
        if response.status >= 500:
            self._failed(server, f"HTTP {response.status}", started)
        elif server.failed and started > server.since:  # else it answers what it had begun
            self._say(f"{server.url} answers again.")
            server.failed = 0
        return response

    def _least_busy(self) -> _Server:
        """Return the server to ask now; where all have failed, the one that has rested longest."""
        now = time.monotonic()
        well = [server for server in self._servers if server.takes(now)]
        if not well:
            return min(self._servers, key=lambda server: (server.rested, server.in_flight))
        return min(well, key=lambda server: (server.in_flight, server.asked))

    def _failed(self, server: _Server, why: str, started: float) -> None:
        """Have a server rest. What failed with what began before its rest is the same failure."""
        if server.failed and started <= server.since:
            return
        if not server.failed:
            self._say(f"{server.url} fails ({why}); it is left to rest, the others are asked.")
        server.failed, server.since = server.failed + 1, time.monotonic()

    def _say(self, line: str) -> None:
        if len(self._servers) > 1:
            print(line, file=sys.stderr, flush=True)
