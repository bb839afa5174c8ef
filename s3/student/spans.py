"""The head for extractive question answering: a span of the context, read in windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from s3 import metrics
from s3.data.example import Answers, Example
from s3.errors import UserError
from s3.student.head import Batch, Head, Ints

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding
    from transformers import PreTrainedTokenizerFast

CANDIDATES = 20  # best starts and best ends of a window that are paired (BERT's run_squad)


@dataclass(frozen=True)
class SpanExtractor(Head):
    """Extractive question answering over contexts of any length.

    A context that does not fit is read in windows that overlap by `stride` tokens; the best span
    of all windows wins. An answer has `max_answer` tokens at most.
    """

    question: str = "question"
    context: str = "context"
    max_answer: int = 30

    metric: ClassVar[str] = "em"
    task: ClassVar[str] = "question-answering"
    width: ClassVar[int] = 3  # the span's score, its first character, the one after its last
    windows: ClassVar[bool] = True

    def texts(self, example: Example) -> tuple[str, ...]:  # noqa: D102
        return example.fields[self.question], example.fields[self.context]

    def tokenize(
        self,
        tokenizer: PreTrainedTokenizerFast,
        texts: Sequence[tuple[str, ...]],
        max_length: int,
        stride: int,
    ) -> list[list[Encoding]]:
        """Return the windows of each (question, context).

        Raises UserError where a question leaves no room for windows that overlap by `stride`.
        """
        questions = [question for question, _ in texts]
        taken = max(map(len, tokenizer(questions)["input_ids"])) + 1  # and one more separator
        if taken + stride >= max_length:
            raise UserError(
                f"a question of {taken} tokens leaves no room for windows that overlap by "
                f"model.stride={stride} within model.max_length={max_length}; raise max_length "
                "or lower stride"
            )
        encoded = tokenizer(
            questions,
            [context for _, context in texts],
            truncation="only_second",
            max_length=max_length,
            stride=stride,
            return_overflowing_tokens=True,
        )
        owners = zip(encoded["overflow_to_sample_mapping"], encoded.encodings or [], strict=True)
        return [[row for _, row in rows] for _, rows in groupby(owners, key=lambda pair: pair[0])]

    def target(self, example: Example, spans: Ints) -> tuple[int, ...]:
        """Return the first and last token of the first gold answer.

        (0, 0), the first token, stands for a window that does not hold the whole answer.
        """
        if not isinstance(example.target, Answers):
            raise UserError(f"target {example.target!r} is no answer with its place in the context")
        start = example.target.starts[0]
        end = start + len(example.target.texts[0])
        inside = np.flatnonzero((spans[:, 1] > start) & (spans[:, 0] < end) & (spans[:, 0] >= 0))
        if not len(inside) or spans[inside[0], 0] > start or spans[inside[-1], 1] < end:
            return 0, 0
        return int(inside[0]), int(inside[-1])

    def load(self, source: str, **options: Any) -> Any:  # noqa: D102
        from transformers import AutoModelForQuestionAnswering

        return AutoModelForQuestionAnswering.from_pretrained(source, **options)

    def outputs(self, model_output: Any, batch: Batch) -> torch.Tensor:  # noqa: D102
        import torch

        logits = torch.stack([model_output.start_logits, model_output.end_logits], dim=2).float()
        padding = batch.inputs["attention_mask"] == 0  # must not matter, whatever its length
        return logits.masked_fill(padding[:, :, None], -1e4)

    def losses(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the mean of the cross-entropies of start and end, [rows] (BERT, section 4.2)."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(outputs, batch.targets, reduction="none").mean(dim=1)

    def codes(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return score, first and last character of each window's best span, [rows, 3].

        The best starts are paired with the best ends; start before end, both in the context.
        """
        import torch

        logits = outputs.masked_fill(batch.spans[:, :, :1] < 0, -torch.inf)
        best, places = logits.topk(min(CANDIDATES, logits.shape[1]), dim=1)
        starts, ends = places[:, :, None, 0], places[:, None, :, 1]
        scores = best[:, :, None, 0] + best[:, None, :, 1]
        allowed = (starts <= ends) & (ends < starts + self.max_answer)
        score, pair = scores.masked_fill(~allowed, -torch.inf).flatten(1).max(dim=1)
        rows = torch.arange(len(pair), device=pair.device)
        first = places[rows, pair // best.shape[1], 0]
        last = places[rows, pair % best.shape[1], 1]
        characters = batch.spans[rows, first, 0], batch.spans[rows, last, 1]
        return torch.stack([score, *(place.float() for place in characters)], dim=1)

    def answer(self, example: Example, codes: NDArray[np.floating[Any]]) -> str:
        """Return the text of the best span of all windows; empty where no window has one."""
        score, start, end = codes[codes[:, 0].argmax()]
        if np.isneginf(score):
            return ""
        return example.fields[self.context][int(start) : int(end)]

    def score(  # noqa: D102
        self, examples: Sequence[Example], predicted: Sequence[str]
    ) -> dict[str, float]:
        pairs = list(zip(predicted, map(_answers, examples), strict=True))
        return {
            "em": sum(metrics.exact_match(*pair) for pair in pairs) / len(pairs),
            "f1": sum(metrics.f1(*pair) for pair in pairs) / len(pairs),
        }

    def correct(self, example: Example, predicted: str) -> bool:
        """Say whether the answer is an exact match (SQuAD's normalisation)."""
        return bool(metrics.exact_match(predicted, _answers(example)))


def _answers(example: Example) -> tuple[str, ...]:
    return example.target.texts if isinstance(example.target, Answers) else (example.target,)
