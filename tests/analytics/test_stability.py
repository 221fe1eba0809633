import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from analytics.stability import compute_psi, compute_psi_critical, compute_psi_parts, count_values

COUNTS = st.lists(st.integers(0, 500), min_size=4, max_size=4).filter(lambda counts: sum(counts) > 0)


def test_reference_numbers():
    # METHODS section 5, computed twice; section 3 for the critical value (Yurdakul).
    assert compute_psi([25, 25, 25, 25], [10, 20, 30, 40]).psi == pytest.approx(0.22821740957, abs=5e-12)
    assert compute_psi_critical(10, 1000, 1000) == pytest.approx(0.03384, abs=5e-6)
    assert compute_psi_critical(10, 1000, 1000) == pytest.approx(chi2.ppf(0.95, 9) * 0.002)


@given(COUNTS, COUNTS)
def test_it_is_symmetric_and_never_negative_and_zero_for_itself(a, b):
    found, back = compute_psi(a, b), compute_psi(b, a)
    assert found.psi == pytest.approx(back.psi, nan_ok=True)
    assert np.isnan(found.psi) or found.psi >= 0
    own = compute_psi(a, a)
    assert np.isnan(own.psi) or (own.psi, own.p) == (0, 1)


def test_empty_bins_by_hand():
    # Bin 2 is empty in the reference: (0.2 − 0.05)·ln(0.2/0.05) with half of 10; bin 4 in both: left out.
    parts = compute_psi_parts([8, 0, 2, 0], [6, 2, 2, 0])
    by_hand = [(0.6 - 0.8) * np.log(0.6 / 0.8), (0.2 - 0.05) * np.log(0.2 / 0.05), 0.0, np.nan]
    np.testing.assert_allclose(parts["part"], by_hand)
    assert parts["share_reference"].tolist() == [0.8, 0, 0.2, 0]
    found = compute_psi([8, 0, 2, 0], [6, 2, 2, 0])
    assert (found.bins, found.empty, found.n_reference, found.n) == (3, 1, 10, 10)
    assert found.psi == pytest.approx(np.nansum(by_hand))
    assert found.p == pytest.approx(chi2.sf(found.psi * 5, 2))


def test_p_and_critical_value_agree_and_hold_their_level():
    # 2,000 pairs from one distribution over ten bins: Monte Carlo error √(.05·.95/2000) = .005.
    rng = np.random.default_rng(1)
    share = rng.dirichlet(np.full(10, 8.0))
    found = [
        compute_psi(a, b)
        for a, b in zip(rng.multinomial(1500, share, 2000), rng.multinomial(900, share, 2000), strict=True)
    ]
    over = [one.psi > one.critical for one in found]
    assert over == [one.p < 0.05 for one in found]
    assert np.mean(over) == pytest.approx(0.05, abs=0.015)


def test_one_bin_is_a_blank_with_a_reason():
    found = compute_psi([5, 0], [7, 0])
    assert np.isnan(found.psi)
    assert np.isnan(found.critical)
    assert found.reason == "one bin holds all observations"


@pytest.mark.parametrize(("reference", "current", "message"), [
    ([1, 2], [1, 2, 3], "2 rows, 3 values"), ([0, 0], [1, 2], "observations in both"), ([1, -1], [1, 1], "must lie in"),
    ([1, np.nan], [1, 1], "must be finite"),
])  # fmt: skip
def test_bad_counts_are_refused(reference, current, message):
    with pytest.raises(ValueError, match=message):
        compute_psi(reference, current)


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="at least two bins"):
        compute_psi_critical(1, 10, 10)
    with pytest.raises(ValueError, match="1 values are in none of the 2 bins"):
        count_values([1, 2, 3], [1, 2])


def test_values_are_counted_in_order():
    assert count_values([3, 1, 3], [3, 2, 1]).tolist() == [2, 0, 1]
