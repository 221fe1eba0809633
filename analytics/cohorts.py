"""Do two cohorts of loans differ, in which fields, by how much, how sure: all fields tested and ranked."""

from collections.abc import Sequence
from dataclasses import asdict, fields

import numpy as np
import pandas as pd

from analytics.multiplicity import adjust_p_values
from analytics.odds import Floats
from analytics.two_samples import Difference, compare_categories, compare_numbers

BINS = 24
SHOWN = 12  # categories in a picture; the rest are joined
TAIL = 0.005  # share at each end that is put into the outer bins
_COLUMNS = [item.name for item in fields(Difference)]


def compute_comparison(
    a: pd.DataFrame, b: pd.DataFrame, *, numbers: Sequence[str], categories: Sequence[str], loan: str | None = None
) -> pd.DataFrame:
    """Return one row per field, and one more per field that has missing values, largest effect first.

    Columns: field, kind ("number", "category", "missing"), n_a, n_b (rows where known), missing_a, missing_b
    (shares), q (Benjamini-Hochberg over all rows' p), and the columns of `two_samples.Difference`. Numbers with
    at most two values count as categories. Rows are clustered by `loan` where a loan comes more than once.
    Fields that do not vary are left out. Raises ValueError for an empty cohort.
    """
    if not len(a) or not len(b):
        raise ValueError(f"two cohorts are compared, got {len(a)} and {len(b)} rows")
    cluster = find_clusters(a, b, loan)
    rows = []
    for name in [*numbers, *categories]:
        is_number = name in numbers and not _is_binary(a[name], b[name])
        left, right = (a[name], b[name]) if is_number else _to_same_words(a[name], b[name])
        rows.append(_row(name, "number" if is_number else "category", left, right, cluster))
        if a[name].isna().any() or b[name].isna().any():
            blank = [side[name].isna().map({True: "missing", False: "known"}) for side in (a, b)]
            rows.append(_row(name, "missing", blank[0], blank[1], cluster))
    made = [row for row in rows if row is not None]
    table = pd.DataFrame(made, columns=["field", "kind", "n_a", "n_b", "missing_a", "missing_b", *_COLUMNS])
    missing = {side: _share_missing(frame, table["field"]) for side, frame in (("missing_a", a), ("missing_b", b))}
    table = table.assign(q=adjust_p_values(table["p"].to_numpy(dtype=float)), **missing)
    size = table["effect"].abs()
    return table.assign(size=size).sort_values(["size", "field"], ascending=[False, True], ignore_index=True)


def find_clusters(a: pd.DataFrame, b: pd.DataFrame, loan: str | None) -> np.ndarray | None:
    """Return a code per row, A before B, where any loan comes more than once; None where each comes once."""
    if loan is None:
        return None
    codes, loans = pd.factorize(pd.concat([a[loan], b[loan]], ignore_index=True))
    return codes if len(loans) < len(codes) else None


def to_words(values: pd.Series) -> pd.Series:
    """Return categories as text; flags 0 and 1 as no and yes; missing stays missing."""
    known = values.dropna()
    if pd.api.types.is_numeric_dtype(values) and known.isin([0, 1]).all():
        return values.astype(object).map({0: "no", 1: "yes"}).astype("str")
    if pd.api.types.is_numeric_dtype(values):
        return values.map(lambda value: f"{value:g}", na_action="ignore").astype("str")
    return values.astype("str")


