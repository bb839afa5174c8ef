"""When the next request may be sent: concurrency, rates, pauses and caps in one place."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time

from s3.errors import UserError
from s3.llm.limits.budget import Budget
from s3.llm.limits.rates import ConcurrencyLimit, LearntRate, RateLimit
from s3.llm.types import Tokens

LONGEST_PAUSE = 600.0  # seconds; who asks for more means the day's work, not this request


class Limiter:
    """Lets requests leave, the oldest first. Used inside one event loop.

    `close` ends it: whoever waits then gets the reason as an exception.
    """

    def __init__(
        self,
        budget: Budget,
        concurrency: int,
        max_concurrency: int,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
    ) -> None:
        self.concurrency = ConcurrencyLimit(concurrency, max_concurrency)
        self.learnt = LearntRate()
        self.closed: Exception | None = None
        self.in_flight = 0
        self._budget = budget
        # Half a second's worth may leave at once: no provider's window is as short, and requests
        # that leave evenly do not arrive so.
        self._requests, self._tokens = (
            RateLimit(limit / 60, max(1.0, limit / 120)) if limit else None
            for limit in (requests_per_minute, tokens_per_minute)
        )
        self._waiting: list[tuple[int, int, Tokens, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self._served = time.monotonic()

    async def enter(self, number: int, need: Tokens, likely: int) -> None:
        """Wait until request `number` may leave; `likely` is what it will use, `need` the most."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (number, next(self._order), need, likely, future))
        self._release()
        await future

    def leave(self, need: Tokens | None) -> None:
        """A request is over; `need` is its reservation, None where it must stay reserved."""
        self.in_flight -= 1
        if need is not None:
            self._budget.settle(need)
        self._release()

    def answered(self, seconds: float, likely: int, used: int) -> None:
        """Note a good answer, its seconds and the tokens that it took in the end."""
        self._served = time.monotonic()
        self.concurrency.answered(seconds)
        if self._tokens:
            self._tokens.take(used - likely)

    def rate_limited(self, wait: float | None) -> None:
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
            self.concurrency.rate_limited()
        else:
            self.learnt.rate_limited(now, wait)

    def close(self, reason: Exception) -> None:
        """Let nothing leave any more."""
        self.closed = self.closed or reason
        self._release()

    def _release(self) -> None:
        """Let leave whoever may; see to it that the others are looked at again."""
        while self._waiting:
            _, _, need, likely, future = self._waiting[0]
            if future.done() or self.closed:
                heapq.heappop(self._waiting)
                if self.closed and not future.done():
                    future.set_exception(self.closed)
                continue
            if self.in_flight >= int(self.concurrency.limit):
                return
            if (seconds := self._delay(likely)) > 0:
                if self._timer:
                    self._timer.cancel()
                self._timer = asyncio.get_running_loop().call_later(seconds, self._release)
                return
            if reached := self._budget.exceeded(need):
                # What is in flight may turn out smaller than reserved: decide when all is in.
                if self.in_flight:
                    return
                self.closed = self.closed or reached
                continue
            heapq.heappop(self._waiting)
            self.in_flight += 1
            self._budget.reserve(need)
            self.learnt.sent(time.monotonic())
            if self._requests:
                self._requests.take(1)
            if self._tokens:
                self._tokens.take(likely)
            future.set_result(None)

    def _delay(self, likely: int) -> float:
        """Return the seconds until a request of `likely` tokens may leave by all rates."""
        now = time.monotonic()
        waits = [self.learnt.delay(now)]
        waits += [self._requests.delay(1, now)] if self._requests else []
        waits += [self._tokens.delay(likely, now)] if self._tokens else []
        return max(waits)
