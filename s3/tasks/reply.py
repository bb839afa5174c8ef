"""From an LLM's reply to a clean text, or to the reason why it is dropped."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz import fuzz

ECHO = 90  # rapidfuzz similarity, 0 to 100, from which a reply repeats what it was given

# A first line such as "Sure, here is a review:" talks about the reply; it is not part of it.
_OPENER = r"(?:sure|certainly|of course|okay|ok|absolutely|great|yes)\b"
_PREAMBLE = re.compile(
    rf"^\s*(?:{_OPENER}[^\n:]{{0,120}}:|{_OPENER}[^\n.!:]{{0,80}}[.!]\s*(?=\n|here)"
    r"|(?:here(?:'s| is| are)|the following (?:is|are))[^\n:]{0,120}:)\s*",
    re.IGNORECASE,
)
_HEADING = re.compile(
    r"^\s*[*#]*\s*(?:movie |film |another |new |similar )*"
    r"(?:review|sentence|statement|hypothesis|question|text|answer)\s*[*]*\s*:\s*[*]*\s*",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"\bas an? (?:ai\b|artificial|language model)|\bi(?:'m| am) (?:sorry|unable)\b"
    r"|\bi (?:cannot|can't|can not) (?:assist|help|write|generate|provide|create|fulfil)"
    r"|^\s*sorry\b|\bi apologi[sz]e\b",
    re.IGNORECASE,
)
_QUOTES = {'"': '"', "“": "”", "'": "'", "«": "»", "‘": "’"}
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)]*(?=\s|$)")


class Dropped(Exception):  # noqa: N818 - a reply that is dropped is no error
    """A reply that makes no example; `reason` is a fixed name that is counted."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(kw_only=True)
class Reply:
    """What a task's written text must look like; what does not is dropped and counted."""

    tokens: int = 96  # asked of the LLM at most
    min_words: int = 3
    max_words: int = 400
    question: bool = False  # keep up to the first question mark; without one it is dropped

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.tokens < 1:
            raise ValueError(f"reply.tokens must be at least 1, not {self.tokens}")
        if not 1 <= self.min_words <= self.max_words:
            raise ValueError("reply.min_words must be at least 1 and at most reply.max_words")

    def clean(self, text: str, finished: bool, given: Iterable[str] = ()) -> str:
        """Return the text without preamble, heading, quotes and cut-off end.

        `finished`: the LLM ended by itself. `given`: texts that the reply must not repeat.
        Raises Dropped with one of: empty, refusal, no_question, cut_off, too_short, too_long,
        echo.
        """
        text = strip_frame(text)
        if not text:
            raise Dropped("empty")
        if is_refusal(text):
            raise Dropped("refusal")
        text = self._end(text, finished)
        self._check_length(len(text.split()))
        if any(repeats(text, other) for other in given):
            raise Dropped("echo")
        return text

    def _end(self, text: str, finished: bool) -> str:
        if self.question:
            head, mark, _ = text.partition("?")
            if not mark:
                raise Dropped("no_question")
            return head.strip() + "?"
        if finished:
            return text
        ends = list(_SENTENCE_END.finditer(text))
        if not ends:
            raise Dropped("cut_off")
        return text[: ends[-1].end()]

    def _check_length(self, words: int) -> None:
        if words < self.min_words:
            raise Dropped("too_short")
        if words > self.max_words:
            raise Dropped("too_long")


def is_refusal(text: str) -> bool:
    """Say whether an LLM declines in its first sentences."""
    return _REFUSAL.search(text[:200]) is not None


def strip_frame(text: str) -> str:
    """Remove preamble, heading and enclosing quotation marks, and join the lines."""
    text = _HEADING.sub("", _PREAMBLE.sub("", text.strip()))
    return " ".join(strip_quotes(text.strip()).split())


def strip_quotes(text: str) -> str:
    """Remove quotation marks that enclose the whole text, or that were left open or closed."""
    text = text.strip()
    opening, closing = text[:1], text[-1:]
    if opening in _QUOTES and closing == _QUOTES[opening] and len(text) > 1:
        return text[1:-1].strip()
    if opening in _QUOTES and text.count(opening) % 2 and opening != "'":
        return text[1:].strip()
    if closing in '"”' and text.count(closing) % 2:
        return text[:-1].strip()
    return text


def repeats(text: str, given: str) -> bool:
    """Say whether a text is nearly the given one, or lifted nearly verbatim out of it."""
    text, given = text.lower(), given.lower()
    if fuzz.ratio(text, given) >= ECHO:
        return True
    return len(text) <= len(given) and fuzz.partial_ratio(text, given) >= ECHO + 5


def listed(text: str) -> list[str]:
    """Return the items of a numbered, bulleted or plain list, one a line, without repeats."""
    lines = (re.sub(r"^\s*(?:\d+[.):]|[-*•])\s*", "", line) for line in text.splitlines())
    items = (strip_quotes(line.strip().rstrip(".;,")) for line in lines)
    return list(dict.fromkeys(item for item in items if 1 <= len(item.split()) <= 20))
