"""Listeners: objects that are told what happens in a run; one that fails harms neither the run
nor the others.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from s3.errors import first_line
from s3.methods import Round
from s3.runs.folder import MetricsRow, RunFolder
from s3.text import sanitised


class Listener:
    """Hears of a run; each method does nothing unless a listener says otherwise.

    The order is `started`, `round` for each round (those of an interrupted run again when it is
    continued), then `finished`, or `stopped` where the run ended without a result.
    """

    name = "listener"

    def started(self, run: RunFolder, config: Mapping[str, Any]) -> None:
        """The run begins or continues, with this composed configuration."""

    def round(self, round_: Round, row: MetricsRow) -> None:
        """A round is trained, scored and written down."""

    def finished(self, summary: Mapping[str, Any]) -> None:
        """All rounds are done; data and model are in the folder."""

    def stopped(self) -> None:
        """The run ends here without a result."""


class Listeners(Listener):
    """Several listeners as one: each is told in turn.

    One that raises is left out from then on, and that is said in a line; a run never ends for it.
    """

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self.listening = list(listeners)

    def started(self, run: RunFolder, config: Mapping[str, Any]) -> None:
        """Tell all."""
        self._tell(lambda one: one.started(run, config))

    def round(self, round_: Round, row: MetricsRow) -> None:
        """Tell all."""
        self._tell(lambda one: one.round(round_, row))

    def finished(self, summary: Mapping[str, Any]) -> None:
        """Tell all."""
        self._tell(lambda one: one.finished(summary))

    def stopped(self) -> None:
        """Tell all."""
        self._tell(lambda one: one.stopped())

    def _tell(self, what: Callable[[Listener], None]) -> None:
        for listener in list(self.listening):
            try:
                what(listener)
            except Exception as error:  # whatever it is, it is the listener's own
                self.listening.remove(listener)
                reason = first_line(error)
                print(
                    f"{listener.name} failed and is left out from here on: {sanitised(reason)} "
                    "(the run goes on)",
                    file=sys.stderr,
                    flush=True,
                )
