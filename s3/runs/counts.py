"""What is counted of a round: the sizes of its data, the shares of labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from s3.data.example import Example
from s3.methods import Round
from s3.runs.folder import MetricsRow


def majority(examples: Sequence[Example]) -> float:
    """Return the share of the most frequent label: the accuracy of always answering with it."""
    return largest_share([str(example.target) for example in examples])


def largest_share(labels: Sequence[str]) -> float:
    """Return the share of the most frequent of some labels, such as a model's answers."""
    return max(Counter(labels).values()) / len(labels)


def data_row(round_: Round, before: Round | None) -> MetricsRow:
    """Return the sizes of a round's data: rows in all, seeds, additions, dropped replies.

    Additions grew from errors of the round `before`, or from gold that it got right.
    """
    wrong = {one.example.origin.source for one in before.mistakes} if before else set()
    added = (one.origin for one in round_.added.examples)
    grown = Counter(one.source in wrong for one in added if one.kind == "extrapolation")
    kinds = Counter(example.origin.kind for example in round_.train)
    row: MetricsRow = {
        "data/size": len(round_.train),
        "data/seed": kinds["seed"] + kinds["labelled"],
        "data/added": len(round_.added.examples) if round_.index else 0,
        "data/errors_extrapolated": grown[True],
        "data/gold_extrapolated": grown[False],
        "data/unused": len(round_.unused),
        "data/missing": round_.added.wanted - len(round_.added.examples),
        "mistakes": len(round_.mistakes),
        "llm/completions": round_.added.completions,
    }
    if labelled := kinds["labelled"]:
        row["data/labelled"] = labelled
    return row | {f"data/dropped/{why}": count for why, count in round_.added.dropped.items()}
