"""How sure are we of a profit: expected maximum profit and H-measure with intervals and paired differences.

Both are the value of a best decision. To first order it does not matter that the best cut-offs are estimated too (the
envelope theorem), so each is the mean over rows of what the row brings at the cut-offs found, and its influence is
that less the mean. Best cut-offs found on the rows that judge them flatter every model a little; the
intervals are too short where the events are few.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, ndtr, ndtri

from analytics.labelled import Labelled, Scores, check_labelled, check_scores
from analytics.odds import Floats
from analytics.profit import NO_LOSS, RETURN, TOTAL_LOSS, check_loss
from analytics.roc_hull import RocHull, find_roc_hull

ROUNDING = 1e-12  # what is left of a sum of influences that are all 0
_COLUMNS = [
    "model", "estimate", "standard_error", "low", "high", "difference", "difference_low", "difference_high", "p_value",
    "n", "events",
]  # fmt: skip


def compute_emp_intervals(
    y: ArrayLike,
    scores: Scores,
    *,
    champion: str | None = None,
    no_loss: float = NO_LOSS,
    total_loss: float = TOTAL_LOSS,
    roi: float = RETURN,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return the expected maximum profit of each model with its interval and its difference from the champion's.

    Columns: model, estimate, standard_error, low, high, difference, difference_low, difference_high, p_value, n,
    events. The estimate is that of `profit.compute_emp`, a fraction of the amount. A default brings λ where it is
    rejected, a good loan costs `roi`: row i, on an edge of the hull that pays from λᵢ on, brings
    yᵢ·E[λ; λ ≥ λᵢ] − (1 − yᵢ)·roi·P(λ ≥ λᵢ). Rows are summed by `cluster`, the loan. Differences (model less
    `champion`) are paired and blank for the champion, or without one; p is two-sided. Where nothing pays to reject
    there is no variance: the interval is blank. Raises ValueError as `compute_emp`, and for an unknown champion.

    >>> found = compute_emp_intervals([1, 0, 1, 0], {"m": [0.9, 0.1, 0.8, 0.2]}, no_loss=0.5, total_loss=0.5)
    >>> float(found["estimate"].iloc[0])
    0.25
    """
    check_loss(no_loss, total_loss, roi)
    data = check_labelled(y, cluster)
    even = 1 - no_loss - total_loss

    def bring(pds: Floats) -> tuple[float, Floats]:
        hull = find_roc_hull(data, pds)
        rate = hull.rate[_find_edges(hull, pds)]
        with np.errstate(divide="ignore", invalid="ignore"):
            pays_from = np.where(rate > 0, roi * (1 - rate) / rate, np.inf)
        start, worst = np.clip(pays_from, 0, 1), total_loss * (pays_from < 1)
        caught, turned_away = even * (1 - start**2) / 2 + worst, even * (1 - start) + worst
        values = np.where(data.y, caught, -roi * turned_away)
        return float(values.mean()), values - values.mean()

    return _judge(data, check_scores(scores, data.n), bring, champion, level)


