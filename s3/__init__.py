"""Synthesis Step by Step: an LLM writes a training set for a small model.

An experiment: `s3.run(task=..., method=...)`. Finished runs as data frames: `s3.runs_df()`,
`rounds_df()`, `epochs_df()`, `predictions_df()`, `examples_df()`, and `measures_df()` of what their
data are like; `real_rows_df()`, how many real rows alone they are worth. The model that one ships:
`s3.load(folder)`, with `predict(texts)` and `predict_proba(texts)`.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from s3.autoclasses import install

if TYPE_CHECKING:
    from s3.analysis.frames import epochs_df, examples_df, predictions_df, rounds_df, runs_df
    from s3.analysis.measures import measures_df
    from s3.analysis.real_rows import real_rows_df
    from s3.prediction.model import load
    from s3.running import run

__version__ = "0.1.0"
__all__ = [
    "epochs_df",
    "examples_df",
    "load",
    "measures_df",
    "predictions_df",
    "real_rows_df",
    "rounds_df",
    "run",
    "runs_df",
]
PLACES = {
    "load": "s3.prediction.model",
    "measures_df": "s3.analysis.measures",
    "real_rows_df": "s3.analysis.real_rows",
    "run": "s3.running",
}

install()

# Threads of torch and of the embedded LLM wait asleep: those that spin take the cores from each
# other as soon as anything else runs on the machine. Read when the libraries are loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def __getattr__(name: str) -> Any:
    """Import a function when it is first asked for: `import s3` stays quick."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(PLACES.get(name, "s3.analysis.frames")), name)
