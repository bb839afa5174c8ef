"""What stands beside a round's row on W&B: tables to read, confusions, distributions.

Whatever an LLM or a gold file has written is text there, never markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from s3.data.example import Example, said
from s3.runs.listeners.table import extrapolations
from s3.runs.reading import FinishedRound
from s3.runs.rows import confused_labels, probability
from s3.text import word_count

MOST = 1000  # rows of a table; the data set that is logged has all
ADDITIONS: list[str | int] = ["label", "error", "extrapolation", "origin", "source"]
MISTAKES: list[str | int] = ["text", "label", "predicted", "confidence", "source"]


def additions(round_: FinishedRound) -> Any:
    """Return the table of what was written for a round: each row beside the error it grew from."""
    grown = {made.id: mistake.example for mistake, made in extrapolations(round_)}
    rows = []
    for made in spread(round_.added):
        error = shown(grown[made.id]) if made.id in grown else ""
        rows.append(
            [said(made.target), error, shown(made), made.origin.kind, made.origin.source]
        )  # fmt: skip
    import wandb

    return wandb.Table(columns=ADDITIONS, data=rows, dtype=str)


def mistakes(round_: FinishedRound) -> Any:
    """Return the table of the gold validation rows that a round's model gets wrong."""
    sure = {row["id"]: probability(row) for row in round_.predictions("validation")}
    rows = []
    for mistake in spread(round_.mistakes):
        gold = mistake.example
        found, place = sure.get(gold.id), gold.origin.source
        rows.append([shown(gold), said(gold.target), mistake.predicted, found, place])
    import wandb

    kinds = [float if name == "confidence" else str for name in MISTAKES]
    return wandb.Table(columns=MISTAKES, data=rows, dtype=kinds, optional=True)


def confusion(round_: FinishedRound) -> Any:
    """Return a chart of the confusions on test; None without labels, or with very many."""
    rows = round_.predictions("test")
    labels = confused_labels(rows)
    if len(labels) < 2:
        return None
    import wandb

    return wandb.plot.confusion_matrix(
        y_true=[labels.index(row["target"]) for row in rows],
        preds=[labels.index(str(row["predicted"])) for row in rows],
        class_names=labels,
        title=f"Test, round {round_.index}",
    )


def distributions(round_: FinishedRound) -> dict[str, Any]:
    """Return histograms: words of the texts written, and how sure answers to validation are."""
    written = round_.run.config["task"].get("written", "text")
    found: dict[str, list[float]] = {
        "lengths": [word_count(made.fields.get(written, "")) for made in round_.added],
        "confidences": [
            sure
            for row in round_.predictions("validation")
            if (sure := probability(row)) is not None
        ],
    }
    import wandb

    return {name: wandb.Histogram(values) for name, values in found.items() if values}


def shown(example: Example) -> str:
    """Return the text that an example is; of several fields each with its name."""
    if len(example.fields) == 1:
        return next(iter(example.fields.values()))
    return "\n".join(f"{name}: {text}" for name, text in example.fields.items())


def spread(rows: Sequence[Any]) -> Sequence[Any]:
    """Return at most MOST rows, evenly spread over all."""
    return rows[:: max(1, -(-len(rows) // MOST))]
