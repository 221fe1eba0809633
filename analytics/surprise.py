"""How surprising each month of a series is, by the months before it only: levels, usual surprises, thresholds.

The surprise is the distance from the median of the twelve months before, less the usual distance (so that a steady
trend surprises nobody), over a scale that is the larger of the usual size of surprises (MAD × 1.4826) and the sampling
error. Thresholds are Student's t at 0.37 · (k − 1) degrees of freedom, because the MAD of k values is as uncertain as a
standard deviation of 0.37 k of them (its efficiency; Rousseeuw and Croux 1993, "Alternatives to the median absolute
deviation", JASA 88).
"""

from dataclasses import dataclass

import numpy as np

from analytics.odds import Floats

NEAR, FAR = 12, 24  # months before: for the usual level, and for the usual size of surprises
EFFICIENCY = 0.37
FACTORS = (1e6, 1e4, 1e3, 100.0, 52.0, 12.0, 10.0, 4.0)  # changes of unit: thousands, cents, weeks, months, quarters
_CELLS = 2_000_000  # numbers in one block of windows


def rolling_median(values: Floats, window: int, least: int) -> Floats:
    """Return the median of the `window` rows before each row, by column; NaN where fewer than `least` are known."""
    rows, columns = values.shape
    padded = np.vstack([np.full((window, columns), np.nan), values[:-1]])
    result = np.full((rows, columns), np.nan)
    step = max(1, _CELLS // (rows * window))
    for start in range(0, columns, step):
        block = np.lib.stride_tricks.sliding_window_view(padded[:, start : start + step], window, axis=0)
        ordered = np.sort(block, axis=-1)  # NaN come last
        known = np.isfinite(ordered).sum(axis=-1)
        low, high = np.maximum(known - 1, 0) // 2, known // 2
        high = np.minimum(high, window - 1)
        pick = [np.take_along_axis(ordered, place[..., None], axis=-1)[..., 0] for place in (low, high)]
        result[:, start : start + step] = np.where(known >= least, (pick[0] + pick[1]) / 2, np.nan)
    return result


def rolling_sum(values: Floats, window: int) -> Floats:
    """Return the sum of the `window` rows before each row."""
    total = np.vstack([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    ends = np.arange(values.shape[0])
    return total[ends] - total[np.maximum(ends - window, 0)]


@dataclass(frozen=True)
class Surprise:
    """How surprising each month is: its shift, usual scale and sampling error; thresholds in scales and in errors."""

    base: Floats
    shift: Floats
    scale: Floats
    error: Floats
    bar: Floats
    crude_bar: Floats


def measure_surprise(level: Floats, spread: Floats, n: Floats, alpha: float) -> Surprise:
    """Return the surprise of each month × series from levels, their rows' spread and number; see the module."""
    from scipy.stats import t

    base = rolling_median(level, NEAR, 1)
    raw = level - base
    drift = np.nan_to_num(rolling_median(raw, FAR, 6))
    shift = raw - drift
    usual = 1.4826 * rolling_median(np.abs(shift), FAR, 6)
    seen = rolling_sum(np.isfinite(shift).astype(float), FAR)
    past = rolling_median(spread, FAR, 1)
    own = np.where(np.isfinite(past), past, spread)
    before = np.maximum(rolling_sum(n, NEAR), 1)
    error = own * np.sqrt(1 / np.maximum(n, 1) + 1.57 / before)  # a median's variance is π/2 times a mean's
    freedom = np.minimum(EFFICIENCY * (seen - 1), n - 1)
    few = np.minimum(n, before) - 1
    bars = [np.where(df >= 1, t.isf(alpha / 2, np.maximum(df, 1)), np.inf) for df in (freedom, few)]
    return Surprise(base + drift, shift, usual, error, *bars)


def name_factor(shift: float, tolerance: float) -> float:
    """Return the factor of a change of unit nearest to a shift of logarithms, NaN if none is within the tolerance.

    >>> float(name_factor(-6.9, 0.2)), float(name_factor(2.5, 0.2)), float(name_factor(0.4, 0.2))
    (0.001, 12.0, nan)
    """
    factors = np.array(FACTORS)
    far = np.abs(np.log(factors) - abs(shift))
    nearest = int(far.argmin())
    if far[nearest] > tolerance:
        return float("nan")
    return float(factors[nearest] if shift > 0 else 1 / factors[nearest])
