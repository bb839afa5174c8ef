"""The provider's batch API: half the price, an answer within a day.

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
from typing import TYPE_CHECKING, Any

from s3.errors import UserError
from s3.llm.errors import Fault, RateLimited, Unfit
from s3.llm.limits import most
from s3.llm.protocols import Response
from s3.llm.store import Batch, Payment, Store
from s3.llm.transport.base import Address, Context, LoopTransport, Request, seed_of
from s3.llm.transport.batch_api import BatchAPI

if TYPE_CHECKING:
    from openai.types import Batch as State

ROWS = 10_000  # of one batch; providers take 50,000, but memory holds a batch's replies
BYTES = 100 << 20  # of one file; providers take 200 MB


class BatchTransport(LoopTransport):
    """Sends many requests in one file; several batches may be under way."""

    window = step = 50_000

    def __init__(
        self,
        context: Context,
        reach: Callable[[], AbstractContextManager[Address]],
        attempts: int,
        poll_seconds: float,
    ) -> None:
        super().__init__(context, reach)
        self._attempts, self._poll = attempts, poll_seconds
        self._under_way = 0
        self._landed = asyncio.Condition()

    async def _open(self, address: Address) -> None:
        self._api = BatchAPI(self._context, address, self._attempts)
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
            length = len(self._line(request, 0)) + 1
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
        lines = b"\n".join(self._line(request, attempt // 2) for request in requests)
        digest = hashlib.sha256(lines + bytes([attempt])).hexdigest()[:32]
        ids = tuple(request.id for request in requests)
        note = Batch(digest, self._context.account, ids, "", lines)
        self._store.note_batch(note)
        file = await self._api.upload(lines)
        note = replace(note, batch=await self._api.submit(file, digest))
        self._store.note_batch(note)
        await self._land(note, requests)

    async def _land(self, note: Batch, requests: list[Request]) -> None:
        """Wait for a batch, store all that it brings, and give requests their outcomes.

        Those that it leaves unanswered have none yet.
        """
        self._under_way += 1
        try:
            state = await self._api.finished(note.batch, self._poll)
            if state.status == "failed":
                await self._rejected(note, state, requests)
            files = [file for file in (state.output_file_id, state.error_file_id) if file]
            lines = [line for file in files for line in await self._api.lines(file)]
        finally:
            self._under_way -= 1
            if note.account == self._context.account:
                for request in requests:
                    self._context.budget.settle(most(request.prompt))
        self._take(note, {line.get("custom_id"): line for line in lines}, requests)
        async with self._landed:
            self._landed.notify_all()

    async def _rejected(self, note: Batch, state: State, requests: list[Request]) -> None:
        """Deal with a batch that was not carried out: nothing of it was answered or paid."""
        self._store.forget_batch(note.digest)
        errors = (state.errors.data if state.errors else None) or []
        said = json.dumps([error.to_dict() for error in errors])[:300]
        own = {request.id: request for request in requests}
        lines = {error.line: error.message or "" for error in errors if error.line}
        for line, why in lines.items():  # counted from 1
            if line <= len(note.ids) and (request := own.get(note.ids[line - 1])):
                self._context.fail(request, "rejected", why)
        if not lines and "limit" not in said and "full" not in said:
            raise UserError(f"{self._context.where} rejected the batch {state.id}: {said}.")
        if not lines:
            await asyncio.sleep(self._poll)  # the account's queue is full: they go in later

    def _take(self, note: Batch, lines: dict[Any, dict[str, Any]], requests: list[Request]) -> None:
        """Store each reply of a batch under its id, whoever asked for it, and what it cost."""
        own, protocol = {request.id: request for request in requests}, self._context.protocol
        paid: list[tuple[Payment, bool]] = []
        for sent in map(json.loads, self._store.lines(note.digest).splitlines()):
            id, body = sent["custom_id"], sent["body"]
            said = (lines.get(id) or {}).get("response") or {}
            reply = json.dumps(said.get("body"), ensure_ascii=False).encode()
            prompt = protocol.prompt(body)
            try:
                response = Response(said.get("status_code") or 500, {}, reply)
                content = protocol.content(response, self._context.where)
                used, stated = protocol.used(content, prompt)
                cost = self._context.budget.price.of(used)
                paid.append((Payment(used, cost), stated))
                protocol.completion(content, id, used)
                raw = json.dumps(body, ensure_ascii=False).encode()
                paid[-1] = Payment(used, cost, id, raw, reply), stated
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

    def _line(self, request: Request, draw: int) -> bytes:
        protocol = self._context.protocol
        body = json.loads(protocol.encode(request.prompt, seed_of(request.id, draw)))
        line = {"custom_id": request.id, "method": "POST", "url": f"/v1{protocol.path}"}
        return json.dumps({**line, "body": body}, ensure_ascii=False).encode()
