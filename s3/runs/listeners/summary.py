"""The folder's summary: written last, it marks the run as finished."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from s3.runs.folder import RunFolder
from s3.runs.listeners.base import Listener


class Summary(Listener):
    """Writes `summary.json`."""

    name = "summary"

    def started(self, run: RunFolder, config: Mapping[str, Any], about: Mapping[str, Any]) -> None:
        """Keep the folder."""
        self._run = run

    def finished(self, summary: Mapping[str, Any]) -> None:
        """Write the summary."""
        self._run.write_summary(summary)
