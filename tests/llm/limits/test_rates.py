"""The pace under a clock of the test's own: no waiting."""

from __future__ import annotations

import pytest

from s3.llm.limits.rates import ConcurrencyLimit, LearntRate, RateLimit


def test_a_bucket_lets_its_burst_out_and_then_its_rate() -> None:
    bucket = RateLimit(10, 5)
    times, now = [], 0.0
    for _ in range(25):
        now += bucket.delay(1, now)
        bucket.take(1)
        times.append(now)
    assert times[4] == 0
    assert times[-1] == pytest.approx(2.0)


def test_lone_429s_slow_nothing_and_lasting_ones_do() -> None:
    concurrency = ConcurrencyLimit(50, 50)
    for i in range(300):
        concurrency.rate_limited() if i % 10 == 0 else concurrency.answered(0.05)
    assert concurrency.limit == 50
    for _ in range(200):
        concurrency.rate_limited()
    assert concurrency.limit < 10


def test_concurrency_stops_growing_where_answers_only_come_later() -> None:
    concurrency = ConcurrencyLimit(10, 1000)
    for _ in range(2000):
        concurrency.answered(max(0.1, concurrency.limit / 200))  # full at 20 requests in flight
    assert concurrency.limit < 80


@pytest.mark.parametrize("rate", [2.0, 5.0, 10.0, 50.0])
def test_the_learnt_learns_the_rate_of_an_endpoint(rate: float) -> None:
    """A simulated token bucket of one second's burst; 50 requests may be in flight."""
    learnt, credits, filled = LearntRate(), max(1.0, rate), 0.0
    now, done, limited, wanted = 0.0, 0, 0, int(rate * 40)
    while done < wanted:
        now += learnt.delay(now)
        for _ in range(50):  # what leaves at one moment
            if learnt.delay(now) > 0 or done >= wanted:
                break
            learnt.sent(now)
            credits, filled = min(max(1.0, rate), credits + (now - filled) * rate), now
            if credits >= 1:
                credits, done = credits - 1, done + 1
            else:
                limited += 1
                learnt.rate_limited(now, 1.0)
        now += 0.001
    assert now <= 40 * 1.1
    assert limited < 60
