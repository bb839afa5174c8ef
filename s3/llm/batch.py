"""The provider's batch API as a channel: half the price, an answer within a day."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any

from s3.errors import UserError
from s3.llm.background import Background
from s3.llm.batch_api import Batch, BatchAPI
from s3.llm.budget import Tokens, most
from s3.llm.errors import Fault, Refusal, Unfit
from s3.llm.reply import Reply, judge, read, spent
from s3.llm.settings import Endpoint
from s3.llm.store import Record, Store
from s3.llm.types import Completion, Failure
from s3.llm.work import Row, Work, body

ROWS = 10_000  # of one batch; providers take 50,000, but memory holds a batch's replies
BYTES = 100 << 20  # of one file; providers take 200 MB


class Batches(Background):
    """A channel that sends many rows in one file; several batches may be at work.

    The store notes each batch before it is submitted, so a run that was killed finds its
    batches again and waits for them instead of paying twice.
    """

    window = step = 50_000

    def __init__(self, work: Work, poll_seconds: float) -> None:
        super().__init__(work)
        self._poll = poll_seconds
        self._at_work = 0
        self._landed = asyncio.Condition()

    async def _open(self, endpoint: Endpoint) -> None:
        self._api = BatchAPI(self._work.llm, endpoint, self._poll)
        self._store = Store()

    async def _shut(self) -> None:
        self._store.close()
        await self._api.close()

    async def _drain(self, reason: Exception) -> None:
        """Batches at work stay with the provider: the next run picks them up."""

    def _begin(self, rows: list[Row]) -> None:
        mine = {row.id: row for row in rows}
        for digest, ids in self._store.batches(self._work.llm.name):
            if known := [mine.pop(id) for id in ids if id in mine]:
                self._run(known, partial(self._resume, digest, known))
        for chunk in _chunks(mine.values(), self._line):
            self._run(chunk, partial(self._answer, chunk))

    async def _resume(self, digest: str, rows: list[Row]) -> None:
        """Wait for a batch of an earlier process; what it lacks is submitted again."""
        batch = self._store.batch(digest) or await self._api.find(digest)
        if batch:
            for row in rows:
                self._work.budget.reserve(most(row.prompt))
            rows = await self._land(digest, batch, rows)
        self._store.forget_batch(digest)
        await self._answer(rows)

    async def _answer(self, rows: list[Row]) -> None:
        """Submit rows until each has its outcome or the attempts are spent."""
        for attempt in range(self._work.llm.attempts):
            waiting = rows
            rows = []
            while waiting:
                portion = await self._affordable(waiting)
                waiting = waiting[len(portion) :]
                rows += await self._submit(portion, attempt)
            if not rows:
                return
            self._work.usage.retries += len(rows)
        for row in rows:
            self._fail(row, "expired", "every batch that had this prompt left it unanswered")

    async def _affordable(self, rows: list[Row]) -> list[Row]:
        """Reserve as many rows as the caps allow, at least one; wait for batches at work."""
        budget, portion = self._work.budget, []
        while True:
            for row in rows:
                if refusal := budget.refuses(most(row.prompt)):
                    break
                budget.reserve(most(row.prompt))
                portion.append(row)
            if portion:
                return portion
            if not self._at_work and refusal:
                raise refusal
            async with self._landed:
                await self._landed.wait()

    async def _submit(self, rows: list[Row], attempt: int) -> list[Row]:
        """Send rows as one batch; return those that it left unanswered."""
        lines = b"\n".join(self._line(row, attempt // 2) for row in rows)
        digest = hashlib.sha256(lines + bytes([attempt])).hexdigest()[:32]
        self._store.note_batch(digest, self._work.llm.name, "", [row.id for row in rows])
        batch = await self._api.submit(await self._api.upload(lines), digest)
        self._store.note_batch(digest, self._work.llm.name, batch, [row.id for row in rows])
        left = await self._land(digest, batch, rows, attempt // 2)
        self._store.forget_batch(digest)
        return left

    async def _land(self, digest: str, batch: str, rows: list[Row], draw: int = 0) -> list[Row]:
        """Wait for a batch and store what it brings; return the rows that it did not answer."""
        self._at_work += 1
        try:
            state = await self._api.finished(batch)
            if state["status"] == "failed":
                await self._judge_failure(state)
            lines = await self._lines(state)
        finally:
            self._at_work -= 1
            for row in rows:
                self._work.budget.settle(most(row.prompt))
        self._take(rows, lines, draw)
        async with self._landed:
            self._landed.notify_all()
        return [row for row in rows if row.outcome is None]

    async def _judge_failure(self, state: Batch) -> None:
        said = json.dumps((state.get("errors") or {}).get("data"))[:300]
        if "limit" not in said and "full" not in said:
            raise UserError(f"llm {self._work.llm.name} rejected the batch {state['id']}: {said}.")
        await asyncio.sleep(self._poll)  # the account's queue is full: the rows go in later

    async def _lines(self, state: Batch) -> dict[str, Any]:
        files = [state.get("output_file_id"), state.get("error_file_id")]
        found = [line for file in files if file for line in await self._api.lines(file)]
        return {line["custom_id"]: line for line in found}

    def _take(self, rows: list[Row], lines: dict[str, Any], draw: int) -> None:
        """Store all replies of a batch at once, then give the rows their outcomes."""
        answered: list[tuple[Row, Record]] = []
        for row in rows:
            response = (lines.get(row.id) or {}).get("response")
            if response and (record := self._record(row, response, draw)):
                answered.append((row, record))
        held = self._store.put(record for _, record in answered)
        for (row, _), reply in zip(answered, held, strict=True):
            row.outcome = read(reply, row.id)
        self._work.arrived.set()

    def _record(self, row: Row, response: Any, draw: int) -> Record | None:
        """Return what to store of one line; None where the row has to be asked again."""
        raw = json.dumps(response["body"], ensure_ascii=False).encode()
        llm, used = self._work.llm, Tokens()
        try:
            judge(Reply(response["status_code"], {}, raw), f"llm {llm.name} ({llm.model})")
            used = spent(raw) or used
            cost = self._work.budget.pay(used)
            completion: Completion = read(raw, row.id)
        except Unfit as unfit:
            self._fail(row, unfit.reason, unfit.detail)
            return None
        except (Fault, Refusal):
            return None
        return Record(
            row.id, self._work.run, llm.name, llm.model, completion.prompt_tokens,
            completion.completion_tokens, cost, body(llm, row, draw), raw,
        )  # fmt: skip

    def _fail(self, row: Row, reason: str, detail: str) -> None:
        self._work.usage.failures += 1
        row.outcome = Failure(row.prompt, reason, detail)
        self._work.arrived.set()

    def _line(self, row: Row, draw: int = 0) -> bytes:
        start = {"custom_id": row.id, "method": "POST", "url": "/v1" + self._work.llm.route()}
        content = json.loads(body(self._work.llm, row, draw))
        return json.dumps({**start, "body": content}, ensure_ascii=False).encode()


def _chunks(rows: Iterable[Row], line: Any) -> Iterator[list[Row]]:
    """Split rows into batches that a provider takes."""
    waiting = iter(rows)
    while chunk := list(islice(waiting, ROWS)):
        size, part = 0, list[Row]()
        for row in chunk:
            size += len(line(row)) + 1
            if size > BYTES and part:
                yield part
                size, part = len(line(row)), []
            part.append(row)
        yield part
