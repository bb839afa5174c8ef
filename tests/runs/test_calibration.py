"""Temperature, calibration error, abstaining: on predictions whose truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torchmetrics.classification import MulticlassCalibrationError

from s3.errors import UserError
from s3.runs.calibration import (
    abstention,
    calibration_error,
    scaled,
    sureness,
    temperature,
)

LABELS = ("a", "b", "c")


def rows(number: int, by: float, seed: int = 0) -> list[dict[str, Any]]:
    """Rows whose labels are drawn from probabilities that a model says at temperature 1 / `by`."""
    rng = np.random.default_rng(seed)
    true = scaled(rng.dirichlet([1.0, 1.0, 1.0], number), 1.0)
    targets = [rng.choice(3, p=one) for one in true]
    said = scaled(true, 1 / by)
    return [
        {"id": str(i), "target": LABELS[target], "predicted": LABELS[int(one.argmax())],
         "probabilities": dict(zip(LABELS, one.tolist(), strict=True))}
        for i, (target, one) in enumerate(zip(targets, said, strict=True))
    ]  # fmt: skip


@pytest.mark.parametrize("by", [0.4, 2.5])
def test_a_planted_temperature_is_found_and_mends_the_error(by: float) -> None:
    found = temperature(rows(1000, by))
    assert found == pytest.approx(by, rel=0.15)
    test = rows(1000, by, seed=1)
    before, after = (calibration_error(*sureness(test, one)) for one in (1.0, found))
    assert after < 0.06 < before


def test_chance_is_no_temperature() -> None:
    fitted = [temperature(rows(60, 1.0, seed)) for seed in range(40)]
    assert sum(one != 1 for one in fitted) <= 6  # 5 % of 40 is 2
    assert temperature(rows(10, 3.0)) == 1


def test_the_error_is_torchmetrics() -> None:
    found = rows(300, 2.0)
    likely = torch.tensor([list(row["probabilities"].values()) for row in found])
    target = torch.tensor([LABELS.index(row["target"]) for row in found])
    theirs = MulticlassCalibrationError(num_classes=3, n_bins=15)(likely, target)
    assert calibration_error(*sureness(found)) == pytest.approx(float(theirs), abs=1e-6)


def test_a_threshold_answers_as_much_as_the_precision_allows() -> None:
    sure = np.linspace(0.5, 1.0, 101)
    right = (sure > 0.7).astype(float)
    found = abstention(sure, right, 0.9)
    given = right[sure >= found.threshold]
    assert found.precision == pytest.approx(given.mean())
    assert found.precision >= 0.9
    assert found.coverage == pytest.approx(len(given) / 101)
    assert right[sure >= found.threshold - 0.006].mean() < 0.9


def test_rows_that_are_equally_sure_are_answered_together() -> None:
    sure, right = np.array([0.9] * 30 + [0.6] * 30), np.array([1.0] * 28 + [0.0] * 32)
    found = abstention(sure, right, 0.9)
    assert (found.threshold, found.coverage) == (0.9, 0.5)
    assert found.precision == pytest.approx(28 / 30)


def test_a_precision_that_cannot_be_reached_is_said() -> None:
    sure, right = np.linspace(0, 1, 50), np.tile([0.0, 1.0], 25)
    with pytest.raises(UserError, match="no threshold lets 95% of the answers be right"):
        abstention(sure, right, 0.95)


def test_answers_to_questions_are_right_where_they_match() -> None:
    found = [
        {"target": {"texts": ["The harbour"], "starts": [0]}, "predicted": one, "probability": 0.7}
        for one in ("the harbour.", "a ship")
    ]
    sure, right = sureness(found, 3.0)
    assert sure.tolist() == [0.7, 0.7]
    assert right.tolist() == [1, 0]
