"""`python -m s3 serve RUN`: a run's model over HTTP."""

from __future__ import annotations

import socket
import sys
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import typer

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0: a free one.")]
Host = Annotated[str, typer.Option(help="Where it listens; 0.0.0.0: to every machine.")]
NEEDED = ("fastapi", "uvicorn")
PATIENCE = 10  # seconds that requests have to end after Ctrl-C


def serve(run: RunFolder, port: Port = 8080, host: Host = "127.0.0.1") -> None:
    """Answer texts over HTTP by a run's model: POST /predict, GET /health, a page at /docs.

    Requests that come at once are answered in one batch. To this machine alone, unless told
    otherwise.
    """
    _require()
    import uvicorn

    from s3.prediction.model import load
    from s3.runs.reading import Run
    from s3.serving.app import application

    opened = Run.open(run)
    model = load(opened)
    listening = _listen(host, port)
    model.answers([["a"] * len(model.fields)])  # the weights are read before the first request
    app = application(model, opened.name)
    address, at, *_ = listening.getsockname()
    shown = f"[{address}]" if ":" in address else address
    print(f"{opened.name} at http://{shown}:{at}, its page at /docs (Ctrl-C ends)", flush=True)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=PATIENCE
    )
    with suppress(KeyboardInterrupt), listening:
        uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; warn where other machines can reach it.

    Raises UserError where the port is taken or the host is none of this machine's.
    """
    from s3.errors import UserError

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        found = socket.create_server((host, port), family=family)
    except OSError as error:
        raise UserError(
            f"--host {host} --port {port}: {error.strerror}; --port 0 takes a free port."
        ) from None
    # Connections inherit it. asyncio sets it on sockets of its own making alone, and without it the
    # second packet of an answer waits for the client's word on the first: 40 ms.
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not ip_address(found.getsockname()[0]).is_loopback:
        print(
            f"--host {host}: whoever reaches this machine can ask the model, without a password "
            "and unencrypted; a proxy in front of it can add both.",
            file=sys.stderr,
        )
    return found


def _require() -> None:
    from importlib.util import find_spec

    from s3.errors import UserError

    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise UserError(
            f"{' and '.join(missing)}: not installed. pip install 's3-synthesis[serve]' brings "
            "what a server needs."
        )
