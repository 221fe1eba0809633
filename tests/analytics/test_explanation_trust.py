"""Additivity, reasons and their stability by hand arithmetic; what repeats must do on values whose spread is known."""

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from analytics.explanation_trust import (
    compute_additivity,
    compute_outside,
    compute_reason_shares,
    compute_repeats,
    compute_spread,
    find_reasons,
    group_attributions,
)
from analytics.what_if import Range


def fetch(expression):
    return expression.to_pandas()


def test_the_largest_gap_is_found_and_rows_without_attributions_do_not_count():
    # −3 + 0.5 − 0.2 = −2.7 in both explained rows; the second says −2.6: a gap of 0.1, and of 0.05 on average.
    table = ibis.memtable(
        pd.DataFrame({"log_odds": [-2.7, -2.6, 9.0], "base": [-3.0, -3.0, None], "phi_a": [0.5, 0.5, None],
                      "phi_b": [-0.2, -0.2, None], "noise": [0.01, 0.03, None]})
    )  # fmt: skip
    row = compute_additivity(table, fetch).iloc[0]
    assert row["n"] == 2
    assert row["largest"] == pytest.approx(0.1)
    assert row["mean"] == pytest.approx(0.05)
    assert (row["noise_50"], row["noise_100"]) == (pytest.approx(0.02), pytest.approx(0.03))
    assert "gap_50" not in row


def test_scores_without_attributions_are_refused():
    with pytest.raises(ValueError, match="score the snapshot with explanations"):
        compute_additivity(ibis.memtable(pd.DataFrame({"log_odds": [1.0], "pd": [0.7]})), fetch)


def test_groups_are_summed_before_anything_is_ranked():
    grouped, names = group_attributions(np.array([0.6, -0.6, 0.1]), ["ltv", "balance", "age"],
                                        {"ltv": "equity", "balance": "equity"})  # fmt: skip
    assert names == ("equity", "age")
    assert grouped == pytest.approx([0.0, 0.1])
    assert find_reasons(grouped).tolist() == [False, True]  # what cancels is no reason


def test_reasons_are_the_largest_of_each_sign():
    phi = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.04, -0.06, -0.01])
    assert find_reasons(phi).tolist() == [True, True, True, True, False, False, True, False]
    assert find_reasons(phi, top=1).tolist() == [True, *[False] * 5, True, False]


def test_a_reason_is_given_again_with_the_same_sign_only():
    recorded = np.array([0.5, -0.4, 0.01])
    repeated = np.array([[0.4, -0.3, 0.2], [0.5, 0.3, 0.0], [0.01, -0.4, 0.0], [0.6, -0.2, 0.0]])
    # a: all but the third (0.01 is negligible); b: all but the second (turned); c is no reason.
    np.testing.assert_allclose(compute_reason_shares(recorded, repeated), [0.75, 0.75, np.nan])


def test_repeats_by_hand():
    recorded = np.array([[0.9, 0.3, 0.1], [0.2, 0.8, -0.1]])
    swapped = recorded[:, [1, 0, 2]]
    found = compute_repeats(recorded, np.stack([recorded, swapped]), ["background", "seed"], [0, 7], top=1)
    assert found["kind"].tolist() == ["background", "seed"]
    assert found.loc[0, ["rank_correlation", "overlap", "again", "top_changed"]].tolist() == [1, 1, 1, 0]
    # Importances (0.55, 0.55, 0.1) before and after: ties, so the ranks are the same and the first is still the first.
    assert found.loc[1, "rank_correlation"] == pytest.approx(1)
    assert found.loc[1, "top_changed"] == 1  # each loan's largest is now the other's


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_rank_correlation_is_scipys(seed):
    draw = np.random.default_rng(seed)
    recorded, other = draw.normal(size=(2, 12, 6))
    found = compute_repeats(recorded, other[None], ["seed"], [seed])
    expected = spearmanr(np.abs(recorded).mean(axis=0), np.abs(other).mean(axis=0)).statistic
    assert found["rank_correlation"][0] == pytest.approx(expected)


def test_the_spread_is_the_standard_deviation_of_a_loans_attribution():
    recorded = np.array([[2.0, 0.0], [4.0, 0.0]])
    # Feature a: ±1 around either loan over two repeats: sd = √2; its mean size is 3. Feature b never moves.
    repeated = recorded + np.array([1.0, -1.0])[:, None, None] * np.array([1.0, 0.0])
    found = compute_spread(recorded, repeated, ["a", "b"]).set_index("feature")
    assert found.loc["a", ["importance", "spread", "share"]].tolist() == pytest.approx([3, 2**0.5, 2**0.5 / 3])
    assert found.loc["b", "spread"] == 0
    assert np.isnan(found.loc["b", "share"])


def test_backgrounds_of_a_linear_model_spread_by_the_standard_error_of_their_mean():
    # φ = β (x − mean b): over backgrounds of 100 rows its standard deviation is β σ / √100.
    draw = np.random.default_rng(0)
    x, beta, sigma = draw.normal(size=(50, 1)), 1.5, 2.0
    means = draw.normal(0, sigma, (400, 100)).mean(axis=1)
    found = compute_spread(beta * x, beta * (x[None] - means[:, None, None]), ["x"])
    assert found["spread"][0] == pytest.approx(beta * sigma / 10, rel=0.08)  # 400 repeats: 3.5 % standard error


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"must each have the recorded attributions' shape \(2, 3\)"):
        compute_spread(np.zeros((2, 3)), np.zeros((4, 2, 2)), ["a", "b", "c"])
    with pytest.raises(ValueError, match="needs two repeats or more, got 1"):
        compute_spread(np.zeros((2, 1)), np.zeros((1, 2, 1)), ["a"])


def test_outside_counts_values_beyond_a_range_and_unknown_categories():
    frame = pd.DataFrame({"x": [0.0, 1.0, 2.0, np.nan], "kind": ["a", "b", "c", None]})
    found = compute_outside(frame, {"kind": Range(categories=("a", "b", "c")), "x": Range(0.5, 1.5)})
    assert found.to_dict("list") == {"feature": ["x", "kind"], "outside": [2, 0], "share": [0.5, 0.0]}