def _to_same_words(a: pd.Series, b: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return both sides as text by one rule: 0 is "no" only where the other side holds nothing but 0 and 1 too."""
    joint = to_words(pd.concat([a, b], ignore_index=True))
    return joint.iloc[: len(a)], joint.iloc[len(a) :]


def _is_binary(a: pd.Series, b: pd.Series) -> bool:
    if a.iloc[:100].nunique() > 2:
        return False
    return len(set(a.dropna().unique()) | set(b.dropna().unique())) <= 2


def _share_missing(frame: pd.DataFrame, names: pd.Series) -> Floats:
    shares = frame[list(dict.fromkeys(names))].isna().mean()
    return np.asarray(shares.reindex(names).to_numpy(dtype=float))


def _row(name: str, kind: str, a: pd.Series, b: pd.Series, cluster: np.ndarray | None) -> dict[str, object] | None:
    if kind == "number":
        found = compare_numbers(a.to_numpy(dtype=float), b.to_numpy(dtype=float), cluster)
    else:
        found = compare_categories(a, b, cluster)
        if kind == "missing" and found is not None and found.value == "known":
            found = _turn(found)
    if found is None:
        return None
    return {"field": name, "kind": kind, "n_a": int(a.notna().sum()), "n_b": int(b.notna().sum()), **asdict(found)}


def _turn(found: Difference) -> Difference:
    """Tell a difference in what is known as the same difference in what is missing."""
    turned = {
        "a": 1 - found.a, "b": 1 - found.b, "difference": -found.difference,
        "low": -found.high, "high": -found.low, "value": "missing",
    }  # fmt: skip
    return Difference(**{**asdict(found), **turned})


def compute_pictures(a: pd.DataFrame, b: pd.DataFrame, comparison: pd.DataFrame) -> pd.DataFrame:
    """Return the two distributions of every row of a comparison, in bins.

    Columns: field, kind, place (0, 1, …), low, high (ends of a number's bin; equal for a single value), label,
    share_a, share_b (each adds up to 1 over the known values). The half per cent at each end of the joint
    distribution is in the outer bins; rare categories are joined as "other".
    """
    columns = ["field", "kind", "place", "low", "high", "label", "share_a", "share_b"]
    parts = []
    for name, kind in zip(comparison["field"], comparison["kind"], strict=True):
        if kind == "number":
            part = _bin_numbers(a[name].dropna().to_numpy(dtype=float), b[name].dropna().to_numpy(dtype=float))
        elif kind == "missing":
            blank = [side[name].isna().map({True: "missing", False: "known"}) for side in (a, b)]
            part = _bin_categories(blank[0], blank[1])
        else:
            part = _bin_categories(*_to_same_words(a[name], b[name]))
        parts.append({"field": name, "kind": kind, "place": np.arange(len(part["share_a"])), **part})
    # One frame of joined arrays: a frame a field would cost more than the counting.
    sizes = [len(part["place"]) for part in parts]
    joined = {
        column: np.repeat([str(part[column]) for part in parts], sizes).astype(object)
        if column in ("field", "kind")
        else np.concatenate([part[column] for part in parts])
        for column in columns
        if parts
    }
    return pd.DataFrame(joined, columns=columns).astype({"field": "str", "kind": "str", "label": "str"})


def _bin_numbers(x: Floats, y: Floats) -> dict[str, np.ndarray]:
    joint = np.concatenate([x, y])
    distinct = np.unique(joint[:500])
    distinct = distinct if distinct.size > BINS else np.unique(joint)  # a look at few tells most apart
    if distinct.size <= BINS:
        low = high = distinct
        counts = [np.bincount(np.searchsorted(distinct, side), minlength=distinct.size) for side in (x, y)]
    else:
        edges = np.linspace(*_range(x, y), BINS + 1)
        low, high = edges[:-1], edges[1:]
        counts = [np.histogram(np.clip(side, edges[0], edges[-1]), bins=edges)[0] for side in (x, y)]
    shares = [count / max(1, count.sum()) for count in counts]
    blank = np.full(low.size, "", dtype=object)
    return {"low": low, "high": high, "label": blank, "share_a": shares[0], "share_b": shares[1]}


def _range(x: Floats, y: Floats) -> tuple[float, float]:
    """Return where the bins begin and end: each cohort counts, however small it is beside the other."""
    ends = np.vstack([np.quantile(side, [TAIL, 1 - TAIL]) for side in (x, y) if side.size])
    low, high = float(ends[:, 0].min()), float(ends[:, 1].max())
    if low == high:  # all but a few rows have one value
        low, high = min(side.min() for side in (x, y) if side.size), max(side.max() for side in (x, y) if side.size)
    return low, high


def _bin_categories(x: pd.Series, y: pd.Series) -> dict[str, np.ndarray]:
    codes, values = pd.factorize(pd.concat([x, y], ignore_index=True), sort=True)
    counts = [np.bincount(side[side >= 0], minlength=len(values)) for side in (codes[: len(x)], codes[len(x) :])]
    shares = np.vstack([count / max(1, count.sum()) for count in counts])
    order = np.argsort(-shares.sum(axis=0), kind="stable")
    labels, shares = np.asarray(values, dtype=object)[order], shares[:, order]
    if labels.size > SHOWN:
        rest = labels.size - SHOWN + 1
        shares = np.column_stack([shares[:, : SHOWN - 1], shares[:, SHOWN - 1 :].sum(axis=1)])
        labels = np.append(labels[: SHOWN - 1], f"other ({rest})")
    unknown = np.full(labels.size, np.nan)
    return {"low": unknown, "high": unknown, "label": labels, "share_a": shares[0], "share_b": shares[1]}
