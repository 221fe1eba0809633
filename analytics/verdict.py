"""Is a challenger better than the champion? The criteria of a bank's policy, each passed, failed, not clear or not run.

Superiority and non-inferiority on the primary metric are read off one paired interval: the first implies the second,
so neither needs an adjustment (EMA 2000, "Points to consider on switching between superiority and non-inferiority",
CPMP/EWP/482/99). Superiority fails where any gain is smaller than the margin, non-inferiority where the loss is larger
than the margin; an interval that allows both is not clear. Observed / expected and the calibration slope fail where
their interval lies wholly outside the policy's band, and are not clear where it holds the whole band or the estimate
itself lies outside: a wide interval is no proof. Segments fail where one is clearly worse after adjustment for their
number (`analytics.segments`), the seeds where training again moves the Gini too much.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from analytics.performance import METRICS
from analytics.proportions import SMALL_EVENTS, SMALL_N, flag_small
from analytics.words import format_interval, format_number

Decision = Literal["better", "no worse", "mixed", "worse", "not clear"]
Outcome = Literal["passed", "failed", "not clear", "not run"]

# The order in which criteria are shown.
SUPERIOR, NO_WORSE, LEVEL, SLOPE, SEGMENTS, STABILITY = (
    "superior",
    "no worse",
    "level",
    "slope",
    "segments",
    "stability",
)
CRITERIA = (SUPERIOR, NO_WORSE, LEVEL, SLOPE, SEGMENTS, STABILITY)
_FEW = f"fewer than {SMALL_EVENTS} rows with or without the event, or fewer than {SMALL_N} rows: too few for a claim"


@dataclass(frozen=True)
class Rules:
    """What a challenger must show: the [comparison] section of a policy."""

    primary_metric: str = "gini"
    margin: float = 0.01
    calibration_low: float = 0.8
    calibration_high: float = 1.25
    stability_limit: float = 0.01


@dataclass(frozen=True)
class Criterion:
    """One criterion: `value` with its interval (NaN where it has none), the `limit` in words, and both in `words`.

    `passed` is None where it was not run (no value) or is not clear; `reason` then says why.
    """

    name: str
    passed: bool | None
    value: float
    low: float
    high: float
    limit: str
    words: str
    reason: str = ""

    @property
    def outcome(self) -> Outcome:
        """Passed, failed, not clear, or not run."""
        if self.passed is None:
            return "not clear" if np.isfinite(self.value) else "not run"
        return "passed" if self.passed else "failed"


@dataclass(frozen=True)
class SegmentCounts:
    """How many segments were judged, with which verdict, and in which fields and segments the challenger is worse."""

    better: int = 0
    no_worse: int = 0
    worse: int = 0
    not_clear: int = 0
    small: int = 0
    worse_in: tuple[tuple[str, str], ...] = ()
    better_in: tuple[tuple[str, str], ...] = ()

    @property
    def judged(self) -> int:
        """Segments large enough to be judged."""
        return self.better + self.no_worse + self.worse + self.not_clear


@dataclass(frozen=True)
class Verdict:
    """The decision, the criteria in the order of `CRITERIA`, and the parts of a sentence: p-value and segments."""

    decision: Decision
    criteria: tuple[Criterion, ...]
    p_value: float = np.nan
    segments: SegmentCounts = field(default_factory=SegmentCounts)

    def criterion(self, name: str) -> Criterion:
        """Return the criterion called `name`."""
        return next(item for item in self.criteria if item.name == name)

    def with_outcome(self, outcome: Outcome) -> tuple[str, ...]:
        """Return the names of the criteria with an outcome."""
        return tuple(item.name for item in self.criteria if item.outcome == outcome)


def judge_challenger(
    differences: pd.DataFrame,
    metrics: pd.DataFrame,
    rules: Rules,
    *,
    segments: pd.DataFrame | None = None,
    stability: float = np.nan,
    stability_reason: str = "",
) -> Verdict:
    """Return the verdict on one challenger.

    `differences` are its rows of `compute_paired_differences`, `metrics` its rows of `compute_metrics` (o_e_ratio and
    calibration_slope), `segments` its rows of `compute_segment_differences`, `stability` the standard deviation of
    its Gini over training seeds (NaN: not run, for `stability_reason`). Decisions: "better" (superior, nothing
    failed), "no worse" (non-inferior, nothing failed), "mixed" (superior or non-inferior, but another criterion
    failed), "worse" (clearly worse and not shown to be within the margin), "not clear". Criteria not run or not clear
    do not decide. Raises ValueError unless the metric judges a direction and its row is there exactly once.
    """
    row = _row(differences, rules.primary_metric, "differences")
    better = METRICS[rules.primary_metric].better
    if better not in ("higher", "lower"):
        raise ValueError(f"the primary metric needs a better direction, {rules.primary_metric!r} has none")
    sign = 1.0 if better == "higher" else -1.0
    counts = count_segments(segments, rules.primary_metric)
    criteria = (
        *_judge_difference(row, sign, rules),
        _judge_band(LEVEL, _row(metrics, "o_e_ratio", "metrics"), rules),
        _judge_band(SLOPE, _row(metrics, "calibration_slope", "metrics"), rules),
        _judge_segments(counts, segments is not None),
        _judge_stability(stability, stability_reason, rules.stability_limit),
    )
    return Verdict(_decide(criteria, row, sign), criteria, float(row["p_value"]), counts)


def _row(frame: pd.DataFrame, metric: str, name: str) -> pd.Series:
    found = frame[frame["metric"] == metric]
    if len(found) != 1:
        raise ValueError(f"{name} need one row for the metric {metric!r} of one challenger, got {len(found)}")
    return found.iloc[0]


def _judge_difference(row: pd.Series, sign: float, rules: Rules) -> tuple[Criterion, ...]:
    """Return superiority and non-inferiority: the interval's bad end against 0 and against the margin."""
    metric = METRICS[rules.primary_metric]
    value, low, high = (float(row[name]) for name in ("difference", "low", "high"))
    digits = metric_digits(rules.primary_metric)
    words = f"{metric.label} {format_change(value, digits)} {format_interval(low, high, digits=digits)}"
    worst, best = (low, high) if sign > 0 else (-high, -low)
    reason = _too_few(row) or ("" if np.isfinite(worst) else "no interval: the difference has no variance")
    margin = format_change(-sign * rules.margin, digits)
    side = "above" if sign > 0 else "below"
    # Two identical models are no worse than each other, whatever the margin.
    passed = None if reason else _beyond(worst > 0, best < rules.margin or best == 0)
    no_worse = None if reason else _beyond(worst > -rules.margin or worst == 0, best < -rules.margin)
    wide = "the interval allows both: more events are needed"
    return tuple(
        Criterion(name, found, value, low, high, f"interval {side} {limit}", words, reason or wide * (found is None))
        for name, found, limit in ((SUPERIOR, passed, "0"), (NO_WORSE, no_worse, margin))
    )


