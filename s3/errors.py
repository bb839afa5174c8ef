"""Errors that a person can act on; the command line prints them without a traceback."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """What is wrong, where, and what to do, in a line or two.

    Base of every error that is the user's to mend: configuration, data, keys, budgets.
    """


class ConfigError(UserError):
    """What is wrong with a run's options, found before anything has begun."""


def first_line(error: Exception) -> str:
    """Return the first line of an error's message; the name of its class where it has none.

    Of pydantic's errors, whose first line says how many there are, what the first is about.
    """
    if type(error).__name__ == "ValidationError" and (found := getattr(error, "errors", None)):
        first = found()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean X?" for the known name that is nearest; empty where none is near."""
    near = difflib.get_close_matches(name, list(known), 1, 0.7)
    return f" Did you mean {near[0]!r}?" if near else ""
