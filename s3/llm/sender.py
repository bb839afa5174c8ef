"""One row's way to its completion: ask, and ask again by cause."""

from __future__ import annotations

import asyncio
import random
import time

from s3.errors import UserError
from s3.llm.budget import Tokens, guess, most
from s3.llm.client import Client
from s3.llm.errors import Fault, Refusal, Unfit
from s3.llm.gate import Gate
from s3.llm.reply import Reply, announced, judge, read, spent
from s3.llm.settings import Endpoint
from s3.llm.store import Record
from s3.llm.store.saver import Saver
from s3.llm.types import Completion, Failure
from s3.llm.work import Row, Work, body

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 20.0  # seconds between a row's attempts; doubled each time
HOPELESS = 20  # rows failing one after the other, none answered between: the endpoint is down


class Sender:
    """Answers rows over HTTP. Lives in an event loop, in whose thread it must be made."""

    def __init__(self, work: Work, endpoint: Endpoint) -> None:
        self.gate = Gate(work.llm, work.budget)
        self._work, self._llm, self._usage = work, work.llm, work.usage
        self._client = Client(endpoint, work.llm.timeout)
        self._saver = Saver()
        self._failing = 0

    async def close(self) -> None:
        """Store what has arrived and end the connections."""
        self._saver.close()
        await self._client.close()

    async def answer(self, row: Row, slot: int | None = None) -> Completion | Failure:
        """Draft until there is a reply or the attempts are spent. Raises what must stop the run.

        `slot` is the place at a llama.cpp server that is to be used.
        """
        faults, refusals, draw = 0, 0, 0
        while True:
            try:
                return await self._attempt(row, draw, slot)
            except Unfit as unfit:
                return self._failure(row, unfit.reason, unfit.detail)
            except Refusal as refusal:
                refusals += 1
                # With a wait given, the gate holds everyone back and the row is next in line.
                delay = _back_off(refusals) if refusal.wait is None else 0.0
            except Fault as fault:
                faults += 1
                if faults >= self._llm.attempts:
                    return self._give_up(row, fault)
                # The same seed once more, should the endpoint have slipped; then another one.
                draw = faults // 2 if fault.reason == "empty" else draw
                delay = _back_off(faults)
            self._usage.retries += 1
            await asyncio.sleep(delay)

    async def _attempt(self, row: Row, draw: int, slot: int | None) -> Completion:
        need, likely = most(row.prompt), guess(row.prompt) + row.prompt.reply_tokens
        request = body(self._llm, row, draw, slot)
        await self.gate.enter(row.number, need, likely)
        started, used = time.monotonic(), None
        try:
            reply = await self._client.post(self._llm.route(), request)
            used = spent(reply.body) if reply.status == 200 else Tokens()
            cost = self._enter(reply, used, likely, time.monotonic() - started)
            self._judge(reply)
            completion = read(reply.body, row.id)
            self._failing = 0
            return await self._store(completion, request, reply.body, cost)
        except Fault as fault:
            used = Tokens() if fault.reason == "unreachable" else used
            raise
        finally:
            # Without known usage the reservation stays: the provider may bill the request.
            self.gate.leave(need if used is not None else None)

    def _enter(self, reply: Reply, used: Tokens | None, likely: int, seconds: float) -> float:
        """Enter an answer into the books and the pace; return what it cost."""
        if wait := announced(reply.headers):
            self.gate.throttle.pause(time.monotonic(), wait)
        if reply.status != 200 or used is None:
            return 0.0
        self.gate.answered(seconds, likely, used.total)
        return self._work.budget.pay(used)

    def _judge(self, reply: Reply) -> None:
        """Raise what a bad answer calls for; the gate hears of it before it lets another out."""
        try:
            judge(reply, f"llm {self._llm.name} ({self._llm.model})")
        except Refusal as refusal:
            self._usage.refusals += 1
            self.gate.refused(refusal.wait)
            raise
        except UserError as error:
            self.gate.close(error)
            raise

    async def _store(
        self, completion: Completion, request: bytes, reply: bytes, cost: float
    ) -> Completion:
        record = Record(
            completion.id, self._work.run, self._llm.name, self._llm.model,
            completion.prompt_tokens, completion.completion_tokens, cost, request, reply,
        )  # fmt: skip
        held = await self._saver.save(record)
        return completion if held == reply else read(held, completion.id)

    def _give_up(self, row: Row, fault: Fault) -> Failure:
        self._failing += 1
        if self._failing >= HOPELESS:
            raise UserError(
                f"llm {self._llm.name}: {HOPELESS} prompts in a row failed {self._llm.attempts} "
                f"times each, the last with {fault}. Everything paid for is stored: run the same "
                "command when the endpoint is well again."
            )
        return self._failure(row, fault.reason, fault.detail)

    def _failure(self, row: Row, reason: str, detail: str) -> Failure:
        self._usage.failures += 1
        return Failure(row.prompt, reason, detail)


def _back_off(times: int) -> float:
    """Return the pause before the next attempt in seconds: doubled each time, with jitter."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(times - 1, 30)) * random.uniform(0.5, 1.5)
