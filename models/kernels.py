"""The numba kernels of `models.trees`. Compiled once and cached; they release the GIL.

Threads come from the caller: numba's own (parallel=True) may not be entered from two threads at a time on machines
without OpenMP or TBB, and a web server does just that. Arrays named `codes` have one row a feature.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc"

import numba
import numpy as np

_jit = numba.njit(nogil=True, cache=True)


@_jit
def encode(X, edges, edge_start, category, codes):
    """Fill `codes` (feature × row): 0 for missing, else 1 + the number of edges below x, or 1 + a category."""
    for feature in range(X.shape[1]):
        start, size = edge_start[feature], edge_start[feature + 1] - edge_start[feature]
        for row in range(X.shape[0]):
            x = X[row, feature]
            if np.isnan(x):
                codes[feature, row] = 0
            elif category[feature]:
                codes[feature, row] = np.int64(x) + 1 if 0 <= x < size else 0
            else:
                low, length = start, size
                while length > 0:  # the first edge that is not below x
                    half = length // 2
                    if edges[low + half] < x:
                        low += half + 1
                        length -= half + 1
                    else:
                        length = half
                codes[feature, row] = low - start + 1


@_jit
def _index(codes, first, last, features, luts, index):
    """Fill `index` with the cell of a group in which rows `first` to `last` lie."""
    for i in range(last - first):
        index[i] = luts[0, codes[features[0], first + i]]
    for axis in range(1, len(features)):
        lut, row = luts[axis], codes[features[axis]]
        for i in range(last - first):
            index[i] += lut[row[first + i]]


@_jit
def count(codes, axis_start, axis_feature, luts, cell_start, groups, counts):
    """Add to `counts` how many rows lie in each cell of groups[0] to groups[1]."""
    block = 4096
    index = np.empty(block, np.uint16)
    for group in range(groups[0], groups[1]):
        axes = slice(axis_start[group], axis_start[group + 1])
        cells = counts[cell_start[group] : cell_start[group + 1]]
        for first in range(0, codes.shape[1], block):
            last = min(first + block, codes.shape[1])
            _index(codes, first, last, axis_feature[axes], luts[axes], index)
            for i in range(last - first):
                cells[index[i]] += 1


@_jit
def look_up(codes, rows, axis_start, axis_feature, luts, cell_start, targets, column, table_start, table, out):
    """Add to `out` (column × row) the table entries of codes' rows[0] to rows[1], for each target of each group.

    Group g has the targets targets[g] to targets[g + 1], each with its column and its table of as many entries as
    the group has cells.
    """
    index = np.empty(rows[1] - rows[0], np.uint16)
    for group in range(len(targets) - 1):
        axes = slice(axis_start[group], axis_start[group + 1])
        size = cell_start[group + 1] - cell_start[group]
        _index(codes, rows[0], rows[1], axis_feature[axes], luts[axes], index)
        for target in range(targets[group], targets[group + 1]):
            start = table_start[group] + (target - targets[group]) * size
            values, line = table[start : start + size], out[column[target]]
            for i in range(len(index)):
                line[i] += values[index[i]]


@_jit
def _bit_count(bits):
    found = 0
    while bits:
        bits &= bits - 1
        found += 1
    return found


@_jit
def _patterns(axis_cells, conditions, holds_start, holds, patterns):
    """Fill `patterns` with which of a leaf's conditions hold in each cell of its group, one bit each."""
    patterns[:] = 0
    for bit in range(len(conditions)):
        stride = 1
        for axis in range(conditions[bit]):
            stride *= axis_cells[axis]
        size, start = axis_cells[conditions[bit]], holds_start[bit]
        for cell in range(len(patterns)):
            if holds[start + (cell // stride) % size]:
                patterns[cell] |= 1 << bit


@_jit
def _ranked(counts, patterns, k):
    """Return Z[r, c]: background rows that satisfy all that pattern c lacks and lack just r of what c satisfies."""
    size, full = 1 << k, (1 << k) - 1
    found = np.zeros((k + 1, size))
    for cell in range(len(patterns)):
        lacked = full & ~patterns[cell]
        found[_bit_count(lacked), lacked] += counts[cell]
    for rank in range(k + 1):
        for bit in range(k):  # sums over subsets
            step = 1 << bit
            for c in range(size):
                if c & step:
                    found[rank, c] += found[rank, c ^ step]
    return found


@_jit
def _fold_single(ranked, k, weights):
    """Return each of k features' attribution for each pattern of the loan."""
    out = np.zeros((k, 1 << k))
    for c in range(1 << k):
        lacking = k - _bit_count(c)
        for j in range(k):
            step, total = 1 << j, 0.0
            for r in range(k - lacking + 1):
                if c & step:
                    total += weights[0, r, lacking] * (ranked[r, c] - ranked[r, c ^ step])
                else:
                    total += weights[1, r, lacking] * ranked[r, c]
            out[j, c] = total
    return out


@_jit
def _fold_pairs(ranked, k, weights):
    """Return each pair's interaction index for each pattern of the loan; pairs in the order (0, 1), (0, 2), …."""
    out = np.zeros((k * (k - 1) // 2, 1 << k))
    for c in range(1 << k):
        lacking, pair = k - _bit_count(c), 0
        for i in range(k):
            for j in range(i + 1, k):
                one, two, total = 1 << i, 1 << j, 0.0
                for r in range(k - lacking + 1):
                    z = ranked[r, c]
                    if c & one and c & two:
                        z += ranked[r, c ^ one ^ two] - ranked[r, c ^ one] - ranked[r, c ^ two]
                        total += weights[0, r, lacking] * z
                    elif c & one:
                        total += weights[1, r, lacking] * (z - ranked[r, c ^ one])
                    elif c & two:
                        total += weights[1, r, lacking] * (z - ranked[r, c ^ two])
                    else:
                        total += weights[2, r, lacking] * z
                out[pair, c] = total
                pair += 1
    return out


@_jit
def fold(counts, axis_start, axis_cells, cell_start, leaf_start, value, condition_start, condition, holds_start, holds,
         groups, pairs, weights, table_start, table):  # fmt: skip
    """Add to `table` what each cell of groups[0] to groups[1] gives each feature, or each pair of features.

    `counts` are the background's per cell; `value` is a leaf's value divided by the background's size.
    """
    for group in range(groups[0], groups[1]):
        cells = axis_cells[axis_start[group] : axis_start[group + 1]]
        first, size = cell_start[group], cell_start[group + 1] - cell_start[group]
        patterns = np.empty(size, np.int64)
        for leaf in range(leaf_start[group], leaf_start[group + 1]):
            own = slice(condition_start[leaf], condition_start[leaf + 1])
            axes, k = condition[own], condition_start[leaf + 1] - condition_start[leaf]
            _patterns(cells, axes, holds_start[own], holds, patterns)
            ranked = _ranked(counts[first : first + size], patterns, k)
            part = _fold_pairs(ranked, k, weights) if pairs else _fold_single(ranked, k, weights)
            slot = 0
            for i in range(k):
                for j in range(i + 1, k) if pairs else range(i, i + 1):
                    low, high = min(axes[i], axes[j]), max(axes[i], axes[j])
                    place = low * (2 * len(cells) - low - 1) // 2 + high - low - 1 if pairs else low
                    start = table_start[group] + place * size
                    for cell in range(size):
                        table[start + cell] += value[leaf] * part[slot, patterns[cell]]
                    slot += 1


@_jit
def patterns_of(codes, features, masks):
    """Return which of one leaf's conditions each row satisfies; `masks` has a row of allowed codes a condition."""
    out = np.zeros(codes.shape[1], np.int64)
    for bit in range(len(features)):
        row, mask = codes[features[bit]], masks[bit]
        for i in range(len(out)):
            if mask[row[i]]:
                out[i] |= 1 << bit
    return out


@_jit
def walk(patterns, features, known, shares, single, pair, columns, out):
    """Add one leaf's attributions to `out` (column × row), background pattern by background pattern.

    `known` are the distinct patterns of the background and `shares` their shares times the leaf's value; `columns`
    is (feature × feature), the column of each pair, on its diagonal that of the feature itself or -1.
    """
    k = len(features)
    full = (1 << k) - 1
    for row in range(len(patterns)):
        c = patterns[row]
        for place in range(len(known)):
            b = known[place]
            if (c | b) != full:
                continue
            a_size, b_size = _bit_count(c & ~b), _bit_count(b & ~c)
            for i in range(k):
                in_a = (c >> i) & 1
                if in_a == (b >> i) & 1:
                    continue
                own = columns[features[i], features[i]]
                if own >= 0:
                    out[own, row] += shares[place] * single[1 - in_a, a_size, b_size]
                    continue
                for j in range(i + 1, k):
                    other = (c >> j) & 1
                    if other != (b >> j) & 1:
                        weight = pair[2 - in_a - other, a_size, b_size]
                        out[columns[features[i], features[j]], row] += shares[place] * weight
