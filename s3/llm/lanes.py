"""The embedded server's channel: one lane a slot, so that a slot's prompts share their openings."""

from __future__ import annotations

import asyncio
from functools import partial

from s3.llm.pool import Pool
from s3.llm.work import Row, Work


class Lanes(Pool):
    """A pool that deals rows, sorted by text, to the server's slots.

    A slot keeps what it has read of its last prompt, and reading is most of the work where
    prompts are long: neighbours in a lane begin with the same passage.
    """

    window = 2048
    step = 1024  # sorted together

    def __init__(self, work: Work, slots: int) -> None:
        super().__init__(work)
        self._lanes: list[list[Row]] = [[] for _ in range(slots)]
        self._busy: set[int] = set()

    def _begin(self, rows: list[Row]) -> None:
        waiting = [row for lane in self._lanes for row in lane] + rows
        waiting.sort(key=lambda row: row.prompt.text)
        size, slots = len(waiting), len(self._lanes)
        self._lanes = [
            waiting[slot * size // slots : (slot + 1) * size // slots] for slot in range(slots)
        ]
        for slot in range(slots):
            if slot not in self._busy:
                self._busy.add(slot)
                self._run([], partial(self._drive, slot))

    def _drop(self, rows: list[Row]) -> None:
        super()._drop(rows)
        gone = set(rows)
        self._lanes = [[row for row in lane if row not in gone] for lane in self._lanes]

    async def _drive(self, slot: int) -> None:
        """Answer a lane's rows one after the other, then help with the longest lane."""
        try:
            while row := self._next(slot):
                self._run([row], partial(self._answer, row, slot))
                await asyncio.wait([self._tasks[row]])
        finally:
            self._busy.discard(slot)

    def _next(self, slot: int) -> Row | None:
        lane = self._lanes[slot]
        if not lane:
            longest = max(self._lanes, key=len)
            half = len(longest) // 2 or len(longest)
            lane += longest[len(longest) - half :]
            del longest[len(longest) - half :]
        return lane.pop(0) if lane else None
