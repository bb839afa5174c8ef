"""`python -m s3 push RUN USER/NAME`: a run's model and data on the hub, with their cards."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Part(StrEnum):
    """What of a run goes up."""

    both = "both"
    model = "model"
    dataset = "dataset"


RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")]
Name = Annotated[str, typer.Argument(metavar="USER/NAME", help="Of both repositories.")]
Only = Annotated[Part, typer.Option(help="What goes up.")]
Public = Annotated[bool, typer.Option("--public", help="For all to see; else for you alone.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Upload without asking.")]


def push(
    run: RunFolder, name: Name, only: Only = Part.both, public: Public = False, yes: Yes = False
) -> None:
    """Take a run's model and data to the hub, each with its card; what goes up is listed first.

    HF_TOKEN, or `hf auth login`, says who you are.
    """
    from s3.errors import UserError
    from s3.report.hub import parcels
    from s3.report.hub import push as upload
    from s3.runs.reading import Run

    kinds = ["model", "dataset"] if only is Part.both else [only.value]
    found = list(parcels(Run.open(run), kinds))
    for parcel in found:
        print(f"{parcel.kind} {name}, {'public' if public else 'private'}:")
        for there, path in parcel.files.items():
            print(f"  {there:28} {path.stat().st_size / 1e6:9.3f} MB")
        if parcel.kind == "dataset":
            print("  its rows hold their prompts, and gold rows that were extrapolated in these")
    if not yes:
        if not sys.stdin.isatty():
            raise UserError("nothing was uploaded: --yes does it where nobody can be asked.")
        if not typer.confirm("Upload?"):
            raise UserError("nothing was uploaded.")
    for parcel in found:
        print(upload(parcel, name, public))
