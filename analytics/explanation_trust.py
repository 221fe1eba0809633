"""Can an explanation be trusted: do attributions add up, and do reasons hold against other backgrounds and seeds?

Arrays of attributions (log-odds) have features, or groups of them, on the last axis; repeats of the same explanation,
made against another background or with another seed, are on the first.
"""

from collections.abc import Mapping, Sequence

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from analytics.attributions import PHI, list_explained
from analytics.book import Fetch
from analytics.odds import Floats
from analytics.reasons import NEGLIGIBLE
from analytics.what_if import Range

TOP = 4  # reasons a loan is given
QUANTILES = (0.5, 0.95, 1.0)
ERRORS = ("gap", "noise")  # columns that scores may have: a loan's gap, and the standard error of its attributions

Mask = npt.NDArray[np.bool_]


def compute_additivity(scores: ir.Table, fetch: Fetch) -> pd.DataFrame:
    """Return one row: n, largest and mean of |log-odds − base − Σφ| over the explained loans of a score table.

    One aggregate query. Where the table has the columns of ERRORS, also their quantiles, as gap_50, gap_95 and
    gap_100. Raises ValueError for a table without attributions.
    """
    names = list_explained(scores)
    if not names or "base" not in scores.columns:
        raise ValueError("the score table has no attributions: score the snapshot with explanations")
    table = scores.filter(scores["base"].notnull())
    total = sum((table[f"{PHI}{name}"] for name in names), table["base"])
    gap = (table["log_odds"] - total).abs()
    wanted: dict[str, ir.Value] = {"n": table.count(), "largest": gap.max(), "mean": gap.mean()}
    for name in ERRORS:
        if name in scores.columns:
            wanted |= {f"{name}_{level * 100:.0f}": table[name].quantile(level) for level in QUANTILES}
    return fetch(table.aggregate(**wanted))


def group_attributions(
    phi: Floats, features: Sequence[str], groups: Mapping[str, str]
) -> tuple[Floats, tuple[str, ...]]:
    """Return attributions added up by group along the last axis, and the groups' names; no group: the feature itself.

    >>> group_attributions(np.array([[1.0, 2.0, -0.5]]), ["a", "b", "c"], {"a": "x", "c": "x"})
    (array([[0.5, 2. ]]), ('x', 'b'))
    """
    named = [groups.get(name) or name for name in features]
    order = tuple(dict.fromkeys(named))
    member = np.array([[name == group for group in order] for name in named], dtype=float)
    return np.asarray(phi @ member), order


def find_reasons(phi: Floats, *, top: int = TOP, least: float = NEGLIGIBLE) -> Mask:
    """Return which entries of the last axis are reasons: the `top` largest of each sign, of at least `least`."""
    found = np.zeros(phi.shape, dtype=bool)
    for sign in (1.0, -1.0):
        size = sign * phi
        rank = np.argsort(np.argsort(-size, axis=-1, kind="stable"), axis=-1, kind="stable")
        found |= (size >= least) & (rank < top)
    return found


def compute_reason_shares(recorded: Floats, repeated: Floats, *, top: int = TOP, least: float = NEGLIGIBLE) -> Floats:
    """Return for each reason of `recorded` the share of `repeated` that give it too, of the same sign; else NaN."""
    _check(recorded, repeated)
    again = find_reasons(repeated, top=top, least=least) & (np.sign(repeated) == np.sign(recorded))
    return np.where(find_reasons(recorded, top=top, least=least), again.mean(axis=0), np.nan)


def compute_repeats(
    recorded: Floats, repeated: Floats, kinds: Sequence[str], seeds: Sequence[int], *, top: int = TOP
) -> pd.DataFrame:
    """Return a row a repeat: kind, seed, rank_correlation, overlap, again, top_changed.

    `rank_correlation` is Spearman's of the features' importances (mean |φ| over the loans); `overlap` what share of the
    `top` most important features is the same; `again` what share of all loans' recorded reasons is given again;
    `top_changed` for what share of the loans another feature has the largest |φ|. `recorded` is (loans, features),
    `repeated` (repeats, loans, features).
    """
    _check(recorded, repeated)
    base = np.abs(recorded).mean(axis=0)
    reasons, count = find_reasons(recorded), min(top, len(base))
    rows = []
    for kind, seed, phi in zip(kinds, seeds, repeated, strict=True):
        importance = np.abs(phi).mean(axis=0)
        again = find_reasons(phi) & (np.sign(phi) == np.sign(recorded))
        same = set(_largest(base, count)) & set(_largest(importance, count))
        rows.append(
            {
                "kind": kind,
                "seed": seed,
                "rank_correlation": _spearman(base, importance),
                "overlap": len(same) / count,
                "again": float(again[reasons].mean()) if reasons.any() else np.nan,
                "top_changed": float((np.abs(phi).argmax(axis=1) != np.abs(recorded).argmax(axis=1)).mean()),
            }
        )
    return pd.DataFrame(rows)


def compute_spread(recorded: Floats, repeated: Floats, names: Sequence[str]) -> pd.DataFrame:
    """Return feature, importance (mean |φ|), spread and share (spread over importance), most important first.

    `spread` is the standard deviation of a loan's φ over the repeats, as a mean over the loans (log-odds).
    """
    _check(recorded, repeated)
    if len(repeated) < 2:
        raise ValueError(f"a spread needs two repeats or more, got {len(repeated)}")
    importance, spread = np.abs(recorded).mean(axis=0), repeated.std(axis=0, ddof=1).mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(importance > 0, spread / importance, np.nan)
    frame = pd.DataFrame({"feature": list(names), "importance": importance, "spread": spread, "share": share})
    return frame.sort_values(["importance", "feature"], ascending=[False, True], ignore_index=True)


def compute_outside(frame: pd.DataFrame, ranges: Mapping[str, Range]) -> pd.DataFrame:
    """Return feature, outside and share: how many rows of `frame` have a value beyond `ranges`, most first.

    `share` is of all rows; a missing value is outside of nothing.
    """
    rows = []
    for name, known in ranges.items():
        values = frame[name].dropna()
        if known.categories:
            outside = int((~values.astype(str).isin(known.categories)).sum())
        else:
            outside = int((~values.astype(float).between(known.low, known.high)).sum())
        rows.append({"feature": name, "outside": outside, "share": outside / len(frame) if len(frame) else np.nan})
    found = pd.DataFrame(rows, columns=["feature", "outside", "share"])
    return found.sort_values(["outside", "feature"], ascending=[False, True], ignore_index=True)


def _check(recorded: Floats, repeated: Floats) -> None:
    if repeated.shape[1:] != recorded.shape or not len(repeated):
        raise ValueError(
            f"repeats must each have the recorded attributions' shape {recorded.shape}, got {repeated.shape}"
        )


def _largest(values: Floats, count: int) -> list[int]:
    return [int(place) for place in np.argsort(-values, kind="stable")[:count]]


def _spearman(one: Floats, two: Floats) -> float:
    """Return the correlation of the ranks, ties sharing theirs; missing where one side has a single value."""
    ranks = [pd.Series(values).rank().to_numpy() for values in (one, two)]
    if min(np.ptp(rank) for rank in ranks) == 0:
        return float("nan")
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
