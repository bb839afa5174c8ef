"""The verdict of `s3 feasible` on tasks of which whole runs are known.

`python experiments/feasible/run.py --data DATA tweet_emotion qnli`

In place of zero-shot and few-shot texts it takes those that ZeroGen and S3 have written in
`experiments/table2`, in small (seed 0), so that the verdict is on the very texts that the runs
learnt from; what is stored is not asked again. Texts that share a given passage with the rows that
score are left out. The LLM's own labels are asked for.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from s3.commands.feasible import show
from s3.composing import composed
from s3.data.example import Example
from s3.feasibility import Trainer, answers, guessed, halves, labelled
from s3.llm import Session
from s3.verdict import FEW_SHOT, LLM_ITSELF, ZERO_SHOT, Trial, verdict

CONF = Path(__file__).parents[1] / "conf"
WRITERS = {ZERO_SHOT: "zerogen", FEW_SHOT: "s3_mixed"}  # whose texts stand for these sets


def experiment(task: str, method: str, options: Sequence[str]) -> Any:
    """Return the experiment of `table2`, in small."""
    return composed([f"task={task}", f"method={method}", "preset=small", *options], CONF).experiment


def apart(rows: Sequence[Example], aside: Sequence[Example], given: Sequence[str]) -> list[Example]:
    """Return the rows that share no given text with those aside."""
    seen = {one.fields[name] for one in aside for name in given}
    return [one for one in rows if not seen & {one.fields[name] for name in given}]


def trials_of(task: str, options: Sequence[str]) -> Iterator[tuple[str, Trial]]:
    """Yield the trials of a task by the names that the rule knows them by."""
    first = experiment(task, "zerogen", options)
    gold = first.task.load(first.seed)
    teach, aside = halves(gold, first.task, first.seed)
    with tempfile.TemporaryDirectory() as place, Session(first.llm, first.seed) as session:
        trainer = Trainer(first.task, first.model, teach, aside, first.seed, place)
        said = labelled(first.task, session, teach, aside, first.seed)
        yield LLM_ITSELF, Trial(LLM_ITSELF, 0, answers(aside, said))
        bench = replace(trainer.bench(session), validation=gold.validation, train=gold.train)
        for name, method in WRITERS.items():
            one = experiment(task, method, options)
            rows = apart(next(one.method.run(bench)).train, aside, first.task.given)
            model = trainer.fit(rows, list(teach), what=f"training on {method}", start=None)
            yield name, trainer.controlled(f"{method}'s texts", model, rows)
        yield "gold rows alone", trainer.gold()


def main() -> None:
    """Print the trials and the verdict of each task."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="+", help="Tasks; options as for a run, such as seed=1.")
    parser.add_argument("--data", required=True, type=Path)
    given = parser.parse_args()
    options = [word for word in given.words if "=" in word]
    for task in (word for word in given.words if "=" not in word):
        trials = dict(trials_of(task, [f"task.gold.files.path={given.data.resolve()}", *options]))
        print(f"\n{task}")
        show([*trials.values()], {})
        labels = [Example({}, row["target"]) for row in trials[LLM_ITSELF].rows]
        print(": ".join(verdict(trials, guessed(labels))), flush=True)


if __name__ == "__main__":
    main()
