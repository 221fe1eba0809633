"""Loans parted by a shallow regression tree, and its leaves as sentences: "LTV above 0.8 and region Campania".

The tree (Breiman et al. 1984, "Classification and Regression Trees"; scikit-learn) is grown on chosen rows and
then applied to all. Words are ordered by the target's mean among the growing rows, so that one cut parts
them best (Fisher 1958); a word not seen there counts as missing. Missing values go to the side that fits better.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.odds import Floats
from analytics.words import MISSING, format_value

EVERYWHERE = "all loans"
_WORDS = 6  # named in a rule; more are counted


@dataclass(frozen=True)
class Leaves:
    """The leaf of each row, and each leaf's rule in words."""

    leaf: NDArray[np.intp]
    rules: tuple[str, ...]


@dataclass(frozen=True)
class _Column:
    """A feature as numbers; `words` names the numbers 0, 1, … of a feature in words."""

    name: str
    unit: str
    numbers: Floats
    words: tuple[str, ...]
    dates: bool

    @property
    def gaps(self) -> bool:
        return bool(np.isnan(self.numbers).any())


def grow_leaves(
    features: pd.DataFrame,
    target: Floats,
    grow: NDArray[np.bool_],
    *,
    max_depth: int = 3,
    min_share: float = 0.02,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
) -> Leaves:
    """Return leaves of at least `min_share` of the growing rows, from a tree of `target` on `features`.

    Features may be numbers, booleans, dates or words. `labels` and `units` name features in the rules (units as
    `format_value` knows them; thresholds are rounded in the text, not in the tree). Raises ValueError for no
    feature, unequal lengths, no rows to grow on, and a depth or share that cannot be.
    """
    if not len(features.columns):
        raise ValueError("no features: a rule needs at least one")
    if not len(features) == target.size == grow.size or not grow.any():
        raise ValueError(f"features, target and growing rows differ: {len(features)}, {target.size}, {grow.sum()} rows")
    if max_depth < 1 or not 0 < min_share <= 0.5:
        raise ValueError(f"a depth from 1 and a share in (0, 0.5] are needed, got {max_depth} and {min_share}")
    from sklearn.tree import DecisionTreeRegressor

    named = {str(name): (labels or {}).get(str(name), str(name)) for name in features.columns}
    columns = [
        _encode(features[name], named[str(name)], (units or {}).get(str(name), ""), target, grow)
        for name in features.columns
    ]
    matrix = np.empty((len(features), len(columns)), dtype=np.float32)
    for number, column in enumerate(columns):
        matrix[:, number] = column.numbers
    fewest = max(1, int(np.ceil(min_share * grow.sum())))
    model = DecisionTreeRegressor(max_depth=max_depth, min_samples_leaf=fewest, random_state=0)
    model.fit(matrix[grow], target[grow])
    nodes = model.apply(matrix)
    rules = _describe(model.tree_, columns)
    place = {node: number for number, node in enumerate(rules)}
    lookup = np.zeros(model.tree_.node_count, dtype=np.intp)
    lookup[list(place)] = list(place.values())
    return Leaves(lookup[nodes], tuple(rules.values()))


def _encode(values: pd.Series, name: str, unit: str, target: Floats, grow: NDArray[np.bool_]) -> _Column:
    if pd.api.types.is_datetime64_any_dtype(values):
        days = (values - pd.Timestamp(0, tz=getattr(values.dtype, "tz", None))) / pd.Timedelta(days=1)
        return _Column(name, unit, np.asarray(days, dtype=np.float64), (), True)
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        return _Column(name, unit, np.asarray(np.where(np.isfinite(numbers), numbers, np.nan), dtype=float), (), False)
    codes, words = pd.factorize(values.astype("string"), sort=True)
    chosen = grow & (codes >= 0)
    counts, sums = (np.bincount(codes[chosen], weights, len(words)) for weights in (None, target[chosen]))
    seen = np.flatnonzero(counts)
    order = seen[np.argsort(sums[seen] / counts[seen], kind="stable")]
    numbers = np.full(len(words) + 1, np.nan)  # the last is for missing words, whose code is −1
    numbers[order] = np.arange(order.size)
    return _Column(name, unit, numbers[codes], tuple(str(words[place]) for place in order), False)


def _describe(tree: Any, columns: list[_Column]) -> dict[int, str]:
    """Return each leaf's rule: one condition per feature on its path, in the order of the cuts."""
    rules: dict[int, str] = {}
    # A condition on a feature: above, up to, and whether missing values are let through.
    stack: list[tuple[int, dict[int, tuple[float, float, bool]]]] = [(0, {})]
    while stack:
        node, conditions = stack.pop()
        if tree.children_left[node] == tree.children_right[node]:
            texts = [_condition(columns[place], *found) for place, found in conditions.items()]
            rules[node] = " and ".join(texts) or EVERYWHERE
            continue
        place, cut = int(tree.feature[node]), float(tree.threshold[node])
        low, high, missing = conditions.get(place, (-np.inf, np.inf, True))
        left = bool(tree.missing_go_to_left[node])
        above = {place: (max(low, cut), high, missing and not left)}
        below = {place: (low, min(high, cut), missing and left)}
        # Pushed right first, so that the left branch is told first.
        stack.append((int(tree.children_right[node]), conditions | above))
        stack.append((int(tree.children_left[node]), conditions | below))
    return rules


def _condition(column: _Column, low: float, high: float, missing: bool) -> str:
    if low == np.inf:
        return f"{column.name} {MISSING}"
    rest = f" or {MISSING}" if missing and column.gaps else ""
    if column.words:
        inside = sorted(word for code, word in enumerate(column.words) if low < code <= high)
        named = ", ".join(inside[:_WORDS]) + (f" and {len(inside) - _WORDS} more" if len(inside) > _WORDS else "")
        return f"{column.name} {named}{rest}" if inside else f"{column.name} {MISSING}"
    bounds = [f"above {_format(column, low)}"] if low > -np.inf else []
    bounds += [f"up to {_format(column, high)}"] if high < np.inf else []
    return f"{column.name} {' and '.join(bounds) or 'known'}{rest}"


def _format(column: _Column, value: float) -> str:
    if column.dates:
        return f"{pd.Timestamp(0) + pd.Timedelta(days=value):%Y-%m-%d}"
    return format_value(value, column.unit)
