"""Diebold-Mariano: a published number, hand arithmetic with lags, the t test it is without them, overlaps."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp
from sklearn.metrics import log_loss

from analytics.forecast_test import compute_diebold_mariano, compute_loss_differences


def test_published_number():
    # README of the Python package dieboldmariano: squared errors, one-sided.
    truth, f, g = np.arange(10, 60, 10), np.array([11, 21, 29, 42, 53]), np.array([13, 26, 24, 40, 59])
    found = compute_diebold_mariano((truth - f) ** 2 - (truth - g) ** 2, alternative="less")
    assert found.statistic == pytest.approx(-2.2229922805746782, abs=1e-12)
    assert found.p_value == pytest.approx(0.04515565862099125, abs=1e-12)


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_without_lags_it_is_students_t(alternative):
    d = np.random.default_rng(1).normal(0.2, 1, 24)
    found = compute_diebold_mariano(d, alternative=alternative)
    expected = ttest_1samp(d, 0, alternative=alternative)
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue)
    interval = ttest_1samp(d, 0).confidence_interval(0.95)
    assert (found.low, found.high) == (pytest.approx(interval.low), pytest.approx(interval.high))


def test_lags_by_hand():
    # d = 1, 2, 4, 5: mean 3, centred −2, −1, 1, 2; γ₀ = 10/4, γ₁ = (2 − 1 + 2)/4 = 3/4.
    d = [1, 2, 4, 5]
    factor = (4 + 1 - 4 + 2 * 1 / 4) / 4  # h = 2
    found = compute_diebold_mariano(d, horizon=2)
    assert found.lags == 1
    assert found.statistic == pytest.approx(3 / np.sqrt((2.5 + 2 * 0.75) / 4) * np.sqrt(factor))
    weighted = compute_diebold_mariano(d, horizon=2, variance="newey-west", lags=1)
    assert weighted.statistic == pytest.approx(3 / np.sqrt((2.5 + 2 * 0.5 * 0.75) / 4) * np.sqrt(factor))
    assert found.mean == weighted.mean == 3


def test_default_lags():
    d = np.random.default_rng(2).normal(size=120)
    assert compute_diebold_mariano(d, horizon=12).lags == 11
    assert compute_diebold_mariano(d, variance="newey-west").lags == 4  # ⌊4·1.2^(2/9)⌋ = ⌊4.17⌋
    assert compute_diebold_mariano(d, variance="newey-west", horizon=12).lags == 11


def test_turning_the_sign_turns_the_statistic():
    d = np.random.default_rng(3).normal(0.3, 1, 40)
    one, other = (compute_diebold_mariano(sign * d, horizon=3) for sign in (1, -1))
    assert one.statistic == -other.statistic
    assert one.p_value == other.p_value


def test_identical_models_give_p_one():
    found = compute_diebold_mariano(np.zeros(12))
    assert (found.mean, found.statistic, found.p_value, found.reason) == (0, 0, 1, "")


def test_no_variance_is_a_reason_and_not_a_number():
    constant = compute_diebold_mariano(np.full(12, 0.1))
    assert np.isnan(constant.p_value)
    assert "no variance" in constant.reason
    # +1, −1 in turn: γ₀ = 1, γ₁ = −7/8, so γ₀ + 2γ₁ < 0.
    negative = compute_diebold_mariano(np.tile([1.0, -1.0], 4), horizon=2)
    assert np.isnan(negative.statistic)
    assert "not positive" in negative.reason
    assert compute_diebold_mariano(np.tile([1.0, -1.0], 4), horizon=2, variance="newey-west").p_value == 1


@pytest.mark.parametrize(
    ("d", "options", "message"),
    [
        ([1.0], {}, "at least 2"),
        ([1.0, np.nan, 2.0], {}, "1 are not finite"),
        ([1.0, 2.0, 3.0], {"horizon": 3}, "horizon"),
        ([1.0, 2.0, 3.0], {"lags": 3}, "lags"),
        ([1.0, 2.0, 3.0], {"level": 1.0}, "level"),
    ],
)
def test_bad_input_is_refused(d, options, message):
    with pytest.raises(ValueError, match=message):
        compute_diebold_mariano(d, **options)


def test_overlapping_outcomes_need_the_lags():
    """Twelve-month sums of white noise: without lags the test of a true null rejects most of the time."""
    rng = np.random.default_rng(4)
    shocks = rng.normal(size=(400, 251))
    series = np.array([np.convolve(row, np.ones(12), "valid") for row in shocks])
    naive = np.mean([compute_diebold_mariano(d).p_value < 0.05 for d in series])
    lagged = np.mean([compute_diebold_mariano(d, horizon=12, variance="newey-west").p_value < 0.05 for d in series])
    assert naive > 0.4
    assert lagged < 0.15
    assert lagged < naive / 3


def test_losses_by_date():
    y = [1, 0, 0, 1]
    a, b = np.array([0.5, 0.2, 0.1, 0.4]), np.array([0.8, 0.2, 0.3, 0.4])
    dates = pd.to_datetime(["2024-02-29", "2024-02-29", "2024-01-31", "2024-01-31"])
    found = compute_loss_differences(y, a, b, dates)
    assert list(found["date"]) == sorted(set(dates))
    assert list(found["n"]) == [2, 2]
    assert list(found["events"]) == [1, 1]
    np.testing.assert_allclose(found["champion"], [log_loss([0, 1], a[2:]), log_loss([1, 0], a[:2])])
    np.testing.assert_allclose(found["difference"], found["challenger"] - found["champion"])
    brier = compute_loss_differences(y, a, b, dates, loss="brier")
    np.testing.assert_allclose(brier["champion"], [(0.01 + 0.36) / 2, (0.25 + 0.04) / 2])
    with pytest.raises(ValueError, match="1 are missing"):
        compute_loss_differences(y, a, b, [1, 1, None, 2])
