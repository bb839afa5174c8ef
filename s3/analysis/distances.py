"""How far a training set is from gold: what section 2.6 of the S3 paper argues about.

The paper assumes that error extrapolation moves the training set's distribution towards gold's, and
measures it nowhere. Three distances measure it here, on rows as points (`points_of`):

- `auc`: a classifier two-sample test (Lopez-Paz and Oquab, ICLR 2017; AUC as in Kim et al. 2021).
  How often a linear classifier, cross-fitted, ranks a gold row above a synthetic one: 0.5 where it
  cannot tell them apart, 1 where it always can.
- `mmd`: the squared maximum mean discrepancy, unbiased (Gretton et al., JMLR 2012), with a Gaussian
  kernel as wide as the median distance between gold rows. 0 for equal distributions.
- `frechet`: the Fréchet distance of the two Gaussians with the rows' means and covariances (Heusel
  et al. 2017). Of few rows it is too large, equally so for equal numbers: read it against gold's.

Rows grow from gold rows, and a training set that repeats these is near them without being near to
what gold is a sample of. So each of `DRAWS` draws takes gold rows first, and then training rows
that share nothing with them: no source that they grew from, no given text. Every draw takes as many
rows of every set, so that rounds of different sizes can be compared, and as many of each round's
additions as their share asks for. A distance is the mean over draws. Its interval is the
delete-d jackknife's (Shao and Wu, Annals of Statistics 17, 1989); it holds for other rows of the
same kinds, not for another seed's.

MAUVE is not among them: it quantises points into clusters and needs thousands of rows; its package
asks for faiss and pulls in transformers of an older kind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s3.errors import UserError

Points = NDArray[np.float32]
Measure = Callable[[Points, Points], float]

DRAWS = 50
DRAWN = 200  # rows of each set that a draw takes at most: distances take their square in memory
KEPT = 2  # times as many are looked at, so that draws differ and find rows that share nothing
FOLDS = 5
RIDGE = 1.0  # of the classifier, for points of unit length
LEAST = 2 * FOLDS  # rows of each set below which a distance says nothing


@dataclass(frozen=True)
class Sample:
    """Rows of one set: points, the stratum that each was added in, what each may not stand beside.

    `shared` names what a row has in common with others (its source, its given texts).
    """

    points: Points
    strata: NDArray[np.int64]
    shared: Sequence[frozenset[str]]

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True)
class Distance:
    """A distance from gold with the ends of its 95 % interval."""

    mean: float
    low: float
    high: float


def distances(
    rows: Sample, gold: Sample, number: int, seed: int = 0, draws: int = DRAWS
) -> dict[str, Distance]:
    """Return how far rows are from gold by each measure, from draws of `number` rows of each.

    With gold as the rows it is the floor: how far gold seems to be from gold. Draws are seeded.
    """
    width = median_distance(gold.points)
    measures: dict[str, Measure] = {
        "auc": classifier_auc,
        "mmd": lambda one, other: squared_mmd(one, other, width),
        "frechet": frechet,
    }
    found = defaultdict(list)
    for index in range(draws):
        rng = np.random.default_rng([seed, index])
        taken, beside = draw(rows, gold, number, rng)
        if len(taken) < LEAST:
            raise UserError(
                f"only {len(taken)} rows share no source or given text with {number} gold rows: "
                "too few to measure a distance from gold by."
            )
        for name, measure in measures.items():
            found[name].append(measure(rows.points[taken], gold.points[beside]))
    fewest = min(len(rows), len(gold))
    return {name: _with_interval(values, number, fewest) for name, values in found.items()}


def _with_interval(values: Sequence[float], number: int, fewest: int) -> Distance:
    """Return the mean over draws; each deletes all but `number` of (at least) `fewest` rows."""
    mean = float(np.mean(values))
    scale = number / max(fewest - number, 1)
    half = 1.96 * float(np.std(values, ddof=1)) * float(np.sqrt(scale))
    return Distance(mean, mean - half, mean + half)


def draw(
    rows: Sample, gold: Sample, number: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places of `number` rows and of `number` gold rows that share nothing.

    The rows come from their strata by these strata's shares. Where too few share nothing, both
    are fewer.
    """
    beside = rng.permutation(len(gold))[:number]
    taken_by = frozenset().union(*(gold.shared[place] for place in beside))
    free = np.array([not (one & taken_by) for one in rows.shared])
    order = rng.permutation(len(rows))
    order = order[free[order]]
    strata, counts = np.unique(rows.strata, return_counts=True)
    quotas = np.diff(np.round(np.cumsum([0, *counts]) * number / len(rows)).astype(int))
    chosen = [
        order[rows.strata[order] == stratum][:quota]
        for stratum, quota in zip(strata, quotas, strict=True)
    ]
    taken = rng.permutation(np.concatenate(chosen))
    return taken, beside[: len(taken)]


