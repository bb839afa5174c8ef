"""The provider's batch API: half the price, an answer within a day.

Files and batches go through openai's own client, which retries these calls itself. The store
notes each batch, with its lines, before it is submitted. So a run that was killed waits for its
batches instead of paying twice, and whoever finds a batch finished stores all that it brings,
also what another run had asked.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from s3.errors import UserError
from s3.llm.errors import Fault, RateLimited, Unfit
from s3.llm.limits import most
from s3.llm.protocols import Response
from s3.llm.store import Batch, Payment, Store
from s3.llm.transport.base import Address, Context, LoopTransport, Request, back_off, seed_of

if TYPE_CHECKING:
    import openai
    from openai.types import Batch as State

T = TypeVar("T")
ROWS = 10_000  # of one batch; providers take 50,000, but memory holds a batch's replies
BYTES = 100 << 20  # of one file; providers take 200 MB
LARGEST = 1 << 30  # bytes of a file of replies
LONGEST_POLL = 10  # times the first one
OPEN = ("validating", "in_progress", "finalizing", "cancelling")  # a batch under way
MARK = "s3"  # the field of a batch's metadata that holds our digest


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
        self._address = address
        self._client = client(address, self._attempts)
        self._store = Store()

    async def _shut(self) -> None:
        self._store.close()
        await self._client.close()

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
        if batch := note.batch or await self._find(note.digest):
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
        file = await self._call(
            self._client.files.create(file=("requests.jsonl", lines), purpose="batch")
        )
        note = replace(note, batch=await self._create(file.id, digest))
        self._store.note_batch(note)
        await self._land(note, requests)

    async def _create(self, file: str, digest: str) -> str:
        """Submit a file as a batch marked with a digest, once; return the batch's id."""
        import openai

        # Without the client's retries: a submission whose answer was lost may have been taken.
        once = self._client.with_options(max_retries=0)
        for attempt in range(1, self._attempts + 1):
            try:
                batch = await once.batches.create(
                    input_file_id=file,
                    endpoint=f"/v1{self._context.protocol.path}",  # type: ignore[arg-type]
                    completion_window="24h",
                    metadata={MARK: digest},
                )
                return batch.id
            except openai.APIError as error:
                cause = self._cause(error)
            await asyncio.sleep(back_off(attempt))
            if found := await self._find(digest):
                return found
        raise cause

    async def _find(self, digest: str) -> str | None:
        """Return the id of the batch marked with a digest, if the provider has one."""

        async def search() -> str | None:
            async for batch in self._client.batches.list(limit=100):
                if (batch.metadata or {}).get(MARK) == digest:
                    return batch.id
            return None

        return await self._call(search())

    async def _land(self, note: Batch, requests: list[Request]) -> None:
        """Wait for a batch, store all that it brings, and give requests their outcomes.

        Those that it leaves unanswered have none yet.
        """
        self._under_way += 1
        pause = self._poll
        try:
            while (
                state := await self._call(self._client.batches.retrieve(note.batch))
            ).status in OPEN:
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, self._poll * LONGEST_POLL)
            if state.status == "failed":
                await self._rejected(note, state, requests)
            files = [file for file in (state.output_file_id, state.error_file_id) if file]
            lines = [line for file in files for line in await self._lines(file)]
        finally:
            self._under_way -= 1
            if note.account == self._context.account:
                for request in requests:
                    self._context.budget.settle(most(request.prompt))
        self._take(note, {line.get("custom_id"): line for line in lines}, requests)
        async with self._landed:
            self._landed.notify_all()

    async def _lines(self, file: str) -> list[dict[str, Any]]:
        """Download a file of JSON Lines; a line that is none is left out, and so unanswered."""
        said = await self._call(self._client.files.content(file))
        lines = []
        for line in self._address.redact(said.content).splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                continue
        return [line for line in lines if isinstance(line, dict)]

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

    async def _call(self, call: Coroutine[Any, Any, T]) -> T:
        """Await a call of the client. Raises UserError where its retries did not help."""
        import openai

        try:
            return await call
        except openai.APIError as error:
            raise self._cause(error) from None

    def _cause(self, error: openai.APIError) -> UserError:
        """Return what to say of a call that failed; raise it at once where no retry can help."""
        import openai

        said = self._address.redact(str(error).encode()).decode()
        if isinstance(error, openai.APIStatusError):
            body = self._address.redact(error.response.content)
            try:
                self._context.protocol.content(
                    Response(error.status_code, {}, body), self._context.where
                )
            except (Fault, RateLimited, Unfit) as fault:
                said = str(fault)
        return UserError(
            f"{self._context.where}: the batch API failed {self._attempts} times, the last with "
            f"{said}. What was submitted is noted: run the same command later to continue."
        )


def client(address: Address, attempts: int) -> openai.AsyncOpenAI:
    """Return openai's client, as careful as our own HTTP: no redirects, a bounded body."""
    import httpx2
    import openai

    class Bounded(httpx2.AsyncByteStream):
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for chunk in self._stream:
                size += len(chunk)
                if size > LARGEST:
                    raise UserError(f"{address.url} sent more than {LARGEST} bytes.")
                yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    async def bound(response: httpx2.Response) -> None:
        response.stream = Bounded(response.stream)

    return openai.AsyncOpenAI(
        base_url=address.url,
        api_key=address.key,
        max_retries=attempts - 1,
        http_client=openai.DefaultAsyncHttpxClient(
            trust_env=False,
            proxy=address.proxy(),
            follow_redirects=False,
            event_hooks={"response": [bound]},
        ),
    )
