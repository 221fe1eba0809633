"""Observed against expected events by group: is the PD right there, also where loans repeat or no event happened?

The PDs are taken as given, so only the observed rate is uncertain. The interval is Jeffreys' for the rate, divided
by the mean PD, with the effective number of rows n / d where loans are seen more than once. The design effect d is
the variance of the residuals summed by loan over that of the residuals as if independent (Kish 1965, "Survey
Sampling", chapter 8), at least 1. PDs that differ within a group make the count of events less variable than
the binomial assumed here (Hoeffding 1956), so intervals are somewhat wide, never too short for it.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc

from analytics.flags import to_series
from analytics.odds import Floats
from analytics.proportions import compute_jeffreys_interval, flag_small


def count_loans(codes: NDArray[np.intp], group: NDArray[np.intp], groups: int) -> NDArray[np.intp]:
    """Return how many different loans each group holds."""
    pairs = np.unique(group.astype(np.int64) * (int(codes.max(initial=0)) + 1) + codes)
    return np.bincount(pairs // (int(codes.max(initial=0)) + 1), minlength=groups)


def compute_design_effects(
    residual: Floats, group: NDArray[np.intp], codes: NDArray[np.intp] | None, groups: int
) -> Floats:
    """Return per group Σ over loans (Σ residual)² / Σ residual², at least 1; 1 where each row is its own loan."""
    if codes is None:
        return np.ones(groups)
    loans = int(codes.max(initial=0)) + 1
    pairs, place = np.unique(group.astype(np.int64) * loans + codes, return_inverse=True)
    sums = np.bincount(place, weights=residual)
    clustered = np.bincount(pairs // loans, weights=sums**2, minlength=groups)
    plain = np.bincount(group, weights=residual**2, minlength=groups)
    return np.maximum(1.0, np.divide(clustered, plain, out=np.ones(groups), where=plain > 0))


def compute_observed_expected(
    y: ArrayLike,
    pds: ArrayLike,
    group: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return observed and expected events per group.

    Columns: group, n, loans, events, expected, rate, mean_pd, effective_n, o_e_ratio, low, high, p_value, small.

    `y` holds 0/1 outcomes (a group may have one class only), `pds` fractions, `group` labels (sorted in the result,
    missing ones left out), `cluster` the loan of each row. expected = Σ PD, effective_n = n / d; low and high belong to
    o_e_ratio. p_value is two-sided, 2·min(F(mean PD), 1 − F(mean PD)) with F the distribution function of
    Beta(x + ½, n − x + ½), x and n divided by d (the ECB's Jeffreys test, both tails). A mean PD of 0 has no ratio
    (NaN). Raises ValueError for gaps, outcomes other than 0 and 1, PDs outside [0, 1] and unequal lengths.

    >>> found = compute_observed_expected([1, 0, 0, 0], [0.5, 0.5, 0.1, 0.1], ["a", "a", "b", "b"])
    >>> [float(ratio) for ratio in found["o_e_ratio"]]
    [1.0, 0.0]
    """
    outcome, pd_ = _check(y, pds)
    keys = to_series(group)
    loan = np.arange(outcome.size) if cluster is None else pd.factorize(to_series(cluster))[0]
    if not len(keys) == len(loan) == outcome.size:
        raise ValueError(
            f"one group and loan per outcome: {outcome.size} outcomes, {len(keys)} groups, {len(loan)} loans"
        )
    if (loan < 0).any():
        raise ValueError(f"cluster has no loan in {int((loan < 0).sum())} rows; every row belongs to one")
    place, labels = pd.factorize(keys, sort=True)
    known = place >= 0
    frame = _count(outcome[known], pd_[known], place[known], loan[known], len(labels))
    residual = (outcome - frame["rate"].to_numpy()[place])[known] if len(labels) else np.empty(0)
    codes = None if cluster is None else loan[known]
    shrink = 1 / compute_design_effects(residual, place[known], codes, len(labels))
    return _judge(frame.assign(group=labels), shrink, level)


def _check(y: ArrayLike, pds: ArrayLike) -> tuple[Floats, Floats]:
    outcome, pd_ = np.asarray(y, dtype=float).ravel(), np.asarray(pds, dtype=float).ravel()
    if outcome.size != pd_.size:
        raise ValueError(f"one PD per outcome is needed: {outcome.size} outcomes, {pd_.size} PDs")
    if not np.isin(outcome, (0.0, 1.0)).all():
        raise ValueError("outcomes must be 0 or 1 without gaps, got other values")
    if not ((pd_ >= 0) & (pd_ <= 1)).all():
        raise ValueError("PDs must lie in [0, 1] without gaps, got other values")
    return outcome, pd_


def _count(outcome: Floats, pd_: Floats, place: NDArray[np.intp], loan: NDArray[np.intp], groups: int) -> pd.DataFrame:
    n = np.bincount(place, minlength=groups)
    events = np.bincount(place, weights=outcome, minlength=groups)
    expected = np.bincount(place, weights=pd_, minlength=groups)
    columns = {
        "n": n,
        "loans": count_loans(loan, place, groups),
        "events": events.astype(np.int64),
        "expected": expected,
        "rate": events / n,
        "mean_pd": expected / n,
    }
    return pd.DataFrame(columns)


def _judge(frame: pd.DataFrame, shrink: Floats, level: float) -> pd.DataFrame:
    x, n = frame["events"].to_numpy() * shrink, frame["n"].to_numpy() * shrink
    mean_pd = frame["mean_pd"].to_numpy()
    low, high = compute_jeffreys_interval(x, n, level=level)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, low, high = (np.where(mean_pd > 0, part / mean_pd, np.nan) for part in (frame["rate"], low, high))
    tail = betainc(x + 0.5, n - x + 0.5, mean_pd)
    p_value = np.minimum(1.0, 2 * np.minimum(tail, 1 - tail))
    small = flag_small(frame["events"], frame["n"])
    order = ["group", "n", "loans", "events", "expected", "rate", "mean_pd", "effective_n"]
    order += ["o_e_ratio", "low", "high", "p_value", "small"]
    frame = frame.assign(effective_n=n)
    return frame.assign(o_e_ratio=ratio, low=low, high=high, p_value=p_value, small=small)[order]
