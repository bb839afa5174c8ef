"""From an LLM's reply to a clean text, or to the reason why it is dropped."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from s3.llm.types import Completion, Prompt
from s3.tasks.cleaning import (
    asks_back,
    is_declined,
    listed,
    repeats,
    squeezed,
    strip_frame,
    thinks_aloud,
)
from s3.text import word_count

# No sentence ends after a title, an initial or "vs."; where no spaces part words, none follows.
_SENTENCE_END = re.compile(
    r"(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bDr)(?<!\bSt)(?<!\bvs)(?<!\b[A-Z])"
    r"[.!?…؟۔।॥։።][\"'”’»)]*(?=\s|$)"
    r"|[。！？｡．][\"'”’」』）)]*"
)
_QUESTION_MARK = re.compile("[?？؟]")


class Dropped(Exception):  # noqa: N818 - a reply that is dropped is no error
    """A reply that makes no example; `reason` is a fixed name that is counted."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(kw_only=True)
class ReplyRules:
    """What a task's written text must look like; what does not is dropped and counted."""

    tokens: int = 96  # asked of the LLM at most
    min_words: int = 3  # as `s3.text.word_count` counts them
    max_words: int = 400
    question: bool = False  # keep up to the first question mark; without one it is dropped

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.tokens < 1:
            raise ValueError(f"reply.tokens must be at least 1, not {self.tokens}")
        if not 1 <= self.min_words <= self.max_words:
            raise ValueError("reply.min_words must be at least 1 and at most reply.max_words")

    def clean(self, text: str, finished: bool, given: Iterable[str] = ()) -> str:
        """Return the text without preamble, heading, quotes, afterword and cut-off end.

        `finished`: the LLM ended by itself. `given`: texts that the reply must not repeat.
        Raises Dropped with one of: declined, asked_back, empty, no_question, cut_off, too_short,
        too_long, echo.
        """
        text = squeezed(text)
        if is_declined(text):
            raise Dropped("declined")
        if asks_back(text):
            raise Dropped("asked_back")
        if not finished and thinks_aloud(text):
            raise Dropped("cut_off")
        text = strip_frame(text)
        if not text:
            raise Dropped("empty" if finished else "cut_off")
        if self.question:
            text = first_question(text)
        elif not finished:
            text = whole_sentences(text)
        words = word_count(text)
        if words < self.min_words:
            raise Dropped("too_short")
        if words > self.max_words:
            raise Dropped("too_long")
        if any(repeats(text, other) for other in given):
            raise Dropped("echo")
        return text


def first_question(text: str) -> str:
    """Return a text up to its first question mark. Raises Dropped where there is none."""
    mark = _QUESTION_MARK.search(text)
    if not mark:
        raise Dropped("no_question")
    return text[: mark.start()].strip() + mark[0]


def whole_sentences(text: str) -> str:
    """Return a cut-off text up to its last whole sentence. Raises Dropped where there is none."""
    ends = list(_SENTENCE_END.finditer(text))
    if not ends:
        raise Dropped("cut_off")
    return text[: ends[-1].end()]


def stops(text: str) -> tuple[str, ...]:
    """Return where the continuation of a text ends."""
    return ('"',) if text.endswith('"') else ("\n\n",)


def whole(completion: Completion, prompt: Prompt) -> tuple[str, bool]:
    """Return a reply's text and whether it came to its end.

    A quotation that is cut off before its closing mark ends at its first line (ZeroGen's rule).
    """
    text, finished = completion.text.strip(), completion.finish != "length"
    line, broken, _ = text.partition("\n")
    return (line, True) if broken and not finished and '"' in prompt.stop else (text, finished)


def read_list(completion: Completion) -> list[str]:
    """Return the items that a completion lists. Raises Dropped where there is none."""
    finished = completion.finish != "length"
    if not completion.text.strip():
        raise Dropped("empty" if finished else "cut_off")
    if not finished and thinks_aloud(completion.text.strip()):
        raise Dropped("cut_off")
    if is_declined(completion.text):
        raise Dropped("declined")
    if asks_back(completion.text):
        raise Dropped("asked_back")
    items = listed(completion.text, finished)
    if not items:
        raise Dropped("no_list")
    return items
