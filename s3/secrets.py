"""Keys and passwords where they do not belong: seen in options, hidden in what is shown.

Options are written to a run's folder and to W&B, and a task's are sent to the LLM; so a key comes
from the environment alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import pairwise

# What the keys of well-known providers look like, tokens of the web (JWT) and headers with one.
KEY = re.compile(
    r"\b(?:sk|xai|nvapi|pplx|glpat)-[\w-]{12,}"
    r"|\b(?:hf|gsk|csk|fw|r8|ghp|gho|ghs|npm)_[A-Za-z0-9]{16,}"
    r"|\b(?:wandb|tgp|github_pat)_\w{16,}|\bxox[abp]-[\w-]{12,}"
    r"|\bAIza[\w-]{30,}|\bAKIA[0-9A-Z]{16}\b|\beyJ[\w-]{8,}\.[\w-]{8,}"
    r"|(?<=Bearer )\S{12,}"
)
TOKEN = re.compile(r"[A-Za-z0-9+_-]{20,}={0,2}")  # no slash: paths are no tokens
HEX = re.compile(r"(?<![/\w])(?:[0-9a-f]{32}|[0-9a-f]{40})\b")  # keys of W&B and of Azure
PASSWORD = re.compile(r"(?<=://)[^/\s@]*:[^/\s]*(?=@)")
QUERY = re.compile(r"([?&][\w.-]*(?:key|token|secret|password)=)[^&\s'\"]+", re.IGNORECASE)
SECRET_VARIABLE = re.compile(r"KEY$|TOKEN$|SECRET$|PASSWORD$", re.IGNORECASE)
MIXED = 0.4  # changes between capitals, small letters and digits; of names 0.2, of keys 0.6
LEAST = 12  # characters of an environment variable that are worth hiding


def holds_key(text: str) -> bool:
    """Say whether a text holds a key: a known form, a long random token, one of the environment.

    A hexadecimal number is one where it is all of the text; in a longer one it may be anything.
    """
    return HEX.fullmatch(text) is not None or next(_found(text), None) is not None


def hidden(text: str) -> str:
    """Return a text that may be shown: keys in it, and passwords of addresses, are left out."""
    for secret in sorted(_found(text), key=len, reverse=True):
        text = text.replace(secret, "[key]")
    text = QUERY.sub(r"\1[key]", HEX.sub("[key]", text))
    return PASSWORD.sub("[password]", text)


def _found(text: str) -> Iterator[str]:
    for variable, secret in os.environ.items():
        if SECRET_VARIABLE.search(variable) and len(secret) >= LEAST and secret in text:
            yield secret
    yield from (found[0] for found in KEY.finditer(text))
    yield from (found[0] for found in TOKEN.finditer(text) if _random(found[0]))


def _random(token: str) -> bool:
    """Say whether a token changes between kinds of characters as no words and names do."""
    kinds = [_kind(character) for character in token]
    pairs = [(one, other) for one, other in pairwise(kinds) if one and other]
    changes = sum(one != other for one, other in pairs)
    return {"A", "a", "1"} <= set(kinds) and changes > MIXED * len(pairs)


def _kind(character: str) -> str:
    if character.isalpha():
        return "A" if character.isupper() else "a"
    return "1" if character.isdigit() else ""
