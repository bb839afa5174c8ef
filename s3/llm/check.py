"""What an endpoint is and does, found out with three small prompts.

Nothing here is stored: a reply that was kept would not say how the endpoint answers today.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from s3.errors import UserError
from s3.llm.base import LLM, Online, Remote
from s3.llm.errors import Fault, NoRoom, RateLimited, Refused, Unfit
from s3.llm.limits import most
from s3.llm.protocols import Content, Protocol
from s3.llm.protocols.base import ROOM
from s3.llm.protocols.parsing import count, shown
from s3.llm.transport.base import Address, back_off
from s3.llm.transport.models import context_length, entry, listed, name_of, values_of
from s3.llm.types import Completion, Prompt, Style, Tokens, Usage

TIMEOUT = 300.0  # seconds for one reply
ATTEMPTS, LONGEST_WAIT = 3, 30.0  # at a prompt; seconds that a rate limit may ask to wait
SENTENCE = {
    Style.chat: Prompt("Write one unusual sentence about the sea.", reply_tokens=40),
    Style.continuation: Prompt("An unusual sentence about the sea:", reply_tokens=40),
}
STORY = {
    Style.chat: Prompt("Tell a story of 150 words about a lighthouse.", reply_tokens=200),
    Style.continuation: Prompt("A story about a lighthouse.\n\nOnce", reply_tokens=200),
}


class Answer(NamedTuple):
    """A reply as it came, with the seconds that it took."""

    completion: Completion
    content: Content
    seconds: float


@dataclass
class Findings:
    """What was found; `protocol` is the format as the endpoint wants it."""

    protocol: Protocol
    entry: Content  # of the model in the endpoint's list, {} where it has none
    usage: Usage  # of all replies, those without a text included
    refused: dict[str, str] = field(default_factory=dict)  # by the field: what was said of it
    answers: list[Answer] = field(default_factory=list)
    logprobs: bool = False

    @property
    def context(self) -> int | None:
        """The tokens that prompt and reply may have together, where the endpoint says it."""
        return context_length(self.entry)

    @property
    def prices(self) -> tuple[float, float] | None:
        """US dollars a million tokens of prompt and reply, where the endpoint lists them."""
        listed = self.entry.get("pricing")
        listed = listed if isinstance(listed, dict) else {}
        for names, scale in ((("prompt", "completion"), 1e6), (("input", "output"), 1.0)):
            try:
                asked, given = (float(listed[name]) * scale for name in names)
            except (KeyError, TypeError, ValueError):
                continue
            return round(asked, 6), round(given, 6)
        return None

    @property
    def exact(self) -> bool | None:
        """Whether the same prompt and seed gave the same reply twice; None without seeds."""
        if not set(self.protocol.seeding(0)) - set(self.protocol.omit):
            return None
        first, second, _ = (one.completion.text for one in self.answers)
        return first == second

    @property
    def thoughts(self) -> bool:
        """Whether it thinks before it writes."""
        return any(
            self.protocol.reply(one.content)[2]
            or any(map(count, values_of(one.content, "reasoning_tokens")))
            or any(map(count, values_of(one.content, "thinking_tokens")))
            for one in self.answers
        )

    @property
    def speed(self) -> float:
        """Tokens a second of the longest reply, alone."""
        last = self.answers[-1]
        return last.completion.completion_tokens / max(last.seconds, 1e-3)


def prompts(style: Style) -> list[Prompt]:
    """Return what is asked: a sentence twice, for the seeds, and a story, for the speed."""
    return [SENTENCE[style], SENTENCE[style], STORY[style]]


def dearest(llm: LLM, thoughts: bool = False) -> Tokens:
    """Return the most tokens that a check can use: where the model thinks at length, or not."""
    protocol = llm.make_protocol()
    protocol = replace(protocol, room=ROOM) if thoughts else protocol
    needs = [most(protocol.sized(prompt)) for prompt in prompts(protocol.style)]
    return sum(needs, Tokens())


def check(llm: LLM) -> Findings:
    """Ask an endpoint three prompts. Raises UserError where it does not answer."""
    if isinstance(llm, Remote) and not isinstance(llm, Online):
        raise UserError(f"{llm.name} answers within a day: check its model online (llm=openai).")
    with llm.address() as address:
        return asyncio.run(_Check(llm, address).run())


class _Check:
    def __init__(self, llm: LLM, address: Address) -> None:
        self._llm, self._address = llm, address
        self._where = f"llm {llm.name} ({llm.identity()['model']})"
        self._models: list[Content] = []
        self._budget = llm.make_budget(Usage(), Usage())

    async def run(self) -> Findings:
        from s3.llm.transport.http import HTTP  # imports aiohttp

        protocol = self._llm.make_protocol()
        self._http = HTTP(self._address, protocol.headers(self._address.key), TIMEOUT)
        try:
            self._models = await self._listed()
            about = entry(self._models, protocol.model)
            self._found = Findings(protocol, about, self._budget.usage)
            *sentences, story = prompts(protocol.style)
            for prompt in sentences:
                await self._ask(prompt)
            await self._ask_with_logprobs(story)
            return self._found
        except UserError as error:
            said = f"{error}{_others(protocol.model, self._models)}"
            raise UserError(self._shown(said)) from None
        finally:
            await self._http.close()

    async def _listed(self) -> list[Content]:
        try:
            return await listed(self._http)
        except Fault as fault:
            raise UserError(f"{self._where} cannot be reached: {fault.detail}.") from None

    async def _ask(self, prompt: Prompt, **more: Any) -> None:
        """Ask a prompt until it is answered, without the fields that are refused."""
        failed = 0
        while True:
            try:
                return self._found.answers.append(await self._answer(prompt, more))
            except (Refused, NoRoom) as why:
                if (suited := self._found.protocol.suited(why)) is None:
                    raise UserError(f"{self._where}: {why}") from None
                if isinstance(why, Refused):
                    self._found.refused |= dict.fromkeys(why.fields, str(why))
                self._found.protocol = suited
                continue
            except RateLimited as limited:
                said, pause = "HTTP 429: it limits the rate of requests", limited.wait
            except Fault as fault:
                said, pause = str(fault), None
            except Unfit as unfit:
                raise UserError(
                    f"{self._where} gave no reply to {prompt.text!r}: {unfit}"
                ) from None
            failed += 1
            pause = back_off(failed) if pause is None else pause
            if failed >= ATTEMPTS or pause > LONGEST_WAIT:
                raise UserError(f"{self._where}: {failed} attempts, the last with {said}.")
            await asyncio.sleep(pause)

    async def _answer(self, prompt: Prompt, more: Content) -> Answer:
        protocol, started = self._found.protocol, time.monotonic()
        if reached := self._budget.exceeded(most(protocol.sized(prompt))):
            raise reached
        self._budget.usage.requests += 1
        response = await self._http.post(protocol.path, protocol.encode(prompt, 1, **more))
        content = protocol.content(response, self._where)
        used, stated = protocol.used(content, prompt)
        self._budget.pay(used, stated)
        completion = protocol.completion(content, "", used)
        return Answer(completion, content, time.monotonic() - started)

    async def _ask_with_logprobs(self, prompt: Prompt) -> None:
        """Ask a prompt, with the log-probabilities of its tokens if they are to be had."""
        asking = self._found.protocol.logprobs
        try:
            await self._ask(prompt, **asking)
            content = self._found.answers[-1].content
            self._found.logprobs = bool(asking) and any(values_of(content, "logprobs"))
        except UserError:
            if not asking:
                raise
            await self._ask(prompt)

    def _shown(self, text: str) -> str:
        return self._address.redact(text.encode(errors="replace")).decode(errors="replace")


def _others(model: str, models: list[Content]) -> str:
    """Return which models there are, where the one that was asked for is not among them."""
    names = sorted(filter(None, map(name_of, models)))
    if not names or model in names:
        return ""
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f" It lists no {model}, but {', '.join(map(shown, names[:20]))}{more}."
