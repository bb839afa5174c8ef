"""A preview: some replies to each kind of prompt, kept or dropped, before a whole run.

The method itself runs, small: its first prompts are those of the run, so that what is written here
is stored, and the run does not pay for it again.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr
from dataclasses import dataclass, fields, replace
from typing import Any

from s3.data.gold import GoldData
from s3.errors import UserError
from s3.llm import LLM, Completion, Failure, Prompt, Session
from s3.methods import Bench, Method
from s3.methods.base import balanced
from s3.runs.dryrun.habits import Habits
from s3.runs.dryrun.rehearsal import Pupil, Replies
from s3.tasks import Task

EXAMPLES = 8  # of each kind of prompt
AGAIN = ", attempt "  # in the name of a step that asks once more for what was dropped


@dataclass
class Written:
    """One prompt and what came of it; `dropped` says why it would make no example."""

    step: str
    prompt: Prompt
    reply: str = ""
    dropped: str = ""


class Watched(Session):
    """A session that tells of each reply once its use is known; nothing is asked twice."""

    def __init__(self, llm: LLM, seed: int, run: str, tell: Callable[[Written], None]) -> None:
        super().__init__(llm, seed, run)
        self._tell, self._last = tell, Written("", Prompt(""))

    def complete(
        self, prompts: Iterable[Prompt], what: str = "completions"
    ) -> Iterator[Completion | Failure]:
        """Answer prompts; those that ask again for what was dropped get none."""
        asked = list(prompts)
        if AGAIN in what:
            yield from (Failure(prompt, "preview", "asked once") for prompt in asked)
            return
        for prompt, outcome in zip(asked, super().complete(asked, what), strict=True):
            failed = isinstance(outcome, Failure)
            said = "" if isinstance(outcome, Failure) else outcome.text
            reason = outcome.reason if isinstance(outcome, Failure) else ""
            self._last = Written(what, prompt, said, f"no reply: {reason}" if failed else "")
            yield outcome
            self._tell(self._last)

    def drop(self, reason: str) -> None:
        """Note why the last reply is of no use."""
        super().drop(reason)
        self._last.dropped = reason


def preview(
    task: Task,
    llm: LLM,
    method: Method,
    gold: GoldData,
    seed: int,
    run: str,
    tell: Callable[[Written], None],
) -> Session:
    """Tell of some replies to each kind of prompt of a method; return the session that is closed.

    Extrapolated are gold validation rows of each label, as if the small model had them wrong.
    Raises UserError where the method asks an LLM nothing, and as a run does.
    """
    if not method.templates(task):
        raise UserError("this method asks an LLM nothing: there is nothing to preview.")
    number = max(EXAMPLES, len(task.label_names))
    sizes: dict[str, Any] = {"seed_size": number, "rounds": 1, "held_out": 1}
    sizes |= {"patience": None, "real": None}
    known = {one.name for one in fields(method)}
    sizes["size"] = None if "seed_size" in known else number
    small = {name: value for name, value in sizes.items() if name in known}
    habits = Habits((1.0,))
    pupil = Pupil(task, Replies(task, habits), habits, seed)
    validation = balanced(gold.validation, number)
    with Watched(llm, seed, run, tell) as session, redirect_stderr(io.StringIO()):
        metric = task.head().default_metric(gold.validation)
        bench = Bench(task, session, pupil.fit, validation, gold.train, seed, metric)
        for _ in replace(method, **small).run(bench):
            pass
    return session
