"""The numba kernels of `models.trees`. Compiled once and cached; they release the GIL."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc"

import numba
import numpy as np

_jit = numba.njit(nogil=True, cache=True)


@_jit
def _pattern(leaf, start, feature, low, high, missing, category, allowed, row):
    """Return which of a leaf's conditions `row` satisfies, one bit each."""
    bits = 0
    for j in range(start[leaf], start[leaf + 1]):
        value = row[feature[j]]
        if np.isnan(value):
            holds = missing[j]
        elif category[j]:
            code = np.int64(value)
            holds = (allowed[j, code >> 6] >> np.uint64(code & 63)) & np.uint64(1) == np.uint64(1)
        else:
            holds = low[j] < value <= high[j]
        if holds:
            bits |= 1 << (j - start[leaf])
    return bits


@_jit
def _bit_count(bits):
    count = 0
    while bits:
        bits &= bits - 1
        count += 1
    return count


@_jit
def fold(values, start, feature, low, high, missing, category, allowed, offsets, background, weights):
    """Return every leaf's table: for each pattern of a loan, each path feature's attribution."""
    table = np.zeros(offsets[-1])
    for leaf in range(len(values)):
        size = start[leaf + 1] - start[leaf]
        full = (1 << size) - 1
        counts = np.zeros(full + 1)
        for i in range(len(background)):
            counts[_pattern(leaf, start, feature, low, high, missing, category, allowed, background[i])] += 1.0
        for c in range(full + 1):
            lacking = full & ~c
            common = c  # walk the subsets of c: a background row must satisfy all that the loan lacks
            while True:
                b = lacking | common
                if counts[b] > 0:
                    share = values[leaf] * counts[b] / len(background)
                    in_a, in_b = _bit_count(c & ~b), _bit_count(lacking)
                    for j in range(size):
                        if (c >> j) & 1 and not (b >> j) & 1:
                            table[offsets[leaf] + c * size + j] += share * weights[0, in_a, in_b]
                        elif (lacking >> j) & 1:
                            table[offsets[leaf] + c * size + j] += share * weights[1, in_a, in_b]
                if common == 0:
                    break
                common = (common - 1) & c
    return table


@_jit
def look_up(start, feature, low, high, missing, category, allowed, offsets, table, rows):
    """Return the attributions of `rows`, shape (rows, features)."""
    out = np.zeros(rows.shape)
    for i in range(len(rows)):
        for leaf in range(len(start) - 1):
            bits = _pattern(leaf, start, feature, low, high, missing, category, allowed, rows[i])
            size = start[leaf + 1] - start[leaf]
            for j in range(size):
                out[i, feature[start[leaf] + j]] += table[offsets[leaf] + bits * size + j]
    return out
