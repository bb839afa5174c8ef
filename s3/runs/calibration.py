"""How far a model's probabilities can be trusted: temperature, calibration error, abstaining.

All is fitted on gold validation; test is only scored. Rows are those of
`FinishedRound.predictions`: each has `target`, `predicted`, and `probabilities` by label or, of an
answer to a question, its `probability`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3.errors import UserError
from s3.runs.reading import Run
from s3.runs.rows import probability
from s3.runs.significance import ROW_SCORES

Rows = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]

LEAST_ROWS = 20  # of gold validation from which a temperature is fitted, or a threshold taken
RANGE = (0.2, 5.0)  # of temperatures: where all is right on a few rows, the fit knows no end
CHI_SQUARE_95 = 3.84  # of one degree of freedom
BINS = 15  # of the calibration error, as Guo et al. have them
TINY = 1e-9


@dataclass(frozen=True)
class Abstention:
    """Answers less sure than `threshold` are held back; of the others, `precision` are right.

    `coverage` is the share of rows that are answered. All lie in 0..1.
    """

    threshold: float
    precision: float
    coverage: float


def validated(run: Run) -> Rows:
    """Return what the model that ships answers to gold validation; none of an older run.

    Nor of one without: how sure a model is of synthetic rows says nothing of real ones.
    """
    if run.summary.get("kept_aside"):
        return ()
    try:
        return run.shipped_predictions("validation")
    except UserError:
        return ()


def temperature(rows: Rows) -> float:
    """Return the temperature at which labels' probabilities fit gold validation best.

    It minimises the negative log-likelihood (Guo et al. 2017, "On calibration of modern neural
    networks", section 4.2), and is 1 where that gains no more than chance would (a likelihood ratio
    test at 5 %), and without labels. No answer changes: the likeliest label stays the likeliest.
    """
    from scipy.optimize import minimize_scalar

    if len(rows) < LEAST_ROWS or "probabilities" not in rows[0]:
        return 1.0
    labels = list(rows[0]["probabilities"])
    likely = np.array([[row["probabilities"][label] for label in labels] for row in rows])
    right = [labels.index(row["target"]) if row["target"] in labels else -1 for row in rows]
    if min(right) < 0:
        return 1.0

    def loss(log: float) -> float:
        chosen = scaled(likely, np.exp(log))[np.arange(len(rows)), right]
        return float(-np.log(np.maximum(chosen, TINY)).mean())

    found = float(np.exp(minimize_scalar(loss, bounds=np.log(RANGE), method="bounded").x))
    gained = 2 * len(rows) * (loss(0.0) - loss(np.log(found)))
    return found if gained > CHI_SQUARE_95 else 1.0


def scaled(probabilities: Floats, by: float) -> Floats:
    """Return probabilities, [rows, labels], at a temperature: their logits divided by it."""
    logits = np.log(np.maximum(probabilities, TINY)) / by
    likely = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = likely / likely.sum(axis=1, keepdims=True)
    return shares


def sureness(rows: Rows, by: float = 1.0) -> tuple[Floats, Floats]:
    """Return how sure a model was of its answer to each row, and whether it was right (0 or 1).

    `by` is the temperature. An answer to a question is right where it matches exactly.
    """
    score = ROW_SCORES["em" if isinstance(rows[0]["target"], Mapping) else "accuracy"]
    right = np.array([score(row["predicted"], row["target"]) for row in rows])
    if "probabilities" not in rows[0]:
        return np.array([probability(row) or 0.0 for row in rows]), right
    likely = np.array([list(row["probabilities"].values()) for row in rows])
    return scaled(likely, by).max(axis=1), right


def calibration_error(sure: Floats, right: Floats) -> float:
    """Return the expected calibration error, in 0..1 (Guo et al. 2017, equation 3)."""
    found = bins(sure, right, BINS)
    return sum(abs(mean - share) * count for mean, share, count in found) / len(sure)


def bins(sure: Floats, right: Floats, number: int) -> list[tuple[float, float, int]]:
    """Return of equally wide bins the mean sureness, the share that is right, and the rows."""
    place = np.minimum((sure * number).astype(int), number - 1)
    return [
        (float(sure[place == one].mean()), float(right[place == one].mean()), int(count))
        for one, count in enumerate(np.bincount(place, minlength=number))
        if count
    ]


def abstention(sure: Floats, right: Floats, precision: float) -> Abstention:
    """Return the lowest threshold above which at least `precision` of the answers are right.

    Raises UserError where no threshold does that and still lets LEAST_ROWS rows be answered.
    """
    if len(sure) < LEAST_ROWS:
        raise UserError(
            f"only {len(sure)} answers to gold validation are known: a threshold takes {LEAST_ROWS}"
        )
    order = np.argsort(-sure, kind="stable")
    found = np.cumsum(right[order]) / np.arange(1, len(sure) + 1)
    last = np.append(sure[order][1:] != sure[order][:-1], True)  # of rows that are equally sure
    enough = np.arange(1, len(sure) + 1) >= LEAST_ROWS
    places = np.flatnonzero((found >= precision) & last & enough)
    if not len(places):
        raise UserError(
            f"no threshold lets {precision:.0%} of the answers be right: on gold validation's "
            f"{len(sure)} rows the best share is {found[last & enough].max():.1%}, of {LEAST_ROWS} "
            "answers at least."
        )
    place = places[-1]
    return Abstention(float(sure[order][place]), float(found[place]), (place + 1) / len(sure))
