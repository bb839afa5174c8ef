"""The dry run itself: a method runs with stand-ins; what it asks for is counted and shown."""

from __future__ import annotations

import io
from collections import deque
from contextlib import closing, redirect_stderr
from dataclasses import dataclass, field

from s3.data.gold import GoldData
from s3.llm import LLM, Prompt, Usage
from s3.methods import Bench, Method
from s3.runs.crossing import CrossValidation
from s3.runs.dryrun.habits import Habits
from s3.runs.dryrun.rehearsal import MADE_UP, Pupil, Rehearsal, Replies
from s3.student import Student
from s3.tasks import Task
from s3.text import sanitised

BOUNDS = (
    "the least if every text is kept and nothing wrong, the most if twice as many are dropped and "
    "wrong as assumed and replies as long as they may be"
)


@dataclass
class Plan:
    """What a run would ask for: the first prompt of each kind, and what each step would use.

    `total` has the requests, tokens and cost of what is not yet in the store.
    """

    steps: dict[str, Usage]
    total: Usage
    priced: bool
    sources: tuple[str, ...]
    prompts: dict[str, Prompt] = field(default_factory=dict)


def rehearse(
    task: Task,
    llm: LLM,
    method: Method,
    student: Student,
    gold: GoldData,
    seed: int,
    habits: Habits,
) -> Plan:
    """Play a method through; nothing is sent, no server starts, no model is trained."""
    replies = Replies(task, habits)
    pupil = Pupil(task, replies, habits, seed)
    metric = student.choosing_metric(task.head(), gold.validation)
    # The progress of a rehearsal, and what it gives up, says nothing about the run.
    with closing(Rehearsal(llm, seed, replies)) as session, redirect_stderr(io.StringIO()):
        bench = Bench(task, session, pupil.fit, gold.validation, gold.train, seed, metric)
        plan = Plan(session.steps, session.usage, llm.price() is not None, habits.sources)
        for round_ in method.run(bench):
            plan.prompts |= {
                step: prompt for step, prompt in session.first.items() if prompt.kind != "text"
            }
            for example in round_.added.examples:  # the first of each kind and of each label
                label = example.target if isinstance(example.target, str) else ""
                kind = f"{example.origin.kind} {label}".strip()
                if kind not in plan.prompts and example.origin.prompt:
                    plan.prompts[kind] = task.prompt(session.style, example.origin.prompt)
        if gold.validation and not gold.test:
            number = task.gold.folds
            for fold in CrossValidation(method, bench, number).folds:
                replies.round = 0
                deque(fold.going, maxlen=0)
            again = f"{number} runs more for cross-validation; the same prompts are paid once"
            plan.sources += (again,)
    return plan


def between(least: Plan, most: Plan) -> str:
    """Return the bounds of a run's requests, and of its cost where prices are known."""
    said = f"{least.total.requests} to {most.total.requests} requests"
    costs = most.priced and most.total.cost > 0
    return said + f", ${least.total.cost:.2f} to ${most.total.cost:.2f}" * costs


def show(plan: Plan, least: Plan, most: Plan, *, prompts: bool = True) -> None:
    """Print the prompts, if wanted, what each step would use, its bounds, what that rests on."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    for kind, prompt in plan.prompts.items() if prompts else ():
        title = Text(f"{sanitised(kind)}: at most {prompt.reply_tokens} tokens", "rule.text")
        console.rule(title, align="left")
        for turn in (f"[system] {prompt.system}" if prompt.system else "", prompt.text):
            if turn:
                text = MADE_UP.sub("[an earlier reply]", sanitised(turn))
                console.print(text, markup=False, highlight=False, soft_wrap=True)
    table = Table("step", "requests", "prompt tokens", "reply tokens", "cost $", "stored")
    for name, used in {**plan.steps, "all": plan.total}.items():
        cost = f"{used.cost:.4f}" if plan.priced else "-"
        cells = (used.requests, used.prompt_tokens, used.completion_tokens, cost, used.stored)
        table.add_row(name, *map(str, cells))
    console.print(table)
    console.print(
        f"{between(least, most)}: {BOUNDS}", markup=False, highlight=False, soft_wrap=True
    )
    for source in plan.sources:
        console.print(f"assumed {source}", markup=False, highlight=False, soft_wrap=True)
    if prompts:
        console.print("Nothing was sent. Without dry_run=true the run begins.")
