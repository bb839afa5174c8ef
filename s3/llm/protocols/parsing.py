"""What an endpoint sent, read without trust: JSON of any kind, error texts, numbers of tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from s3.errors import UserError
from s3.llm.errors import Fault

Content = dict[str, Any]  # what a body holds

MOST_TOKENS = 10**9  # of one response; who states more has miscounted
LONGEST = 300  # characters of an error's text
TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.I | re.S)
TAG = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.I | re.S)


@dataclass(frozen=True)
class Response:
    """An HTTP response; header names in lower case, the body whole."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def parsed(body: bytes) -> Content:
    """Return the JSON object in a body. Raises Fault, or UserError for a stream of events."""
    try:
        content = _json(body)
    except ValueError:
        if body.lstrip().startswith((b"data:", b"event:", b": ")):
            raise UserError(
                "The endpoint sent a stream of events where one JSON object was asked for: turn "
                "streaming off at the server; +llm.extra.stream=false says so in each request."
            ) from None
        cut = body.lstrip().startswith((b"{", b"["))
        raise Fault("truncated" if cut or not body.strip() else "no_json", kind(body)) from None
    if not isinstance(content, dict):
        raise Fault("unparsable", message(body))
    return content


def message(body: bytes) -> str:
    """Return what an error's body says, in one line of at most 300 characters."""
    try:
        content = _json(body)
    except ValueError:
        return kind(body)
    return said(content) or shown(body.decode(errors="replace"))


def said(content: Any) -> str:
    """Return what the JSON of an error says: its `error`, `detail` or `message`; "" if nothing."""
    if isinstance(content, list) and content:  # Google's
        content = content[0]
    if not isinstance(content, dict):
        return shown(content) if isinstance(content, str) else ""
    error = next((content[name] for name in ("error", "detail", "errors") if content.get(name)), "")
    error = error or content
    if isinstance(error, list):  # FastAPI's: a place and what is wrong there
        error = error[0] if error else {}
    if not isinstance(error, dict):
        return shown(str(error))
    found = [error.get(name) for name in ("loc", "message", "msg", "type", "code", "metadata")]
    return shown(" ".join(str(part) for part in found if part))


def kind(body: bytes) -> str:
    """Return what a body that is no JSON is, in words."""
    text = body.decode(errors="replace")
    if not text.strip():
        return "an empty body"
    if text.lstrip().startswith("<"):
        title = TITLE.search(body)
        inner = title[1].decode(errors="replace") if title else TAG.sub(" ", text[:5000])
        return f"an HTML page: {shown(inner)}"
    if text.lstrip().startswith(("{", "[")):
        return f"JSON cut off after {len(body)} bytes, or not valid"
    return f"a text that is no JSON: {shown(text[:1000])}"


def shown(text: str) -> str:
    """Return a text in one line, with nothing that could steer the terminal that shows it."""
    signs = "".join(sign if sign.isprintable() else " " for sign in text[:1000])
    return " ".join(signs.split())[:LONGEST]


def count(value: Any) -> int | None:
    """Return a number of tokens as an endpoint states it, None where it states none.

    Some state it as a text or a float. What is negative, endless or absurd states nothing.
    """
    if type(value) is int and 0 <= value <= MOST_TOKENS:  # nearly all, so it is seen at once
        return value
    try:
        number = float(value) if isinstance(value, int | float | str) else -1.0
    except (ValueError, OverflowError):
        return None
    return int(number) if not isinstance(value, bool) and 0 <= number <= MOST_TOKENS else None


def _json(body: bytes) -> Any:
    """Parse JSON; ValueError for what is none, or is nested beyond reason."""
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError("nested too deep") from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise
    except ValueError:  # int() refuses 5,000 digits
        return json.loads(body, parse_int=_number)


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) < 20 else float(digits)
