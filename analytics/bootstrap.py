"""How sure are we, by drawing the loans anew: a paired bootstrap, stratified by outcome and clustered by loan.

One resample draws whole loans with replacement (a loan brings all its rows), the loans with an event and those
without apart, and every model is measured on the same resamples (Efron and Tibshirani 1993, "An Introduction to the
Bootstrap", chapters 8 and 16; Davison and Hinkley 1997, sections 3.2 and 3.8). Loans are drawn as often as there are
in each stratum, so a resample never lacks events; how many loans have an event is chance too, so each stratum's
weight is then set to a binomial draw (`fixed_events` leaves it as it is: right for AUC, Gini and KS, which do not
depend on the event rate, much too sure of Brier score, log loss and observed / expected, which do).

Compared with the influence-based intervals of `analytics.performance`: both estimate the same variance and agree
within a few per cent with some fifty events or more. They differ where a normal curve does not fit: few events, a Gini
near 1, a skewed log loss. The bootstrap's percentile interval follows the skewness; it is not centred on the estimate,
and as KS is biased upwards in any sample, its replicates are biased twice (use method "basic" or the
influences there). Percentile intervals are as good as normal ones to first order, no better: BCa would need a
jackknife of every metric.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analytics.labelled import Labelled, Scores, check_labelled, check_scores
from analytics.odds import Floats, clip_pd
from analytics.performance import METRICS

Method = Literal["percentile", "basic"]
Progress = Callable[[float, str], None]

TOP = 0.1
BOOTSTRAPPED = ("gini", "auc", "ks", "lift", "brier", "log_loss", "mean_pd", "o_e_ratio", "default_rate")
_HIGHER_IS_BETTER = {"lift": True} | {
    name: metric.better == "higher" for name, metric in METRICS.items() if metric.better in ("higher", "lower")
}
_LANES = 16
_Sorted = tuple[NDArray[np.int32], NDArray[np.bool_], NDArray[np.bool_]]


@dataclass(frozen=True)
class Replicates:
    """Metrics on the data (model × metric) and on each resample (resample × model × metric)."""

    models: tuple[str, ...]
    metrics: tuple[str, ...]
    estimates: Floats
    values: Floats
    n: int
    events: int
    loans: int

    @property
    def frame(self) -> pd.DataFrame:
        """One row per resample, model and metric: resample, model, metric, value."""
        index = pd.MultiIndex.from_product(
            [range(len(self.values)), self.models, self.metrics], names=["resample", "model", "metric"]
        )
        return pd.Series(self.values.ravel(), index, name="value").reset_index()


def compute_bootstrap(
    y: ArrayLike,
    scores: Scores,
    *,
    cluster: ArrayLike | None = None,
    metrics: Sequence[str] = BOOTSTRAPPED,
    resamples: int = 1000,
    fixed_events: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> Replicates:
    """Return the metrics of every model on `resamples` common resamples of the loans.

    `y` holds 0/1 outcomes, `scores` the PDs (fractions) by model, `cluster` the loan of each row. Metrics are
    those of `BOOTSTRAPPED`; lift is the share of events among the tenth of rows with the highest PDs, divided by a
    tenth (ties at the cut in proportion). `progress` is called with the share done and what is done. The same
    seed gives the same resamples, on however many processors. Raises ValueError for input that cannot be judged,
    unknown metrics and fewer than two resamples.
    """
    data = check_labelled(y, cluster)
    pds = check_scores(scores, data.n)
    unknown = [name for name in metrics if name not in BOOTSTRAPPED]
    if unknown:
        raise ValueError(f"unknown metric {', '.join(unknown)}; bootstrapped are {', '.join(BOOTSTRAPPED)}")
    if resamples < 2:
        raise ValueError(f"at least two resamples are needed, got {resamples}")
    book = _Book(data, pds)
    estimates = book.measure(np.ones((book.loans, 1), dtype=np.uint8), np.ones((2, 1)))
    values = _resample(book, resamples, fixed_events, seed, progress)
    keep = [BOOTSTRAPPED.index(name) for name in metrics]
    return Replicates(
        tuple(pds), tuple(metrics), estimates[0][:, keep], values[:, :, keep], data.n, data.events, data.loans
    )


def _resample(book: "_Book", resamples: int, fixed_events: bool, seed: int, progress: Progress | None) -> Floats:
    starts = range(0, resamples, _LANES)
    seeds = np.random.SeedSequence(seed).spawn(len(starts))
    values = np.empty((resamples, len(book.orders), len(BOOTSTRAPPED)))
    workers = min(os.cpu_count() or 1, 4, len(starts))
    with ThreadPoolExecutor(workers) as pool:
        tasks = {
            pool.submit(book.draw, min(_LANES, resamples - start), fixed_events, child): start
            for start, child in zip(starts, seeds, strict=True)
        }
        for done, task in enumerate(as_completed(tasks), start=1):
            found = task.result()
            values[tasks[task] : tasks[task] + len(found)] = found
            if progress:
                progress(done / len(tasks), f"Resample {min(done * _LANES, resamples)} of {resamples}")
    return values


class _Book:
    """Rows sorted once by each model's PD; loans numbered with those that have an event first."""

    def __init__(self, data: Labelled, pds: dict[str, Floats]) -> None:
        codes = np.arange(data.n) if data.codes is None else data.codes
        has_event = np.bincount(codes, weights=data.y, minlength=data.loans) > 0
        number = np.empty(data.loans, dtype=np.int32)
        number[np.argsort(~has_event, kind="stable")] = np.arange(data.loans, dtype=np.int32)
        self.loans, self.with_event = data.loans, int(has_event.sum())
        loan_of = number[codes]
        self.orders = [_sort(data, pd_, loan_of) for pd_ in pds.values()]
        columns = [np.ones(data.n), data.y.astype(float)]
        for pd_ in pds.values():
            clipped = clip_pd(pd_)
            columns += [(data.y - pd_) ** 2, -np.log(np.where(data.y, clipped, 1 - clipped)), pd_]
        sums = [np.bincount(loan_of, weights=column, minlength=self.loans) for column in columns]
        self.sums = np.ascontiguousarray(np.column_stack(sums))

    def draw(self, lanes: int, fixed_events: bool, seed: np.random.SeedSequence) -> Floats:
        """Return the metrics of `lanes` resamples: lane × model × metric."""
        from analytics import kernels  # numba compiles on first use

        random = np.random.default_rng(seed)
        counts = np.zeros((self.loans, lanes), dtype=np.uint8)
        sizes = (self.with_event, self.loans - self.with_event)
        for start, size in zip((0, self.with_event), sizes, strict=True):
            if size:
                kernels.count_draws(random.integers(0, size, (lanes, size), dtype=np.uint32), start, counts)
        factors = np.ones((2, lanes))
        if not fixed_events and all(sizes):
            drawn = random.binomial(self.loans, sizes[0] / self.loans, lanes).clip(1, self.loans - 1)
            factors = np.stack([drawn / sizes[0], (self.loans - drawn) / sizes[1]])
        return self.measure(counts, factors)

    def measure(self, counts: NDArray[np.uint8], factors: Floats) -> Floats:
        """Return lane × model × metric, each loan weighing counts · its stratum's factor."""
        from analytics import kernels

        totals = kernels.sum_averages(counts, factors, self.with_event, self.sums)
        weight, events = totals[0], totals[1]
        found = np.empty((counts.shape[1], len(self.orders), len(BOOTSTRAPPED)))
        for place, (codes, event, ends) in enumerate(self.orders):
            auc, ks, lift = kernels.rank(counts, factors, self.with_event, codes, event, ends, weight, events, TOP)
            brier, log_loss, expected = totals[2 + 3 * place : 5 + 3 * place]
            with np.errstate(divide="ignore"):
                ratio = events / expected
            averages = (brier / weight, log_loss / weight, expected / weight, ratio, events / weight)
            found[:, place] = np.column_stack([2 * auc - 1, auc, ks, lift, *averages])
        return found


