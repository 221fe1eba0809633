"""What moves with what: associations between fields of every kind, on one scale from 0 to 1 in size.

Numbers with numbers: Spearman's ρ or Pearson's r, with its sign. Categories with categories: Cramér's V,
bias-corrected (Bergsma 2013, J. Korean Stat. Soc. 42). A number with a category: the correlation ratio η,
bias-corrected (Kelley's ε, 1935), of ranks beside Spearman and of values beside Pearson. Each pair uses the
rows where both are known.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from analytics.odds import Floats

Method = Literal["spearman", "pearson"]
NEAR_DUPLICATE = 0.95
FEWEST = 30  # rows with both known; fewer tell nothing about a pair


def compute_cramers_v(table: Floats) -> float:
    """Return the bias-corrected Cramér's V of a table of counts; NaN where a side has one category.

    φ² = max(0, χ²/n − (r−1)(c−1)/(n−1)), r' = r − (r−1)²/(n−1), c' likewise, V = √(φ² / (min(r', c') − 1)).

    >>> round(compute_cramers_v(np.array([[50.0, 0.0], [0.0, 50.0]])), 3)
    1.0
    """
    used = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    n, (rows, columns) = used.sum(), used.shape
    if min(rows, columns) < 2 or n < 2:
        return np.nan
    expected = np.outer(used.sum(axis=1), used.sum(axis=0)) / n
    chi2 = float(((used - expected) ** 2 / expected).sum())
    phi2 = max(0.0, chi2 / n - (rows - 1) * (columns - 1) / (n - 1))
    smaller = min(side - (side - 1) ** 2 / (n - 1) for side in (rows, columns)) - 1
    return float(min(1.0, np.sqrt(phi2 / smaller))) if smaller > 0 else np.nan


def compute_correlation_ratio(values: Floats, codes: np.ndarray) -> float:
    """Return η of numbers by category code, bias-corrected: ε² = 1 − (1 − η²)(n − 1)/(n − k); NaN where none varies.

    η² is the share of the numbers' variance that lies between the categories.
    """
    counts = np.bincount(codes)
    used = counts > 0
    n, groups, total = values.size, int(used.sum()), float(((values - values.mean()) ** 2).sum())
    if groups < 2 or n <= groups or total == 0:
        return np.nan
    means = np.bincount(codes, weights=values)[used] / counts[used]
    eta2 = float((counts[used] * (means - values.mean()) ** 2).sum()) / total
    return float(np.sqrt(max(0.0, 1 - (1 - eta2) * (n - 1) / (n - groups))))


def compute_associations(
    frame: pd.DataFrame, numbers: Sequence[str], categories: Sequence[str], *, method: Method = "spearman"
) -> pd.DataFrame:
    """Return one row per unordered pair of fields.

    Columns: first, second, value (−1 to 1), measure ("Spearman", "Pearson", "Cramér's V", "η"), n (rows with both
    known), size (|value|), duplicate (size > 0.95). Pairs with fewer than 30 such rows, or where one does not
    vary, have value NaN.
    """
    values = {name: frame[name].to_numpy(dtype=float) for name in numbers}
    codes = {name: pd.factorize(frame[name])[0] for name in categories}
    known = {name: ~np.isnan(value) for name, value in values.items()} | {n: c >= 0 for n, c in codes.items()}
    whole = {name: _rank(value) for name, value in values.items()} if method == "spearman" else dict(values)
    names = [*numbers, *categories]
    rows = []
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            both = known[first] & known[second]
            measure, value = _associate(first, second, both, values, whole, codes, method)
            rows.append((first, second, value, measure, int(both.sum())))
    found = pd.DataFrame(rows, columns=["first", "second", "value", "measure", "n"])
    size = found["value"].abs()
    return found.assign(size=size, duplicate=size > NEAR_DUPLICATE)


def _rank(values: Floats) -> Floats:
    from scipy.stats import rankdata

    return np.asarray(rankdata(values, nan_policy="omit"), dtype=float)


def _associate(
    first: str, second: str, both: np.ndarray, values: dict[str, Floats], whole: dict[str, Floats],
    codes: dict[str, np.ndarray], method: Method,
) -> tuple[str, float]:  # fmt: skip
    """Return the measure's name and value of one pair; ranks are those of the rows where both are known."""
    enough = both.sum() >= FEWEST

    def take(name: str) -> Floats:
        if both.sum() == np.isfinite(values[name]).sum():
            kept: Floats = whole[name][both]  # nothing of this field is lost: its ranks stand
        else:
            kept = _rank(values[name][both]) if method == "spearman" else values[name][both]
        return kept

    if first in codes:
        return "Cramér's V", _pair_v(codes[first][both], codes[second][both]) if enough else np.nan
    if second in codes:
        return "η", compute_correlation_ratio(take(first), codes[second][both]) if enough else np.nan
    return method.capitalize(), _correlate(take(first), take(second)) if enough else np.nan


def _correlate(x: Floats, y: Floats) -> float:
    x, y = x - x.mean(), y - y.mean()
    # einsum and not @: for vectors this short BLAS wakes every core, which costs more than the sum where they are busy.
    xx, yy, xy = (float(np.einsum("i,i->", *pair)) for pair in ((x, x), (y, y), (x, y)))
    scale = float(np.sqrt(xx * yy))
    return xy / scale if scale else np.nan


def _pair_v(first: np.ndarray, second: np.ndarray) -> float:
    width = int(second.max()) + 1
    joint = np.bincount(first * width + second, minlength=(int(first.max()) + 1) * width)
    return compute_cramers_v(joint.reshape(-1, width).astype(float))


def to_matrix(pairs: pd.DataFrame, *, most: int = 24) -> pd.DataFrame:
    """Return the pairs as a symmetric matrix, fields that move together beside each other.

    Order: leaves of average-linkage clustering of 1 − size. At most `most` fields: those with the strongest
    association with any other.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
    from scipy.spatial.distance import squareform

    both = pd.concat([pairs, pairs.rename(columns={"first": "second", "second": "first"})])
    known = both.dropna(subset=["value"])
    strongest = known.groupby("first")["size"].max().sort_values(ascending=False, kind="stable")
    names = sorted(strongest.index[:most])
    matrix = known.pivot(index="first", columns="second", values="value").reindex(index=names, columns=names)
    cells = matrix.to_numpy(dtype=float, copy=True)
    np.fill_diagonal(cells, 1.0)
    if len(names) > 2:
        distance = squareform(np.clip(1 - np.abs(np.nan_to_num(cells)), 0, 1), checks=False)
        order = leaves_list(optimal_leaf_ordering(linkage(distance, "average"), distance))
        cells, names = cells[np.ix_(order, order)], [names[item] for item in order]
    return pd.DataFrame(cells, index=names, columns=names)


def compute_partners(pairs: pd.DataFrame, field: str) -> pd.DataFrame:
    """Return what moves with one field, strongest first: columns field, value, size, measure, n, duplicate."""
    rows = pairs[(pairs["first"] == field) | (pairs["second"] == field)].dropna(subset=["value"])
    other = np.where(rows["first"] == field, rows["second"], rows["first"])
    found = rows.assign(field=other)[["field", "value", "size", "measure", "n", "duplicate"]]
    return found.sort_values(["size", "field"], ascending=[False, True], ignore_index=True)
