"""The listener that reports a run to W&B.

It never ends a run. Where W&B cannot be reached, or refuses the key, the run is kept offline in its
folder, to be sent later. Data and model are logged from where they lie: no copy is made of them, so
`wandb sync` finds them as long as the run's folder is where it was.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from s3.errors import first_line
from s3.runs.checksums import mapping
from s3.runs.doubts import doubtful
from s3.runs.folder import CHOICES, REPORT, TRACKED, MetricsRow, RunFolder
from s3.runs.listeners.base import Listener
from s3.runs.listeners.wandb import tables
from s3.runs.listeners.wandb.artifacts import log_artifacts
from s3.runs.listeners.wandb.settings import (
    KEY,
    Wandb,
    arguments,
    destination,
    import_wandb,
)
from s3.runs.reading import FinishedRound, Run
from s3.runs.rows import shipped
from s3.storage import write_json

REACHED = 30.0  # seconds in which W&B must answer at a run's start
SENT = 300.0  # seconds at a run's end in which everything must have arrived there


class Tracker(Listener):
    """Reports a run to W&B: a row a round, its epochs as they end, what stands beside the rows.

    The attempt's name is the W&B run's id, so a continued run is one there, and one begun afresh
    is another, with rows of its own. What W&B has already is not told again.
    """

    name = "W&B"

    def __init__(self, settings: Wandb) -> None:
        self.settings = settings
        self._open: Any = None  # the run as W&B has it
        self._defined: set[str] = set()

    def started(self, run: RunFolder, config: Mapping[str, Any], about: Mapping[str, Any]) -> None:
        """Open the W&B run; offline where it cannot be opened there."""
        self._run = Run(run)
        choices = {part: about[part] for part in CHOICES if part in about}
        given = arguments(self.settings, run, about)
        given |= {"config": {**config, "choices": choices}}
        try:
            self._open = _init(given)
        except Exception as error:  # of the network, the account, the key
            if given["mode"] in ("offline", "disabled"):
                raise
            print(
                f"W&B: {first_line(error).rstrip('.')}. This run is kept offline in its folder.",
                file=sys.stderr,
            )
            key = os.environ.pop(KEY, None)  # a malformed one is refused offline, too
            try:
                import wandb

                wandb.teardown()  # its service holds the run's name
                self._open = _init({**given, "mode": "offline"})
            finally:
                os.environ.update({KEY: key} if key is not None else {})

    def epoch(self, index: int, history: Sequence[Mapping[str, float]]) -> None:
        """Log the epochs that are new, on an axis of the round's own."""
        name = f"round_{index:02d}"
        self._put_on_axis([f"{name}/*"], f"{name}/epoch")
        known = self._open.summary.get(f"{name}/epoch", -1)
        for row in history:
            if row["epoch"] > known:
                self._open.log({f"{name}/{key}": value for key, value in row.items()})

    def round(self, index: int, row: MetricsRow) -> None:
        """Log a round's row and what stands beside it; first, epochs not heard of live."""
        round_, name = FinishedRound(self._run, index), f"round_{index:02d}"
        self.epoch(index, round_.epochs)
        if index < self._open.summary.get("rounds", 0):
            return
        beside = tables.distributions(round_)
        if self.settings.artifacts:
            beside[f"{name}/additions"] = tables.additions(round_)
            beside[f"{name}/mistakes"] = tables.mistakes(round_)
            if chart := tables.confusion(round_):
                beside[f"{name}/confusion"] = chart
        parts = (key.partition("/") for key in [*row, "lengths", "confidences"])
        self._put_on_axis((f"{part}/*" if sub else part for part, _, sub in parts), "round")
        self._open.log({"round": index, **row, **beside})
        self._open.summary["rounds"] = index + 1

    def finished(self, summary: Mapping[str, Any]) -> None:
        """Make what ships the summary; log the run's page, its data sets and its model."""
        shown = told(summary)
        logged = set(dict(self._open.summary)) & {key for row in summary["rounds"] for key in row}
        # A key that only another round has is not the shipped round's: it would mix the two.
        self._open.summary.update({**dict.fromkeys(logged - set(shown)), **shown})
        self._open.summary["doubts"] = "\n".join(doubtful(self._run))
        if self.settings.artifacts and not self._open.disabled:
            try:
                self._log_products(summary)
            except Exception as error:  # the rows are there, and shall arrive
                print(
                    f"W&B: data and model are not logged: {first_line(error).rstrip('.')}",
                    file=sys.stderr,
                )
        self._open.finish()
        place = f"wandb sync {Path(self._open.dir).parent}" if self._open.offline else ""
        reported = mapping(self._run.path / TRACKED).get("told", [])
        if not self._open.disabled:
            reported = sorted({*reported, destination(self.settings, self._run.folder)})
        where = place or self._open.url or "W&B disabled"
        write_json(self._run.path / TRACKED, {"where": where, "told": reported})

    def _log_products(self, summary: Mapping[str, Any]) -> None:
        import wandb

        page = self._run.path / REPORT
        if page.exists():  # as it is: W&B would have it ask for a style sheet
            self._open.log({"report": wandb.Html(str(page), inject=False)})
        log_artifacts(self._open, self._run, summary)

    def stopped(self) -> None:
        """Close the W&B run as failed."""
        if self._open:
            self._open.finish(exit_code=1)

    def _put_on_axis(self, names: Iterable[str], axis: str) -> None:
        """Have metrics drawn against another; globs may not meet, W&B would take either."""
        for name in dict.fromkeys(names):
            if name not in self._defined:
                self._open.define_metric(name, step_metric=axis, step_sync=False)
                self._defined.add(name)


def _init(given: Mapping[str, Any]) -> Any:
    wandb = import_wandb()
    quiet = wandb.Settings(silent=True, console="off", init_timeout=REACHED, finish_timeout=SENT)
    return wandb.init(**given, settings=quiet)


def told(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the W&B run's summary says: what ships, and the trainings beside the rounds."""
    beside = {
        f"{name}/{metric}": value
        for name in ("gold", "with_gold")
        for metric, value in summary.get(name, {}).items()
    }
    best, ships = summary["best_round"], summary.get("ships", "round")
    return {**shipped(summary), **beside, "round": best, "best_round": best, "ships": ships}
