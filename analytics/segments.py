"""In which segments is the challenger better, no worse or worse, and do the PDs fit there? Many tests, adjusted.

Differences are paired and clustered by loan (`analytics.performance`), read against Student's t with one degree of
freedom less than the fewer of loans with and without an event, since a variance from few events is itself uncertain.
All rows of one result and metric are one family. Claims go by Holm's p-values: any false one has at most
probability 1 − level. For screening there are Benjamini-Hochberg's. The simultaneous interval is Bonferroni's
(level 1 − (1 − level)/m, m tests): all m hold at once with probability `level`. It is the wider one, so Holm
may claim a difference whose simultaneous interval just touches 0.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

from analytics.flags import to_series
from analytics.labelled import Scores, check_labelled, check_scores
from analytics.multiplicity import adjust_p_values
from analytics.observed_expected import compute_observed_expected
from analytics.odds import Floats
from analytics.performance import METRICS, compute_paired_differences
from analytics.proportions import SMALL_EVENTS, SMALL_N, compute_jeffreys_interval, flag_small
from analytics.words import MISSING

Segments = Mapping[str, ArrayLike] | pd.DataFrame
_TOO_SMALL = f"fewer than {SMALL_N} rows or {SMALL_EVENTS} events: too few for a claim"


def compute_segment_differences(
    y: ArrayLike,
    scores: Scores,
    champion: str,
    segments: Segments,
    *,
    cluster: ArrayLike | None = None,
    metrics: Sequence[str] = ("gini", "brier"),
    margins: Mapping[str, float] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return challenger − champion per field, segment, challenger and metric.

    `segments` holds each field's labels (one a row; missing ones are the segment "not known"), `margins` how much
    worse a challenger may be by metric and still count as no worse (0.02 = two Gini points). Columns: field, segment,
    champion, challenger, metric, n, loans, events, small, difference, standard_error, low, high (this segment alone),
    low_simultaneous, high_simultaneous, p_value, p_holm, p_bh (two-sided, difference 0), p_no_worse (one-sided, worse
    by the margin or more; Holm), verdict, reason. Verdicts: "better" or "worse" (p_holm below 1 − level), "no worse"
    (p_no_worse below (1 − level)/2, also where a worsening within the margin is clear), else "not clear". Small
    segments (n < 30 or fewer than 5 rows with or without the event) keep their numbers but enter no family: blank
    p-values and verdict, and the reason. Raises ValueError as `compute_paired_differences`, for a negative margin and
    for metrics where neither direction is better.
    """
    data = check_labelled(y, cluster)
    pds = check_scores(scores, data.n)
    if champion not in pds or len(pds) < 2:
        raise ValueError(f"the champion {champion!r} and another model are needed, got {', '.join(pds)}")
    margins = dict(margins or {})
    _check_choices(metrics, margins)
    loans = np.arange(data.n) if data.codes is None else data.codes
    parts = []
    for field, labels in segments.items():
        for segment, rows in split_rows(labels, data.n):
            within = {model: values[rows] for model, values in pds.items()}
            part = _compare(data.y[rows], within, champion, loans[rows], metrics, level)
            parts.append(part.assign(field=str(field), segment=segment))
    if not parts:
        raise ValueError("no segments: at least one field with labels is needed")
    frame = pd.concat(parts, ignore_index=True)
    return pd.concat([_adjust(part, margins, level) for _, part in frame.groupby("metric", sort=False)]).sort_index()


def _check_choices(metrics: Sequence[str], margins: Mapping[str, float]) -> None:
    wrong = [name for name in metrics if name not in METRICS or METRICS[name].better not in ("higher", "lower")]
    if wrong:
        raise ValueError(f"a segment's verdict needs metrics where higher or lower is better, got {', '.join(wrong)}")
    if any(not margin >= 0 for margin in margins.values()):
        raise ValueError(f"margins are 0 or more, got {margins}")


def split_rows(labels: ArrayLike, n: int) -> list[tuple[str, NDArray[np.intp]]]:
    """Return each label's text and rows, in the labels' own order, missing ones last as "not known".

    >>> [(label, rows.tolist()) for label, rows in split_rows(["b", None, "a", "b"], 4)]
    [('a', [2]), ('b', [0, 3]), ('not known', [1])]
    """
    series = to_series(labels)
    if len(series) != n:
        raise ValueError(f"a segment label per outcome is needed: {n} outcomes, {len(series)} labels")
    codes, names = pd.factorize(series, sort=True)
    codes = np.where(codes < 0, len(names), codes)
    order = np.argsort(codes, kind="stable")
    found = np.split(order, np.searchsorted(codes[order], np.arange(1, len(names) + 1)))
    texts = [*(str(name) for name in names), MISSING]
    return [(text, rows) for text, rows in zip(texts, found, strict=True) if rows.size]


