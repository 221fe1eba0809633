"""How good are models on the same loans: metrics with intervals, and paired differences.

All intervals are cluster-robust (`analytics.labelled`): several snapshots of one loan count as one loan.
Differences are paired: both models see the same rows, so their errors are correlated and the
interval of a difference is shorter than the two intervals suggest.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from analytics.calibration import estimate_in_the_large, estimate_slope
from analytics.labelled import Labelled, Scores, check_labelled, check_scores
from analytics.odds import Floats, clip_pd
from analytics.ranking import Estimate, Ranking


@dataclass(frozen=True)
class Metric:
    """What a metric is called, which direction is better and how its interval is made.

    `better` is "higher", "lower", "closer" (to `ideal`) or "" where it judges nothing; `scale` "log"
    means that the interval is symmetric in the logarithm; bounds cut the interval.
    """

    label: str
    definition: str
    better: str = ""
    ideal: float | None = None
    unit: str = ""
    scale: str = "identity"
    minimum: float = -np.inf
    maximum: float = np.inf


METRICS: dict[str, Metric] = {
    "gini": Metric("Gini", "2 · AUC − 1", "higher", minimum=-1, maximum=1),
    "auc": Metric(
        "AUC",
        "probability that a random event has the higher PD; ties count one half (DeLong 1988)",
        "higher",
        minimum=0,
        maximum=1,
    ),
    "ks": Metric(
        "KS", "largest distance between the PD distributions of events and non-events", "higher", minimum=0, maximum=1
    ),
    "brier": Metric("Brier score", "mean of (outcome − PD)²", "lower", minimum=0, maximum=1),
    "log_loss": Metric(
        "Log loss", "mean of −ln(PD given to what happened), PDs clipped at one in a million", "lower", minimum=0
    ),
    "mean_pd": Metric("Mean PD", "mean of the PDs: the expected rate", unit="share", scale="log"),
    "default_rate": Metric("Observed rate", "share of rows with the event", unit="share", scale="log", maximum=1),
    "o_e_ratio": Metric(
        "Observed / expected",
        "observed rate divided by mean PD; above 1 where PDs are too low",
        "closer",
        1,
        scale="log",
    ),
    "calibration_slope": Metric(
        "Calibration slope",
        "b in logit(outcome) = a + b · log-odds; below 1 where PDs are too extreme (Cox 1958)",
        "closer",
        1,
    ),
    "calibration_in_the_large": Metric(
        "Calibration in the large", "a with b = 1, in log-odds; above 0 where PDs are too low", "closer", 0
    ),
}


@dataclass(frozen=True)
class _Evaluated:
    """One metric of one model: the estimate and the influences summed by loan."""

    estimate: float
    sums: Floats

    @property
    def standard_error(self) -> float:
        return float(np.sqrt(self.sums @ self.sums))


@dataclass(frozen=True)
class Evaluation:
    """Metrics of several models on the same rows, before they are put into tables."""

    n: int
    events: int
    models: Mapping[str, Mapping[str, _Evaluated]]


def evaluate(
    y: ArrayLike, scores: Scores, *, cluster: ArrayLike | None = None, metrics: Sequence[str] = tuple(METRICS)
) -> Evaluation:
    """Return what `list_metrics` and `list_differences` tell of, computed once for both.

    `y` holds 0/1 outcomes, `scores` the PDs (fractions) by model, `cluster` the loan of each row.
    Raises ValueError for input that cannot be judged: one class, gaps, PDs outside [0, 1], unequal lengths,
    unknown metrics.
    """
    data = check_labelled(y, cluster)
    found = {model: _evaluate(data, pd_, metrics) for model, pd_ in check_scores(scores, data.n).items()}
    return Evaluation(data.n, data.events, found)


def list_metrics(found: Evaluation, *, level: float = 0.95) -> pd.DataFrame:
    """Return one row per model and metric: estimate, standard_error, low, high, n, events."""
    rows = []
    for model, values in found.models.items():
        for name, value in values.items():
            low, high = _interval(METRICS[name], value.estimate, value.standard_error, level)
            rows.append((model, name, value.estimate, value.standard_error, low, high, found.n, found.events))
    return pd.DataFrame(rows, columns=["model", "metric", "estimate", "standard_error", "low", "high", "n", "events"])


def list_differences(found: Evaluation, champion: str, *, level: float = 0.95) -> pd.DataFrame:
    """Return challenger − champion for every other model and metric: the columns of `compute_paired_differences`.

    Raises ValueError when `champion` is not among the models.
    """
    if champion not in found.models:
        raise ValueError(f"the champion {champion!r} is not among the scored models {', '.join(found.models)}")
    reference = found.models[champion]
    rows = [
        (champion, model, name, *_difference(METRICS[name], reference[name], value, level), found.n, found.events)
        for model, values in found.models.items()
        if model != champion
        for name, value in values.items()
    ]
    columns = ["champion", "challenger", "metric", "difference", "standard_error", "low", "high", "z", "p_value",
               "verdict", "n", "events"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    return frame[[*columns[:9], "n", "events", "verdict"]]


def compute_metrics(
    y: ArrayLike,
    scores: Scores,
    *,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
    metrics: Sequence[str] = tuple(METRICS),
) -> pd.DataFrame:
    """Return one row per model and metric: estimate, standard_error, low, high, n, events.

    Input as `evaluate` takes it. A slope that cannot be had (constant PDs, perfect separation) is NaN, as is a
    standard error that would need a second loan with or without the event. Raises ValueError as `evaluate`.
    """
    return list_metrics(evaluate(y, scores, cluster=cluster, metrics=metrics), level=level)


def compute_paired_differences(
    y: ArrayLike,
    scores: Scores,
    champion: str,
    *,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
    metrics: Sequence[str] = tuple(METRICS),
) -> pd.DataFrame:
    """Return challenger − champion for every other model and metric, on the same rows.

    Columns: champion, challenger, metric, difference, standard_error, low, high, z, p_value (two-sided,
    normal), n, events, verdict. The verdict is "better", "worse" or "no clear difference" at `level`,
    empty for metrics where a larger value is neither (compare their distance from the ideal by eye) and where a
    difference has no standard error: z and p_value are then NaN. Raises ValueError as `evaluate`, and when
    `champion` is not among the scores.
    """
    return list_differences(evaluate(y, scores, cluster=cluster, metrics=metrics), champion, level=level)


def _difference(
    metric: Metric, champion: _Evaluated, challenger: _Evaluated, level: float
) -> tuple[float, float, float, float, float, float, str]:
    difference = challenger.estimate - champion.estimate
    sums = challenger.sums - champion.sums
    error = float(np.sqrt(sums @ sums))
    if error == 0 and difference != 0:
        error = float("nan")  # no loan's influence moves it: nothing can be said about chance
    half = _quantile(level) * error
    z = 0.0 if error == 0 else difference / error
    return (
        difference,
        error,
        difference - half,
        difference + half,
        z,
        float(2 * ndtr(-abs(z))),
        _verdict(metric, difference, half),
    )


def _verdict(metric: Metric, difference: float, half: float) -> str:
    if metric.better not in ("higher", "lower") or not np.isfinite(half):
        return ""
    if abs(difference) <= half:
        return "no clear difference"
    return "better" if (difference > 0) == (metric.better == "higher") else "worse"


def _evaluate(data: Labelled, pd_: Floats, metrics: Sequence[str]) -> dict[str, _Evaluated]:
    unknown = [name for name in metrics if name not in METRICS]
    if unknown:
        raise ValueError(f"unknown metric {', '.join(unknown)}; there are {', '.join(METRICS)}")
    recipes = _recipes(data, pd_, Ranking(data, pd_))
    found = {}
    for name in metrics:
        estimate, influence = recipes[name]()
        found[name] = _Evaluated(estimate, data.sum_by_loan(influence))
    return found


def _recipes(data: Labelled, pd_: Floats, ranking: Ranking) -> dict[str, Callable[[], Estimate]]:
    y = data.y.astype(float)
    return {
        "auc": ranking.estimate_auc,
        "gini": lambda: _gini(ranking),
        "ks": ranking.estimate_ks,
        "brier": lambda: _mean(data, (y - pd_) ** 2),
        "log_loss": lambda: _mean(data, _log_losses(data, pd_)),
        "mean_pd": partial(_mean, data, pd_),
        "default_rate": partial(_mean, data, y),
        "o_e_ratio": lambda: _ratio(data, y, pd_),
        "calibration_slope": lambda: estimate_slope(data, pd_),
        "calibration_in_the_large": lambda: estimate_in_the_large(data, pd_),
    }


def _gini(ranking: Ranking) -> Estimate:
    auc, influence = ranking.estimate_auc()
    return 2 * auc - 1, 2 * influence


def _mean(data: Labelled, values: Floats) -> Estimate:
    mean = float(values.mean())
    return mean, data.factor * (values - mean) / data.n


def _log_losses(data: Labelled, pd_: Floats) -> Floats:
    clipped = clip_pd(pd_)
    return np.asarray(-np.log(np.where(data.y, clipped, 1 - clipped)))


def _ratio(data: Labelled, observed: Floats, expected: Floats) -> Estimate:
    """Observed over expected with the influence of a ratio (delta method): (yᵢ − R·pᵢ)/Σp."""
    total = float(expected.sum())
    if total == 0:
        return np.inf, np.full(data.n, np.nan)
    ratio = float(observed.sum()) / total
    return ratio, data.factor * (observed - ratio * expected) / total


def _quantile(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, got {level}")
    return float(ndtri((1 + level) / 2))


def _interval(metric: Metric, estimate: float, error: float, level: float) -> tuple[float, float]:
    half = _quantile(level) * error
    if metric.scale == "log" and estimate > 0:
        low, high = estimate * np.exp(-half / estimate), estimate * np.exp(half / estimate)
    else:
        low, high = estimate - half, estimate + half
    return float(np.clip(low, metric.minimum, metric.maximum)), float(np.clip(high, metric.minimum, metric.maximum))
