"""The numba kernels of `analytics.bootstrap`. Compiled once and cached; they release the GIL.

Sixteen or so resamples ("lanes") run side by side, so that each row's random access to its loan is paid once for
all. Threads come from the caller: numba's own (parallel=True) may not be entered from two threads at a time on
machines without OpenMP or TBB, and a web server does just that.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc"

import numba
import numpy as np

_jit = numba.njit(nogil=True, cache=True, fastmath=False)


@_jit
def count_draws(picks, start, counts):
    """Add to `counts` (loan × lane) how often each loan was drawn; `picks` (lane × draw) count loans from `start`."""
    for lane in range(picks.shape[0]):
        for draw in range(picks.shape[1]):
            counts[start + picks[lane, draw], lane] += 1


@_jit
def sum_averages(counts, factors, with_event, sums):
    """Return per lane the weighted totals of `sums` (loan × column); weights are counts · factor of the stratum."""
    lanes, columns = counts.shape[1], sums.shape[1]
    total = np.zeros((columns, lanes))
    for loan in range(counts.shape[0]):
        factor = factors[0] if loan < with_event else factors[1]
        for column in range(columns):
            value = sums[loan, column]
            for lane in range(lanes):
                total[column, lane] += value * counts[loan, lane] * factor[lane]
    return total


@_jit
def rank(counts, factors, with_event, codes, event, ends, weight, events, top):
    """Return AUC, KS and lift (lane) of one score, whose rows come in ascending order of PD.

    `codes` is each row's loan, `event` its outcome, `ends` the rows that end a group of equal PDs; `weight` and
    `events` are each lane's totals, `top` the share of rows that lift takes from above (ties in proportion).
    """
    lanes = counts.shape[1]
    result = np.zeros((3, lanes))
    below, rest_below = np.zeros(lanes), np.zeros(lanes)
    tie, rest_tie = np.zeros(lanes), np.zeros(lanes)
    for row in range(codes.size):
        loan = codes[row]
        factor = factors[0] if loan < with_event else factors[1]
        if event[row]:
            for lane in range(lanes):
                tie[lane] += counts[loan, lane] * factor[lane]
        else:
            for lane in range(lanes):
                rest_tie[lane] += counts[loan, lane] * factor[lane]
        if ends[row]:
            for lane in range(lanes):
                result[0, lane] += tie[lane] * (rest_below[lane] + 0.5 * rest_tie[lane])
                before = below[lane] + rest_below[lane]
                cut = (1 - top) * weight[lane]
                after = before + tie[lane] + rest_tie[lane]
                if before <= cut < after:
                    inside = (cut - before) / (after - before)
                    result[2, lane] = 1 - (below[lane] + inside * tie[lane]) / events[lane]
                below[lane] += tie[lane]
                rest_below[lane] += rest_tie[lane]
                gap = abs(below[lane] / events[lane] - rest_below[lane] / (weight[lane] - events[lane]))
                result[1, lane] = max(result[1, lane], gap)
                tie[lane] = 0.0
                rest_tie[lane] = 0.0
    for lane in range(lanes):
        result[0, lane] /= events[lane] * (weight[lane] - events[lane])
        result[2, lane] /= top
    return result
