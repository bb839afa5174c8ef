"""The notes of batches under way: which requests are in one already, and whose turn it is."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from s3.llm.leases import Leases
from s3.llm.store import Batch, Store
from s3.llm.transport.base import Context, Request


class Notes:
    """What the store knows of batches at an endpoint, and the leases of those about to begin."""

    def __init__(self, context: Context, store: Store) -> None:
        self._context, self._store = context, store
        self._leases = Leases(store.path.with_suffix(".leases"))

    def close(self) -> None:
        """Release all leases."""
        self._leases.close()

    def under_way(
        self, requests: list[Request]
    ) -> tuple[list[tuple[Batch, list[Request]]], list[Request]]:
        """Return the batches that have some of the requests, with those; and the other requests."""
        mine, found = {request.id: request for request in requests}, []
        for note in self._store.batches(self._context.account.endpoint):
            if known := [mine.pop(id) for id in note.ids if id in mine]:
                found.append((note, known))
        return found, list(mine.values())

    @asynccontextmanager
    async def turn(self, requests: list[Request], pause: float) -> AsyncIterator[bool]:
        """Let one process at a time submit these requests; yield whether another had the turn.

        What a process has submitted is noted, also when it dies with its lease.
        """
        ids = " ".join(request.id for request in requests)
        lease = f"{hashlib.sha256(ids.encode()).hexdigest()}-0"
        waited = False
        while not self._leases.take(lease):
            waited = True
            await asyncio.sleep(pause)
        try:
            yield waited
        finally:
            self._leases.release(lease)


def unanswered(requests: list[Request]) -> list[Request]:
    """Return those without an outcome."""
    return [request for request in requests if request.outcome is None]
