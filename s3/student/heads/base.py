"""What a head is: the part between examples and tensors, and between tensors and answers.

A new kind of answer, of input or of model is one more file here and its name in a task's `head()`:
nothing that encodes or trains knows which heads there are. What a head may bring of its own:

- its model: `load` returns any module, `save_config` writes what `load` needs to find it again
- its call of that model: `forward`
- what it needs to know of each token beside its id, such as which text it is from: `annotate`
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from s3.data.example import Example

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding
    from transformers import PreTrainedTokenizerFast

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.floating[Any]]


class Batch(NamedTuple):
    """Some rows as tensors.

    `inputs` are the model's own arguments, each [rows, length]; `rows` [rows] are their numbers in
    the data set; `targets` [rows, n] what the head trains on; `annotations` [rows, length, n] what
    the head's `annotate` says of each token, -1 in the padding.
    """

    inputs: dict[str, torch.Tensor]
    rows: torch.Tensor
    targets: torch.Tensor
    annotations: torch.Tensor


@dataclass(frozen=True)
class Predictions:
    """A model's answers to examples, in order: a label's name each, or a text.

    `probabilities` are [examples, labels] in the head's order of labels, or [examples, 1] for
    texts: that of the answer. None where a stand-in for a model knows none.
    """

    answers: list[str]
    probabilities: Floats | None = None


class Head(ABC):
    """Turns examples into rows of tokens, a model's outputs into answers, and judges these.

    One example gives one row of tokens, or several where a long text is read in windows. The
    `codes` of a row are the few numbers that its answer is read from.
    """

    metrics: ClassVar[tuple[str, ...]]  # what `score` gives, the usual one first
    annotations: ClassVar[int] = 0  # numbers that `annotate` gives for each token
    windows: ClassVar[bool] = False  # whether texts are read in windows that overlap by `stride`
    probed: ClassVar[bool] = False  # whether a frozen encoder and a probe can be its model

    @property
    @abstractmethod
    def width(self) -> int:
        """The number of codes a row."""

    # From examples to tensors

    @abstractmethod
    def texts(self, example: Example) -> tuple[str, ...]:
        """Return what is tokenised; equal texts are tokenised once."""

    @abstractmethod
    def tokenize(
        self,
        tokenizer: PreTrainedTokenizerFast,
        texts: Sequence[tuple[str, ...]],
        max_length: int,
        stride: int,
    ) -> list[list[Encoding]]:
        """Return the rows of each element of `texts`, none longer than `max_length` tokens."""

    def annotate(self, encoding: Encoding) -> Ints:
        """Return what is kept of each token beside its id, [length, `annotations`]."""
        return np.empty((len(encoding), 0), np.int32)

    @abstractmethod
    def target(self, example: Example, annotations: Ints) -> tuple[int, ...]:
        """Return what one row with these annotations trains on.

        Raises UserError where the example's target is none of this head's.
        """

    # The model

    @abstractmethod
    def load(self, source: str, **options: Any) -> Any:
        """Return the model for this head from a folder or hub id; `options` are transformers'."""

    def probe(
        self, source: str, tokenizer: PreTrainedTokenizerFast, *, static: bool, **options: Any
    ) -> Any:
        """Return a probe over the encoder in `source`, or over its word embeddings alone."""
        raise NotImplementedError

    def save_config(self, model: Any, folder: Path) -> None:
        """Write what `load` needs beside weights and tokenizer, so that it finds the same model.

        A folder that the pretrained weights came from is not told: models are given to others.
        """
        model.config.architectures = [type(model).__name__]
        own: Any = (model.config, getattr(model.config, "encoder", None))
        for config in own:
            if hasattr(config, "auto_map"):  # code of the pretrained model's own, which never ran
                del config.auto_map
            if config is not None and Path(config.name_or_path or "").is_absolute():
                config.name_or_path = ""
        model.config.save_pretrained(folder)

    @abstractmethod
    def forward(self, model: Any, batch: Batch) -> torch.Tensor:
        """Return the model's logits in float32, [rows, labels] or [rows, length, 2]."""

    @abstractmethod
    def losses(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the loss of each row, [rows]."""

    # From outputs to answers

    @abstractmethod
    def codes(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the numbers that answers are read from, [rows, width]."""

    @abstractmethod
    def decode(self, examples: Sequence[Example], codes: Floats, firsts: Ints) -> Predictions:
        """Return the answers that `codes` [rows, width] stand for.

        Example i has the rows `firsts[i]` to `firsts[i + 1]`.
        """

    @abstractmethod
    def score(self, examples: Sequence[Example], answers: Sequence[str]) -> dict[str, float]:
        """Return every one of `metrics`, in 0..1."""

    @abstractmethod
    def correct(self, example: Example, answer: str) -> bool:
        """Say whether an answer is right; what is not is a mistake to learn from."""

    def default_metric(self, validation: Sequence[Example]) -> str:
        """Return the metric that chooses between models on this gold validation set."""
        return self.metrics[0]


Step = Callable[[Batch], "torch.Tensor"]  # from a batch to some numbers for each row, [rows, n]
