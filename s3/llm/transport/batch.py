"""Many requests in one file to a provider's bulk API: half the price, an answer within a day.

The store notes each batch, with its lines, before it is submitted. So a run that was killed waits
for its batches instead of paying twice, and whoever finds a batch finished stores all that it
brings, also what another run had asked.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial

from s3.errors import UserError
from s3.llm.errors import Fault, RateLimited, Unfit
from s3.llm.limits import most
from s3.llm.store import Batch, Payment, Store
from s3.llm.transport.base import Address, Context, LoopTransport, Request
from s3.llm.transport.batch_api import BatchAPI, Ended, Rejection

ROWS = 10_000  # of one batch; providers take 50,000, but memory holds a batch's replies
BYTES = 100 << 20  # of one file; providers take 200 MB


class BatchTransport(LoopTransport):
    """Sends many requests in one file; several batches may be under way."""

    window = step = 50_000

    def __init__(
        self,
        context: Context,
        reach: Callable[[], AbstractContextManager[Address]],
        connect: Callable[[Context, Address, int], BatchAPI],
        attempts: int,
        poll_seconds: float,
    ) -> None:
        """`connect` makes the API's side from an address and the number of its attempts."""
        super().__init__(context, reach)
        self._connect = connect
        self._attempts, self._poll = attempts, poll_seconds
        self._under_way = 0
        self._landed = asyncio.Condition()

    async def _open(self, address: Address) -> None:
        self._api = self._connect(self._context, address, self._attempts)
        self._store = Store()

    async def _shut(self) -> None:
        self._store.close()
        await self._api.close()

    def _begin(self, requests: list[Request]) -> None:
        mine = {request.id: request for request in requests}
        for note in self._store.batches(self._context.account.endpoint):
            if known := [mine.pop(id) for id in note.ids if id in mine]:
                self._start(known, partial(self._resume, note, known))
        size, chunk = 0, list[Request]()
        for request in mine.values():
            length = len(self._api.line(request, 0)) + 1
            if chunk and (len(chunk) == ROWS or size + length > BYTES):
                self._start(chunk, partial(self._answer, chunk))
                size, chunk = 0, []
            size += length
            chunk.append(request)
        if chunk:
            self._start(chunk, partial(self._answer, chunk))

    async def _resume(self, note: Batch, requests: list[Request]) -> None:
        """Wait for a batch that an earlier process submitted; ask again for what it lacks."""
        if batch := note.batch or await self._api.find(note.digest):
            if note.account == self._context.account:
                for request in requests:
                    self._context.budget.reserve(most(request.prompt))
            await self._land(replace(note, batch=batch), requests)
        else:
            self._store.forget_batch(note.digest)
        await self._answer([request for request in requests if request.outcome is None])

    async def _answer(self, requests: list[Request]) -> None:
        """Submit requests until each has its outcome or the attempts are spent."""
        for attempt in range(self._attempts):
            waiting = requests
            while waiting:
                portion = await self._affordable(waiting)
                waiting = waiting[len(portion) :]
                await self._submit(portion, attempt)
            requests = [request for request in requests if request.outcome is None]
            if not requests:
                return
            self._context.usage.retries += len(requests)
        for request in requests:
            self._context.fail(
                request, "expired", "every batch that had this prompt left it unanswered"
            )

    async def _affordable(self, requests: list[Request]) -> list[Request]:
        """Reserve as many requests as the caps allow, at least one; wait for batches under way."""
        budget, portion = self._context.budget, list[Request]()
        while True:
            for request in requests:
                if reached := budget.exceeded(most(request.prompt)):
                    break
                budget.reserve(most(request.prompt))
                portion.append(request)
            if portion:
                return portion
            if not self._under_way and reached:
                raise reached
            async with self._landed:
                await self._landed.wait()

    async def _submit(self, requests: list[Request], attempt: int) -> None:
        """Send requests as one batch, and take what it brings."""
        lines = b"\n".join(self._api.line(request, attempt // 2) for request in requests)
        digest = hashlib.sha256(lines + bytes([attempt])).hexdigest()[:32]
        ids = tuple(request.id for request in requests)
        note = Batch(digest, self._context.account, ids, "", lines)
        self._store.note_batch(note)
        note = replace(note, batch=await self._api.submit(lines, digest))
        self._store.note_batch(note)
        await self._land(note, requests)

    async def _land(self, note: Batch, requests: list[Request]) -> None:
        """Wait for a batch, store all that it brings, and give requests their outcomes.

        Those that it leaves unanswered have none yet.
        """
        self._under_way += 1
        try:
            ended = await self._api.ended(note.batch, self._poll)
            if ended.rejection:
                await self._rejected(note, ended.rejection, requests)
        finally:
            self._under_way -= 1
            if note.account == self._context.account:
                for request in requests:
                    self._context.budget.settle(most(request.prompt))
        self._take(note, ended, requests)
        async with self._landed:
            self._landed.notify_all()

    async def _rejected(self, note: Batch, why: Rejection, requests: list[Request]) -> None:
        """Deal with a batch that was not carried out: nothing of it was answered or paid."""
        self._store.forget_batch(note.digest)
        own = {request.id: request for request in requests}
        for line, said in why.lines.items():
            if line < len(note.ids) and (request := own.get(note.ids[line])):
                self._context.fail(request, "rejected", said)
        if not why.lines and not why.later:
            raise UserError(f"{self._context.where} rejected the batch {note.batch}: {why.said}.")
        if not why.lines:
            await asyncio.sleep(self._poll)  # the account's queue is full: they go in later

    def _take(self, note: Batch, ended: Ended, requests: list[Request]) -> None:
        """Store each reply of a batch under its id, whoever asked for it, and what it cost."""
        own, protocol = {request.id: request for request in requests}, self._context.protocol
        paid: list[tuple[Payment, bool]] = []
        for id, body in self._api.sent(self._store.lines(note.digest)):
            if (response := ended.replies.get(id)) is None:
                continue  # asked again
            prompt = protocol.prompt(body)
            try:
                content = protocol.content(response, self._context.where)
                used, stated = protocol.used(content, prompt)
                cost = self._context.budget.price.of(used)
                paid.append((Payment(used, cost), stated))
                protocol.completion(content, id, used, prompt.stop)
                raw = json.dumps(body, ensure_ascii=False).encode()
                paid[-1] = Payment(used, cost, id, raw, response.body), stated
            except (Fault, RateLimited):
                pass  # asked again
            except (Unfit, UserError) as error:
                if request := own.get(id):
                    reason = error.reason if isinstance(error, Unfit) else "rejected"
                    self._context.fail(request, reason, str(error))
        first = self._store.put(note.account, [one for one, _ in paid], batch=note.digest)
        if first and note.account == self._context.account:
            for payment, stated in paid:
                self._context.budget.pay(payment.used, stated)
        for request in requests:
            if (held := self._store.get(request.id)) is not None:
                request.outcome = protocol.read(held, request.id, request.prompt)
        self._context.arrived.set()
