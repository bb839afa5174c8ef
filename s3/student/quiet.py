"""Lightning's remarks on devices, workers and loggers, kept out of the user's terminal."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

LOGGERS = [
    logging.getLogger(name)
    for name in ("pytorch_lightning", "lightning_fabric", "lightning.pytorch", "lightning.fabric")
]


@contextmanager
def quiet() -> Iterator[None]:
    """Let nothing but errors be reported while the block runs."""
    levels = [logger.level for logger in LOGGERS]
    with warnings.catch_warnings():
        mute()
        try:
            yield
        finally:
            for logger, level in zip(LOGGERS, levels, strict=True):
                logger.setLevel(level)


def mute() -> None:
    """Let nothing but errors be reported from now on: in a process that only trains."""
    warnings.simplefilter("ignore")
    for logger in LOGGERS:
        logger.setLevel(logging.ERROR)
