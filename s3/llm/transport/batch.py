"""Many requests in one file to a provider's bulk API: half the price, an answer within a day.

The store notes each batch before it is submitted. So a run that was killed waits for its batches
instead of paying twice, and whoever finds one finished stores all of it, also what others asked.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial

from s3.errors import UserError
from s3.llm.errors import Fault, NoRoom, Refused, Unfit
from s3.llm.protocols.causes import SPENT
from s3.llm.store import Batch, Store
from s3.llm.transport.allowance import Allowance
from s3.llm.transport.base import Address, Context, LoopTransport, Request
from s3.llm.transport.batch_api import LONGEST_POLL, BatchAPI, Ended, Rejection
from s3.llm.transport.batch_replies import judge, read_replies
from s3.llm.transport.calls import TooLargeError, spent
from s3.llm.transport.notes import Notes, unanswered

ROWS = 10_000  # of one batch; providers take 50,000, but memory holds a batch's replies
BYTES = 100 << 20  # of one file; providers take 200 MB
REJECTIONS = 3  # submissions of one batch that the provider may find invalid as a whole
# Where a queue has no room: requests that are not divided further, seconds to wait for it.
SMALL, DAY = 100, 86_400.0


class BatchTransport(LoopTransport):
    """Sends many requests in one file; several batches may be under way."""

    window = step = 50_000

    def __init__(
        self,
        context: Context,
        reach: Callable[[], AbstractContextManager[Address]],
        connect: Callable[[Context, Address, int, float], BatchAPI],
        attempts: int,
        poll_seconds: float,
    ) -> None:
        """`connect` makes the API's side, of an address, its attempts and its first pause."""
        super().__init__(context, reach)
        self._connect = connect
        self._attempts, self._poll, self._allowance = attempts, poll_seconds, Allowance(context)
        self._waited = False  # for another process, which is said once
        self._submitted = 0  # batches that the provider has now
        self._faults: dict[Request, Fault] = {}  # why it got no reply the last time

    async def _open(self, address: Address) -> None:
        self._api = self._connect(self._context, address, self._attempts, self._poll)
        self._store = Store()
        self._notes = Notes(self._context, self._store)

    async def _shut(self) -> None:
        self._store.close()
        self._notes.close()
        await self._api.close()

    def _begin(self, requests: list[Request]) -> None:
        under_way, others = self._notes.under_way(requests)
        for _, known in under_way:
            self._start(known, partial(self._alone, known))
        size, chunk = 0, list[Request]()
        for request in others:
            length = len(self._api.line(request, 0)) + 1
            if chunk and (len(chunk) == ROWS or size + length > BYTES):
                self._start(chunk, partial(self._alone, chunk))
                size, chunk = 0, []
            size += length
            chunk.append(request)
        if chunk:
            self._start(chunk, partial(self._alone, chunk))

    async def _alone(self, requests: list[Request]) -> None:
        """Answer requests, each by one process at a time; others find the replies in the store."""
        while left := self._unstored(unanswered(requests)):
            with self._notes.turn(left) as mine:
                if len(mine) < len(left) and not self._waited:
                    self._waited = True
                    where = self._context.where
                    self._api.say(
                        f"{where}: another process asks some of the same; it is waited for."
                    )
                under_way, others = self._notes.under_way(self._unstored(mine))
                for note, known in under_way:
                    await self._resume(note, known)
                await self._answer(others)
            if not mine:
                await asyncio.sleep(self._poll)

    async def _resume(self, note: Batch, requests: list[Request]) -> None:
        """Wait for a batch that an earlier process submitted; ask again for what it lacks."""
        if id := note.batch or await self._api.find(note):
            payer = note.account == self._context.account
            for request in requests if payer else ():
                self._allowance.reserve(request)
            async with self._allowance.spent_on(requests):
                await self._land(replace(note, batch=id), requests)
        else:
            self._store.forget_batch(note.digest)
        await self._answer(unanswered(requests))

    async def _answer(self, requests: list[Request]) -> None:
        """Submit requests until each has its outcome or the attempts are spent."""
        for attempt in range(self._attempts):
            if not requests:
                return
            waiting = requests
            while waiting:
                portion = await self._allowance.portion(waiting)
                waiting = waiting[len(portion) :]
                async with self._allowance.spent_on(portion):
                    await self._submit(portion, attempt)
            requests = unanswered(requests)
            self._context.usage.retries += len(requests)
        lost = Fault("expired", "every batch that had this prompt left it unanswered")
        for request in requests:
            fault = self._faults.get(request, lost)
            self._context.fail(request, fault.reason, fault.detail)

    async def _submit(self, requests: list[Request], attempt: int) -> None:
        """Send requests as one batch, or as smaller ones if they must be; take what comes."""
        if not await self._carried_out(requests, attempt):
            left = unanswered(requests)
            for part in filter(None, (left[: len(left) // 2], left[len(left) // 2 :])):
                await self._submit(part, attempt)

    async def _carried_out(self, requests: list[Request], attempt: int) -> bool:
        """Send requests as one batch until that is not rejected; False if it must be smaller.

        Raises UserError where sending it again does not help.
        """
        pause, began, invalid = self._poll, time.monotonic(), 0
        while requests := self._addressed(requests):
            try:
                note = await self._send(requests, attempt)
            except TooLargeError as error:
                if len(requests) > 1:
                    return False
                self._context.fail(requests[0], "too_long", str(error))
                return True
            why = await self._land(note, requests)
            if why is None or why.lines or not unanswered(requests):
                return True
            what = f"{self._context.where}: the batch {note.batch} was not carried out: {why.said}."
            if why.full and not self._submitted and len(requests) > SMALL:
                return False  # no other batch of ours is there: this one is larger than the queue
            if why.full and time.monotonic() - began > DAY:
                raise UserError(f"{what} Run the same command when the queue has room again.")
            invalid += not why.full
            if invalid == REJECTIONS:
                raise UserError(f"{what} So were {REJECTIONS - 1} before it.")
            self._api.say(f"{what} It is submitted again.")
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, self._poll * LONGEST_POLL)
        return True

    def _addressed(self, requests: list[Request]) -> list[Request]:
        """Return those without an outcome, under the ids that they have in the present format."""
        self._unstored([one for one in unanswered(requests) if self._context.address(one)])
        return unanswered(requests)

    def _unstored(self, requests: list[Request]) -> list[Request]:
        """Give requests whose replies are stored their outcomes; return the others."""
        for request in requests:
            if held := self._store.get(request.id):
                self._context.usage.stored += 1
                request.outcome = self._context.protocol.read(held, request.id, request.prompt)
        self._context.arrived.set()
        return unanswered(requests)

    async def _send(self, requests: list[Request], attempt: int) -> Batch:
        """Submit requests as one batch; return its note. Raises TooLargeError."""
        lines = b"\n".join(self._api.line(request, attempt // 2) for request in requests)
        # The time tells it from an earlier one of the same lines, which was rejected or cancelled.
        now = time.time()
        digest = hashlib.sha256(lines + str(now).encode()).hexdigest()[:32]
        ids = tuple(request.id for request in requests)
        note = Batch(digest, self._context.account, ids, "", lines, now)
        self._store.note_batch(note)
        try:
            note = replace(note, batch=await self._api.submit(note))
        except TooLargeError:
            self._store.forget_batch(digest)
            raise
        self._store.note_batch(note)
        return note

    async def _land(self, note: Batch, requests: list[Request]) -> Rejection | None:
        """Wait for a batch, store all that it brings, and give requests their outcomes.

        Those that it leaves unanswered have none yet. Returns why it was rejected, if it was.
        """
        self._submitted += 1
        try:
            ended = await self._api.ended(note.batch)
        finally:
            self._submitted -= 1
        self._take(note, ended, requests)
        why, left = ended.rejection, unanswered(requests)
        if left and ended.cancelled:
            raise UserError(
                f"{self._context.where}: the batch {note.batch} was cancelled at the provider. "
                f"{len(requests) - len(left)} of {len(requests)} prompts have their replies, which "
                "are stored: run the same command to submit the others again."
            )
        if left and why and SPENT.search(why.said):
            raise spent(self._context.where, why.said)
        own = {request.id: request for request in left}
        for line, said in why.lines.items() if why else ():
            if line < len(note.ids) and (request := own.get(note.ids[line])):
                self._context.fail(request, "rejected", said)
        return why

    def _take(self, note: Batch, ended: Ended, requests: list[Request]) -> None:
        """Store each reply of a batch under its id, whoever asked for it, and what it cost."""
        sent = dict(self._api.sent(self._store.lines(note.digest)))
        # Where another process has stored the batch, its lines are gone: there is nothing to do.
        reads = read_replies(self._context, sent, ended.replies if sent else ())
        paid = [one.payment for one in reads if one.payment]
        first = self._store.put(note.account, paid, batch=note.digest)
        for one in reads if first and note.account == self._context.account else ():
            if one.payment:
                self._context.budget.pay(one.payment.used, one.stated)
        causes = {one.id: one.cause for one in reads if one.cause}
        bad = [cause for one in requests if (cause := self._settle(one, causes.get(one.id)))]
        self._context.arrived.set()
        judge(reads, f"{self._context.where}: the batch {note.batch}")
        if any(one.payment and one.payment.id for one in reads):
            self._context.trial.good()
        for cause in bad:
            self._context.trial.bad(cause.reason, cause.detail)

    def _settle(self, request: Request, cause: Exception | None) -> Fault | Unfit | None:
        """Give a request its outcome, if it has one, or note why not; return a useless reply."""
        context, sent = self._context, request.protocol or self._context.protocol
        if (held := self._store.get(request.id)) is not None:
            request.outcome = sent.read(held, request.id, request.prompt)
            context.format.served(sent)
            return None
        if isinstance(cause, Refused | NoRoom) and context.format.suit(sent, cause):
            return None  # asked again as the endpoint wants it
        if isinstance(cause, Refused):
            cause = Unfit("rejected", str(cause))
        if isinstance(cause, Unfit):
            context.fail(request, cause.reason, cause.detail)
            return cause
        if isinstance(cause, Fault):
            self._faults[request] = cause
        return cause if isinstance(cause, Fault) and cause.reason == "empty" else None
