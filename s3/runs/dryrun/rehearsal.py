"""Stand-ins for the LLM and the small model in a dry run; nothing is sent, nothing is trained.

How long made-up replies are and how much the small model gets wrong is assumed (`habits.py`).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import count
from math import ceil

import numpy as np
from numpy.typing import NDArray

from s3.data.example import Example
from s3.llm import LLM, Completion, Failure, Prompt, Session, Usage
from s3.llm.transport.base import Context, Request, Transport
from s3.llm.types import Tokens
from s3.runs.dryrun.habits import Habits, UsualReply
from s3.student import Predictions, Predictor
from s3.tasks import Classification, Task

Floats = NDArray[np.float64]

LETTERS = 8  # of a made-up word, with the space after it
LINE = 20  # words of a made-up line; a list's items have no more
MADE_UP = re.compile(r"\bw\d+x\d+(?: w\d+x\d+)*")


class Rehearsal(Session):
    """A session that answers from the store where it can; else it makes up replies of usual size.

    `steps` has what each synthesis uses; `first` the first prompt of each.
    """

    def __init__(self, provider: LLM, seed: int, replies: Replies) -> None:
        super().__init__(provider, seed, transport=replies.of)
        self.steps: dict[str, Usage] = {}
        self.first: dict[str, Prompt] = {}

    def complete(
        self, prompts: Iterable[Prompt], what: str = "completions"
    ) -> Iterator[Completion | Failure]:
        """Answer prompts at once, and count what they use."""
        asked, before = list(prompts), replace(self.usage)
        answers = list(super().complete(asked, what))
        step = what.partition(", attempt ")[0]
        if asked:
            self.first.setdefault(step, asked[0])
        used = self.steps.setdefault(step, Usage())
        for one in fields(Usage):
            grown = getattr(self.usage, one.name) - getattr(before, one.name)
            setattr(used, one.name, getattr(used, one.name) + grown)
        return iter(answers)

    def close(self) -> None:
        """Close the store; a rehearsal leaves no note in its books."""
        self._store.close()


class Replies(Transport):
    """Makes up replies of the usual length; the usual share of them is empty, and so dropped."""

    window = step = 1000

    def __init__(self, task: Task, habits: Habits) -> None:
        self.round = 0
        self._task, self._habits = task, habits
        self._numbers = count()
        self._made: dict[str, Completion] = {}  # a method that runs once more gets them again
        self._kept = 1.0  # replies that the shares say to keep so far, less those that were kept

    def of(self, context: Context) -> Replies:
        """Answer the requests of a session."""
        self._context = context
        return self

    def submit(self, requests: list[Request]) -> None:
        """Answer requests, and count what that would use."""
        for request in requests:
            if made := self._made.get(request.id):
                request.outcome = made
                self._context.usage.stored += 1
                continue
            prompt, usual = request.prompt, self._habits.reply(request.prompt.reply_tokens)
            asked = ceil(len(prompt.sent) / self._habits.letters)
            used = Tokens(asked, ceil(usual.tokens))
            self._context.usage.requests += 1
            self._context.budget.pay(used)
            text = self._text(prompt, usual)
            made = Completion(request.id, text, "", "stop", asked, used.completion)
            request.outcome = self._made[request.id] = made

    def cancel(self, requests: list[Request]) -> None:
        """Nothing is open."""

    def close(self) -> None:
        """Nothing is open."""

    def _text(self, prompt: Prompt, usual: UsualReply) -> str:
        """Return a list, a name or a label, or a text of the task's own, which may be dropped."""
        if prompt.kind == "label":
            return self._task.label_names[0].replace("_", " ")
        letters, cleaning = usual.tokens * self._habits.letters, self._task.reply
        if prompt.kind != "text":
            line = min(max(1, round(usual.letters / LETTERS)), LINE)
            return self._lines(round(min(letters, usual.items * usual.letters) / LETTERS), line)
        if not self._keeps():
            return ""
        size = min(max(round(letters / LETTERS), cleaning.min_words), cleaning.max_words)
        return self._lines(size, LINE) + "?" * cleaning.question

    def _lines(self, size: int, line: int) -> str:
        """Return `size` words that no other reply has, so many on a line."""
        number = next(self._numbers)
        words = [f"w{number}x{place}" for place in range(max(size, 1))]
        starts = range(0, len(words), line)
        return "\n".join(" ".join(words[start : start + line]) for start in starts)

    def _keeps(self) -> bool:
        self._kept += at(self._habits.kept, self.round)
        keeps = self._kept >= 1
        self._kept -= keeps
        return keeps


@dataclass
class Pupil:
    """In place of training: gets the usual share of gold validation wrong, drawn with the seed."""

    task: Task
    replies: Replies
    habits: Habits
    seed: int

    def fit(
        self,
        train: Sequence[Example],
        validation: Sequence[Example],
        *,
        what: str,
        start: Predictor | None,
        weights: Sequence[float] | None = None,
    ) -> Predictor:
        """Return the answers of a model that has not been trained; the next round begins."""
        share = at(self.habits.wrong, self.replies.round)
        rng = random.Random(f"{self.seed}/{self.replies.round}")
        wrong = set(rng.sample(range(len(validation)), round(share * len(validation))))
        self.replies.round += 1
        answers = ["" if place in wrong else right(one) for place, one in enumerate(validation)]
        return Untrained(self.task, answers)


class Untrained(Predictor):
    """A model that has its answers to the validation examples, and features without meaning."""

    def __init__(self, task: Task, validation: list[str]) -> None:
        self.validation = Predictions(validation)
        self._labels = len(task.labels) if isinstance(task, Classification) else 0

    def features(self, examples: Sequence[Example]) -> tuple[Floats, Floats]:
        """Return noise in the shapes of a last layer's inputs and logits."""
        rng = np.random.default_rng(0)
        return rng.normal(size=(len(examples), 2)), rng.normal(size=(len(examples), self._labels))


def right(example: Example) -> str:
    """Return the right answer to an example."""
    return example.target if isinstance(example.target, str) else example.target.texts[0]


def at(shares: tuple[float, ...], round_: int) -> float:
    """Return a round's share; the last one holds for all later rounds."""
    return shares[min(round_, len(shares) - 1)]
