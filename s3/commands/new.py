"""`python -m s3 new FILE`: a task from a file of rows, labelled or not, ready to run."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3.composing import composed
from s3.errors import UserError
from s3.storage import OWN

if TYPE_CHECKING:
    from s3.starting.task import NewTask

File = Annotated[Path, typer.Argument(metavar="FILE", help="Rows, labelled or not.")]
Column = typer.Option(metavar="COLUMN", help="The column; guessed where it is left out.")
Given = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="A text that is kept, beside --text; repeatable."),
]
About = Annotated[str, typer.Option(metavar="TEXT", help="What the texts are, in plural.")]
Named = Annotated[
    str, typer.Option(metavar="0=bad,1=good", help="What labels mean; for numbers needed.")
]
Unlabelled = Annotated[
    str, typer.Option(metavar="bad,good", help="The labels, where the rows have none.")
]
Language = Annotated[str | None, typer.Option(help="Of the texts; guessed where left out.")]
Test = Annotated[Path | None, typer.Option(metavar="FILE", help="Rows that only score.")]
Name = Annotated[str | None, typer.Option(help="The task's name; else the file's.")]
Into = Annotated[Path, typer.Option(metavar="DIR", help="The folder of option files.")]


def new(
    file: File,
    text: Annotated[str | None, Column] = None,
    label: Annotated[str | None, Column] = None,
    given: Given = None,
    about: About = "",
    label_names: Named = "",
    labels: Unlabelled = "",
    language: Language = None,
    test: Test = None,
    name: Name = None,
    into: Into = OWN,
) -> None:
    """A task from a file of rows: split, prompts, what a run would ask for.

    Reads CSV, TSV, JSON Lines, JSON (a list, SQuAD's form), Parquet and spreadsheets. Asks for what
    it cannot guess, where a terminal is there.
    """
    named = label_names, labels
    task = looked_at(file, text, label, given or [], about, named, language, test, name)
    paths = task.write(into / "task")
    for what, said in report(task):
        print(f"{what:10} {said}")
    print(f"{'written':10} {', '.join(map(str, paths.values()))}\n", flush=True)
    how = " method=zeroshot method.seed=labelled" if task.unlabelled else ""
    rehearse(task.name, into, how.split())
    where = "" if into == OWN else f" --config-dir={into}"
    print(
        f"\nNext: s3 preview{where} task={task.name}{how}   eight replies to each prompt\n"
        f"      s3 run{where} task={task.name}{how}"
    )


def looked_at(
    file: Path,
    text: str | None,
    label: str | None,
    given: Sequence[str],
    about: str,
    named: tuple[str, str],
    language: str | None,
    test: Path | None,
    name: str | None,
) -> NewTask:
    """Return the task that a file makes. Raises UserError where the file or an option is wrong.

    `named` says what labels mean, as `--label-names`, and those of rows without any, as `--labels`.
    """
    from s3.data.files import read_file
    from s3.starting.columns import columns_of, label_values
    from s3.starting.language import language_of
    from s3.starting.task import NewTask, labelled, names_of, wording

    rows = [row for _, row in read_file(file)]
    if not rows:
        raise UserError(f"{file} holds no rows.")
    unlabelled = list(filter(None, map(str.strip, named[1].split(","))))
    if len(unlabelled) == 1 or (unlabelled and (label or named[0])):
        raise UserError(f"--labels {named[1]}: two or more, for rows that have none.")
    columns = columns_of(rows, text, label, given, ask, labelled=not unlabelled)
    if columns.questions:
        values, labels = Counter[str](), dict[str, str]()
    elif unlabelled:
        values, labels = Counter(unlabelled), {one: one for one in unlabelled}
    else:
        values = label_values(rows, columns.label)
        labels = names_of(values, columns.label, pairs(named[0]))
    kept = labelled(rows, columns, values)
    spoken = language or language_of(str(row[columns.text]) for row in kept[:500])
    about = about or (ask("What are these texts, in a few words (complaints to a bank)", ()) or "")
    called = re.sub(r"[^\w-]+", "_", name or file.name.partition(".")[0]).strip("_") or "mine"
    tests = [row for _, row in read_file(test)] if test else []
    return NewTask(
        called, columns, labels, wording(columns, about, spoken), kept,
        labelled(tests, columns, values), bool(unlabelled),
    )  # fmt: skip


def ask(question: str, answers: Sequence[str]) -> str | None:
    """Ask the person at the terminal; None where there is none."""
    if not at_terminal():
        return None
    shown = f"{question} ({', '.join(answers)})" if answers else question
    answer: str = typer.prompt(shown, default=answers[0] if answers else "", err=True)
    return answer or None


def at_terminal() -> bool:
    """Say whether a person can be asked."""
    return sys.stdin.isatty()


def pairs(text: str) -> dict[str, str]:
    """Return `0=bad,1=good` as a mapping. Raises UserError for another form."""
    found = dict(one.partition("=")[::2] for one in text.split(",") if one.strip())
    if not all(map(str.strip, found.values())):
        raise UserError(f"--label-names {text}: expected VALUE=NAME,VALUE=NAME (0=bad,1=good).")
    return {value.strip(): name.strip() for value, name in found.items()}


def report(task: NewTask) -> list[tuple[str, str]]:
    """Return what was found, a line each."""
    from s3.starting.columns import label_text

    columns, splits = task.columns, task.splits()
    guessed = f" ({' and '.join(columns.guessed)} guessed)" if columns.guessed else ""
    shown = ", ".join(filter(None, [*columns.given, columns.text, columns.label]))
    counts: Mapping[str, int] = Counter(
        task.labels.get(label_text(row.get(columns.label)), "")
        for row in task.rows
        if task.labels and not task.unlabelled
    )
    low, _, half, _, high = task.lengths
    found = [("columns", shown + guessed)]
    if counts:
        found.append(("labels", ", ".join(f"{one} {count}" for one, count in counts.items())))
    found.append(("language", task.wording.language))
    found.append(("length", f"{half} words, nine in ten {low} to {high}"))
    sizes = ", ".join(f"{role} {len(rows)}" for role, rows in splits.items())
    if task.unlabelled:
        sizes += f"; the labels are {', '.join(task.labels)}, and no row has one"
    elif "test" not in splits:
        sizes += "; too few rows to keep some aside: scores are cross-validated"
    return [*found, ("split", sizes)]


def rehearse(name: str, into: Path, how: Sequence[str]) -> None:
    """Show what a run of the task would ask for, by a dry run."""
    from s3.runs.dryrun import show

    made = composed([f"task={name}", *how, "dry_run=true"], into)
    method, llm = (made.choices[group] for group in ("method", "llm"))
    print(f"What task={name} method={method} llm={llm} would ask for:")
    show(*made.experiment.rehearsal(made.choices), prompts=False)
