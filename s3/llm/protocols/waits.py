"""How long an endpoint asks to stay away, as its headers say."""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Mapping

# "Please try again in 4.77s", "Try again in 5 seconds", and Google's field.
AGAIN = re.compile(
    r"(?:again|retry) in ((?:\d+(?:\.\d+)?(?:ms|h|m|s))+|\d+(?:\.\d+)?(?= ?seconds?))"
    r'|"retryDelay"\s*:\s*"([\d.]+s)"',
    re.I,
)


def wait(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds a response asks to stay away, if it does and can be read."""
    for name, scale in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        if re.fullmatch(r"\d+(\.\d+)?", value):
            return float(value) * scale
    try:
        date = email.utils.parsedate_tz(headers.get("retry-after", ""))
        return max(0.0, email.utils.mktime_tz(date) - time.time()) if date else None
    except (ValueError, OverflowError, IndexError, TypeError):  # a date that there is not
        return None


def in_words(text: str) -> float | None:
    """Return the seconds after which an error's text says to try again, if it does."""
    found = AGAIN.search(text)
    return seconds(found[1] or found[2]) if found else None


def seconds(duration: str) -> float | None:
    """Parse a duration as providers write it: "1s", "6m0s", "20ms", "2h3m", or bare seconds."""
    if re.fullmatch(r"\d+(\.\d+)?", duration):
        return float(duration)
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", duration)
    scales = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
    return sum(float(number) * scales[unit] for number, unit in parts) if parts else None


def announced(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until `x-ratelimit-*` headers allow one more request, if not now."""
    waits = []
    for kind in ("requests", "tokens"):
        if headers.get(f"x-ratelimit-remaining-{kind}") != "0":
            continue
        limit = headers.get(f"x-ratelimit-limit-{kind}", "")
        reset = seconds(headers.get(f"x-ratelimit-reset-{kind}", ""))
        if limit.isdecimal() and int(limit[:20]) and reset:
            waits.append(reset / int(limit[:20]))  # after `reset`, all of it is there again
    return max(waits, default=None)