def _compare(
    y: NDArray[np.bool_],
    pds: dict[str, Floats],
    champion: str,
    loans: NDArray[np.intp],
    metrics: Sequence[str],
    level: float,
) -> pd.DataFrame:
    """Return one segment's differences with the interval of this segment alone."""
    with_event, with_rest = np.unique(loans[y]).size, np.unique(loans[~y]).size
    reason = "" if with_event and with_rest else "only events" if with_event else "no events"
    if reason:
        pairs = [(champion, model, metric) for model in pds if model != champion for metric in metrics]
        frame = pd.DataFrame(pairs, columns=["champion", "challenger", "metric"])
        frame = frame.assign(difference=np.nan, standard_error=np.nan)
    else:
        found = compute_paired_differences(y, pds, champion, cluster=loans, level=level, metrics=metrics)
        frame = found[["champion", "challenger", "metric", "difference", "standard_error"]]
        reason = "" if min(with_event, with_rest) > 1 else "one loan with or without the event: no variance"
    events = int(y.sum())
    small = bool(flag_small(min(events, y.size - events), y.size))
    df = min(with_event, with_rest) - 1
    half = stdtrit(df, (1 + level) / 2) * frame["standard_error"] if df > 0 else np.nan
    return frame.assign(
        n=y.size,
        loans=np.unique(loans).size,
        events=events,
        small=small,
        low=frame["difference"] - half,
        high=frame["difference"] + half,
        reason=reason or (_TOO_SMALL if small else ""),
        _df=df,
    )


def _adjust(frame: pd.DataFrame, margins: Mapping[str, float], level: float) -> pd.DataFrame:
    """Add the family's p-values, intervals and verdicts to all rows of one metric."""
    metric = str(frame["metric"].iloc[0])
    sign = 1.0 if METRICS[metric].better == "higher" else -1.0
    difference, error, df = (frame[name].to_numpy(dtype=float) for name in ("difference", "standard_error", "_df"))
    tested = (frame["reason"] == "").to_numpy() & np.isfinite(difference) & np.isfinite(error)
    p_value = np.where(tested, 2 * stdtr(np.maximum(df, 1), -np.abs(_ratio(difference, error))), np.nan)
    margin = margins.get(metric, np.nan)
    shifted = _ratio(-sign * difference - margin, error)
    p_worse = np.where(tested & np.isfinite(margin), stdtr(np.maximum(df, 1), shifted), np.nan)
    p_holm, p_no_worse = adjust_p_values(p_value, "holm"), adjust_p_values(p_worse, "holm")
    half = stdtrit(np.maximum(df, 1), 1 - (1 - level) / 2 / max(1, tested.sum())) * error
    half = np.where(tested, half, np.nan)
    clear, bounded = p_holm < 1 - level, p_no_worse < (1 - level) / 2
    verdicts = [clear & (sign * difference > 0), bounded, clear, tested]
    columns = {
        "low_simultaneous": difference - half,
        "high_simultaneous": difference + half,
        "p_value": p_value,
        "p_holm": p_holm,
        "p_bh": adjust_p_values(p_value),
        "p_no_worse": p_no_worse,
        "verdict": np.select(verdicts, ["better", "no worse", "worse", "not clear"], ""),
    }
    order = ["field", "segment", "champion", "challenger", "metric", "n", "loans", "events", "small"]
    order += ["difference", "standard_error", "low", "high", *columns, "reason"]
    return frame.assign(**columns)[order]


def _ratio(value: Floats, error: Floats) -> Floats:
    """Value over its standard error; 0 where both are 0 (identical models), infinite where only the error is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where((value == 0) & (error == 0), 0.0, value / error))


def compute_segment_calibration(
    y: ArrayLike,
    scores: Scores,
    segments: Segments,
    *,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return observed against expected events per field, segment and model.

    Columns: field, segment, model, n, loans, events, expected, rate, mean_pd, o_e_ratio, low, high (this segment
    alone), low_simultaneous, high_simultaneous, p_value, p_holm, p_bh, small, reason. A segment without events has its
    ratio (0) and upper end. Segments with n < 30, or fewer than 5 events both observed and expected, keep their numbers
    but enter no family. Intervals and p-values as `compute_observed_expected`.
    """
    data = check_labelled(y, cluster)
    pds = check_scores(scores, data.n)
    loans = None if data.codes is None else data.codes
    parts = []
    for field, labels in segments.items():
        split = split_rows(labels, data.n)
        group = np.empty(data.n, dtype=np.intp)
        for place, (_, rows) in enumerate(split):
            group[rows] = place
        for model, pd_ in pds.items():
            found = compute_observed_expected(data.y, pd_, group, cluster=loans, level=level)
            parts.append(found.assign(field=str(field), segment=[text for text, _ in split], model=model))
    if not parts:
        raise ValueError("no segments: at least one field with labels is needed")
    frame = pd.concat(parts, ignore_index=True)
    tested = ((frame["n"] >= SMALL_N) & (frame[["events", "expected"]].max(axis=1) >= SMALL_EVENTS)).to_numpy()
    tested = tested & np.isfinite(frame["o_e_ratio"].to_numpy())
    wide = 1 - (1 - level) / max(1, tested.sum())
    size, mean_pd = (frame[name].where(tested).to_numpy() for name in ("effective_n", "mean_pd"))
    low, high = compute_jeffreys_interval(frame["rate"] * np.nan_to_num(size), np.nan_to_num(size), level=wide)
    p_value = np.where(tested, frame["p_value"], np.nan)
    columns = {
        "low_simultaneous": low / mean_pd,
        "high_simultaneous": high / mean_pd,
        "p_value": p_value,
        "p_holm": adjust_p_values(p_value, "holm"),
        "p_bh": adjust_p_values(p_value),
        "reason": np.where(frame["mean_pd"] == 0, "a mean PD of 0 has no ratio", np.where(tested, "", _TOO_SMALL)),
    }
    order = ["field", "segment", "model", "n", "loans", "events", "expected", "rate", "mean_pd", "o_e_ratio"]
    order += ["low", "high", "low_simultaneous", "high_simultaneous", "p_value", "p_holm", "p_bh", "small", "reason"]
    return frame.assign(**columns)[order]
