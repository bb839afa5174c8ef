"""Scores whose truth is known: rows differ in ease, seeds in luck."""

from __future__ import annotations

from math import sqrt

import numpy as np
from scipy import stats

LEVEL, EASE, OWN = 0.4, 1.5, 0.5  # latent: the level; the spread of rows' ease, shared and own


def scored(
    rng: np.random.Generator, seeds: int, rows: int, spread: float, better: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return two models' right answers [seeds, rows], the first `better` on the latent scale.

    A row is right where the sum is above zero of: the level, a seed's luck with that model
    (`spread`), a row's ease for both models, a row's ease for the one, and chance.
    """
    ease = rng.normal(0, EASE, rows)
    both = []
    for level in (LEVEL + better, LEVEL):
        own = rng.normal(0, OWN, rows)
        luck = rng.normal(0, spread, (seeds, 1))
        both.append((level + luck + ease + own + rng.normal(0, 1, (seeds, rows)) > 0).astype(float))
    return both[0], both[1]


def expected(spread: float) -> float:
    """Return the accuracy that the second model has over all seeds and rows."""
    return float(stats.norm.cdf(LEVEL / sqrt(EASE**2 + OWN**2 + 1 + spread**2)))
