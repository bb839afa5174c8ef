"""A real HTTP server on loopback, for as long as a block runs; what it answers is a subclass's."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class _Listener(ThreadingHTTPServer):
    # A whole test connects at once: with the usual 5 in the queue that costs seconds of retries.
    request_queue_size = 256


class Loopback:
    """The server; `url` is where it answers."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._server = _Listener(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}
        )
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
