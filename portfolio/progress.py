"""Progress of long work: what is being done and how long is left."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

Report = Callable[[float, str], None]
"""Called with the share done (0 to 1) and what is being done now."""


def silent(share: float, doing: str) -> None:
    """Report nothing: the default of every function that takes a `Report`."""


def part_of(report: Report, start: float, end: float) -> Report:
    """Return a report whose 0 to 1 fills `start` to `end` of `report`."""
    return lambda share, doing: report(start + (end - start) * share, doing)


def format_seconds(seconds: float) -> str:
    """Return seconds as people say them.

    >>> format_seconds(8), format_seconds(150)
    ('8 s', '2 min 30 s')
    """
    whole = max(0, round(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


class TerminalReport:
    """A `Report` for the command line: one living line on a terminal, a line a step elsewhere."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.started = time.monotonic()
        self.last = ""

    def __call__(self, share: float, doing: str) -> None:
        """Show the share done, what is done now and the time left."""
        elapsed = time.monotonic() - self.started
        left = f", about {format_seconds(elapsed * (1 - share) / share)} left" if 0.02 < share < 1 else ""
        line = f"[{share:4.0%}] {doing}{left}"
        if self.stream.isatty():
            self.stream.write(f"\r\x1b[2K{line}")
        elif doing != self.last:  # a log file gets a line per step, not one per percent
            self.stream.write(f"{line}\n")
        self.last = doing
        self.stream.flush()

    def close(self, done: str) -> None:
        """End the living line with what was done and how long it took."""
        start = "\r\x1b[2K" if self.stream.isatty() else ""
        self.stream.write(f"{start}{done} in {format_seconds(time.monotonic() - self.started)}\n")
        self.stream.flush()
