"""Finished runs that only say what they answered to test: enough to compare them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from s3 import metrics
from s3.runs.folder import RunFolder
from s3.student import Predictions
from tests.runs.made import LABELS, gold

Right = Sequence[bool]


def answers(right: Right) -> list[str]:
    """What a model answers that is right on these of the rows of `gold`."""
    return [LABELS[(i + (not one)) % 2] for i, one in enumerate(right)]


def made_run(
    root: Path,
    *right: Right,
    seed: int = 0,
    method: str = "s3",
    alone: Right = (),
    best: int | None = None,
    row: Mapping[str, float] | None = None,
    config: Mapping[str, Any] | None = None,
    identity: Mapping[str, Any] | None = None,
) -> Path:
    """Write a run with a round for each of `right`; the last ships unless `best` says otherwise.

    `alone` are the answers of gold validation alone, `row` more metrics of every round, `config`
    more options, `identity` other parts of what decides the result.
    """
    choices = {"task": "films", "method": method, "llm": "tiny", "model": "small"}
    decides = {
        "results": 3, "seed": seed, "task": {"written": "text", "prompts": {"query": "Write."}},
        "method": {"class": method.upper(), "size": None}, "llm": {"temperature": 0.9},
        "student": {"epochs": 3}, "gold": {"validation": "v", "test": "t", "train": "v"},
    }  # fmt: skip
    number = len(list(root.glob("*")))
    folder = RunFolder(root / f"films-{method}-seed{seed}-{number}")
    test = gold(len(right[0]), "test")
    rows = [
        {**scores("test", test, one), **scores("validation", test, one), "data/size": 100,
         "llm/tokens": 500, "llm/cost": 0.25, "seconds/training": 2, **(row or {})}
        for one in right
    ]  # fmt: skip
    summary = {"task": "films", "method": method, "seed": seed, "metric": "accuracy"}
    summary |= {"best_round": len(rows) - 1 if best is None else best, "rounds": rows}
    config, decides = {"choices": choices, **(config or {})}, {**decides, **(identity or {})}
    with folder.hold(config, decides, fresh=False):
        for index, one in enumerate(right):
            folder.write_predictions(index, "test", test, said(one), LABELS)
        if alone:
            folder.write_beside("gold", "test", test, said(alone), LABELS)
            summary["gold"] = {"size": 40, **scores("test", test, alone)}
        folder.write_summary(summary)
    return folder.path


def said(right: Right) -> Predictions:
    """What a model says that is right on these rows."""
    return Predictions(answers(right), np.full((len(right), 2), 0.5))


def scores(split: str, examples: Sequence[Any], right: Right) -> dict[str, float]:
    """The scores of a model that is right on these rows."""
    labels = [example.target for example in examples], answers(right)
    return {
        f"{split}/accuracy": metrics.accuracy(labels[1], labels[0]),
        f"{split}/macro_f1": metrics.macro_f1(labels[1], labels[0]),
    }
