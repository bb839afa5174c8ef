"""A world of Gaussians in which gold, the LLM and the student are known.

A row is three features and a label y of -1 or 1. In common rows the label shows in the first
feature, in rare rows in the second; the third says nothing. The student is a linear probe with a
threshold, as the default one is. The loop is the method's: seeds, training, errors on gold, rows
like these, training anew; and the share of errors among what is extrapolated is `error_share`.
All draws of a setting are computed at once, and accuracy exactly, without test rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s3.methods.drawing import TURNED, half_right

Floats = NDArray[np.float64]

FEATURES = 3
RIDGE = 1.0
RULE = None  # in place of an error share: the share that `by_rule` gives
METHODS: dict[str, float | None] = {"S3": 1.0, "half errors": 0.5, "rule": RULE, "GoldGen": 0.0}


@dataclass(frozen=True, kw_only=True)
class World:
    """What gold is like, what the LLM can write, and how the loop is run."""

    signal: float = 2.0  # how far the label moves its feature, in standard deviations
    rare: float = 0.25  # share of gold rows that are rare
    known: float = 0.0  # share of the LLM's own rows that are rare
    turned: bool = False  # the LLM's own rows of a label look like gold's of the other
    shift: float = 0.0  # by which the LLM's own rows are off in the first feature, all labels alike
    reach: float = 1.0  # 1: the LLM writes near the row it is shown; 0: its own kind of row
    spread: float = 0.5  # standard deviation of what it writes around that place
    noise: float = 0.0  # share of extrapolations that do not have the label asked for
    gold: int = 300
    seeds: int = 200
    rounds: int = 3
    dose: float | None = None  # additions a round, share of the seeds; None: one an error
    calibrated: bool = True  # the threshold gives gold's shares of labels


@dataclass(frozen=True)
class Rows:
    """Rows of draws: features [draws, rows, 3]; labels, how often each counts: [draws, rows]."""

    features: Floats
    labels: Floats
    weights: Floats

    def __add__(self, other: Rows) -> Rows:
        """Return the rows of both."""
        return Rows(
            *(
                np.concatenate(pair, axis=1)
                for pair in (
                    (self.features, other.features),
                    (self.labels, other.labels),
                    (self.weights, other.weights),
                )
            )
        )


@dataclass(frozen=True)
class Outcome:
    """What came of a method in each draw and round, [draws, rounds + 1]."""

    accuracy: Floats
    distance: Floats  # of the training set from gold: Fréchet, within labels
    errors: Floats  # share of gold rows that the student gets wrong
    additions: Floats  # rows added up to then, as a share of the seeds


def sampled(world: World, draws: int, number: int, rare: float, rng: np.random.Generator) -> Rows:
    """Draw rows; half of them have either label."""
    labels = np.where(rng.permuted(np.tile(np.arange(number) % 2, (draws, 1)), axis=1), 1.0, -1.0)
    features = rng.normal(size=(draws, number, FEATURES))
    place = (rng.random((draws, number)) < rare).astype(int)
    np.put_along_axis(
        features, place[..., None],
        np.take_along_axis(features, place[..., None], 2) + world.signal * labels[..., None], 2,
    )  # fmt: skip
    return Rows(features, labels, np.ones_like(labels))


def own_rows(world: World, draws: int, number: int, rng: np.random.Generator) -> Rows:
    """Draw rows as the LLM writes them when it is shown none: the seed."""
    rows = sampled(world, draws, number, world.known, rng)
    rows.features[..., 0] += world.shift
    rows.labels[...] *= -1.0 if world.turned else 1.0
    return rows


def fitted(rows: Rows, gold: Rows, calibrated: bool) -> tuple[Floats, Floats]:
    """Return the probe's weights [draws, 3] and thresholds [draws], by ridge regression."""
    total = rows.weights.sum(axis=1)[:, None]
    mean = (rows.weights[..., None] * rows.features).sum(axis=1) / total
    centre = (rows.weights * rows.labels).sum(axis=1)[:, None] / total
    features = rows.features - mean[:, None]
    weighted = rows.weights[..., None] * features
    square = weighted.transpose(0, 2, 1) @ features + RIDGE * np.eye(FEATURES)
    weights = np.linalg.solve(
        square, (weighted * (rows.labels - centre)[..., None]).sum(axis=1)[..., None]
    )[..., 0]
    if calibrated:
        return weights, np.median(scores(gold.features, weights), axis=1)
    return weights, ((mean * weights).sum(axis=1) - centre[:, 0])


def scores(features: Floats, weights: Floats) -> Floats:
    """Return the probe's values of rows, [draws, rows]."""
    return (features @ weights[..., None])[..., 0]


def accuracy(world: World, weights: Floats, threshold: Floats) -> Floats:
    """Return the probe's exact accuracy on gold's distribution, [draws]."""
    from scipy.special import ndtr

    length = np.maximum(np.linalg.norm(weights, axis=1), 1e-12)
    found = np.zeros_like(threshold)
    for place, share in ((0, 1 - world.rare), (1, world.rare)):
        middle = world.signal * weights[:, place]
        right = ndtr((middle - threshold) / length) + ndtr((middle + threshold) / length)
        found += share * right / 2
    return found


