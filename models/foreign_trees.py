"""The trees of LightGBM and XGBoost classifiers in the leaf form of `models.forest`, read from the libraries' dumps.

Both dumps become the same nodes, and each node is asked which codes it sends to the left. What they differ in:
LightGBM compares x <= threshold in float64, XGBoost x < threshold in float32, which is x <= the float32 number before
the threshold, once x is rounded to float32. LightGBM sends the categories of a split's set to the left and all others,
missing ones too, to the right; XGBoost sends the set to the right and has a side for missing values at every split.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from models.encoding import Matrix
from models.forest import Forest, build_forest
from models.leaf_groups import Leaf, Mask, Tree
from portfolio.errors import HypothecError

LIGHTGBM_ZERO = float(np.float32(1e-35))  # LightGBM's kZeroThreshold: nearer to zero is zero

Missing = str  # "nan": a side for missing values; "zero": the same side for zeros; "none": missing values count as zero


@dataclass(frozen=True)
class Split:
    """A node: what is <= `threshold`, or one of the categories of `chosen`, goes left, the rest right."""

    feature: int
    threshold: float
    chosen: frozenset[int] | None
    missing: Missing
    default_left: bool
    left: "Node"
    right: "Node"


Node = float | Split


def read_lightgbm(booster: Any) -> Forest:
    """Return the forest of a fitted lightgbm.Booster of two classes, up to its best iteration."""
    dump = booster.dump_model()
    objective, *options = dump["objective"].split()
    if objective != "binary" or dump["num_tree_per_iteration"] != 1:
        raise HypothecError(f"exact attributions need LightGBM's objective binary, got {dump['objective']!r}")
    # The probability is 1 / (1 + exp(-sigmoid * sum of leaves)).
    scale = float(dict(option.split(":") for option in options).get("sigmoid", 1.0))
    if dump["average_output"]:
        scale /= len(dump["tree_info"])
    roots = [_lightgbm_node(tree["tree_structure"], scale) for tree in dump["tree_info"]]
    names = dump["pandas_categorical"] or []
    prepare = _numbers(np.float64, lambda values: np.trunc(values) < 0, names, nothing=LIGHTGBM_ZERO)
    return _forest(roots, dump["max_feature_idx"] + 1, prepare)


def _lightgbm_node(node: Mapping[str, Any], scale: float) -> Node:
    if "split_feature" not in node:
        if "leaf_coeff" in node:
            raise HypothecError("exact attributions need constant leaves; LightGBM's linear_tree has none")
        return float(node["leaf_value"]) * scale
    category = node["decision_type"] == "=="
    return Split(
        feature=node["split_feature"],
        threshold=np.nan if category else float(node["threshold"]),
        chosen=frozenset(map(int, node["threshold"].split("||"))) if category else None,
        missing="nan" if category else node["missing_type"].lower(),
        default_left=not category and node["default_left"],
        left=_lightgbm_node(node["left_child"], scale),
        right=_lightgbm_node(node["right_child"], scale),
    )


def read_xgboost(booster: Any, missing: float = np.nan) -> Forest:
    """Return the forest of a fitted xgboost.Booster of two classes; `missing` is the number that stands for missing.

    All trees of the booster count: slice it first where fitting stopped early.
    """
    learner = json.loads(booster.save_raw("json"))["learner"]
    name, gradient = learner["objective"]["name"], learner["gradient_booster"]
    if name not in ("binary:logistic", "binary:logitraw", "reg:logistic"):
        raise HypothecError(f"exact attributions need XGBoost's objective binary:logistic, got {name!r}")
    if gradient["name"] not in ("gbtree", "dart"):
        raise HypothecError(f"exact attributions need XGBoost's trees, got its booster {gradient['name']!r}")
    weights = gradient.get("weight_drop")  # dart weighs its trees
    model = (gradient["gbtree"] if gradient["name"] == "dart" else gradient)["model"]
    trees = zip(model["trees"], weights or [1.0] * len(model["trees"]), strict=True)
    roots = [_xgboost_node(_columns(tree), 0, weight) for tree, weight in trees]
    features = int(learner["learner_model_param"]["num_feature"])
    names = [found for item in model.get("cats", {}).get("enc", []) if (found := _category_names(item))]
    return _forest(roots, features, _numbers(np.float32, lambda values: values < 0, names, missing=missing))


def _columns(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tree's columns, its sets of categories by node."""
    segments = zip(tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True)
    sets = {node: frozenset(tree["categories"][start : start + size]) for node, start, size in segments}
    return {**tree, "sets": sets}


def _category_names(encoded: Mapping[str, Sequence[int]]) -> list[Any]:
    """Return a column's categories by number: words, kept as bytes from offset to offset, or whole numbers."""
    offsets, values = encoded.get("offsets", []), encoded["values"]
    if not offsets:
        return list(values)
    return [bytes(value & 255 for value in values[start:end]).decode() for start, end in pairwise(offsets)]


