"""Mistral's batch jobs: files as OpenAI's, and a job that names them and the model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import ClassVar

from s3.llm.protocols import Content
from s3.llm.protocols.parsing import shown
from s3.llm.store import Batch
from s3.llm.transport.batch_api import MARK, Ended, Rejection
from s3.llm.transport.openai_batch import OpenAIBatchAPI

PAGE = 100  # jobs in one answer
HOURS = 24  # after which what is unanswered expires


class MistralBatchAPI(OpenAIBatchAPI):
    """Files and jobs at an address."""

    open: ClassVar[Sequence[str]] = ("QUEUED", "RUNNING", "CANCELLATION_REQUESTED")
    closed: ClassVar[Sequence[str]] = ("SUCCESS", "FAILED", "TIMEOUT_EXCEEDED", "CANCELLED")
    path: ClassVar[str] = "/batch/jobs"

    def envelope(self) -> Content:
        """Return nothing: the job says how each line is to be sent."""
        return {}

    async def create(self, prepared: str, digest: str) -> str:
        """Submit a file as a job marked with a digest."""
        order = {
            "input_files": [prepared],
            "endpoint": f"/v1{self._context.protocol.path}",
            "model": self._context.protocol.model,
            "timeout_hours": HOURS,
            "metadata": {MARK: digest},
        }
        return self.calls.id(await self.calls.once(self.path, order), self.path)

    async def find(self, note: Batch) -> str | None:
        """Return the id of the job marked with a digest, if the provider has one."""
        page = 0
        while True:
            found = await self.calls.get(f"{self.path}?page={page}&page_size={PAGE}")
            jobs = [one for one in found.get("data") or () if isinstance(one, dict)]
            for job in jobs:
                if (job.get("metadata") or {}).get(MARK) == note.digest:
                    return self.calls.id(job, self.path)
            page += 1
            total = found.get("total")
            if not jobs or not isinstance(total, int) or page * PAGE >= total:
                return None

    async def brought(self, batch: Content) -> Ended:
        """Return what a job's files hold, and what is said of it as a whole."""
        replies = await self.files(batch.get("output_file"), batch.get("error_file"))
        status, said = batch["status"], shown(json.dumps(batch.get("errors"), ensure_ascii=False))
        # Also a job of which every line failed is called so; their errors say more than its own.
        failed = status == "FAILED" and not replies
        return Ended(replies, Rejection(said) if failed else None, status == "CANCELLED")
