"""What a wire format is: how a prompt becomes a body, and a response a completion or a cause.

A new format is a subclass in a file of its own, named in `PROTOCOLS`. What is here holds for the
formats of OpenAI and of those who speak like it: the places of usage and errors, the meaning of
the statuses, the headers that say how long to stay away. A format that differs overrides what
differs: `finishes`, `seeding`, `stated`, `headers`, `announced`, `content`.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple

from s3.llm.errors import Fault, NoRoom, Refused, Unfit
from s3.llm.protocols import waits
from s3.llm.protocols.causes import FILTERED, cause, stated_status
from s3.llm.protocols.parsing import Content, Response, count, parsed, said, shown
from s3.llm.thoughts import without_thoughts
from s3.llm.types import Completion, Prompt, Style, Tokens, token_estimate
from s3.text import sanitised

Stated = tuple[Any, Any, Any]  # tokens as an endpoint states them: prompt's, reply's, cached

ROOM = 4096  # tokens for thoughts, where they used up those of the reply
ESSENTIAL = {"model", "messages", "prompt", "input", "system", "instructions"}  # never left out
# What the limit of a reply's length is called by some, and by others.
RENAMED = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}


class Reply(NamedTuple):
    """What a response holds, before it is judged; `text` without thoughts, its parts joined."""

    text: Any
    end: str  # as the API calls it
    thought: str = ""  # what a thinking model wrote before the text, in a field of its own
    refusal: str = ""  # why it declined, in a field of its own
    error: Any = None  # what broke it off
    calls: bool = False  # tools, where a text was asked for


def conversation(texts: Sequence[str]) -> list[Content]:
    """Return turns as messages: the user's first, then the LLM's and the user's by turns."""
    roles = ("user", "assistant")
    return [{"role": roles[place % 2], "content": text} for place, text in enumerate(texts)]


