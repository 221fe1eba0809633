"""What a contest of experiments says: the front of quality and cost, differences, the course after training."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analytics.performance import evaluate, list_differences, list_metrics
from analytics.proportions import flag_small

DIFFERENCE = ["name", "difference", "low", "high", "p_value", "verdict"]


def mark_front(value: ArrayLike, cost: ArrayLike) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Say for each row whether no other has at least its value at no more cost, and more or for less.

    Equal rows are on the front together. Raises ValueError for gaps or unequal lengths.

    >>> [bool(here) for here in mark_front([0.7, 0.6, 0.65, 0.7], [10, 1, 20, 12])]
    [True, True, False, False]
    """
    values, costs = np.asarray(value, dtype=float), np.asarray(cost, dtype=float)
    if values.shape != costs.shape or values.ndim != 1:
        raise ValueError(f"one value and one cost a row are needed, got {values.shape} and {costs.shape}")
    if not (np.isfinite(values).all() and np.isfinite(costs).all()):
        raise ValueError("values and costs must be numbers without gaps")
    no_worse = (values[None, :] >= values[:, None]) & (costs[None, :] <= costs[:, None])
    better = (values[None, :] > values[:, None]) | (costs[None, :] < costs[:, None])
    return np.asarray(~(no_worse & better).any(axis=1))


def find_cheapest(board: pd.DataFrame, from_best: pd.DataFrame, cost: str) -> str:
    """Return the cheapest experiment whose difference from the best is not clearly worse: the best is one of them.

    `board` has name, gini and `cost`; `from_best` the paired differences (name, verdict) from the one with the highest
    Gini. Of equal cost the higher Gini is taken. ValueError where `board` is empty.
    """
    if board.empty:
        raise ValueError("there is no experiment to choose from")
    worse = set(from_best.loc[from_best["verdict"] == "worse", "name"])
    kept = board[~board["name"].isin(worse)]
    return str(kept.sort_values([cost, "gini"], ascending=[True, False])["name"].iloc[0])


def compute_by_period(
    y: ArrayLike,
    scores: Mapping[str, ArrayLike],
    period: ArrayLike,
    against: str,
    *,
    cluster: ArrayLike,
    metric: str = "gini",
) -> pd.DataFrame:
    """Return a metric of every score by period, and its paired difference from `against` on the period's rows.

    Columns: period, name, estimate, low, high, difference, difference_low, difference_high, verdict, n, events, small
    (n < 30, or fewer than 5 rows with or without the event). 95 % intervals are clustered by loan within the period;
    `against` has a difference of 0 without an interval. Periods with one outcome only are left out.
    """
    outcome, loans, periods = np.asarray(y), np.asarray(cluster), np.asarray(period)
    columns = {name: np.asarray(values, dtype=float) for name, values in scores.items()}
    parts = []
    for value in np.unique(periods):
        here = periods == value
        if len(np.unique(outcome[here])) < 2:
            continue
        own = {name: values[here] for name, values in columns.items()}
        found = evaluate(outcome[here], own, cluster=loans[here], metrics=(metric,))
        table = list_metrics(found).rename(columns={"model": "name"})
        apart = list_differences(found, against).rename(
            columns={"challenger": "name", "low": "difference_low", "high": "difference_high"}
        )
        kept = apart[["name", "difference", "difference_low", "difference_high", "verdict"]]
        parts.append(table.merge(kept, on="name", how="left").assign(period=value))
    names = ["period", "name", "estimate", "low", "high", "difference", "difference_low", "difference_high", "verdict",
             "n", "events"]  # fmt: skip
    if not parts:
        return pd.DataFrame(columns=[*names, "small"])
    frame = pd.concat(parts, ignore_index=True)[names]
    frame["difference"] = frame["difference"].where(frame["name"] != against, 0.0)
    rarer = np.minimum(frame["events"], frame["n"] - frame["events"])
    return frame.assign(small=flag_small(rarer, frame["n"]))
