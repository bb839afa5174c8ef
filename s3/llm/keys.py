"""API keys: read from the environment, refused in options, never shown."""

from __future__ import annotations

import base64
import json
import os
import re
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

from s3.errors import UserError
from s3.secrets import holds_key

SECRET_NAME = re.compile(
    r"(api|access|secret|auth|subscription).?(key|token)|^(key|token|sig|signature|code)$"
    r"|authorization|password|secret|credential",
    re.I,
)
VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
FORMS_FROM = 8  # signs of base64 that mean something; fewer are found in any text


def key_of(variable: str, needed: bool = True) -> str:
    """Return the key that an environment variable holds; "" where it need not have one.

    Raises UserError where a needed one is missing, or one could not be sent in a header.
    """
    key = os.environ.get(variable, "").strip()
    if not key and needed:
        raise UserError(
            f"llm: {variable} is not set. Set it in the environment (not in a config), or use "
            "llm=smollm2, which needs no key."
        )
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UserError(
            f"llm: the key in {variable} holds a line break, a blank or another sign that no key "
            "has: it was probably copied with what stood beside it. Set it again, on one line."
        )
    return key


def refuse_keys(options: dict[str, Any]) -> None:
    """Raise ValueError for an option that holds a key: options are written to files and to W&B."""
    variable = options.get("key_env")
    if variable and not VARIABLE.fullmatch(variable):
        raise ValueError(
            "key_env is the name of an environment variable, in capitals, and not a key: "
            "export S3_SERVER_KEY=... and leave key_env out. What was given is not repeated here; "
            "if it was a key, it is in your shell's history"
        )
    for name, value in options.items():
        if holds_key(json.dumps(value, default=str)) or _secret_in(value):
            raise ValueError(
                f"{name} must hold no key: options are written to files. Keys come from the "
                "environment: export S3_SERVER_KEY=..., or the variable that the llm's YAML names"
            )
    urls = options.get("base_url") or ""
    for url in urls if isinstance(urls, list) else [urls]:
        _refuse_key_in(str(url))


def _refuse_key_in(url: str) -> None:
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise ValueError("base_url must hold no user or password: keys come from the environment")
    if any(SECRET_NAME.search(name) for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        raise ValueError("base_url must hold no key after its ?: keys come from the environment")


def redacted(text: bytes, key: str) -> bytes:
    """Return a text without a key: as it is, escaped in JSON or a URL, or in base64."""
    forms = {key, json.dumps(key)[1:-1], quote(key), quote(key, safe=""), quote_plus(key)}
    for before in range(3):  # base64 of "user:key" depends on how many bytes are before the key
        raw = bytes(before) + key.encode()
        inner = slice(-(-before * 4 // 3), len(raw) * 4 // 3)  # signs that the key alone decides
        for coded in (base64.b64encode(raw), base64.urlsafe_b64encode(raw)):
            forms |= {coded[inner].decode()} if len(coded[inner]) >= FORMS_FROM else set()
    for form in sorted(forms - {""}, key=len, reverse=True):
        text = text.replace(form.encode(), b"[key]")
    return text


def _secret_in(value: Any) -> bool:
    """Return whether an option's value has a field whose name says that it is secret."""
    if isinstance(value, dict):
        return any(SECRET_NAME.search(str(name)) or _secret_in(one) for name, one in value.items())
    return isinstance(value, list) and any(map(_secret_in, value))
