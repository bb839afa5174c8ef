"""Runs `run.py` within the test's own process: a command line a fifth of a second."""

from __future__ import annotations

import contextlib
import io
import runpy
from dataclasses import dataclass
from unittest.mock import patch

from tests.runs.helpers import ROOT


@dataclass(frozen=True)
class Done:
    """How a command ended: its exit status and what it printed."""

    status: object
    output: str
    errors: str


def run_py(*arguments: str) -> Done:
    """Run a command line of `run.py`. Raises what ends it other than an exit."""
    output, errors = io.StringIO(), io.StringIO()
    with (
        patch("sys.argv", ["run.py", *arguments]),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
    ):
        try:
            runpy.run_path(str(ROOT / "run.py"), run_name="__main__")
        except SystemExit as ended:
            return Done(ended.code, output.getvalue(), errors.getvalue())
    raise AssertionError("run.py ended without an exit status")
