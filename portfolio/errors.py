"""The one exception that a user is meant to read."""


class HypothecError(Exception):
    """Bad input or a broken state, said in one line: what was required, what was got, what to do."""
