"""Exact interventional Shapley values and pairwise interactions of boosted trees, for any background, in float64.

The idea is Nadel & Wettenstein's (From Decision Trees to Boolean Logic, 2025). For one leaf with value w and
k distinct features on its path, write c for the bits "the loan satisfies feature j's condition" and b for the
same bits of a background row. If some bit is 0 in both, the leaf gives nothing. With A the bits in c only and
B the bits in b only, each feature in A gets +w (|A|-1)! |B|! / (|A|+|B|)! and each in B gets
-w |A|! (|B|-1)! / (|A|+|B|)!. So the background's bit patterns are counted once per leaf and folded
into a table indexed by the loan's pattern; explaining a loan is a look-up, whatever the background's size.

Rows are compared by their bins (`models.forest`). Leaves that lie together share one table (`models.leaf_groups`);
leaves with too many features for a table are walked, exactly too, over the distinct patterns of the background.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import factorial
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from models.encoding import Matrix
from models.forest import Codes, Forest
from models.leaf_groups import Leaf, Plan, Whole
from portfolio.errors import HypothecError

CHUNK = 32_768
BLOCK = 1024
MAX_PAIR_VALUES = 50_000_000  # 400 MB
PAIR_TABLE_BYTES = 2**28
Range = tuple[int, int]
T = TypeVar("T")


def shapley_weights(most: int) -> Matrix:
    """Return the weights by (|A|, |B|): of a feature in A at [0], in B at [1]; an impossible pair is 0."""
    table = np.zeros((2, most + 1, most + 1))
    for a in range(most + 1):
        for b in range(most + 1 - a):
            if a:
                table[0, a, b] = factorial(a - 1) * factorial(b) / factorial(a + b)
            if b:
                table[1, a, b] = -factorial(a) * factorial(b - 1) / factorial(a + b)
    return table


def interaction_weights(most: int) -> Matrix:
    """Return the Shapley interaction index's weights by (|A|, |B|): a pair within A at [0], across [1], within B [2].

    Of the marginal effects v(S+i+j) - v(S+i) - v(S+j) + v(S), weighted |S|! (n-|S|-2)! / (n-1)! (Grabisch and
    Roubens 1999), a leaf leaves one: at S = A without the pair.
    """
    table = np.zeros((3, most + 1, most + 1))
    for a in range(most + 1):
        for b in range(most + 1 - a):
            if a > 1:
                table[0, a, b] = factorial(a - 2) * factorial(b) / factorial(a + b - 1)
            if a and b:
                table[1, a, b] = -factorial(a - 1) * factorial(b - 1) / factorial(a + b - 1)
            if b > 1:
                table[2, a, b] = factorial(a) * factorial(b - 2) / factorial(a + b - 1)
    return table


@dataclass(frozen=True)
class Tables:
    """A forest with a background folded in: `counts` of the background's `rows` per cell, attributions in `table`.

    `deep` holds, for each leaf without a table, the background's distinct patterns and their shares times the value.
    """

    forest: Forest
    rows: int
    counts: Whole
    table: Matrix
    deep: tuple[tuple[Whole, Matrix], ...]


def fold_background(forest: Forest, background: Any) -> Tables:
    """Return the tables against the rows of `background`, of any number."""
    from models import kernels

    plan, rows = forest.plan, len(background)
    if not rows:
        raise HypothecError("attributions are made against a background of at least one row, got none")
    codes = np.concatenate(list(_parallel(lambda part: forest.encode(_rows(background, part)), rows, CHUNK)), axis=1)
    counts = np.zeros(plan.cell_start[-1], dtype=np.int64)
    shape = (plan.axis_start, plan.axis_feature, plan.luts, plan.cell_start)
    list(_parallel(lambda groups: kernels.count(codes, *shape, groups, counts), plan.groups, 16))
    deep = []
    for leaf in plan.deep:
        known, times = np.unique(_patterns(leaf, codes), return_counts=True)
        deep.append((known, leaf.value * times / rows))
    return Tables(forest, rows, counts, _fold(plan, counts, rows, (0, plan.groups), pairs=False), tuple(deep))


def explain_rows(tables: Tables, X: Any) -> Matrix:
    """Return attributions of the raw log-odds, shape of `X`: f(x) - mean f(background) = sum over features."""
    features = len(tables.forest.column)
    order = np.argsort(tables.forest.column)
    plan, out = tables.forest.plan, np.empty((len(X), features))
    columns = np.diag(np.arange(features))

    def work(part: Range) -> None:
        codes = tables.forest.encode(_rows(X, part))
        found = np.zeros((features, codes.shape[1]))
        _look_up(plan, codes, (0, plan.groups), plan.axis_feature, tables.table, found, pairs=False)
        _walk(tables, codes, columns, found)
        out[slice(*part)] = found[order].T

    list(_parallel(work, len(X), CHUNK))
    return out


def explain_pairs(tables: Tables, X: Any) -> Matrix:
    """Return interaction values of a bounded number of rows, shape (rows, features, features), symmetric.

    Off the diagonal stands half the Shapley interaction index of the pair, on it what is left of the feature's
    attribution: a row sums to the attribution, all of it to f(x) - mean f(background) (as in `shap`).
    """
    forest, plan = tables.forest, tables.forest.plan
    features = len(forest.column)
    if len(X) * features**2 > MAX_PAIR_VALUES:
        raise HypothecError(
            f"interaction values of {len(X):,} rows and {features} features are too many to hold at once; "
            f"ask for at most {MAX_PAIR_VALUES // features**2:,} rows, spread over the book"
        )
    codes = forest.encode(X)
    first, second = np.triu_indices(features, 1)
    columns = np.full((features, features), -1)
    columns[first, second] = columns[second, first] = np.arange(len(first))
    found = np.zeros((len(first), len(X)))
    for groups in _batches(plan):
        table = _fold(plan, tables.counts, tables.rows, groups, pairs=True)
        targets = [_pairs_of(plan.axis_feature[slice(*plan.axis_start[g : g + 2])], columns) for g in range(*groups)]
        _look_up(plan, codes, groups, np.concatenate(targets), table, found, pairs=True)
    _walk(tables, codes, columns, found)
    out = np.zeros((len(X), features, features))
    place = forest.column
    out[:, place[first], place[second]] = out[:, place[second], place[first]] = found.T / 2
    diagonal = np.arange(features)
    out[:, diagonal, diagonal] = explain_rows(tables, X) - out.sum(axis=2)
    return out


def _pairs_of(features: Whole, columns: Whole) -> Whole:
    one, two = np.triu_indices(len(features), 1)
    return columns[features[one], features[two]]


def _batches(plan: Plan) -> Iterable[Range]:
    """Return ranges of groups whose tables of pairs stay under `PAIR_TABLE_BYTES` (or hold one group)."""
    sizes = np.diff(plan.cell_start) * plan.widths(True) * 8
    first, total = 0, 0
    for group, size in enumerate(sizes):
        if total + size > PAIR_TABLE_BYTES and group > first:
            yield first, group
            first, total = group, 0
        total += size
    if first < plan.groups:
        yield first, plan.groups


def _fold(plan: Plan, counts: Whole, rows: int, groups: Range, *, pairs: bool) -> Matrix:
    """Return the tables of some groups, one after another: a row a feature or pair, a column a cell."""
    from models import kernels

    starts = _table_starts(plan, groups, pairs)
    table = np.zeros(starts[-1])
    most = int(np.diff(plan.condition_start).max(initial=1))
    weights = interaction_weights(most) if pairs else shapley_weights(most)
    shape = (plan.axis_start, plan.axis_cells, plan.cell_start, plan.leaf_start, plan.value / rows)
    conditions = (plan.condition_start, plan.condition, plan.holds_start, plan.holds)
    # The kernel counts groups from the first of all: its table starts must, too.
    placed = np.r_[np.zeros(groups[0], dtype=np.int64), starts]

    def work(part: Range) -> None:
        some = (groups[0] + part[0], groups[0] + part[1])
        kernels.fold(counts, *shape, *conditions, some, pairs, weights, placed, table)

    list(_parallel(work, groups[1] - groups[0], 16))
    return table


def _table_starts(plan: Plan, groups: Range, pairs: bool) -> Whole:
    sizes = (np.diff(plan.cell_start) * plan.widths(pairs))[slice(*groups)]
    return np.cumsum([0, *sizes], dtype=np.int64)


def _look_up(
    plan: Plan, codes: Codes, groups: Range, column: Whole, table: Matrix, out: Matrix, *, pairs: bool
) -> None:
    """Add the tables' entries of each row of `codes` to `out` (column × row)."""
    from models import kernels

    some = slice(groups[0], groups[1] + 1)
    targets = np.cumsum([0, *plan.widths(pairs)[slice(*groups)]], dtype=np.int64)
    shape = (plan.axis_start[some], plan.axis_feature, plan.luts, plan.cell_start[some])
    starts = _table_starts(plan, groups, pairs)
    for first in range(0, codes.shape[1], BLOCK):
        last = min(first + BLOCK, codes.shape[1])
        kernels.look_up(codes, (first, last), *shape, targets, column, starts, table, out[:, first:last])


