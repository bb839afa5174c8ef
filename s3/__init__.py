"""Synthesis Step by Step: an LLM writes a training set for a small model.

Finished runs as data frames: `s3.runs_df()`, `rounds_df()`, `predictions_df()`, `examples_df()`.
"""

from typing import TYPE_CHECKING, Any

from s3.autoclasses import install

if TYPE_CHECKING:
    from s3.analysis.frames import examples_df, predictions_df, rounds_df, runs_df

__version__ = "0.1.0"
__all__ = ["examples_df", "predictions_df", "rounds_df", "runs_df"]

install()


def __getattr__(name: str) -> Any:
    """Import the data frames' functions when they are first asked for: `import s3` stays quick."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from s3.analysis import frames

    return getattr(frames, name)
