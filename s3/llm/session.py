"""A run's access to its LLM: prompts in, completions out, in order; stored ones cost nothing."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import suppress
from copy import copy
from datetime import datetime
from functools import partial
from itertools import count, islice
from types import TracebackType

import s3.progress
from s3.llm.base import LLM
from s3.llm.errors import Fault, StoreError, TooManyFailures, Unfit
from s3.llm.format import Format
from s3.llm.store import Store
from s3.llm.transport.base import Context, Request, Transport
from s3.llm.trial import FIRST, Oddities, Trial
from s3.llm.types import UNFIT, Completion, Failure, Prompt, Usage

BRIEFLY = 5.0  # seconds to wait for another process that writes: Ctrl-C must not wait long
LOOK = 0.2  # seconds between two looks at the progress


class Session:
    """One run's dealings with an LLM; use it in a `with`. Nothing starts before it must send.

    `usage` counts what this session has sent and found; `failures` has every prompt that got no
    completion; `style` is how prompts must be written; `priced` says whether costs are known. Not
    for several threads at a time.
    """

    def __init__(
        self,
        provider: LLM,
        seed: int,
        run: str = "",
        *,
        transport: Callable[[Context], Transport] | None = None,
    ) -> None:
        """`run` names the run in the ledger; without a name each session is a run of its own.

        What earlier processes of the run have paid counts towards its caps. `transport` makes
        another transport than the provider's own.
        """
        identity = provider.identity()
        self.model: str = identity["model"]
        self.usage = Usage()
        self.failures: list[Failure] = []
        protocol = provider.make_protocol()
        self.style = protocol.style
        self.priced = provider.price() is not None
        self._tolerated = provider.tolerated_failures
        self._store = Store(patience=BRIEFLY)
        run = run or f"{datetime.now():%Y-%m-%dT%H:%M:%S.%f}-{os.getpid()}"
        self._account = self._store.account(run, provider.endpoint, self.model)
        budget = provider.make_budget(self.usage, self._store.paid(self._account))
        where = f"llm {provider.name} ({self.model})"
        self._format = Format(protocol, where, provider.endpoint, identity, seed)
        self._trial = partial(Trial, where, max(FIRST, self._tolerated + 1))
        self._context = Context(
            where, self._format, self.usage, budget, self._account, self._trial()
        )
        self._transport = (transport or provider.make_transport)(self._context)
        # Of outcomes, by kind of prompt: are they of use?
        self._trials = defaultdict[str, Trial](self._trial)
        self._oddities = Oddities(where)
        self._dropped = ""  # why the reply that was yielded last is of no use
        self._asked: Counter[int] = Counter()  # how often, by a short form of the key
        self._unfit: dict[str, Failure] = {}  # by key: what need not be sent once more
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
        self._transport.close()
        with suppress(StoreError):  # a statistic: what cannot be noted now is not missed
            self._store.hits(self._account, self.usage.stored)
        self._store.close()

    def afresh(self) -> Session:
        """Return this session for a method that runs once more: its prompts get the same replies.

        Store, caps, failures and usage are the same.
        """
        other = copy(self)
        other._asked = Counter()
        return other

    @property
    def paid(self) -> float:
        """US dollars that the run has paid so far, in earlier processes too."""
        return self._store.paid(self._account).cost

    def complete(
        self, prompts: Iterable[Prompt], what: str = "completions"
    ) -> Iterator[Completion | Failure]:
        """Yield each prompt's completion, in order, as they come; show progress as `what`.

        The same prompt again is another sample. Raises BudgetReached at a cap, TooManyFailures
        in place of the last outcome, UserError where the endpoint will not serve.
        """
        source, pending = iter(prompts), deque[Request]()
        done, failed, unstated = 0, len(self.failures), self.usage.unstated
        first = not self.usage.requests
        with s3.progress.progress(
            what, len(prompts) if isinstance(prompts, Sized) else None
        ) as bar:
            shown = _Shown(bar, self.usage)
            try:
                more = self._fill(pending, source)
                while more:
                    request = self._wait(pending, shown, done)
                    outcome, done = request.outcome, done + 1
                    assert outcome is not None
                    if isinstance(outcome, Failure):
                        self.failures.append(outcome)
                        if outcome.reason == "too_long":  # it will be so another time
                            self._unfit[request.id.rpartition("-")[0]] = outcome
                    more = self._fill(pending, source)
                    if not more:
                        self._judge(self.failures[failed:], what)
                    yield outcome
                    self._note(request.prompt, outcome)
            finally:
                self._transport.cancel(list(pending))
                shown.draw(done)
        if self.usage.unstated and not unstated:
            self._say(
                f"states no usage ({self.usage.unstated} responses so far): tokens, cost and caps "
                "go by an estimate, four bytes a token."
            )
        if first and self.usage.requests and not self.priced:
            self._say(
                "has no price that is known, so costs are not: llm.input_price and "
                "llm.output_price say it (0 for a server of your own)."
            )

    def _say(self, what: str) -> None:
        print(f"{self._context.where} {what}", file=sys.stderr, flush=True)

    def drop(self, reason: str) -> None:
        """Say that the completion that was yielded last is of no use, and why."""
        self._dropped = reason

    def _note(self, prompt: Prompt, outcome: Completion | Failure) -> None:
        """Note an outcome that its caller is done with. Raises NothingUsable."""
        dropped, self._dropped = self._dropped, ""
        trial = self._trials[prompt.kind]
        if isinstance(outcome, Failure):
            return trial.bad(outcome.reason, outcome.detail)
        self._oddities.look(prompt, outcome)
        return trial.bad(dropped, self._context.shown(outcome.text)) if dropped else trial.good()

    def _fill(self, pending: deque[Request], prompts: Iterator[Prompt]) -> bool:
        """Open as many requests as the transport takes; return whether any is open."""
        transport = self._transport
        while len(pending) <= transport.window - transport.step:
            requests = [self._open(prompt) for prompt in islice(prompts, transport.step)]
            pending.extend(requests)
            if missing := [request for request in requests if request.outcome is None]:
                transport.submit(missing)
            if len(requests) < transport.step:
                break
        return bool(pending)

    def _open(self, prompt: Prompt) -> Request:
        """Return a prompt's request; one that the store can answer has its outcome."""
        protocol = self._format.protocol
        key = self._format.key(prompt, protocol)
        # Counted by what was first sent: a prompt's samples go on where the format changes.
        first = self._format.first
        short = int((key if protocol is first else self._format.key(prompt, first))[:15], 16)
        id = f"{key}-{self._asked[short]}"
        request = Request(next(self._numbers), prompt, id, protocol=protocol)
        self._asked[short] += 1
        if (reply := self._store.get(request.id)) is not None:
            try:
                request.outcome = protocol.read(reply, request.id, prompt)
                self.usage.stored += 1
            except (Fault, Unfit) as why:  # stored by a version that took it for a text
                self._context.fail(request, "unreadable", f"stored {request.id}: {why}")
        elif failure := self._unfit.get(key):
            request.outcome = Failure(prompt, failure.reason, failure.detail)
            self.usage.failures += 1
        return request

    def _wait(self, pending: deque[Request], shown: _Shown, done: int) -> Request:
        """Wait until the first request has its outcome; take it out of the line."""
        context, first = self._context, pending[0]
        while True:
            shown.draw(done, pending)
            if first.outcome is not None:
                return pending.popleft()
            if context.stopped:
                raise context.stopped
            context.arrived.wait(LOOK)
            context.arrived.clear()

    def _judge(self, failures: list[Failure], what: str) -> None:
        grave = [failure for failure in failures if failure.reason not in UNFIT]
        if len(grave) > self._tolerated:
            raise TooManyFailures(grave, what)


class _Shown:
    """The progress of one `complete`: looked at often, drawn now and then."""

    def __init__(self, bar: s3.progress.Work, usage: Usage) -> None:
        self._bar, self._usage = bar, usage
        self._tokens, self._cost = usage.completion_tokens, usage.cost
        self._started = self._drawn = time.monotonic()

    def draw(self, done: int, pending: Iterable[Request] | None = None) -> None:
        """Show the requests answered, tokens a second and money; if it is time, where some pend."""
        now = time.monotonic()
        if pending is not None and now - self._drawn < LOOK:
            return
        self._drawn = now
        done += sum(request.outcome is not None for request in pending or ())
        tokens = self._usage.completion_tokens - self._tokens
        note = f"{tokens / max(now - self._started, 1e-3):.0f} tokens/s"
        if cost := self._usage.cost - self._cost:
            note += f" ${cost:.4f}"
        self._bar.update(done, note)
