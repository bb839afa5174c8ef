"""How far an LLM agrees with itself on a row's label: a stand-in where no annotators' labels are.

It labels each row several times, sampling; the agreement of the row is the share of its most
frequent label, as for annotators (Li et al. 2023, whose annotators were people).
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence

import numpy as np

from s3.analysis.intervals import Floats
from s3.data.example import Example
from s3.errors import UserError
from s3.llm import Completion, Session, Style
from s3.llm.types import Prompt
from s3.tasks import Task
from s3.tasks.classification import named_label

STAND_IN = "LLM disagreement (stand-in)"
REPLY_TOKENS = 24  # a label, and a few words around it


def self_agreements(llm: Session, task: Task, rows: Sequence[Example], *, samples: int) -> Floats:
    """Return the agreement of each row, in 0..1; say how many replies named no label.

    The labels are named in another order each time, so that an LLM that takes what it reads first
    is not taken for a sure one. A reply that names none, or several, is a vote for no label, and so
    is one that did not come. Raises UserError for a task without labels.
    """
    labels = task.label_names
    if not labels:
        raise UserError(f"{task.name}: only a task with labels can be labelled by an LLM.")
    outcomes = llm.complete(questions(llm.style, labels, rows, samples), "labels")
    votes = [Counter[str]() for _ in rows]
    for place, outcome in enumerate(outcomes):
        if not isinstance(outcome, Completion):
            continue
        if label := named_label(outcome.text, {one: _shown(one) for one in labels}):
            votes[place // samples][label] += 1
        else:
            llm.drop("no_label")
    asked, named = samples * len(rows), sum(one.total() for one in votes)
    print(
        f"{STAND_IN}: {llm.model} labelled {len(rows)} rows {samples} times; {asked - named} of "
        f"{asked} replies named no label.",
        file=sys.stderr,
    )
    return np.array([max(one.values(), default=0) / samples for one in votes])


def questions(
    style: Style, labels: Sequence[str], rows: Sequence[Example], samples: int
) -> list[Prompt]:
    """Return the requests for labels, those of a row one after the other."""
    turns = [turn % len(labels) for turn in range(samples)]
    orders = [[*labels[turn:], *labels[:turn]] for turn in turns]
    return [_prompt(style, order, one) for one in rows for order in orders]


def _prompt(style: Style, labels: Sequence[str], example: Example) -> Prompt:
    told = "\n".join(f"{name}: {text}" for name, text in example.fields.items())
    text = f"{told}\n\nWhich of these labels fits? {', '.join(map(_shown, labels))}."
    if style is Style.chat:
        text += "\nAnswer with the label alone."
        return Prompt(text, reply_tokens=REPLY_TOKENS, kind="label")
    return Prompt(f"{text}\nLabel:", "", ("\n",), REPLY_TOKENS, "label")


def _shown(label: str) -> str:
    return label.replace("_", " ")
