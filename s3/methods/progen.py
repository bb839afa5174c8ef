"""ProGen (Ye et al. 2022): the most helpful examples so far go before the next prompts."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from s3.data.example import Example, Target
from s3.data.many import joined
from s3.llm.types import Style
from s3.methods.base import Bench, Method, Round, mistakes_of
from s3.methods.influence import Floats, LastLayer, influences
from s3.methods.zerogen import answered, query, zero_shot, zero_shot_templates
from s3.student import Predictor
from s3.synthesis import SEED_ATTEMPTS, Place, SynthesisedSet, write
from s3.tasks import Classification, Draft, Dropped, Task
from s3.text import words

Pool = dict[Target, list[Example]]


@dataclass(kw_only=True)
class ProGen(Method):
    """Progressive generation: ZeroGen with feedback by influence. The defaults are the paper's.

    A round ends at each feedback and the last one at `size` examples. Influence is taken over the
    model's last layer on the synthetic examples held out before the first round, never on gold.
    """

    size: int = 100_000  # training examples in the end
    held_out: int = 1000  # synthetic examples kept out of training
    first: int = 100  # feedback number k comes at first * k * 2^(k-1): 100, 400, 1200, 3200 ...
    scored: int = 10_000  # training examples that are scored, drawn at random, at most
    pool: int = 50  # a label
    in_context: int = 8  # examples before a prompt
    feedback: float = 0.5  # share of prompts with examples
    overlap: float = 0.9  # share of an example's vocabulary from which a reply repeats it
    damping: float = 0.01  # of the Hessian; the paper's 5e-3 times its scale of 1e4 would be 50

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        least = {"size": 1, "held_out": 1, "first": 1, "scored": 1, "pool": 1, "in_context": 1}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise ValueError(f"{name} must be at least {low}, not {getattr(self, name)}")
        for name in ("feedback", "overlap"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie between 0 and 1, not {getattr(self, name)}")
        if self.damping <= 0:
            raise ValueError(f"damping must be above 0, not {self.damping}")

    @property
    def uses_gold(self) -> str:
        """What the method does with labelled rows."""
        return "chooses its round by gold validation"

    def templates(self, task: Task) -> set[str]:
        """Return the names of the task's prompt templates that this method fills."""
        return zero_shot_templates(task)

    def check(self, task: Task, style: Style) -> None:
        """Raise ValueError for a task that is no classification, or an empty prompt."""
        if not isinstance(task, Classification):
            raise ValueError(f"method=progen is for classification only, not for task={task.name}")
        super().check(task, style)

    def rounds_of(self, bench: Bench) -> Iterator[Round]:
        """Yield a training for each feedback, and the last one on all."""
        prompts = Prompts(self, bench)
        written = prompts.write(self.held_out + self.sizes[0], (), 0)
        held_out = written.examples[: self.held_out]
        written.examples, written.wanted = written.examples[self.held_out :], self.sizes[0]
        train = written.examples
        for index, size in enumerate(self.sizes):
            if index:
                written = prompts.write(size - len(train), joined(held_out, train), index)
                train = joined(train, written.examples)
            what = f"round {index} training"
            predictor = bench.fit(train, bench.validation, what=what, start=None)
            mistakes = mistakes_of(bench.task, bench.validation, predictor)
            yield Round(index, train, written, mistakes, predictor, bench.validation)
            if index + 1 < len(self.sizes):
                prompts.pool = self._pool(bench, train, held_out, predictor, index)

    @property
    def sizes(self) -> list[int]:
        """The sizes of the training set at which the rounds end."""
        sizes: list[int] = []
        while (size := self.first * (len(sizes) + 1) * 2 ** len(sizes)) < self.size:
            sizes.append(size)
        return [*sizes, self.size]

    def _pool(
        self,
        bench: Bench,
        train: Sequence[Example],
        held_out: Sequence[Example],
        predictor: Predictor,
        index: int,
    ) -> Pool:
        """The most helpful examples of each label; only what is helpful at all."""
        rng = random.Random(f"{bench.seed}/scored/{index}")
        scored = rng.sample(train, min(self.scored, len(train)))
        scores = scores_of(bench.task, predictor, scored, held_out, self.damping)
        best = [scored[place] for place in np.argsort(scores) if scores[place] < 0]
        pool: Pool = {}
        for example in best:
            pool.setdefault(example.target, []).append(example)
        return {label: examples[: self.pool] for label, examples in pool.items()}


