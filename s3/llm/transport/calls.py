"""The calls of a bulk API: openai's client sends and retries them, and what comes is judged here.

It serves other providers, too: an address, a header with a key, files and JSON are the same.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from s3.errors import UserError
from s3.llm.errors import Fault, RateLimited, Unfit
from s3.llm.protocols import Content, Protocol, Response
from s3.llm.protocols.causes import SPENT
from s3.llm.protocols.parsing import message, parsed
from s3.llm.transport.base import Address

if TYPE_CHECKING:
    import httpx2
    import openai

LARGEST = 1 << 30  # bytes of a file of replies
LATER = "What was submitted is noted: run the same command later to continue."


class TooLargeError(Exception):
    """HTTP 413: fewer requests at a time may be taken."""


class NotThereError(UserError):
    """HTTP 404: what was asked for does not exist, or not for this key."""


class UnsureError(UserError):
    """A call that failed, but may have had its effect."""


class Calls:
    """Calls to an address: bodies are JSON, and what comes back is a JSON object, or a file.

    Raises UserError where the client's retries did not help, or none could; TooLargeError.
    """

    def __init__(self, where: str, protocol: Protocol, address: Address, attempts: int) -> None:
        """`where` names the endpoint and the model in errors."""
        self._where, self._protocol, self._address = where, protocol, address
        self._headers = protocol.headers(address.key)
        self._client = client(address, attempts)

    async def close(self) -> None:
        """End the connections."""
        await self._client.close()

    async def get(self, path: str) -> Content:
        """Return what is at a path."""
        return self._content(path, await self._send("get", path))

    async def once(self, path: str, body: Content | bytes) -> Content:
        """Send what may not be sent twice. Raises UnsureError where it may have arrived."""
        whole = {"content": body} if isinstance(body, bytes) else {"body": body}
        said = await self._send("post", path, "application/json", tries={"max_retries": 0}, **whole)
        return self._content(path, said)

    async def upload(self, lines: bytes) -> str:
        """Upload the lines of a batch as a file; return its id."""
        files, body = {"file": ("requests.jsonl", lines)}, {"purpose": "batch"}
        said = await self._send("post", "/files", "multipart/form-data", body=body, files=files)
        return self.id(self._content("/files", said), "/files")

    async def file(self, path: str) -> bytes:
        """Return the bytes of a file."""
        return (await self._send("get", path)).content

    def id(self, content: Content, path: str) -> str:
        """Return the id of what was made. Raises UnsureError where there is none."""
        if isinstance(id := content.get("id"), str) and id and id.isprintable():
            return id
        raise self._odd(path, f"with no id: {self._shown(json.dumps(content).encode())}")

    async def _send(
        self, method: str, path: str, kind: str = "", tries: Any = None, **what: Any
    ) -> httpx2.Response:
        import httpx2
        import openai

        # What the environment says of an account at OpenAI is not for others.
        own = ("Authorization", "OpenAI-Organization", "OpenAI-Project")
        headers = {**dict.fromkeys(own, openai.Omit()), **self._headers}
        options = {"headers": {**headers, "Content-Type": kind or openai.Omit()}, **(tries or {})}
        try:
            call = getattr(self._client, method)
            response: httpx2.Response = await call(
                path, cast_to=httpx2.Response, options=options, **what
            )
        except openai.APIStatusError as error:
            raise self._refused(path, error.status_code, error.response.content) from None
        except openai.APIError as error:
            said = self._shown(str(error.__cause__ or error).encode())
            raise UnsureError(
                f"{self._where}: {self._address.url}{path}: {said}. {LATER}"
            ) from None
        return response

    def _refused(self, path: str, status: int, body: bytes) -> Exception:
        """Return what to raise for a status that is no success."""
        said = self._shown(body)
        if status == 413:
            return TooLargeError(said)
        if SPENT.search(said):
            return spent(self._where, said)
        at = f"{self._where}: {self._address.url}{path} answered HTTP {status}: {said}."
        if status == 404:
            return NotThereError(
                f"{at} Check llm.base_url, and that this endpoint has a batch API."
            )
        try:
            redacted = Response(status, {}, self._address.redact(body))
            self._protocol.content(redacted, self._where)
        except UserError as error:
            return error
        except (Fault, RateLimited, Unfit):
            pass
        return UnsureError(f"{at} {LATER}")

    def _content(self, path: str, response: httpx2.Response) -> Content:
        """Return the JSON of a success, which may still hold an error."""
        try:
            content = parsed(response.content)
        except (Fault, UserError):
            said = self._shown(response.content)
            raise self._odd(path, f"with no JSON object: {said}") from None
        if not content.get("error"):
            return content
        said = self._shown(response.content)
        raise (
            spent(self._where, said)
            if SPENT.search(said)
            else self._odd(path, f"with an error: {said}")
        )

    def _odd(self, path: str, what: str) -> UnsureError:
        return UnsureError(
            f"{self._where}: {self._address.url}{path} answered {what[:400]}. {LATER}"
        )

    def _shown(self, body: bytes) -> str:
        return message(self._address.redact(body))


def spent(where: str, said: str) -> UserError:
    """Return what to raise where the account can pay for no more."""
    return UserError(
        f"{where}: the account's credit or limit is used up: {said}. Add credit or raise the "
        "limit, then run the same command to continue."
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
