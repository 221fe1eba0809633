"""Rates with their uncertainty: Jeffreys intervals, and when a cell is too small to read.

The interval's ends are the quantiles of Beta(x + ½, n − x + ½), with 0 as the lower end when x = 0 and
1 as the upper end when x = n (Brown, Cai and DasGupta 2001, "Interval estimation for a binomial
proportion", Statistical Science 16). It takes the rows as independent.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import betaincinv

from analytics.odds import Floats

SMALL_N = 30
SMALL_EVENTS = 5


def compute_jeffreys_interval(events: ArrayLike, n: ArrayLike, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return the lower and upper ends of Jeffreys intervals for `events` of `n`; NaN where n is 0.

    Counts need not be whole: an effective sample size may be passed. Raises ValueError for counts
    that cannot be (negative, or more events than rows) and for a level outside (0, 1).

    >>> low, high = compute_jeffreys_interval(1, 7)
    >>> round(float(low), 3), round(float(high), 3)
    (0.016, 0.501)
    """
    x, size = np.broadcast_arrays(np.asarray(events, dtype=float), np.asarray(n, dtype=float))
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, got {level}")
    if (x < 0).any() or (x > size).any():
        raise ValueError("a rate needs 0 <= events <= n")
    alpha = 1 - level
    with np.errstate(invalid="ignore"):
        low = np.where(x == 0, 0.0, betaincinv(x + 0.5, size - x + 0.5, alpha / 2))
        high = np.where(x == size, 1.0, betaincinv(x + 0.5, size - x + 0.5, 1 - alpha / 2))
    empty = ~(size > 0)
    return np.where(empty, np.nan, low), np.where(empty, np.nan, high)


def flag_small(events: ArrayLike, n: ArrayLike) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Say for each cell whether it is too small to read: n < 30 or fewer than 5 events.

    >>> [bool(flag) for flag in flag_small([4, 5, 5], [100, 29, 30])]
    [True, True, False]
    """
    return np.asarray((np.asarray(n) < SMALL_N) | (np.asarray(events) < SMALL_EVENTS), dtype=bool)


def add_rate(frame: pd.DataFrame, *, events: str, n: str, name: str = "rate", level: float = 0.95) -> pd.DataFrame:
    """Return `frame` with the rate `name`, its Jeffreys interval `<name>_low`, `<name>_high`, and `small`."""
    count, size = frame[events].to_numpy(dtype=float), frame[n].to_numpy(dtype=float)
    low, high = compute_jeffreys_interval(count, size, level=level)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = np.where(size > 0, count / size, np.nan)
    return frame.assign(**{name: rate, f"{name}_low": low, f"{name}_high": high, "small": flag_small(count, size)})
