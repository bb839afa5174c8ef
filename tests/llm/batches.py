"""The files and batches endpoints of the test server."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Json = dict[str, Any]


@dataclass(kw_only=True)
class BatchManners:
    """How batches go wrong; times in seconds."""

    seconds: float = 0.0  # from submission to the end
    expire: int = 0  # so many lines of the first batch expire
    fail: int = 0  # so many lines of the first batch get HTTP 500
    broken: int = 0  # so many batches fail as a whole
    deaf: int = 0  # so many submissions are taken, but the answer is lost (HTTP 500)


@dataclass
class BatchDesk:
    """Takes files and batches, and answers their lines when time is up."""

    manners: BatchManners
    completion: Callable[[Json], Json]
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, Json] = field(default_factory=dict)
    polls: int = 0

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer one request."""
        parts = request.path.removeprefix("/v1/").split("/")
        if request.method == "POST":
            return await (self._upload(request) if parts[0] == "files" else self._create(request))
        if parts[0] == "files":
            return web.Response(body=self.files[parts[1]])
        if len(parts) == 1:
            return web.json_response({"data": list(self.batches.values()), "has_more": False})
        self.polls += 1
        return web.json_response(self._state(self.batches[parts[1]]))

    async def _upload(self, request: web.BaseRequest) -> web.Response:
        fields: dict[str, bytes] = {}
        async for part in await request.multipart():
            fields[str(part.name)] = bytes(await part.read())  # type: ignore[union-attr]
        assert fields["purpose"] == b"batch"
        return web.json_response({"id": self._file(fields["file"])})

    def _file(self, content: bytes) -> str:
        name = f"file-{len(self.files)}"
        self.files[name] = content
        return name

    async def _create(self, request: web.BaseRequest) -> web.Response:
        order = json.loads(await request.read())
        assert order["completion_window"] == "24h"
        batch = {**order, "id": f"batch-{len(self.batches)}", "created": time.monotonic()}
        batch["status"] = "in_progress"
        self.batches[batch["id"]] = batch
        if len(self.batches) <= self.manners.deaf:
            return web.json_response({"error": {"message": "lost"}}, status=500)
        return web.json_response(batch)

    def _state(self, batch: Json) -> Json:
        if batch["status"] == "in_progress":
            if int(batch["id"].removeprefix("batch-")) < self.manners.broken:
                batch["status"] = "failed"
                batch["errors"] = {"data": [{"message": "the queue is full"}]}
            elif time.monotonic() - batch["created"] >= self.manners.seconds:
                self._finish(batch)
        return batch

    def _finish(self, batch: Json) -> None:
        good, bad = [], []
        lines = self.files[batch["input_file_id"]].splitlines()
        first = batch["id"] == "batch-0"
        for number, line in enumerate(map(json.loads, lines)):
            assert line["url"] == batch["endpoint"]
            if first and number < self.manners.expire:
                error = {"code": "batch_expired", "message": "too late"}
                bad.append({"custom_id": line["custom_id"], "response": None, "error": error})
            elif first and number < self.manners.expire + self.manners.fail:
                bad.append(_response(line, 500, {"error": {"message": "broken"}}))
            else:
                good.append(_response(line, 200, self.completion(line["body"])))
        good.reverse()  # the order of the output is not promised
        batch["status"] = "expired" if first and self.manners.expire else "completed"
        for name, rows in (("output_file_id", good), ("error_file_id", bad)):
            if rows:
                batch[name] = self._file("\n".join(map(json.dumps, rows)).encode())


def _response(line: Json, status: int, body: Json) -> Json:
    response = {"status_code": status, "request_id": "r", "body": body}
    return {"id": "b", "custom_id": line["custom_id"], "response": response, "error": None}
