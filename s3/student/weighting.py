"""Row weights: how much each training example counts in the loss; and the labels' shares.

Rows count one unless the caller of `Student.fit` passes weights: a method that trusts some rows
less than others (noisy labels, importance, curricula) computes an array and hands it over, and
needs to know nothing else of training.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from s3.data.example import Example

if TYPE_CHECKING:
    import torch


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


def label_shares(examples: Sequence[Example], labels: Sequence[str]) -> NDArray[np.float64]:
    """Return each label's share of the examples, [labels]."""
    counted = Counter(example.target for example in examples)
    return np.array([counted[label] for label in labels]) / max(1, len(examples))


def shares_bias(
    logits: torch.Tensor, shares: NDArray[np.float64], steps: int = 200
) -> torch.Tensor:
    """Return the bias of each label with which the answers have these shares, [labels].

    Exact for two labels: the quantile of the differences of `logits` [rows, 2]. For more, steps
    that grow smaller against what is too many or too few; the best of them is returned.
    """
    import torch

    rows, labels = logits.shape
    wanted = torch.from_numpy(shares).to(logits)
    if labels == 2:
        ordered = (logits[:, 1] - logits[:, 0]).sort(descending=True).values
        edges = torch.cat([ordered[:1] + 1e-3, ordered, ordered[-1:] - 1e-3])
        number = round(float(wanted[1]) * rows)  # answers of the second label
        return torch.stack([logits.new_zeros(()), -(edges[number] + edges[number + 1]) / 2])
    bias, step = logits.new_zeros(labels), logits.std()
    best, least = bias, float("inf")
    for _ in range(steps):
        counted = torch.bincount((logits + bias).argmax(1), minlength=labels)
        off = wanted - counted / rows
        if float(off.abs().sum()) < least:
            best, least = bias, float(off.abs().sum())
        bias, step = bias + step * off, step * 0.985
    return best - best.mean()
