"""The way out: what a connection asks of whatever sends its requests."""

from __future__ import annotations

from typing import Protocol

from s3.llm.work import Row


class Channel(Protocol):
    """Answers rows in any order, each stored before its outcome is set.

    At most `window` rows are open at a time; they come in portions of `step`.
    """

    window: int
    step: int

    def submit(self, rows: list[Row]) -> None:
        """Begin to answer rows. Raises UserError where the endpoint cannot be started."""

    def cancel(self, rows: list[Row]) -> None:
        """Give up rows that nobody waits for any more."""

    def close(self) -> None:
        """End at once; what has arrived is stored."""
