"""What goes to an LLM and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Style(Enum):
    """How a prompt is written: as a chat, or as a text to be continued (ZeroGen's way)."""

    chat = "chat"
    continuation = "continuation"


@dataclass(frozen=True)
class Prompt:
    """One request for one completion.

    `text` is the user's turn of a chat, or the text to be continued. `system` goes with a chat
    only, and so do `turns`, what was said before: the user's and the LLM's by turns.
    The reply ends at the first of `stop` and after `reply_tokens` tokens at most. `kind` says
    what the reply is read as: an example's "text", a "list", a "name"; it is not sent.
    """

    text: str
    system: str = ""
    stop: tuple[str, ...] = ()
    reply_tokens: int = 256
    kind: str = "text"
    turns: tuple[str, ...] = ()

    @property
    def sent(self) -> str:
        """All that an LLM is given to read, together."""
        return "".join((self.system, *self.turns, self.text))


@dataclass(frozen=True)
class Completion:
    """One reply as it is read; `id` is the address in the store of all that came.

    `text` has no thoughts and no control characters, and may be empty for it.

    `finish` says why it ended: "length" where it was cut off, "content_filter" where it was
    filtered; a protocol translates what its API calls these. Anything else is an end of its own.
    """

    id: str
    text: str
    model: str
    finish: str
    prompt_tokens: int
    completion_tokens: int


# Failures that are a prompt's own: the same prompt would fail again, so it is not asked again.
UNFIT = ("too_long", "filtered", "declined", "reasoning", "tool_call", "unreadable")


@dataclass(frozen=True)
class Failure:
    """A prompt that got no completion, with its cause; never passed off as an empty reply."""

    prompt: Prompt
    reason: str  # a short fixed name that can be counted: "too_long", "server_error", "timeout"...
    detail: str  # what the endpoint said, with keys redacted


@dataclass(frozen=True)
class Tokens:
    """Tokens of one request, or of several together; `cached` are part of the prompt's."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.prompt + other.prompt, self.completion + other.completion)

    def __sub__(self, other: Tokens) -> Tokens:
        return Tokens(self.prompt - other.prompt, self.completion - other.completion)

    @property
    def total(self) -> int:
        """Prompt and reply together."""
        return self.prompt + self.completion


def token_estimate(text: str) -> int:
    """Return about how many tokens a text has, at the four bytes a token of English text."""
    return -(-len(text.encode(errors="replace")) // 4)


@dataclass
class Usage:
    """What a session has used so far; money in US dollars."""

    requests: int = 0  # sent over the wire, rate-limited ones and retries included
    stored: int = 0  # completions that the store had already
    prompt_tokens: int = 0  # of all responses that were paid for, unusable ones included
    completion_tokens: int = 0
    cost: float = 0.0
    rate_limited: int = 0  # HTTP 429
    retries: int = 0
    failures: int = 0
    unstated: int = 0  # responses without usage: their tokens and cost are estimates

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens
