"""Curves of a ranking: precision and recall, CAP, KS, gains by decile, and the Gini within a range of PDs.

A row is flagged when its PD is at least the threshold; equal PDs are flagged together. Curves go from strict to lenient
and are thinned to `max_points` for drawing; every number is computed from all points.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analytics.curves import compute_calibration_bins, thin
from analytics.delong import compute_delong
from analytics.labelled import Labelled, Scores, check_labelled, check_scores
from analytics.odds import Floats
from analytics.ranking import Ranking


def compute_precision_recall(y: ArrayLike, scores: Scores, *, max_points: int = 400) -> pd.DataFrame:
    """Return the precision-recall curve of each model: model, threshold, recall, precision.

    recall = share of events flagged, precision = share of flagged rows with the event. Between two points the curve
    is a step, not a line: a line promises precision that no threshold has (Davis and Goadrich 2006). Beyond
    `max_points`, the strictest thresholds that reach evenly spaced recalls are kept.
    """
    data = check_labelled(y)
    parts = []
    for model, pds in check_scores(scores, data.n).items():
        fpr, tpr, threshold = (values[1:] for values in Ranking(data, pds).curve())
        precision = _precision(data, fpr, tpr)
        keep = thin(tpr, max_points)
        columns = {"threshold": threshold[keep], "recall": tpr[keep], "precision": precision[keep]}
        parts.append(pd.DataFrame(columns).assign(model=model))
    return pd.concat(parts, ignore_index=True)[["model", "threshold", "recall", "precision"]]


def _precision(data: Labelled, fpr: Floats, tpr: Floats) -> Floats:
    caught = tpr * data.events
    return np.asarray(caught / (caught + fpr * (data.n - data.events)), dtype=float)


def compute_cap(y: ArrayLike, scores: Scores, *, max_points: int = 400) -> pd.DataFrame:
    """Return the cumulative accuracy profile of each model: model, threshold, share, captured, perfect.

    `share` of all rows, highest PDs first, holds `captured` of all events; `perfect` = min(share / rate, 1) is what a
    ranking without error would. Straight lines join the points, and the area between curve and diagonal over that of
    `perfect` is the accuracy ratio, equal to the Gini (Engelmann, Hayden and Tasche 2003).
    """
    data = check_labelled(y)
    rate = data.events / data.n
    parts = []
    for model, pds in check_scores(scores, data.n).items():
        fpr, tpr, threshold = Ranking(data, pds).curve()
        share = rate * tpr + (1 - rate) * fpr
        keep = thin(share + tpr, max_points)
        columns = {"threshold": threshold[keep], "share": share[keep], "captured": tpr[keep]}
        parts.append(pd.DataFrame(columns).assign(model=model, perfect=np.minimum(share[keep] / rate, 1.0)))
    return pd.concat(parts, ignore_index=True)[["model", "threshold", "share", "captured", "perfect"]]


def compute_ks_curve(y: ArrayLike, scores: Scores, *, max_points: int = 400) -> pd.DataFrame:
    """Return both groups' distribution functions of the PD: model, pd, below_events, below_rest, distance, at_maximum.

    `below_events` and `below_rest` are the shares of events and non-events with a PD of at most `pd`; distance is
    below_rest − below_events. `at_maximum` marks the one point where its size is largest: the KS statistic
    (the lowest PD of several).
    """
    data = check_labelled(y)
    parts = []
    for model, pds in check_scores(scores, data.n).items():
        pd_, events, rest = _distributions(data, pds)
        best = int(np.argmax(np.abs(rest - events)))
        keep = np.unique(np.r_[thin(rest + events, max_points - 1), best])
        columns = {"pd": pd_[keep], "below_events": events[keep], "below_rest": rest[keep]}
        parts.append(pd.DataFrame(columns).assign(model=model, at_maximum=keep == best))
    table = pd.concat(parts, ignore_index=True)
    table = table.assign(distance=table["below_rest"] - table["below_events"])
    return table[["model", "pd", "below_events", "below_rest", "distance", "at_maximum"]]


def _distributions(data: Labelled, pds: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the distinct PDs, rising, and the shares of events and of non-events at or below each."""
    fpr, tpr, threshold = (values[::-1] for values in Ranking(data, pds).curve())
    # Flagged are the PDs from the threshold up: at or below a PD is what the next threshold flags no more.
    return threshold[:-1], 1 - tpr[1:], 1 - fpr[1:]


def compute_ranking_summary(y: ArrayLike, scores: Scores) -> pd.DataFrame:
    """Return the numbers of the curves, one row a model.

    Columns: model, accuracy_ratio (Gini), average_precision, rate (what a blind ranking's average precision is), ks,
    ks_pd (the PD at its maximum), n, events. average_precision = Σ (recall_k − recall_{k−1}) · precision_k, steps,
    not trapezoids.

    >>> found = compute_ranking_summary([0, 0, 1, 1], {"m": [0.1, 0.4, 0.35, 0.8]})
    >>> found[["accuracy_ratio", "average_precision", "ks", "ks_pd"]].round(4).values.tolist()
    [[0.5, 0.8333, 0.5, 0.1]]
    """
    data = check_labelled(y)
    rows = []
    for model, pds in check_scores(scores, data.n).items():
        ranking = Ranking(data, pds)
        fpr, tpr, _ = ranking.curve()
        average = float(np.diff(tpr) @ _precision(data, fpr[1:], tpr[1:]))
        pd_, below_events, below_rest = _distributions(data, pds)
        distance = np.abs(below_rest - below_events)
        best = int(np.argmax(distance))
        gini = 2 * ranking.estimate_auc()[0] - 1
        ks, at = float(distance[best]), float(pd_[best])
        rows.append((model, gini, average, data.events / data.n, ks, at, data.n, data.events))
    columns = ["model", "accuracy_ratio", "average_precision", "rate", "ks", "ks_pd", "n", "events"]
    return pd.DataFrame(rows, columns=columns)


def compute_gains(
    y: ArrayLike, scores: Scores, *, bins: int = 10, cluster: ArrayLike | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Return gains and lift by group of PD, group 1 the riskiest.

    Columns: model, group, pd_mean, n, events, rate, low, high, lift, share, captured, cumulative_rate,
    cumulative_lift, small. Groups hold equally many rows; equal PDs stay together, so there may be fewer and
    unequal ones. rate has a Jeffreys interval (on the effective number of rows where loans repeat, see
    `curves.compute_calibration_bins`); lift is the group's rate over that of all; share, captured (of all events),
    cumulative_rate and cumulative_lift = captured / share are of this group and the riskier ones.
    """
    bins_ = compute_calibration_bins(y, scores, bins=bins, cluster=cluster, level=level)
    parts = []
    for _, part in bins_.groupby("model", sort=False):
        worst = part.iloc[::-1].reset_index(drop=True)
        n, events = worst["n"].sum(), worst["events"].sum()
        share, captured = worst["n"].cumsum() / n, worst["events"].cumsum() / events
        lift = captured / share
        parts.append(
            worst.assign(
                group=np.arange(1, len(worst) + 1), pd_mean=worst["mean_pd"], lift=worst["rate"] / (events / n),
                share=share, captured=captured, cumulative_rate=lift * events / n, cumulative_lift=lift,
            )
        )  # fmt: skip
    columns = [
        "model", "group", "pd_mean", "n", "events", "rate", "low", "high", "lift", "share", "captured",
        "cumulative_rate", "cumulative_lift", "small",
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)[columns]


def compute_partial_gini(
    y: ArrayLike,
    scores: Scores,
    *,
    low: float = 0.0,
    high: float = 1.0,
    by: str | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return the Gini among the rows whose PD lies in [low, high]: where the cut-off is, not over the whole book.

    Columns: model, gini, standard_error, low, high, n, events, reason. The name stands for several formulas in the
    literature (Lessmann, Baesens, Seow and Thomas 2015, European Journal of Operational Research 247, after Pundir
    and Seshadri 2012, for PDs up to 0.4); here it is 2·AUC − 1 on the rows in the range. By default each model's
    own PDs choose its rows; the models then rank different loans and are not to be compared. `by` names the
    model whose PDs choose the rows for all: that model is at a disadvantage, as the range limits its own spread
    and not the others'. The interval is DeLong's; without both outcomes in the range all is blank, with a reason.
    """
    if not 0 <= low < high <= 1:
        raise ValueError(f"a range of PDs has 0 <= low < high <= 1, got {low} and {high}")
    data = check_labelled(y, cluster)
    pds = check_scores(scores, data.n)
    if by is not None and by not in pds:
        raise ValueError(f"the model {by!r} that chooses the rows is not among {', '.join(pds)}")
    rows = []
    for model, pd_ in pds.items():
        chosen = pds[by] if by else pd_
        inside = (chosen >= low) & (chosen <= high)
        n, events = int(inside.sum()), int(data.y[inside].sum())
        if events in (0, n):
            reason = f"{events} events in {n} rows with a PD in the range: a ranking needs both"
            rows.append((model, np.nan, np.nan, np.nan, np.nan, n, events, reason))
            continue
        loans = None if data.codes is None else data.codes[inside]
        found = compute_delong(data.y[inside], {model: pd_[inside]}, cluster=loans, level=level).aucs.iloc[0]
        ends = (2 * found[end] - 1 for end in ("low", "high"))
        rows.append((model, 2 * found["auc"] - 1, 2 * found["standard_error"], *ends, n, events, found["reason"]))
    columns = ["model", "gini", "standard_error", "low", "high", "n", "events", "reason"]
    return pd.DataFrame(rows, columns=columns)
