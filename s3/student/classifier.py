"""The head for classification: one label for one text or for several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from s3 import metrics
from s3.data.example import Example
from s3.errors import UserError
from s3.student.head import Batch, Head, Ints

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding
    from transformers import PreTrainedTokenizerFast


@dataclass(frozen=True)
class Classifier(Head):
    """Classification into any number of labels.

    `fields` are read in this order: the first is the model's first segment, all others are its
    second. (The paper's order for QNLI and RTE: question or hypothesis, then premise.)
    """

    labels: tuple[str, ...]
    fields: tuple[str, ...]

    metric: ClassVar[str] = "accuracy"
    task: ClassVar[str] = "text-classification"
    width: ClassVar[int] = 1

    def texts(self, example: Example) -> tuple[str, ...]:  # noqa: D102
        return tuple(example.fields[name] for name in self.fields)

    def tokenize(  # noqa: D102
        self,
        tokenizer: PreTrainedTokenizerFast,
        texts: Sequence[tuple[str, ...]],
        max_length: int,
        stride: int,
    ) -> list[list[Encoding]]:
        second = [f" {tokenizer.sep_token} ".join(row[1:]) for row in texts]
        encoded = tokenizer(
            [row[0] for row in texts],
            second if len(self.fields) > 1 else None,
            truncation=True,  # the longer segment gives way first
            max_length=max_length,
        )
        return [[encoding] for encoding in encoded.encodings or []]

    def target(self, example: Example, spans: Ints) -> tuple[int, ...]:  # noqa: D102
        if example.target not in self.labels:
            raise UserError(f"label {example.target!r} is none of {', '.join(self.labels)}")
        return (self.labels.index(example.target),)

    def load(self, source: str, **options: Any) -> Any:  # noqa: D102
        from transformers import AutoModelForSequenceClassification

        names = dict(enumerate(self.labels))
        return AutoModelForSequenceClassification.from_pretrained(
            source, id2label=names, label2id={name: i for i, name in names.items()}, **options
        )

    def outputs(self, model_output: Any, batch: Batch) -> torch.Tensor:  # noqa: D102
        logits: torch.Tensor = model_output.logits
        return logits.float()

    def losses(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:  # noqa: D102
        from torch.nn.functional import cross_entropy

        return cross_entropy(outputs, batch.targets[:, 0], reduction="none")

    def codes(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:  # noqa: D102
        return outputs.argmax(dim=1, keepdim=True)

    def answer(self, example: Example, codes: NDArray[np.floating[Any]]) -> str:  # noqa: D102
        return self.labels[int(codes[0, 0])]

    def score(  # noqa: D102
        self, examples: Sequence[Example], predicted: Sequence[str]
    ) -> dict[str, float]:
        gold = [str(example.target) for example in examples]
        return {
            "accuracy": metrics.accuracy(predicted, gold),
            "macro_f1": metrics.macro_f1(predicted, gold),
        }

    def correct(self, example: Example, predicted: str) -> bool:  # noqa: D102
        return predicted == example.target
