"""The provider's batch API: half the price, an answer within a day."""

from __future__ import annotations

from s3.errors import UserError
from s3.llm.work import Row, Work


class Batches:
    """A channel that sends rows as files of many requests."""

    window = 50_000
    step = 50_000

    def __init__(self, work: Work, poll_seconds: float) -> None:
        self._work = work

    def submit(self, rows: list[Row]) -> None:
        """Not there yet."""
        raise UserError("llm=openai_batch is not built yet: use llm=openai.")

    def cancel(self, rows: list[Row]) -> None:
        """Nothing is open."""

    def close(self) -> None:
        """Nothing is open."""
