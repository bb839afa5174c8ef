"""How fast to ask: adaptive concurrency, rates, and limits learnt from refusals."""

from __future__ import annotations


class Bucket:
    """A rate with a burst: `rate` units a second, at most `burst` at once. Times in seconds."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst = rate, burst
        self.credits = burst
        self._at: float | None = None

    def delay(self, units: float, now: float) -> float:
        """Return how long to wait until `units` may leave."""
        since, self._at = (now if self._at is None else self._at), now
        self.credits = min(self.burst, self.credits + (now - since) * self.rate)
        return max(0.0, (min(units, self.burst) - self.credits) / self.rate)

    def take(self, units: float) -> None:
        """Spend credits; they may go below zero, which the next ones wait for."""
        self.credits -= units


class Concurrency:
    """How many requests may be in flight: grows while all goes well, shrinks when it does not.

    Refusals count as sustained when they are a third of the recent answers; a lone one is the
    matter of its row.
    """

    def __init__(self, start: int, cap: int) -> None:
        self.limit = float(start)
        self._cap = cap
        self._refused = 0.0  # the share of refusals among recent answers
        self._answers = 0
        self._latency = 0.0  # seconds, a moving average
        self._best = float("inf")

    def answered(self, seconds: float) -> None:
        """Note a good answer; after a full round of them, allow a quarter more."""
        self._note(0.0)
        self._latency += (seconds - self._latency) * (0.1 if self._latency else 1.0)
        self._best = min(self._best, self._latency)
        # An endpoint that only answers more slowly gains nothing from more requests.
        if self._answers >= self.limit and self._refused < 0.05 and self._latency < 2 * self._best:
            self.limit = min(self._cap, self.limit * 1.25 + 1)
            self._answers = 0

    def refused(self) -> None:
        """Note a refusal; when they persist, allow a third less."""
        self._note(1.0)
        if self._refused > 1 / 3 and self._answers >= min(self.limit, 10):
            self.limit = max(1.0, self.limit * 2 / 3)
            self._answers, self._refused = 0, 0.0

    def _note(self, refused: float) -> None:
        self._answers += 1
        self._refused += (refused - self._refused) / min(50.0, max(10.0, self.limit))


class Throttle:
    """Keeps away as long as told, and learns the rate that the refusals reveal.

    Whenever an endpoint refuses, its allowance is used up. So what it accepted between two
    such moments is what it grants in that time. The first time there is no such moment
    before: then what it took at once is taken for what it grants in the time it asks to wait.
    """

    GROWTH = 1.01  # a second: how the rate is tried upwards, so that it is never stuck too low
    RESUME = 0.8  # share of what a pause has earned that is sent at once after it

    def __init__(self) -> None:
        self.until = 0.0
        self._bucket: Bucket | None = None
        self._first: float | None = None
        self._emptied: float | None = None
        self._span: float | None = None  # set from a refusal until the pause is over
        self._wait = 0.0
        self._accepted = 0
        self._grown = 0.0

    def sent(self, now: float) -> None:
        """Note a request that leaves: accepted, unless `refused` takes it back."""
        self._first = now if self._first is None else self._first
        self._accepted += 1
        if self._bucket:
            self._bucket.take(1)

    def pause(self, now: float, seconds: float) -> None:
        """Stay away for a time."""
        self.until = max(self.until, now + seconds)

    def refused(self, now: float, wait: float) -> None:
        """Note a refusal that asks to wait for some seconds."""
        self._accepted -= 1
        if self._span is None:
            first = self._first if self._first is not None else now
            self._span = now - self._emptied if self._emptied else max(wait, now - first)
            self._emptied, self._wait = now, wait
        self.pause(now, wait)

    def delay(self, now: float) -> float:
        """Return how long to wait until one more request may leave."""
        if now < self.until:
            return self.until - now
        if self._span is not None:
            self._learn(now, self._span)
        if self._bucket is None:
            return 0.0
        self._bucket.rate *= self.GROWTH ** (now - self._grown)
        self._bucket.burst = max(1.0, self._bucket.rate)
        self._grown = now
        return self._bucket.delay(1, now)

    def _learn(self, now: float, span: float) -> None:
        rate = max(self._accepted, 0.5) / max(span, 0.05)
        self._bucket = Bucket(rate, max(1.0, rate))
        self._bucket.credits = max(1.0, self.RESUME * rate * self._wait)
        self._bucket.delay(0, now)
        self._grown, self._accepted, self._span = now, 0, None
