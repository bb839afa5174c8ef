"""What every method is: a generator of rounds that reads like the paper's algorithm."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

from s3.data.example import Example, Mistake
from s3.llm import Session, Style
from s3.student import Predictor
from s3.synthesis import SynthesisedSet
from s3.tasks import Task


class Fit(Protocol):
    """Train the small model on `train`, keeping the epoch that is best on `validation`.

    `what` is shown beside the progress. It begins at the pretrained weights, or at those of
    `start`. `weights` are what each example of `train` counts in the loss (None: all one).
    """

    def __call__(
        self,
        train: list[Example],
        validation: list[Example],
        *,
        what: str,
        start: Predictor | None,
        weights: Sequence[float] | None = None,
    ) -> Predictor:
        """Return the trained model."""
        ...


@dataclass(frozen=True)
class Bench:
    """What a method works with. The test split is not here: no choice can see it."""

    task: Task
    llm: Session
    fit: Fit
    validation: list[Example]
    train: list[Example]
    seed: int
    metric: str  # the score on gold validation by which a method chooses between models
    probes: bool = False  # whether `fit` fits probes over a frozen encoder


@dataclass(frozen=True)
class Round:
    """One training: its data, what was added for it, and what the model still gets wrong."""

    index: int
    train: list[Example]
    added: SynthesisedSet  # what was written for this training
    mistakes: list[Mistake]
    predictor: Predictor
    validation: list[Example]  # what chose the epoch
    # What exists by now (written, or read from a file) but does not fit into the method's size.
    unused: list[Example] = field(default_factory=list)


@dataclass(kw_only=True)
class Method:
    """A way from gold data and an LLM to a trained small model.

    `with_gold` ships the model that was trained on gold validation, too, beside the best round's
    data. Rounds are chosen without it: gold rows that were trained on choose nothing.
    """

    with_gold: bool = False  # true: ships what is trained on gold validation, too

    def templates(self, task: Task) -> set[str]:
        """Return the names of the task's prompt templates that this method fills."""
        return set()

    def check(self, task: Task, style: Style) -> None:
        """Raise ValueError where the method cannot do this task, or a prompt it needs is empty."""
        for name in sorted(self.templates(task)):
            if not getattr(task, name).has(style):
                raise ValueError(f"task.{name}.{style.value} is empty: this method asks with it")

    def identity(self) -> dict[str, Any]:
        """Return what of this method decides the result."""
        options = {one.name: getattr(self, one.name) for one in fields(self)}
        return {"class": type(self).__name__, **options}

    def idle(self, task: Task) -> set[str]:
        """Return the options in `identity` that change nothing on this task."""
        return set()

    def run(self, bench: Bench) -> Iterator[Round]:
        """Yield the rounds, each after its training."""
        raise NotImplementedError


def mistakes_of(task: Task, validation: list[Example], predictor: Predictor) -> list[Mistake]:
    """Return the gold validation examples that the model gets wrong (Alg. 2's D_mis)."""
    head = task.head()
    pairs = zip(validation, predictor.validation.answers, strict=True)
    return [Mistake(one, said) for one, said in pairs if not head.correct(one, said)]


def label_of(example: Example) -> str:
    """Return an example's label; all answers to questions count as one."""
    return example.target if isinstance(example.target, str) else ""


def balanced(
    examples: Sequence[Example], number: int, beside: Sequence[Example] = ()
) -> list[Example]:
    """Return at most `number` of the examples, such that labels even out, those `beside` too.

    Each time the first that is left of the label with the fewest so far; where a label has no
    more examples, the others go on.
    """
    counts = Counter(map(label_of, beside))
    left: defaultdict[str, deque[Example]] = defaultdict(deque)
    for example in examples:
        left[label_of(example)].append(example)
    chosen: list[Example] = []
    while left and len(chosen) < number:
        label = min(left, key=lambda label: counts[label])
        chosen.append(left[label].popleft())
        counts[label] += 1
        if not left[label]:
            del left[label]
    return chosen