@dataclass(frozen=True)
class Protocol(ABC):
    """A wire format, for one model and sampling. Bodies are JSON, as bytes in UTF-8.

    `omit` and `room` are also what a session learns of its endpoint: see `suited`.
    """

    model: str
    temperature: float | None  # None: not sent, the model's own
    top_p: float | None
    length_field: str = "max_tokens"  # what the API calls the limit of a reply's length
    reasoning: str | None = None  # the effort of a thinking model
    extra: Mapping[str, Any] = field(default_factory=dict)  # fields to add, or to replace
    omit: tuple[str, ...] = ()  # fields that are not to be sent
    room: int = 0  # tokens that thoughts may take beside the reply's own

    name: ClassVar[str]  # the option's value
    path: ClassVar[str]  # below the base URL
    style: ClassVar[Style]  # how prompts must be written for it
    # What the API calls an end that `Completion.finish` has a name for, and that name.
    finishes: ClassVar[Mapping[str, str]] = {
        "abort": "error",  # vLLM
        "network_error": "error",  # Z.ai
        "insufficient_system_resource": "error",  # DeepSeek
        "sensitive": "content_filter",  # Z.ai
    }
    logprobs: ClassVar[Mapping[str, Any]] = {}  # asks for the log-probabilities of a reply's tokens

    @abstractmethod
    def body(self, prompt: Prompt) -> Content:
        """Return what the format sends for a prompt, but for the seed; `request` completes it."""

    @abstractmethod
    def prompt(self, body: Content) -> Prompt:
        """Return the prompt that a body asks: the inverse of `request`."""

    @abstractmethod
    def reply(self, content: Content) -> Reply:
        """Return what a response holds; KeyError, TypeError etc. where there is no reply."""

    def headers(self, key: str) -> dict[str, str]:
        """Return what each request says of itself, with the key unless it is empty."""
        return {"Authorization": f"Bearer {key}"} if key else {}

    def sampling(self) -> Content:
        """Return the settings of the sampling that are to be sent."""
        settings = {"temperature": self.temperature, "top_p": self.top_p}
        return {name: value for name, value in settings.items() if value is not None}

    def seeding(self, seed: int) -> Content:
        """Return what makes a reply repeat itself; nothing where an API has no such thing."""
        return {"seed": seed}

    def effort(self) -> Content:
        """Return how much a thinking model is to think, if that is chosen."""
        return {"reasoning_effort": self.reasoning} if self.reasoning else {}

    def sized(self, prompt: Prompt) -> Prompt:
        """Return a prompt with room for thoughts beside its reply."""
        room = self.room
        return replace(prompt, reply_tokens=prompt.reply_tokens + room) if room else prompt

    def request(self, prompt: Prompt) -> Content:
        """Return what decides a prompt's reply, but for the seed: as it is sent."""
        content = {**self.body(self.sized(prompt)), **self.effort(), **self.extra}
        for name in self.omit:
            value, other = content.pop(name, None), RENAMED.get(name)
            if value is not None and other and other not in self.omit:
                content[other] = value
        return content

    def encode(self, prompt: Prompt, seed: int, **more: Any) -> bytes:
        """Return the body of one request; `more` are fields that only some servers know."""
        seeding = {k: v for k, v in self.seeding(seed).items() if k not in self.omit}
        content = {**self.request(prompt), **seeding, **more}
        return json.dumps(content, ensure_ascii=False).encode(errors="replace")

    def limit(self, body: Content) -> int:
        """Return how many tokens a body allows the reply; 0 where it sets no limit."""
        names = (self.length_field, *RENAMED)
        return int(next((body[name] for name in names if name in body), 0))

    def suited(self, why: Refused | NoRoom) -> Protocol | None:
        """Return this format as the endpoint wants it; None where that was tried already."""
        if isinstance(why, NoRoom):
            return None if self.room else replace(self, room=ROOM)
        new = set(why.fields) - {*self.omit, *self.extra}
        return replace(self, omit=(*self.omit, *sorted(new))) if new else None

    def content(self, response: Response, where: str) -> Content:
        """Return what a 200 holds. Else raise RateLimited, Unfit, Fault or UserError by cause.

        `where` names the endpoint and the model in errors.
        """
        if 200 <= response.status < 300:
            content = parsed(response.body)
            error = content if content.get("object") == "error" else content.get("error")
            if not error:
                return content
            response = replace(response, status=stated_status(error))
        sent = {*self.request(Prompt("", stop=("\n",))), *self.seeding(0)} - {*self.omit}
        asked = waits.wait(response.headers)
        asked = self.announced(response.headers) if asked is None else asked
        raise cause(response, asked, where, sent - {*ESSENTIAL, *self.extra, *self.effort()})

    def used(self, content: Content, prompt: Prompt) -> tuple[Tokens, bool]:
        """Return the tokens of a response, and whether it states them: else they are estimated.

        No prompt and no text have no tokens: who states so states nothing.
        """
        usage = content.get("usage")
        asked, given, cached = map(count, self.stated(usage if isinstance(usage, dict) else {}))
        if asked and given:
            return Tokens(asked, given, min(cached or 0, asked)), True
        try:
            reply = self.reply(content)
            text = str(reply[0] or "") + "".join(reply[2:3])
        except (LookupError, TypeError, AttributeError):
            text = ""
        asked, given = asked or None, given or (None if text else given)
        if asked is not None and given is not None:
            return Tokens(asked, given, min(cached or 0, asked)), True
        if content.get("error"):
            return Tokens(asked or 0, given or 0), True
        asked = token_estimate(prompt.sent) if asked is None else asked
        return Tokens(asked, token_estimate(text) if given is None else given), False

    def stated(self, usage: Content) -> Stated:
        """Return the tokens that a response's usage states; those of thoughts are the reply's.

        Where a total is more than the prompt and the reply, thoughts are the difference (Gemini).
        """
        names = ("prompt_tokens", "completion_tokens", "total_tokens")
        asked, given, total = (count(usage.get(name)) for name in names)
        if asked and given is not None and total is not None:
            given = max(given, total - asked)
        details = usage.get("prompt_tokens_details")
        cached = details.get("cached_tokens") if isinstance(details, dict) else None
        # DeepSeek states what was read from its cache beside the details that others have.
        return asked, given, usage.get("prompt_cache_hit_tokens") if cached is None else cached

    def completion(
        self, content: Content, id: str, used: Tokens, stop: tuple[str, ...] = ()
    ) -> Completion:
        """Return the completion in a 200, up to the first of `stop`, which may not be sent.

        Raises Fault or Unfit where there is none.

        Its text is what is said to the reader, with nothing in it that files or terminals could
        not bear. One whose thought was cut off has no end of its own either.
        """
        try:
            reply = Reply(*self.reply(content))
        except (LookupError, TypeError, AttributeError):
            raise Fault("unparsable", said(content) or f"only {', '.join(content)}"[:300]) from None
        finish = self.finishes.get(reply.end, reply.end)
        if reply.error or finish == "error":
            text = said({"error": reply.error})
            raise Unfit("filtered", text) if FILTERED.search(text) else Fault("broken_off", text)
        if finish == "content_filter":
            raise Unfit("filtered", "the endpoint's content filter cut the reply")
        text = reply.text if isinstance(reply.text, str) else ""
        if not text.strip():
            raise _without_text(reply, finish)
        text, answered = without_thoughts(sanitised(text))  # a stop may stand inside a thought
        finish = finish if answered else "length"
        text, model = _up_to(text, stop), sanitised(str(content.get("model") or ""))
        return Completion(id, text, model, finish, used.prompt, used.completion)

    def announced(self, headers: Mapping[str, str]) -> float | None:
        """Return the seconds until the headers allow one more request, if not now."""
        return waits.announced(headers)

    def read(self, body: bytes, id: str, prompt: Prompt) -> Completion:
        """Return the completion in a body that the store holds."""
        content = parsed(body)
        return self.completion(content, id, self.used(content, prompt)[0], prompt.stop)


def _up_to(text: str, stop: tuple[str, ...]) -> str:
    """Return a text up to the first of the stops."""
    return text[: min((text.find(one) for one in stop if one in text), default=len(text))]


def _without_text(reply: Reply, finish: str) -> Exception:
    """Return why a reply has no text: only an empty one may be another with the next seed."""
    if reply.refusal:
        return Unfit("declined", shown(str(reply.refusal)))
    if reply.calls or finish in ("tool_calls", "function_call"):
        return Unfit("tool_call", "it called a tool where a text was asked for")
    if reply.thought or (finish == "length" and not reply.text):
        return NoRoom(
            "reasoning used up the reply: llm.reasoning=low (or none) makes the model think less"
        )
    return Fault("empty", f"finish_reason {finish or 'none'}")
