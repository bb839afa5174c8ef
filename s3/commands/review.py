"""`python -m s3 review RUN`: a page to decide on the synthetic rows that deserve doubt."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")]
Target = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Default: reviewed.jsonl in the run."),
]
Most = Annotated[int, typer.Option("--most", min=1, help="Rows to go through, at most.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0: a free one.")]


def review(run: RunFolder, output: Target = None, most: Most = 200, port: Port = 0) -> None:
    """Serve a page, to this machine alone, to decide on the synthetic rows that deserve doubt.

    Keep, relabel, drop or note, by the keyboard; method.reviewed=FILE is how a run takes it.
    """
    from s3.errors import UserError
    from s3.review.doubts import doubtful
    from s3.review.server import Review, review_server
    from s3.runs.reading import Run
    from s3.text import sanitised

    opened = Run.open(run)
    file = output or opened.path / "reviewed.jsonl"
    doubts, labels, missing = doubtful(opened, most)
    for reason in missing:
        print(f"without the doubts that this would show: {sanitised(reason)}", file=sys.stderr)
    review = Review(opened.name, doubts, labels, file)
    review.decisions()  # what cannot be read is said before the page opens
    if not doubts:
        print("no synthetic row of the best round deserves doubt")
        return
    try:
        server, address = review_server(review, port)
    except OSError as error:
        raise UserError(f"--port {port}: {error.strerror}") from None
    print(f"{len(doubts)} rows to review: {address}", flush=True)
    print(f"decisions: {file} (Ctrl-C ends)", flush=True)
    with server:
        server.serve_forever()
