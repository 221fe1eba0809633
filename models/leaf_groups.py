"""Leaves of trees put together into groups that share one table, so that many leaves cost one look-up.

A row's codes (one small whole number a feature) decide which conditions of a leaf hold. Within a group, the codes of
a feature that no leaf of the group tells apart are one; the combinations of what is left are the group's cells.
Neighbouring leaves share most of their path, so a subtree often has few cells: it then becomes one group.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.encoding import Matrix

MAX_TABLE_FEATURES = 16  # a leaf's table has 2^k rows, numbered in two bytes, and is folded in k^2 2^k steps
MAX_MERGED_CELLS = 512  # a column of a merged table, 4 KB, stays in the nearest cache
TABLE_BYTES = 2**30

Mask = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Leaf:
    """A leaf's value and, for each feature on its path, the codes that lead there."""

    value: float
    masks: dict[int, Mask]


@dataclass(frozen=True)
class Group:
    """Leaves and, for each feature that one of them uses, which of `sizes` cells each code belongs to."""

    leaves: tuple[Leaf, ...]
    cells: dict[int, Whole]
    sizes: dict[int, int]

    @classmethod
    def of(cls, leaf: Leaf) -> "Group":
        """Return the group of one leaf: a feature's condition holds or not."""
        return cls((leaf,), {f: mask.astype(np.int64) for f, mask in leaf.masks.items()}, dict.fromkeys(leaf.masks, 2))

    @property
    def count(self) -> int:
        """The number of cells."""
        return int(np.prod(list(self.sizes.values())))


Tree = Leaf | tuple["Tree", "Tree"]


def group_leaves(tree: Tree, most_features: int) -> tuple[list[Group], list[Leaf]]:
    """Return a tree's groups, and the leaves with more than `most_features` features, which have no table."""
    if isinstance(tree, Leaf):
        masks = {feature: mask for feature, mask in tree.masks.items() if not mask.all()}
        if not masks or not all(mask.any() for mask in masks.values()):
            return [], []  # reached by every row or by none: it moves nothing
        leaf = Leaf(tree.value, masks)
        return ([Group.of(leaf)], []) if len(masks) <= most_features else ([], [leaf])
    (left, deep_left), (right, deep_right) = (group_leaves(child, most_features) for child in tree)
    deep = deep_left + deep_right
    if len(left) == len(right) == 1:
        both = _merge(left[0], right[0])
        if both.count <= MAX_MERGED_CELLS:
            return [both], deep
    return left + right, deep


def _merge(one: Group, two: Group) -> Group:
    cells, sizes = one.cells | two.cells, one.sizes | two.sizes
    for feature in one.cells.keys() & two.cells.keys():
        key = one.cells[feature] * two.sizes[feature] + two.cells[feature]
        seen = np.zeros(one.sizes[feature] * two.sizes[feature], dtype=np.int64)
        seen[key] = 1
        cells[feature] = (np.cumsum(seen) - 1)[key]
        sizes[feature] = int(seen.sum())
    return Group(one.leaves + two.leaves, cells, sizes)


@dataclass(frozen=True)
class Plan:
    """All groups, flat. Group g has the axes (its features) axis_start[g] to axis_start[g + 1], and so on.

    `luts` gives, for an axis and a code, what it adds to the number of the cell. A leaf's condition lies on the axis
    `condition` of its group and holds in cell c of that axis where `holds` at holds_start + c is true.
    """

    axis_start: Whole
    axis_feature: Whole
    axis_cells: Whole
    luts: npt.NDArray[np.uint16]
    cell_start: Whole
    leaf_start: Whole
    value: Matrix
    condition_start: Whole
    condition: Whole
    holds_start: Whole
    holds: Mask
    deep: tuple[Leaf, ...]

    @property
    def groups(self) -> int:
        """The number of groups."""
        return len(self.axis_start) - 1

    def widths(self, pairs: bool) -> Whole:
        """Return each group's number of targets: its features, or their pairs."""
        features = np.diff(self.axis_start)
        return features * (features - 1) // 2 if pairs else features


def plan_groups(trees: Sequence[Tree], codes: int) -> Plan:
    """Return the plan of `trees` for codes below `codes`; deep leaves are those for whom there is no table.

    A leaf of more than `MAX_TABLE_FEATURES` features is deep, or of fewer if the tables would pass `TABLE_BYTES`.
    """
    leaves = np.bincount(
        [len(leaf.masks) for tree in trees for leaf in _leaves(tree)], minlength=MAX_TABLE_FEATURES + 1
    )
    features = np.arange(MAX_TABLE_FEATURES + 1)
    taken = np.cumsum(leaves[: len(features)] * features * 2.0**features * 8)
    most = int(features[taken <= TABLE_BYTES].max(initial=0))
    found = [group_leaves(tree, most) for tree in trees]
    groups = [group for some, _ in found for group in some]
    return _flatten(groups, tuple(leaf for _, some in found for leaf in some), codes)


def _leaves(tree: Tree) -> Iterable[Leaf]:
    if isinstance(tree, Leaf):
        yield tree
    else:
        yield from _leaves(tree[0])
        yield from _leaves(tree[1])


def _flatten(groups: Sequence[Group], deep: tuple[Leaf, ...], codes: int) -> Plan:
    features = [feature for group in groups for feature in group.cells]
    luts = np.zeros((len(features), codes), dtype=np.uint16)
    leaves = [leaf for group in groups for leaf in group.leaves]
    conditions: list[int] = []
    holds: list[Mask] = []
    place = 0
    for group in groups:
        axes, stride = {feature: axis for axis, feature in enumerate(group.cells)}, 1
        for feature, cells in group.cells.items():
            luts[place, : len(cells)] = cells * stride
            stride *= group.sizes[feature]
            place += 1
        for leaf in group.leaves:
            for feature, mask in leaf.masks.items():
                conditions.append(axes[feature])
                held = np.zeros(group.sizes[feature], dtype=bool)
                held[group.cells[feature]] = mask
                holds.append(held)
    return Plan(
        axis_start=_starts(len(group.cells) for group in groups),
        axis_feature=np.array(features, dtype=np.int64),
        axis_cells=np.array([size for group in groups for size in group.sizes.values()], dtype=np.int64),
        luts=luts,
        cell_start=_starts(group.count for group in groups),
        leaf_start=_starts(len(group.leaves) for group in groups),
        value=np.array([leaf.value for leaf in leaves]),
        condition_start=_starts(len(leaf.masks) for leaf in leaves),
        condition=np.array(conditions, dtype=np.int64),
        holds_start=_starts(len(held) for held in holds)[:-1],
        holds=np.concatenate(holds) if holds else np.zeros(0, dtype=bool),
        deep=deep,
    )


def _starts(sizes: Iterable[int]) -> Whole:
    return np.cumsum([0, *sizes], dtype=np.int64)
