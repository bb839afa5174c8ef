"""A method run to its end on real gold data, against an endpoint that writes by rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from s3.methods import Round
from tests.author import Rule, composed, question, rationales, writing
from tests.methods.learner import Learner, Saying, Says, Scripted, bench

FEW = 10  # validation examples that most tests need


def rule(prompt: str, sample: str) -> str:
    """Write what the task asks for."""
    write = question if "question" in prompt.lower() else rationales
    return write(prompt, sample)


class Trial:
    """A method run to its end: its rounds, its learner, and what was asked.

    `right` or `says` script the learner's answers; `changes` are other values of the bench.
    """

    def __init__(
        self,
        *overrides: str,
        right: tuple[int, ...] = (),
        few: int | None = FEW,
        write: Rule = rule,
        says: Says | None = None,
        **changes: Any,
    ) -> None:
        experiment = composed("seed_size=12", *overrides)
        self.task = experiment.task
        self.learner: Learner = Scripted(self.task, right=right) if right else Learner(self.task)
        if says:
            self.learner = Saying(self.task, says=says)
        with writing(write) as (author, llm):
            self.bench = replace(bench(self.task, llm, self.learner, few=few), **changes)
            self.rounds: list[Round] = []
            self.asked_at: list[int] = []  # requests before each training's end
            for round_ in experiment.method.run(self.bench):
                self.rounds.append(round_)
                self.asked_at.append(len(author.asked))
            self.asked = author.asked
