"""Row weights: how much each training example counts in the loss.

All count one unless the caller of `Student.fit` passes weights: a method that trusts some rows
less than others (noisy labels, importance, curricula) computes an array and hands it over, and
needs to know nothing else of training.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def row_weights(
    weights: NDArray[np.floating] | None, examples: int, owners: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Return what the loss of each row of tokens is multiplied by, [rows].

    `weights` [examples] belong to the training examples, None is all ones; `owners` [rows] says
    which example each row is of, since long texts take several. The loss of a step is the sum of
    its weighted rows over the batch size, so a weight of 2 counts as having the example twice and
    a mean of 1 keeps the learning rate's meaning. Raises ValueError for another shape, a negative
    or infinite weight, or none above 0.
    """
    if weights is None:
        return np.ones(len(owners), np.float32)
    weights = np.asarray(weights, np.float32)
    if weights.shape != (examples,):
        raise ValueError(f"{examples} examples need as many weights, not {weights.shape}")
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise ValueError("weights must be finite, at least 0, and not all 0")
    found: NDArray[np.float32] = weights[owners]
    return found


def balanced(weights: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return the weights [rows] changed so that each label's rows have the same sum; it stays."""
    shares = weights / np.maximum(np.bincount(labels, weights)[labels], 1e-12)
    found: NDArray[np.float32] = (shares * weights.sum() / shares.sum()).astype(np.float32)
    return found
