"""A real OpenAI-compatible server on loopback that answers by rule, and misbehaves on demand.

In a test: `with Endpoint(Manners(delay=0.05)) as endpoint: Server(base_url=endpoint.url, ...)`.
As a process of its own: `python -m tests.llm.endpoint --port 8100 --delay 0.05`.
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
from dataclasses import dataclass, field, fields
from typing import Any

from aiohttp import web

from tests.llm.batches import BatchDesk, BatchManners


@dataclass(kw_only=True)
class Manners:
    """How the endpoint behaves; shares are of all requests, times in seconds."""

    delay: float = 0.0
    refuse: float = 0.0  # HTTP 429 without Retry-After
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
    seed: int = 0
    batches: BatchManners = field(default_factory=BatchManners)


def answer(request: dict[str, Any]) -> str:
    """Return the text that a request's prompt and seed decide."""
    prompt = request.get("prompt") or json.dumps(request["messages"])
    digest = hashlib.sha256(f"{prompt}|{request.get('seed')}".encode()).hexdigest()
    return " ".join(f"word{digest[i : i + 4]}" for i in range(0, 64, 4))


def question(request: dict[str, Any]) -> str:
    """Return the text of a request; a turn may hold it whole or in parts."""
    contents = [turn["content"] for turn in request.get("messages", ())]
    parts = [c if isinstance(c, str) else "".join(part["text"] for part in c) for c in contents]
    return str(request.get("prompt") or "".join(parts))


def completion(request: dict[str, Any]) -> dict[str, Any]:
    """Return the response body of a request, in the style that it is in."""
    text = answer(request)
    asked, given = len(question(request)) // 4, len(text.split())
    usage = {"prompt_tokens": asked, "completion_tokens": given, "total_tokens": asked + given}
    chat = {"message": {"role": "assistant", "content": text}}
    choice = {
        "index": 0,
        "finish_reason": "stop",
        **({"text": text} if "prompt" in request else chat),
    }
    kind = {"id": "x", "object": "chat.completion", "created": 1, "model": request["model"]}
    return {**kind, "choices": [choice], "usage": usage}


class Endpoint:
    """The server, in a thread while the block runs. `requests` has every body that it saw."""

    def __init__(self, manners: Manners | None = None, port: int = 0) -> None:
        self.manners = manners or Manners()
        self.requests: list[dict[str, Any]] = []
        self.statuses: Counter[int] = Counter()
        self.answered: Counter[str] = Counter()  # whole good answers, by text
        self._port = port
        self._random = random.Random(self.manners.seed)
        self._desk = BatchDesk(self.manners.batches, completion)
        self._credits, self._filled = self.manners.rate / 60, 0.0

    def __enter__(self) -> Endpoint:
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
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}/v1"

    @property
    def batches(self) -> list[dict[str, Any]]:
        """The batches that were submitted."""
        return list(self._desk.batches.values())

    @property
    def files(self) -> dict[str, bytes]:
        """The files that were uploaded or made."""
        return self._desk.files

    @property
    def refusals(self) -> int:
        """How often it said 429."""
        return self.statuses[429]

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/stats":
            return web.json_response({"requests": len(self.requests), "statuses": self.statuses})
        if (
            self.manners.key
            and request.headers.get("Authorization") != f"Bearer {self.manners.key}"
        ):
            return self._say(401, f"Incorrect API key: {request.headers.get('Authorization')}")
        if request.path.startswith(("/v1/files", "/v1/batches")):
            return await self._desk.handle(request)
        content = json.loads(await request.read())
        self.requests.append(content)
        return await self._answer(request, content)

    async def _answer(
        self, request: web.BaseRequest, content: dict[str, Any]
    ) -> web.StreamResponse:
        manners = self.manners
        if manners.status:
            return self._say(manners.status, manners.said, manners.headers)
        if manners.rate and (refusal := self._over_rate()):
            return refusal
        if not question(content):
            return self._say(400, "There is nothing to answer")
        if len(question(content)) > manners.context:
            return self._say(400, "This model's maximum context length is 10 tokens")
        fault = self._draw()
        if fault in ("refuse", "error"):
            return self._say(429 if fault == "refuse" else 500, fault)
        await asyncio.sleep(3600 if fault == "hang" else manners.delay)
        if fault == "drop":
            assert request.transport
            request.transport.close()
        return self._whole(content, fault)

    def _whole(self, content: dict[str, Any], fault: str) -> web.Response:
        good = completion(content)
        if fault == "empty":
            choice = good["choices"][0]
            choice.update({"text": ""} if "text" in choice else {"message": {"content": ""}})
        body = self.manners.body or json.dumps(good).encode()
        if not fault:
            self.answered[answer(content)] += 1
        self.statuses[200] += 1
        body = body[: len(body) // 2] if fault == "truncate" else body
        return web.Response(
            body=body, content_type="application/json", headers=self.manners.headers
        )

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


async def serve(manners: Manners, port: int) -> None:
    """Serve until killed; say the port once it is open."""
    endpoint = Endpoint(manners, port)
    await endpoint.start()
    print(endpoint.port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    numbers = [f.name for f in fields(Manners) if f.type == "float"] + ["seed"]
    for name in numbers:
        parser.add_argument(f"--{name}", type=int if name == "seed" else float, default=0)
    options = vars(parser.parse_args())
    asyncio.run(serve(Manners(**{name: options[name] for name in numbers}), options["port"]))
