"""How often an interval holds the truth: the one of `compare`, and those that were not taken.

`PYTHONPATH=. python benchmarks/interval_coverage.py [DRAWS]` prints a line for each number of seeds
and spread of a seed's luck: for a mean and for a paired difference, the share of simulations
(`tests/analysis/simulation.py`, 300 test rows) in which the interval holds it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from s3.analysis.intervals import estimate
from tests.analysis.simulation import expected, scored

Floats = NDArray[np.float64]
Interval = Callable[[Floats], tuple[float, float]]

ROWS, RESAMPLES = 300, 500


def crossed(scores: Floats) -> tuple[float, float]:
    found = estimate(scores)
    return found.low, found.high


def over_seeds(scores: Floats) -> tuple[float, float]:
    mean = scores.mean(axis=1)
    low, high = stats.t.interval(0.95, len(mean) - 1, mean.mean(), max(stats.sem(mean), 1e-12))
    return float(low), float(high)


@cache
def drawn(size: int) -> Floats:
    """The share of each of `size` items in resamples of them [resamples, items], drawn once."""
    rng = np.random.default_rng(size)
    return rng.multinomial(size, np.full(size, 1 / size), size=RESAMPLES) / size


def bootstrap(scores: Floats) -> tuple[float, float]:
    seeds, rows = map(drawn, scores.shape)
    low, high = np.quantile(((seeds @ scores) * rows).sum(axis=1), [0.025, 0.975])
    return float(low), float(high)


INTERVALS: dict[str, Interval] = {
    "compare": crossed,
    "t over seeds": over_seeds,
    "hierarchical bootstrap": bootstrap,
}


def main() -> None:
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    print("seeds  spread  " + "  ".join(f"{name} (mean, difference)" for name in INTERVALS))
    for seeds in (2, 3, 5):
        for spread in (0.02, 0.1, 0.2):
            rng = np.random.default_rng(seeds)
            held = {name: np.zeros(2) for name in INTERVALS}
            for _ in range(draws):
                first, second = scored(rng, seeds, ROWS, spread)
                cases = ((second, expected(spread)), (first - second, 0.0))
                for name, interval in INTERVALS.items():
                    for place, (scores, truth) in enumerate(cases):
                        low, high = interval(scores)
                        held[name][place] += low <= truth <= high
            shares = (f"{100 * a / draws:5.1f} {100 * b / draws:5.1f}" for a, b in held.values())
            print(f"{seeds:5}  {spread:6}  " + "  ".join(shares), flush=True)


if __name__ == "__main__":
    main()
