"""Requests that come at the same time are answered by one call of the model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from s3.prediction.model import Texts
from s3.student import Predictions

PAUSE = 0.002  # seconds that a request waits for others, where the model has nothing to do
ROWS = 256  # from which on no further request joins a call
MOST_WAITING = 8192  # rows; beyond them new requests are sent away


class BusyError(Exception):
    """More rows wait than are taken on."""


@dataclass(frozen=True)
class _Request:
    rows: Sequence[Texts]
    answered: asyncio.Future[Predictions]


class Batches:
    """Collects what waits while the model works; `work` runs beside those who `ask`.

    The model is called in a thread, by one call at a time, so that the server stays awake.
    """

    def __init__(self, predict: Callable[[list[Texts]], Predictions]) -> None:
        self.waiting = 0  # rows without an answer so far
        self._predict = predict
        self._queue: asyncio.Queue[_Request] = asyncio.Queue()

    async def ask(self, rows: Sequence[Texts]) -> Predictions:
        """Return the answers to some rows, in order.

        Raises BusyError where too many wait, and what the model raises.
        """
        if self.waiting + len(rows) > MOST_WAITING:
            raise BusyError
        request = _Request(rows, asyncio.get_running_loop().create_future())
        self.waiting += len(rows)
        self._queue.put_nowait(request)
        try:
            return await request.answered
        finally:
            self.waiting -= len(rows)

    async def work(self) -> None:
        """Answer what is asked, until cancelled."""
        while True:
            batch = [await self._queue.get()]
            await asyncio.sleep(PAUSE)
            while not self._queue.empty() and sum(len(one.rows) for one in batch) < ROWS:
                batch.append(self._queue.get_nowait())
            await self._answer(batch)

    async def _answer(self, batch: Sequence[_Request]) -> None:
        batch = [one for one in batch if not one.answered.done()]  # who left needs none
        rows = [row for one in batch for row in one.rows]
        try:
            found = await asyncio.to_thread(self._predict, rows)
        except Exception as error:
            for one in batch:
                if not one.answered.done():
                    one.answered.set_exception(error)
            return
        for one, share in zip(batch, _shares(found, batch), strict=True):
            if not one.answered.done():
                one.answered.set_result(share)


def _shares(found: Predictions, batch: Sequence[_Request]) -> Iterator[Predictions]:
    """Yield of the answers to all those to each request."""
    assert found.probabilities is not None
    end = 0
    for one in batch:
        start, end = end, end + len(one.rows)
        yield Predictions(found.answers[start:end], found.probabilities[start:end])
