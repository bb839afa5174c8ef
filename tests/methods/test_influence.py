"""Influence: against leave-one-out retraining, labels flipped on purpose, and LiSSA."""

from __future__ import annotations

import numpy as np
import pytest

from s3.methods.influence import (
    Floats,
    Ints,
    LastLayer,
    hessian_product,
    influences,
    reverse_gradient,
    reverse_loss,
    solve,
)

PENALTY = 0.01


def clusters(count: int, classes: int, seed: int, noise: float = 0.0) -> tuple[Floats, Ints, Ints]:
    """Points around one centre a class; their labels, a share of them wrong; the true labels."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=count)
    centres = np.random.default_rng(0).normal(size=(classes, 6))
    points = centres[truth] + rng.normal(scale=1.2, size=(count, 6))
    wrong = rng.random(count) < noise
    return (
        points,
        np.where(wrong, (truth + rng.integers(1, classes, count)) % classes, truth),
        truth,
    )


def layer(points: Floats, labels: Ints, weights: Floats) -> LastLayer:
    return LastLayer(points, points @ weights[:, :-1].T + weights[:, -1], labels)


def train(points: Floats, labels: Ints, classes: int, whole: int | None = None) -> Floats:
    """Fit the logistic regression to its optimum, by Newton's steps; losses over `whole`."""
    share = len(points) / (whole or len(points))
    weights = np.zeros((classes, points.shape[1] + 1))
    for _ in range(30):
        now = layer(points, labels, weights)
        slope = now.residuals.T @ now.biased / len(points) + PENALTY / share * weights
        weights = weights - solve(now, slope, PENALTY / share)
    assert np.abs(slope).max() < 1e-9
    return weights


@pytest.mark.parametrize("classes", [2, 4])
def test_scores_rank_examples_as_leaving_each_out_does(classes: int) -> None:
    points, labels, _ = clusters(80, classes, 1, noise=0.1)
    held_points, held_labels, _ = clusters(60, classes, 2)
    weights = train(points, labels, classes)
    scores = influences(
        layer(points, labels, weights), layer(held_points, held_labels, weights), PENALTY
    )
    base = reverse_loss(layer(held_points, held_labels, weights))
    lost = []
    for one in range(len(points)):
        rest = np.arange(len(points)) != one
        without = train(points[rest], labels[rest], classes, whole=len(points))
        lost.append(reverse_loss(layer(held_points, held_labels, without)) - base)
    assert spearman(-scores, np.array(lost)) > 0.95
    # Not only the order: leaving z out changes the loss by about -influence / n.
    assert np.polyfit(-scores / len(points), lost, 1)[0] == pytest.approx(1, abs=0.25)


def spearman(first: Floats, second: Floats) -> float:
    ranks = [np.argsort(np.argsort(values)) for values in (first, second)]
    return float(np.corrcoef(*ranks)[0, 1])


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_the_helpful_half_holds_fewer_flipped_labels(classes: int) -> None:
    """The held-out labels are as noisy as those of the training set: so it is in use."""
    points, labels, truth = clusters(600, classes, 3, noise=0.3)
    held_points, held_labels, _ = clusters(300, classes, 4, noise=0.3)
    weights = train(points, labels, classes)
    scores = influences(
        layer(points, labels, weights), layer(held_points, held_labels, weights), PENALTY
    )
    flipped = (labels != truth)[np.argsort(scores)]
    helpful, harmful = flipped[:300].mean(), flipped[300:].mean()
    assert helpful < harmful / 4


def test_gradient_and_hessian_are_those_of_the_losses() -> None:
    points, labels, _ = clusters(30, 3, 5)
    weights = np.random.default_rng(6).normal(size=(3, 7))
    direction = np.random.default_rng(7).normal(size=(3, 7))
    ahead, behind = (layer(points, labels, weights + h * direction) for h in (1e-5, -1e-5))
    slope = (reverse_loss(ahead) - reverse_loss(behind)) / 2e-5
    here = layer(points, labels, weights)
    assert np.vdot(reverse_gradient(here), direction) == pytest.approx(slope, rel=1e-5)
    change = [now.residuals.T @ now.biased / 30 for now in (ahead, behind)]
    expected = (change[0] - change[1]) / 2e-5 + 0.1 * direction
    np.testing.assert_allclose(hessian_product(here, direction, 0.1), expected, rtol=1e-5)


def test_the_papers_lissa_ends_at_the_same_solution() -> None:
    """Damping 5e-3 and scale 1e4 shrink each step by half a per cent: a damping of 50."""
    points, labels, _ = clusters(200, 3, 8)
    here = layer(points, labels, np.random.default_rng(9).normal(size=(3, 7)))
    goal = reverse_gradient(here)
    estimate = goal
    for _ in range(4000):
        estimate = goal + (1 - 5e-3) * estimate - hessian_product(here, estimate, 0.0) / 1e4
    np.testing.assert_allclose(estimate / 1e4, solve(here, goal, 50.0), rtol=1e-6)
