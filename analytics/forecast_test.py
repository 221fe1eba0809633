"""Does one model forecast better month after month: the Diebold-Mariano test on a series of loss differences.

Diebold and Mariano 1995 (Journal of Business and Economic Statistics 13), with the small-sample correction of Harvey,
Leybourne and Newbold 1997 (International Journal of Forecasting 13). Months are the observations, so what
all loans of a month have in common is part of the uncertainty; a test over loans would take it for nothing.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analytics.labelled import check_labelled, check_scores
from analytics.odds import Floats, clip_pd

Variance = Literal["truncated", "newey-west"]
Alternative = Literal["two-sided", "less", "greater"]
Loss = Literal["log_loss", "brier"]


@dataclass(frozen=True)
class DieboldMariano:
    """The mean loss difference of `n` dates with its test; blank with a `reason` where it has no variance."""

    n: int
    lags: int
    mean: float
    standard_error: float = np.nan
    low: float = np.nan
    high: float = np.nan
    statistic: float = np.nan
    p_value: float = np.nan
    reason: str = ""


def compute_diebold_mariano(
    differences: ArrayLike,
    *,
    horizon: int = 1,
    variance: Variance = "truncated",
    lags: int | None = None,
    alternative: Alternative = "two-sided",
    level: float = 0.95,
) -> DieboldMariano:
    """Test whether the mean of a series of loss differences, in the order of time and without gaps, is 0.

    `horizon` h is how many dates ahead an outcome is known: with monthly dates and default within a year 12, since
    neighbouring outcomes then overlap. Var(mean) = [γ₀ + 2 Σ_k w_k γ_k]/n with autocovariances γ_k (divisor n) up to
    `lags`: "truncated" has w = 1 and h − 1 lags, as in the paper; "newey-west" has w = 1 − k/(lags + 1), which is never
    negative, and by default max(h − 1, ⌊4·(n/100)^(2/9)⌋) lags. statistic = mean/√Var · √((n + 1 − 2h + h(h − 1)/n)/n),
    against Student's t with n − 1 degrees; standard_error and the interval include that factor. "less" means
    that the mean is below 0. A variance of 0 or below gives blanks and a reason; a series of zeros p = 1.
    Raises ValueError for fewer than 2 dates, gaps, and a horizon or lags that the series is too short for.

    >>> found = compute_diebold_mariano([-8, -35, -35, 4, -72], alternative="less")
    >>> round(found.statistic, 6), round(found.p_value, 6)
    (-2.222992, 0.045156)
    """
    d = _check_series(differences, horizon, level)
    if lags is None:
        rule = int(np.floor(4 * (d.size / 100) ** (2 / 9))) if variance == "newey-west" else 0
        lags = min(max(horizon - 1, rule), d.size - 1)
    if not 0 <= lags < d.size:
        raise ValueError(f"lags lie between 0 and {d.size - 1} for {d.size} dates, got {lags}")
    mean = float(d.mean())
    if np.ptp(d) == 0:
        return _judge_constant(d.size, mean, lags)
    n, h = d.size, horizon
    long_run = _estimate_long_run(d - mean, lags, variance)
    factor = (n + 1 - 2 * h + h * (h - 1) / n) / n
    if long_run <= 0:
        reason = f"the variance with {lags} lags is not positive; Newey-West's cannot be negative"
        return DieboldMariano(n, lags, mean, reason=reason)
    return _judge(n, mean, float(np.sqrt(long_run / n / factor)), lags, alternative, level)


def _check_series(differences: ArrayLike, horizon: int, level: float) -> Floats:
    d = np.asarray(differences, dtype=float).ravel()
    if d.size < 2 or not np.isfinite(d).all():
        raise ValueError(
            f"a series of at least 2 loss differences without gaps is needed, got {d.size} of which "
            f"{int((~np.isfinite(d)).sum())} are not finite numbers"
        )
    if not 1 <= horizon < d.size:
        raise ValueError(f"a horizon lies between 1 and {d.size - 1} for {d.size} dates, got {horizon}")
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, got {level}")
    return d


def _estimate_long_run(centred: Floats, lags: int, variance: Variance) -> float:
    n = centred.size
    covariances = np.array([centred[k:] @ centred[: n - k] / n for k in range(lags + 1)])
    weights = 1 - np.arange(lags + 1) / (lags + 1) if variance == "newey-west" else np.ones(lags + 1)
    return float(covariances[0] + 2 * weights[1:] @ covariances[1:])


def _judge_constant(n: int, mean: float, lags: int) -> DieboldMariano:
    if mean == 0:
        return DieboldMariano(n, lags, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    reason = "the difference is the same at every date: no variance to judge by"
    return DieboldMariano(n, lags, mean, 0.0, reason=reason)


def _judge(n: int, mean: float, error: float, lags: int, alternative: Alternative, level: float) -> DieboldMariano:
    from scipy.stats import t

    statistic = mean / error
    below, above = float(t.cdf(statistic, n - 1)), float(t.sf(statistic, n - 1))
    p_value = {"less": below, "greater": above, "two-sided": 2 * min(below, above)}[alternative]
    margin = float(t.ppf((1 + level) / 2, n - 1)) * error
    return DieboldMariano(n, lags, mean, error, mean - margin, mean + margin, statistic, p_value)


def compute_loss_differences(
    y: ArrayLike, champion: ArrayLike, challenger: ArrayLike, dates: ArrayLike, *, loss: Loss = "log_loss"
) -> pd.DataFrame:
    """Return the series that the test takes: date, n, events, champion, challenger, difference, by date and in order.

    Losses are means over the date's rows: "log_loss" −ln(PD given to what happened), PDs clipped at one in a million,
    or "brier" (outcome − PD)². difference = challenger − champion: below 0 where the challenger is better.
    Raises ValueError for input that cannot be judged and for rows without a date.
    """
    data = check_labelled(y)
    pds = check_scores({"champion": champion, "challenger": challenger}, data.n)
    dates_ = pd.Series(np.asarray(dates))
    gaps = int(dates_.isna().sum())
    if len(dates_) != data.n or gaps:
        raise ValueError(f"each of {data.n} rows needs a date, got {len(dates_)} dates of which {gaps} are missing")
    losses = {name: _losses(data.y.astype(float), pd_, loss) for name, pd_ in pds.items()}
    frame = pd.DataFrame({"date": dates_, "n": 1, "events": data.y.astype(int), **losses})
    found = frame.groupby("date").agg({"n": "sum", "events": "sum", "champion": "mean", "challenger": "mean"})
    return found.assign(difference=found["challenger"] - found["champion"]).reset_index()


def _losses(y: Floats, pds: Floats, loss: Loss) -> Floats:
    if loss == "brier":
        return np.asarray((y - pds) ** 2)
    clipped = clip_pd(pds)
    return np.asarray(-np.log(np.where(y == 1, clipped, 1 - clipped)))
