"""Associations against closed forms, scipy and pandas; the clustered order puts planted blocks side by side."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analytics.associations import (
    compute_associations,
    compute_correlation_ratio,
    compute_cramers_v,
    compute_partners,
    to_matrix,
)


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(6)
    x = rng.normal(size=900)
    made = pd.DataFrame(
        {"x": x, "near": x + 0.05 * rng.normal(size=900), "curved": np.exp(2 * x), "z": rng.normal(size=900)}
    )
    made["zz"] = -made["z"] + 0.5 * rng.normal(size=900)
    made["kind"] = pd.cut(x, [-np.inf, -0.5, 0.5, np.inf], labels=["low", "middle", "high"]).astype(str)
    made["other"] = rng.choice(["p", "q", "r"], 900)
    made.loc[rng.random(900) < 0.3, "z"] = np.nan
    return made


NUMBERS, CATEGORIES = ["x", "near", "curved", "z", "zz"], ["kind", "other"]


def find(pairs, first, second):
    both = pairs[(pairs["first"] == first) & (pairs["second"] == second)]
    assert len(both) == 1
    return both.iloc[0]


@pytest.mark.parametrize("method", ["spearman", "pearson"])
def test_numbers_are_scipys_on_the_rows_where_both_are_known(frame, method):
    pairs = compute_associations(frame, NUMBERS, [], method=method)
    reference = {"spearman": stats.spearmanr, "pearson": stats.pearsonr}[method]
    assert len(pairs) == 10
    for _, row in pairs.iterrows():
        both = frame[[row["first"], row["second"]]].dropna()
        assert row["value"] == pytest.approx(reference(both.iloc[:, 0], both.iloc[:, 1]).statistic)
        assert row["n"] == len(both)


def test_cramers_v_closed_forms():
    # Independence exactly: χ² = 0. Perfect dependence of k equal categories: V = 1.
    assert compute_cramers_v(np.array([[10.0, 20], [30, 60]])) == 0
    assert compute_cramers_v(np.diag([40.0, 40, 40])) == pytest.approx(1)
    # 2 × 2, φ² = (ad − bc)² / (row and column sums) = (30·40 − 10·20)² / (40·60·50·50) = 1/6; n = 100
    v = compute_cramers_v(np.array([[30.0, 10], [20, 40]]))
    assert v == pytest.approx(np.sqrt((1 / 6 - 1 / 99) / (1 - 1 / 99)))
    assert np.isnan(compute_cramers_v(np.array([[5.0, 7]])))


def test_correlation_ratio_by_hand():
    # Groups 1 2 3 and 5 6 7: total 28, between 2·3·2² = 24, η² = 6/7; ε² = 1 − (1/7)·5/4
    values, codes = np.array([1.0, 2, 3, 5, 6, 7]), np.array([0, 0, 0, 1, 1, 1])
    assert compute_correlation_ratio(values, codes) == pytest.approx(np.sqrt(1 - 5 / 28))
    # The F of a one-way analysis of variance is η²/(1 − η²)·(n − k)/(k − 1)
    f = stats.f_oneway(values[:3], values[3:]).statistic
    assert f == pytest.approx((6 / 7) / (1 / 7) * 4)


def test_rank_eta_is_kruskal_wallis(frame):
    row = find(compute_associations(frame, ["z"], ["kind"]), "z", "kind")
    known = frame.dropna(subset=["z"])
    groups = [part["z"] for _, part in known.groupby("kind")]
    eta2 = stats.kruskal(*groups).statistic / (len(known) - 1)  # H = (n − 1) η² of ranks
    epsilon2 = max(0.0, 1 - (1 - eta2) * (len(known) - 1) / (len(known) - 3))
    assert row["value"] == pytest.approx(np.sqrt(epsilon2))
    assert row["measure"] == "η"


def test_independent_fields_average_near_nought():
    # Without correction V of 12 × 12 categories on 400 rows would be about √(11/400) = 0.17
    rng = np.random.default_rng(2)
    values = []
    for _ in range(60):
        table = np.zeros((12, 12))
        np.add.at(table, (rng.integers(12, size=400), rng.integers(12, size=400)), 1)
        values.append(compute_cramers_v(table))
    assert np.mean(values) < 0.05


def test_near_duplicates_are_told(frame):
    pairs = compute_associations(frame, NUMBERS, CATEGORIES)
    assert {frozenset(pair) for pair in pairs[pairs["duplicate"]][["first", "second"]].to_numpy()} == {
        frozenset({"x", "near"}), frozenset({"x", "curved"}), frozenset({"near", "curved"})
    }  # fmt: skip
    # A curve is no straight line: Pearson sees less
    assert abs(find(compute_associations(frame, NUMBERS, [], method="pearson"), "x", "curved")["value"]) < 0.8


def test_too_few_rows_give_no_value(frame):
    few = frame.assign(rare=np.where(np.arange(900) < 20, frame["x"], np.nan))
    row = find(compute_associations(few, ["x", "rare"], []), "x", "rare")
    assert np.isnan(row["value"])
    assert row["n"] == 20


def test_matrix_is_symmetric_and_puts_blocks_side_by_side(frame):
    matrix = to_matrix(compute_associations(frame, NUMBERS, CATEGORIES))
    np.testing.assert_allclose(matrix, matrix.T)
    np.testing.assert_allclose(np.diag(matrix), 1)
    order = list(matrix.index)
    block = sorted(order.index(name) for name in ("x", "near", "curved", "kind"))
    assert block == list(range(block[0], block[0] + 4))
    assert abs(order.index("z") - order.index("zz")) == 1


def test_matrix_keeps_the_fields_with_the_strongest_ties(frame):
    matrix = to_matrix(compute_associations(frame, NUMBERS, CATEGORIES), most=3)
    assert set(matrix.index) == {"x", "near", "curved"}


def test_partners_are_sorted_and_complete(frame):
    pairs = compute_associations(frame, NUMBERS, CATEGORIES)
    partners = compute_partners(pairs, "zz")
    assert partners["field"].iloc[0] == "z"
    assert partners["value"].iloc[0] < -0.8
    assert set(partners["field"]) == {"x", "near", "curved", "z", "kind", "other"}
    assert partners["size"].is_monotonic_decreasing
