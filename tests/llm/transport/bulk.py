"""Stand-ins for the bulk APIs of Anthropic and Mistral, as their documentation has them."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any, ClassVar

from aiohttp import web

from tests.server import FakeLLM, Json, answer

KEY = "sk-0123456789abcdef"


class Bulk(FakeLLM):
    """Takes batches; each ends `seconds` after its submission. `ends` has what batches say then.

    `lines` are the requests of each batch. `faults` are results in place of good ones, in turn;
    `deaf` submissions are taken, but the answer is lost. `largest` bytes are taken at once.
    """

    path: ClassVar[str]
    key: ClassVar[tuple[str, str]]

    def __init__(self, seconds: float = 0.0, deaf: int = 0, largest: int = 1 << 30) -> None:
        super().__init__()
        self.largest = largest
        self.seconds, self.deaf = seconds, deaf
        self.lines: list[list[Json]] = []
        self.faults: list[Any] = []
        self.ends: list[Json] = []

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        name, value = self.key
        if request.headers.get(name) != value or "OpenAI-Organization" in request.headers:
            return self._say(401, "invalid key")
        path = request.path.removeprefix("/v1")
        if (request.content_length or 0) > self.largest:
            return web.Response(status=413, text="<html>413 Request Entity Too Large</html>")
        if request.method == "POST" and path == self.path:
            order = json.loads(await request.read())
            self.batches.append(self.made(order) | {"began": time.monotonic()})
            if len(self.batches) <= self.deaf:
                return self._say(500, "lost")
            return web.json_response(self.batches[-1])
        if request.method == "POST" and path == "/files":
            parts = {str(part.name): await part.read() async for part in await request.multipart()}
            assert parts["purpose"] == b"batch"
            return web.json_response({"id": self._file(parts["file"]), "object": "file"})
        if path == self.path:
            return web.json_response({"data": self.batches[::-1], **self.paging()})
        if path.startswith("/files/"):
            return web.Response(body=self.files[path.split("/")[2]])
        if path.endswith("/results"):
            return web.Response(body=self.files[path.split("/")[-2]])
        batch = next(one for one in self.batches if one["id"] == path.split("/")[-1])
        if time.monotonic() - batch["began"] >= self.seconds and not batch.get("over"):
            batch["over"] = True
            self.end(batch)
            batch.update(self.ends.pop(0) if self.ends else {})
        return web.json_response(batch)

    def made(self, order: Json) -> Json:
        """A batch that has been taken."""
        raise NotImplementedError

    def end(self, batch: Json) -> None:
        """Answer a batch."""
        raise NotImplementedError

    def paging(self) -> Json:
        """What a list says beside its batches."""
        raise NotImplementedError


class AnthropicBulk(Bulk):
    path = "/messages/batches"
    key = ("x-api-key", KEY)

    def made(self, order: Json) -> Json:
        assert set(order) == {"requests"}
        self.lines.append(order["requests"])
        counts = dict.fromkeys(("succeeded", "errored", "canceled", "expired"), 0)
        return {
            "id": f"msgbatch_{len(self.batches)}",
            "type": "message_batch",
            "processing_status": "in_progress",
            "request_counts": {"processing": len(order["requests"]), **counts},
            "created_at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "cancel_initiated_at": None,
            "results_url": None,
        }

    def end(self, batch: Json) -> None:
        batch["processing_status"] = "ended"
        rows = []
        for line in self.lines[self.batches.index(batch)]:
            assert set(line) == {"custom_id", "params"}
            result = self.faults.pop(0) if self.faults else self.good(line["params"])
            rows.append({"custom_id": line["custom_id"], "result": result})
        self.files[batch["id"]] = "\n".join(map(json.dumps, reversed(rows))).encode()

    def good(self, params: Json) -> Json:
        """A result as it should be."""
        message = {
            "type": "message",
            "role": "assistant",
            "model": params["model"],
            "content": [{"type": "text", "text": answer(params)}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 10, "output_tokens": 16},
        }
        return {"type": "succeeded", "message": message}

    def paging(self) -> Json:
        return {"has_more": False}


class MistralBulk(Bulk):
    path = "/batch/jobs"
    key = ("Authorization", f"Bearer {KEY}")

    def made(self, order: Json) -> Json:
        (file,) = order["input_files"]
        self.lines.append([json.loads(line) for line in self.files[file].splitlines()])
        assert (order["endpoint"], order["timeout_hours"]) == ("/v1/chat/completions", 24)
        assert order["model"] == "mistral-small-latest"
        about = {"status": "QUEUED", "errors": [], "output_file": None, "error_file": None}
        return {"id": f"job-{len(self.batches)}", "object": "batch", **order, **about}

    def end(self, batch: Json) -> None:
        batch["status"] = "SUCCESS"
        good, bad = [], []
        for line in self.lines[self.batches.index(batch)]:
            assert set(line) == {"custom_id", "body"}
            assert {"random_seed", "model"} <= set(line["body"])
            assert "seed" not in line["body"]
            row = {"id": "r", "custom_id": line["custom_id"], "error": None}
            if self.faults:
                bad.append(row | {"response": self.faults.pop(0)})
            else:
                body = self._completion(line["body"], answer(line["body"]))
                good.append(row | {"response": {"status_code": 200, "body": body}})
        for name, rows in (("output_file", good), ("error_file", bad)):
            batch[name] = self._file("\n".join(map(json.dumps, rows)).encode()) if rows else None

    def paging(self) -> Json:
        return {"object": "list", "total": len(self.batches)}
