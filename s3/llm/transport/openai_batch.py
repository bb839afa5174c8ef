"""OpenAI's batch API: requests and replies in files, a batch that names them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import ClassVar

from s3.llm.errors import Fault
from s3.llm.protocols import Content, Response
from s3.llm.protocols.parsing import count, shown
from s3.llm.store import Batch
from s3.llm.transport.batch_api import MARK, BatchAPI, Ended, Rejection, request_of

# What the errors of a line mean that was not carried out.
REASONS = {
    "batch_expired": "expired",
    "batch_cancelled": "cancelled",
    "request_timeout": "timeout",
}


class OpenAIBatchAPI(BatchAPI):
    """Files and batches at an address; replies to all requests come in files, too."""

    open: ClassVar[Sequence[str]] = ("validating", "in_progress", "finalizing", "cancelling")
    closed: ClassVar[Sequence[str]] = ("completed", "failed", "expired", "cancelled")
    path: ClassVar[str] = "/batches"

    def envelope(self) -> Content:
        """Return how each line is to be sent."""
        return {"method": "POST", "url": f"/v1{self._context.protocol.path}"}

    async def prepare(self, lines: bytes) -> str:
        """Upload a file; return its id."""
        return await self.calls.upload(lines)

    async def create(self, prepared: str, digest: str) -> str:
        """Submit a file as a batch marked with a digest."""
        order = {
            "input_file_id": prepared,
            "endpoint": f"/v1{self._context.protocol.path}",
            "completion_window": "24h",
            "metadata": {MARK: digest},
        }
        return self.calls.id(await self.calls.once(self.path, order), self.path)

    async def find(self, note: Batch) -> str | None:
        """Return the id of the batch marked with a digest, if the provider has one."""
        after = ""
        while True:
            page = await self.calls.get(f"{self.path}?limit=100{after}")
            batches = [one for one in page.get("data") or () if isinstance(one, dict)]
            for batch in batches:
                if (batch.get("metadata") or {}).get(MARK) == note.digest:
                    return self.calls.id(batch, self.path)
            if not batches or not page.get("has_more"):
                return None
            after = f"&after={batches[-1].get('id')}"

    async def brought(self, batch: Content) -> Ended:
        """Return what a batch's files hold, and what is said of it as a whole."""
        replies = await self.files(batch.get("output_file_id"), batch.get("error_file_id"))
        status = batch["status"]
        rejection = _rejection(batch) if status == "failed" else None
        return Ended(replies, rejection, status == "cancelled")

    async def files(self, *ids: str | None) -> list[tuple[str, Response | Fault]]:
        """Return what each line of the files says that there are."""
        return [
            ("", line) if isinstance(line, Fault) else (request_of(line), self._reply(line))
            for id in filter(None, ids)
            for line in await self.lines(f"/files/{id}/content")
        ]

    def _reply(self, line: Content) -> Response | Fault:
        said, error = line.get("response"), line.get("error")
        status = count(said.get("status_code")) if isinstance(said, dict) else None
        if isinstance(said, dict) and status:
            return self.response(status, said.get("body"))
        code = error.get("code") if isinstance(error, dict) else None
        detail = shown(json.dumps(error or line, ensure_ascii=False))
        return Fault(REASONS.get(str(code), "server_error"), detail)


def _rejection(batch: Content) -> Rejection:
    errors = batch.get("errors")
    data = errors.get("data") if isinstance(errors, dict) else errors
    listed = [error for error in data if isinstance(error, dict)] if isinstance(data, list) else []
    said = shown(json.dumps(data, ensure_ascii=False))
    lines = {
        error["line"] - 1: shown(str(error.get("message") or ""))  # from 1
        for error in listed
        if isinstance(error.get("line"), int) and error["line"] > 0
    }
    full = any(error.get("code") == "token_limit_exceeded" for error in listed)
    return Rejection(said, lines, full or "queue" in said.lower())
