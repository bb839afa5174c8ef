"""How fast to ask: rates, adaptive concurrency, and limits learnt from HTTP 429."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class RateLimit:
    """A rate with a burst: `rate` units a second, at most `burst` at once. Times in seconds."""

    rate: float
    burst: float
    credits: float = field(init=False)
    at: float | None = None

    def __post_init__(self) -> None:
        """Start full."""
        self.credits = self.burst

    def delay(self, units: float, now: float) -> float:
        """Return how long to wait until `units` may leave."""
        since, self.at = (now if self.at is None else self.at), now
        self.credits = min(self.burst, self.credits + (now - since) * self.rate)
        return max(0.0, (min(units, self.burst) - self.credits) / self.rate)

    def take(self, units: float) -> None:
        """Spend credits; they may go below zero, which the next ones wait for."""
        self.credits -= units


@dataclass
class ConcurrencyLimit:
    """How many requests may be in flight: grows while all goes well, shrinks when it does not.

    HTTP 429s count as `sustained` when they are a third of the recent answers; a lone one is the
    matter of its request. `limit` is where it starts, `cap` where it ends.
    """

    limit: float
    cap: int
    limited: float = 0.0  # the share of 429s among recent answers
    answers: int = 0  # since the limit last changed
    latency: float = 0.0  # seconds, a moving average
    best: float = float("inf")

    def answered(self, seconds: float) -> None:
        """Note a good answer; after a full round of them, allow a quarter more."""
        self._note(0.0)
        self.latency += (seconds - self.latency) * (0.1 if self.latency else 1.0)
        self.best = min(self.best, self.latency)
        # An endpoint that only answers more slowly gains nothing from more requests.
        if self.answers >= self.limit and self.limited < 0.05 and self.latency < 2 * self.best:
            self.limit = min(self.cap, self.limit * 1.25 + 1)
            self.answers = 0

    @property
    def sustained(self) -> bool:
        """Whether 429s are more than strays."""
        return self.limited > 1 / 3

    def refused(self) -> None:
        """Note a 429."""
        self._note(1.0)

    def rate_limited(self) -> None:
        """Note a 429 that names no time; when they persist, allow a third less."""
        self.refused()
        if self.sustained and self.answers >= min(self.limit, 10):
            self.limit = max(1.0, self.limit * 2 / 3)
            self.answers, self.limited = 0, 0.0

    def _note(self, limited: float) -> None:
        self.answers += 1
        # Over a full round: of one round, the refusals come back first.
        self.limited += (limited - self.limited) / min(500.0, max(10.0, self.limit))


class LearntRate:
    """Keeps away as long as told, and learns the rate that the 429s reveal.

    Whenever an endpoint says 429, its allowance is used up. So what it accepted between two such
    moments is what it grants in that time. The first time there is no such moment before: then
    what it took at once is taken for what it grants in the time it asks to wait.
    """

    GROWTH = 1.01  # a second: how the rate is tried upwards, so that it is never stuck too low
    RESUME = 0.8  # share of what a pause has earned that is sent at once after it

    def __init__(self) -> None:
        self.until = 0.0
        self.since = 0.0  # when the rate was learnt last: refusals of what was sent before are old
        self._rate: RateLimit | None = None
        self._first: float | None = None
        self._emptied: float | None = None
        self._span: float | None = None  # set from a 429 until the pause is over
        self._wait = 0.0
        self._accepted = 0
        self._grown = 0.0

    def sent(self, now: float) -> None:
        """Note a request that leaves: accepted, unless `rate_limited` takes it back."""
        self._first = now if self._first is None else self._first
        self._accepted += 1
        if self._rate:
            self._rate.take(1)

    def pause(self, now: float, seconds: float) -> None:
        """Stay away for a time."""
        self.until = max(self.until, now + seconds)

    def stray(self, sent: float) -> None:
        """Note a 429, to a request `sent` at a time, that says nothing of a rate."""
        self._accepted -= sent >= self.since

    def rate_limited(self, now: float, wait: float) -> None:
        """Note a 429 that asks to wait for some seconds."""
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
        if self._rate is None:
            return 0.0
        self._rate.rate *= self.GROWTH ** (now - self._grown)
        self._rate.burst = max(1.0, self._rate.rate)
        self._grown = now
        return self._rate.delay(1, now)

    def _learn(self, now: float, span: float) -> None:
        rate = max(self._accepted, 0.5) / max(span, 0.05)
        self._rate = RateLimit(rate, max(1.0, rate))
        self._rate.credits = max(1.0, self.RESUME * rate * self._wait)
        self._rate.delay(0, now)
        self._grown = self.since = now
        self._accepted, self._span = 0, None
