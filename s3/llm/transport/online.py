"""Many requests at a time, each a task of its own that retries by cause until it is answered."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from s3.errors import UserError
from s3.llm.errors import Fault, NoRoom, RateLimited, Refused, Unfit
from s3.llm.leases import Leases
from s3.llm.limits import Limiter, SentBack, guess, most
from s3.llm.protocols import Content, Protocol
from s3.llm.store import Payment, Store
from s3.llm.transport.base import Address, Context, LoopTransport, Request, back_off, seed_of
from s3.llm.transport.models import refuse_too_long
from s3.llm.transport.saving import PATIENCE, Saving
from s3.llm.transport.servers import Servers
from s3.llm.types import Completion

GRACE = 10.0  # seconds that requests in flight get to arrive when the transport must stop
AGAIN = 1.0  # seconds between two looks at what another process asks
HOPELESS = 20  # requests failing one after the other, none answered between: it is down


class OnlineTransport(LoopTransport):
    """Sends each request as one HTTP request; `timeout` is seconds for one response."""

    window = 2000  # open at a time: what one slow request can hold up, and what memory holds
    step = 32

    def __init__(
        self,
        context: Context,
        reach: Callable[[], AbstractContextManager[Address]],
        limiter: Limiter,
        timeout: float,
        attempts: int,
    ) -> None:
        super().__init__(context, reach)
        self._limiter, self._timeout, self._attempts = limiter, timeout, attempts
        self._failing = 0
        self._waited = False  # for another process, which is said once

    async def _open(self, address: Address) -> None:
        headers = self._context.protocol.headers(address.key)
        self._servers = Servers(address, headers, self._timeout)
        self._store = Store(patience=PATIENCE)  # the loop stands still meanwhile
        self._saving = Saving(self._store, self._context.account, self._limiter.learnt)
        self._leases = Leases(self._store.path.with_suffix(".leases"))
        self._longest = await self._servers.context_length(self._context.protocol.model)

    async def _shut(self) -> None:
        self._saving.close()
        self._store.close()
        self._leases.close()
        await self._servers.close()

    async def _drain(self, reason: Exception) -> None:
        self._limiter.close(reason)
        deadline = time.monotonic() + GRACE
        while self._limiter.in_flight and time.monotonic() < deadline:
            await asyncio.sleep(0.05)

    def _begin(self, requests: list[Request]) -> None:
        for request in requests:
            self._start([request], partial(self._answer, request))

    async def _answer(self, request: Request, slot: int | None = None) -> None:
        """Give a request its outcome, from another process that asks the same if there is one.

        `slot` is the place at a llama.cpp server that is to be used.
        """
        id = request.id  # what the endpoint refuses changes that of the request
        while not self._leases.take(id):
            if not self._waited:
                where = self._context.where
                print(f"{where}: another process asks some of the same; waiting for its replies.",
                      file=sys.stderr, flush=True)  # fmt: skip
            self._waited = True
            await asyncio.sleep(AGAIN)
        try:
            if (held := self._store.get(request.id)) is None:  # none has come since it was opened
                return await self._ask(request, slot)
            request.outcome = self._context.protocol.read(held, request.id, request.prompt)
            self._context.usage.stored += 1
            self._context.arrived.set()
        finally:
            self._leases.release(id)

    async def _ask(self, request: Request, slot: int | None) -> None:
        """Ask until there is an outcome. Raises what must stop the run."""
        faults = limited = draw = 0
        while True:
            delay = 0.0
            try:
                if self._longest:
                    refuse_too_long(self._context.protocol.sized(request.prompt), self._longest)
                request.outcome = await self._attempt(request, draw, slot)
                self._context.trial.good()
                return self._context.arrived.set()
            except SentBack:
                continue
            except (Refused, NoRoom) as why:
                if not self._suited(request, why):
                    return self._reject(request, why)
            except Unfit as unfit:
                return self._reject(request, unfit)
            except RateLimited as refused:
                limited += 1
                # With a wait given, a stray waits it alone, else the limiter holds all back.
                delay = back_off(limited) if refused.wait is None else refused.wait
            except Fault as fault:
                faults += 1
                if faults >= self._attempts:
                    return self._give_up(request, fault)
                if fault.reason == "empty":  # paid for, so it counts among the first replies
                    self._context.trial.bad(fault.reason, fault.detail)
                    # The same seed once more, should the endpoint have slipped; then another one.
                    draw = faults // 2
                delay = back_off(faults)
            self._context.usage.retries += 1
            await asyncio.sleep(delay)

    async def _attempt(self, request: Request, draw: int, slot: int | None) -> Completion:
        """Send a request once; return its completion, stored. Raises what came instead."""
        if self._context.address(request) and (held := self._store.get(request.id)):
            self._context.usage.stored += 1
            return self._context.protocol.read(held, request.id, request.prompt)
        protocol, limiter = self._context.protocol, self._limiter
        sized = protocol.sized(request.prompt)
        need, likely = most(sized), guess(sized)
        place = {} if slot is None else {"id_slot": slot}
        body = protocol.encode(request.prompt, seed_of(request.id, draw), **place)
        await limiter.enter(request.number, need, likely)
        started, known = time.monotonic(), True
        try:
            if protocol is not self._context.protocol:
                self._context.usage.requests -= 1
                raise SentBack
            response = await self._servers.post(protocol.path, body)
            content = protocol.content(response, self._context.where)
            if pause := protocol.announced(response.headers):
                limiter.announced(pause)
            used, stated = protocol.used(content, request.prompt)
            limiter.answered(time.monotonic() - started, likely, used.total)
            cost = self._context.budget.pay(used, stated)
            return await self._keep(
                request, protocol, content, Payment(used, cost, request.id, body, response.body)
            )
        except RateLimited as refused:
            self._context.usage.rate_limited += 1
            refused.said = self._context.shown(refused.said)
            alone = limiter.rate_limited(refused, started, request.number)
            refused.wait = None if refused.wait is None else alone
            raise
        except UserError as error:
            mendable = isinstance(error, Refused) and (error.fields or self._has_answered())
            if not mendable:
                limiter.close(error)
            raise
        except Fault as fault:
            # What may have been answered may be billed: then the reservation stays.
            known = fault.reason not in ("timeout", "dropped", "truncated", "oversized")
            raise
        except asyncio.CancelledError:
            known = False
            raise
        finally:
            limiter.leave(need if known else None)

    def _suited(self, request: Request, why: Refused | NoRoom) -> bool:
        """Change what is sent to what the endpoint wants; return whether there is such a way."""
        before, sent = self._context.protocol, request.protocol or self._context.protocol
        found = self._context.format.suit(sent, why)
        if self._context.protocol is not before:
            self._limiter.send_back()
        return found

    async def _keep(
        self, request: Request, protocol: Protocol, content: Content, paid: Payment
    ) -> Completion:
        """Store a response and enter what it cost; return the completion that the store holds.

        A response that no completion can be read from costs too: it goes into the ledger alone.
        """
        try:
            completion = protocol.completion(content, request.id, paid.used, request.prompt.stop)
        except (Fault, Unfit):
            await self._saving.save(Payment(paid.used, paid.cost))
            raise
        self._failing = 0
        self._context.format.served(protocol)
        await self._saving.save(paid)
        held = self._store.get(request.id)
        if held is None or held == paid.reply:
            return completion
        return protocol.read(held, request.id, request.prompt)

    def _give_up(self, request: Request, fault: Fault) -> None:
        self._failing += 1
        if self._failing >= HOPELESS:
            raise UserError(
                f"{self._context.where}: {HOPELESS} prompts in a row failed {self._attempts} "
                f"times each, the last with {fault}. Everything paid for is stored: run the same "
                "command when the endpoint is well again."
            )
        self._reject(request, fault)

    def _reject(self, request: Request, why: Fault | Unfit | Refused) -> None:
        """Give a request up. Raises what must stop the run."""
        if isinstance(why, Refused):
            if why.fields or not self._has_answered():
                raise why
            why = Unfit("rejected", str(why))  # others like it were answered: it is the prompt
        self._context.fail(request, why.reason, why.detail)
        self._context.trial.bad(why.reason, why.detail)

    def _has_answered(self) -> bool:
        """Say whether it has answered a prompt, in this run or an earlier one."""
        return self._context.trial.passed or self._context.usage.stored > 0
