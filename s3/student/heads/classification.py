"""The head for classification: one label for one text or for several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from s3 import metrics
from s3.data.example import Example
from s3.errors import UserError
from s3.student.heads.base import Batch, Floats, Head, Ints, Predictions

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding
    from transformers import PreTrainedTokenizerFast

UNBALANCED = 1.5  # times its even share that the commonest label may have before macro-F1 chooses


@dataclass(frozen=True)
class Classifier(Head):
    """Classification into any number of labels.

    `fields` are read in this order: the first is the model's first segment, all others are its
    second. (The paper's order for QNLI and RTE: question or hypothesis, then premise.)
    """

    labels: tuple[str, ...]
    fields: tuple[str, ...]

    metrics: ClassVar[tuple[str, ...]] = ("accuracy", "macro_f1")
    probed: ClassVar[bool] = True

    @property
    def width(self) -> int:  # noqa: D102
        return len(self.labels)

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

    def target(self, example: Example, annotations: Ints) -> tuple[int, ...]:  # noqa: D102
        if example.target not in self.labels:
            raise UserError(f"label {example.target!r} is none of {', '.join(self.labels)}")
        return (self.labels.index(example.target),)

    def load(self, source: str, **options: Any) -> Any:  # noqa: D102
        from transformers import AutoModelForSequenceClassification

        names = dict(enumerate(self.labels))
        return AutoModelForSequenceClassification.from_pretrained(
            source, id2label=names, label2id={name: i for i, name in names.items()}, **options
        )

    def probe(  # noqa: D102
        self, source: str, tokenizer: PreTrainedTokenizerFast, *, static: bool, **options: Any
    ) -> Any:
        from transformers import AutoModel

        from s3.student.probe import ProbeForSequenceClassification

        encoder = AutoModel.from_pretrained(source, **options)
        pairs = len(self.fields) > 1
        return ProbeForSequenceClassification.over(
            encoder, tokenizer, self.labels, pairs=pairs, static=static
        )

    def forward(self, model: Any, batch: Batch) -> torch.Tensor:  # noqa: D102
        logits: torch.Tensor = model(**batch.inputs).logits
        return logits.float()

    def losses(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:  # noqa: D102
        from torch.nn.functional import cross_entropy

        return cross_entropy(outputs, batch.targets[:, 0], reduction="none")

    def codes(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the logits: they are few, and give the probabilities too."""
        return outputs

    def decode(self, examples: Sequence[Example], codes: Floats, firsts: Ints) -> Predictions:
        """Return the likeliest label of each example and the softmax over all of them."""
        likely = np.exp(codes - codes.max(axis=1, keepdims=True))
        likely /= likely.sum(axis=1, keepdims=True)
        return Predictions([self.labels[i] for i in codes.argmax(axis=1)], likely)

    def score(  # noqa: D102
        self, examples: Sequence[Example], answers: Sequence[str]
    ) -> dict[str, float]:
        gold = [str(example.target) for example in examples]
        return {
            "accuracy": metrics.accuracy(answers, gold),
            "macro_f1": metrics.macro_f1(answers, gold),
        }

    def correct(self, example: Example, answer: str) -> bool:  # noqa: D102
        return answer == example.target

    def default_metric(self, validation: Sequence[Example]) -> str:
        """Return accuracy where the labels of gold validation are balanced, else macro-F1.

        Where one label has more than 1.5 times its even share (three quarters of two labels), a
        model that always says it can beat by accuracy one that tells the labels apart.
        """
        most = max(Counter(example.target for example in validation).values(), default=0)
        unbalanced = most * len(self.labels) > UNBALANCED * len(validation)
        return "macro_f1" if unbalanced else "accuracy"
