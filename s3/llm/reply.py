"""Reading what an endpoint says: a completion, or what its absence calls for."""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from s3.errors import UserError
from s3.llm.budget import Tokens
from s3.llm.errors import Fault, Refusal, Unfit
from s3.llm.types import Completion

TOO_LONG = re.compile(
    r"context.?(length|size|window)|too long|exceed_context|prompt is longer|max_model_len", re.I
)
FILTERED = re.compile(r"content.?(filter|policy|management)", re.I)
SPENT = re.compile(r"insufficient.?(quota|funds|balance)|billing|credit balance", re.I)


@dataclass(frozen=True)
class Reply:
    """An HTTP response; header names in lower case, the body whole."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def judge(reply: Reply, where: str) -> None:
    """Return for a 200, else raise Refusal, Unfit, Fault or UserError by cause.

    `where` names the endpoint and model in errors.
    """
    status = reply.status
    if status == 200:
        return
    said = message(reply.body)
    if status == 429 and not SPENT.search(said):
        raise Refusal(pause(reply.headers))
    if status >= 500 or status in (408, 409, 425):
        raise Fault("server_error", f"HTTP {status}: {said}")
    if status in (400, 413, 422) and (TOO_LONG.search(said) or status == 413):
        raise Unfit("too_long", said)
    if status == 400 and FILTERED.search(said):
        raise Unfit("filtered", said)
    raise UserError(f"{where} answered HTTP {status}: {said}. {_advice(status)}")


def _advice(status: int) -> str:
    if status in (401, 403):
        return "Check the API key in the environment and what it is allowed to use."
    if status in (402, 429):
        return "The account's quota is spent: add credit, then run the same command to continue."
    if status == 404:
        return "Check llm.model and llm.base_url (it ends in /v1 with most servers)."
    if 300 <= status < 400:
        return "Redirects are not followed: set llm.base_url to the final address."
    return "The endpoint rejects this request: check llm.model, llm.style and the settings."


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


def read(body: bytes, id: str) -> Completion:
    """Return the completion in a 200's body. Raises Fault or Unfit where there is none."""
    try:
        content = json.loads(body)
        choice = content["choices"][0]
        text = choice["message"]["content"] if "message" in choice else choice["text"]
    except ValueError:
        raise Fault("truncated", f"{len(body)} bytes are no JSON") from None
    except (KeyError, IndexError, TypeError):
        raise Fault("unparsable", message(body)) from None
    finish = str(choice.get("finish_reason") or "")
    if finish == "content_filter":
        raise Unfit("filtered", "the endpoint's content filter cut the reply")
    if not isinstance(text, str) or not text.strip():
        raise Fault("empty", f"finish_reason {finish or 'none'}")
    used = tokens(content, text)
    return Completion(
        id, text, str(content.get("model") or ""), finish, used.prompt, used.completion
    )


def tokens(content: Any, text: str = "") -> Tokens:
    """Return the usage that a reply states; without any, a quarter of the text's bytes."""
    usage = content.get("usage") if isinstance(content, dict) else None
    usage = usage if isinstance(usage, dict) else {}
    return Tokens(
        int(usage.get("prompt_tokens") or 0),
        int(usage.get("completion_tokens") or len(text.encode()) // 4),
    )


def spent(body: bytes) -> Tokens | None:
    """Return the usage of any 200, also of one without a usable text; None where it is cut."""
    try:
        return tokens(json.loads(body))
    except ValueError:
        return None


def pause(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds a response asks to stay away, if it does."""
    for name, scale in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        value = headers.get(name, "")
        if re.fullmatch(r"\d+(\.\d+)?", value):
            return float(value) * scale
    if date := email.utils.parsedate_tz(headers.get("retry-after", "")):
        return max(0.0, email.utils.mktime_tz(date) - time.time())
    return announced(headers)


def announced(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until `x-ratelimit-*` headers allow one more request, if not now."""
    waits = []
    for kind in ("requests", "tokens"):
        limit, remaining, reset = (
            headers.get(f"x-ratelimit-{part}-{kind}", "")
            for part in ("limit", "remaining", "reset")
        )
        if remaining == "0" and limit.isdigit() and int(limit) and (time_ := seconds(reset)):
            waits.append(time_ / int(limit))  # the reset is when all of the limit is there again
    return max(waits, default=None)


def seconds(duration: str) -> float | None:
    """Parse a duration as providers write it: "1s", "6m0s", "20ms", "2h3m", or bare seconds."""
    if re.fullmatch(r"\d+(\.\d+)?", duration):
        return float(duration)
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", duration)
    scales = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
    return sum(float(number) * scales[unit] for number, unit in parts) if parts else None
