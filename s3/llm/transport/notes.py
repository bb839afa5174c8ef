"""The notes of batches under way: which requests are in one already, and who answers them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from s3.llm.leases import Leases
from s3.llm.store import Batch, Store
from s3.llm.transport.base import Context, Request


class Notes:
    """What the store knows of batches at an endpoint, and the leases of the requests in them."""

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

    @contextmanager
    def turn(self, requests: list[Request]) -> Iterator[list[Request]]:
        """Take the leases of those that no other process answers now; yield these requests.

        Nobody waits for a lease while holding one, so no two processes wait for each other.
        """
        mine = {one.id: one for one in requests if self._leases.take(one.id)}
        try:
            yield list(mine.values())
        finally:
            for id in mine:  # what the endpoint refuses changes that of a request
                self._leases.release(id)


def unanswered(requests: list[Request]) -> list[Request]:
    """Return those without an outcome."""
    return [request for request in requests if request.outcome is None]
