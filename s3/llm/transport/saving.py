"""Stores what arrives, many replies at once, and sees a store through that is locked or full."""

from __future__ import annotations

import asyncio
import sys
import time

from s3.llm.errors import StoreError
from s3.llm.limits import LearntRate
from s3.llm.store import Account, Payment, Store

STORING = 300.0  # seconds for which a store that is locked or full is tried again
AGAIN = 1.0  # seconds between two tries
PATIENCE = 1.0  # seconds for which one try waits for another process: the loop stands still then


class Saving:
    """The payments of one account, on their way to the store; used inside one event loop.

    `rate` is paused while storing fails: what cannot be stored is not to be paid for.
    """

    def __init__(self, store: Store, account: Account, rate: LearntRate) -> None:
        self._store, self._account, self._rate = store, account, rate
        self._unsaved: list[tuple[Payment, asyncio.Future[None]]] = []
        self._next: asyncio.TimerHandle | None = None  # try
        self._stuck: float | None = None  # since when storing fails

    async def save(self, payment: Payment) -> None:
        """Store; whatever arrives in one turn of the loop is one transaction."""
        saved: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._unsaved.append((payment, saved))
        self._commit_in(0.0)
        await saved

    def close(self) -> None:
        """Try once more to store what is left; say what is lost."""
        payments = [payment for payment, _ in self._unsaved]
        try:
            if payments:
                self._store.put(self._account, payments)
        except StoreError as error:
            lost = len(payments)
            print(f"{lost} replies that were paid for are lost: {error}", file=sys.stderr)

    def _commit_in(self, seconds: float) -> None:
        if not self._next:
            self._next = asyncio.get_running_loop().call_later(seconds, self._commit)

    def _commit(self) -> None:
        """Store what has arrived; where that fails, send nothing more until it is stored."""
        self._next, error = None, None
        try:
            self._store.put(self._account, [payment for payment, _ in self._unsaved])
        except StoreError as raised:
            if self._try_again(raised):
                return
            error = raised
        for _, saved in self._unsaved:
            if not saved.done():
                saved.set_exception(error) if error else saved.set_result(None)
        if not error:  # else they are tried once more at the end
            self._unsaved, self._stuck = [], None

    def _try_again(self, error: StoreError) -> bool:
        """Hold everything back and store later, unless that has been tried for long enough."""
        now = time.monotonic()
        if self._stuck is None:
            self._stuck = now
            print(
                f"{error} Nothing more is sent until the replies that have come are stored, which "
                f"is tried for {STORING:.0f} s.", file=sys.stderr, flush=True,
            )  # fmt: skip
        if now - self._stuck >= STORING:
            return False
        self._rate.pause(now, 2 * AGAIN)
        self._commit_in(AGAIN)
        return True
