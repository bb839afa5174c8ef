"""Labels by the LLM for texts that exist: it is asked several times, and where it agrees it counts.

The share of the replies that name the most frequent label is the agreement, as for annotators (Li
et al. 2023, whose annotators were people).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from s3.data.example import Example
from s3.data.many import Spilled
from s3.llm import Completion, Session, Style
from s3.llm.types import Prompt
from s3.synthesis.writing import SynthesisedSet
from s3.tasks import Task
from s3.tasks.classification import named_label

REPLY_TOKENS = 24  # a label, and a few words around it
SAMPLES = 5  # replies for each text


@dataclass(frozen=True)
class Votes:
    """The replies for one text: the label that each names, "" for none or several.

    A reply that did not come is not among them.
    """

    said: Sequence[tuple[str, Completion]]
    prompt: Prompt  # the first of those that were sent

    @property
    def counts(self) -> Counter[str]:
        """How many replies name each label."""
        return Counter(label for label, _ in self.said if label)


def votes(llm: Session, task: Task, examples: Sequence[Example], samples: int) -> list[Votes]:
    """Return what the LLM says of each example, whose target is not shown."""
    words = {label: _shown(label) for label in task.label_names}
    prompts = questions(llm.style, task.label_names, examples, samples)
    outcomes = list(llm.complete(prompts, "labels"))
    found = []
    for first in range(0, len(prompts), samples):
        came = [one for one in outcomes[first : first + samples] if isinstance(one, Completion)]
        said = [(named_label(one.text, words), one) for one in came]
        for label, _ in said:
            if not label:
                llm.drop("no_label")
        found.append(Votes(said, prompts[first]))
    return found


def labelled(
    llm: Session, task: Task, texts: Sequence[Example], samples: int = SAMPLES
) -> SynthesisedSet:
    """Return the texts on whose label more than half of the replies agree, as examples.

    Their origin's rationale says how many do. Others are counted as dropped: `disagreement`.
    """
    examples = Spilled()
    made = SynthesisedSet(len(texts), examples, attempts=samples)
    for text, found in zip(texts, votes(llm, task, texts, samples), strict=True):
        for _, reply in found.said:
            made.count(reply)
        label, number = max(found.counts.items(), key=lambda one: one[1], default=("", 0))
        if 2 * number <= samples:
            made.dropped["disagreement"] += 1
            continue
        reply = next(one for said, one in found.said if said == label)
        origin = replace(
            text.origin, kind="labelled", prompt=found.prompt.text, completion=reply.id,
            model=reply.model, rationales=(f"{number} of {samples} replies",),
        )  # fmt: skip
        examples.append(replace(text, target=label, origin=origin))
    return made


def questions(
    style: Style, labels: Sequence[str], rows: Sequence[Example], samples: int
) -> list[Prompt]:
    """Return the requests for labels, those of a row one after the other.

    The labels are named in another order each time, so that an LLM that takes what it reads first
    is not taken for a sure one.
    """
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
