"""Zero-shot generation (Li et al. 2023): conversations that ask for more diverse texts."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from s3.data.example import Example, Origin, Target
from s3.data.many import chosen, joined
from s3.llm.types import Style, token_estimate
from s3.methods.base import Bench
from s3.methods.loop import Extrapolated, ExtrapolationLoop
from s3.methods.zerogen import answered, unanswered
from s3.synthesis import SEED_ATTEMPTS, Place, SynthesisedSet, drawn_place, write
from s3.tasks import Draft, PromptTemplate, Task
from s3.tasks.base import Fields

# The continuation is ours: the paper's models were asked as chats.
DIVERSITY = PromptTemplate(
    chat="Can you provide something more diverse compared to the previously generated data?",
    continuation="What follows is more diverse than what was written so far.",
)

Exchange = tuple[str, str]  # what was asked in a turn, and the text that came
Ask = Callable[[random.Random, Fields, Target], Draft]


@dataclass(kw_only=True)
class ZeroShot(ExtrapolationLoop):
    """Seed data from conversations, one label each, several of them side by side.

    The first turn has the task's `persona` and `generation`; style and length are drawn for each
    text. Later turns ask again, after all that was said before as far as `shown_tokens` reach: the
    oldest exchanges are left out first. Every `diversity_every` texts the diversity prompt goes
    before. The paper does not state this number, nor how long a conversation is: the defaults are
    ours. By itself nothing is extrapolated.
    """

    extrapolated: Extrapolated = Extrapolated.nothing
    conversation: int = 10  # texts of one conversation
    diversity_every: int = 5  # texts between two diversity prompts
    # Ours. Each turn reads all that is shown anew, which is most of an LLM's time on two cores: at
    # 600, two hundred film reviews took over eight minutes. 300 still show the last few texts.
    shown_tokens: int = 300  # of what was said before, estimated; prompt and reply need room, too

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        for name, least in {"conversation": 1, "diversity_every": 1, "shown_tokens": 0}.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, not {getattr(self, name)}")

    def seed_templates(self, task: Task) -> set[str]:
        """Return the prompts that ask for a text, and the persona if there is one."""
        return generation_templates(task)

    def write_seed(self, bench: Bench, size: int, known: Sequence[Example]) -> SynthesisedSet:
        """Write turn after turn of all conversations, each after the texts of its earlier turns."""
        labels = len(bench.task.label_names) or 1
        seed, said = SynthesisedSet(size), defaultdict[tuple[int, int], list[Exchange]](list)
        turns = defaultdict[int, list[int]](list)
        for number in range(len(known), len(known) + size):
            turns[number // labels % self.conversation].append(number)
        made, numbers = joined(), list[int]()
        contexts = unanswered(bench)
        for turn in sorted(turns):
            asked: dict[int, str] = {}  # by number, in the attempt that was made last
            talks = [
                said[number % labels, number // labels // self.conversation]
                for number in turns[turn]
            ]
            places = [
                generation_place(
                    bench, contexts, number, self._ask(bench, turn, talk, asked, number)
                )
                for number, talk in zip(turns[turn], talks, strict=True)
            ]
            before, what = joined(known, made), f"seed data, turn {turn + 1}"
            place_of = places.__getitem__
            part = write(bench.task, bench.llm, len(places), place_of, before, what, SEED_ATTEMPTS)
            for place, example in part.filled():
                number = turns[turn][place]
                numbers.append(number)
                talks[place].append((asked[number], example.fields[bench.task.written]))
            made = joined(made, part.examples)
            seed.charge(part)
            seed.attempts = max(seed.attempts, part.attempts)
        seed.examples = chosen(made, np.argsort(numbers))
        return seed

    def _ask(
        self, bench: Bench, turn: int, talk: Sequence[Exchange], asked: dict[int, str], number: int
    ) -> Ask:
        """Return what asks for the text of a turn, and notes in `asked` in which words."""
        task, style = bench.task, bench.llm.style
        earlier = newest(talk, self.shown_tokens)

        def ask(rng: random.Random, fields: Fields, target: Target) -> Draft:
            drawn = {name: rng.choice(words) for name, words in task.drawn.items()}
            text = generation(task, style, fields, target, drawn)
            if earlier and turn % self.diversity_every == 0:
                text = f"{DIVERSITY.fill(style, {})}\n{text}"
            asked[number] = text
            return request(task, style, fields, target, text, earlier)

        return ask


def generation_templates(task: Task) -> set[str]:
    """Return the names of the templates that ask for a text.

    A task with given texts may do without a `generation`: ZeroGen's query serves.
    """
    return {_asking(task)} | ({"persona"} if task.persona else set())


def _asking(task: Task) -> str:
    if task.generation or task.condition or not task.given:
        return "generation"
    return "zerogen" if task.zerogen else "query"


def generation_place(bench: Bench, contexts: list[Example], number: int, ask: Ask) -> Place:
    """Return the place of a number: labels take turns, so that they are balanced."""
    task = bench.task
    labels = task.label_names
    label = labels[number % len(labels)] if labels else None
    return drawn_place(task, contexts, f"{bench.seed}/{number}", ask, label)


def generation(
    task: Task, style: Style, fields: Fields, target: Target, drawn: Mapping[str, str]
) -> str:
    """Return what asks for one text; `drawn` are its style and its length."""
    template: PromptTemplate = getattr(task, _asking(task))
    return template.fill(style, {**fields, **task.words(target), **drawn})


def newest(talk: Sequence[Exchange], tokens: int) -> list[Exchange]:
    """Return the newest exchanges of a conversation that have so many tokens at most, estimated."""
    kept: list[Exchange] = []
    for exchange in reversed(talk):
        tokens -= token_estimate("".join(exchange))
        if tokens < 0:
            break
        kept.insert(0, exchange)
    return kept


def request(
    task: Task,
    style: Style,
    fields: Fields,
    target: Target,
    asked: str,
    earlier: Sequence[Exchange] = (),
) -> Draft:
    """Return the request for a text after what was said before: turns of a chat, else one text.

    The persona goes before all. The reply must repeat no earlier text.
    """
    persona = [task.persona.fill(style, {})] if task.persona else []
    if style is Style.chat:
        said = [*(text for exchange in earlier for text in exchange), asked]
        said[0] = "\n\n".join([*persona, said[0]])
        prompt = replace(task.prompt(style, said[-1]), turns=tuple(said[:-1]))
    else:
        said = [*persona, *(answered(*exchange) for exchange in earlier), asked]
        prompt = task.prompt(style, "\n\n".join(said))
    origin = Origin("seed", prompt="\n\n".join(said))
    return Draft(prompt, fields, target, origin, (*fields.values(), *(text for _, text in earlier)))