def _xgboost_node(tree: Mapping[str, Any], node: int, scale: float) -> Node:
    left, right = tree["left_children"][node], tree["right_children"][node]
    condition = np.float32(tree["split_conditions"][node])
    if left < 0:
        return float(condition) * scale
    default_left, chosen = bool(tree["default_left"][node]), tree["sets"].get(node)
    if tree["split_type"][node] == 1:  # the set goes to the right: sides are swapped
        chosen, default_left, left, right = chosen or frozenset(), not default_left, right, left
    return Split(
        feature=tree["split_indices"][node],
        threshold=float(np.nextafter(condition, np.float32(-np.inf))),
        chosen=chosen,
        missing="nan",
        default_left=default_left,
        left=_xgboost_node(tree, left, scale),
        right=_xgboost_node(tree, right, scale),
    )


Prepare = Callable[[Any], Matrix]


def _numbers(
    kind: type[np.floating[Any]],
    negative: Callable[[Matrix], Mask],
    names: Sequence[Sequence[Any]],
    *,
    missing: float = np.nan,
    nothing: float = 0.0,
) -> Callable[[Sequence[int]], Prepare]:
    """Return what makes, of each feature's number of categories (0 for a number), the function that prepares rows.

    `kind` is the precision in which the library compares, `negative` what it takes for no category, `names` the
    categories, by number, of a frame's columns of the type category, `missing` what stands for missing; what is at
    most `nothing` is 0.
    """

    def for_sizes(sizes: Sequence[int]) -> Prepare:
        def prepare(X: Any) -> Matrix:
            compared = _matrix(X, names).astype(kind)
            values = np.where(compared == kind(missing), np.nan, compared).astype(np.float64)
            values[np.abs(values) <= nothing] = 0.0
            for feature, size in enumerate(sizes):
                if size:
                    column = values[:, feature]
                    unknown = negative(column) | (np.trunc(column) >= size)
                    # A category that no split knows is unlike a missing one: it gets the last number.
                    values[:, feature] = np.where(unknown, size - 1, np.trunc(column))
            return values

        return prepare

    return for_sizes


def _matrix(X: Any, names: Sequence[Sequence[Any]]) -> Matrix:
    """Return rows as numbers; a category is its number among `names`, one that is not there is missing."""
    if not isinstance(X, pd.DataFrame):
        return np.array(X, dtype=np.float64)
    words = [place for place, kind in enumerate(X.dtypes) if isinstance(kind, pd.CategoricalDtype)]
    known = dict(zip(words, names, strict=True))
    columns = [pd.Index(known[i]).get_indexer(X.iloc[:, i]) if i in known else X.iloc[:, i] for i in range(X.shape[1])]
    values = np.column_stack([np.asarray(column, dtype=np.float64) for column in columns])
    values[:, words] = np.where(values[:, words] < 0, np.nan, values[:, words])
    return values


def _forest(roots: Sequence[Node], features: int, prepare: Callable[[Sequence[int]], Prepare]) -> Forest:
    splits: list[list[Split]] = [[] for _ in range(features)]
    for split in (split for root in roots for split in _splits(root)):
        splits[split.feature].append(split)
    category = np.array([any(split.chosen is not None for split in own) for own in splits], dtype=bool)
    edges = [_category_edges(own) if category[f] else _edges(own) for f, own in enumerate(splits)]
    trees = [_tree(root, edges, {}) for root in roots]
    sizes = [len(edge) if is_category else 0 for edge, is_category in zip(edges, category, strict=True)]
    return build_forest(trees, prepare(sizes), np.arange(features), edges, category)


def _splits(node: Node) -> Iterable[Split]:
    if isinstance(node, Split):
        yield node
        yield from _splits(node.left)
        yield from _splits(node.right)


def _edges(splits: Sequence[Split]) -> Matrix:
    """Return the places between which no split tells two numbers apart."""
    edges = [split.threshold for split in splits]
    if any(split.missing == "zero" for split in splits):
        edges += [float(np.nextafter(-LIGHTGBM_ZERO, -np.inf)), LIGHTGBM_ZERO]
    return np.unique(np.array(edges, dtype=np.float64))


def _category_edges(splits: Sequence[Split]) -> Matrix:
    """Return the categories that splits know and one more for all others."""
    known = max((max(split.chosen, default=-1) for split in splits if split.chosen is not None), default=-1)
    return np.arange(known + 2, dtype=np.float64)


def _tree(node: Node, edges: Sequence[Matrix], path: dict[int, Mask]) -> Tree:
    if not isinstance(node, Split):
        return Leaf(node, path)
    left = _goes_left(node, edges[node.feature])
    before = path.get(node.feature, np.ones(len(left), dtype=bool))
    return (
        _tree(node.left, edges, {**path, node.feature: before & left}),
        _tree(node.right, edges, {**path, node.feature: before & ~left}),
    )


def _goes_left(split: Split, edges: Matrix) -> Mask:
    """Return which codes go left: code 0 is missing, code i + 1 a category, or the numbers up to edge i."""
    if split.chosen is not None:
        return np.array([split.default_left, *(int(number) in split.chosen for number in edges)], dtype=bool)
    # Every number of an interval goes where its upper end goes.
    values = np.r_[0.0 if split.missing != "nan" else np.nan, edges, np.inf]
    left = values <= split.threshold
    aside = np.isnan(values) if split.missing == "nan" else np.abs(values) <= LIGHTGBM_ZERO
    return np.asarray(np.where(aside & (split.missing != "none"), split.default_left, left), dtype=bool)
