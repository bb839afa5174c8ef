"""One HTTP request to an endpoint, safely: no redirects, a bounded body, the key never shown."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from s3.errors import UserError
from s3.llm.errors import Fault
from s3.llm.reply import Reply
from s3.llm.settings import Endpoint

LARGEST = 64 << 20  # bytes of a response; a completion has a few thousand
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Client:
    """An HTTP session with an endpoint; made inside a running event loop."""

    def __init__(self, endpoint: Endpoint, timeout: float, largest: int = LARGEST) -> None:
        self._endpoint, self._largest = endpoint, largest
        headers = {"Accept-Encoding": "identity"}  # a packed body could grow without bound
        if endpoint.key:
            headers["Authorization"] = f"Bearer {endpoint.key}"
        self._session = aiohttp.ClientSession(
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=timeout, sock_connect=min(timeout, 15)),
            connector=aiohttp.TCPConnector(limit=0),  # the gate bounds what is in flight
            # Not trust_env: it would read ~/.netrc for every request, and use what it finds.
            proxy=_proxy(endpoint.url),
        )

    async def close(self) -> None:
        """End the session."""
        await self._session.close()

    async def post(self, path: str, body: bytes) -> Reply:
        """Send JSON. Raises Fault where no whole response comes, UserError without trust."""
        return await self.request(
            "POST", path, data=body, headers={"Content-Type": "application/json"}
        )

    async def request(self, method: str, path: str, **content: Any) -> Reply:
        """Send a request; `content` is what aiohttp takes."""
        url = self._endpoint.url + path
        try:
            async with self._session.request(
                method, url, allow_redirects=False, **content
            ) as response:
                body = await self._body(response)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Reply(response.status, headers, body)
        except TimeoutError:
            raise Fault("timeout", "no answer within llm.timeout") from None
        except (ssl.SSLError, aiohttp.ClientSSLError, aiohttp.InvalidURL) as error:
            raise UserError(f"No safe connection to {self._endpoint.url}: {error}.") from None
        except aiohttp.ClientConnectorError as error:
            raise Fault("unreachable", self.redact(str(error))) from None
        except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as error:
            raise Fault("dropped", self.redact(f"{type(error).__name__}: {error}")) from None

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        if (response.content_length or 0) > self._largest:
            raise Fault("oversized", f"{response.content_length} bytes")
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > self._largest:
                raise Fault("oversized", f"more than {self._largest} bytes")
        return self.redact_bytes(bytes(body))

    def redact_bytes(self, body: bytes) -> bytes:
        """Return a body without the key, should an endpoint echo it."""
        key = self._endpoint.key.encode()
        return body.replace(key, b"[key]") if key and key in body else body

    def redact(self, text: str) -> str:
        """Return a text without the key."""
        return text.replace(self._endpoint.key, "[key]") if self._endpoint.key else text


def _proxy(url: str) -> str | None:
    """Return the proxy that the environment names for a URL; none to this machine itself."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return None if host in LOOPBACK or proxy_bypass(host) else getproxies().get(parts.scheme)
