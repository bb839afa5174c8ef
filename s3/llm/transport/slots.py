"""The embedded server: it answers faster if prompts with the same opening share a slot, in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from s3.llm.limits import Limiter
from s3.llm.transport.base import Address, Context, Request
from s3.llm.transport.online import OnlineTransport

TIMEOUT, ATTEMPTS = 600.0, 10  # the server is ours: slow on a busy machine, and it does not fail


class SlotsTransport(OnlineTransport):
    """Deals requests, sorted by text, to the slots of a llama.cpp server.

    A slot keeps what it has read of its last prompt, and reading is most of the work where
    prompts are long: neighbours in a slot's queue begin with the same passage. The slots are the
    concurrency: as many requests as there are slots are in flight.
    """

    window = 2048
    step = 1024  # sorted together

    def __init__(
        self,
        context: Context,
        reach: Callable[[], AbstractContextManager[Address]],
        slots: int,
    ) -> None:
        limiter = Limiter(context.budget, slots, slots)
        super().__init__(context, reach, limiter, TIMEOUT, ATTEMPTS)
        self._queues: list[list[Request]] = [[] for _ in range(slots)]
        self._busy: set[int] = set()

    def _begin(self, requests: list[Request]) -> None:
        waiting = [request for queue in self._queues for request in queue] + requests
        waiting.sort(key=lambda request: request.prompt.sent)
        size, slots = len(waiting), len(self._queues)
        self._queues = [
            waiting[slot * size // slots : (slot + 1) * size // slots] for slot in range(slots)
        ]
        for slot in range(slots):
            if slot not in self._busy:
                self._busy.add(slot)
                self._start([], partial(self._drive, slot))

    def _drop(self, requests: list[Request]) -> None:
        super()._drop(requests)
        gone = set(requests)
        self._queues = [
            [request for request in queue if request not in gone] for queue in self._queues
        ]

    async def _drive(self, slot: int) -> None:
        """Answer a slot's requests one after the other, then help with the longest queue."""
        try:
            while request := self._next(slot):
                self._start([request], partial(self._answer, request, slot))
                await asyncio.wait([self._tasks[request]])
        finally:
            self._busy.discard(slot)

    def _next(self, slot: int) -> Request | None:
        queue = self._queues[slot]
        if not queue:
            longest = max(self._queues, key=len)
            half = len(longest) // 2 or len(longest)
            queue += longest[len(longest) - half :]
            del longest[len(longest) - half :]
        return queue.pop(0) if queue else None
