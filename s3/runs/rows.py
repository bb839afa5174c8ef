"""The rows that a run writes of its answers, and what such rows say: what ships, how sure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from s3.data.example import Example, plain_target
from s3.student import Predictions

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


def prediction_rows(
    examples: Sequence[Example], said: Predictions, labels: Sequence[str]
) -> list[dict[str, Any]]:
    """Return a row an example, with the probabilities of its answer.

    They are by label where the task has labels; else `probability` is that of the answer.
    """
    rows = []
    for place, (example, answer) in enumerate(zip(examples, said.answers, strict=True)):
        row = {
            "id": example.id,
            "source": example.origin.source,
            "target": plain_target(example.target),
            "predicted": answer,
        }
        if said.probabilities is not None:
            shares = [round(float(one), 6) for one in said.probabilities[place]]
            named = dict(zip(labels, shares, strict=True)) if labels else None
            row |= {"probabilities": named} if named else {"probability": shares[0]}
        rows.append(row)
    return rows
