"""A connection to an LLM: prompts in, completions out, in order, those of the store for free."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sized
from datetime import datetime
from itertools import count, islice
from types import TracebackType

import s3.progress
from s3.errors import UserError
from s3.llm.budget import Budget, price
from s3.llm.errors import TooManyFailures
from s3.llm.reply import read
from s3.llm.settings import LLM
from s3.llm.store import Store
from s3.llm.types import Completion, Failure, Prompt, Usage
from s3.llm.work import Row, Work, address

PROPERTIES = ("too_long", "filtered")  # failures that are the prompt's own: skipped and counted
LOOK = 0.2  # seconds between two looks at the progress


class Session:
    """One run's dealings with an LLM; use it in a `with`.

    `usage` counts what this connection has sent and found; `failures` has every prompt that got
    no completion; `style` is how prompts must be written. Not for several threads at a time.
    """

    def __init__(self, llm: LLM, seed: int, run: str = "") -> None:
        if llm.max_cost is not None and price(llm) is None:
            raise UserError(
                f"llm.max_cost needs the price of {llm.model}, which is not known: set "
                "llm.input_price and llm.output_price (US dollars a million tokens)."
            )
        self.model, self.style = llm.model, llm.style
        self.style = llm.style
        self.usage = Usage()
        self.failures: list[Failure] = []
        self._store = Store()
        run = run or f"{datetime.now():%Y-%m-%dT%H:%M:%S.%f}"
        budget = Budget(llm, self.usage, self._store.paid(run))
        self._work = Work(llm, seed, run, self.usage, budget)
        self._channel = llm.channel(self._work)
        self._asked: Counter[int] = Counter()  # how often, by a short form of the key
        self._numbers = count()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End what was started; whatever has arrived is stored."""
        self._channel.close()
        llm, work = self._work.llm, self._work
        self._store.hit(work.run, llm.name, llm.model, self.usage.stored)
        self._store.close()

    @property
    def paid(self) -> float:
        """US dollars that the run has paid so far, in earlier processes too."""
        return self._store.paid(self._work.run).cost

    def complete(
        self, prompts: Iterable[Prompt], what: str = "completions"
    ) -> Iterator[Completion | Failure]:
        """Yield each prompt's completion, in order, as they come; show progress as `what`.

        The same prompt again is another sample. Raises BudgetReached at a cap, TooManyFailures
        in place of the last outcome, UserError where the endpoint will not serve.
        """
        total = len(prompts) if isinstance(prompts, Sized) else None
        failed = len(self.failures)
        with s3.progress.progress(what, total) as bar:
            shown = _Shown(bar, self.usage)
            try:
                for outcome, last in self._in_order(iter(prompts), shown):
                    if isinstance(outcome, Failure):
                        self.failures.append(outcome)
                    if last:
                        self._judge(self.failures[failed:], what)
                    yield outcome
            finally:
                shown.draw()

    def _in_order(
        self, prompts: Iterator[Prompt], shown: _Shown
    ) -> Iterator[tuple[Completion | Failure, bool]]:
        """Yield outcomes, each with whether it is the last one."""
        pending: deque[Row] = deque()
        try:
            more = self._fill(pending, prompts)
            while more:
                outcome = self._wait(pending, shown)
                more = self._fill(pending, prompts)
                yield outcome, not more
        finally:
            self._channel.cancel(list(pending))

    def _fill(self, pending: deque[Row], prompts: Iterator[Prompt]) -> bool:
        """Open as many rows as the channel takes; return whether any is open."""
        channel = self._channel
        while len(pending) <= channel.window - channel.step:
            rows = [self._open(prompt) for prompt in islice(prompts, channel.step)]
            pending.extend(rows)
            if missing := [row for row in rows if row.outcome is None]:
                channel.submit(missing)
            if len(rows) < channel.step:
                break
        return bool(pending)

    def _open(self, prompt: Prompt) -> Row:
        key = address(self._work.llm, prompt, self._work.seed)
        short = int(key[:15], 16)
        row = Row(next(self._numbers), prompt, f"{key}-{self._asked[short]}")
        self._asked[short] += 1
        if (reply := self._store.get(row.id)) is not None:
            row.outcome = read(reply, row.id)
            self.usage.stored += 1
        return row

    def _wait(self, pending: deque[Row], shown: _Shown) -> Completion | Failure:
        work, row = self._work, pending[0]
        shown.look(pending)
        while row.outcome is None:
            if work.stopped:
                raise work.stopped
            work.arrived.wait(LOOK)
            work.arrived.clear()
            shown.look(pending)
        pending.popleft()
        shown.done += 1
        return row.outcome

    def _judge(self, failures: list[Failure], what: str) -> None:
        grave = [failure for failure in failures if failure.reason not in PROPERTIES]
        if len(grave) > self._work.llm.tolerated_failures:
            raise TooManyFailures(grave, what)


class _Shown:
    """The progress of one `complete`: looked at often, drawn now and then."""

    def __init__(self, bar: s3.progress.Work, usage: Usage) -> None:
        self.done = 0
        self._bar, self._usage = bar, usage
        self._tokens, self._cost = usage.completion_tokens, usage.cost
        self._started = self._drawn = time.monotonic()

    def look(self, pending: deque[Row]) -> None:
        """Draw, if it is time."""
        if time.monotonic() - self._drawn >= LOOK:
            self.draw(sum(row.outcome is not None for row in pending))

    def draw(self, ahead: int = 0) -> None:
        """Show the rows answered, `ahead` of the line included, tokens a second and money."""
        self._drawn = time.monotonic()
        taken = max(self._drawn - self._started, 1e-3)
        note = f"{(self._usage.completion_tokens - self._tokens) / taken:.0f} tokens/s"
        if cost := self._usage.cost - self._cost:
            note += f" ${cost:.4f}"
        self._bar.update(self.done + ahead, note)
