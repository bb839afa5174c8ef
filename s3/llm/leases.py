"""Who asks what: one process asks for a completion, others that want the same one wait for it."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path


class Leases:
    """The completions that this process is asking for, seen by all others.

    A lease is a lock on one byte of a file, at the place that the completion's id decides. The
    system gives it back when the process ends, however it ends. The sessions of one process are not
    kept apart.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)

    def take(self, id: str) -> bool:
        """Say whether this process may ask now; False while another one does."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(id))
        except OSError as error:
            # Where the file system has no locks, everyone asks.
            return error.errno not in (errno.EAGAIN, errno.EACCES)
        return True

    def release(self, id: str) -> None:
        """Let others ask: the reply is stored, or there is none."""
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _place(id))

    def close(self) -> None:
        """Release all."""
        os.close(self._file)


def _place(id: str) -> int:
    """Return the byte of a completion: its key's digits and which sample of it it is."""
    key, _, sample = id.partition("-")
    return (int(key[:15], 16) + int(sample)) % (1 << 62)
