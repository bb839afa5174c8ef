"""When the next request may be sent: concurrency, rates, pauses and caps in one place."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import sys
import time
from collections import Counter
from typing import NoReturn

from s3.errors import UserError
from s3.llm.errors import RateLimited, Unfit
from s3.llm.limits.budget import Budget
from s3.llm.limits.rates import ConcurrencyLimit, LearntRate, RateLimit
from s3.llm.types import Tokens

LONGEST_PAUSE = 600.0  # seconds; who asks for more means the day's work, or nothing at all
SHORT_PAUSE = 2.0  # seconds, in place of a longer one than that: is it meant?
ENDLESS = 5  # times that one request may be asked to wait longer, while others are answered
SILENT = 10.0  # seconds that are waited without a word


class SentBack(Exception):  # noqa: N818 - no error: a request is to be looked at again
    """What is sent has changed while a request waited to leave."""


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
        self._refused: float | None = None  # when the first 429 came since the last good answer
        self._served = False  # whether there ever was a good answer
        self._endless: dict[int, float] = {}  # requests asked to wait too long since then, and when
        self._told: Counter[int] = Counter()  # the same, how often ever
        self._doubts = False  # whether it was said that such a wait is not believed at once

    async def enter(self, number: int, need: Tokens, likely: int) -> None:
        """Wait until request `number` may leave; `likely` is what it will use, `need` the most."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (number, next(self._order), need, likely, future))
        self._release()
        await future

    def send_back(self) -> None:
        """Let all who wait look again at what they are to send: they get SentBack."""
        waiting, self._waiting = self._waiting, []
        for *_, future in waiting:
            if not future.done():
                future.set_exception(SentBack())

    def leave(self, need: Tokens | None) -> None:
        """A request is over; `need` is its reservation, None where it must stay reserved."""
        self.in_flight -= 1
        if need is not None:
            self._budget.settle(need)
        self._release()

    def answered(self, seconds: float, likely: int, used: int) -> None:
        """Note a good answer, its seconds and the tokens that it took in the end."""
        self._refused, self._served = None, True
        self._endless.clear()
        self.concurrency.answered(seconds)
        if self._tokens:
            self._tokens.take(used - likely)

    def rate_limited(self, refusal: RateLimited, sent: float, number: int) -> float:
        """Note an HTTP 429 to request `number`, `sent` at a time; return what it alone is to wait.

        A stray one is the matter of its request; where they are many, all wait. Raises UserError
        where waiting is of no use, Unfit where it is of none to this request.
        """
        now = time.monotonic()
        self._refused = self._refused or now
        wait = refusal.wait
        if wait is not None and wait > LONGEST_PAUSE:
            wait = self._doubted(refusal, wait, sent, number)
        if now - self._refused > LONGEST_PAUSE:
            self._used_up(LONGEST_PAUSE, refusal)
        if wait is None:
            self.concurrency.rate_limited()
            return 0.0
        self.concurrency.refused()
        if self.concurrency.sustained and sent >= self.learnt.since:
            self._pause(wait, f"refuses requests{_words(refusal)}")
            self.learnt.rate_limited(now, wait)
            self.concurrency.limited = 0.0  # what comes next is judged by the rate that is learnt
            return 0.0
        self.learnt.stray(sent)
        return wait

    def announced(self, seconds: float) -> None:
        """Stay away as a good answer's headers ask, for a time that no limit a minute exceeds."""
        self._pause(min(seconds, 60.0), "has announced that its limit is used up")
        self.learnt.pause(time.monotonic(), min(seconds, 60.0))

    def _doubted(self, refusal: RateLimited, wait: float, sent: float, number: int) -> float:
        """Return a short time in place of one of hours.

        Raises UserError where that was tried and is said to all, Unfit where to this one alone.
        """
        first = min(self._endless.values(), default=sent)
        self._endless.setdefault(number, time.monotonic())
        if sent > first and (len(self._endless) > 1 or not self._served):
            self._used_up(wait, refusal)
        self._told[number] += 1
        if self._told[number] == ENDLESS:
            said = f"asked {ENDLESS} times to wait {wait:.0f} s, while others were answered"
            raise Unfit("rate_limited", said + _words(refusal))
        if not self._doubts:
            self._doubts = True
            said = f"The endpoint asks to wait {wait:.0f} s{_words(refusal)}"
            said += f"; trying again in {SHORT_PAUSE:.0f} s"
            print(f"{said}, as often as it answers between.", file=sys.stderr, flush=True)
        return SHORT_PAUSE

    def _used_up(self, wait: float, refusal: RateLimited) -> NoReturn:
        error = UserError(
            f"The endpoint refuses requests again and again, and asks to wait {wait:.0f} s"
            f"{_words(refusal)}: a limit of the hour or day is used up. "
            "Run the same command later to continue."
        )
        self.close(error)
        raise error

    def _pause(self, seconds: float, why: str) -> None:
        """Say that nothing is sent for a long time, once for each such time."""
        if seconds > SILENT and time.monotonic() >= self.learnt.until:
            print(f"The endpoint {why}: waiting {seconds:.0f} s.", file=sys.stderr, flush=True)

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


def _words(refusal: RateLimited) -> str:
    """Return what an endpoint said of its refusal, to be put behind what is said of it."""
    return f" ({refusal.said[:200]})" if refusal.said else ""
