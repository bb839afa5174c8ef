"""Anthropic's Message Batches: requests in one body, replies in one file, nothing to mark them by.

A line holds the body as the Messages API takes it; each reply is one of four kinds of result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from s3.llm.errors import Fault
from s3.llm.protocols import Content, Response
from s3.llm.protocols.parsing import message
from s3.llm.store import Batch
from s3.llm.transport.batch_api import BatchAPI, Ended, request_of

SKEW = 600  # seconds that the provider's clock may differ from ours
# The statuses that the types of errors go with in single requests.
STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
}


class AnthropicBatchAPI(BatchAPI):
    """Batches at an address; a request that is not valid has an error for a reply."""

    status_field: ClassVar[str] = "processing_status"
    open: ClassVar[Sequence[str]] = ("in_progress", "canceling")
    closed: ClassVar[Sequence[str]] = ("ended",)
    path: ClassVar[str] = "/messages/batches"
    body_field: ClassVar[str] = "params"

    async def prepare(self, lines: bytes) -> bytes:
        """Return the body that submits lines."""
        return b'{"requests":[' + b",".join(lines.splitlines()) + b"]}"

    async def create(self, prepared: bytes, digest: str) -> str:
        """Submit a body; the digest finds no place in it."""
        return self.calls.id(await self.calls.once(self.path, prepared), self.path)

    async def find(self, note: Batch) -> str | None:
        """Return the id of the batch that has replies to the requests of a note.

        What a batch asks is not told before it ends: one that could be it is waited for.
        """
        after = ""
        while True:
            page = await self.calls.get(f"{self.path}?limit=100{after}")
            batches = [one for one in page.get("data") or () if isinstance(one, dict)]
            for batch in batches:  # the newest first
                if _created(batch) < note.created - SKEW:
                    return None
                if _size(batch) == len(note.ids):
                    id = self.calls.id(batch, self.path)
                    ended = await self.ended(id)
                    if {reply[0] for reply in ended.replies} & {*note.ids}:
                        return id
            if not batches or not page.get("has_more"):
                return None
            after = f"&after_id={batches[-1].get('id')}"

    async def brought(self, batch: Content) -> Ended:
        """Return the results of a batch."""
        replies = [
            ("", line) if isinstance(line, Fault) else (request_of(line), self._reply(line))
            for line in await self.lines(f"{self.path}/{batch.get('id')}/results")
        ]
        return Ended(replies, cancelled=bool(batch.get("cancel_initiated_at")))

    def _reply(self, line: Content) -> Response | Fault:
        result = line.get("result")
        result = result if isinstance(result, dict) else {}
        kind = result.get("type")
        if kind == "succeeded":
            return self.response(200, result.get("message"))
        if kind == "errored":
            said = result.get("error")
            error = said.get("error") if isinstance(said, dict) else None
            type = error.get("type") if isinstance(error, dict) else None
            return self.response(STATUSES.get(str(type), 500), said)
        reason = {"canceled": "cancelled", "expired": "expired"}.get(str(kind), "unparsable")
        return Fault(reason, message(self.response(500, result).body))


def _created(batch: Content) -> float:
    """Return when a batch was submitted; where it does not say, it may be any of them."""
    try:
        return datetime.fromisoformat(str(batch.get("created_at"))).timestamp()
    except ValueError:
        return math.inf


def _size(batch: Content) -> int:
    """Return how many requests a batch has."""
    counts = batch.get("request_counts")
    numbers = counts.values() if isinstance(counts, dict) else ()
    return sum(one for one in numbers if isinstance(one, int))
