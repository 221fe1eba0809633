import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import auc, roc_auc_score, roc_curve

from analytics.curves import (
    compute_brier_parts,
    compute_calibration_bins,
    compute_roc,
    compute_score_distribution,
)
from analytics.proportions import compute_jeffreys_interval


@pytest.fixture
def book():
    rng = np.random.default_rng(5)
    x = rng.normal(-3, 1.3, 30_000)
    return rng.random(30_000) < expit(x), expit(x)


def test_thinned_roc_stays_on_the_curve(book):
    y, pds = book
    found = compute_roc(y, {"m": pds})
    assert len(found) <= 400
    fpr, tpr, _ = roc_curve(y, pds, drop_intermediate=False)
    x, line = found["false_positive_rate"].to_numpy(), found["true_positive_rate"].to_numpy()
    # Perpendicular distance of every true point from the thinned line is at most 1/400.
    gap = np.abs(np.interp(fpr + tpr, x + line, line - x) - (tpr - fpr)) / np.sqrt(2)
    assert gap.max() <= 1 / 400
    assert auc(x, line) == pytest.approx(roc_auc_score(y, pds), abs=2e-4)
    assert (x[0], line[0], x[-1], line[-1]) == (0, 0, 1, 1)


def test_short_roc_is_complete():
    y, pds = [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]  # scikit-learn's documented example
    found = compute_roc(y, {"m": pds})
    np.testing.assert_array_equal(found["false_positive_rate"], [0, 0, 0.5, 0.5, 1])
    np.testing.assert_array_equal(found["true_positive_rate"], [0, 0.5, 0.5, 1, 1])
    np.testing.assert_array_equal(found["threshold"], [np.inf, 0.8, 0.4, 0.35, 0.1])


def test_calibration_bins_by_hand():
    # METHODS section 5: f .1, .2, .5, ten loans each, defaults 1, 4, 5.
    y = np.concatenate([np.r_[np.ones(k), np.zeros(10 - k)] for k in (1, 4, 5)])
    found = compute_calibration_bins(y, {"m": np.repeat([0.1, 0.2, 0.5], 10)}, bins=10)
    np.testing.assert_allclose(found["mean_pd"], [0.1, 0.2, 0.5])
    np.testing.assert_allclose(found["rate"], [0.1, 0.4, 0.5])
    assert list(found["n"]) == [10, 10, 10]
    assert list(found["events"]) == [1, 4, 5]
    low, high = compute_jeffreys_interval([1, 4, 5], [10, 10, 10])
    np.testing.assert_allclose(found["low"], low)
    np.testing.assert_allclose(found["high"], high)
    assert found["small"].all()


@given(st.integers(0, 1000), st.integers(1, 15), st.integers(2, 200))
@settings(max_examples=60, deadline=None)
def test_ties_stay_together_and_no_row_is_lost(seed, bins, levels):
    rng = np.random.default_rng(seed)
    pds = rng.integers(0, levels, 300) / levels
    y = np.r_[1, 0, rng.integers(0, 2, 298)]
    found = compute_calibration_bins(y, {"m": pds}, bins=bins)
    assert len(found) <= bins
    assert found["n"].sum() == 300
    assert found["events"].sum() == y.sum()
    assert found["mean_pd"].is_monotonic_increasing
    # The running count of rows after each bin is the count of rows up to some value.
    assert set(found["n"].cumsum()) <= set(np.cumsum(np.unique(pds, return_counts=True)[1]))


def test_repeated_loans_widen_the_bins_intervals():
    """Each loan seen four times with one outcome: the effective number of rows is a quarter, times (n/4 − 1)/(n/4)."""
    y, pds = np.repeat(np.r_[np.ones(20), np.zeros(80)], 4), np.full(400, 0.2)
    found = compute_calibration_bins(y, {"m": pds}, cluster=np.repeat(np.arange(100), 4), bins=1)
    low, high = compute_jeffreys_interval(20, 100)
    assert found["low"].iloc[0] == pytest.approx(float(low))
    assert found["high"].iloc[0] == pytest.approx(float(high))
    assert found["n"].iloc[0] == 400


def test_brier_parts_of_the_reference_example():
    # METHODS section 5: BS .2066667, REL .0133333, RES .0288889, UNC .2222222.
    y = np.concatenate([np.r_[np.ones(k), np.zeros(10 - k)] for k in (1, 4, 5)])
    parts = compute_brier_parts(y, np.repeat([0.1, 0.2, 0.5], 10))
    assert parts.brier == pytest.approx(0.2066667, abs=5e-8)
    assert parts.reliability == pytest.approx(0.0133333, abs=5e-8)
    assert parts.resolution == pytest.approx(0.0288889, abs=5e-8)
    assert parts.uncertainty == pytest.approx(0.2222222, abs=5e-8)
    assert parts.within == pytest.approx(0, abs=1e-15)


def test_brier_parts_add_up_in_bins(book):
    y, pds = book
    parts = compute_brier_parts(y, pds, bins=10)
    total = parts.reliability - parts.resolution + parts.uncertainty + parts.within
    assert total == pytest.approx(np.mean((y - pds) ** 2))
    assert parts.within != 0


def test_score_distribution_holds_every_row_once(book):
    y, pds = book
    found = compute_score_distribution(y, {"m": pds, "other": np.sqrt(pds)}, bins=40)
    totals = found.groupby(["model", "outcome"])[["n", "share"]].sum()
    assert list(totals["n"]) == [int((~y).sum()), int(y.sum())] * 2
    np.testing.assert_allclose(totals["share"], 1)
    low, high = (found.loc[found["n"] > 0, name] for name in ("pd_low", "pd_high"))
    assert low.min() <= pds.min()
    assert high.max() >= np.sqrt(pds).max() * (1 - 1e-9)
    edges = found.groupby("model")["pd_low"].apply(lambda part: tuple(np.unique(part)))
    assert edges.nunique() == 1  # common bins


def test_certain_scores_still_have_a_distribution():
    found = compute_score_distribution([0, 1, 0, 1], {"m": np.array([0.0, 1.0, 0.0, 1.0])}, bins=4)
    assert np.isfinite(found["log_odds"]).all()
    assert found["n"].sum() == 4


def test_wrong_bins_are_refused(book):
    with pytest.raises(ValueError, match="at least one bin"):
        compute_calibration_bins(book[0], {"m": book[1]}, bins=0)


def test_frames_name_each_model(book):
    y, pds = book
    for frame in (compute_roc(y, {"m": pds, "k": pds}), compute_calibration_bins(y, {"m": pds, "k": pds})):
        assert list(pd.unique(frame["model"])) == ["m", "k"]
