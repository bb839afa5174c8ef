"""Rationales: why a text may have a label, listed by the LLM before it writes texts (Alg. 1)."""

from __future__ import annotations

from s3.errors import UserError
from s3.llm import Session
from s3.llm.types import Failure
from s3.synthesis.writing import SynthesisedSet
from s3.tasks import Classification, Dropped
from s3.tasks.reply import read_list

CALLS = 8  # completions asked for one label's rationales at most


def rationales_of(
    task: Classification, llm: Session, number: int, asked: SynthesisedSet
) -> dict[str, list[str]]:
    """Return up to `number` rationales a label (Alg. 1, step 1), the first that are listed.

    `asked` counts the completions, and those that list nothing by reason. Raises UserError for a
    label without any.
    """
    found: dict[str, list[str]] = {label: [] for label in task.labels}
    said: dict[str, str] = {}  # by label, the last reply that lists nothing
    for _ in range(CALLS):
        short = [label for label, items in found.items() if len(items) < number]
        if not short:
            break
        prompts = [task.rationale_prompt(llm.style, label, number) for label in short]
        for label, reply in zip(short, llm.complete(prompts, "rationales"), strict=True):
            if isinstance(reply, Failure):
                asked.dropped[reply.reason] += 1
                continue
            asked.count(reply)
            try:
                listed = dict.fromkeys(found[label] + read_list(reply))
                found[label] = list(listed)[:number]
            except Dropped as dropped:
                llm.drop(dropped.reason)
                asked.dropped[dropped.reason] += 1
                said[label] = reply.text
    for label in (label for label, items in found.items() if not items):
        last = " ".join(said.get(label, "").split())[:80]
        raise UserError(
            f"The LLM listed no rationale for {label} in {CALLS} replies ({asked.reasons}; the "
            f"last said: {last!r}); change task.rationale, or go without by "
            "method.rationales=false."
        )
    return found
