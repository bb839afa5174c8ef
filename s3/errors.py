"""Errors that a person can act on; `run.py` prints them without a traceback."""


class UserError(Exception):
    """What is wrong, where, and what to do, in a line or two.

    Base of every error that is the user's to mend: configuration, data, keys, budgets.
    """


class ConfigError(UserError):
    """What is wrong with a run's options, found before anything has begun."""
