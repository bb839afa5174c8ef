"""`python -m s3 predict RUN FILE`: what a run's model says of the rows of a file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")]
Source = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="The rows; - reads JSON Lines from standard input."),
]
Target = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help=".jsonl, .csv, .tsv, .parquet; else JSON Lines out."
    ),
]
Named = Annotated[
    list[str] | None,
    typer.Option("--columns", metavar="FIELD=COLUMN", help="The column of a text; repeatable."),
]
Prefix = Annotated[str, typer.Option(metavar="TEXT", help="Goes before the added columns' names.")]


Precision = Annotated[
    float | None,
    typer.Option(
        "--abstain", metavar="SHARE", min=0, max=1,
        help="Leave out answers so unsure that, on gold validation, less than this share is right.",
    ),
]  # fmt: skip


def predict(
    run: RunFolder,
    file: Source,
    output: Target = None,
    columns: Named = None,
    prefix: Prefix = "",
    abstain: Precision = None,
) -> None:
    """What a run's model says of the rows of a file: label, probability, that of each label.

    Reads JSON Lines, CSV, TSV, Parquet, JSON, spreadsheets and plain text, and keeps all columns.
    """
    from s3.errors import UserError
    from s3.prediction.files import Columns, predict_file
    from s3.prediction.model import load
    from s3.prediction.writing import kind_of

    pairs = dict(pair.partition("=")[::2] for pair in columns or ())
    if not all(pairs.values()):
        raise UserError("--columns: expected FIELD=COLUMN, such as --columns text=body")
    target = None if output is None or str(output) == "-" else output
    if target is not None:
        kind_of(target)  # before the weights are read
    model, threshold = load(run), 0.0
    if abstain is not None:
        found = model.abstention(abstain)
        threshold = found.threshold
        print(
            f"answers at least {threshold:.3f} sure are given: on gold validation these are "
            f"{found.coverage:.1%} of all, and {found.precision:.1%} of them are right",
            file=sys.stderr,
        )
    chosen = Columns(model, pairs, prefix, threshold)
    try:
        predict_file(chosen, None if str(file) == "-" else file, target)
    except BrokenPipeError:  # who read the output has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
