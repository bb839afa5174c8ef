"""The small model as configured: where it comes from and how it is trained."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from s3.data.example import Example
from s3.errors import UserError
from s3.student.head import Head
from s3.student.precision import Precision
from s3.student.predictor import Predictor
from s3.weights import RegistryWeights

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from s3.student.tokens import Tokens


@dataclass(kw_only=True)
class Package:
    """Weights inside a package of the registry, with the checksum of the weights' file."""

    package: str
    version: str
    file: str
    sha256: str


@dataclass(kw_only=True)
class Student:
    """A pretrained encoder and its fine-tuning; the schema of `conf/model/*.yaml`.

    Raises ValueError naming the field that is out of range.
    """

    name: str  # how reports call it
    weights: str | None = None  # a hub id or a local folder; goes before `package`
    package: Package | None = None
    max_length: int  # tokens; the rest of a text is cut off, or for QA read in further windows
    stride: int = 128  # QA: tokens by which neighbouring windows overlap
    batch_size: int  # rows a step on average, over all devices; lengths decide how many each has
    learning_rate: float
    weight_decay: float = 0.01
    epochs: int
    warmup_steps: int = 0
    patience: int | None = None  # epochs without improvement on validation before training ends
    accumulation: int = 1  # batches a step
    evaluation_tokens: int = 4096  # tokens a batch in evaluation
    precision: Precision = Precision.auto
    devices: int = 1
    strategy: str = "auto"  # Lightning's; "ddp" trains in `devices` processes

    def __post_init__(self) -> None:
        least = {"max_length": 8, "stride": 0, "batch_size": 1, "epochs": 1, "warmup_steps": 0}
        least |= {"accumulation": 1, "devices": 1, "weight_decay": 0, "evaluation_tokens": 1}
        for field, bound in least.items():
            if getattr(self, field) < bound:
                raise ValueError(f"{field} must be at least {bound}, not {getattr(self, field)}")
        if not 0 < self.learning_rate < 1:
            raise ValueError(f"learning_rate must be between 0 and 1, not {self.learning_rate}")
        if self.patience is not None and self.patience < 1:
            raise ValueError(f"patience must be at least 1 or null, not {self.patience}")
        if self.weights is None and self.package is None:
            raise ValueError("weights must name a hub id or a folder where no package is given")

    def check(self, head: Head) -> None:
        """Raise ValueError where the head's windows could not advance."""
        if head.windows and self.stride >= self.max_length:
            raise ValueError(f"model.stride must be below model.max_length={self.max_length}")

    def fit(
        self,
        head: Head,
        train: list[Example],
        validation: list[Example],
        *,
        seed: int,
        folder: Path,
        what: str = "training",
        start: Predictor | None = None,
    ) -> Predictor:
        """Train afresh from the pretrained weights, or from those of `start`; keep the best epoch.

        `folder` belongs to these inputs alone. A finished training found in it is loaded, a killed
        one continued to the result of an undisturbed one. `what` is shown beside the progress.
        Raises UserError where examples are fewer than devices, or no weights can be loaded.
        """
        if min(len(train), len(validation)) < self.devices:
            raise UserError(
                "training needs examples to train on and to validate with, one or more a device "
                f"(model.devices={self.devices}); there are {len(train)} and {len(validation)}"
            )
        if not Predictor.finished(folder):
            from s3.student.training import train_into

            source = str(start.folder) if start else self.source
            train_into(folder, self, head, train, validation, seed, what, source)
        return Predictor(self, head, folder)

    @property
    def source(self) -> str:
        """The folder or hub id that the pretrained weights and the tokenizer are loaded from."""
        if self.weights is None and self.package is not None:
            return str(RegistryWeights(**vars(self.package)).folder())
        return str(self.weights)

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """The model's tokenizer; UserError where the model cannot read `max_length` tokens."""
        from s3.student.pretrained import load_tokenizer

        tokenizer = load_tokenizer(self.source)
        if self.max_length > tokenizer.model_max_length:
            raise UserError(
                f"model.max_length={self.max_length} is more than the "
                f"{tokenizer.model_max_length} tokens that {self.name} reads"
            )
        return tokenizer

    def tokens(self, head: Head) -> Tokens:
        """Return the store of all that this student has tokenised for the head so far."""
        from s3.student.tokens import Tokens

        if head not in self._stores:
            self._stores[head] = Tokens(head, self.tokenizer, self.max_length, self.stride)
        return self._stores[head]

    @cached_property
    def _stores(self) -> dict[Head, Tokens]:
        return {}