def _sort(
    data: Labelled, pd_: Floats, codes: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return loans and outcomes in ascending order of PD, and which rows end a group.

    Neighbouring groups of equal PDs without any event count as one: within them nothing changes AUC, KS's
    extremes (which lie next to events) or lift.
    """
    order = np.argsort(pd_, kind="stable")
    ranked, event = pd_[order], data.y[order]
    ends = np.r_[ranked[1:] != ranked[:-1], True]
    group = np.r_[0, np.cumsum(ends)[:-1]]
    has_event = np.bincount(group, weights=event) > 0
    quiet = ~has_event & ~np.r_[has_event[1:], True]
    return codes[order], event, ends & ~quiet[group]


def compute_bootstrap_intervals(
    found: Replicates, *, level: float = 0.95, method: Method = "percentile"
) -> pd.DataFrame:
    """Return one row per model and metric: estimate, standard_error, low, high, n, events (as `compute_metrics`).

    standard_error is the replicates' standard deviation. "percentile" takes their quantiles (1 ∓ level)/2, "basic"
    mirrors these at the estimate (2·estimate − quantile), which takes a bias away instead of doubling it.
    """
    values = found.values.reshape(len(found.values), -1)
    low, high = _interval(values, found.estimates.ravel(), level, method)
    index = pd.MultiIndex.from_product([found.models, found.metrics], names=["model", "metric"])
    columns = {
        "estimate": found.estimates.ravel(),
        "standard_error": _deviation(values),
        "low": low,
        "high": high,
        "n": found.n,
        "events": found.events,
    }
    return pd.DataFrame(columns, index).reset_index()


def compute_bootstrap_differences(
    found: Replicates, champion: str, *, level: float = 0.95, method: Method = "percentile"
) -> pd.DataFrame:
    """Return challenger − champion per other model and metric, over the common resamples.

    Columns: champion, challenger, metric, difference, standard_error, low, high, p_value, n, events, verdict.
    p_value = 2·min(#{Δ* ≤ 0} + 1, #{Δ* ≥ 0} + 1)/(resamples + 1), at most 1 (Davison and Hinkley 1997, section
    4.2.3): never below 2/(resamples + 1). Verdict as `compute_paired_differences`. Raises ValueError when `champion`
    is not among the models.
    """
    if champion not in found.models:
        raise ValueError(f"the champion {champion!r} is not among the scored models {', '.join(found.models)}")
    reference = found.models.index(champion)
    parts = []
    for place, model in enumerate(found.models):
        if place == reference:
            continue
        with np.errstate(invalid="ignore"):  # two infinite ratios have no difference
            values = found.values[:, place] - found.values[:, reference]
            difference = found.estimates[place] - found.estimates[reference]
        low, high = _interval(values, difference, level, method)
        tails = np.minimum((values <= 0).sum(axis=0), (values >= 0).sum(axis=0))
        p_value = np.minimum(1.0, 2 * (tails + 1) / (len(values) + 1))
        columns = {
            "champion": champion,
            "challenger": model,
            "metric": found.metrics,
            "difference": difference,
            "standard_error": _deviation(values),
            "low": low,
            "high": high,
            "p_value": np.where(np.isnan(values).any(axis=0), np.nan, p_value),
            "n": found.n,
            "events": found.events,
            "verdict": [_verdict(*row) for row in zip(found.metrics, low, high, strict=True)],
        }
        parts.append(pd.DataFrame(columns))
    if not parts:
        raise ValueError(f"nothing to compare {champion!r} with: at least two models are needed")
    return pd.concat(parts, ignore_index=True)


def _deviation(values: Floats) -> Floats:
    """Standard deviation over resamples; NaN, without a word, where a ratio is infinite."""
    with np.errstate(invalid="ignore"):
        return np.asarray(values.std(axis=0, ddof=1))


def _interval(values: Floats, estimate: Floats, level: float, method: Method) -> tuple[Floats, Floats]:
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, got {level}")
    with np.errstate(invalid="ignore"):
        low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return (2 * estimate - high, 2 * estimate - low) if method == "basic" else (low, high)


def _verdict(metric: str, low: float, high: float) -> str:
    if metric not in _HIGHER_IS_BETTER:
        return ""
    if low <= 0 <= high:
        return "no clear difference"
    return "better" if (low > 0) == _HIGHER_IS_BETTER[metric] else "worse"
