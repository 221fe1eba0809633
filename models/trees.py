"""Exact interventional Shapley values of boosted trees, for any background, in float64.

The idea is Nadel & Wettenstein's (From Decision Trees to Boolean Logic, 2025). For one leaf with value w and
k distinct features on its path, write c for the bits "the loan satisfies feature j's condition" and b for the
same bits of a background row. If some bit is 0 in both, the leaf gives nothing. With A the bits in c only and
B the bits in b only, each feature in A gets +w (|A|-1)! |B|! / (|A|+|B|)! and each in B gets
-w |A|! (|B|-1)! / (|A|+|B|)!. So the background's bit patterns are counted once per leaf and folded
into a table indexed by the loan's pattern; explaining a loan is one look-up per leaf.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from models.encoding import Matrix
from portfolio.errors import HypothecError

MAX_PATH_FEATURES = 10  # a leaf's table has 2^k rows and is folded in 3^k steps
BLOCK = 4096
THREADS = 2


@dataclass(frozen=True)
class Leaves:
    """Every leaf of every tree, flat. Leaf l has the conditions start[l] to start[l + 1].

    A condition holds for x if low < x <= high, or, for a category, if bit x of `allowed` is set; a missing x
    satisfies it where `missing` is true. One condition a feature: the path's splits on it are intersected.
    """

    value: Matrix
    start: npt.NDArray[np.int64]
    feature: npt.NDArray[np.int64]
    low: Matrix
    high: Matrix
    missing: npt.NDArray[np.bool_]
    category: npt.NDArray[np.bool_]
    allowed: npt.NDArray[np.uint64]  # shape (conditions, 4): 256 category codes

    @property
    def count(self) -> int:
        """The number of leaves."""
        return len(self.value)


def leaves_of(trees: HistGradientBoostingClassifier) -> Leaves:
    """Return a fitted classifier's leaves; their values add up to its raw log-odds without the baseline."""
    values: list[float] = []
    start = [0]
    conditions: list[tuple[int, float, float, bool, bool, npt.NDArray[np.uint64]]] = []
    # The classifier moves its category columns to the front before it grows trees.
    mask = np.zeros(trees.n_features_in_, bool) if trees.is_categorical_ is None else trees.is_categorical_
    column = np.concatenate([np.flatnonzero(mask), np.flatnonzero(~mask)])
    for (predictor,) in trees._predictors:
        for value, path in _paths(predictor):
            if len(path) > MAX_PATH_FEATURES:
                raise HypothecError(
                    f"a tree path uses {len(path)} features; exact attributions take at most "
                    f"{MAX_PATH_FEATURES}: fit with a smaller max_depth"
                )
            values.append(value)
            conditions += [(column[feature], *condition) for feature, condition in path.items()]
            start.append(len(conditions))
    columns = list(zip(*conditions, strict=True)) or [(), (), (), (), (), ()]
    allowed = np.array(columns[5], dtype=np.uint64).reshape(-1, 4)
    return Leaves(
        np.array(values),
        np.array(start),
        np.array(columns[0], dtype=np.int64),
        np.array(columns[1], float),
        np.array(columns[2], float),
        np.array(columns[3], bool),
        np.array(columns[4], bool),
        allowed,
    )


_Condition = tuple[float, float, bool, bool, Any]
_ANY_CODE = np.full(4, np.iinfo(np.uint64).max, dtype=np.uint64)


def _paths(predictor: Any) -> list[tuple[float, dict[int, _Condition]]]:
    """Return (value, conditions by feature) of each leaf of one scikit-learn tree."""
    nodes = predictor.nodes
    found: list[tuple[float, dict[int, _Condition]]] = []
    stack: list[tuple[int, dict[int, _Condition]]] = [(0, {})]
    while stack:
        position, path = stack.pop()
        node = nodes[position]
        if node["is_leaf"]:
            found.append((float(node["value"]), path))
            continue
        feature = int(node["feature_idx"])
        before = path.get(feature, (-np.inf, np.inf, True, bool(node["is_categorical"]), _ANY_CODE))
        for left in (True, False):
            stack.append(
                (
                    int(node["left" if left else "right"]),
                    {**path, feature: _narrow(before, node, left, predictor.raw_left_cat_bitsets)},
                )
            )
    return found


def _narrow(before: _Condition, node: Any, left: bool, bitsets: Any) -> _Condition:
    """Return the condition `before` and, in addition, having gone left or right at `node`."""
    low, high, missing, category, allowed = before
    missing = missing and bool(node["missing_go_to_left"]) == left
    if category:
        bits = bitsets[node["bitset_idx"]].astype(np.uint64)  # 8 words of 32 bits
        words = bits[0::2] | (bits[1::2] << np.uint64(32))
        return low, high, missing, category, allowed & (words if left else ~words)
    threshold = float(node["num_threshold"])
    return (
        (low, min(high, threshold), missing, category, allowed)
        if left
        else (max(low, threshold), high, missing, category, allowed)
    )


def shapley_weights(most: int) -> Matrix:
    """Return the weights by (|A|, |B|): of a feature in A at [0], in B at [1]; an impossible pair is 0."""
    table = np.zeros((2, most + 1, most + 1))
    for a in range(most + 1):
        for b in range(most + 1 - a):
            if a:
                table[0, a, b] = math.factorial(a - 1) * math.factorial(b) / math.factorial(a + b)
            if b:
                table[1, a, b] = -math.factorial(a) * math.factorial(b - 1) / math.factorial(a + b)
    return table


def explain_leaves(leaves: Leaves, X: Matrix, background: Matrix) -> Matrix:
    """Return attributions of the raw log-odds, shape of `X`: f(x) - mean f(background) = sum over features."""
    from models import kernels  # numba compiles on first use

    parts = (leaves.start, leaves.feature, leaves.low, leaves.high, leaves.missing, leaves.category, leaves.allowed)
    sizes = np.diff(leaves.start)
    offsets = np.concatenate([[0], np.cumsum((2**sizes) * sizes)])
    X, background = np.ascontiguousarray(X), np.ascontiguousarray(background)
    table = kernels.fold(leaves.value, *parts, offsets, background, shapley_weights(int(sizes.max(initial=1))))
    blocks = [X[i : i + BLOCK] for i in range(0, len(X), BLOCK)]
    with ThreadPoolExecutor(THREADS) as pool:  # the kernels release the GIL
        done = list(pool.map(lambda block: kernels.look_up(*parts, offsets, table, block), blocks))
    return np.concatenate(done) if done else np.zeros_like(X)
