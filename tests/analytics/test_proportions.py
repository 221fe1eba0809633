import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from analytics.proportions import add_rate, compute_jeffreys_interval, flag_small


@pytest.mark.parametrize(("x", "low", "high"), [(0, 0.0, 0.292), (1, 0.016, 0.501)])
def test_reference_intervals(x, low, high):
    # METHODS section 5, n = 7: Brown, Cai and DasGupta 2001, to three digits.
    found = compute_jeffreys_interval(x, 7)
    assert float(found[0]) == pytest.approx(low, abs=0.0005)
    assert float(found[1]) == pytest.approx(high, abs=0.0005)


@given(st.integers(1, 5000), st.floats(0, 1), st.floats(0.5, 0.99))
def test_interval_holds_the_rate_and_mirrors(n, share, level):
    x = round(n * share)
    low, high = compute_jeffreys_interval(x, n, level=level)
    assert 0 <= low <= x / n <= high <= 1
    other_low, other_high = compute_jeffreys_interval(n - x, n, level=level)
    assert float(other_low) == pytest.approx(1 - float(high), abs=1e-9)
    assert float(other_high) == pytest.approx(1 - float(low), abs=1e-9)


def test_ends_are_beta_quantiles():
    low, high = compute_jeffreys_interval(55, 406, level=0.9)
    assert float(low) == pytest.approx(beta.ppf(0.05, 55.5, 351.5))
    assert float(high) == pytest.approx(beta.ppf(0.95, 55.5, 351.5))


def test_nothing_is_known_of_nothing():
    low, high = compute_jeffreys_interval([0, 1], [0, 10])
    assert np.isnan(low[0])
    assert np.isnan(high[0])
    assert np.isfinite(low[1])


@pytest.mark.parametrize(("x", "n"), [(-1, 5), (6, 5)])
def test_impossible_counts_are_refused(x, n):
    with pytest.raises(ValueError, match="0 <= events <= n"):
        compute_jeffreys_interval(x, n)


def test_small_cells():
    np.testing.assert_array_equal(flag_small([5, 4, 5, 0], [30, 30, 29, 0]), [False, True, True, True])


def test_rates_are_added_without_touching_the_frame():
    frame = pd.DataFrame({"bad": [2, 0], "all": [100, 0]})
    found = add_rate(frame, events="bad", n="all", name="arrears")
    assert list(frame.columns) == ["bad", "all"]
    assert found["arrears"].iloc[0] == 0.02
    assert np.isnan(found["arrears"].iloc[1])
    assert list(found["small"]) == [True, True]
