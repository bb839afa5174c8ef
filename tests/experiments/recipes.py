"""What the recipes of `experiments/` ask for: the jobs that a `run.sh` would start, one by one."""

from __future__ import annotations

import json
import os
import subprocess
from itertools import product
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser

from tests.runs.helpers import ROOT

CONF = ROOT / "experiments" / "conf"
RECIPES = sorted(path.parent.name for path in (ROOT / "experiments").glob("*/run.sh")
                 if "recipe.sh" in path.read_text())  # fmt: skip
# In place of python: writes down what it was called with, and makes nothing.
SHIM = """#!/bin/sh
exec "$REAL_PYTHON" -c 'import json, sys; print(json.dumps(sys.argv[1:]))' "$@" >> "$RECORD"
"""
Job = tuple[str, ...]  # its options


def jobs(recipe: str, size: str, folder: Path) -> list[Job]:
    """Return the jobs of all sweeps of a recipe; `folder` is for scratch files.

    Those that need a finished run are there if it lies in `folder/runs`, where all are to be made.
    """
    import sys

    shim, record = folder / "python", folder / "record"
    shim.write_text(SHIM)
    shim.chmod(0o755)
    record.write_text("")
    environment = {
        **os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "REAL_PYTHON": sys.executable,
        "RECORD": str(record), "DATA": str(folder), "SEEDS": "0",
    }  # fmt: skip
    command = [
        "bash",
        str(ROOT / "experiments" / recipe / "run.sh"),
        size,
        f"root={folder / 'runs'}",
    ]
    subprocess.run(command, env=environment, check=True, capture_output=True, cwd=folder)
    called = [json.loads(line) for line in record.read_text().splitlines()]
    return [job for one in called if one[0] == "run.py" for job in expanded(one[1:])]


def expanded(arguments: list[str]) -> list[Job]:
    """Return each combination of a sweep's options."""
    options = [one for one in arguments if not one.startswith("-")]
    parsed = OverridesParser.create().parse_overrides(options)
    each = [
        [f"{one.get_key_element()}={value}" for value in one.sweep_string_iterator()]
        if one.is_sweep_override()
        else [str(one.input_line)]
        for one in parsed
    ]
    return list(product(*each))
