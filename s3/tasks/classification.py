"""Classification of one text, or of a text beside given ones (NLI)."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from s3.data.example import Example, Origin, Target
from s3.data.files import Placed
from s3.data.gold import field_text, label_of, source_of
from s3.errors import did_you_mean
from s3.llm.types import Prompt, Style
from s3.student import Classifier, Head
from s3.tasks.base import Fields, Task
from s3.tasks.template import PromptTemplate


@dataclass(kw_only=True)
class Classification(Task):
    """Any number of labels; with `given` fields it is the paper's multi-sentence case.

    `labels` maps each label to its word in prompts (`entailment: correct`).
    """

    labels: dict[str, str] = field(default_factory=dict)  # each label with its word in prompts
    label: str = "label"  # the column of gold rows that holds the label
    # T_ration, where nothing is given.
    rationale: PromptTemplate = field(default_factory=PromptTemplate)  # the prompt of rationales
    rationale_tokens: int = 400  # the most for a list of rationales

    variable: ClassVar[str] = "label"
    target: ClassVar[str] = "label"
    deciding: ClassVar[tuple[str, ...]] = ("given", "written", "labels")

    def __post_init__(self) -> None:
        """Check labels and prompts."""
        super().__post_init__()
        if len(self.labels) < 2:
            raise ValueError(f"labels needs at least two labels, not {len(self.labels)}")
        for value, label in self.gold.splits.labels.items():
            if label not in self.labels:
                raise ValueError(
                    f"gold.{self.gold.source.value}.labels maps {value!r} to {label!r}, which is "
                    f"no label; known here: {', '.join(self.labels)} (value: label)."
                    + did_you_mean(label, self.labels)
                )

    def variables(self) -> dict[str, set[str]]:
        """Return the variables that each prompt template may use."""
        known = {**super().variables(), "rationale": {"number", "label"}}
        if not self.given:
            known["query"] = {*known["query"], "rationales"}
        return known

    def identity(self, used: set[str], style: Style) -> dict[str, Any]:
        """Return what decides a result whose method fills the templates `used` in a style."""
        found = super().identity(used, style)
        return (
            {**found, "rationale_tokens": self.rationale_tokens} if "rationale" in used else found
        )

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels, in the order of the head's probabilities."""
        return tuple(self.labels)

    def head(self) -> Head:
        """Return a classifier over (written, given ...), the paper's input order."""
        return Classifier(labels=tuple(self.labels), fields=(self.written, *self.given))

    def read_gold(self, placed: Placed) -> Example:
        """Return the example of a gold row; UserError with its place if it is malformed."""
        splits = self.gold.splits
        columns = {name: splits.columns.get(name, name) for name in (*self.given, self.written)}
        fields = {name: field_text(placed, column) for name, column in columns.items()}
        label = label_of(
            placed, splits.columns.get("label", self.label), splits.labels, self.labels
        )
        return Example(fields, label, Origin("gold", source=source_of(placed)))

    def draw(
        self, rng: random.Random, contexts: list[Example], label: Target | None = None
    ) -> tuple[Fields, Target]:
        """Draw a label uniformly, and a context uniformly where the task has one (Alg. 1, 3)."""
        label = label or rng.choice(list(self.labels))
        if not self.given:
            return {}, label
        context = rng.choice(contexts)
        return {name: context.fields[name] for name in self.given}, label

    def words(self, target: Target) -> Mapping[str, str]:
        """Return the label's word as `$label`."""
        assert isinstance(target, str)
        return {"label": self.labels[target]}

    def rationale_prompt(self, style: Style, label: str, number: int) -> Prompt:
        """Return the request for `number` rationales of a label (T_ration)."""
        variables = {"number": str(number), **self.words(label)}
        text = self.rationale.fill(style, variables)
        if style is Style.chat:
            return Prompt(text, self.system, (), self.rationale_tokens, "list")
        return Prompt(text, "", ("\n\n",), self.rationale_tokens, "list")


def named_label(reply: str, labels: Mapping[str, str]) -> str:
    """Return the label whose word a reply begins with, or the only one in it; "" where none is.

    `labels` has each label's word. Of words that are parts of one another ("entailment", "not
    entailment") the longest counts.
    """
    words = {word.replace("_", " ").casefold(): label for label, word in labels.items()}
    longest = sorted(words, key=len, reverse=True)
    pattern = rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)"
    text = reply.replace("_", " ").casefold()
    begun = re.match(rf"\W*(?:label\W+)?({pattern})(?!\W+(?:or|and)\b)", text)
    found = {begun[1]} if begun else set(re.findall(pattern, text))
    return words[found.pop()] if len(found) == 1 else ""
