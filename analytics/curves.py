"""Curves behind the metrics: ROC, calibration bins, Brier parts and score distributions, by model."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analytics.labelled import Labelled, Scores, check_labelled, check_scores
from analytics.odds import Floats, to_log_odds, to_pd
from analytics.proportions import compute_jeffreys_interval, flag_small
from analytics.ranking import Ranking


def compute_roc(y: ArrayLike, scores: Scores, *, max_points: int = 400) -> pd.DataFrame:
    """Return the ROC curve of each model: model, threshold, false_positive_rate, true_positive_rate.

    The curve has a point per distinct PD; beyond `max_points` those are kept that lie evenly along it
    (by false + true positive rate), so no dropped point is further than 1/max_points from the line drawn.
    """
    data = check_labelled(y)
    parts = []
    for model, pds in check_scores(scores, data.n).items():
        fpr, tpr, threshold = Ranking(data, pds).curve()
        keep = thin(fpr + tpr, max_points)
        columns = {"threshold": threshold[keep], "false_positive_rate": fpr[keep], "true_positive_rate": tpr[keep]}
        parts.append(pd.DataFrame(columns).assign(model=model))
    return pd.concat(parts, ignore_index=True)[["model", "threshold", "false_positive_rate", "true_positive_rate"]]


def thin(path: Floats, count: int) -> NDArray[np.intp]:
    """Return the places of at most `count` points, evenly along a path that never falls, to where it first ends."""
    if path.size <= count:
        return np.arange(path.size)
    even = np.linspace(path[0], path[-1], count)
    return np.unique(np.r_[np.searchsorted(path, even), path.size - 1].clip(0, path.size - 1))[:count]


def compute_calibration_bins(
    y: ArrayLike, scores: Scores, *, bins: int = 10, cluster: ArrayLike | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Return per model and PD bin: mean_pd, rate, low, high, n, events, small.

    Bins hold equally many rows; equal PDs stay in one bin, so there may be fewer bins. The interval is
    Jeffreys'. With `cluster` (the loan of each row) it uses the effective number of rows: n divided by the
    design effect, the cluster-robust variance of the rate over the binomial one (Kish 1965), where that exceeds 1.
    """
    data = check_labelled(y, cluster)
    parts = []
    for model, pds in check_scores(scores, data.n).items():
        bin_of = assign_quantile_bins(pds, bins)
        frame = _count(data, pds, bin_of)
        shrink = 1 / _design_effects(data, bin_of, frame["rate"].to_numpy(), frame["n"].to_numpy())
        low, high = compute_jeffreys_interval(frame["events"] * shrink, frame["n"] * shrink, level=level)
        small = flag_small(frame["events"], frame["n"])
        parts.append(frame.assign(low=low, high=high, small=small, model=model))
    columns = ["model", "bin", "mean_pd", "rate", "low", "high", "n", "events", "small"]
    return pd.concat(parts, ignore_index=True)[columns]


def assign_quantile_bins(values: Floats, bins: int) -> NDArray[np.intp]:
    """Number each value's bin from 0, without gaps; a bin ends with a value that is there."""
    if bins < 1:
        raise ValueError(f"at least one bin is needed, got {bins}")
    ends = np.unique(np.quantile(values, np.arange(1, bins) / bins, method="inverted_cdf"))
    return np.asarray(np.unique(np.searchsorted(ends, values, side="left"), return_inverse=True)[1])


def _count(data: Labelled, pds: Floats, bin_of: NDArray[np.intp]) -> pd.DataFrame:
    n = np.bincount(bin_of)
    events = np.bincount(bin_of, weights=data.y).astype(np.int64)
    mean_pd = np.bincount(bin_of, weights=pds) / n
    return pd.DataFrame({"bin": np.arange(n.size), "mean_pd": mean_pd, "rate": events / n, "n": n, "events": events})


def _design_effects(data: Labelled, bin_of: NDArray[np.intp], rate: Floats, n: NDArray[np.int64]) -> Floats:
    """Variance of each bin's rate with loans seen more than once, over that of independent rows; at least 1."""
    if data.codes is None:
        return np.ones(rate.size)
    residual = data.y - rate[bin_of]
    sums = pd.Series(residual).groupby(bin_of * data.loans + data.codes).sum()
    squares = np.bincount(sums.index.to_numpy() // data.loans, weights=sums.to_numpy() ** 2, minlength=rate.size)
    binomial = n * rate * (1 - rate)
    return np.maximum(1.0, np.divide(squares, binomial, out=np.ones(rate.size), where=binomial > 0))


@dataclass(frozen=True)
class BrierParts:
    """brier = reliability − resolution + uncertainty + within (Murphy 1973; within is 0 for constant-PD bins)."""

    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    within: float


def compute_brier_parts(y: ArrayLike, pds: ArrayLike, *, bins: int | None = None) -> BrierParts:
    """Split the Brier score of one model, over its distinct PDs or over quantile bins of them.

    reliability = Σ n_b (mean PD_b − rate_b)²/n, resolution = Σ n_b (rate_b − rate)²/n, uncertainty =
    rate (1 − rate); within is what remains because PDs differ inside a bin (Stephenson et al. 2008).
    """
    data = check_labelled(y)
    pd_ = check_scores({"model": pds}, data.n)["model"]
    bin_of = np.unique(pd_, return_inverse=True)[1] if bins is None else assign_quantile_bins(pd_, bins)
    frame = _count(data, pd_, np.asarray(bin_of))
    share, rate = frame["n"] / data.n, data.events / data.n
    brier = float(((data.y - pd_) ** 2).mean())
    reliability = float((share * (frame["mean_pd"] - frame["rate"]) ** 2).sum())
    resolution = float((share * (frame["rate"] - rate) ** 2).sum())
    uncertainty = rate * (1 - rate)
    return BrierParts(brier, reliability, resolution, uncertainty, brier - reliability + resolution - uncertainty)


def compute_score_distribution(y: ArrayLike, scores: Scores, *, bins: int = 50) -> pd.DataFrame:
    """Return per model, outcome (0 or 1) and bin of log-odds: pd_low, pd_high, log_odds (the middle), n, share.

    The bins are equally wide in log-odds and common to all models, from the lowest to the highest PD of
    any; share is that of the outcome's rows, so both outcomes' shares add up to 1.
    """
    data = check_labelled(y)
    log_odds = {model: to_log_odds(pds) for model, pds in check_scores(scores, data.n).items()}
    low, high = (f([f(values) for values in log_odds.values()]) for f in (np.min, np.max))
    edges = np.linspace(low - 1e-9, high + 1e-9, bins + 1)
    parts = []
    for model, values in log_odds.items():
        for outcome in (0, 1):
            counts = np.histogram(values[data.y == bool(outcome)], edges)[0]
            parts.append(
                pd.DataFrame({"pd_low": to_pd(edges[:-1]), "pd_high": to_pd(edges[1:]), "n": counts}).assign(
                    model=model, outcome=outcome, log_odds=(edges[:-1] + edges[1:]) / 2, share=counts / counts.sum()
                )
            )
    columns = ["model", "outcome", "pd_low", "pd_high", "log_odds", "n", "share"]
    return pd.concat(parts, ignore_index=True)[columns]
