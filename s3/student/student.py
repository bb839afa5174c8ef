"""The student: the small model as configured, and how it is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3.data.example import Example
from s3.errors import UserError
from s3.student.encoding import Encoder
from s3.student.hardware import check_devices
from s3.student.heads.base import Head
from s3.student.predictor import OnEpoch, Predictor
from s3.student.preflight import look, try_out
from s3.student.probing import CONSTANTS, probe_into
from s3.student.settings import Settings, Training
from s3.student.weights import Pretrained, content

PROBE = "probe"  # the folder within a training's that a fine-tuning from a probe begins with
# These say how a training is carried out or called, not what comes out of it.
UNDECIDING = ("name", "weights", "package", "evaluation_tokens")
ADDED = ("class_weights", "prefix")  # later options: at their defaults a run keeps the name it had
OF_PROBES = ("static", "prefix", "max_length", "metric", "precision")  # all that decides a probe


@dataclass(kw_only=True)
class Student(Settings):
    """A pretrained encoder that any head can be trained on.

    It lives as long as the run, and with it what has been tokenised and encoded. Each training of
    it is a `Predictor`, and is independent of the others.
    """

    @cached_property
    def encoder(self) -> Encoder:
        """What turns examples into tokens; it lives as long as the student."""
        return Encoder(self)

    def probes(self, head: Head) -> bool:
        """Say whether a training with this head is a probe and nothing else."""
        return self.training is Training.probe and head.probed

    def identity(self, head: Head) -> dict[str, Any]:
        """Return what decides a training beside its data: hyper-parameters and weights by content.

        Raises UserError where the weights' folder is missing.
        """
        deciding = {name: one for name, one in self.plain().items() if name not in UNDECIDING}
        deciding["prefix"] = self.encoder.prefix
        if self.probes(head):
            deciding = {name: deciding[name] for name in OF_PROBES}
        deciding = {name: one for name, one in deciding.items() if one or name not in ADDED}
        if not head.windows:
            deciding.pop("stride", None)
        if self.training is not Training.finetune and head.probed:
            deciding["probe"] = CONSTANTS
        return {
            **deciding,
            "precision": self.precision.value,
            "training": self.training.value if head.probed else Training.finetune.value,
            "weights": self._content,
        }

    @cached_property
    def _content(self) -> str:
        if self.weights is None and self.package is not None:
            return f"sha256:{self.package.sha256}"
        return content(self.encoder.source)  # hashed once: some hundred megabytes

    def check(self, head: Head) -> None:
        """Raise ValueError where the settings do not suit the head."""
        if head.windows and self.stride >= self.max_length:
            raise ValueError(f"model.stride must be below model.max_length={self.max_length}")
        if self.static and not head.probed:
            raise ValueError("model.static=true: word embeddings alone cannot find a span")
        if self.class_weights and head.windows:
            raise ValueError("model.class_weights=true: answers that are spans have no classes")
        if self.metric is not None and self.metric not in head.metrics:
            known = ", ".join(head.metrics)
            raise ValueError(f"model.metric={self.metric} is none of this task's: {known}")

    def preflight(
        self, head: Head, examples: Sequence[Example], *, trial: bool = True
    ) -> list[str]:
        """Look whether this student can be trained on such examples, before anything is paid.

        Without `trial` only at its files, in milliseconds. Return what the user should know, a
        line each. Raises UserError where no training could end well.
        """
        unseen = look(self, self.encoder, head)
        if not trial:
            return [unseen] if unseen else []
        if not self.probes(head):
            check_devices(self.devices)
        return try_out(self, self.encoder, head, examples)

    def choosing_metric(self, head: Head, validation: Sequence[Example]) -> str:
        """Return the metric on gold validation that chooses between epochs and between rounds."""
        return self.metric or head.default_metric(validation)

    def fit(
        self,
        head: Head,
        train: Sequence[Example],
        validation: Sequence[Example],
        *,
        seed: int,
        folder: Path,
        what: str = "training",
        start: Predictor | None = None,
        weights: NDArray[np.floating[Any]] | None = None,
        on_epoch: OnEpoch | None = None,
    ) -> Predictor:
        """Train afresh from the pretrained weights, or from those of `start`; keep the best epoch.

        A probe has one best solution: `seed` changes nothing there, and from `start` it goes as far
        towards that as gold validation says. A fine-tuning that begins with a probe has no other
        start. `weights` [train] is what each example's loss counts
        (`weighting.py`); None: all one.

        `folder` belongs to these inputs alone (`start.lineage` stands for a start). A finished
        training found in it is loaded, a killed one continued to the result of an undisturbed one.
        `what` is shown beside the progress. `on_epoch` hears of each epoch of a fine-tuning as it
        ends, unless several processes train.

        Raises UserError where examples are fewer than devices, or no weights can be loaded.
        """
        if min(len(train), len(validation)) < self.devices:
            raise UserError(
                "training needs examples to train on and to validate with, one or more a device "
                f"(model.devices={self.devices}); there are {len(train)} and {len(validation)}"
            )
        if not Predictor.finished(folder):
            metric = self.choosing_metric(head, validation)
            settings = Settings(**{**self.plain(), "metric": metric})
            given = settings, self.encoder, head, train, validation, weights, what
            if self.probes(head):
                probe_into(folder, *given, start.folder if start else None)
                return Predictor(self, head, folder, self.encoder)
            from s3.student.lightning.training import train_into

            source = Pretrained(str(start.folder)) if start else self.encoder.source
            probe = None
            if self.training is Training.probe_then_finetune and head.probed:
                probe = folder / PROBE
                if not Predictor.finished(probe):
                    probe_into(probe, *given)
                source = Pretrained(str(probe))
            train_into(folder, *given, seed, source, probe, on_epoch)
        return Predictor(self, head, folder, self.encoder)
