"""What can go wrong between a prompt and its completion: a class for each way to deal with it."""

# ruff: noqa: N818 - each is named for what happened, and none is passed off as something else.

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from s3.errors import UserError
from s3.llm.types import Failure


class BudgetReached(UserError):
    """A hard cap of the run; what is paid for is stored, a higher cap continues."""


class TooManyFailures(UserError):
    """More prompts failed than are tolerated; `failures` has them all."""

    def __init__(self, failures: Sequence[Failure], what: str) -> None:
        causes = Counter(failure.reason for failure in failures)
        listed = ", ".join(f"{count} {reason}" for reason, count in causes.most_common())
        super().__init__(
            f"{what}: {len(failures)} prompts got no completion ({listed}). "
            f"Last: {failures[-1].detail[:200]}. All others are stored: the same command asks "
            "for the missing ones only; llm.tolerated_failures lets a run go on without them."
        )
        self.failures = list(failures)


class StoreError(UserError):
    """The store of completions cannot be read or written just now."""


class Fault(Exception):
    """The endpoint or the way to it failed this once: a bounded number of retries."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class RateLimited(Exception):
    """HTTP 429. `wait` is the time to stay away in seconds, None where the endpoint is silent.

    `said` are its words.
    """

    def __init__(self, wait: float | None, said: str = "") -> None:
        super().__init__(wait)
        self.wait, self.said = wait, said


class Unfit(Exception):
    """This prompt will not be answered ("too_long", "declined"...): its request is given up."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class NoRoom(Unfit):
    """Thoughts used up all of a reply's tokens: it may be asked once more with more room."""

    def __init__(self, detail: str) -> None:
        super().__init__("reasoning", detail)


class Refused(UserError):
    """The endpoint takes no request with these fields: it may be asked without them.

    Without fields it is not known what is wrong with the request.
    """

    def __init__(self, fields: tuple[str, ...], said: str) -> None:
        super().__init__(said)
        self.fields = fields


class NothingUsable(UserError):
    """None of the first replies is of use: more of them would be paid for nothing."""
