"""Surprises against pandas, against closed forms, and on noise."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from analytics.surprise import EFFICIENCY, FACTORS, FAR, measure_surprise, name_factor, rolling_median, rolling_sum


@given(st.integers(1, 30), st.integers(1, 6), st.integers(1, 12), st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_rolling_median_is_pandas_median_of_the_rows_before(rows, columns, window, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, columns))
    values[rng.random(values.shape) < 0.3] = np.nan
    least = min(2, window)
    known = pd.DataFrame(values).shift(1).rolling(window, min_periods=least).median().to_numpy()
    np.testing.assert_allclose(rolling_median(values, window, least), known)


def test_rolling_sum_leaves_the_month_itself_out():
    values = np.array([[1.0], [2.0], [3.0], [4.0]])
    assert rolling_sum(values, 2)[:, 0].tolist() == [0, 1, 3, 5]  # nothing; 1; 1 + 2; 2 + 3


def test_a_steady_trend_surprises_nobody():
    level = np.arange(60.0)[:, None]
    found = measure_surprise(level, np.ones_like(level), np.full_like(level, 100.0), 0.001)
    # The median of the twelve before lies 6.5 below; once 24 months show such a distance, it is taken off.
    assert found.shift[36:, 0] == pytest.approx(0)
    assert found.base[40, 0] == pytest.approx(40)  # where the trend leads


def test_threshold_is_a_t_quantile_with_the_freedom_of_a_mad():
    level = np.random.default_rng(0).normal(size=(80, 1))
    found = measure_surprise(level, np.ones_like(level), np.full_like(level, 1e6), 0.01)
    assert found.bar[70, 0] == pytest.approx(t.isf(0.005, EFFICIENCY * (FAR - 1)))


def test_sampling_error_is_that_of_a_mean_against_a_median_of_means():
    level = np.zeros((40, 1))
    found = measure_surprise(level, np.full_like(level, 2.0), np.full_like(level, 25.0), 0.01)
    # 2 · √(1/25 + 1.57 / (12 · 25))
    assert found.error[30, 0] == pytest.approx(2 * np.sqrt(1 / 25 + 1.57 / 300))


def test_noise_crosses_the_threshold_as_often_as_it_should():
    rng = np.random.default_rng(1)
    level = rng.normal(size=(400, 500))
    found = measure_surprise(level, np.zeros_like(level), np.full_like(level, 1e9), 0.01)
    crossed = np.abs(found.shift) > found.bar * found.scale
    # Judged over 375 · 500 months; the t approximation of a MAD's ratio is good to about a factor of 1.5
    assert 0.005 < crossed[25:].mean() < 0.015


@pytest.mark.parametrize("factor", [*FACTORS, *(1 / factor for factor in FACTORS)])
def test_every_change_of_unit_is_named(factor):
    assert name_factor(float(np.log(factor)) + 0.05, 0.1) == pytest.approx(factor)


def test_a_factor_between_two_units_is_not_named():
    assert np.isnan(name_factor(float(np.log(30)), 0.35))  # ln 30 lies 0.55 from ln 52 and 0.92 from ln 12