def _beyond(passed: bool, failed: bool) -> bool | None:
    return True if passed else False if failed else None


def _too_few(row: pd.Series) -> str:
    n, events = int(row["n"]), int(row["events"])
    return _FEW if bool(flag_small(min(events, n - events), n)) else ""


def _judge_band(name: str, row: pd.Series, rules: Rules) -> Criterion:
    """Return whether a ratio that is ideally 1 meets the policy's band."""
    value, low, high = (float(row[column]) for column in ("estimate", "low", "high"))
    bottom, top = rules.calibration_low, rules.calibration_high
    limit = f"{format_number(bottom, 2)} to {format_number(top, 2)}"
    words = f"{METRICS[row['metric']].label.lower()} {format_number(value, 2)} {format_interval(low, high, digits=2)}"
    if not np.isfinite([value, low, high]).all():
        reason = "cannot be had: PDs all equal, all 0, or outcomes separated completely"
        return Criterion(name, None, np.nan, np.nan, np.nan, limit, METRICS[row["metric"]].label.lower(), reason)
    if reason := _too_few(row):
        return Criterion(name, None, value, low, high, limit, words, reason)
    if high < bottom or low > top:
        return Criterion(name, False, value, low, high, limit, words)
    unclear = not bottom <= value <= top or (low < bottom and high > top)
    reason = "the interval lies inside and outside the band: more events are needed" if unclear else ""
    return Criterion(name, None if unclear else True, value, low, high, limit, words, reason)


def count_segments(segments: pd.DataFrame | None, metric: str) -> SegmentCounts:
    """Return how many of one challenger's rows of `compute_segment_differences` have which verdict on `metric`."""
    if segments is None:
        return SegmentCounts()
    rows = segments[segments["metric"] == metric]
    verdict = list(rows["verdict"])
    where = list(zip(rows["field"], rows["segment"], strict=True))
    better, worse = (
        tuple(place for place, found in zip(where, verdict, strict=True) if found == name)
        for name in ("better", "worse")
    )
    counts = {name: verdict.count(name) for name in ("no worse", "not clear", "")}
    return SegmentCounts(
        len(better), counts["no worse"], len(worse), counts["not clear"], counts[""], worse_in=worse, better_in=better
    )


def _judge_segments(counts: SegmentCounts, given: bool) -> Criterion:
    limit = "none clearly worse"
    if not counts.judged:
        reason = "no segment is large enough to be judged" if given else "no field is a segment"
        return Criterion(SEGMENTS, None, np.nan, np.nan, np.nan, limit, "segments", reason)
    words = f"clearly worse in {counts.worse} of {counts.judged} segments"
    return Criterion(SEGMENTS, counts.worse == 0, float(counts.worse), np.nan, np.nan, limit, words)


def _judge_stability(deviation: float, reason: str, highest: float) -> Criterion:
    limit = f"at most {format_number(highest, 3)}"
    if not np.isfinite(deviation):
        words = "standard deviation of the Gini over seeds"
        return Criterion(STABILITY, None, np.nan, np.nan, np.nan, limit, words, reason or "not run")
    words = f"standard deviation of the Gini over seeds {format_number(deviation, 4)}"
    return Criterion(STABILITY, bool(deviation <= highest), deviation, np.nan, np.nan, limit, words)


def _decide(criteria: tuple[Criterion, ...], row: pd.Series, sign: float) -> Decision:
    superior, no_worse, *others = criteria
    if no_worse.passed:
        if any(item.passed is False for item in others):
            return "mixed"
        return "better" if superior.passed else "no worse"
    best = float(row["high"]) if sign > 0 else -float(row["low"])
    return "worse" if best < 0 and not _too_few(row) else "not clear"


def metric_digits(metric: str) -> int:
    """Return how many decimals a metric's difference is shown with: four for losses, three for ranks."""
    return 4 if metric in ("brier", "log_loss") else 3


def format_change(value: float, digits: int) -> str:
    """Return a change with its sign.

    >>> format_change(0.0461, 3), format_change(-0.0461, 3), format_change(0.0001, 3), format_change(0.0, 3)
    ('+0.046', '−0.046', '0.000', '0.000')
    """
    text = format_number(value, digits)
    return f"+{text}" if value > 0 and any(digit in text for digit in "123456789") else text
