"""How good the labels of a data set are, and how easily they are guessed.

The classifier is a logistic regression over the texts' points (`encodings.py`), or over features
of a pair of texts, with labels weighted equally. It is an estimate, no judge: read each share
against what it reaches on gold.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3.analysis.encodings import Points, encode
from s3.data.example import Example
from s3.tasks import Task
from s3.text import words

FOLDS = 5
MOST = 5000  # rows that are fitted to; more change nothing that can be seen
STRENGTH = 10.0  # C of the regression; unit points need little shrinking
BLOCK = 20_000  # rows predicted at a time

Labels = Sequence[str]


def features(task: Task, examples: Sequence[Example], folder: Path | None) -> Points:
    """Return what the classifier reads of each example: the written text, or a pair's features."""
    written = [one.fields[task.written] for one in examples]
    points = encode(written, folder)
    if not task.given:
        return points
    given = [" ".join(one.fields[name] for name in task.given) for one in examples]
    return pair_features(encode(given, folder), points, list(zip(given, written, strict=True)))


def pair_features(
    given: Points, written: Points, texts: Sequence[tuple[str, str]]
) -> NDArray[np.float32]:
    """Return two features of a given and a written text, [rows, 2].

    The cosine of their points, and the share of the written text's words that are in the given one.
    More, such as the product of the points, learns what some hundred gold rows are about and not
    whether the one follows from the other (cross-fitted on 160 rows of RTE: 49 % right).
    """
    shares = [contained(*pair) for pair in texts]
    cosines = np.einsum("ij,ij->i", given, written)
    return np.stack([cosines, np.array(shares, np.float32)], axis=1)


def contained(given: str, written: str) -> float:
    """Return the share of the written text's different words that are in the given text."""
    mine = set(words(written))
    return len(mine & set(words(given))) / len(mine) if mine else 0.0


def label_purity(gold: Points, labels: Labels, synthetic: Points, asked: Labels) -> float:
    """Return the share of synthetic rows that a model trained on gold labels as the LLM was asked.

    Its complement estimates label noise from above: the model's own errors count, too. See
    `gold_purity` for how often it is right on gold rows. Not a number with one gold label only.
    """
    if len(set(labels)) < 2 or not len(synthetic):
        return float("nan")
    return float((said_by_gold(gold, labels, synthetic) == np.array(asked)).mean())


def said_by_gold(gold: Points, labels: Labels, synthetic: Points) -> NDArray[np.str_]:
    """Return the label that a model trained on gold gives each synthetic row, [rows].

    Gold must have two labels.
    """
    model = _fitted(*_some(gold, labels))
    blocks = (synthetic[first : first + BLOCK] for first in range(0, len(synthetic), BLOCK))
    return np.concatenate([np.array([], dtype=np.str_), *map(model.predict, blocks)])


def cross_fitted(points: Points, labels: Labels) -> float:
    """Return the share of rows that a model says right that has not seen them, in five folds.

    On gold rows this is `gold_purity`. On the written texts of a pair task alone it is the
    hypothesis-only probe (Poliak et al. 2018; the easy-to-cheat share of arXiv 2410.03429): what
    it gets right beyond the commonest label is given away by the writing, whatever the premise.
    At most 5,000 rows, drawn with a seed. Not a number where a label has fewer than five rows.
    """
    from sklearn.model_selection import StratifiedKFold

    rows, names = _some(points, labels)
    counts = np.unique(names, return_counts=True)[1]
    if len(counts) < 2 or counts.min() < FOLDS:
        return float("nan")
    right = 0
    for train, aside in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(rows, names):
        right += (_fitted(rows[train], names[train]).predict(rows[aside]) == names[aside]).sum()
    return float(right / len(rows))


def _some(points: Points, labels: Labels) -> tuple[Points, NDArray[np.str_]]:
    """Return at most `MOST` rows with their labels, drawn with a seed."""
    chosen = np.random.default_rng(0).permutation(len(points))[:MOST]
    return points[chosen], np.array(labels)[chosen]


def _fitted(points: Points, labels: NDArray[np.str_]) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=500).fit(points, labels)
