"""When something needs a look: the overview's checks, each with a stated limit and a known rate of false alarms.

A level is "act", "watch" or "" (nothing to report). The limits on shares are house defaults to begin
with, not rules: no supervisor sets one figure for every book, so the page lets a reader set their own.
"""

import datetime
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from analytics.proportions import compute_jeffreys_interval
from analytics.rate_change import Change

Level = Literal["act", "watch", ""]
SEVERITY: dict[Level, int] = {"act": 0, "watch": 1, "": 2}


@dataclass(frozen=True)
class Limits:
    """What an alert is measured against; shares are fractions.

    `largest_region`, `above_100` and `top_20` are starting points chosen for a national retail book: a quarter in one
    region, one euro in twenty not covered by the property's value, 5 % with twenty loans. `robust_z` 3.5 is the
    usual cut for the modified z-score (Iglewicz and Hoaglin 1993); `off` 1.2 is a fifth more than
    expected; `much` makes a watch an act where a rate is half as high again; `stale_days` is a quarter and ten days.
    """

    largest_region: float = 0.25
    above_100: float = 0.05
    top_20: float = 0.05
    robust_z: float = 3.5
    history: int = 24
    off: float = 1.2
    much: float = 1.5
    stale_days: int = 100


@dataclass(frozen=True)
class Judgement:
    """A check's outcome: its level, the value seen and what it was measured against."""

    level: Level
    value: float
    reference: float
    low: float = float("nan")
    high: float = float("nan")


def judge_level(rates: pd.DataFrame, *, events: str, n: str, limits: Limits) -> Judgement | None:
    """Judge the last row of a series of rates against the rows before it (12 to `limits.history`), or None if fewer.

    Fires only if all say so: the modified z-score 0.6745·(x − median) / MAD of the last rate is above `robust_z`,
    the low end of its Jeffreys interval above the median, and the rate itself the highest of all. The interval
    keeps a small book, and a calm series whose MAD is next to nothing, from firing. `act` at `much` times the median.
    """
    known = rates[rates[n] > 0].tail(limits.history + 1)
    if len(known) < 13:
        return None
    values = (known[events] / known[n]).to_numpy(dtype=float)
    past, last = values[:-1], float(values[-1])
    middle = float(np.median(past))
    spread = float(np.median(np.abs(past - middle)))
    low, high = (float(end) for end in compute_jeffreys_interval(known[events].iloc[-1], known[n].iloc[-1]))
    z = np.inf if spread == 0 and last > middle else 0.6745 * (last - middle) / spread if spread else 0.0
    fires = z > limits.robust_z and low > middle and last > past.max()
    level: Level = "" if not fires else "act" if last >= limits.much * middle else "watch"
    return Judgement(level, last, middle, low, high)


def judge_change(change: Change, *, limits: Limits) -> Judgement:
    """Judge whether a rate rose: `watch` where its interval is above 0, `act` where it is also `much` times as high."""
    rose = change.clear and change.sampled and change.low > 0
    level: Level = "" if not rose else "act" if change.after >= limits.much * change.before else "watch"
    return Judgement(level, change.after, change.before, change.low, change.high)


def judge_calibration(events: float, expected: float, n: float, *, limits: Limits) -> Judgement | None:
    """Judge observed events against those expected (Σ PD of the same `n` rows), or None without either.

    value is O/E with low, high from the Jeffreys interval of the observed rate. `watch` where the interval leaves 1
    out and O/E is more than a fifth off, either way; `act` where PDs are too low by `much`.
    """
    if not (n > 0 and expected > 0):
        return None
    low, high = (float(end) * n / expected for end in compute_jeffreys_interval(events, n))
    ratio = events / expected
    too_low = low > 1 and ratio > limits.off
    too_high = high < 1 and ratio < 1 / limits.off
    level: Level = "act" if too_low and ratio >= limits.much else "watch" if too_low or too_high else ""
    return Judgement(level, ratio, 1.0, low, high)


def judge_limit(value: float, limit: float) -> Judgement:
    """Judge a share against its limit: `watch` above it, `act` above one and a half times as much."""
    over = bool(np.isfinite(value)) and value > limit
    level: Level = "" if not over else "act" if value > 1.5 * limit else "watch"
    return Judgement(level, value, limit)


def judge_age(last: datetime.date, today: datetime.date, *, limits: Limits) -> Judgement:
    """Judge how many days ago the data end: `watch` beyond `stale_days`."""
    days = (today - last).days
    return Judgement("watch" if days > limits.stale_days else "", float(days), float(limits.stale_days))
