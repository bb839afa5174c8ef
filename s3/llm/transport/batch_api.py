"""What a provider's bulk API is to `batch.py`; each provider's is a subclass in a file beside it.

A batch is one piece of bytes with a line for each request. How a line, a reply and the state of a
batch are written is the subclass's matter alone; submitting once and waiting are the same for all.
"""

from __future__ import annotations

import asyncio
import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from s3.errors import UserError
from s3.llm.errors import Fault
from s3.llm.protocols import Content, Response
from s3.llm.protocols.parsing import parsed
from s3.llm.store import Batch
from s3.llm.transport.base import Address, Context, Request, back_off, seed_of
from s3.llm.transport.calls import Calls, NotThereError, UnsureError

LONGEST_POLL = 10  # times the first one
PATIENCE = 12  # looks in a row that tell nothing
MARK = "s3"  # the field of a batch's metadata that holds our digest, where there are such


@dataclass(frozen=True)
class Rejection:
    """Why a batch was not carried out: what it brought, if anything, is all that is to be paid.

    `lines` are those that made it invalid, counted from 0, each with what the provider says of it.
    `full` says that the account's queue has no room for it now.
    """

    said: str
    lines: Mapping[int, str] = field(default_factory=dict)
    full: bool = False


@dataclass(frozen=True)
class Ended:
    """How a batch ended: what it brought, whether someone cancelled it, why it was rejected.

    `replies` has a response or the fault in its place for each line that came, under the id of its
    request, which is "" where the line states none. A request may come twice, or not at all.
    """

    replies: Sequence[tuple[str, Response | Fault]] = ()
    rejection: Rejection | None = None
    cancelled: bool = False


class BatchAPI(ABC):
    """A bulk API at an address. Raises UserError where its own retries did not help."""

    status_field: ClassVar[str] = "status"
    open: ClassVar[Sequence[str]]  # the statuses of a batch under way
    closed: ClassVar[Sequence[str]]  # those of one that has ended
    path: ClassVar[str]  # of the batches, below the base URL
    body_field: ClassVar[str] = "body"  # of a line

    def __init__(
        self, context: Context, address: Address, attempts: int, poll_seconds: float
    ) -> None:
        self._context, self._address = context, address
        self._attempts, self._poll = attempts, poll_seconds
        self.calls = Calls(context.where, context.protocol, address, attempts)

    @abstractmethod
    async def prepare(self, lines: bytes) -> Any:
        """Make ready what can be sent twice; return what `create` needs of it."""

    @abstractmethod
    async def create(self, prepared: Any, digest: str) -> str:
        """Submit a batch; return the provider's id. Raises UnsureError if it may be taken."""

    @abstractmethod
    async def find(self, note: Batch) -> str | None:
        """Return the provider's id of a batch that may have been submitted, if it was."""

    @abstractmethod
    async def brought(self, batch: Content) -> Ended:
        """Return how a batch ended, which the provider describes so."""

    async def close(self) -> None:
        """End the connections."""
        await self.calls.close()

    def envelope(self) -> Content:
        """Return what a line holds beside a request's id and its body."""
        return {}

    def line(self, request: Request, draw: int) -> bytes:
        """Return a request's line; `draw` is another for another sample of an empty reply."""
        body = json.loads(self._context.protocol.encode(request.prompt, seed_of(request.id, draw)))
        line = {"custom_id": request.id, **self.envelope(), self.body_field: body}
        return json.dumps(line, ensure_ascii=False).encode()

    def sent(self, lines: bytes) -> Iterator[tuple[str, Content]]:
        """Yield the id and the protocol's body of each line of a batch: the inverse of `line`."""
        for line in map(json.loads, lines.splitlines()):
            yield line["custom_id"], line[self.body_field]

    async def submit(self, note: Batch) -> str:
        """Submit a batch, once; return the provider's id for it. Raises TooLargeError."""
        prepared = await self.prepare(note.lines)
        for attempt in range(1, self._attempts + 1):
            try:
                return await self.create(prepared, note.digest)
            except UnsureError as error:  # a submission whose answer was lost may have been taken
                cause = error
            await asyncio.sleep(back_off(attempt))
            if found := await self.find(note):
                return found
        raise cause

    async def ended(self, id: str) -> Ended:
        """Wait for the end of a batch, asking less and less often; return what it brings."""
        pause, odd = self._poll, 0
        while True:
            try:
                batch = await self._look(id)
                status = str(batch.get(self.status_field))
                if status in self.closed:
                    return await self.brought(batch)
                what = "" if status in self.open else f"has the unknown status {status[:80]!r}"
            except UnsureError as error:
                what = f"could not be looked at: {error}"
            odd = odd + 1 if what else 0
            what = f"{self._context.where}: the batch {id} {what}"
            if odd == 1:
                self.say(f"{what}. It is waited for.")
            if odd == PATIENCE:
                raise UserError(f"{what}, for long. The same command goes on waiting for it.")
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, self._poll * LONGEST_POLL)

    async def _look(self, id: str) -> Content:
        try:
            return await self.calls.get(f"{self.path}/{id}")
        except NotThereError:
            raise UserError(
                f"{self._context.where}: the batch {id} is not there for this key. Use the key of "
                "the account and project that submitted it, or, if it was deleted, have its "
                f"prompts asked again: python -m s3 store forget {id}"
            ) from None

    async def lines(self, path: str) -> list[Content | Fault]:
        """Return the lines of a file of replies, with the fault in place of one that is no JSON."""
        try:
            file = await self.calls.file(path)
        except NotThereError as error:
            self.say(f"{error} The replies in it are lost: their prompts are asked again.")
            return []
        found: list[Content | Fault] = []
        for text in filter(None, map(bytes.strip, file.splitlines())):
            try:
                found.append(parsed(text))
            except Fault as fault:
                found.append(fault)
            except UserError as error:  # what would be a stream, were it a response
                found.append(Fault("no_json", str(error)))
        return found

    def response(self, status: int, body: Any) -> Response:
        """Return the response that a line tells of. Only what tells of an error is redacted."""
        said = json.dumps(body).encode()  # in ASCII: it may hold half a surrogate pair
        return Response(status, {}, said if status == 200 else self._address.redact(said))

    def say(self, what: str) -> None:
        """Tell the user."""
        print(self._context.shown(what), file=sys.stderr, flush=True)


def request_of(line: Content) -> str:
    """Return the id of the request that a line answers, "" where it states none."""
    id = line.get("custom_id")
    return id if isinstance(id, str) else ""
