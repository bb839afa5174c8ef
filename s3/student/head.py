"""What a head is: the part between examples and tensors, and between tensors and answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from s3.data.example import Example

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding
    from transformers import PreTrainedTokenizerFast

Ints = NDArray[np.integer[Any]]


class Batch(NamedTuple):
    """Some rows as tensors.

    `inputs` are the model's own arguments, each [rows, length]; `rows` [rows] are their numbers in
    the data set; `targets` [rows, 1 or 2] what the head trains on; `spans` [rows, length, 2] the
    characters of the context that each token covers, (-1, -1) for none (a width of 0 if unused).
    """

    inputs: dict[str, torch.Tensor]
    rows: torch.Tensor
    targets: torch.Tensor
    spans: torch.Tensor


class Head(ABC):
    """Turns examples into rows of tokens, a model's outputs into answers, and judges these.

    One example gives one row of tokens, or several where a long text is read in windows. The
    `codes` of a row are the few numbers that its answer is read from.
    """

    metric: ClassVar[str]  # chooses the checkpoint
    task: ClassVar[str]  # the name that transformers.pipeline knows
    width: ClassVar[int]  # codes a row
    windows: ClassVar[bool] = False  # whether characters of tokens are kept

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

    @abstractmethod
    def target(self, example: Example, spans: Ints) -> tuple[int, ...]:
        """Return what one row trains on; `spans` [length, 2] as in Batch.

        Raises UserError where the example's target is none of this head's.
        """

    @abstractmethod
    def load(self, source: str, **options: Any) -> Any:
        """Return the transformers model for this head from a folder or hub id."""

    @abstractmethod
    def outputs(self, model_output: Any, batch: Batch) -> torch.Tensor:
        """Return the logits in float32: [rows, labels] or [rows, length, 2]."""

    @abstractmethod
    def losses(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the loss of each row, [rows]."""

    @abstractmethod
    def codes(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the numbers that answers are read from, [rows, width]."""

    @abstractmethod
    def answer(self, example: Example, codes: NDArray[np.floating[Any]]) -> str:
        """Return the answer that the codes [rows of the example, width] stand for."""

    @abstractmethod
    def score(self, examples: Sequence[Example], predicted: Sequence[str]) -> dict[str, float]:
        """Return every metric of this head, in 0..1; `metric` is one of the keys."""

    @abstractmethod
    def correct(self, example: Example, predicted: str) -> bool:
        """Say whether an answer is right; what is not is a mistake to learn from."""
