"""Is this a task that synthetic data can teach? A small trial, before a whole run is paid for.

Gold validation is cut in two. By one half a model chooses its threshold or epoch, and gold alone is
learnt; the other half scores all that is tried: the LLM itself as a classifier, the small model on
a few zero-shot and on a few few-shot texts (Li et al. 2023), the small model on the gold rows of
the first half. The test split is not looked at.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from s3.data.example import Example
from s3.data.gold import GoldData
from s3.data.splitting import parts_of
from s3.errors import UserError, first_line
from s3.llm import LLM, Completion, Prompt, Session, Style
from s3.llm.types import Tokens, token_estimate
from s3.methods import Bench, FewShot, Method, ZeroShot
from s3.methods.base import Fit
from s3.runs.counts import majority
from s3.runs.significance import NORMAL_95, difference, interval, score
from s3.student import Predictor, Student
from s3.tasks import Classification, Task
from s3.tasks.classification import named_label

Rows = list[dict[str, Any]]

LEAST = 20  # gold validation rows: half of them score
SHOWN = 400  # characters of a text that the LLM reads as an example of a label
REPLY_TOKENS = 12
LLM_ITSELF, GOLD = "the LLM itself", "gold rows alone"
MADE = {"zero-shot texts": ZeroShot, "few-shot texts": FewShot}


@dataclass(frozen=True)
class Trial:
    """What was tried, on how many rows it was trained, and its answers to the rows that score."""

    name: str
    size: int
    rows: Rows
    train: Sequence[Example] = field(default=(), repr=False)  # what it was trained on

    @property
    def accuracy(self) -> float:
        """The share of right answers, in 0..1."""
        return score("accuracy", self.rows).value

    @property
    def bounds(self) -> tuple[float, float]:
        """The 95 % interval of that (Wilson's)."""
        return interval("accuracy", self.rows)


def halves(gold: GoldData, task: Task, seed: int) -> tuple[list[Example], list[Example]]:
    """Return the gold validation rows that teach and choose, and those that score.

    Raises UserError for a task without labels, and where there are few rows.
    """
    if not isinstance(task, Classification):
        raise UserError("feasible is for tasks with labels: this one's answers are spans.")
    if len(gold.validation) < LEAST:
        raise UserError(
            f"gold validation has {len(gold.validation)} rows: {LEAST} are needed, half of which "
            "score what is tried."
        )
    parts = parts_of(gold.validation, 2, seed, *task.given)
    first, second = ([gold.validation[place] for place in part] for part in parts)
    return first, second


def tried(
    task: Classification,
    llm: LLM,
    student: Student,
    teach: Sequence[Example],
    aside: Sequence[Example],
    size: int,
    seed: int,
    run: str,
) -> Iterator[Trial]:
    """Yield the trials, one after the other; `size` texts are written by each method.

    Raises BudgetReached at a cap, which the LLM's options set.
    """
    with Session(llm, seed, run) as session, tempfile.TemporaryDirectory() as folder:
        yield Trial(LLM_ITSELF, 0, answers(aside, labelled(task, session, teach, aside, seed)))
        head = task.head()

        def fit(train: list[Example], chooser: list[Example], **options: Any) -> Predictor:
            place = Path(folder) / f"{len(list(Path(folder).iterdir()))}"
            options.pop("weights", None)
            return student.fit(head, train, chooser, seed=seed, folder=place, **options)

        for name, method in MADE.items():
            bench = _bench(task, session, fit, teach, student, seed)
            round_ = next(method(seed_size=size).run(bench))
            said = round_.predictor.predict(list(aside)).answers
            yield Trial(name, len(round_.train), answers(aside, said), round_.train)
        fifth = len(teach) // 5
        alone = fit(list(teach[fifth:]), list(teach[:fifth]), what="training on gold", start=None)
        said = alone.predict(list(aside)).answers
        yield Trial(GOLD, len(teach), answers(aside, said), teach)


def _bench(
    task: Task, session: Session, fit: Any, teach: Sequence[Example], student: Student, seed: int
) -> Bench:
    metric = student.choosing_metric(task.head(), list(teach))
    fitted: Fit = fit
    probes = student.probes(task.head())
    return Bench(task, session, fitted, list(teach), list(teach), seed, metric, probes)


def methods(size: int) -> list[Method]:
    """Return the methods that are tried, for who estimates what they ask."""
    return [method(seed_size=size) for method in MADE.values()]


def answers(examples: Sequence[Example], said: Sequence[str]) -> Rows:
    """Return answers to examples as rows of predictions."""
    return [
        {"id": one.id, "target": one.target, "predicted": answer}
        for one, answer in zip(examples, said, strict=True)
    ]


def labelled(
    task: Classification,
    session: Session,
    teach: Sequence[Example],
    aside: Sequence[Example],
    seed: int,
) -> list[str]:
    """Return the label that the LLM gives each row; empty where it names none, or several."""
    prompts = questions(task, session.style, teach, aside, seed)
    return [
        named_label(outcome.text, task.labels) if isinstance(outcome, Completion) else ""
        for outcome in session.complete(prompts, "labels by the LLM")
    ]


def questions(
    task: Classification,
    style: Style,
    teach: Sequence[Example],
    aside: Sequence[Example],
    seed: int,
) -> list[Prompt]:
    """Return the requests for the labels of the rows that score."""
    return [prompt(task, style, one, teach, f"{seed}/{i}") for i, one in enumerate(aside)]


def tokens_of(prompts: Sequence[Prompt]) -> Tokens:
    """Return the tokens that prompts and their replies have at most, estimated."""
    return Tokens(
        sum(token_estimate(one.sent) for one in prompts), sum(one.reply_tokens for one in prompts)
    )


def prompt(
    task: Classification, style: Style, asked: Example, teach: Sequence[Example], draw: str
) -> Prompt:
    """Return the request for a row's label, after an example of each label in a drawn order."""
    rng = random.Random(draw)
    shown = []
    for label in task.labels:
        some = [one for one in teach if one.target == label]
        shown += [(rng.choice(some), label)] if some else []
    rng.shuffle(shown)
    words = " or ".join(task.labels.values())
    lines = [f"Which label is right: {words}?", ""]
    lines += [f"{_fields(one)}\nlabel: {task.labels[label]}\n" for one, label in shown]
    text = "\n".join([*lines, f"{_fields(asked)}\nlabel:"])
    if style is Style.chat:
        text += "\n\nAnswer with the label alone."
        return Prompt(text, "", (), REPLY_TOKENS, "label")
    return Prompt(text, "", ("\n",), REPLY_TOKENS, "label")


def _fields(example: Example) -> str:
    return "\n".join(f"{name}: {text[:SHOWN]}" for name, text in example.fields.items())


def similarities(
    task: Task, trials: Sequence[Trial], aside: Sequence[Example], seed: int
) -> dict[str, float]:
    """Return how like what each trial was trained on is to the gold rows that score.

    The mean over these rows of the mean of their five highest cosines (Li et al. 2023), to equal
    numbers of texts, which are drawn with the seed. Empty, and said why, where the weights of the
    encoder cannot be had: the verdict does not rest on it.
    """
    from s3.analysis.encodings import encode
    from s3.analysis.similarity import similarity_to_gold

    def texts(rows: Sequence[Example]) -> list[str]:
        return [one.fields[task.written] for one in rows]

    trained = {one.name: texts(one.train) for one in trials if one.train}
    number = min(map(len, trained.values()))
    try:
        gold = encode(texts(aside))
        return {
            name: similarity_to_gold(gold, encode(random.Random(seed).sample(some, number)))
            for name, some in trained.items()
        }
    except UserError as error:
        print(f"no similarity to gold: {first_line(error)}", file=sys.stderr)
        return {}


def verdict(trials: Mapping[str, Trial], guess: float) -> tuple[str, str]:
    """Return "worth it", "doubtful" or "not", and why. `guess` is the majority's share.

    Worth it: the LLM itself and a synthetic set are above the majority's share beyond chance (their
    intervals lie above), and the set is not beyond chance worse than the gold rows alone. Not:
    neither is above it. Doubtful: all else. What teaches although its writer cannot label may be
    what the small model knew before.
    """
    taught = max((trials[name] for name in MADE), key=lambda one: one.accuracy)
    itself, gold = trials[LLM_ITSELF], trials[GOLD]
    teaches, can = taught.bounds[0] > guess, itself.bounds[0] > guess
    behind = difference("accuracy", taught.rows, gold.rows)
    worse = behind.value < -NORMAL_95 * behind.error
    reached = f"{taught.size} {taught.name} teach {100 * taught.accuracy:.0f} %"
    guessing = f"always guessing gives {100 * guess:.0f} %"
    beside = f"{guessing}, {gold.size} gold rows {100 * gold.accuracy:.0f} %"
    if teaches and can and not worse:
        return "worth it", f"{reached}; {beside}."
    if teaches and not worse:
        return "doubtful", (
            f"{reached}; {beside}; but the LLM itself, right in {100 * itself.accuracy:.0f} %, is "
            "not beyond guessing: its labels are not to be trusted, and the small model may know "
            "most of this from before."
        )
    if teaches:
        return "doubtful", f"{reached}, beyond chance less than the gold rows alone; {beside}."
    if can:
        return "doubtful", (
            f"the LLM itself is right in {100 * itself.accuracy:.0f} %, but what it writes teaches "
            f"no more than chance: {reached}; {beside}. Other prompts may do."
        )
    return "not", f"neither the LLM nor what it writes is beyond guessing: {reached}; {beside}."


def guessed(aside: Sequence[Example]) -> float:
    """Return the share of the most frequent label."""
    return majority(aside)
