"""A trained small model: what it answers, how well it learned, and its folder."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3.data.example import Example
from s3.student.head import Head
from s3.student.record import FILE, Record

if TYPE_CHECKING:
    from s3.student.features import Floats
    from s3.student.student import Student


@dataclass(frozen=True)
class Predictions:
    """What a small model answers to some examples, in order: labels' names, or texts."""

    answers: list[str]
    probabilities: Any = None


class Predictor:
    """The best epoch of a training; its weights are read from the folder when first needed.

    `history` has one row an epoch; `validation` are its answers to the validation examples, and
    `train_score` the scores of the training pass of the kept epoch.
    """

    def __init__(self, student: Student, head: Head, folder: Path) -> None:
        self.student, self.head, self.folder = student, head, folder
        record = Record.read(folder)
        self.history = record.history
        self.best_epoch = record.best_epoch
        self.validation = Predictions(record.validation)
        self.train_score = record.train_score

    @staticmethod
    def finished(folder: Path) -> bool:
        """Say whether the folder holds a finished training."""
        return (folder / FILE).exists()

    def predict(self, examples: list[Example]) -> list[str]:
        """Return the answer to each example, in order: a label's name, or a text."""
        from s3.student.inference import infer

        return infer(self.student, self.head, self._model, examples)

    def features(self, examples: list[Example]) -> tuple[Floats, Floats]:
        """Return a classifier's last layer's inputs, [examples, width], and logits."""
        from s3.student.features import features

        return features(self, examples)

    def save(self, folder: Path) -> None:
        """Copy what `transformers.pipeline` loads: weights, config, tokenizer."""
        folder.mkdir(parents=True, exist_ok=True)
        for file in self.folder.iterdir():
            if file.is_file() and file.name != FILE:
                shutil.copy2(file, folder / file.name)

    @cached_property
    def _model(self) -> Any:
        from s3.student.pretrained import load_model

        return load_model(self.head, str(self.folder))
