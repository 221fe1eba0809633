"""Where a model is wrong: groups of loans found on one half of the loans, judged on the other half.

A shallow tree looks for loans whose outcomes or losses differ from what they should be. Judged on the loans that it
grew on, a tree always finds something; so it grows on one half and is judged on the other, which it has not seen
(honest trees: Athey and Imbens 2016, PNAS 113). All rows of a loan are in the same half. p-values are Holm-adjusted
over the leaves: with nothing to find, any finding has at most probability 1 − level.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

from analytics.labelled import Labelled, check_labelled, check_scores
from analytics.multiplicity import adjust_p_values
from analytics.observed_expected import compute_observed_expected
from analytics.odds import Floats, clip_pd
from analytics.proportions import SMALL_EVENTS, SMALL_N, flag_small
from analytics.rules import Leaves, grow_leaves

Loss = Literal["log_loss", "brier"]
_COLUMNS = ["rule", "n", "loans", "events", "observed", "expected", "excess", "low", "high", "p_value", "p_holm"]


def split_loans(cluster: ArrayLike, seed: int = 0) -> NDArray[np.bool_]:
    """Return which rows belong to the growing half: by a hash of the loan and the seed, whatever the rows' order.

    >>> bool((split_loans(["a", "b", "a"]) == split_loans(["b", "a", "b"])[[1, 0, 1]]).all())
    True
    """
    keys = pd.util.hash_array(np.asarray(cluster))
    return np.asarray(pd.util.hash_array(keys ^ np.uint64((seed * 2_654_435_761) % 2**64)) % np.uint64(2) == 0)


def compute_weak_spots(
    features: pd.DataFrame,
    y: ArrayLike,
    pds: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    max_depth: int = 3,
    min_share: float = 0.02,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Return the leaves of a tree on the residuals (outcome − PD), clearest first, judged on the other half.

    `features` has the rows of `y` (0/1) and `pds` (fractions), `cluster` their loans. Columns: rule (in words), n,
    loans, events (all on the judging half), observed (rate), expected (mean PD), excess (observed − expected; above 0
    where the PD is too low), low, high (of the excess, simultaneous over leaves), p_value, p_holm, finding (p_holm
    below 1 − level), small, reason. Jeffreys intervals and p-values as `compute_observed_expected`. Leaves with
    fewer than 5 events both observed and expected are no findings. Raises ValueError for input that cannot be judged.
    """
    data = check_labelled(y, cluster)
    pd_ = check_scores({"model": pds}, data.n)["model"]
    leaves, judge, loans = _grow(features, data.y - pd_, data, cluster, max_depth, min_share, labels, units, seed)
    codes = None if cluster is None else loans[judge]
    wide = 1 - (1 - level) / len(leaves.rules)
    found = compute_observed_expected(data.y[judge], pd_[judge], leaves.leaf[judge], cluster=codes, level=wide)
    found = found.set_index("group").reindex(range(len(leaves.rules)))
    mean = found["mean_pd"]
    tested = (found["n"] >= SMALL_N) & (found[["events", "expected"]].max(axis=1) >= SMALL_EVENTS) & (mean > 0)
    frame = found.assign(
        rule=leaves.rules,
        observed=found["rate"],
        expected=mean,
        excess=found["rate"] - mean,
        low=(found["low"] - 1) * mean,
        high=(found["high"] - 1) * mean,
        p_value=found["p_value"].where(tested),
    )
    return _finish(frame, level)


