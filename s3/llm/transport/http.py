"""One HTTP request, safely: no redirects, a bounded body.

The only file that knows aiohttp. openai's client would serve, at 1.6 to 2.4 times the seconds:
benchmarks/README.md has the figures.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from functools import cache

import aiohttp

from s3.errors import UserError
from s3.llm.errors import Fault
from s3.llm.protocols import Response
from s3.llm.transport.base import Address

LARGEST = 64 << 20  # bytes of a response; a completion has a few thousand


class HTTP:
    """Connections to one address; made inside a running event loop.

    `headers` go with each request; `timeout` is seconds for a whole response.
    """

    def __init__(
        self, address: Address, headers: Mapping[str, str], timeout: float, largest: int = LARGEST
    ) -> None:
        self._address, self._largest = address, largest
        self._at = cache(address.at)
        self._session = aiohttp.ClientSession(
            headers={
                "Content-Type": "application/json",
                "Accept-Encoding": "identity",  # a packed body could grow without bound
                **headers,
            },
            timeout=aiohttp.ClientTimeout(total=timeout, sock_connect=min(timeout, 15)),
            connector=aiohttp.TCPConnector(limit=0),  # the limiter bounds what is in flight
            # Not trust_env: it would read ~/.netrc for every request, and use what it finds.
            proxy=address.proxy(),
        )

    async def close(self) -> None:
        """End the connections."""
        await self._session.close()

    async def get(self, path: str) -> Response:
        """Ask for what is there. Raises as `post` does."""
        return await self._send("GET", path)

    async def post(self, path: str, body: bytes) -> Response:
        """Send JSON. Raises Fault where no whole response comes, UserError without trust."""
        return await self._send("POST", path, body)

    async def _send(self, method: str, path: str, body: bytes | None = None) -> Response:
        try:
            async with self._session.request(
                method, self._at(path), data=body, allow_redirects=False
            ) as response:
                said = bytearray()
                async for chunk in response.content.iter_any():
                    said += chunk
                    if len(said) > self._largest:
                        raise Fault("oversized", f"more than {self._largest} bytes")
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Response(response.status, headers, bytes(said))
        except TimeoutError:
            raise Fault("timeout", "no answer within llm.timeout") from None
        except (ssl.SSLError, aiohttp.ClientSSLError, aiohttp.InvalidURL) as error:
            raise UserError(f"No safe connection to {self._address.url}: {error}.") from None
        except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as error:
            unreachable = isinstance(error, aiohttp.ClientConnectorError)
            said_of_it = f"{type(error).__name__}: {error}"
            raise Fault("unreachable" if unreachable else "dropped", said_of_it) from None
