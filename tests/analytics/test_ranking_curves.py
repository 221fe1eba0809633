"""Curves against scikit-learn and scipy, gains by hand, and the Gini within a range of PDs."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import ks_2samp
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from analytics.delong import compute_delong
from analytics.proportions import compute_jeffreys_interval
from analytics.ranking_curves import (
    compute_cap,
    compute_gains,
    compute_ks_curve,
    compute_partial_gini,
    compute_precision_recall,
    compute_ranking_summary,
)


@pytest.fixture
def book():
    rng = np.random.default_rng(5)
    x = rng.normal(-3, 1.3, 20_000)
    return rng.random(20_000) < expit(x), expit(x)


@pytest.mark.parametrize("decimals", [1, 2, 8])
def test_summary_equals_scikit_learn_and_scipy(book, decimals):
    y, pds = book[0], book[1].round(decimals)
    row = compute_ranking_summary(y, {"m": pds}).iloc[0]
    assert row["average_precision"] == pytest.approx(average_precision_score(y, pds), abs=1e-12)
    assert row["accuracy_ratio"] == pytest.approx(2 * roc_auc_score(y, pds) - 1, abs=1e-12)
    reference = ks_2samp(pds[y], pds[~y], method="asymp")
    assert row["ks"] == pytest.approx(reference.statistic, abs=1e-12)
    assert row["ks_pd"] == reference.statistic_location
    assert row["rate"] == y.mean()


def test_a_constant_pd_has_the_rate_as_average_precision():
    row = compute_ranking_summary([1, 0, 0, 0], {"m": [0.3] * 4}).iloc[0]
    assert (row["average_precision"], row["accuracy_ratio"], row["ks"]) == (0.25, 0, 0)


def test_short_precision_recall_is_complete():
    y, pds = [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]  # scikit-learn's documented example
    found = compute_precision_recall(y, {"m": pds}).iloc[::-1]
    precision, recall, threshold = precision_recall_curve(y, pds)
    np.testing.assert_allclose(found["precision"], precision[:-1])  # it adds a point (0, 1) that no threshold has
    np.testing.assert_allclose(found["recall"], recall[:-1])
    np.testing.assert_allclose(found["threshold"], threshold)


def test_thinned_precision_recall_holds_true_points(book):
    y, pds = book
    found = compute_precision_recall(y, {"m": pds}, max_points=100)
    assert 90 <= len(found) <= 100
    for row in found.iloc[::20].itertuples():
        flagged = pds >= row.threshold
        assert row.recall == pytest.approx((flagged & y).sum() / y.sum())
        assert row.precision == pytest.approx((flagged & y).sum() / flagged.sum())
    assert found["recall"].iloc[-1] == 1


def test_area_under_the_cap_is_the_gini(book):
    y, pds = book[0], book[1].round(3)
    found = compute_cap(y, {"m": pds}, max_points=10_000)
    area = np.trapezoid(found["captured"], found["share"]) - 0.5
    perfect = (1 - y.mean()) / 2
    assert area / perfect == pytest.approx(2 * roc_auc_score(y, pds) - 1, abs=1e-12)
    np.testing.assert_allclose(found["perfect"], np.minimum(1, found["share"] / y.mean()))
    assert found[["share", "captured"]].iloc[[0, -1]].to_numpy().tolist() == [[0, 0], [1, 1]]


def test_ks_curve_holds_both_distributions_and_its_maximum(book):
    y, pds = book
    found = compute_ks_curve(y, {"m": pds, "k": np.sqrt(pds)}, max_points=50)
    assert (found.groupby("model")["at_maximum"].sum() == 1).all()
    assert found.groupby("model").size().max() <= 50
    for row in found[found["model"] == "m"].iloc[::7].itertuples():
        assert row.below_events == pytest.approx((pds[y] <= row.pd).mean(), abs=1e-9)
        assert row.below_rest == pytest.approx((pds[~y] <= row.pd).mean(), abs=1e-9)
    best = found[found["at_maximum"] & (found["model"] == "m")].iloc[0]
    assert best["distance"] == pytest.approx(ks_2samp(pds[y], pds[~y], method="asymp").statistic, abs=1e-12)


def test_gains_by_hand():
    # 20 rows, PDs .01 to .20, five groups of four; events at the PDs .20, .19, .18, .14 and .05.
    pds = np.arange(1, 21) / 100
    y = np.isin(np.arange(1, 21), [20, 19, 18, 14, 5])
    found = compute_gains(y, {"m": pds}, bins=5)
    assert list(found["group"]) == [1, 2, 3, 4, 5]
    assert list(found["n"]) == [4] * 5
    assert list(found["events"]) == [3, 1, 0, 1, 0]
    np.testing.assert_allclose(found["pd_mean"], [0.185, 0.145, 0.105, 0.065, 0.025])
    np.testing.assert_allclose(found["lift"], [3, 1, 0, 1, 0])  # rates .75, .25, … over .25
    np.testing.assert_allclose(found["captured"], [0.6, 0.8, 0.8, 1, 1])
    np.testing.assert_allclose(found["share"], [0.2, 0.4, 0.6, 0.8, 1])
    np.testing.assert_allclose(found["cumulative_lift"], [3, 2, 4 / 3, 1.25, 1])
    np.testing.assert_allclose(found["cumulative_rate"], [0.75, 0.5, 1 / 3, 0.3125, 0.25])
    low, high = compute_jeffreys_interval([3, 1, 0, 1, 0], [4] * 5)
    np.testing.assert_allclose(found[["low", "high"]], np.c_[low, high])


def test_gains_keep_ties_together_and_models_apart(book):
    y, pds = book
    found = compute_gains(y, {"coarse": np.where(pds > 0.1, 0.2, 0.05), "fine": pds})
    sizes = found.groupby("model").size()
    assert (sizes["coarse"], sizes["fine"]) == (2, 10)
    assert found.groupby("model")["events"].sum().tolist() == [y.sum()] * 2
    assert (found.groupby("model")["captured"].last() == 1).all()


def test_partial_gini_is_the_gini_of_the_rows_in_the_range(book):
    y, pds = book
    rng = np.random.default_rng(6)
    other = expit(np.log(pds / (1 - pds)) + rng.normal(0, 0.7, pds.size))
    scores = {"a": pds, "b": other}
    own = compute_partial_gini(y, scores, low=0.05, high=0.2)
    for row in own.itertuples():
        inside = (scores[row.model] >= 0.05) & (scores[row.model] <= 0.2)
        assert row.gini == pytest.approx(2 * roc_auc_score(y[inside], scores[row.model][inside]) - 1)
        assert (row.n, row.events) == (inside.sum(), y[inside].sum())
        error = 2 * compute_delong(y[inside], {"m": scores[row.model][inside]}).aucs["standard_error"].iloc[0]
        assert row.high - row.low == pytest.approx(2 * 1.959964 * error, rel=1e-6)
    common = compute_partial_gini(y, scores, low=0.05, high=0.2, by="a")
    assert common["n"].nunique() == 1
    assert common["gini"].iloc[0] == own["gini"].iloc[0]
    whole = compute_partial_gini(y, scores)
    assert whole["gini"].iloc[0] == pytest.approx(2 * roc_auc_score(y, pds) - 1)


def test_partial_gini_says_what_is_missing():
    row = compute_partial_gini([1, 1, 0, 0], {"m": [0.9, 0.8, 0.1, 0.2]}, low=0.7).iloc[0]
    assert np.isnan(row["gini"])
    assert "2 events in 2 rows" in row["reason"]
    row = compute_partial_gini([1, 1, 0, 0], {"m": [0.9, 0.8, 0.1, 0.2]}, low=0.4, high=0.5).iloc[0]
    assert (row["n"], "0 events in 0 rows" in row["reason"]) == (0, True)
    with pytest.raises(ValueError, match="low < high"):
        compute_partial_gini([1, 0], {"m": [0.9, 0.1]}, low=0.4, high=0.2)
    with pytest.raises(ValueError, match="'k' that chooses"):
        compute_partial_gini([1, 0], {"m": [0.9, 0.1]}, by="k")


def test_partial_gini_counts_repeated_loans_once(book):
    y, pds = book[0][:3000], book[1][:3000]
    once = compute_partial_gini(y, {"m": pds}, high=0.2)
    loans = np.tile([f"L{i}" for i in range(3000)], 2)
    twice = compute_partial_gini(np.tile(y, 2), {"m": np.tile(pds, 2)}, high=0.2, cluster=loans)
    np.testing.assert_allclose(twice[["gini", "low", "high"]], once[["gini", "low", "high"]])


def test_frames_name_each_model(book):
    y, pds = book
    for make in (compute_precision_recall, compute_cap, compute_ks_curve, compute_gains, compute_ranking_summary):
        assert list(pd.unique(make(y, {"m": pds, "k": pds})["model"])) == ["m", "k"]
