"""What a data set is made of: examples, their targets and where they come from."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from s3.storage import digest
from s3.text import same


@dataclass(frozen=True)
class Answers:
    """The target of extractive QA: the accepted answers, each an exact span of the context.

    `starts` are character offsets into the context, one for each text.
    """

    texts: tuple[str, ...]
    starts: tuple[int, ...]


Target = str | Answers  # a label's name, or the answers
Predicted = str  # a label's name, or an answer's text


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an example comes from; every synthetic row can be traced through it.

    `kind` is "gold", "seed" or "extrapolation"; "labelled" of a text that the LLM labelled, with
    the share of its replies that say so as the rationale; "context" of an unlabelled text, "file"
    of a row that is only audited. `round` is the round that added it (0: the seed). `source` is a
    row's place ("validation.jsonl:17", "glue train row 17"), of an extrapolation the place of the
    row it grew from, of a seed of ZeroGen's its condition.

    Equal prompts, sources and rationales are held once: a million rows grow from some thousand.
    """

    kind: str
    round: int = 0
    source: str = ""
    prompt: str = ""
    completion: str = ""  # the completion's id in the store
    model: str = ""
    rationales: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("source", "prompt", "model"):
            object.__setattr__(self, name, sys.intern(getattr(self, name)))
        object.__setattr__(self, "rationales", tuple(map(sys.intern, self.rationales)))


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled example: its text fields by name, its target and its origin."""

    fields: Mapping[str, str]
    target: Target
    origin: Origin = field(default=Origin("gold"), compare=False)

    @property
    def id(self) -> str:
        """A digest of fields and target: equal content, equal id."""
        return digest([dict(self.fields), plain_target(self.target)])

    def key(self, *names: str) -> tuple[str, ...]:
        """Return the normal texts of some fields, or of all: equal keys, duplicate examples.

        Neither case, spacing and punctuation nor the target make a difference.
        """
        return tuple(same(self.fields[name]) for name in names or sorted(self.fields))


@dataclass(frozen=True)
class Mistake:
    """A gold example that the small model gets wrong, with what it answered."""

    example: Example
    predicted: Predicted


def plain_target(target: Target) -> Any:
    """Return a target as JSON has it."""
    return target if isinstance(target, str) else {k: list(v) for k, v in asdict(target).items()}


def said(target: Target) -> str:
    """Return a target as a reader sees it."""
    return " | ".join(target.texts) if isinstance(target, Answers) else target
