"""Extractive question answering: the LLM keeps a context and an answer, and asks a question."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from s3.data.example import Answers, Example, Origin, Target
from s3.data.files import Placed
from s3.data.gold import field_text, find_column, source_of
from s3.errors import UserError
from s3.llm.types import Completion
from s3.metrics import normalise
from s3.student import Head, SpanExtractor
from s3.tasks.base import Draft, Fields, Task
from s3.tasks.reply import Dropped
from s3.text import sanitised

# Candidate answers of a context without questions: names, numbers with their unit, "the ..."
# phrases. Crude beside a parser, but it needs no model and never leaves the text.
_SPAN = re.compile(
    r"(?:[A-Z][\w'’-]+(?: (?:of|the|de|von) (?=[A-Z])| (?=[A-Z]))?){1,5}"
    r"|\b\d[\d.,:]*(?: ?(?:%|[a-z]{3,}))?"
    r"|\b(?:a|an|the|its|their|his|her) (?:[a-z-]+ ){0,2}[a-z-]{4,}"
)


@dataclass(kw_only=True)
class ExtractiveQA(Task):
    """SQuAD-style rows: a context, a question, and answers that are spans of the context."""

    given: list[str] = field(default_factory=lambda: ["context"])
    written: str = "question"
    answers: str = "answers"  # the column of gold rows that holds the answers

    variable: ClassVar[str] = "answer"
    target: ClassVar[str] = "answers"

    def __post_init__(self) -> None:
        """Check the fields and the prompts."""
        if len(self.given) != 1:
            raise ValueError(f"given must name one field, the context, not {len(self.given)}")
        super().__post_init__()

    def head(self) -> Head:
        """Return a span extractor over (question, context)."""
        return SpanExtractor(question=self.written, context=self.given[0])

    def read_gold(self, placed: Placed) -> Example:
        """Return the example of a SQuAD-style row, nested or flat; UserError with its place."""
        columns = self.gold.splits.columns
        names = (self.given[0], self.written)
        fields = {name: field_text(placed, columns.get(name, name)) for name in names}
        given = columns.get(self.given[0], self.given[0])
        context = placed[1][find_column(placed[1], given) or given]
        answers = read_answers(placed, columns.get("answers", self.answers), context)
        check_spans(placed[0], fields[self.given[0]], answers)
        return Example(fields, answers, Origin("gold", source=source_of(placed)))

    def draw(
        self, rng: random.Random, contexts: list[Example], label: Target | None = None
    ) -> tuple[Fields, Target]:
        """Draw a (context, answer) pair uniformly; a context without answers yields a span."""
        drawn = rng.choice(contexts)
        context = drawn.fields[self.given[0]]
        answers = drawn.target
        if not isinstance(answers, Answers):
            start, text = rng.choice(candidate_spans(context))
            answers = Answers((text,), (start,))
        return {self.given[0]: context}, answers

    def words(self, target: Target) -> Mapping[str, str]:
        """Return the first answer as `$answer`."""
        assert isinstance(target, Answers)
        return {"answer": target.texts[0]}

    def read(self, completion: Completion, draft: Draft) -> Example:
        """Return the example that a completion makes.

        Raises Dropped, also where the question contains the answer.
        """
        example = super().read(completion, draft)
        question = f" {normalise(example.fields[self.written])} "
        assert isinstance(draft.target, Answers)
        if any(f" {normalise(text)} " in question for text in draft.target.texts):
            raise Dropped("contains_answer")
        return example


def read_answers(placed: Placed, column: str, context: str) -> Answers:
    """Return a row's answers from `{text: [], answer_start: []}`, a list of such, or flat columns.

    They are sanitised, and start where they do in the sanitised `context`. Raises UserError where
    there is none or the shape is another.
    """
    place, row = placed
    value: Any = row.get(find_column(row, column) or column)
    if value is None and "answer" in row and "answer_start" in row:
        value = {"text": row["answer"], "answer_start": row["answer_start"]}
    try:
        parts = value if isinstance(value, list) else [value]
        texts = [text for part in parts for text in _listed(part["text"])]
        starts = [int(start) for part in parts for start in _listed(part["answer_start"])]
    except (TypeError, KeyError, ValueError):
        raise UserError(
            f"{place}: {column!r} holds no answers with text and answer_start."
        ) from None
    if not texts or len(texts) != len(starts) or not all(isinstance(text, str) for text in texts):
        raise UserError(f"{place}: {column!r} needs at least one text, each with its answer_start.")
    moved = (start if start < 0 else len(sanitised(context[:start])) for start in starts)
    return Answers(tuple(map(sanitised, texts)), tuple(moved))


def check_spans(place: str, context: str, answers: Answers) -> None:
    """Raise UserError for an answer that is empty or does not stand where it says."""
    for text, start in zip(answers.texts, answers.starts, strict=True):
        if not text.strip() or start < 0 or context[start : start + len(text)] != text:
            raise UserError(f"{place}: answer {text!r} does not stand at character {start}.")


def candidate_spans(context: str) -> list[tuple[int, str]]:
    """Return (start, text) of names, numbers and short noun phrases; where none is, of words."""
    found = list(_SPAN.finditer(context)) or list(re.finditer(r"\w+|\S+", context))
    return [(match.start(), match[0].rstrip(" .,:") or match[0]) for match in found]


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
