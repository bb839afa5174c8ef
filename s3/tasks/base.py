"""What every task has: its gold data, its prompts, and the way from a reply to an example."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from s3.data.checks import remarks
from s3.data.example import Example, Origin, Target
from s3.data.files import Placed, read_file
from s3.data.gold import Gold, GoldData, field_text, find_column, source_of
from s3.data.rows import RESERVED, content_digest
from s3.errors import UserError, did_you_mean
from s3.llm.types import Completion, Prompt, Style
from s3.progress import note
from s3.student import Head
from s3.tasks.reply import ReplyRules, stops, whole
from s3.tasks.template import PromptTemplate

Fields = Mapping[str, str]


@dataclass(frozen=True)
class Draft:
    """A prompt together with all of the example but the text that the reply will give."""

    prompt: Prompt
    fields: Fields
    target: Target
    origin: Origin
    echoes: tuple[str, ...] = ()  # texts that the reply must not repeat
    check: Callable[[str], None] | None = None  # raises Dropped for a text not to be kept


@dataclass(kw_only=True)
class Task:
    """A task: `given` fields are kept, the `written` one is what the LLM writes.

    Prompts may stay empty that the chosen method does not use.
    """

    name: str = ""  # how the task is called
    given: list[str] = field(default_factory=list)  # the fields that are kept
    written: str = "text"  # the field that the LLM writes
    gold: Gold = field(default_factory=Gold)  # where the gold rows are: docs/own_task.md
    contexts: str | None = None  # a file of unlabelled texts for the given fields; null: gold's
    unlabelled: str | None = None  # a file of texts that method.seed=labelled has the LLM label
    system: str = ""  # the system message of a chat
    # The paper's T_query; the same where rationales are left out; the paper's T_mis; ZeroGen's own
    # query (empty: `query`) and what asks for its `$condition` (empty: none).
    query: PromptTemplate = field(default_factory=PromptTemplate)  # the prompt of a seed
    bare: PromptTemplate = field(default_factory=PromptTemplate)  # the same without rationales
    mistake: PromptTemplate = field(default_factory=PromptTemplate)  # of an extrapolation
    zerogen: PromptTemplate = field(default_factory=PromptTemplate)  # ZeroGen's; empty: query
    condition: PromptTemplate = field(default_factory=PromptTemplate)  # asks for $condition
    # Of zero-shot and few-shot generation (Li et al. 2023): whom the LLM is to be (its context
    # prompt), what it is to write, and what is drawn for `$style` and `$length` in that.
    persona: PromptTemplate = field(default_factory=PromptTemplate)  # whom the LLM is to be
    generation: PromptTemplate = field(default_factory=PromptTemplate)  # what it is to write
    styles: list[str] = field(default_factory=list)  # drawn for each text as $style
    lengths: list[str] = field(default_factory=list)  # drawn for each text as $length
    reply: ReplyRules = field(default_factory=ReplyRules)  # length of replies, and what is dropped

    variable: ClassVar[str]  # what stands for the target in prompts: $label, $answer
    target: ClassVar[str]  # its name in `columns` of gold data: label, answers
    deciding: ClassVar[tuple[str, ...]] = ("given", "written")  # options that a result hangs on

    def __post_init__(self) -> None:
        """Check the gold source, the fields' names and the prompts' variables."""
        self.gold.check()
        own = {"condition"} if self.condition else set()
        own |= set(self.drawn)
        for name in (*self.given, self.written):
            if name in {*RESERVED, self.variable, *own}:
                raise ValueError(
                    f"given and written cannot name a field {name!r}, which rows and prompts use "
                    f"for something else: call it otherwise, and map your column to the new name "
                    f"in gold.{self.gold.source.value}.columns"
                )
        self._check_columns()
        for name, known in self.variables().items():
            given = known & set(self.given)
            needed = [{one} for one in sorted(known - given - {"number"})]
            getattr(self, name).check(name, known, [*needed, given] if given else needed)

    def _check_columns(self) -> None:
        """Raise ValueError for a mapped column of a field that the task does not have."""
        known = (*self.given, self.written, self.target)
        for name in self.gold.splits.columns:
            if name not in known:
                raise ValueError(
                    f"gold.{self.gold.source.value}.columns maps {name!r}, which is no field of "
                    f"the task; known here: {', '.join(known)} (field: column)."
                    + did_you_mean(name, known)
                )

    @property
    def drawn(self) -> dict[str, list[str]]:
        """What is drawn for each text that is asked for by `generation`, by its variable."""
        lists = {"style": self.styles, "length": self.lengths}
        return {name: words for name, words in lists.items() if words}

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels, in the order of the head's probabilities; none where answers are texts."""
        return ()

    def head(self) -> Head:
        """Return how examples become tensors and answers, and how answers are judged."""
        raise NotImplementedError

    def read_gold(self, placed: Placed) -> Example:
        """Return the example of a gold row; UserError with its place if it is malformed."""
        raise NotImplementedError

    def draw(
        self, rng: random.Random, contexts: list[Example], label: Target | None = None
    ) -> tuple[Fields, Target]:
        """Draw the given fields and the target of a new seed example.

        `label` is the target of the draw that this one replaces: a label stays, so that drops do
        not unbalance the labels; a span does not, for it belongs to its context.
        """
        raise NotImplementedError

    def words(self, target: Target) -> Mapping[str, str]:
        """Return the template variables that stand for a target."""
        raise NotImplementedError

    def variables(self) -> dict[str, set[str]]:
        """Return the variables that each prompt template may use."""
        given = {*self.given, self.variable}
        own = {"condition"} if self.condition else set()
        mistake = {*given, self.written}
        return {
            "query": given, "bare": given, "mistake": mistake, "zerogen": given | own,
            "condition": set(), "persona": set(), "generation": given | set(self.drawn),
        }  # fmt: skip

    def identity(self, used: set[str], style: Style) -> dict[str, Any]:
        """Return what decides a result whose method fills the templates `used` in a style.

        Gold data are not in it: they decide by their content, wherever they come from.
        """
        deciding = {name: getattr(self, name) for name in self.deciding}
        if not used:  # nothing is asked of an LLM
            return deciding
        prompts = {name: getattr(getattr(self, name), style.value) for name in sorted(used)}
        system = self.system if style is Style.chat else ""
        contexts = content_digest(Path(self.contexts)) if self.contexts else None
        asked = {"system": system, "reply": asdict(self.reply), "contexts": contexts}
        if self.unlabelled:
            asked["unlabelled"] = content_digest(Path(self.unlabelled))
        drawn = {"drawn": self.drawn} if "generation" in used else {}
        return {**deciding, **asked, **drawn, "prompts": prompts}

    def load(self, seed: int) -> GoldData:
        """Return the gold examples; sizes of validation and train are drawn with the seed.

        What is odd about them is said on stderr. Raises UserError with file and line for a row that
        cannot be read, and for splits by which nothing can be judged.
        """

        def examples(role: str) -> list[Example]:
            return [self.read_gold(placed) for placed in self.gold.rows(role, seed)]

        splits = self.gold.splits
        validation = examples("validation") if splits.validation else []
        test = examples("test") if splits.test else []
        train = examples("train") if splits.train else validation
        gold = GoldData(validation, test, train)
        for remark in remarks(gold, self.label_names):
            note("caution", remark)
        return gold

    def context_examples(self, train: list[Example]) -> list[Example]:
        """Return what contexts are drawn from: the file of unlabelled texts, or gold train."""
        if self.contexts is None:
            return train
        return self._texts("contexts", self.contexts, self.given)

    def unlabelled_examples(self) -> list[Example]:
        """Return the unlabelled texts, with the given ones, without a target."""
        return self._texts("unlabelled", self.unlabelled or "", [*self.given, self.written])

    def _texts(self, option: str, file: str, names: Sequence[str]) -> list[Example]:
        """Return the texts of a file that an option names. Raises UserError where it has none."""
        found = [
            Example(self._fields_of(placed, names), "", Origin("context", source=source_of(placed)))
            for placed in read_file(Path(file))
        ]
        if not found:
            raise UserError(f"task.{option}={file} holds no rows.")
        return found

    def seed_draft(
        self, style: Style, fields: Fields, target: Target, rationales: tuple[str, ...] = ()
    ) -> Draft:
        """Return the request for a seed example (T_query)."""
        variables = {"rationales": ", ".join(rationales), **fields, **self.words(target)}
        template = self.query if rationales or self.given else self.bare
        prompt = self.prompt(style, template.fill(style, variables))
        origin = Origin("seed", 0, prompt=prompt.text, rationales=rationales)
        return Draft(prompt, fields, target, origin, tuple(fields.values()))

    def mistake_draft(self, style: Style, wrong: Example, round_: int) -> Draft:
        """Return the request for an example like a wrong one: context and target kept (T_mis)."""
        variables = {**wrong.fields, **self.words(wrong.target)}
        prompt = self.prompt(style, self.mistake.fill(style, variables))
        origin = Origin("extrapolation", round_, wrong.origin.source, prompt.text)
        fields = {name: wrong.fields[name] for name in self.given}
        return Draft(prompt, fields, wrong.target, origin, tuple(wrong.fields.values()))

    def prompt(self, style: Style, text: str) -> Prompt:
        """Return the request for one written text in the LLM's style."""
        if style is Style.chat:
            return Prompt(text, self.system, (), self.reply.tokens)
        return Prompt(text, "", stops(text), self.reply.tokens)

    def read(self, completion: Completion, draft: Draft) -> Example:
        """Return the example that a completion makes of its draft. Raises Dropped.

        What is lifted out of the prompt is an echo: a given text, an example, the rationales.
        """
        given = (*draft.echoes, draft.prompt.text)
        text = self.reply.clean(*whole(completion, draft.prompt), given)
        if draft.check:
            draft.check(text)
        origin = replace(draft.origin, completion=completion.id, model=completion.model)
        return Example({**draft.fields, self.written: text}, draft.target, origin)

    def _fields_of(self, placed: Placed, fields: Sequence[str]) -> dict[str, str]:
        columns = self.gold.splits.columns
        names = {n: n if find_column(placed[1], n) else columns.get(n, n) for n in fields}
        if len(names) == 1 and set(placed[1]) == {"text"}:  # a plain list of texts
            names = dict.fromkeys(names, "text")
        return {name: field_text(placed, column) for name, column in names.items()}