def _patterns(leaf: Leaf, codes: Codes) -> Whole:
    from models import kernels

    masks = np.zeros((len(leaf.masks), max(map(len, leaf.masks.values()))), dtype=bool)
    for place, mask in enumerate(leaf.masks.values()):
        masks[place, : len(mask)] = mask
    found: Whole = kernels.patterns_of(codes, np.array([*leaf.masks]), masks)
    return found


def _walk(tables: Tables, codes: Codes, columns: Whole, out: Matrix) -> None:
    """Add what the leaves without a table give to `out` (column × row)."""
    from models import kernels

    deep = tables.forest.plan.deep
    most = max((len(leaf.masks) for leaf in deep), default=0)
    weights = shapley_weights(most), interaction_weights(most)
    for leaf, background in zip(deep, tables.deep, strict=True):
        kernels.walk(_patterns(leaf, codes), np.array([*leaf.masks]), *background, *weights, columns, out)


def _rows(X: Any, part: Range) -> Any:
    return X.iloc[slice(*part)] if isinstance(X, pd.DataFrame) else X[slice(*part)]


def _parallel(work: Callable[[Range], T], total: int, step: int) -> Iterable[T]:
    """Call `work` for each `step` of `total` and return what comes back, in order."""
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 4)) as pool:  # the kernels release the GIL
        yield from pool.map(work, [(start, min(start + step, total)) for start in range(0, total, step)])
