"""A run's folder made without a training: a scripted model, a few examples, real files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from s3.audit import Findings
from s3.data import Example, Mistake, Origin
from s3.methods import Round
from s3.runs.folder import MetricsRow, RunFolder
from s3.student import Predictions
from s3.synthesis import SynthesisedSet

LABELS = ("negative", "positive")
CONFIG = {"task": {"name": "films"}, "seed": 3, "choices": {"task": "films", "method": "s3"}}
ABOUT = {"task": "films", "method": "s3", "seed": 3}


def gold(number: int, split: str = "validation") -> list[Example]:
    """Return gold rows of both labels in turn."""
    return [
        Example({"text": f"{split} row {i}"}, LABELS[i % 2], Origin("gold", source=f"{split}:{i}"))
        for i in range(number)
    ]


def written(number: int, round_: int) -> list[Example]:
    """Return synthetic rows that a round has added."""
    kind = "extrapolation" if round_ else "seed"
    origin = Origin(kind, round_, f"validation:{round_}", "a prompt", "c-1", "a model", ("dull",))
    return [
        Example({"text": f"written {round_}/{i}"}, LABELS[i % 2], origin) for i in range(number)
    ]


class Model:
    """A stand-in for a trained model: it answers with one label, always as sure."""

    train_score = {"accuracy": 0.5, "macro_f1": 0.4}  # noqa: RUF012

    def __init__(self, validation: Sequence[Example], label: str = "positive") -> None:
        self.label, self.lineage = label, f"lineage of {label}"
        self.validation = self.predict(validation)
        self.history = [{"epoch": 1, "loss": 0.7}, {"epoch": 2, "loss": 0.6}]

    def predict(self, examples: Sequence[Example]) -> Predictions:
        """Answer."""
        shares = [0.2, 0.8] if self.label == "positive" else [0.8, 0.2]
        return Predictions([self.label] * len(examples), np.array([shares] * len(examples)))

    def save(self, folder: Path) -> None:
        """Write something in place of weights."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.safetensors").write_text(self.label)


def round_of(
    index: int, train: list[Example], added: list[Example], *, label: str = "positive"
) -> Any:
    """Return a round whose model answers with one label."""
    validation = gold(4)
    model: Any = Model(validation, label)
    wrong = [Mistake(one, label) for one in validation if one.target != label]
    made = SynthesisedSet(wanted=len(added) + 1, examples=added, tokens=40, completions=9)
    return Round(index, train, made, wrong, model, validation, written(1, 9))


def row(test: float, **more: float) -> MetricsRow:
    """Return a round's metrics."""
    scores = {
        f"{split}/{name}": test
        for split in ("train", "validation", "test")
        for name in ("accuracy", "macro_f1")
    }
    sizes = {"data/size": 4, "data/added": 2, "mistakes": 2, "llm/tokens": 40, "llm/cost": 0.25}
    return {**sizes, **scores, "validation/majority": 0.5, "test/majority": 0.75, **more}


def finished_run(path: Path, rows: Sequence[MetricsRow] = (), **summary: Any) -> RunFolder:
    """Write the folder of a run of two rounds, its summary last."""
    folder = RunFolder(path)
    rows = list(rows) or [row(0.5), row(0.75)]
    seed, more = written(2, 0), written(2, 1)
    rounds = [round_of(0, seed, seed), round_of(1, seed + more, more, label="negative")]
    copies = [{"split": "test", "kind": "near", "gold": "test:1", "text": "a copy"}]
    with folder.hold(CONFIG, {"results": 1}, fresh=False):
        folder.write_gold_copies([])
        for round_, metrics in zip(rounds, rows, strict=True):
            for split, examples in (("validation", round_.validation), ("test", gold(3, "test"))):
                said = round_.predictor.predict(examples)
                folder.write_predictions(round_.index, split, examples, said, LABELS)
            folder.write_round(round_, f"train {round_.index}", metrics, Findings({}, copies))
        folder.write_products(rounds[-1], rounds[-1].predictor)
        shown = {**ABOUT, "metric": "accuracy", "best_round": 1, "rounds": rows, **summary}
        folder.write_summary(shown)
    return folder
