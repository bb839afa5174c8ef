"""Is this a task that synthetic data can teach? A small trial, before a whole run is paid for.

Gold validation is cut in two. By one half a model chooses its threshold or epoch, and gold alone is
learnt; the other half scores all that is tried: the LLM itself as a classifier, the small model on
a few zero-shot and on a few few-shot texts (Li et al. 2023), the small model on the gold rows of
the first half. The same texts with their labels shuffled are the control: what a model reaches that
learnt from those it has from elsewhere, as Hewitt and Liang's control tasks (EMNLP 2019) say of
probes. The test split is not looked at.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from s3.data.example import Example
from s3.data.gold import GoldData
from s3.data.splitting import parts_of
from s3.errors import UserError, first_line
from s3.llm import Completion, Prompt, Session, Style
from s3.llm.types import Tokens, token_estimate
from s3.methods import Bench, FewShot, Method, ZeroShot
from s3.methods.base import Fit
from s3.runs.counts import majority
from s3.student import Predictor, Student
from s3.tasks import Classification, Task
from s3.tasks.classification import named_label
from s3.verdict import FEW_SHOT, GOLD, LLM_ITSELF, ZERO_SHOT, Rows, Trial

LEAST = 20  # gold validation rows: half of them score
SHOWN = 400  # characters of a text that the LLM reads as an example of a label
REPLY_TOKENS = 12
SHUFFLES = 19  # of a set's labels: if the true ones beat all of them, p is 0.05
MADE = {ZERO_SHOT: ZeroShot, FEW_SHOT: FewShot}


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


@dataclass(frozen=True)
class Trainer:
    """Trains the small model on one set after the other, and scores it on the rows aside."""

    task: Classification
    student: Student
    teach: Sequence[Example]
    aside: Sequence[Example]
    seed: int
    folder: str  # for trainings, each of which is removed when it is scored

    def fit(self, train: list[Example], chooser: list[Example], **options: Any) -> Predictor:
        """Train as a method asks for it; no method that is tried weighs its rows."""
        place = Path(tempfile.mkdtemp(dir=self.folder)) / "model"
        options.pop("weights", None)
        head = self.task.head()
        return self.student.fit(head, train, chooser, seed=self.seed, folder=place, **options)

    def scored(self, name: str, model: Predictor, train: Sequence[Example]) -> Trial:
        """Return the trial of a model, whose folder is removed: it has the encoder's weights."""
        said = model.predict(list(self.aside)).answers
        shutil.rmtree(model.folder.parent)
        return Trial(name, len(train), answers(self.aside, said), train)

    def controlled(self, name: str, model: Predictor, train: Sequence[Example]) -> Trial:
        """Return the trial of a model, with what its rows teach when their labels are shuffled.

        The control is made where a training is a probe, which takes a second; of a fine-tuning it
        would take longer than all else.
        """
        scores, what = [], "training on shuffled labels"
        probes = self.student.probes(self.task.head())
        for rows in shuffled(train, self.seed) if probes else ():
            control = self.fit(rows, list(self.teach), what=what, start=None)
            scores.append(self.scored(name, control, rows).accuracy)
        return replace(self.scored(name, model, train), shuffled=scores)

    def gold(self) -> Trial:
        """Return the trial of the gold rows that teach, a fifth of which chooses."""
        fifth = len(self.teach) // 5
        chooser, train = list(self.teach[:fifth]), list(self.teach[fifth:])
        model = self.fit(train, chooser, what="training on gold", start=None)
        return self.scored(GOLD, model, self.teach)

    def bench(self, session: Session) -> Bench:
        """Return what a method works with: the gold rows that teach, and no others."""
        head, teach, fit = self.task.head(), list(self.teach), cast("Fit", self.fit)
        metric, probes = self.student.choosing_metric(head, teach), self.student.probes(head)
        return Bench(self.task, session, fit, teach, teach, self.seed, metric, probes)


def tried(trainer: Trainer, session: Session, size: int) -> Iterator[Trial]:
    """Yield the trials, one after the other; `size` texts are written by each method.

    Raises BudgetReached at a cap, which the LLM's options set.
    """
    task, teach, aside, seed = trainer.task, trainer.teach, trainer.aside, trainer.seed
    yield Trial(LLM_ITSELF, 0, answers(aside, labelled(task, session, teach, aside, seed)))
    for name, method in MADE.items():
        made = next(method(seed_size=size).run(trainer.bench(session)))
        yield trainer.controlled(name, made.predictor, made.train)
    yield trainer.gold()


def shuffled(rows: Sequence[Example], seed: int) -> Iterator[list[Example]]:
    """Yield the rows with their labels in other orders, which are drawn with the seed."""
    for draw in range(SHUFFLES):
        targets = [one.target for one in rows]
        random.Random(f"{seed}/shuffle/{draw}").shuffle(targets)
        yield [replace(one, target=target) for one, target in zip(rows, targets, strict=True)]


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


def guessed(aside: Sequence[Example]) -> float:
    """Return the share of the most frequent label."""
    return majority(aside)
