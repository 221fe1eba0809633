"""A fitted HistGradientBoostingClassifier as leaves over small whole numbers that tell all its splits apart.

Trees of other libraries are read by `models.foreign_trees` into the same form. Splits are compared as scikit-learn
compares its bins: a value becomes the number of the trees' thresholds below it (plus one), a missing or unknown value
0, a category its own number (plus one). The thresholds are read from the trees, not from the binning, which a warm
start makes anew while the older trees stay.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from models.encoding import Matrix
from models.leaf_groups import Leaf, Mask, Plan, Tree, Whole, plan_groups
from portfolio.errors import HypothecError

MAX_WALKED_FEATURES = 62  # a pattern is one whole number of 64 bits
MAX_CODES = 8192  # every axis of every group has a table of them

Codes = npt.NDArray[np.uint8 | np.uint16]


@dataclass(frozen=True)
class Forest:
    """A fitted classifier's trees as leaf groups, and how its features (in its own order) become codes.

    `prepare` turns what the classifier is given into the numbers its trees compare, float64, in their order.
    Feature f's thresholds are edges[edge_start[f]] to edges[edge_start[f + 1]]; a category has as many edges as
    known categories. `column` is the place of f in what the classifier is given.
    """

    prepare: Callable[[Any], Matrix]
    column: Whole
    edges: Matrix
    edge_start: Whole
    category: Mask
    plan: Plan

    def encode(self, X: Any) -> Codes:
        """Return the codes of `X` (whatever the classifier takes), shape (features, rows)."""
        from models import kernels  # numba compiles on first use

        rows = np.ascontiguousarray(self.prepare(X))
        codes: Codes = np.empty(rows.shape[::-1], dtype=np.uint8 if self.plan.luts.shape[1] <= 256 else np.uint16)
        kernels.encode(rows, self.edges, self.edge_start, self.category, codes)
        return codes


def read_forest(classifier: HistGradientBoostingClassifier) -> Forest:
    """Return any fitted binary classifier's forest; its leaf values add up to the log-odds without the baseline."""
    if classifier.n_trees_per_iteration_ != 1:
        raise HypothecError(f"attributions need two classes, the trees were fitted on {len(classifier.classes_)}")
    mapper, features = classifier._bin_mapper, classifier.n_features_in_
    mask = np.zeros(features, bool) if classifier.is_categorical_ is None else classifier.is_categorical_
    # The classifier moves its category columns to the front before it grows trees.
    column = np.concatenate([np.flatnonzero(mask), np.flatnonzero(~mask)])
    predictors = [predictor for (predictor,) in classifier._predictors]
    nodes = np.concatenate([predictor.nodes for predictor in predictors])
    splits = nodes[(nodes["is_leaf"] == 0) & (nodes["num_threshold"] < np.inf)]
    edges = []
    for feature in range(features):
        if mapper.is_categorical_[feature]:
            edges.append(np.arange(int(max(mapper.bin_thresholds_[feature], default=-1)) + 1, dtype=np.float64))
        else:
            edges.append(np.unique(splits["num_threshold"][splits["feature_idx"] == feature]))
    reader = _Reader(edges, *mapper.make_known_categories_bitsets())
    trees = [reader.read(predictor) for predictor in predictors]
    prepare = partial(classifier._preprocess_X, reset=False)
    return build_forest(trees, prepare, column, edges, mapper.is_categorical_.astype(bool))


def build_forest(
    trees: Sequence[Tree], prepare: Callable[[Any], Matrix], column: Whole, edges: Sequence[Matrix], category: Mask
) -> Forest:
    """Return the forest of trees that were read, whose leaves' masks are over the codes that `edges` make."""
    most_codes = max(map(len, edges)) + 2
    if most_codes > MAX_CODES:
        raise HypothecError(
            f"the trees split a feature at {most_codes - 2:,} places; exact attributions take at most {MAX_CODES - 2:,}"
        )
    plan = plan_groups(trees, most_codes)
    most = max((len(leaf.masks) for leaf in plan.deep), default=0)
    if most > MAX_WALKED_FEATURES:
        raise HypothecError(
            f"a tree path uses {most} features; exact attributions take at most {MAX_WALKED_FEATURES}: "
            "fit with a smaller max_depth"
        )
    starts = np.cumsum([0, *map(len, edges)], dtype=np.int64)
    return Forest(prepare, column, np.concatenate(edges), starts, category, plan)


class _Reader:
    """Turns the nodes of one tree into leaves with a mask of codes for each feature on the path."""

    def __init__(self, edges: list[Matrix], known: Any, known_row: Any) -> None:
        self.edges, self.known, self.known_row = edges, known, known_row

    def read(self, predictor: Any) -> Tree:
        """Return a predictor's tree."""
        self.nodes, self.bitsets = predictor.nodes, predictor.raw_left_cat_bitsets
        return self._below(0, {})

    def _below(self, position: int, path: dict[int, Mask]) -> Tree:
        node = self.nodes[position]
        if node["is_leaf"]:
            return Leaf(float(node["value"]), path)
        feature, left = int(node["feature_idx"]), self._left(node)
        before = path.get(feature, np.ones(len(left), dtype=bool))
        return (
            self._below(int(node["left"]), {**path, feature: before & left}),
            self._below(int(node["right"]), {**path, feature: before & ~left}),
        )

    def _left(self, node: Any) -> Mask:
        """Return which codes go left at `node`."""
        feature = int(node["feature_idx"])
        edges, missing = self.edges[feature], bool(node["missing_go_to_left"])
        if node["is_categorical"]:
            size = len(edges)
            left = _bits(self.bitsets[node["bitset_idx"]], size)
            unknown = ~_bits(self.known[self.known_row[feature]], size)
            return _with_missing(missing, left | (unknown & missing))
        # A split of missing from all other values has an infinite threshold.
        place = np.searchsorted(edges, node["num_threshold"])
        left = np.arange(len(edges) + 1) <= place
        return _with_missing(missing, left)


def _with_missing(missing: bool, others: Mask) -> Mask:
    """Return a mask of codes: code 0 is missing."""
    return np.concatenate([np.array([missing]), others])


def _bits(words: Any, size: int) -> Mask:
    """Return which of the first `size` bits of 32-bit `words` are set."""
    numbers = np.arange(size)
    bits = np.asarray(words, dtype=np.uint32)[numbers >> 5] >> (numbers & 31).astype(np.uint32)
    return np.asarray(bits & 1, dtype=bool)
