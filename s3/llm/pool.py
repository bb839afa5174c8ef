"""The pool: an event loop in a thread, where every open row has a task of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import ExitStack

from s3.llm.sender import Sender
from s3.llm.work import Row, Work

GRACE = 10.0  # seconds that requests in flight get to arrive when the pool must stop


class Pool:
    """A channel that sends each row as a request of its own."""

    window = 2000  # rows open at a time: what one slow row can hold up, and what memory holds
    step = 32

    def __init__(self, work: Work) -> None:
        self._work = work
        self._loop: asyncio.AbstractEventLoop | None = None
        self._endpoint = ExitStack()
        self._tasks: dict[Row, asyncio.Task[None]] = {}

    def submit(self, rows: list[Row]) -> None:
        """Begin to answer rows; the first time, reach the endpoint."""
        if self._loop is None:
            self._loop = self._start()
        self._loop.call_soon_threadsafe(self._begin, rows)

    def cancel(self, rows: list[Row]) -> None:
        """Give up rows that nobody waits for any more."""
        if self._loop:
            self._loop.call_soon_threadsafe(self._drop, rows)

    def close(self) -> None:
        """Cancel what is open; end the thread, and the endpoint if it is ours."""
        loop, self._loop = self._loop, None
        if loop:
            asyncio.run_coroutine_threadsafe(self._end(), loop).result(GRACE)
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join(GRACE)
            loop.close()
        self._endpoint.close()

    def _start(self) -> asyncio.AbstractEventLoop:
        endpoint = self._endpoint.enter_context(self._work.llm.serve())
        loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=loop.run_forever, name="llm", daemon=True)
        self._thread.start()

        async def connect() -> Sender:
            return Sender(self._work, endpoint)

        self._sender = asyncio.run_coroutine_threadsafe(connect(), loop).result()
        return loop

    async def _end(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._sender.close()

    def _begin(self, rows: list[Row]) -> None:
        for row in rows:
            self._tasks[row] = asyncio.get_running_loop().create_task(self._finish(row))

    def _drop(self, rows: list[Row]) -> None:
        for row in rows:
            if task := self._tasks.get(row):
                task.cancel()

    async def _finish(self, row: Row) -> None:
        try:
            row.outcome = await self._sender.answer(row)
            self._work.arrived.set()
        except Exception as error:
            await self._halt(error)
        finally:
            del self._tasks[row]

    async def _halt(self, reason: Exception) -> None:
        """Stop for good, after what is in flight has arrived: it is paid for."""
        self._sender.gate.close(reason)
        deadline = time.monotonic() + GRACE
        while self._sender.gate.in_flight and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        self._work.stop(reason)
