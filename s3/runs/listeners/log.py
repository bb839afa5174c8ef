"""The log of a run: what its commands say, with times, in a file of its folder (docs/runs.md)."""

from __future__ import annotations

import logging
import re
import sys
import time
import traceback
from collections.abc import Mapping
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from types import TracebackType
from typing import Any, TextIO, cast

from s3.runs.folder import LOG, RunFolder
from s3.runs.listeners.base import Listener
from s3.secrets import hidden
from s3.text import sanitised

BAR = re.compile(r"\s*[━╸╺]")  # a live bar, whose state at the end is a line of its own, too
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # sequences that move the cursor or colour a text


class Log(Listener):
    """Keeps what is said while it is entered, and what libraries log, without keys.

    What comes before the run has begun is kept until there is a folder to write it to; where there
    never is one, it was on the console alone.
    """

    name = "log"

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._file: TextIO | None = None
        self._entered = ExitStack()

    def __enter__(self) -> Log:
        """Listen to both streams and to `logging`; its records go to stderr if nowhere else."""
        self._entered.enter_context(redirect_stdout(cast(TextIO, _Heard(sys.stdout, self))))
        self._entered.enter_context(redirect_stderr(cast(TextIO, _Heard(sys.stderr, self))))
        root = logging.getLogger()
        handler = _Records(self) if root.handlers else logging.StreamHandler(sys.stderr)
        handler.setFormatter(_Hiding("%(levelname)s %(name)s: %(message)s"))
        root.addHandler(handler)
        self._entered.callback(root.removeHandler, handler)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Write down what ends the run from outside, or a defect with its traceback."""
        self._entered.close()
        if isinstance(error, KeyboardInterrupt):
            self.add("interrupted")
        elif error is not None:
            self.add("".join(traceback.format_exception(error)))
        if self._file is not None:
            self._file.close()

    def started(self, run: RunFolder, config: Mapping[str, Any], about: Mapping[str, Any]) -> None:
        """Write to the run's folder from now on, below what earlier commands have said."""
        self._file = (run.path / LOG).open("a", encoding="utf-8", buffering=1)
        self._file.writelines(self._lines)

    def add(self, text: str) -> None:
        """Keep the lines of a text, each with the time."""
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        for said in text.splitlines():
            if said.strip() and not BAR.match(said):
                line = f"{now}  {hidden(sanitised(said.rstrip()))}\n"
                self._lines.append(line) if self._file is None else self._file.write(line)


class _Heard:
    """A stream of the console whose whole lines go to the log, too."""

    def __init__(self, stream: TextIO, log: Log) -> None:
        self._stream, self._log, self._begun = stream, log, ""

    def write(self, text: str) -> int:
        *lines, begun = (self._begun + CONTROL.sub("", text)).split("\n")
        for line in lines:
            self._log.add(line.rpartition("\r")[2])  # what stands there in the end, as on a screen
        self._begun = begun.rpartition("\r")[2]
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Records(logging.Handler):
    """Takes records of `logging` to the log alone."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.add(self.format(record))


class _Hiding(logging.Formatter):
    """Formats records without keys in them."""

    def format(self, record: logging.LogRecord) -> str:
        return hidden(super().format(record))
