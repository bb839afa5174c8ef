"""Which training examples help: influence functions over the last layer of a classifier."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]

TOLERANCE = 1e-8  # of the solver: residual relative to the right-hand side
MOST_STEPS = 1000  # of the solver; it took 10 to 200 on trained models


@dataclass(frozen=True)
class LastLayer:
    """What the last layer of a classifier is given, [n, d], and its logits, [n, classes].

    `targets` [n] are the numbers of the labels. The layer is a multinomial logistic regression on
    its inputs: whatever lies below it is held fixed, so all gradients and the Hessian are exact
    and take closed forms, for any number of classes, at the cost of two products of matrices.
    """

    inputs: Floats
    logits: Floats
    targets: Ints

    @cached_property
    def biased(self) -> Floats:
        """The inputs with a last column of ones, for the bias; [n, d + 1]."""
        biased: Floats = np.hstack([self.inputs, np.ones((len(self.inputs), 1))])
        return biased

    @cached_property
    def probabilities(self) -> Floats:
        """The softmax of the logits, [n, classes]."""
        grown: Floats = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        grown /= grown.sum(axis=1, keepdims=True)
        return grown

    @property
    def residuals(self) -> Floats:
        """Each example's gradient of the cross-entropy by its logits, [n, classes]."""
        residuals: Floats = self.probabilities.copy()
        residuals[np.arange(len(residuals)), self.targets] -= 1
        return residuals


def influences(train: LastLayer, held_out: LastLayer, damping: float) -> Floats:
    """Return each training example's influence on the loss of a held-out set, [n].

    -g(z)^T (H + damping I)^-1 grad L: n times the change of L when z weighs 1/n more (Koh and
    Liang 2017, eq. 2; ProGen, section 3); below 0 is helpful. H is the Hessian of the mean
    cross-entropy of `train`, L the reverse cross-entropy of `held_out`. `damping` is the L2 penalty
    of the layer's weights, or stands in for it; the LiSSA of ProGen's code ends at this solution
    with damping = its damping times its scale (5e-3 x 1e4 = 50).
    """
    direction = solve(train, reverse_gradient(held_out), damping)
    scores: Floats = -(train.residuals * (train.biased @ direction.T)).sum(axis=1)
    return scores


def reverse_loss(layer: LastLayer) -> float:
    """Return the mean reverse cross-entropy, 1 - p(target), in 0..1.

    With log 0 read as -A, reverse cross-entropy is A (1 - p) for any number of classes (Wang et
    al. 2019, section 3); A scales all influences alike and is left out. It is bounded, so a wrong
    label in the held-out set weighs little.
    """
    return float(np.mean(1 - _of_targets(layer)))


def reverse_gradient(layer: LastLayer) -> Floats:
    """Return the gradient of `reverse_loss` by the layer's weights, [classes, d + 1]."""
    slopes = _of_targets(layer)[:, None] * layer.residuals
    gradient: Floats = slopes.T @ layer.biased / len(slopes)
    return gradient


def hessian_product(layer: LastLayer, vector: Floats, damping: float) -> Floats:
    """Return (H + damping I) times a vector, both [classes, d + 1]."""
    probabilities, biased = layer.probabilities, layer.biased
    weighted = probabilities * (biased @ vector.T)
    slopes = weighted - probabilities * weighted.sum(axis=1, keepdims=True)
    product: Floats = slopes.T @ biased / len(biased) + damping * vector
    return product


def solve(layer: LastLayer, gradient: Floats, damping: float) -> Floats:
    """Return (H + damping I)^-1 gradient, by conjugate gradients.

    They need neither the scale nor the number of samples that LiSSA has to be tuned with, and say
    themselves when they are done.
    """
    solution = np.zeros_like(gradient)
    residual, step = gradient.copy(), gradient.copy()
    square = goal = float(np.vdot(residual, residual))
    for _ in range(MOST_STEPS):
        if square <= goal * TOLERANCE**2:
            break
        product = hessian_product(layer, step, damping)
        length = square / float(np.vdot(step, product))
        solution += length * step
        residual -= length * product
        square, before = float(np.vdot(residual, residual)), square
        step = residual + square / before * step
    return solution


def _of_targets(layer: LastLayer) -> Floats:
    chosen: Floats = layer.probabilities[np.arange(len(layer.targets)), layer.targets]
    return chosen
