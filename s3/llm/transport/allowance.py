"""What batches under way may cost at most: reserved before they leave, so that the caps hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from s3.llm.limits import most
from s3.llm.transport.base import Context, Request
from s3.llm.types import Tokens


class Allowance:
    """Says how many requests may go into the next batch; `under_way` counts the batches."""

    def __init__(self, context: Context) -> None:
        self.under_way = 0
        self._context = context
        self._needs: dict[Request, Tokens] = {}  # what is reserved for each
        self._landed = asyncio.Condition()

    def reserve(self, request: Request) -> None:
        """Reserve the most that a request can use."""
        need = self._needs[request] = self._most(request)
        self._context.budget.reserve(need)

    async def portion(self, requests: list[Request]) -> list[Request]:
        """Reserve as many requests as the caps allow, at least one; wait for batches under way.

        Raises BudgetReached where none is left that could make room.
        """
        portion = list[Request]()
        while True:
            for request in requests:
                if reached := self._context.budget.exceeded(self._most(request)):
                    break
                self.reserve(request)
                portion.append(request)
            if portion:
                return portion
            if not self.under_way and reached:
                raise reached
            async with self._landed:
                await self._landed.wait()

    @asynccontextmanager
    async def spent_on(self, requests: list[Request]) -> AsyncIterator[None]:
        """Count requests as under way while the block runs; then settle what is reserved."""
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1
            for request in requests:
                self._context.budget.settle(self._needs.pop(request, Tokens()))
        async with self._landed:
            self._landed.notify_all()

    def _most(self, request: Request) -> Tokens:
        return most(self._context.protocol.sized(request.prompt))