def classifier_auc(rows: Points, gold: Points) -> float:
    """Return how often a cross-fitted ridge classifier ranks a gold row above one of the rows.

    Each fold holds as many of both, so that no fold's training tells what it holds.
    """
    size = min(len(rows), len(gold)) // FOLDS
    wins = []
    for fold in range(FOLDS):
        held = slice(fold * size, (fold + 1) * size)
        train = [np.delete(one[: size * FOLDS], held, axis=0) for one in (rows, gold)]
        scores = _ridge(np.concatenate(train), len(train[0]), (rows[held], gold[held]))
        above = scores[1] - scores[0][:, None]
        wins.append(np.mean((np.sign(above) + 1) / 2))
    return float(np.mean(wins))


def _ridge(train: Points, first: int, others: Sequence[Points]) -> list[NDArray[np.float64]]:
    """Fit -1 for the first rows and 1 for the rest, as many, and return the others' values."""
    mean = train.mean(axis=0)
    centred = (train - mean).astype(np.float64)
    wanted = np.repeat([-1.0, 1.0], [first, len(train) - first])
    kernel = centred @ centred.T
    kernel[np.diag_indices_from(kernel)] += RIDGE
    weights = np.linalg.solve(kernel, wanted) @ centred
    return [np.asarray((one - mean) @ weights) for one in others]


def squared_mmd(rows: Points, gold: Points, width: float) -> float:
    """Return the unbiased estimate of the squared MMD with the kernel exp(-d^2 / (2 width^2))."""
    number, other = len(rows), len(gold)
    pooled = np.concatenate([rows, gold]).astype(np.float64)
    kernel = np.exp(-_squares(pooled) / (2 * width**2))
    same = kernel[:number, :number].sum() - number, kernel[number:, number:].sum() - other
    across = kernel[:number, number:].mean()
    return float(same[0] / (number * (number - 1)) + same[1] / (other * (other - 1)) - 2 * across)


def median_distance(points: Points) -> float:
    """Return the median distance between two points."""
    squares = _squares(points.astype(np.float64))[np.triu_indices(len(points), 1)]
    return float(np.sqrt(np.median(squares))) or 1.0


def _squares(points: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = (points**2).sum(axis=1)
    return np.asarray(np.maximum(lengths[:, None] + lengths - 2 * points @ points.T, 0))


def frechet(rows: Points, gold: Points) -> float:
    """Return the Fréchet distance of two Gaussians with these rows' means and covariances.

    The trace of the root of the covariances' product is the nuclear norm of the product of the
    centred rows, a matrix of rows by rows, however wide the points are.
    """
    one, other = rows.astype(np.float64), gold.astype(np.float64)
    apart = ((one.mean(axis=0) - other.mean(axis=0)) ** 2).sum()
    one, other = ((x - x.mean(axis=0)) / np.sqrt(len(x) - 1) for x in (one, other))
    shared = np.linalg.svd(one @ other.T, compute_uv=False).sum()
    return float(apart + (one**2).sum() + (other**2).sum() - 2 * shared)
