"""OpenAI's batches as they should not be: what a test says of each, on the fake server."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from aiohttp import web

from tests.server import FakeLLM, Json, Rule

# Output and error lines of the first batch that ends -> what its files hold in their place.
Alter = Callable[[list[bytes], list[bytes]], tuple[list[bytes], list[bytes]]]


class OddBatches(FakeLLM):
    """`ends` is what the batches say of themselves when they end, the last one of all others too.

    `answers` are the responses to calls in turn, by method and path; then it answers well.
    """

    def __init__(
        self,
        alter: Alter | None = None,
        ends: Sequence[Json] = ({},),
        answers: dict[str, list[web.Response]] | None = None,
        largest: int = 1 << 30,
        room: int = 1 << 30,
        rule: Rule | None = None,
    ) -> None:
        """`largest` bytes are taken in a file, `room` lines in a batch."""
        super().__init__(rule)
        self.ends, self.answers, self.largest, self.room = list(ends), answers or {}, largest, room
        self._alter = alter

    @property
    def lines(self) -> list[int]:
        """How many lines each batch has."""
        return [len(self.files[batch["input_file_id"]].splitlines()) for batch in self.batches]

    async def _handle_batches(self, request: web.BaseRequest) -> web.Response:
        call = f"{request.method} {request.path.removeprefix('/v1')}"
        if self.answers.get(call):
            return self.answers[call].pop(0)
        response = await super()._handle_batches(request)
        if call == "POST /files" and len(list(self.files.values())[-1]) > self.largest:
            self.files.popitem()
            return web.Response(status=413, text="<html>413 Request Entity Too Large</html>")
        return response

    def _finish(self, batch: Json) -> None:
        number = self.batches.index(batch)
        end = self.ends[min(number, len(self.ends) - 1)]
        if self.lines[number] > self.room:
            code, said = "token_limit_exceeded", "Enqueued token limit reached. Limit: 90,000"
            end = {"status": "failed", "errors": {"data": [{"code": code, "message": said}]}}
        if end.get("status") != "failed" or "output" in end:
            super()._finish(batch)
        if number == 0 and self._alter:
            named = ("output_file_id", "error_file_id")
            held = [self.files.get(batch.get(name, ""), b"").splitlines() for name in named]
            for name, lines in zip(named, self._alter(*held), strict=True):
                batch[name] = self._file(b"\n".join(lines)) if lines else None
        batch.update(end)


def html(status: int = 200) -> web.Response:
    """A page that a proxy sends."""
    return web.Response(status=status, text="<html>Sign in</html>", content_type="text/html")


def said(content: Json, status: int = 200) -> web.Response:
    """JSON as it stands."""
    return web.json_response(content, status=status)


def edited(number: int, edit: Callable[[Json], object]) -> Alter:
    """Another line in the place of one output line: what `edit` returns, or what it changed."""

    def alter(good: list[bytes], bad: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        line = json.loads(good[number])
        new = edit(line)
        good[number] = new if isinstance(new, bytes) else json.dumps(line).encode()
        return good, bad

    return alter