def distance(world: World, rows: Rows) -> Floats:
    """Return the Fréchet distance of rows from gold's distribution, mean over labels, [draws]."""
    shares = np.array([1 - world.rare, world.rare, 0.0])
    found = []
    for label in (-1.0, 1.0):
        centre = label * world.signal * shares
        covariance = np.eye(FEATURES) + world.signal**2 * (
            np.diag(shares) - np.outer(shares, shares)
        )
        root = _root(covariance)
        weights = rows.weights * (rows.labels == label)
        weights = weights / weights.sum(axis=1, keepdims=True)
        mean = (weights[..., None] * rows.features).sum(axis=1)
        apart = rows.features - mean[:, None]
        own = (weights[..., None] * apart).transpose(0, 2, 1) @ apart
        shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ own @ root), 0)).sum(axis=1)
        traces = np.trace(covariance) + np.trace(own, axis1=1, axis2=2)
        found.append(((mean - centre) ** 2).sum(axis=1) + traces - 2 * shared)
    return np.asarray(np.mean(found, axis=0))


def _root(matrix: Floats) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(values)) @ vectors.T)


def by_rule(rates: Floats, gold: int) -> Floats:
    """Return the error shares of `s3.methods.drawing.error_share` where gold's labels are even.

    From the shares of gold rows that are errors, and their number.
    """
    turned = rates - 0.5 > TURNED * np.sqrt(rates * (1 - rates) / gold)
    return np.where(turned, 1.0, [half_right(rate) for rate in rates])


def chosen(
    wrong: NDArray[np.bool_], share: float | None, number: Floats, rng: np.random.Generator
) -> Floats:
    """Return how often each gold row is extrapolated, [draws, gold], `number` [draws] in all.

    `share` of them are errors, the others gold rows that are not among these errors, at random.
    Where there are too few of either, each counts more than once.
    """
    rates = wrong.mean(axis=1)
    shares = by_rule(rates, wrong.shape[1]) if share is RULE else share
    errors = np.round(shares * number)
    keys = rng.random(wrong.shape)
    first = _taken(np.where(wrong, keys, 2.0), wrong.sum(axis=1), errors)
    free = first == 0
    return first + _taken(np.where(free, keys, 2.0), free.sum(axis=1), number - errors)


def _taken(keys: Floats, there: NDArray[np.int64], number: Floats) -> Floats:
    """Return weights that sum to `number`, over the rows there are with the least keys."""
    ranks = keys.argsort(axis=1).argsort(axis=1)
    count = np.minimum(number, there)
    each = np.divide(number, count, out=np.zeros_like(number), where=count > 0)
    return (ranks < count[:, None]) * each[:, None]


def extrapolated(world: World, gold: Rows, weights: Floats, rng: np.random.Generator) -> Rows:
    """Return a row like each gold row, as the LLM writes it, with how often it counts."""
    own = own_rows(world, *gold.labels.shape, rng)
    own.features[...] *= np.where(own.labels == gold.labels, 1.0, -1.0)[..., None]
    around = world.spread * rng.normal(size=own.features.shape)
    features = world.reach * (gold.features + around) + (1 - world.reach) * own.features
    wrong = rng.random(gold.labels.shape) < world.noise
    return Rows(features, np.where(wrong, -gold.labels, gold.labels), weights)


def played(world: World, share: float | None, draws: int, seed: int) -> Outcome:
    """Play the loop. Draws of equal seed have equal gold and seeds, whatever the method."""
    rng = np.random.default_rng(seed)
    gold = sampled(world, draws, world.gold, world.rare, rng)
    train = own_rows(world, draws, world.seeds, rng)
    found = []
    for index in range(world.rounds + 1):
        weights, threshold = fitted(train, gold, world.calibrated)
        wrong = np.sign(scores(gold.features, weights) - threshold[:, None]) != gold.labels
        added = train.weights.sum(axis=1) / world.seeds - 1
        found.append(
            (accuracy(world, weights, threshold), distance(world, train), wrong.mean(axis=1), added)
        )
        if index < world.rounds:
            fixed = world.dose is not None
            number = np.full(draws, world.dose * world.seeds) if fixed else wrong.sum(axis=1) * 1.0
            picked = chosen(wrong, share, number, rng)
            train = train + extrapolated(world, gold, picked, rng)
    return Outcome(*(np.stack(one, axis=1) for one in zip(*found, strict=True)))


def gold_alone(world: World, draws: int, seed: int) -> Floats:
    """Return the accuracy of the probe that gold rows alone train, [draws]."""
    gold = sampled(world, draws, world.gold, world.rare, np.random.default_rng(seed))
    return accuracy(world, *fitted(gold, gold, world.calibrated))
