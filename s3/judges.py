"""An LLM as judge of which of two tasks is more objective: several wordings, in both orders.

A wording in one order is a judge, so that agreement of judges and position bias are read off as
for people. Li et al. (EMNLP 2023) asked people alone; wordings and their number are ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import combinations

from s3.analysis.judgements import FIELDS
from s3.llm import Completion, Session, Style
from s3.llm.types import Prompt

WORDINGS = (
    "Which of them is more objective?",
    "In which of them does the right label follow from the text by clear criteria, and not from "
    "taste, feelings or opinions?",
    "Careful people who do not know each other label the same texts. In which task do they agree "
    "more often?",
    "Which of them hangs less on the reader's background, mood and opinions?",
    "In which of them are the labels facts rather than impressions?",
    "For which of them can you write rules that leave hardly any text in doubt?",
)  # with both orders the twelve judgements of a pair that the paper had
REPLY_TOKENS = 16
_BEGUN = re.compile(
    r"\W*(?:(?:the|my|answer|is|task|number)\W+)*([12])\b(?!\W+(?:or|and)\b)", re.IGNORECASE
)


def judged(llm: Session, tasks: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield the filled rows of a sheet: every pair of tasks by each wording, in both orders.

    `tasks` has what the LLM is told of each; an empty text is the name. `winner` stays empty where
    the LLM gave no reply, or one that names neither task, or both.
    """
    asked = [
        (f"{llm.model}, wording {number}{turned}", pair, _prompt(llm.style, tasks, pair, wording))
        for number, wording in enumerate(WORDINGS, 1)
        for turned, order in (("", 1), (", turned", -1))
        for pair in (both[::order] for both in combinations(tasks, 2))
    ]
    outcomes = llm.complete([prompt for *_, prompt in asked], "judgements")
    for (judge, (first, second), _), outcome in zip(asked, outcomes, strict=True):
        said = choice(outcome.text) if isinstance(outcome, Completion) else ""
        if isinstance(outcome, Completion) and not said:
            llm.drop("no_choice")
        yield dict(zip(FIELDS, (judge, first, second, said), strict=True))


def _prompt(style: Style, tasks: Mapping[str, str], pair: tuple[str, ...], wording: str) -> Prompt:
    told = [tasks[name] or name.replace("_", " ") for name in pair]
    text = f"Two tasks of labelling texts:\n1. {told[0]}\n2. {told[1]}\n\n{wording}"
    if style is Style.chat:
        text += " Answer with the number alone, 1 or 2."
        return Prompt(text, reply_tokens=REPLY_TOKENS, kind="choice")
    return Prompt(f"{text}\nAnswer: task number", "", ("\n",), REPLY_TOKENS, "choice")


def choice(reply: str) -> str:
    """Return what goes into a sheet for a reply: "a" for 1, "b" for 2, "" for neither or both.

    A reply that begins with a number has chosen it, whatever follows but "or" and "and".
    """
    begun = _BEGUN.match(reply)
    named = {begun[1]} if begun else set(re.findall(r"\b[12]\b", reply))
    return {"1": "a", "2": "b"}[named.pop()] if len(named) == 1 else ""
