"""What every method is: a generator of rounds that reads like the paper's algorithm."""

from __future__ import annotations

import random
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

from s3.data.example import Example, Mistake
from s3.data.many import chosen, filtered, joined, without
from s3.errors import UserError
from s3.llm import Session, Style
from s3.student import Predictor
from s3.synthesis import SynthesisedSet
from s3.tasks import Task

SPARE = 0.2  # share of gold validation that still chooses where rows of it are trained on


class Fit(Protocol):
    """Train the small model on `train`, keeping the epoch that is best on `validation`.

    `what` is shown beside the progress. It begins at the pretrained weights, or at those of
    `start`. `weights` are what each example of `train` counts in the loss (None: all one).
    """

    def __call__(
        self,
        train: Sequence[Example],
        validation: Sequence[Example],
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
    validation: Sequence[Example]
    train: list[Example]
    seed: int
    metric: str  # the score on gold validation by which a method chooses between models
    probes: bool = False  # whether `fit` fits probes over a frozen encoder


@dataclass(frozen=True)
class Round:
    """One training: its data, what was added for it, and what the model still gets wrong."""

    index: int
    train: Sequence[Example]
    added: SynthesisedSet  # what was written for this training
    mistakes: list[Mistake]
    predictor: Predictor
    validation: Sequence[Example]  # what chose the epoch
    # What exists by now (written, or read from a file) but does not fit into the method's size.
    unused: Sequence[Example] = ()


@dataclass(kw_only=True)
class Method:
    """A way from gold data and an LLM to a trained small model.

    `with_gold` ships the model that was trained on gold validation, too, beside the best round's
    data. Rounds are chosen without it: gold rows that were trained on choose nothing.

    `real` is the budget of real rows: each training has so many gold rows beside the synthetic
    ones (`mixed` draws them).
    """

    with_gold: bool = False  # true: ships what is trained on gold validation, too
    real: int | None = None  # gold rows in each training; null: none, of method=gold all

    def __post_init__(self) -> None:
        """Check the range."""
        if self.real is not None and self.real < 0:
            raise ValueError(f"real must be at least 0, not {self.real}")

    def templates(self, task: Task) -> set[str]:
        """Return the names of the task's prompt templates that this method fills."""
        return set()

    def check(self, task: Task, style: Style) -> None:
        """Raise ValueError where the method cannot do this task, or a prompt it needs is empty."""
        self._check_gold(task)
        for name in sorted(self.templates(task)):
            if not getattr(task, name).has(style):
                raise ValueError(f"task.{name}.{style.value} is empty: this method asks with it")

    @property
    def uses_gold(self) -> str:
        """What the method does with labelled rows, for whoever has none; empty where nothing."""
        if self.real:
            return "trains on real rows, too"
        return "trains on gold validation, too" if self.with_gold else ""

    def _check_gold(self, task: Task) -> None:
        """Raise ValueError for a task without labelled rows, where the method needs some."""
        gold = task.gold
        if gold.splits.validation:
            return
        where = f"task.gold.{gold.source.value}.validation"
        if use := self.uses_gold:
            raise ValueError(
                f"{where} is not set, and this method {use}. Labelled rows, thirty will do "
                "(docs/own_task.md, little gold); without any there are method=zeroshot and zerogen"
            )
        if task.given and not task.contexts:
            raise ValueError(
                f"{where} is not set: then task.contexts is needed, a file of texts for "
                f"{', '.join(task.given)}, from which synthetic rows begin"
            )

    def identity(self) -> dict[str, Any]:
        """Return what of this method decides the result."""
        options = {one.name: getattr(self, one.name) for one in fields(self)}
        if not self.real:
            del options["real"]
        return {"class": type(self).__name__, **options}

    def idle(self, task: Task) -> set[str]:
        """Return the options in `identity` that change nothing on this task."""
        return set()

    def run(self, bench: Bench) -> Iterator[Round]:
        """Yield the rounds, each after its training, with the real rows in its data.

        Raises UserError where there are not so many.
        """
        bench, real = mixed(bench, self.real or 0)
        for round_ in self.rounds_of(bench):
            yield replace(round_, train=joined(round_.train, real))

    def rounds_of(self, bench: Bench) -> Iterator[Round]:
        """Yield the rounds of the method itself, which `fit` trains on the real rows, too."""
        raise NotImplementedError


def kept_aside(
    examples: Sequence[Example], seed: int
) -> tuple[Sequence[Example], Sequence[Example]]:
    """Return examples in two, alike in their labels: those to train on, and SPARE that choose.

    So synthetic rows stand in for gold validation where nothing is labelled, as in ZeroGen.
    """
    every = range(len(examples))
    order = chosen(examples, random.Random(f"{seed}/aside").sample(every, len(every)))
    aside = balanced(order, max(len(set(map(label_of, examples))), round(SPARE * len(order))))
    return without(examples, aside), aside


def mixed(bench: Bench, number: int) -> tuple[Bench, list[Example]]:
    """Return a bench that trains on so many real rows, too, and these rows.

    They are drawn with the seed, a smaller budget's among a larger one's: from gold train, or where
    a task has none from gold validation, in whose choices they then have no part. Raises UserError
    where there are fewer, or where less than SPARE of gold validation would be left to choose.
    """
    if not number:
        return bench, []
    apart = bench.task.gold.splits.train is not None
    pool = bench.train if apart else bench.validation
    most = len(pool) if apart else int(len(pool) * (1 - SPARE))
    if number > most:
        why = "so many there are" if apart else "what is trained on chooses nothing"
        raise UserError(
            f"method.real={number}: gold {'train' if apart else 'validation'} gives at most {most} "
            f"of its {len(pool)} rows ({why}). Take fewer, or name a file of more rows in "
            f"task.gold.{bench.task.gold.source.value}.train."
        )
    real = random.Random(f"{bench.seed}/real").sample(pool, len(pool))[:number]
    taken = set() if apart else {one.id for one in real}
    chooser = [one for one in bench.validation if one.id not in taken]

    def fit(
        train: Sequence[Example],
        validation: Sequence[Example],
        *,
        what: str,
        start: Predictor | None,
        weights: Sequence[float] | None = None,
    ) -> Predictor:
        every = None if weights is None else [*weights, *[1.0] * number]
        return bench.fit(joined(train, real), validation, what=what, start=start, weights=every)

    return replace(bench, fit=fit, validation=chooser), real


def unmixed(train: Sequence[Example], gold: Sequence[Example]) -> Sequence[Example]:
    """Return training data without their real rows that are among some gold rows."""
    ids = {one.id for one in gold}
    return filtered(train, lambda one: one.origin.kind != "gold" or one.id not in ids)


def mistakes_of(task: Task, validation: Sequence[Example], predictor: Predictor) -> list[Mistake]:
    """Return the gold validation examples that the model gets wrong (Alg. 2's D_mis)."""
    head = task.head()
    pairs = zip(validation, predictor.validation.answers, strict=True)
    return [Mistake(one, said) for one, said in pairs if not head.correct(one, said)]


def label_of(example: Example) -> str:
    """Return an example's label; all answers to questions count as one."""
    return example.target if isinstance(example.target, str) else ""


def balanced(
    examples: Sequence[Example], number: int, labels: Counter[str] | None = None
) -> Sequence[Example]:
    """Return at most `number` of the examples, such that labels even out.

    Each time the first that is left of the label with the fewest so far; where a label has no
    more examples, the others go on. `labels` counts those that there are already; what is returned
    is counted there, too.
    """
    counts = Counter[str]() if labels is None else labels
    places: defaultdict[str, array[int]] = defaultdict(lambda: array("q"))
    for place, example in enumerate(examples):
        places[label_of(example)].append(place)
    left = {label: iter(found) for label, found in places.items()}
    taken = array("q")
    while left and len(taken) < number:
        label = min(left, key=lambda label: counts[label])
        try:
            taken.append(next(left[label]))
        except StopIteration:
            del left[label]
        else:
            counts[label] += 1
    return chosen(examples, taken)
