"""Options as words of a command line, in Hydra's grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

BARE = re.compile(r"(\.{0,2}/)?[A-Za-z_][\w./:@%+-]*", re.ASCII)
NO_TEXTS = ("null", "true", "false", "inf", "nan")


def words(options: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Yield `name=value` for each option; of a mapping each of its names, behind a dot.

    A name behind a dot is added where it is not there yet, as columns and labels are: what no
    class has is refused when the experiment is built.
    """
    for name, value in options.items():
        path = f"{above}{name}"
        if isinstance(value, Mapping) and value:
            yield from words(value, f"{path}.")
        else:
            yield f"{'++' if '.' in path else ''}{path}={written(value)}"


def written(value: Any) -> str:
    """Return a value as Hydra reads it again: texts in quotes unless they are plain words."""
    if isinstance(value, Enum):
        return str(value.name)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_key(name)}:{written(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(written, value)) + "]"
    text = str(value)
    if BARE.fullmatch(text) and text.lower() not in NO_TEXTS:
        return text
    # Hydra reads backslashes in front of a quotation mark in pairs, any others as they are.
    escaped = re.sub(r"(\\+)('|$)", r"\1\1\2", text).replace("'", r"\'")
    return f"'{escaped}'"


def _key(name: Any) -> str:
    return re.sub(r"([\\()\[\]{}:=, \t])", r"\\\1", str(name))