def compute_loss_spots(
    features: pd.DataFrame,
    y: ArrayLike,
    challenger: ArrayLike,
    champion: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    loss: Loss = "log_loss",
    max_depth: int = 3,
    min_share: float = 0.02,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Return the leaves of a tree on the difference of losses, challenger − champion, judged on the other half.

    Columns as `compute_weak_spots`, where observed is the challenger's mean loss, expected the champion's, and excess
    above 0 says that the challenger is worse there. The mean difference is clustered by loan and read against
    Student's t with one degree of freedom less than the leaf's loans with (or without) an event, whichever are fewer.
    """
    data = check_labelled(y, cluster)
    pds = check_scores({"challenger": challenger, "champion": champion}, data.n)
    first, second = (_lose(data, pd_, loss) for pd_ in pds.values())
    leaves, judge, loans = _grow(features, first - second, data, cluster, max_depth, min_share, labels, units, seed)
    rows = []
    for place, rule in enumerate(leaves.rules):
        chosen = judge & (leaves.leaf == place)
        rows.append((rule, *_compare_losses(data.y[chosen], first[chosen], second[chosen], loans[chosen])))
    columns = ["rule", "n", "loans", "events", "observed", "expected", "excess", "error", "df"]
    frame = pd.DataFrame(rows, columns=columns)
    df, error, excess = (frame[name].to_numpy(dtype=float) for name in ("df", "error", "excess"))
    small = flag_small(np.minimum(frame["events"], frame["n"] - frame["events"]), frame["n"])
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where((excess == 0) & (error == 0), 0.0, excess / error)
    half = stdtrit(np.maximum(df, 1), 1 - (1 - level) / 2 / len(frame)) * error
    p_value = np.where(small | (df < 1), np.nan, 2 * stdtr(np.maximum(df, 1), -np.abs(t)))
    frame = frame.assign(low=excess - half, high=excess + half, p_value=p_value, small=small)
    return _finish(frame, level)


def _lose(data: Labelled, pd_: Floats, loss: Loss) -> Floats:
    if loss == "brier":
        return np.asarray((data.y - pd_) ** 2)
    clipped = clip_pd(pd_)
    return np.asarray(-np.log(np.where(data.y, clipped, 1 - clipped)))


def _grow(
    features: pd.DataFrame,
    target: Floats,
    data: Labelled,
    cluster: ArrayLike | None,
    max_depth: int,
    min_share: float,
    labels: Mapping[str, str] | None,
    units: Mapping[str, str] | None,
    seed: int,
) -> tuple[Leaves, NDArray[np.bool_], NDArray[np.intp]]:
    """Return leaves grown on one half of the loans, the rows of the other half, and every row's loan."""
    loans = np.arange(data.n) if data.codes is None else data.codes
    grow = split_loans(loans if cluster is None else cluster, seed)
    if grow.all() or not grow.any():
        raise ValueError(f"two halves are needed to grow and judge rules: {data.loans} loans are too few")
    named = features.reset_index(drop=True)
    leaves = grow_leaves(named, target, grow, max_depth=max_depth, min_share=min_share, labels=labels, units=units)
    return leaves, ~grow, loans


def _compare_losses(y: NDArray[np.bool_], first: Floats, second: Floats, loans: NDArray[np.intp]) -> tuple[float, ...]:
    """Return n, loans, events, both mean losses, their difference, its standard error and degrees of freedom."""
    if not y.size:
        return 0, 0, 0, np.nan, np.nan, np.nan, np.nan, 0
    difference = first - second
    names, place = np.unique(loans, return_inverse=True)
    df = min(np.unique(loans[y]).size, np.unique(loans[~y]).size) - 1
    sums = np.bincount(place, weights=difference - difference.mean())
    factor = names.size / (names.size - 1) if names.size > 1 else np.nan
    error = float(np.sqrt(factor * (sums @ sums)) / y.size)
    return y.size, names.size, int(y.sum()), first.mean(), second.mean(), difference.mean(), error, df


def _finish(frame: pd.DataFrame, level: float) -> pd.DataFrame:
    p_holm = adjust_p_values(frame["p_value"], "holm")
    reason = np.where(frame["p_value"].isna(), f"fewer than {SMALL_N} rows or {SMALL_EVENTS} events to judge by", "")
    frame = frame.assign(p_holm=p_holm, finding=p_holm < 1 - level, reason=reason)
    frame[["n", "loans", "events"]] = frame[["n", "loans", "events"]].fillna(0).astype(np.int64)
    frame = frame.assign(small=flag_small(frame["events"], frame["n"]))
    order = [*_COLUMNS, "finding", "small", "reason"]
    return frame.sort_values(["p_holm", "p_value"], kind="stable", ignore_index=True)[order]
