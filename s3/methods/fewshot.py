"""Few-shot generation (Li et al. 2023): real examples go before each prompt, to be imitated."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from s3.data.example import Example, Target
from s3.llm.types import Style, token_estimate
from s3.methods.base import Bench
from s3.methods.loop import Extrapolated, ExtrapolationLoop
from s3.methods.zerogen import answered, unanswered
from s3.methods.zeroshot import generation, generation_place, generation_templates, request
from s3.synthesis import SEED_ATTEMPTS, Place, SynthesisedSet, write
from s3.tasks import Draft, PromptTemplate, Task
from s3.tasks.base import Fields
from s3.text import word_count

IMITATION = PromptTemplate(
    chat="Imitate these real examples, but do not simply modify or rewrite them.",
    continuation="Those were real. What follows imitates them, and is no rewriting of any of them.",
)


@dataclass(kw_only=True)
class FewShot(ExtrapolationLoop):
    """Seed data, each text asked for after real examples with their labels.

    They are drawn with the seed from gold train (gold validation where a task has no train), of all
    labels. How many is not stated in the paper: the default is ours. By itself nothing is
    extrapolated.
    """

    extrapolated: Extrapolated = Extrapolated.nothing
    examples: int = 4  # before each text
    shown_tokens: int = 600  # of all these, estimated; each is cut after its even share

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        for name in ("examples", "shown_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")

    @property
    def uses_gold(self) -> str:
        """What the method does with labelled rows."""
        return "shows gold examples to the LLM"

    def seed_templates(self, task: Task) -> set[str]:
        """Return the prompts that ask for a text, and the persona if there is one."""
        return generation_templates(task)

    def write_seed(self, bench: Bench, size: int, known: Sequence[Example]) -> SynthesisedSet:
        """Write all texts, each after examples of its own."""

        def ask(rng: random.Random, fields: Fields, target: Target) -> Draft:
            shown = rng.sample(bench.train, min(self.examples, len(bench.train)))
            return self._request(bench.task, bench.llm.style, fields, target, shown, rng)

        contexts = unanswered(bench)

        def place(number: int) -> Place:
            return generation_place(bench, contexts, len(known) + number, ask)

        return write(bench.task, bench.llm, size, place, known, "seed data", SEED_ATTEMPTS)

    def _request(
        self,
        task: Task,
        style: Style,
        fields: Fields,
        target: Target,
        shown: list[Example],
        rng: random.Random,
    ) -> Draft:
        """Return the request after some examples; a reply that repeats one of them is dropped."""
        share = self.shown_tokens // self.examples
        texts = [_shown(task, style, one, share) for one in shown]
        drawn = {name: rng.choice(words) for name, words in task.drawn.items()}
        asked = generation(task, style, fields, target, drawn)
        text = "\n\n".join([*texts, IMITATION.fill(style, {}), asked])
        draft = request(task, style, fields, target, text)
        return replace(draft, echoes=(*draft.echoes, *(one.fields[task.written] for one in shown)))


def _shown(task: Task, style: Style, example: Example, tokens: int) -> str:
    """Return an example as what asks for one like it, and its text, cut where it is too long."""
    text = first(example.fields[task.written], tokens)
    drawn = {"style": "natural", "length": str(word_count(text))}
    return answered(generation(task, style, example.fields, example.target, drawn), text)


def first(text: str, tokens: int) -> str:
    """Return the beginning of a text that has so many tokens at most, estimated, in whole words."""
    if token_estimate(text) <= tokens:
        return text
    return text.encode()[: 4 * tokens].decode(errors="ignore").rsplit(" ", 1)[0] + " ..."
