"""The gate that every request passes: concurrency, rates, pauses and caps in one place."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time

from s3.errors import UserError
from s3.llm.budget import Budget, Tokens
from s3.llm.pace import Bucket, Concurrency, Throttle
from s3.llm.settings import LLM

LONGEST_PAUSE = 600.0  # seconds; who asks for more is not refusing a request but the day's work


class Gate:
    """Lets requests out, the oldest row first. Lives in the event loop of its pool.

    `close` ends it: waiting requests then get the reason as an exception.
    """

    def __init__(self, llm: LLM, budget: Budget) -> None:
        self.concurrency = Concurrency(llm.concurrency, llm.max_concurrency)
        self.throttle = Throttle()
        self.closed: Exception | None = None
        self.in_flight = 0
        self._budget = budget
        self._requests = _a_minute(llm.requests_per_minute)
        self._tokens = _a_minute(llm.tokens_per_minute)
        self._waiting: list[tuple[int, int, Tokens, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self._served = time.monotonic()

    async def enter(self, number: int, need: Tokens, likely: int) -> None:
        """Wait until a request may leave; `likely` is what it will use, `need` the most."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (number, next(self._order), need, likely, future))
        self._pump()
        await future

    def leave(self, need: Tokens | None) -> None:
        """A request is over; `need` is its reservation, None where it must stay reserved."""
        self.in_flight -= 1
        if need is not None:
            self._budget.settle(need)
        self._pump()

    def answered(self, seconds: float, likely: int, used: int) -> None:
        """Note a good answer, its seconds and the tokens that it took in the end."""
        self._served = time.monotonic()
        self.concurrency.answered(seconds)
        if self._tokens:
            self._tokens.take(used - likely)

    def refused(self, wait: float | None) -> None:
        """Note an HTTP 429. Raises UserError where waiting is of no use."""
        now = time.monotonic()
        if max(wait or 0.0, now - self._served) > LONGEST_PAUSE:
            error = UserError(
                f"The endpoint refuses requests and asks to wait {wait or LONGEST_PAUSE:.0f} s: "
                "a limit of the hour or day is used up. Run the same command later to continue."
            )
            self.close(error)
            raise error
        if wait is None:
            self.concurrency.refused()
        else:
            self.throttle.refused(now, wait)

    def close(self, reason: Exception) -> None:
        """Let nothing out any more."""
        self.closed = self.closed or reason
        self._pump()

    def _pump(self) -> None:
        while self._waiting:
            _, _, need, likely, future = self._waiting[0]
            if future.done() or self.closed:
                heapq.heappop(self._waiting)
                if self.closed and not future.done():
                    future.set_exception(self.closed)
            elif not self._may_leave(need, likely):
                return
            else:
                heapq.heappop(self._waiting)
                self._let_out(need, likely)
                future.set_result(None)

    def _may_leave(self, need: Tokens, likely: int) -> bool:
        if self.in_flight >= int(self.concurrency.limit):
            return False
        if (seconds := self._delay(likely)) > 0:
            self._wake_in(seconds)
            return False
        if refusal := self._budget.refuses(need):
            # What is in flight may turn out smaller than reserved: decide when all of it is in.
            if not self.in_flight:
                self.close(refusal)
            return False
        return True

    def _delay(self, likely: int) -> float:
        now = time.monotonic()
        waits = [self.throttle.delay(now)]
        waits += [self._requests.delay(1, now)] if self._requests else []
        waits += [self._tokens.delay(likely, now)] if self._tokens else []
        return max(waits)

    def _let_out(self, need: Tokens, likely: int) -> None:
        self.in_flight += 1
        self._budget.reserve(need)
        self.throttle.sent(time.monotonic())
        if self._requests:
            self._requests.take(1)
        if self._tokens:
            self._tokens.take(likely)

    def _wake_in(self, seconds: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._pump)


def _a_minute(limit: int | None) -> Bucket | None:
    # Half a second's worth may leave at once: no provider's window is as short, and requests
    # that leave evenly do not arrive so.
    return Bucket(limit / 60, max(1.0, limit / 120)) if limit else None
