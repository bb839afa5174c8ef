"""An event loop in a thread: what the channels have in common."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from typing import Any

from s3.llm.settings import Endpoint
from s3.llm.work import Row, Work

PATIENCE = 10.0  # seconds to end in


class Background(ABC):
    """A channel whose work is tasks in an event loop of its own.

    A task that raises stops the connection with what it raised. The loop starts, and with it
    the endpoint, at the first row that must be sent.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._loop: asyncio.AbstractEventLoop | None = None
        self._endpoint = ExitStack()
        self._tasks: dict[Row, asyncio.Task[None]] = {}  # by the row that it answers
        self._running: set[asyncio.Task[None]] = set()

    @abstractmethod
    def _begin(self, rows: list[Row]) -> None:
        """Start tasks for rows, in the loop."""

    @abstractmethod
    async def _open(self, endpoint: Endpoint) -> None:
        """Make what lives in the loop."""

    @abstractmethod
    async def _shut(self) -> None:
        """Close what lives in the loop; what has arrived is stored."""

    @abstractmethod
    async def _drain(self, reason: Exception) -> None:
        """Stop for `reason`; let arrive what is on its way and paid for."""

    def submit(self, rows: list[Row]) -> None:
        """Begin to answer rows. Raises UserError where the endpoint cannot be reached at all."""
        if self._loop is None:
            self._loop = self._start()
        self._loop.call_soon_threadsafe(self._begin, rows)

    def cancel(self, rows: list[Row]) -> None:
        """Give up rows that nobody waits for any more."""
        if self._loop and rows:
            self._loop.call_soon_threadsafe(self._drop, rows)

    def close(self) -> None:
        """Cancel what is open; end the thread, and the endpoint if it is ours."""
        loop, self._loop = self._loop, None
        if loop:
            asyncio.run_coroutine_threadsafe(self._end(), loop).result(PATIENCE)
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join(PATIENCE)
            loop.close()
        self._endpoint.close()

    def _start(self) -> asyncio.AbstractEventLoop:
        endpoint = self._endpoint.enter_context(self._work.llm.serve())
        loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=loop.run_forever, name="llm", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(endpoint), loop).result()
        return loop

    def _run(self, rows: list[Row], answer: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run what answers `rows` as a task."""
        task = asyncio.get_running_loop().create_task(self._watch(rows, answer))
        self._tasks.update(dict.fromkeys(rows, task))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _watch(
        self, rows: list[Row], answer: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        try:
            await answer()
        except Exception as error:
            await self._drain(error)
            self._work.stop(error)
        finally:
            for row in rows:
                self._tasks.pop(row, None)

    def _drop(self, rows: list[Row]) -> None:
        for row in rows:
            if task := self._tasks.get(row):
                task.cancel()

    async def _end(self) -> None:
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._shut()
