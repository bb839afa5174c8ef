"""What a wire format is: how a prompt becomes a body, and a response a completion or a cause.

A new format is a subclass in a file of its own, named in `PROTOCOLS`. What is here holds for the
formats of OpenAI and of those who speak like it: the places of usage and errors, the meaning of
the statuses, the headers that say how long to stay away. A format that differs overrides what
differs: `finishes`, `used`, `headers`, `announced`, `content`.
"""

from __future__ import annotations

import email.utils
import json
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from s3.errors import UserError
from s3.llm.errors import Fault, RateLimited, Unfit
from s3.llm.thoughts import without_thoughts
from s3.llm.types import Completion, Prompt, Style, Tokens, token_estimate
from s3.text import sanitised

TOO_LONG = re.compile(
    r"context.?(length|size|window)|too long|exceed_context|prompt is longer|max_model_len", re.I
)
FILTERED = re.compile(r"content.?(filter|policy|management)", re.I)
SPENT = re.compile(r"insufficient.?(quota|funds|balance)|billing|credit balance", re.I)

Content = dict[str, Any]  # what a body holds


@dataclass(frozen=True)
class Response:
    """An HTTP response; header names in lower case, the body whole."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Protocol(ABC):
    """A wire format, for one model and sampling. Bodies are JSON, as bytes in UTF-8."""

    model: str
    temperature: float
    top_p: float
    length_field: str = "max_tokens"  # what the API calls the limit of a reply's length

    name: ClassVar[str]  # the option's value
    path: ClassVar[str]  # below the base URL
    style: ClassVar[Style]  # how prompts must be written for it
    # What the API calls an end that `Completion.finish` has a name for, and that name.
    finishes: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def body(self, prompt: Prompt) -> Content:
        """Return what decides a prompt's reply, but for the seed."""

    @abstractmethod
    def prompt(self, body: Content) -> Prompt:
        """Return the prompt that a body asks: the inverse of `body`."""

    @abstractmethod
    def reply(self, content: Content) -> tuple[Any, str]:
        """Return a reply's text and its end as the API calls it; KeyError etc. where there is none.

        `finishes` translates the end.
        """

    def headers(self, key: str) -> dict[str, str]:
        """Return what each request says of itself, with the key unless it is empty."""
        return {"Authorization": f"Bearer {key}"} if key else {}

    def encode(self, prompt: Prompt, seed: int, **more: Any) -> bytes:
        """Return the body of one request; `more` are fields that only some servers know."""
        content = {**self.body(prompt), "seed": seed, **more}
        return json.dumps(content, ensure_ascii=False).encode()

    def content(self, response: Response, where: str) -> Content:
        """Return what a 200 holds. Else raise RateLimited, Unfit, Fault or UserError by cause.

        `where` names the endpoint and the model in errors.
        """
        status = response.status
        if status == 200:
            return parsed(response.body)
        said = message(response.body)
        if status == 429 and not SPENT.search(said):
            told = wait(response.headers)
            raise RateLimited(self.announced(response.headers) if told is None else told)
        if status >= 500 or status in (408, 409, 425):
            raise Fault("server_error", f"HTTP {status}: {said}")
        if status in (400, 413, 422) and (TOO_LONG.search(said) or status == 413):
            raise Unfit("too_long", said)
        if status == 400 and FILTERED.search(said):
            raise Unfit("filtered", said)
        raise UserError(f"{where} answered HTTP {status}: {said}. {_advice(status)}")

    def used(self, content: Content, prompt: Prompt) -> tuple[Tokens, bool]:
        """Return the tokens of a response, and whether it states them: else they are estimated.

        What holds no reply at all and states nothing is taken to have cost nothing.
        """
        usage = content.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        asked, given = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
        if asked is not None and given is not None:
            details = usage.get("prompt_tokens_details")
            cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
            return Tokens(asked, given, min(cached or 0, asked)), True
        try:
            text = str(self.reply(content)[0] or "")
        except (KeyError, IndexError, TypeError):
            return Tokens(asked or 0, given or 0), True
        asked = token_estimate(prompt.system + prompt.text) if asked is None else asked
        return Tokens(asked, token_estimate(text) if given is None else given), False

    def completion(self, content: Content, id: str, used: Tokens) -> Completion:
        """Return the completion in a 200. Raises Fault or Unfit where there is none.

        Its text is what is said to the reader, with nothing in it that files or terminals could
        not bear. One whose thought was cut off has no end of its own either.
        """
        try:
            text, finish = self.reply(content)
        except (KeyError, IndexError, TypeError):
            raise Fault("unparsable", message(json.dumps(content).encode())) from None
        finish = self.finishes.get(finish, finish)
        if finish == "content_filter":
            raise Unfit("filtered", "the endpoint's content filter cut the reply")
        if not isinstance(text, str) or not text.strip():
            raise Fault("empty", f"finish_reason {finish or 'none'}")
        text, answered = without_thoughts(sanitised(text))
        finish = finish if answered else "length"
        model = sanitised(str(content.get("model") or ""))
        return Completion(id, text, model, finish, used.prompt, used.completion)

    def announced(self, headers: Mapping[str, str]) -> float | None:
        """Return the seconds until `x-ratelimit-*` headers allow one more request, if not now."""
        waits = []
        for kind in ("requests", "tokens"):
            if headers.get(f"x-ratelimit-remaining-{kind}") != "0":
                continue
            limit = headers.get(f"x-ratelimit-limit-{kind}", "")
            reset = seconds(headers.get(f"x-ratelimit-reset-{kind}", ""))
            if limit.isdigit() and int(limit) and reset:
                waits.append(reset / int(limit))  # after `reset`, all of the limit is there again
        return max(waits, default=None)

    def read(self, body: bytes, id: str, prompt: Prompt) -> Completion:
        """Return the completion in a body that the store holds."""
        content = parsed(body)
        return self.completion(content, id, self.used(content, prompt)[0])


