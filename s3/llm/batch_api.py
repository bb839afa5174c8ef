"""The calls of the files and batches endpoints, each tried again by cause."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from s3.errors import UserError
from s3.llm.client import Client
from s3.llm.errors import Fault, Refusal
from s3.llm.reply import Reply, judge
from s3.llm.settings import LLM, Endpoint

LARGEST = 1 << 30  # bytes of a file of replies
LONGEST_POLL = 10  # times the first one
OPEN = ("validating", "in_progress", "finalizing", "cancelling")  # a batch still at work

Batch = dict[str, Any]


class BatchAPI:
    """The provider's side of a batch. Raises UserError for what cannot be mended."""

    def __init__(self, llm: LLM, endpoint: Endpoint, poll_seconds: float) -> None:
        self._llm, self._poll = llm, poll_seconds
        self._client = Client(endpoint, llm.timeout, LARGEST)

    async def close(self) -> None:
        """End the connections."""
        await self._client.close()

    async def upload(self, lines: bytes) -> str:
        """Upload a file of requests; return its id."""

        async def send() -> Reply:
            form = aiohttp.FormData()  # a form can be sent once only
            form.add_field("purpose", "batch")
            form.add_field("file", lines, filename="requests.jsonl")
            return await self._client.request("POST", "/files", data=form)

        return str((await self._json(send))["id"])

    async def submit(self, file: str, digest: str) -> str:
        """Submit a file as a batch marked with a digest, once; return the batch's id."""
        order = {
            "input_file_id": file,
            "endpoint": "/v1" + self._llm.route(),
            "completion_window": "24h",
            "metadata": {"s3": digest},
        }
        tried = False

        async def send() -> Reply:
            nonlocal tried
            # A submission whose answer was lost may have been taken.
            if tried and (batch := await self.find(digest)):
                return Reply(200, {}, json.dumps({"id": batch}).encode())
            tried = True
            return await self._client.post("/batches", json.dumps(order).encode())

        return str((await self._json(send))["id"])

    async def find(self, digest: str) -> str | None:
        """Return the id of the batch marked with a digest, if the provider has one."""
        after = ""
        while True:
            page = await self._get(f"/batches?limit=100{after}")
            for batch in page["data"]:
                if (batch.get("metadata") or {}).get("s3") == digest:
                    return str(batch["id"])
            if not page.get("has_more") or not page["data"]:
                return None
            after = f"&after={page['data'][-1]['id']}"

    async def finished(self, batch: str) -> Batch:
        """Wait until a batch is at its end, asking less and less often."""
        pause = self._poll
        while True:
            state: Batch = await self._get(f"/batches/{batch}")
            if state["status"] not in OPEN:
                return state
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, self._poll * LONGEST_POLL)

    async def lines(self, file: str) -> list[Any]:
        """Download a file of JSON Lines."""
        reply = await self._trying(lambda: self._client.request("GET", f"/files/{file}/content"))
        return [json.loads(line) for line in reply.body.splitlines() if line]

    async def _get(self, path: str) -> Any:
        return await self._json(lambda: self._client.request("GET", path))

    async def _json(self, send: Callable[[], Awaitable[Reply]]) -> Any:
        return json.loads((await self._trying(send)).body)

    async def _trying(self, send: Callable[[], Awaitable[Reply]]) -> Reply:
        for attempt in range(self._llm.attempts):
            try:
                reply = await send()
                judge(reply, f"llm {self._llm.name} ({self._llm.model})")
                return reply
            except Refusal as refusal:
                last, wait = Fault("refused"), refusal.wait
            except Fault as fault:
                last, wait = fault, None
            await asyncio.sleep(wait or min(20.0, 0.1 * 2.0 ** min(attempt, 10)))
        raise UserError(
            f"llm {self._llm.name}: the batch API failed {self._llm.attempts} times, the last with "
            f"{last}. What was submitted is noted: run the same command later to continue."
        )