class Prompts:
    """ZeroGen's prompts, some with examples of `pool` before them; no place is asked twice."""

    def __init__(self, method: ProGen, bench: Bench) -> None:
        self.method, self.bench = method, bench
        self.pool: Pool = {}
        self._asked = SynthesisedSet(0)
        self._place = zero_shot(bench, method.held_out + method.size, self._asked)
        self._next = 0

    def write(self, number: int, known: Sequence[Example], index: int) -> SynthesisedSet:
        """Write `number` examples that are not in `known`, for a round."""
        numbers = range(self._next, self._next + number)
        self._next = numbers.stop

        def place(one: int) -> Place:
            return self._fed(numbers[one], index)

        task, llm, what = self.bench.task, self.bench.llm, f"round {index} data"
        written = write(task, llm, number, place, known, what, SEED_ATTEMPTS)
        written.charge(self._asked)
        self._asked = SynthesisedSet(0)
        return written

    def _fed(self, number: int, index: int) -> Place:
        """Return a place of ZeroGen's that shows examples of the pool by chance."""
        place = self._place(number)

        def fed(attempt: int) -> Draft:
            draft = place(attempt)
            draft = replace(draft, origin=replace(draft.origin, round=index))
            rng = random.Random(f"{self.bench.seed}/{number}/{attempt}/feedback")
            pool = self.pool.get(draft.target)
            if not pool or rng.random() >= self.method.feedback:
                return draft
            shown = rng.sample(pool, min(self.method.in_context, len(pool)))
            return show(self.bench.task, self.bench.llm.style, draft, shown, self.method.overlap)

        return fed


def show(task: Task, style: Style, draft: Draft, examples: list[Example], overlap: float) -> Draft:
    """Return a request with examples before it, each as ZeroGen's query with its reply.

    A reply that holds a share `overlap` or more of the words of one of them is dropped.
    """
    text = "\n\n".join([*(_shown(task, style, one) for one in examples), draft.prompt.text])
    vocabularies = [set(words(example.fields[task.written])) for example in examples]

    def check(written: str) -> None:
        said = set(words(written))
        if any(len(one & said) >= overlap * len(one) > 0 for one in vocabularies):
            raise Dropped("overlap")

    prompt, origin = replace(draft.prompt, text=text), replace(draft.origin, prompt=text)
    return replace(draft, prompt=prompt, origin=origin, check=check)


def _shown(task: Task, style: Style, example: Example) -> str:
    asked = query(task, style, example.fields, example.target, example.origin.source).prompt.text
    return answered(asked, example.fields[task.written])


def scores_of(
    task: Task,
    predictor: Predictor,
    train: Sequence[Example],
    held_out: Sequence[Example],
    damping: float,
) -> Floats:
    """Return the influence of training examples on a predictor's held-out loss; < 0 is helpful.

    Only the last layer of the model counts as its parameters: its gradients and Hessian are exact
    and cost one pass over the texts, where those of a whole encoder cost a backward pass for each
    example and hold for a convex model only. Raises KeyError for a target that is no label.
    """
    assert isinstance(task, Classification)
    numbers = {label: number for number, label in enumerate(task.labels)}

    def layer(examples: Sequence[Example]) -> LastLayer:
        targets = np.array([numbers[str(example.target)] for example in examples])
        return LastLayer(*predictor.features(examples), targets)

    return influences(layer(train), layer(held_out), damping)
