"""What a training leaves beside its weights."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

FILE = "training.json"  # written last: a folder that has it holds a finished training


@dataclass
class Record:
    """The course of a training; `history` has one row an epoch, scores in 0..1.

    `validation` are the answers to the validation examples and `train_score` the scores of the
    training pass itself, both of the kept epoch.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    validation: list[str] = field(default_factory=list)
    train_score: dict[str, float] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write the record into the folder, whole or not at all."""
        partial = folder / f"{FILE}.partial"
        partial.write_text(json.dumps(asdict(self), ensure_ascii=False), encoding="utf-8")
        os.replace(partial, folder / FILE)

    @classmethod
    def read(cls, folder: Path) -> Record:
        """Read the record of a finished training."""
        return cls(**json.loads((folder / FILE).read_text(encoding="utf-8")))
