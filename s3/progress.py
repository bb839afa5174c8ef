"""Progress of long work: a live bar in a terminal or a notebook, a line now and then in a log."""

from __future__ import annotations

import html
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any

JOB = "S3_JOB"  # in the environment: the name of the job of a sweep that this process is at
AT_ONCE = "S3_JOBS_AT_ONCE"  # likewise: so many jobs of a sweep run side by side on this machine
_quiet: ContextVar[bool] = ContextVar("quiet", default=False)
LONG = 60.0  # seconds of work after which the terminal rings
NOTIFY, MESSAGE = "S3_NOTIFY", "S3_MESSAGE"  # in the environment: a command, and what it may say
LOG_EVERY = 10.0  # seconds between two lines where there is no terminal
CELL_EVERY = 0.2  # seconds between two states of a notebook's bar: each is a message to a browser


def job_name() -> str:
    """Return what a line about this process's job of a sweep begins with; empty outside sweeps."""
    return f"{os.environ[JOB]}: " if JOB in os.environ else ""


@dataclass
class Work:
    """One running piece of long work; `update` moves it on."""

    what: str
    total: int | None
    draw: Callable[[Work], None]
    done: int = 0
    note: str = ""
    started: float = field(default_factory=time.monotonic)

    def update(self, done: int, note: str = "") -> None:
        """Say that `done` of `total` units are finished; `note` is shown beside them."""
        self.done, self.note = done, note
        self.draw(self)

    def line(self) -> str:
        """The state in one line: job, what, done of total, note, seconds taken and left."""
        seconds = time.monotonic() - self.started
        parts = [f"{job_name()}{self.what} {self.done}" + (f"/{self.total}" if self.total else "")]
        parts += [self.note] if self.note else []
        parts.append(f"{seconds:.0f} s")
        if self.total and 0 < self.done < self.total:
            parts.append(f"{seconds / self.done * (self.total - self.done):.0f} s left")
        return "  ".join(parts)


@cache
def note(where: str, said: str) -> None:
    """Say on stderr, once in a process, how something odd was understood."""
    print(f"{where}: {said}", file=sys.stderr, flush=True)


def ring(seconds: float, said: str) -> None:
    """Tell who went away that work of so many seconds has ended.

    A terminal rings; the shell command in S3_NOTIFY runs, with `said` in S3_MESSAGE. That is no
    option: a configuration that came from elsewhere must not bring a command along.
    """
    if seconds < LONG:
        return
    if sys.stderr.isatty():
        print("\a", end="", file=sys.stderr, flush=True)
    if command := os.environ.get(NOTIFY):
        done = subprocess.run(command, shell=True, env={**os.environ, MESSAGE: said}, check=False)
        if done.returncode:
            note(NOTIFY, f"the command ended with {done.returncode}: {command}")


@contextmanager
def quiet() -> Iterator[None]:
    """Show no progress of what the block does: it is part of other work, or soon done."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Work]:
    """Show work of `total` units while the block runs, with an estimate of its end.

    A live bar needs the terminal for itself: jobs side by side say lines.
    """
    if _quiet.get():
        yield Work(what, total, lambda work: None)
        return
    if _notebook():
        with _cell(what, total) as work:
            yield work
        return
    alone = sys.stderr.isatty() and int(os.environ.get(AT_ONCE, 1)) == 1
    with _live(what, total) if alone else _logged(what, total) as work:
        yield work
    print(work.line(), file=sys.stderr, flush=True)


@contextmanager
def _logged(what: str, total: int | None) -> Iterator[Work]:
    said = time.monotonic()

    def draw(work: Work) -> None:
        nonlocal said
        if time.monotonic() - said >= LOG_EVERY:
            said = time.monotonic()
            print(work.line(), file=sys.stderr, flush=True)

    yield Work(what, total, draw)


@contextmanager
def _live(what: str, total: int | None) -> Iterator[Work]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (BarColumn(bar_width=24), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        row = bars.add_task(what, total=total)

        def draw(work: Work) -> None:
            bars.update(row, completed=work.done, description=work.line())

        yield Work(what, total, draw)


def _notebook() -> bool:
    """Return whether what is shown goes to a cell of a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


@contextmanager
def _cell(what: str, total: int | None) -> Iterator[Work]:
    """Show a bar that becomes the last line; rich's own would need a widget, which is not kept."""
    from IPython.display import DisplayHandle

    work, said = Work(what, total, lambda work: draw(work)), time.monotonic()
    handle: Any = DisplayHandle()  # type: ignore[no-untyped-call]
    handle.display(_bar(work), raw=True)

    def draw(work: Work) -> None:
        nonlocal said
        if time.monotonic() - said >= CELL_EVERY:
            said = time.monotonic()
            handle.update(_bar(work), raw=True)

    yield work
    handle.update({"text/plain": work.line()}, raw=True)


def _bar(work: Work) -> dict[str, str]:
    """Return the state of some work as a cell shows it."""
    share = f' max="{work.total}" value="{work.done}"' if work.total else ""
    line = html.escape(work.line())
    return {"text/plain": work.line(), "text/html": f"<progress{share}></progress> <tt>{line}</tt>"}
