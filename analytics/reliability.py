"""Reliability without bins: the rate at each PD by isotonic regression (CORP), with bands and score parts.

Consistent, optimally binned, reproducible, pool-adjacent-violators: Dimitriadis, Gneiting and Jordan 2021, "Stable
reliability diagrams for probabilistic classifiers", PNAS 118. The recalibrated PD is the non-decreasing function of
the PD that fits the outcomes best. Of any proper score S,

    S(PD) = miscalibration − discrimination + uncertainty
    miscalibration = S(PD) − S(recalibrated),  discrimination = S(overall rate) − S(recalibrated),
    uncertainty = S(overall rate)

which are never negative (miscalibration of the log loss for PDs as clipped). Both first parts grow with chance alone,
by less the more events there are.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy

from analytics.curves import assign_quantile_bins
from analytics.labelled import Labelled, Scores, check_labelled, check_scores
from analytics.observed_expected import compute_design_effects
from analytics.odds import Floats, clip_pd

LEVELS = 2000


def compute_reliability(
    y: ArrayLike,
    scores: Scores,
    *,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
    resamples: int = 400,
    max_points: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Return the reliability curve of each model: model, pd, recalibrated, low, high, n, events.

    `y` holds 0/1 outcomes, `scores` PDs (fractions), `cluster` the loan of each row. More than `LEVELS` distinct PDs
    are first gathered into as many quantile bins, each at its mean PD; at most `max_points` of these are returned, and
    n and events count the rows from the point before up to this one. low and high are a consistency band: where the
    curve would lie, point by point, in a share `level` of samples if the PDs were right. Outcomes drawn from the
    PDs (binomial) and fitted again, `resamples` times. With `cluster` the drawn noise is widened by the root of the
    design effect: how much larger residuals from the curve are when summed by loan (Kish 1965), over all rows, as
    single levels hold too few events to tell. Raises ValueError for input that cannot be judged.
    """
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, got {level}")
    if resamples < 2 or max_points < 2:
        raise ValueError(f"at least two resamples and points are needed, got {resamples} and {max_points}")
    data = check_labelled(y, cluster)
    parts = []
    for model, pds in check_scores(scores, data.n).items():
        parts.append(_curve(data, pds, level, resamples, max_points, seed).assign(model=model))
    columns = ["model", "pd", "recalibrated", "low", "high", "n", "events"]
    return pd.concat(parts, ignore_index=True)[columns]


def _curve(data: Labelled, pds: Floats, level: float, resamples: int, max_points: int, seed: int) -> pd.DataFrame:
    place = _gather(pds)
    n, events = _sum(place, None), _sum(place, data.y)
    mean_pd = _sum(place, pds) / n
    fitted = _fit(events / n, n)
    random = np.random.default_rng(seed)
    effect = compute_design_effects(data.y - fitted[place], np.zeros_like(place), data.codes, 1)[0]
    noise = random.binomial(n.astype(np.int64), mean_pd, (resamples, n.size)) / n - mean_pd
    refitted = np.stack([_fit(rates, n) for rates in mean_pd + np.sqrt(effect) * noise])
    low, high = np.quantile(refitted, [(1 - level) / 2, (1 + level) / 2], axis=0).clip(0, 1)
    keep = np.unique(np.linspace(0, n.size - 1, min(max_points, n.size)).round().astype(int))
    starts = np.r_[0, keep[:-1] + 1]
    columns = {"pd": mean_pd[keep], "recalibrated": fitted[keep], "low": low[keep], "high": high[keep]}
    counts = {name: np.add.reduceat(part, starts).astype(np.int64) for name, part in (("n", n), ("events", events))}
    return pd.DataFrame(columns | counts)


def _gather(pds: Floats) -> NDArray[np.intp]:
    """Number each row's level: its PD among the distinct ones, or its quantile bin where there are too many."""
    levels, place = np.unique(pds, return_inverse=True)
    return np.asarray(place) if levels.size <= LEVELS else assign_quantile_bins(pds, LEVELS)


def _sum(place: NDArray[np.intp], values: NDArray[np.bool_] | Floats | None) -> Floats:
    return np.asarray(np.bincount(place, weights=values), dtype=float)


def _fit(rates: Floats, n: Floats) -> Floats:
    from scipy.optimize import isotonic_regression

    return np.asarray(isotonic_regression(rates, weights=n).x)


def compute_corp_parts(y: ArrayLike, scores: Scores) -> pd.DataFrame:
    """Return the parts of Brier score and log loss: model, score, value, miscalibration, discrimination, uncertainty.

    Over all distinct PDs, nothing gathered. The log loss takes natural logarithms and PDs clipped at one in a million.
    value = miscalibration − discrimination + uncertainty. Raises ValueError for input that cannot be judged.

    >>> parts = compute_corp_parts([0, 1, 0, 1], {"m": [0.2, 0.2, 0.6, 0.8]}).iloc[0]
    >>> [round(float(parts[name]), 3) for name in ("value", "miscalibration", "discrimination", "uncertainty")]
    [0.27, 0.103, 0.083, 0.25]
    """
    data = check_labelled(y)
    rows = []
    for model, pds in check_scores(scores, data.n).items():
        levels, place = np.unique(pds, return_inverse=True)
        n, events = _sum(place, None), _sum(place, data.y)
        fitted, overall = _fit(events / n, n), np.full(n.size, data.events / data.n)
        for score, mean in (("brier", _mean_brier), ("log_loss", _mean_log_loss)):
            given = levels if score == "brier" else clip_pd(levels)
            value, best, unknown = (float(mean(p, n, events)) for p in (given, fitted, overall))
            rows.append((model, score, value, value - best, unknown - best, unknown))
    columns = ["model", "score", "value", "miscalibration", "discrimination", "uncertainty"]
    return pd.DataFrame(rows, columns=columns)


def _mean_brier(p: Floats, n: Floats, events: Floats) -> float:
    return float((events * (1 - p) ** 2 + (n - events) * p**2).sum() / n.sum())


def _mean_log_loss(p: Floats, n: Floats, events: Floats) -> float:
    return float(-(xlogy(events, p) + xlogy(n - events, 1 - p)).sum() / n.sum())
