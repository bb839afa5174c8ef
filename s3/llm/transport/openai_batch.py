"""OpenAI's batch API: its lines, its states and its calls, through openai's own client.

The client retries them itself, except the one that costs money: see `submit`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from s3.errors import UserError
from s3.llm.errors import Fault, RateLimited, Unfit
from s3.llm.protocols import Response
from s3.llm.transport.base import Address, Context, Request, back_off, seed_of
from s3.llm.transport.batch_api import BatchAPI, Ended, Rejection

if TYPE_CHECKING:
    import openai
    from openai.types import Batch as State

T = TypeVar("T")
LARGEST = 1 << 30  # bytes of a file of replies
LONGEST_POLL = 10  # times the first one
OPEN = ("validating", "in_progress", "finalizing", "cancelling")  # a batch under way
MARK = "s3"  # the field of a batch's metadata that holds our digest


class OpenAIBatchAPI(BatchAPI):
    """Files and batches at an address; replies to all requests come in files, too."""

    def __init__(self, context: Context, address: Address, attempts: int) -> None:
        self._context, self._address, self._attempts = context, address, attempts
        self._client = client(address, attempts)

    async def close(self) -> None:
        """End the connections."""
        await self._client.close()

    def line(self, request: Request, draw: int) -> bytes:
        """Return a request's line in a file."""
        protocol = self._context.protocol
        body = json.loads(protocol.encode(request.prompt, seed_of(request.id, draw)))
        line = {"custom_id": request.id, "method": "POST", "url": f"/v1{protocol.path}"}
        return json.dumps({**line, "body": body}, ensure_ascii=False).encode()

    def sent(self, lines: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the id and the body of each line of a file."""
        for line in map(json.loads, lines.splitlines()):
            yield line["custom_id"], line["body"]

    async def submit(self, lines: bytes, digest: str) -> str:
        """Upload a file, and submit it as a batch marked with a digest, once."""
        import openai

        named = ("requests.jsonl", lines)
        file = (await self._call(self._client.files.create(file=named, purpose="batch"))).id
        # Without the client's retries: a submission whose answer was lost may have been taken.
        once = self._client.with_options(max_retries=0)
        for attempt in range(1, self._attempts + 1):
            try:
                batch = await once.batches.create(
                    input_file_id=file,
                    endpoint=f"/v1{self._context.protocol.path}",  # type: ignore[arg-type]
                    completion_window="24h",
                    metadata={MARK: digest},
                )
                return batch.id
            except openai.APIError as error:
                cause = self._cause(error)
            await asyncio.sleep(back_off(attempt))
            if found := await self.find(digest):
                return found
        raise cause

    async def find(self, digest: str) -> str | None:
        """Return the id of the batch marked with a digest, if the provider has one."""

        async def search() -> str | None:
            async for batch in self._client.batches.list(limit=100):
                if (batch.metadata or {}).get(MARK) == digest:
                    return batch.id
            return None

        return await self._call(search())

    async def ended(self, batch: str, poll_seconds: float) -> Ended:
        """Wait for the end of a batch, asking less and less often; return what its files hold."""
        pause = poll_seconds
        while (state := await self._call(self._client.batches.retrieve(batch))).status in OPEN:
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, poll_seconds * LONGEST_POLL)
        replies: dict[str, Response] = {}
        for file in filter(None, (state.output_file_id, state.error_file_id)):
            said = await self._call(self._client.files.content(file))
            replies |= _replies(said.content)
        return Ended(replies, _rejection(state) if state.status == "failed" else None)

    async def _call(self, call: Coroutine[Any, Any, T]) -> T:
        """Await a call of the client. Raises UserError where its retries did not help."""
        import openai

        try:
            return await call
        except openai.APIError as error:
            raise self._cause(error) from None

    def _cause(self, error: openai.APIError) -> UserError:
        """Return what to say of a call that failed; raise it at once where no retry can help."""
        import openai

        said = self._address.redact(str(error).encode()).decode()
        if isinstance(error, openai.APIStatusError):
            body = self._address.redact(error.response.content)
            try:
                self._context.protocol.content(
                    Response(error.status_code, {}, body), self._context.where
                )
            except (Fault, RateLimited, Unfit) as fault:
                said = str(fault)
        return UserError(
            f"{self._context.where}: the batch API failed {self._attempts} times, the last with "
            f"{said}. What was submitted is noted: run the same command later to continue."
        )


def _replies(file: bytes) -> Iterator[tuple[str, Response]]:
    """Yield the replies in a file of JSON Lines; a line that is none is left out."""
    for text in file.splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict):
            said = line.get("response") or {}
            body = json.dumps(said.get("body"), ensure_ascii=False).encode()
            yield str(line.get("custom_id")), Response(said.get("status_code") or 500, {}, body)


def _rejection(state: State) -> Rejection:
    errors = (state.errors.data if state.errors else None) or []
    said = json.dumps([error.to_dict() for error in errors])[:300]
    lines = {error.line - 1: error.message or "" for error in errors if error.line}  # from 1
    return Rejection(said, lines, later="limit" in said or "full" in said)  # the account's queue


def client(address: Address, attempts: int) -> openai.AsyncOpenAI:
    """Return openai's client, as careful as our own HTTP: no redirects, a bounded body."""
    import httpx2
    import openai

    class Bounded(httpx2.AsyncByteStream):
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for chunk in self._stream:
                size += len(chunk)
                if size > LARGEST:
                    raise UserError(f"{address.url} sent more than {LARGEST} bytes.")
                yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    async def bound(response: httpx2.Response) -> None:
        response.stream = Bounded(response.stream)

    return openai.AsyncOpenAI(
        base_url=address.url,
        api_key=address.key,
        max_retries=attempts - 1,
        http_client=openai.DefaultAsyncHttpxClient(
            trust_env=False,
            proxy=address.proxy(),
            follow_redirects=False,
            event_hooks={"response": [bound]},
        ),
    )
