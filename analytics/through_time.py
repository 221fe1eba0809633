"""Are models as good as they were: metrics by month, quarter, year or vintage.

Each period is judged by its own rows whose outcome is known. A period some of whose outcome windows are still open is
marked: early defaults are over-represented or missing there, so its level is not final. Intervals are those
of `analytics.performance`, one period alone; periods share loans, so neighbouring values are not independent.
"""

import itertools
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analytics.flags import to_series
from analytics.labelled import Scores, check_scores
from analytics.performance import METRICS, compute_metrics
from analytics.proportions import flag_small

Grain = Literal["month", "quarter", "year"]
_CODES = {"month": "M", "quarter": "Q", "year": "Y"}


def to_period(dates: ArrayLike, grain: Grain) -> pd.Series:
    """Return the first day of each date's month, quarter or year; missing dates stay missing.

    >>> to_period(["2024-05-31", None], "quarter").dt.strftime("%Y-%m-%d").to_list()
    ['2024-04-01', nan]
    """
    if grain not in _CODES:
        raise ValueError(f"a grain is one of {', '.join(_CODES)}, got {grain!r}")
    days = pd.to_datetime(to_series(dates))
    return days.dt.to_period(_CODES[grain]).dt.start_time


def compute_metrics_by_period(
    y: ArrayLike,
    scores: Scores,
    period: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    mature: ArrayLike | None = None,
    metrics: Sequence[str] = tuple(METRICS),
    level: float = 0.95,
) -> pd.DataFrame:
    """Return one row per period, model and metric: `compute_metrics` with rows, mature_share, mature, small.

    `y` may be missing where the outcome is not known; `mature` says of each row whether its outcome window is closed
    (default: where y is known). Only mature rows with an outcome are judged, `n` of the period's `rows`; mature_share
    is n / rows and mature says that it is 1. A period that cannot be judged (no mature outcome, one class) has blanks
    and the `reason`. Periods are sorted, rows without one left out. Raises ValueError for PDs outside [0, 1],
    unequal lengths and unknown metrics.
    """
    unknown = [name for name in metrics if name not in METRICS]
    if unknown:
        raise ValueError(f"unknown metric {', '.join(unknown)}; there are {', '.join(METRICS)}")
    outcome = pd.to_numeric(to_series(y)).to_numpy(dtype=float, na_value=np.nan)
    if not np.isin(outcome[~np.isnan(outcome)], (0.0, 1.0)).all():
        raise ValueError("outcomes must be 0 or 1 where they are known, got other values")
    pds = check_scores(scores, outcome.size)
    codes, periods = pd.factorize(to_series(period), sort=True)
    loans = np.arange(outcome.size) if cluster is None else pd.factorize(to_series(cluster))[0]
    closed = ~np.isnan(outcome)
    if mature is not None:
        closed &= to_series(mature).to_numpy(dtype=bool, na_value=False)
    if not outcome.size == codes.size == loans.size == closed.size:
        raise ValueError(f"one period and loan per outcome: {outcome.size} outcomes, {codes.size} periods")
    if not len(periods):
        raise ValueError("no periods: every row's period is missing")
    blank = pd.DataFrame(itertools.product(pds, metrics), columns=["model", "metric"])
    parts = []
    for code, name in enumerate(periods):
        inside = codes == code
        rows = np.flatnonzero(inside & closed)
        known = outcome[rows] == 1
        reason = _blank_reason(known)
        part = {model: pd_[rows] for model, pd_ in pds.items()}
        found = blank if reason else compute_metrics(known, part, cluster=loans[rows], level=level, metrics=metrics)
        events, total = int(known.sum()), int(inside.sum())
        parts.append(
            found.assign(
                period=name,
                n=rows.size,
                events=events,
                rows=total,
                mature_share=rows.size / total,
                mature=rows.size == total,
                small=bool(flag_small(min(events, rows.size - events), rows.size)),
                reason=reason,
            )
        )
    return _join(parts, blank)


def _blank_reason(known: NDArray[np.bool_]) -> str:
    if not known.size:
        return "no mature outcome"
    return "only events" if known.all() else "" if known.any() else "no events"


def _join(parts: list[pd.DataFrame], blank: pd.DataFrame) -> pd.DataFrame:
    """Put the periods together in one order of columns, whichever period is blank."""
    widest = max(parts, key=lambda part: part.shape[1])
    ends = ["rows", "mature_share", "mature", "small", "reason"]
    middle = [name for name in widest.columns if name not in {"period", *blank.columns, *ends}]
    frame = pd.concat([part.reindex(columns=widest.columns) for part in parts], ignore_index=True)
    return frame[["period", *blank.columns, *middle, *ends]]
