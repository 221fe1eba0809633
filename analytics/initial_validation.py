"""Has the model's discrimination fallen below that of its initial validation? The AUC on grades, with its test.

ECB, Instructions for reporting the validation results of internal models, February 2019, section 2.5.4.1 and Annex 3.1:
S = (AUC at initial validation − AUC now)/s, p = 1 − Φ(S); the initial AUC is taken as known. A small p says that
discrimination has fallen. s² = var(V10)/defaults + var(V01)/non-defaults with unbiased variances of the placement
values, which is DeLong's variance (DeLong, DeLong and Clarke-Pearson 1988).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from analytics.flags import check_flags, check_numbers
from analytics.labelled import check_labelled
from analytics.odds import Floats
from analytics.ranking import Ranking

POOLED_YEARS = 3


@dataclass(frozen=True)
class InitialTest:
    """AUC now and at initial validation, s, the statistic S and p (NaN where undefined, with the `reason`).

    `n` and `defaults` are of the loans used, `years` the years pooled (one where nothing was pooled, 0 where no
    years were given).
    """

    auc: float
    s: float
    auc_initial: float
    statistic: float
    p: float
    n: int
    defaults: int
    years: int
    reason: str


def compute_s_test(now: float, s: float, initial: float) -> tuple[float, float]:
    """Return S = (initial − now)/s and p = 1 − Φ(S); NaN where s is 0 or not known.

    Raises ValueError where `now` or `initial` is outside [0, 1].

    >>> statistic, p = compute_s_test(0.7313685636856369, 0.00266868245717244 ** 0.5, 0.75)
    >>> round(statistic, 10), round(p, 10)
    (0.3606599233, 0.3591768438)
    """
    check_numbers([now, initial], "AUCs", low=0, high=1)
    if not s > 0:
        return np.nan, np.nan
    statistic = (initial - now) / s
    return float(statistic), float(ndtr(-statistic))


def compute_initial_test(
    grades: ArrayLike,
    outcomes: ArrayLike,
    *,
    auc_initial: float,
    years: ArrayLike | None = None,
    few_defaults: int = 0,
) -> InitialTest:
    """Return the test of the AUC on grades (numbers, higher is riskier; ties count ½) against the initial one.

    With `years`, the latest year is tested; where it has fewer than `few_defaults` defaults (a setting of the bank's
    policy), the latest three years are pooled by `compute_year_cdf`. Raises ValueError for gaps, unequal lengths, an
    initial AUC outside [0, 1], or loans of one outcome only.
    """
    rank = check_numbers(grades, "grades")
    y = check_flags(outcomes, "outcomes", rank.size)
    count = 0
    if years is not None:
        rank, y, count = _choose_years(rank, y, check_numbers(years, "years", rank.size), few_defaults)
    data = check_labelled(y)
    auc, influence = Ranking(data, rank).estimate_auc()
    s = float(np.sqrt(influence @ influence))
    statistic, p = compute_s_test(auc, s, auc_initial)
    reason = _give_reason(data.events, data.n, s)
    return InitialTest(auc, s, float(auc_initial), statistic, p, data.n, data.events, count, reason)


def _give_reason(defaults: int, n: int, s: float) -> str:
    if np.isnan(s):
        lone = "one default" if defaults == 1 else "one loan without default"
        return f"no variance: {lone} in {n:,} loans"
    return "" if s > 0 else "no variance: the grades part defaults from all others, or part nothing"


def _choose_years(
    rank: Floats, y: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], years: Floats, few: int
) -> tuple[Floats, np.ndarray[tuple[int, ...], np.dtype[np.bool_]], int]:
    if not years.size:
        raise ValueError("the AUC needs loans, got none")
    latest = years == years.max()
    if y[latest].sum() >= few:
        return rank[latest], y[latest], 1
    kept = years > years.max() - POOLED_YEARS
    return compute_year_cdf(rank[kept], years[kept]), y[kept], np.unique(years[kept]).size


def compute_year_cdf(grades: ArrayLike, years: ArrayLike) -> Floats:
    """Return for each loan the share of its own year's loans with the same or a better grade (in (0, 1]).

    It puts loans of several years on one scale, whatever grades were in use or in fashion, so that few defaults
    can be pooled over years.

    >>> compute_year_cdf([1, 2, 2, 3, 10, 20], [1, 1, 1, 1, 2, 2]).tolist()
    [0.25, 0.75, 0.75, 1.0, 0.5, 1.0]
    """
    rank = check_numbers(grades, "grades")
    year = check_numbers(years, "years", rank.size)
    cdf = np.empty(rank.size)
    for value in np.unique(year):
        rows = year == value
        cdf[rows] = np.searchsorted(np.sort(rank[rows]), rank[rows], side="right") / rows.sum()
    return cdf
