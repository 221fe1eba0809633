"""Front, cheapest and periods: against hand arithmetic, a brute force and the statistics they are made of."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.experiments import compute_by_period, find_cheapest, mark_front
from analytics.performance import compute_metrics, compute_paired_differences


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=12))
def test_the_front_is_what_no_other_beats_on_both(points):
    value, cost = np.array(points, dtype=float).T
    front = mark_front(value, cost)
    for i, on_front in enumerate(front):
        beaten = any(
            value[j] >= value[i] and cost[j] <= cost[i] and (value[j] > value[i] or cost[j] < cost[i])
            for j in range(len(points))
        )
        assert on_front == (not beaten)
    assert front[np.lexsort((cost, -value))[0]]  # the best value at its lowest cost


def test_the_front_refuses_gaps():
    with pytest.raises(ValueError, match="without gaps"):
        mark_front([0.5, np.nan], [1, 2])
    with pytest.raises(ValueError, match="one value and one cost"):
        mark_front([0.5], [1, 2])


BOARD = pd.DataFrame({"name": ["a", "b", "c", "d"], "gini": [0.70, 0.69, 0.68, 0.50], "ms": [100, 20, 20, 1]})


def test_the_cheapest_within_the_noise_leaves_out_what_is_clearly_worse():
    apart = pd.DataFrame({"name": ["b", "c", "d"], "verdict": ["no clear difference", "no clear difference", "worse"]})
    assert find_cheapest(BOARD, apart, "ms") == "b"  # d is cheaper but worse; b and c cost the same, b has more Gini
    assert find_cheapest(BOARD, apart.assign(verdict="worse"), "ms") == "a"  # nothing within the noise: the best itself
    assert find_cheapest(BOARD, apart.assign(verdict="no clear difference"), "ms") == "d"
    with pytest.raises(ValueError, match="no experiment"):
        find_cheapest(BOARD.iloc[:0], apart, "ms")


@pytest.fixture(scope="module")
def judged():
    """Two periods, a third with one outcome only; the score `good` knows the odds, `noise` nothing."""
    draw = np.random.default_rng(5)
    rows = 4000
    odds = draw.normal(-2, 1.5, rows)
    y = (draw.random(rows) < 1 / (1 + np.exp(-odds))).astype(int)
    period = np.repeat([12, 18, 24], [1990, 1990, 20])
    y[period == 24] = 0
    scores = {"good": 1 / (1 + np.exp(-odds)), "noise": draw.random(rows)}
    return y, scores, period, draw.integers(0, 1500, rows)


def test_each_period_is_what_its_own_rows_give(judged):
    y, scores, period, loan = judged
    frame = compute_by_period(y, scores, period, "noise", cluster=loan)
    assert sorted(frame["period"].unique()) == [12, 18]  # 24 has one outcome only
    for start in (12, 18):
        here = period == start
        own = {name: values[here] for name, values in scores.items()}
        row = frame[(frame["period"] == start) & (frame["name"] == "good")].iloc[0]
        gini = compute_metrics(y[here], own, cluster=loan[here], metrics=("gini",)).iloc[0]
        apart = compute_paired_differences(y[here], own, "noise", cluster=loan[here], metrics=("gini",)).iloc[0]
        np.testing.assert_allclose(
            row[["estimate", "low", "high", "difference", "difference_low", "difference_high"]].astype(float),
            [gini["estimate"], gini["low"], gini["high"], apart["difference"], apart["low"], apart["high"]],
        )
        assert row["verdict"] == "better"
    own = frame[frame["name"] == "noise"]
    assert (own["difference"] == 0).all()
    assert own["difference_low"].isna().all()
    assert not frame["small"].any()


def test_few_rows_of_either_outcome_are_small():
    y = np.r_[np.ones(4), np.zeros(60), np.ones(60), np.zeros(4)]
    period = np.repeat([0, 6], 64)
    score = np.linspace(0.1, 0.9, 128)
    frame = compute_by_period(y, {"a": score, "b": score[::-1]}, period, "a", cluster=np.arange(128))
    assert frame["small"].tolist() == [True] * 4  # four events; four rows without
    empty = compute_by_period(np.zeros(9), {"a": score[:9]}, np.zeros(9), "a", cluster=np.arange(9))
    assert empty.empty
    assert "small" in empty