def parsed(body: bytes) -> Content:
    """Return the JSON object in a body. Raises Fault where there is none."""
    try:
        content = json.loads(body)
    except ValueError:
        raise Fault("truncated", f"{len(body)} bytes are no JSON") from None
    if not isinstance(content, dict):
        raise Fault("unparsable", message(body))
    return content


def message(body: bytes) -> str:
    """Return what an error's body says, in one line of at most 300 characters."""
    try:
        error = json.loads(body)["error"]
        parts = (
            [str(error.get(name) or "") for name in ("message", "type", "code")]
            if isinstance(error, dict)
            else [str(error)]
        )
        text = " ".join(part for part in parts if part)
    except (ValueError, KeyError, TypeError):
        text = body.decode(errors="replace")
    # Nothing of an endpoint's may steer the terminal that shows it.
    shown = "".join(sign if sign.isprintable() else " " for sign in text[:1000])
    return " ".join(shown.split())[:300] or "(nothing)"


def wait(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds a response asks to stay away, if it does."""
    for name, scale in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        value = headers.get(name, "")
        if re.fullmatch(r"\d+(\.\d+)?", value):
            return float(value) * scale
    if date := email.utils.parsedate_tz(headers.get("retry-after", "")):
        return max(0.0, email.utils.mktime_tz(date) - time.time())
    return None


def seconds(duration: str) -> float | None:
    """Parse a duration as providers write it: "1s", "6m0s", "20ms", "2h3m", or bare seconds."""
    if re.fullmatch(r"\d+(\.\d+)?", duration):
        return float(duration)
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", duration)
    scales = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
    return sum(float(number) * scales[unit] for number, unit in parts) if parts else None


def _advice(status: int) -> str:
    if status in (401, 403):
        return "Check the API key in the environment and what it is allowed to use."
    if status in (402, 429):
        return "The account's quota is spent: add credit, then run the same command to continue."
    if status == 404:
        return "Check llm.model and llm.base_url (it ends in /v1 with most servers)."
    if 300 <= status < 400:
        return "Redirects are not followed: set llm.base_url to the final address."
    return "The endpoint rejects this request: check llm.model, llm.protocol and the settings."


def _count(value: Any) -> int | None:
    """Return a number of tokens as an endpoint states it, None where it states none."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return int(value) if number else None
