"""Seed spread and flips: hand arithmetic, brute force, and what must not change anything."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analytics.sensitivity import compute_flips, compute_seed_spread

Y = np.array([0, 0, 1, 1])


def test_ginis_and_their_deviation_by_hand():
    # Seed 1 orders all four pairs right: AUC 1, Gini 1. Seed 2 gets 3 of 4: AUC 0.75, Gini 0.5.
    # Mean 0.75, deviations ±0.25: SD = sqrt(2 * 0.0625 / 1) = 0.353553.
    found = compute_seed_spread(Y, [[0.1, 0.2, 0.3, 0.4], [0.1, 0.3, 0.2, 0.4]])
    assert found.ginis == pytest.approx((1.0, 0.5))
    assert found.sd == pytest.approx(0.3535534)
    # |0.2 - 0.3| twice over four loans: 0.2 / 4.
    assert found.pd_difference == pytest.approx(0.05)


def test_the_interval_is_that_of_a_normal_samples_deviation():
    draw = np.random.default_rng(0)
    pds = np.clip(0.3 + 0.2 * np.tile(Y, 50) + draw.normal(0, 0.2, (5, 200)), 0, 1)
    found = compute_seed_spread(np.tile(Y, 50), pds)
    low, high = found.sd * np.sqrt(4 / stats.chi2.ppf([0.975, 0.025], 4))  # scipy.stats as the reference
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.low < found.sd < found.high


@given(st.integers(2, 6), st.integers(0, 1000))
def test_pd_difference_is_the_mean_over_all_pairs(seeds, state):
    pds = np.random.default_rng(state).random((seeds, 4))
    brute = np.mean([np.abs(a - b).mean() for a, b in itertools.combinations(pds, 2)])
    assert compute_seed_spread(Y, pds).pd_difference == pytest.approx(brute)


def test_equal_seeds_have_no_spread():
    found = compute_seed_spread(Y, np.tile([0.1, 0.4, 0.3, 0.4], (5, 1)))
    assert (found.sd, found.low, found.high, found.pd_difference) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("y", "pds", "message"),
    [
        (Y, [[0.1, 0.2, 0.3, 0.4]], "at least 2 of them, got 1"),
        ([1, 1, 1, 1], [[0.1, 0.2, 0.3, 0.4]] * 2, "only events"),
        (Y, [[0.1, 0.2, 0.3, 1.4]] * 2, "outside"),
        (Y, [[0.1, 0.2, 0.3, np.nan]] * 2, "not finite"),
        (Y, [[0.1, 0.2, 0.3]] * 2, "one PD per outcome"),
    ],
)
def test_a_spread_that_cannot_be_had_is_refused(y, pds, message):
    with pytest.raises(ValueError, match=message):
        compute_seed_spread(y, pds)


def test_flips_by_hand():
    # Ten loans, PDs 1 % to 10 %; the best eight are approved, the cut-off is 8 %.
    before = np.arange(1, 11) / 100
    after = before.copy()
    after[7], after[8] = 0.085, 0.079  # the eighth now lies above the cut-off, the ninth below it
    found = compute_flips(before, after, approved=0.8)
    assert (found.cut_off, found.approved) == (0.08, 0.8)
    assert (found.flipped, found.now_refused, found.now_approved) == (0.2, 0.1, 0.1)
    assert found.pd_change == pytest.approx((0.005 + 0.011) / 10)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=40), st.floats(0.05, 0.95))
def test_nothing_moved_flips_nothing(pds, approved):
    found = compute_flips(pds, pds, approved=approved)
    assert (found.flipped, found.pd_change) == (0, 0)
    assert found.approved >= min(approved, 1) - 0.5 / len(pds) - 1e-9 or found.approved == 1 / len(pds)


def test_ties_at_the_cut_off_stand_on_one_side():
    found = compute_flips([0.1, 0.2, 0.2, 0.2], [0.1, 0.2, 0.2, 0.2], approved=0.5)
    assert found.approved == 1.0  # all four: the tied three cannot be told apart


@pytest.mark.parametrize(
    ("before", "after", "approved", "message"),
    [
        ([], [], 0.8, "at least one"),
        ([0.1], [0.1, 0.2], 0.8, "one PD per outcome"),
        ([0.1], [1.2], 0.8, "outside"),
        ([0.1], [0.1], 1.0, "between 0 and 1"),
    ],
)
def test_flips_that_cannot_be_counted_are_refused(before, after, approved, message):
    with pytest.raises(ValueError, match=message):
        compute_flips(before, after, approved=approved)
