"""What rows that a run has written say: the scores of what ships, the answers, how sure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

MOST_LABELS = 12  # that a matrix of confusions has room for


def shipped(summary: Mapping[str, Any]) -> dict[str, float]:
    """Return the metrics of the model that ships, named as in `docs/metrics.md`.

    They are the best round's row. Where the model that learnt gold validation, too, ships, that
    one's scores stand there in place of the round's.
    """
    row: dict[str, float] = summary["rounds"][summary["best_round"]]
    name = summary.get("ships", "round")
    if name == "round":
        return row
    scores = ("train/", "validation/", "test/")
    kept = {one: v for one, v in row.items() if not one.startswith(scores) or "/majority" in one}
    beside = dict(summary[name])
    return {**kept, "data/size": beside.pop("size"), **beside}


def probability(answer: Mapping[str, Any]) -> float | None:
    """Return how sure a model was of an answer, a row of predictions; None where it says NaN."""
    sure: float | None = answer.get("probability")
    if sure is None:
        sure = answer.get("probabilities", {}).get(answer["predicted"])
    return None if sure is None or math.isnan(sure) else sure


def confused_labels(answers: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the labels of a matrix of confusions; none where answers are texts, or too many."""
    if any(not isinstance(row["target"], str) for row in answers):
        return []
    labels = sorted({str(row[name]) for row in answers for name in ("target", "predicted")})
    return labels if len(labels) <= MOST_LABELS else []
