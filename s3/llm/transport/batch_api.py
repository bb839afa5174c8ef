"""The calls of a provider's files and batches, through openai's own client.

The client retries them itself, except the one that costs money: see `submit`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from s3.errors import UserError
from s3.llm.errors import Fault, RateLimited, Unfit
from s3.llm.protocols import Response
from s3.llm.transport.base import Address, Context, back_off

if TYPE_CHECKING:
    import openai
    from openai.types import Batch as State

T = TypeVar("T")
LARGEST = 1 << 30  # bytes of a file of replies
LONGEST_POLL = 10  # times the first one
OPEN = ("validating", "in_progress", "finalizing", "cancelling")  # a batch under way
MARK = "s3"  # the field of a batch's metadata that holds our digest


class BatchAPI:
    """Files and batches at an address. Raises UserError where the retries did not help."""

    def __init__(self, context: Context, address: Address, attempts: int) -> None:
        self._context, self._address, self._attempts = context, address, attempts
        self._client = client(address, attempts)

    async def close(self) -> None:
        """End the connections."""
        await self._client.close()

    async def upload(self, lines: bytes) -> str:
        """Upload a file of requests; return its id."""
        file = ("requests.jsonl", lines)
        return (await self._call(self._client.files.create(file=file, purpose="batch"))).id

    async def submit(self, file: str, digest: str) -> str:
        """Submit a file as a batch marked with a digest, once; return the batch's id."""
        import openai

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

    async def finished(self, batch: str, poll_seconds: float) -> State:
        """Wait until a batch is at its end, asking less and less often."""
        pause = poll_seconds
        while True:
            state = await self._call(self._client.batches.retrieve(batch))
            if state.status not in OPEN:
                return state
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, poll_seconds * LONGEST_POLL)

    async def lines(self, file: str) -> list[dict[str, Any]]:
        """Download a file of JSON Lines; a line that is none is left out, and so unanswered."""
        said = await self._call(self._client.files.content(file))
        lines = []
        for line in self._address.redact(said.content).splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                continue
        return [line for line in lines if isinstance(line, dict)]

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
