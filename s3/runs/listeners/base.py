"""Listeners: objects that are told what happens in a run; one that fails harms neither the run
nor the others.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from s3.errors import first_line
from s3.runs.folder import MetricsRow, RunFolder
from s3.runs.reading import Run
from s3.secrets import hidden
from s3.text import sanitised


class Listener:
    """Hears of a run; each method does nothing unless a listener says otherwise.

    The order is `started`, for each round `epoch` for each epoch that is trained now and `round`
    (rounds of an interrupted run again when it is continued), then `finished`, or `stopped` where
    the run ended without a result. What a round has beside its metrics is in the run's folder:
    `FinishedRound(Run(run), index)` reads it.
    """

    name = "listener"

    def started(self, run: RunFolder, config: Mapping[str, Any], about: Mapping[str, Any]) -> None:
        """The run begins or continues, with this composed configuration.

        `about` has the option chosen for each group, the seed, and as `options` what differs from
        the defaults.
        """

    def epoch(self, index: int, history: Sequence[Mapping[str, float]]) -> None:
        """An epoch of a round's training has ended; `history` has a row an epoch so far.

        Of a probe there are none, nor of what is trained in processes of its own.
        """

    def round(self, index: int, row: MetricsRow) -> None:
        """A round is trained, scored and written down."""

    def finished(self, summary: Mapping[str, Any]) -> None:
        """All rounds are done; data and model are in the folder.

        `summary` has what `about` has, the rows of the rounds, and which of them ships.
        """

    def stopped(self) -> None:
        """The run ends here without a result."""


class Listeners(Listener):
    """Several listeners as one: each is told in turn.

    One that raises is left out from then on, and that is said in a line; a run never ends for it.
    """

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self.listening = list(listeners)

    def started(self, run: RunFolder, config: Mapping[str, Any], about: Mapping[str, Any]) -> None:
        """Tell all."""
        self._tell(lambda one: one.started(run, config, about))

    def epoch(self, index: int, history: Sequence[Mapping[str, float]]) -> None:
        """Tell all."""
        self._tell(lambda one: one.epoch(index, history))

    def round(self, index: int, row: MetricsRow) -> None:
        """Tell all."""
        self._tell(lambda one: one.round(index, row))

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
                reason = sanitised(hidden(first_line(error)))
                print(
                    f"{listener.name} failed and is left out from here on: {reason} "
                    "(the run goes on)",
                    file=sys.stderr,
                    flush=True,
                )


def retell(run: Run, listener: Listener) -> None:
    """Tell a listener of a finished run as if it had run just now."""
    listener.started(run.folder, run.config, run.summary)
    for round_ in run.rounds:
        listener.round(round_.index, round_.row)
    listener.finished(run.summary)
