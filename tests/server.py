"""The fake LLM: a real OpenAI-compatible server on loopback, which misbehaves on demand.

It answers by a rule, by default with words that the prompt and the seed decide, and serves chat
completions, completions, files and batches. In a test: `with FakeLLM(rule) as fake:
Server(base_url=fake.url, ...)`, or the fixture `serve(delay=0.05)`. As a process of its own:
`python -m tests.server --port 8100 --delay 0.05`.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from aiohttp import web

Json = dict[str, Any]
# The prompt (of a chat, its last turn) and the seed -> the reply; one ending in "[cut]" is cut off.
Rule = Callable[[str, str], str]


@dataclass(kw_only=True)
class Manners:
    """How the server behaves; shares are of all requests, times in seconds."""

    delay: float = 0.0
    refuse: float = 0.0  # HTTP 429, with this Retry-After if there is one
    retry_after: str = ""
    error: float = 0.0  # HTTP 500
    truncate: float = 0.0  # a 200 whose body is cut
    drop: float = 0.0  # the connection is closed without an answer
    empty: float = 0.0  # a 200 with an empty text
    hang: float = 0.0  # no answer within an hour
    rate: float = 0.0  # requests a minute: a token bucket of one second's burst, Retry-After: 1
    announce: bool = False  # x-ratelimit-* headers in place of Retry-After
    key: str = ""  # the key to ask for
    status: int = 0  # answer everything with this status ...
    said: str = "no"  # ... this message ...
    headers: dict[str, str] = field(default_factory=dict)  # ... and these headers
    context: int = 10_000  # characters of a prompt that fit
    body: bytes = b""  # answer everything with these bytes
    # The status and the body (JSON, or bytes) to answer a request with; None: as usual.
    special: Callable[[Json], tuple[int, Any] | None] = lambda request: None
    model: str = ""  # what it says it is; "": what was asked for
    usage: Json | None = None  # what each reply is said to have used; {}: nothing is stated
    seed: int = 0
    # Batches:
    seconds: float = 0.0  # from submission to the end
    expire: int = 0  # so many lines of the first batch expire
    fail: int = 0  # so many lines of the first batch get HTTP 500
    reject: int = 0  # so many lines of the first batch get HTTP 400
    broken: int = 0  # so many batches fail as a whole: the queue is full
    invalid: int = 0  # so many lines of the first batch make it fail as a whole
    models: Sequence[Json] = ()  # what its list of models has
    deaf: int = 0  # so many submissions are taken, but the answer is lost (HTTP 500)


def answer(request: Json) -> str:
    """Return words that a prompt and its seed decide, a line each where a list is asked for."""
    prompt = request.get("prompt") or json.dumps(request["messages"])
    digest = hashlib.sha256(f"{prompt}|{request.get('seed')}".encode()).hexdigest()
    between = "\n" if "List them" in prompt else " "
    return between.join(f"word{digest[i : i + 4]}" for i in range(0, 64, 4))


def asked_text(request: Json) -> str:
    """Return all text of a request; a turn may hold it whole or in parts."""
    contents = [turn["content"] for turn in request.get("messages", ())]
    parts = [c if isinstance(c, str) else "".join(part["text"] for part in c) for c in contents]
    return str(request.get("prompt") or "".join(parts))


class FakeLLM:
    """The server, in a thread while the block runs.

    `requests` has every body that it saw, `asked` their prompts, `answered` its whole good texts,
    `batches` and `files` what was submitted or made.
    """

    def __init__(
        self, rule: Rule | None = None, manners: Manners | None = None, port: int = 0
    ) -> None:
        self.manners = manners or Manners()
        self.requests: list[Json] = []
        self.statuses: Counter[int] = Counter()
        self.answered: Counter[str] = Counter()
        self.batches: list[Json] = []
        self.files: dict[str, bytes] = {}
        self._rule, self._port = rule, port
        self._random = random.Random(self.manners.seed)
        self._credits, self._filled = self.manners.rate / 60, 0.0

    def __enter__(self) -> FakeLLM:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.start(), self._loop).result()
        return self

    def __exit__(self, *error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def start(self) -> None:
        """Listen."""
        self._runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, backlog=256)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}/v1"

    @property
    def asked(self) -> list[str]:
        """The prompt of each request; of a chat, the last turn."""
        return [body.get("prompt") or body["messages"][-1]["content"] for body in self.requests]

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/stats":
            return web.json_response({"requests": len(self.requests), "statuses": self.statuses})
        key = self.manners.key
        if key and request.headers.get("Authorization") != f"Bearer {key}":
            return self._say(401, f"Incorrect API key: {request.headers.get('Authorization')}")
        if request.path.startswith(("/v1/files", "/v1/batches")):
            return await self._handle_batches(request)
        if request.method == "GET" and request.path == "/v1/models":
            return web.json_response({"data": self.manners.models})
        content = json.loads(await request.read())
        self.requests.append(content)
        return await self._answer(request, content)

    async def _answer(self, request: web.BaseRequest, content: Json) -> web.StreamResponse:
        manners = self.manners
        if manners.status:
            return self._say(manners.status, manners.said, manners.headers)
        if special := manners.special(content):
            status, body = special
            self.statuses[status] += 1
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
            return web.Response(status=status, body=body, content_type="application/json")
        if manners.rate and (limited := self._over_rate()):
            return limited
        if not asked_text(content):
            return self._say(400, "There is nothing to answer")
        if len(asked_text(content)) > manners.context:
            return self._say(400, "This model's maximum context length is 10 tokens")
        fault = self._draw()
        if fault in ("refuse", "error"):
            headers = {"Retry-After": manners.retry_after} if manners.retry_after else None
            return self._say(429, fault, headers) if fault == "refuse" else self._say(500, fault)
        await asyncio.sleep(3600 if fault == "hang" else manners.delay)
        if fault == "drop":
            assert request.transport
            request.transport.close()
        text = "" if fault == "empty" else self._text(content)
        body = manners.body or json.dumps(self._completion(content, text)).encode()
        if not fault:
            self.answered[text] += 1
        self.statuses[200] += 1
        body = body[: len(body) // 2] if fault == "truncate" else body
        return web.Response(body=body, content_type="application/json", headers=manners.headers)

    def _text(self, request: Json) -> str:
        if not self._rule:
            return answer(request)
        prompt = request.get("prompt") or request["messages"][-1]["content"]
        return self._rule(prompt, str(request.get("seed")))

    def _completion(self, request: Json, text: str) -> Json:
        """Return the body of a response, in the format that the request is in."""
        finish = "length" if text.endswith("[cut]") else "stop"
        text = text.removesuffix("[cut]")
        said = {"text": text} if "prompt" in request else {"message": {"content": text}}
        asked, given = len(asked_text(request)) // 4, len(text.split())
        usage = {"prompt_tokens": asked, "completion_tokens": given, "total_tokens": asked + given}
        usage = usage if self.manners.usage is None else self.manners.usage
        return {
            "id": "x",
            "object": "chat.completion",
            "created": 1,
            "model": self.manners.model or request["model"],
            "choices": [{"index": 0, "finish_reason": finish, **said}],
            **({"usage": usage} if usage else {}),
        }

    def _say(self, status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
        self.statuses[status] += 1
        return web.json_response({"error": {"message": text}}, status=status, headers=headers)

    def _draw(self) -> str:
        drawn = self._random.random()
        for fault in ("refuse", "error", "truncate", "drop", "empty", "hang"):
            drawn -= getattr(self.manners, fault)
            if drawn < 0:
                return fault
        return ""

    def _over_rate(self) -> web.Response | None:
        rate, now = self.manners.rate / 60, time.monotonic()
        self._credits = min(rate, self._credits + (now - (self._filled or now)) * rate)
        self._filled = now
        if self._credits >= 1:
            self._credits -= 1
            return None
        headers = {"Retry-After": "1"}
        if self.manners.announce:
            headers = {
                "x-ratelimit-limit-requests": str(max(1, int(rate))),
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "1s",
            }
        return self._say(429, "slow down", headers)

    async def _handle_batches(self, request: web.BaseRequest) -> web.Response:
        kind, *rest = request.path.removeprefix("/v1/").split("/")
        if request.method == "POST" and kind == "files":
            parts: dict[str, bytes] = {}
            async for part in await request.multipart():
                parts[str(part.name)] = bytes(await part.read())  # type: ignore[union-attr]
            assert parts["purpose"] == b"batch"
            return web.json_response({"id": self._file(parts["file"]), "object": "file"})
        if request.method == "POST":
            return self._submit(json.loads(await request.read()))
        if kind == "files":
            return web.Response(body=self.files[rest[0]])
        if not rest:
            return web.json_response({"data": self.batches, "has_more": False, "object": "list"})
        (batch,) = (batch for batch in self.batches if batch["id"] == rest[0])
        ended = time.monotonic() - batch["began"] >= self.manners.seconds
        if batch["status"] == "in_progress" and ended:
            self._finish(batch)
        return web.json_response(batch)

    def _file(self, content: bytes) -> str:
        name = f"file-{len(self.files)}"
        self.files[name] = content
        return name

    def _submit(self, order: Json) -> web.Response:
        assert order["completion_window"] == "24h"
        batch = {**order, "id": f"batch-{len(self.batches)}", "object": "batch", "created_at": 1}
        self.batches.append({**batch, "began": time.monotonic(), "status": "in_progress"})
        if len(self.batches) <= self.manners.deaf:
            return self._say(500, "lost")
        return web.json_response(self.batches[-1])

    def _finish(self, batch: Json) -> None:
        """Answer a batch's lines, or have it fail."""
        manners, number = self.manners, self.batches.index(batch)
        if number < manners.broken:
            batch["status"], batch["errors"] = "failed", {"data": [{"message": "queue is full"}]}
            return
        if number == 0 and manners.invalid:
            batch["status"] = "failed"
            numbers = range(1, manners.invalid + 1)
            errors = [{"line": number, "message": "no such field"} for number in numbers]
            batch["errors"] = {"data": errors}
            return
        kinds = ["expire"] * manners.expire + ["fail"] * manners.fail + ["reject"] * manners.reject
        good: list[Json] = []
        bad: list[Json] = []
        lines = map(json.loads, self.files[batch["input_file_id"]].splitlines())
        for place, line in enumerate(lines):
            assert line["url"] == batch["endpoint"]
            kind = kinds[place] if number == 0 and place < len(kinds) else ""
            status = {"fail": 500, "reject": 400, "": 200}.get(kind, 0)
            said = {"error": {"message": "Unrecognized argument"}}
            said = said if kind else self._completion(line["body"], self._text(line["body"]))
            (bad if kind else good).append(
                {
                    "id": "b",
                    "custom_id": line["custom_id"],
                    "response": {"status_code": status, "body": said} if status else None,
                    "error": None if status else {"code": "batch_expired", "message": "too late"},
                }
            )
        good.reverse()  # the order of the output is not promised
        batch["status"] = "expired" if number == 0 and manners.expire else "completed"
        for name, rows in (("output_file_id", good), ("error_file_id", bad)):
            if rows:
                batch[name] = self._file("\n".join(map(json.dumps, rows)).encode())


async def serve(manners: Manners, port: int) -> None:
    """Serve until killed; say the port once it is open."""
    fake = FakeLLM(None, manners, port)
    await fake.start()
    print(fake.port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    numbers = [f.name for f in fields(Manners) if f.type == "float"] + ["seed"]
    for name in numbers:
        parser.add_argument(f"--{name}", type=int if name == "seed" else float, default=0)
    parser.add_argument("--retry_after", default="")
    options = vars(parser.parse_args())
    asyncio.run(
        serve(
            Manners(**{name: options[name] for name in [*numbers, "retry_after"]}), options["port"]
        )
    )
