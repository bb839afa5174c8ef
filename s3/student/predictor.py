"""A trained small model: what it answers, how well it learned, and its folder."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from s3.data.example import Example
from s3.storage import differing, sha256, whole, write_text
from s3.student.encoding import Encoder, Loader, evaluation_plan
from s3.student.forward import BLOCK, forward, remembered
from s3.student.hardware import chosen
from s3.student.heads.base import Head, Predictions
from s3.student.settings import Precision, Settings, Training
from s3.student.weights import MODEL, Pretrained, load_model

if TYPE_CHECKING:
    import torch

RECORD = "training.json"  # written last: a folder that has it holds a finished training
DIGITS = 6  # to which recorded probabilities are rounded
# Is told of a training's epochs as each ends: a row an epoch so far, as in `Record.history`.
OnEpoch = Callable[[Sequence[Mapping[str, float]]], None]


@dataclass
class Record:
    """What a training leaves beside its weights.

    `history` has one row an epoch, scores in 0..1. `answers` and `probabilities` are those to the
    validation examples, `train_score` the scores of the training pass itself, all of the kept
    epoch, which `metric` has chosen. `checksums` are those of the files beside the record.
    """

    metric: str = ""
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    answers: list[str] = field(default_factory=list)
    probabilities: list[list[float]] = field(default_factory=list)
    train_score: dict[str, float] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)

    def keep(self, epoch: int, validation: Predictions, train_score: dict[str, float]) -> None:
        """Make this the kept epoch."""
        self.best_epoch, self.train_score = epoch, train_score
        self.answers = validation.answers
        if validation.probabilities is not None:
            self.probabilities = validation.probabilities.astype(float).round(DIGITS).tolist()

    def write(self, folder: Path) -> None:
        """Write the record into the folder of its training, when all else is there."""
        files = [path for path in folder.iterdir() if path.is_file() and path.name != RECORD]
        self.checksums = {path.name: sha256(path) for path in files}
        write_text(folder / RECORD, json.dumps(asdict(self), ensure_ascii=False))

    @classmethod
    def read(cls, folder: Path) -> Record:
        """Read the record of a finished training."""
        return cls(**json.loads((folder / RECORD).read_text(encoding="utf-8")))


class Predictor:
    """The best epoch of a training, or a model that was saved; weights are read when first needed.

    `encoder` is the student's, so that texts are tokenised once; by default the folder's own. The
    record of a saved model is empty.
    """

    def __init__(
        self, settings: Settings, head: Head, folder: Path, encoder: Encoder | None = None
    ) -> None:
        self.settings, self.head, self.folder = settings, head, folder
        self.record = Record.read(folder) if (folder / RECORD).exists() else Record()
        self.encoder = encoder or Encoder(Settings(**{**settings.plain(), "weights": str(folder)}))

    @staticmethod
    def finished(folder: Path) -> bool:
        """Say whether the folder holds a finished training, whole; tell of a damaged one."""
        if not (folder / RECORD).exists():
            return False
        try:
            damaged = differing(folder, Record.read(folder).checksums)
        except (OSError, ValueError, TypeError, AttributeError):
            damaged = [RECORD]
        if damaged:
            print(f"{folder / damaged[0]}: damaged; this is trained again.", file=sys.stderr)
        return not damaged

    @property
    def history(self) -> list[dict[str, float]]:
        """One row an epoch."""
        return self.record.history

    @property
    def best_epoch(self) -> int:
        """The number of the kept epoch, from 1; 0 is a probe, which has none."""
        return self.record.best_epoch

    @property
    def train_score(self) -> dict[str, float]:
        """The scores of the training pass itself in the kept epoch."""
        return self.record.train_score

    @cached_property
    def validation(self) -> Predictions:
        """The answers of the kept epoch to the validation examples."""
        return Predictions(self.record.answers, np.array(self.record.probabilities))

    @cached_property
    def lineage(self) -> str:
        """A digest of the trained weights: what a training that starts from them depends on."""
        return sha256(self.folder / MODEL)[:16]

    def predict(self, examples: Sequence[Example]) -> Predictions:
        """Return the answer to each example, in order, and the probabilities.

        What a probe's frozen encoder says of a text is remembered in `encoder`: it is encoded once,
        whichever round asks.
        """
        if self.settings.training is Training.probe and self.head.probed:
            return self._probed(examples)
        head, loader = self.head, self._loader(examples)
        codes = forward(
            self.model,
            loader,
            lambda batch: head.codes(head.forward(self.model, batch), batch),
            "predicting",
            bf16=chosen(self.settings.precision) is Precision.bf16,
        )
        return head.decode(examples, codes, loader.selection.firsts(len(examples)))

    def _probed(self, examples: Sequence[Example]) -> Predictions:
        import torch

        rows = self.encoder.tokens(self.head).select(examples, targets=False)
        given = self.model, self.settings, self.encoder, self.head, rows.numbers, "predicting"
        found = torch.from_numpy(remembered(*given))
        with torch.inference_mode():
            model = self.model.cpu()  # too small for a GPU
            codes = torch.cat([model.classify(part) for part in torch.split(found, BLOCK)])
        return self.head.decode(examples, codes.numpy(), rows.firsts(len(examples)))

    def features(
        self, examples: Sequence[Example]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return a classifier's last layer's inputs, [examples, width], and logits [.., labels].

        The last layer is the linear one that comes last in the model: in all of transformers'
        sequence classifiers, the one that gives the logits. In float32, without dropout.
        """
        import torch

        seen: list[torch.Tensor] = []
        last = [part for part in self.model.modules() if isinstance(part, torch.nn.Linear)][-1]

        def step(batch: Any) -> torch.Tensor:
            self.head.forward(self.model, batch)
            return seen.pop()

        hook = last.register_forward_hook(
            lambda _, given, logits: seen.append(torch.cat([given[0], logits], dim=1))
        )
        try:
            found = forward(self.model, self._loader(examples), step, "features", bf16=False)
        finally:
            hook.remove()
        both = found.astype(np.float64)
        return both[:, : last.in_features], both[:, last.in_features :]

    def save(self, folder: Path) -> None:
        """Copy what `transformers.pipeline` loads: weights, config, tokenizer."""
        with whole(folder) as partial:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            for file in self.folder.iterdir():
                if file.is_file() and file.name != RECORD:
                    shutil.copy2(file, partial / file.name)
            shutil.rmtree(folder, ignore_errors=True)

    def _loader(self, examples: Sequence[Example]) -> Loader:
        selection = self.encoder.tokens(self.head).select(examples, targets=False)
        plan = evaluation_plan(selection.lengths, self.settings.evaluation_tokens)
        return Loader.of(self.encoder.tokenizer, selection, plan)

    @cached_property
    def model(self) -> Any:
        """The model itself, as its head loads it."""
        return load_model(self.head, Pretrained(str(self.folder)))
