"""`python -m s3 judgements`: which tasks people call more objective; a sheet, and its ranking."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from s3.commands.analyze import Format, Output, print_rows
from s3.errors import UserError

judgements = typer.Typer(no_args_is_help=True)

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
    """How subjective tasks are, by judgements of pairs: write a sheet to fill in; rank the tasks.

    docs/analysis.md has both, step by step.
    """


@judgements.command()
def sheet(
    tasks: Annotated[
        list[str],
        typer.Argument(metavar="TASK…", help='Names, or "NAME=what is to be told of what text".'),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The sheet; instructions beside.")
    ] = Path("judgements.csv"),
    each: Annotated[
        int, typer.Option("--judgements", min=1, help="Of each pair, one a judge.")
    ] = 12,
    seed: Annotated[int, typer.Option(help="Of the order.")] = 0,
) -> None:
    """Write a CSV with a row a judgement, every pair of tasks for each judge, and instructions."""
    from s3.analysis.formats import csv_text
    from s3.analysis.judgements import sheet as rows_of
    from s3.storage import write_text

    about = dict(text.partition("=")[::2] for text in tasks)
    if len(about) < len(tasks) or len(about) < 2 or "" in about:
        raise UserError("name at least two tasks, each once: NAME or NAME=DESCRIPTION")
    if output.exists():
        raise UserError(f"{output} is there, perhaps filled in: -o FILE names another.")
    rows = rows_of(list(about), each, seed)
    listed = "\n".join(f"- **{name}**" + f": {about[name]}" * bool(about[name]) for name in about)
    beside = output.with_suffix(".md")
    write_text(output, csv_text(rows))
    write_text(beside, INSTRUCTIONS.format(sheet=output.name, tasks=listed))
    pairs = len(rows) // each
    print(f"{output}: {len(rows)} judgements, {pairs} pairs by {each} judges")
    print(f"{beside}: instructions")


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
