"""`python -m s3 export RUN`: a run's model as ONNX, checked against itself, or as it lies there."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from s3.data import Example
    from s3.prediction.model import Model
    from s3.runs.reading import Run


class Form(StrEnum):
    """What a model is written as."""

    onnx = "onnx"
    safetensors = "safetensors"


RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")]
Target = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="DIR", help="By default RUN/onnx.")
]
To = Annotated[Form, typer.Option(help="onnx: fp32 and int8; safetensors: as transformers loads.")]
ALIKE = 0.995  # share of equal labels below which it is said that a file answers otherwise
ROWS = 1000  # that a file is checked on, at most


def export(run: RunFolder, output: Target = None, to: To = Form.onnx) -> None:
    """A run's model for other programs; says how large, how fast and how alike each file is."""
    from s3.errors import UserError
    from s3.prediction import export as exporting
    from s3.prediction.model import load
    from s3.runs.reading import Run

    opened, model = Run.open(run), load(run)
    folder = output or opened.path / to.value
    if to is Form.safetensors:
        if folder.exists():
            raise UserError(f"{folder} is there already: nothing was written.")
        model.predictor.save(folder)
        print(folder)
        return
    exporting.export(model, folder)
    examples, where = labelled(opened, model)
    found = list(exporting.check(model, folder, examples))
    print(f"{len(examples)} rows of {where}:")
    head = f"{'file':18}{'MB':>8}{'accuracy':>10}{'labels equal':>14}"
    print(f"{head}{'largest difference':>20}{'rows/s':>10}")
    for one in found:
        print(
            f"{one.name:18}{one.size / 1e6:8.1f}{one.right:10.1%}{one.equal:14.1%}"
            f"{one.apart:20.4f}{one.speed:10.0f}"
        )
        if one.equal < ALIKE:
            print(
                f"{one.name}: fewer than {ALIKE:.1%} of its labels are the torch model's",
                file=sys.stderr,
            )
    print(folder)


def labelled(run: Run, model: Model) -> tuple[Sequence[Example], str]:
    """Return rows to check on, and what they are: gold validation, or synthetic rows."""
    from s3.errors import UserError

    try:
        seed = int(run.summary.get("seed", 0))
        if found := model.task.load(seed).validation[:ROWS]:
            return found, "gold validation"
    except UserError:  # the files are elsewhere by now
        pass
    return run.examples[:ROWS], "the run's synthetic data"
