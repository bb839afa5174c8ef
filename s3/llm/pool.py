"""The pool: every open row has a task of its own, which retries until it is answered."""

from __future__ import annotations

import asyncio
import time
from functools import partial

from s3.llm.background import Background
from s3.llm.sender import Sender
from s3.llm.settings import Endpoint
from s3.llm.work import Row

GRACE = 10.0  # seconds that requests in flight get to arrive when the pool must stop


class Pool(Background):
    """A channel that sends each row as a request of its own."""

    window = 2000  # rows open at a time: what one slow row can hold up, and what memory holds
    step = 32

    async def _open(self, endpoint: Endpoint) -> None:
        self._sender = Sender(self._work, endpoint)

    async def _shut(self) -> None:
        await self._sender.close()

    def _begin(self, rows: list[Row]) -> None:
        for row in rows:
            self._run([row], partial(self._answer, row))

    async def _answer(self, row: Row, slot: int | None = None) -> None:
        row.outcome = await self._sender.answer(row, slot)
        self._work.arrived.set()

    async def _drain(self, reason: Exception) -> None:
        gate = self._sender.gate
        gate.close(reason)
        deadline = time.monotonic() + GRACE
        while gate.in_flight and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
