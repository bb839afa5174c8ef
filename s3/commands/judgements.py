"""`python -m s3 judgements`: which tasks people or LLMs call more objective, and the ranking."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from s3.commands.analyze import Format, Output, print_rows
from s3.composing import Folder, composed_llm, spent, split_options, wrong_options
from s3.errors import UserError

judgements = typer.Typer(no_args_is_help=True)

Tasks = Annotated[
    list[str],
    typer.Argument(metavar="TASK…", help='Names, or "NAME=what is to be told of what text".'),
]
Each = Annotated[int, typer.Option("--judgements", min=1, help="Of each pair, one a judge.")]
Seed = Annotated[int, typer.Option(help="Of the order.")]

INSTRUCTIONS = """\
# Which task is more objective?

Each row of {sheet} names two tasks of labelling texts. Say which is more objective:
the one where the right label follows from the text by clear criteria, so that careful people who
do not know each other would give the same. It is the more subjective one where the label hangs on
taste, feelings, opinions or the reader's background.

- Write **a** or **b** into the column winner. There is no tie: take the one you lean to.
- A row has a judge's number. Each judge fills the rows with one number only, alone, from the top
  down, without going back. A name in place of the number will do, the same in all those rows.
- Judge the tasks, not how hard they are: a hard sum is still objective.
- Leave a row empty where you do not know what a task is.

## The tasks
{tasks}
"""


@judgements.callback()
def opening() -> None:
    """How subjective tasks are, by judgements of pairs: of people, or of an LLM; rank the tasks.

    docs/analysis.md has it step by step.
    """


@judgements.command()
def sheet(
    tasks: Tasks,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The sheet; instructions beside.")
    ] = Path("judgements.csv"),
    each: Each = 12,
    seed: Seed = 0,
) -> None:
    """Write a CSV with a row a judgement, every pair of tasks for each judge, and instructions."""
    from s3.analysis.formats import csv_text
    from s3.analysis.judgements import sheet as rows_of
    from s3.storage import write_text

    about = _about(tasks)
    _refuse_existing(output)
    rows = rows_of(list(about), each, seed)
    listed = "\n".join(f"- **{name}**" + f": {about[name]}" * bool(about[name]) for name in about)
    beside = output.with_suffix(".md")
    write_text(output, csv_text(rows))
    write_text(beside, INSTRUCTIONS.format(sheet=output.name, tasks=listed))
    pairs = len(rows) // each
    print(f"{output}: {len(rows)} judgements, {pairs} pairs by {each} judges")
    print(f"{beside}: instructions")


@judgements.command()
def page(
    tasks: Tasks,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The page.")
    ] = Path("judge.html"),
    each: Each = 12,
    seed: Seed = 0,
) -> None:
    """Write the same sheet as a page to send to judges: one file, that works without a network.

    Each judge opens it in a browser, takes the number that they were given, and saves a CSV.
    """
    from s3.analysis.judgements import sheet as rows_of
    from s3.report.page import write_page

    about = _about(tasks)
    rows = rows_of(list(about), each, seed)
    judges = list(dict.fromkeys(row["judge"] for row in rows))
    content = {"rows": rows, "about": about}
    title = "Which task is more objective?"
    write_page(output, "judge.html", title=title, judges=judges, content=content)
    pairs = len(rows) // each
    print(f"{output}: {pairs} pairs for each of {each} judges; give each a number, 1 to {each}")


def _about(tasks: list[str]) -> dict[str, str]:
    """Return what is to be told of each task, by its name."""
    about = dict(text.partition("=")[::2] for text in tasks)
    if len(about) < len(tasks) or len(about) < 2 or "" in about:
        raise UserError("name at least two tasks, each once: NAME or NAME=DESCRIPTION")
    return about


def _refuse_existing(output: Path) -> None:
    if output.exists():
        raise UserError(f"{output} is there, perhaps filled in: -o FILE names another.")


@judgements.command()
def ask(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="TASK… llm=NAME…", help="Tasks as for a sheet; options of the LLM as for a run."
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The sheet, filled in.")
    ] = Path("llm_judgements.csv"),
    config_dir: Folder = None,
) -> None:
    """Let an LLM fill in a sheet: every pair in six wordings, each in both orders.

    It is asked at temperature 0, and what it said is stored: asked again, it costs nothing.
    """
    from s3.analysis.formats import csv_text
    from s3.judges import judged
    from s3.llm import Session
    from s3.storage import write_text

    tasks, options = split_options(words)
    about = _about(tasks)
    _refuse_existing(output)
    with wrong_options():
        llm = composed_llm(["llm.temperature=0", *options], config_dir)
    with Session(llm, seed=0) as session:
        rows = list(judged(session, about))
    write_text(output, csv_text(rows))
    empty = sum(not row["winner"] for row in rows)
    print(f"{output}: {len(rows)} judgements by {session.model}; {empty} replies named no task")
    print(spent(session.usage))


@judgements.command()
def rank(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Sheets that are filled in.")
    ],
    output: Output = Format.table,
) -> None:
    """Rank the tasks, the most objective first: win rates, Bradley and Terry's strengths.

    With 95 % intervals, how far the judges agree, and whether they prefer what they saw first.
    """
    from s3.analysis import rankings as of
    from s3.analysis.judgements import read_judgements

    found, empty = read_judgements(files)
    ranked = of.ranking(found)
    print_rows(output, [of.record(one) for one in ranked], of.cells(ranked), {"task"})
    for line in of.findings(found, empty):
        print(line, file=sys.stderr if output is not Format.table else sys.stdout)