def compute_h_intervals(
    y: ArrayLike,
    scores: Scores,
    *,
    champion: str | None = None,
    severity_ratio: float | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return the H-measure of each model with its interval and its difference; columns as `compute_emp_intervals`.

    The estimate is that of `hmeasure.compute_h_measure`. Row i, on an edge of event rate rᵢ, costs ∫ below rᵢ of
    c·w(c) dc without the event and ∫ above rᵢ of (1 − c)·w(c) dc with it; so it does in the worst case with the rate of
    all; H = 1 − L/L_worst has the influence of a ratio. Without a `severity_ratio` it is events over non-events,
    whose own error is added by the slope of H in it. A ranking no better than none has 0 and no interval.

    >>> found = compute_h_intervals([1, 1, 0, 0], {"m": [0.8, 0.4, 0.6, 0.2]}, severity_ratio=1)
    >>> float(found["estimate"].round(4).iloc[0])
    0.5
    """
    data = check_labelled(y, cluster)
    rate = data.events / data.n
    odds = rate / (1 - rate)
    ratio = odds if severity_ratio is None else severity_ratio
    if not 0 < ratio < np.inf:
        raise ValueError(f"a severity ratio is a positive number, got {ratio}")

    def bring(pds: Floats) -> tuple[float, Floats]:
        hull = find_roc_hull(data, pds)
        edge = _find_edges(hull, pds)
        h, influence = _estimate_h(data, hull.rate, edge, ratio)
        if severity_ratio is None:
            step = 1e-4 * ratio
            ends = [_estimate_h(data, hull.rate, edge, near)[0] for near in (ratio - step, ratio + step)]
            slope = (ends[1] - ends[0]) / (2 * step)
            influence = influence + slope * (data.y - rate) / (1 - rate) ** 2
        return h, influence

    return _judge(data, check_scores(scores, data.n), bring, champion, level)


def _find_edges(hull: RocHull, pds: Floats) -> NDArray[np.intp]:
    """Return the edge of the hull that adds each row: the first whose lower threshold the PD reaches."""
    return np.searchsorted(-hull.threshold[1:], -pds, side="left")


def _estimate_h(data: Labelled, rates: Floats, edge: NDArray[np.intp], ratio: float) -> tuple[float, Floats]:
    """Return H and each row's influence; `edge` is the place of each row's edge among the hull's event `rates`."""
    whole = np.array([data.events / data.n])
    losses = _lose(data, rates, edge, ratio)
    worst = _lose(data, whole, np.zeros(data.n, dtype=np.intp), ratio)
    loss, most = losses.mean(), worst.mean()
    return float(1 - loss / most), np.asarray(-(losses - loss) / most + loss * (worst - most) / most**2)


def _lose(data: Labelled, rates: Floats, edge: NDArray[np.intp], ratio: float) -> Floats:
    """Return each row's loss where it is flagged at cost shares below its edge's event rate."""
    alpha, beta = 2.0, 1 + 1 / ratio
    flagged = alpha / (alpha + beta) * betainc(alpha + 1, beta, rates)
    missed = beta / (alpha + beta) * betainc(beta + 1, alpha, 1 - rates)
    return np.asarray(np.where(data.y, missed[edge], flagged[edge]))


def _judge(
    data: Labelled,
    scores: dict[str, Floats],
    bring: Callable[[Floats], tuple[float, Floats]],
    champion: str | None,
    level: float,
) -> pd.DataFrame:
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, got {level}")
    if champion is not None and champion not in scores:
        raise ValueError(f"the champion {champion!r} is not among {', '.join(scores)}")
    found = {}
    for model, pds in scores.items():
        estimate, influence = bring(pds)
        found[model] = estimate, data.factor * data.sum_by_loan(influence) / data.n
    rows = []
    for model, (estimate, sums) in found.items():
        own = _interval(estimate, sums, level)
        row = (model, *own[:2], *np.clip(own[2:], 0.0, None))  # no decision is worth less than the best without a model
        if champion in (None, model):
            rows.append((*row, *[np.nan] * 4, data.n, data.events))
            continue
        other = found[str(champion)]
        difference, error, low, high = _interval(estimate - other[0], sums - other[1], level)
        # Rankings that decide alike differ by nothing, for certain: p is 1 and not unknown.
        p = 2 * float(ndtr(-abs(difference / error))) if np.isfinite(error) else 1.0
        rows.append((*row, difference, low, high, p, data.n, data.events))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _interval(estimate: float, sums: Floats, level: float) -> tuple[float, float, float, float]:
    error = float(np.sqrt(sums @ sums))
    if not error > ROUNDING:
        return estimate, np.nan, np.nan, np.nan
    half = float(ndtri((1 + level) / 2)) * error
    return estimate, error, estimate - half, estimate + half
