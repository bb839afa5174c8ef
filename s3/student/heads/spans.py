"""The head for extractive question answering: a span of the context, read in windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from s3 import metrics
from s3.data.example import Answers, Example
from s3.errors import UserError
from s3.student.heads.base import Batch, Floats, Head, Ints, Predictions

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

    metrics: ClassVar[tuple[str, ...]] = ("em", "f1")
    annotations: ClassVar[int] = 2  # the characters of the context that a token covers
    windows: ClassVar[bool] = True

    @property
    def width(self) -> int:
        """Score, first character, the one after the last, log-normalisers of start and end."""
        return 5

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

    def annotate(self, encoding: Encoding) -> Ints:
        """Return the characters of each token of the context, (-1, -1) for all others."""
        context = np.array([number == 1 for number in encoding.sequence_ids])
        return np.where(context[:, None], np.array(encoding.offsets, np.int32), np.int32(-1))

    def target(self, example: Example, annotations: Ints) -> tuple[int, ...]:
        """Return the first and last token of the first gold answer.

        White space and control characters around it belong to no token and do not count. (0, 0),
        the first token, stands for a window that does not hold the whole answer.
        """
        if not isinstance(example.target, Answers):
            raise UserError(f"target {example.target!r} is no answer with its place in the context")
        text = example.target.texts[0]
        seen = [place for place, one in enumerate(text) if one.isprintable() and not one.isspace()]
        if not seen:
            raise UserError(f"answer {text!r} has no character that could be read")
        start = example.target.starts[0] + seen[0]
        end = example.target.starts[0] + seen[-1] + 1
        firsts, lasts = annotations[:, 0], annotations[:, 1]
        inside = np.flatnonzero((lasts > start) & (firsts < end) & (firsts >= 0))
        if not len(inside) or firsts[inside[0]] > start or lasts[inside[-1]] < end:
            return 0, 0
        return int(inside[0]), int(inside[-1])

    def load(self, source: str, **options: Any) -> Any:  # noqa: D102
        from transformers import AutoModelForQuestionAnswering

        return AutoModelForQuestionAnswering.from_pretrained(source, **options)

    def forward(self, model: Any, batch: Batch) -> torch.Tensor:  # noqa: D102
        import torch

        found = model(**batch.inputs)
        logits = torch.stack([found.start_logits, found.end_logits], dim=2).float()
        padding = batch.inputs["attention_mask"] == 0  # must not matter, whatever its length
        return logits.masked_fill(padding[:, :, None], -1e4)

    def losses(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the mean of the cross-entropies of start and end, [rows] (BERT, section 4.2)."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(outputs, batch.targets, reduction="none").mean(dim=1)

    def codes(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return what is known of each window's best span, [rows, 5].

        Its score, its first character and the one after its last; then the log of the sum of all
        exponentials of the context's start logits, and of its end logits. The best starts are
        paired with the best ends; start before end, both in the context.
        """
        import torch

        logits = outputs.masked_fill(batch.annotations[:, :, :1] < 0, -torch.inf)
        best, places = logits.topk(min(CANDIDATES, logits.shape[1]), dim=1)
        starts, ends = places[:, :, None, 0], places[:, None, :, 1]
        scores = best[:, :, None, 0] + best[:, None, :, 1]
        allowed = (starts <= ends) & (ends < starts + self.max_answer)
        score, pair = scores.masked_fill(~allowed, -torch.inf).flatten(1).max(dim=1)
        rows = torch.arange(len(pair), device=pair.device)
        first = places[rows, pair // best.shape[1], 0]
        last = places[rows, pair % best.shape[1], 1]
        start, end = batch.annotations[rows, first, 0], batch.annotations[rows, last, 1]
        total = logits.logsumexp(dim=1)
        return torch.stack([score, start.float(), end.float(), total[:, 0], total[:, 1]], dim=1)

    def decode(self, examples: Sequence[Example], codes: Floats, firsts: Ints) -> Predictions:
        """Return the text of each example's best span, and its probability, [examples, 1].

        The probability of its start times that of its end, over the tokens of all windows; a token
        that two windows read counts as two. An example without any span has an empty answer.
        """
        answers = []
        probabilities = np.zeros((len(examples), 1))
        for number, (first, end) in enumerate(pairwise(firsts)):
            windows = codes[first:end]
            score, start, stop, *_ = windows[windows[:, 0].argmax()]
            if np.isneginf(score):
                answers.append("")
                continue
            answers.append(examples[number].fields[self.context][int(start) : int(stop)])
            total = np.logaddexp.reduce(windows[:, 3:], axis=0).sum()
            probabilities[number] = np.exp(min(0.0, score - total))
        return Predictions(answers, probabilities)

    def score(  # noqa: D102
        self, examples: Sequence[Example], answers: Sequence[str]
    ) -> dict[str, float]:
        pairs = list(zip(answers, map(_answers, examples), strict=True))
        return {
            "em": sum(metrics.exact_match(*pair) for pair in pairs) / len(pairs),
            "f1": sum(metrics.f1(*pair) for pair in pairs) / len(pairs),
        }

    def correct(self, example: Example, answer: str) -> bool:
        """Say whether the answer is an exact match (SQuAD's normalisation)."""
        return bool(metrics.exact_match(answer, _answers(example)))


def _answers(example: Example) -> tuple[str, ...]:
    return example.target.texts if isinstance(example.target, Answers) else (example.target,)
