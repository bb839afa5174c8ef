"""A run's access to its LLM: prompts in, completions out, in order; stored ones cost nothing."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import suppress
from datetime import datetime
from itertools import count, islice
from types import TracebackType

import s3.progress
from s3.llm.errors import StoreError, TooManyFailures
from s3.llm.providers import LLM
from s3.llm.store import Store
from s3.llm.transport.base import Context, Request, Transport
from s3.llm.types import UNFIT, Completion, Failure, Prompt, Usage

BRIEFLY = 5.0  # seconds to wait for another process that writes: Ctrl-C must not wait long
LOOK = 0.2  # seconds between two looks at the progress


class Session:
    """One run's dealings with an LLM; use it in a `with`. Nothing starts before it must send.

    `usage` counts what this session has sent and found; `failures` has every prompt that got no
    completion; `style` is how prompts must be written. Not for several threads at a time.
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
        self._protocol = provider.make_protocol()
        self.style = self._protocol.style
        self._tolerated = provider.tolerated_failures
        self._store = Store(patience=BRIEFLY)
        run = run or f"{datetime.now():%Y-%m-%dT%H:%M:%S.%f}-{os.getpid()}"
        self._account = self._store.account(run, provider.endpoint, self.model)
        budget = provider.make_budget(self.usage, self._store.paid(self._account))
        where = f"llm {provider.name} ({self.model})"
        self._context = Context(where, self._protocol, self.usage, budget, self._account)
        self._transport = (transport or provider.make_transport)(self._context)
        self._key = hashlib.sha256(json.dumps([identity, seed], sort_keys=True).encode())
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
            finally:
                self._transport.cancel(list(pending))
                shown.draw(done)
        if self.usage.unstated and not unstated:
            print(
                f"{self._context.where} states no usage ({self.usage.unstated} responses so far): "
                "tokens, cost and caps go by an estimate, four bytes a token.",
                file=sys.stderr, flush=True,
            )  # fmt: skip

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
        hashed = self._key.copy()
        hashed.update(json.dumps(self._protocol.body(prompt), sort_keys=True).encode())
        key = hashed.hexdigest()[:32]
        short = int(key[:15], 16)
        request = Request(next(self._numbers), prompt, f"{key}-{self._asked[short]}")
        self._asked[short] += 1
        if (reply := self._store.get(request.id)) is not None:
            request.outcome = self._protocol.read(reply, request.id, prompt)
            self.usage.stored += 1
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
