"""Swap sets by hand: who swaps, what it is worth, how ties are parted, and what the tests then say."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, fisher_exact

from analytics.proportions import compute_jeffreys_interval
from analytics.swap_set import CELLS, compute_swap_drivers, compute_swap_set, compute_swap_tests

ROLES = {"champion": "old", "challenger": "new", "tie": ["loan"]}


@pytest.fixture
def ten():
    """Ten loans. The old model likes A to F, the new one A to D, G and H: E and F swap out, G and H in."""
    return pd.DataFrame({
        "loan": list("ABCDEFGHIJ"),
        "old": [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.10],
        "new": [0.01, 0.02, 0.03, 0.04, 0.50, 0.60, 0.05, 0.06, 0.70, 0.80],
        "default": [0, 0, 1, 0, 1, 1, 0, np.nan, 1, np.nan],
        "exposure": [100.0, 100, 100, 100, 300, 200, 150, 50, 80, 20],
        "loss": [1.0, 1, 1, 1, 9, 6, 3, 1, 4, 1],
    })  # fmt: skip


def test_cells_by_hand(ten):
    found = compute_swap_set(ten, approval_rate=0.6, outcome="default", amounts=["exposure", "loss"], **ROLES)
    assert [list(ten["loan"][found.rows(cell)]) for cell in CELLS] == [
        ["A", "B", "C", "D"], ["G", "H"], ["E", "F"], ["I", "J"],
    ]  # fmt: skip
    cells = found.cells.set_index("cell")
    assert list(cells["loans"]) == [4, 2, 2, 2]
    assert list(cells["share"]) == [0.4, 0.2, 0.2, 0.2]
    assert list(cells["exposure"]) == [400, 200, 500, 100]
    assert list(cells["loss"]) == [4, 4, 15, 5]
    assert list(cells["known"]) == [4, 1, 2, 1]
    assert list(cells["events"]) == [1, 0, 2, 1]
    np.testing.assert_allclose(cells["rate"], [0.25, 0, 1, 1])
    low, high = compute_jeffreys_interval([1, 0, 2, 1], [4, 1, 2, 1])
    np.testing.assert_allclose(cells[["rate_low", "rate_high"]], np.c_[low, high])
    assert cells.loc["swapped in", ["champion", "challenger"]].tolist() == ["declined", "approved"]


def test_totals_by_hand(ten):
    totals = compute_swap_set(
        ten, approval_rate=0.6, outcome="default", amounts=["exposure", "loss"], **ROLES
    ).totals.set_index("model")
    assert list(totals["loans"]) == [6, 6]
    assert totals.loc["champion", ["exposure", "loss", "known", "events"]].tolist() == [900, 19, 6, 3]
    assert totals.loc["challenger", ["exposure", "loss", "known", "events"]].tolist() == [600, 8, 5, 1]
    assert list(totals["cutoff"]) == [0.06, 0.06]
    assert list(totals["tied"]) == [0, 0]
    np.testing.assert_allclose(totals["rate"], [0.5, 0.2])


def test_ties_at_the_cutoff_go_by_the_tie_key(ten):
    tied = ten.assign(old=0.1)
    found = compute_swap_set(tied, approval_rate=0.3, **ROLES)
    assert list(tied["loan"][(found.cell == 0) | (found.cell == 2)]) == ["A", "B", "C"]
    assert found.totals.set_index("model").loc["champion", ["cutoff", "tied"]].tolist() == [0.1, 10]
    shuffled = tied.sample(frac=1, random_state=1)
    again = compute_swap_set(shuffled, approval_rate=0.3, **ROLES)
    assert sorted(shuffled["loan"][again.rows("swapped in")]) == sorted(tied["loan"][found.rows("swapped in")])
    with pytest.raises(ValueError, match="tell all rows apart"):
        compute_swap_set(tied.assign(loan="A"), approval_rate=0.3, **ROLES)


@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(2, 12), st.floats(0.01, 0.99))
@settings(max_examples=80, deadline=None)
def test_both_models_approve_the_same_number(seed, n, levels, rate):
    rng = np.random.default_rng(seed)
    pds = rng.integers(0, levels, (2, n)) / levels
    frame = pd.DataFrame({"loan": rng.permutation(n), "old": pds[0], "new": pds[1]})
    found = compute_swap_set(frame, approval_rate=rate, **ROLES)
    counts = np.bincount(found.cell, minlength=4)
    assert list(found.cells["loans"]) == list(counts)
    assert counts.sum() == n
    assert counts[1] == counts[2]
    assert (found.totals["loans"] == int(np.floor(rate * n + 0.5))).all()
    for role, at in (("old", (0, 2)), ("new", (0, 1))):
        approved = np.isin(found.cell, at)
        if 0 < approved.sum() < n:
            assert frame[role][approved].max() <= frame[role][~approved].min()


def test_equal_models_swap_nothing(ten):
    found = compute_swap_set(ten.assign(new=ten["old"] / 2), approval_rate=0.6, outcome="default", **ROLES)
    assert list(found.cells["loans"]) == [6, 0, 0, 4]
    assert np.isnan(found.cells["rate"].iloc[1])
    assert "0 loans swapped in and 0 swapped out" in compute_swap_tests(ten, found, outcome="default").reason
    with pytest.raises(ValueError, match="no loan changes sides"):
        compute_swap_drivers(ten, found, numbers=["exposure"], categories=[])


def test_a_missing_amount_is_not_taken_for_zero(ten):
    found = compute_swap_set(
        ten.assign(loss=ten["loss"].where(ten["loan"] != "G")), approval_rate=0.6, amounts=["loss"], **ROLES
    )
    assert found.cells["loss"].isna().tolist() == [False, True, False, False]
    assert found.totals["loss"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("change", "rate", "message"),
    [
        ({}, 0.0, "between 0 and 1"),
        ({}, 1.0, "between 0 and 1"),
        ({"new": 1.5}, 0.5, "new must hold PDs"),
        ({"old": np.nan}, 0.5, "old must hold PDs"),
        ({"default": 2}, 0.5, "default must be 0, 1 or missing"),
    ],
)
def test_bad_input_is_refused(ten, change, rate, message):
    with pytest.raises(ValueError, match=message):
        compute_swap_set(ten.assign(**change), approval_rate=rate, outcome="default", **ROLES)
    with pytest.raises(ValueError, match="got none"):
        compute_swap_set(ten.iloc[:0], approval_rate=0.5, **ROLES)


def make_swaps(n_in, bad_in, n_out, bad_out):
    """Loans that all swap, with so many defaults on each side."""
    default = np.r_[np.arange(n_in) < bad_in, np.arange(n_out) < bad_out].astype(float)
    is_in = np.arange(n_in + n_out) < n_in
    return pd.DataFrame({
        "loan": np.arange(n_in + n_out), "old": np.where(is_in, 0.2, 0.1), "new": np.where(is_in, 0.1, 0.2),
        "default": default,
    })  # fmt: skip


def test_tests_by_hand():
    # 40 in with 2 defaults, 40 out with 8. Right: the challenger on 38 + 8, the champion on 2 + 32.
    frame = make_swaps(40, 2, 40, 8)
    found = compute_swap_tests(frame, compute_swap_set(frame, approval_rate=0.5, **ROLES), outcome="default")
    assert (found.only_challenger_right, found.only_champion_right) == (46, 34)
    assert found.mcnemar_p == pytest.approx(binomtest(46, 80, 0.5).pvalue)
    assert found.difference == pytest.approx(0.05 - 0.2)
    assert found.low < found.difference < found.high
    frame = make_swaps(12, 0, 12, 6)  # expected counts below 5: Fisher
    found = compute_swap_tests(frame, compute_swap_set(frame, approval_rate=0.5, **ROLES), outcome="default")
    assert found.test == "Fisher exact"
    assert found.p_value == pytest.approx(fisher_exact([[0, 12], [6, 6]]).pvalue)
    assert (found.difference, found.high < 0) == (-0.5, True)


def test_the_sign_follows_who_is_right():
    frame = make_swaps(40, 8, 40, 2)
    found = compute_swap_tests(frame, compute_swap_set(frame, approval_rate=0.5, **ROLES), outcome="default")
    assert found.difference == pytest.approx(0.15)
    assert found.high > 0
    assert found.low < 0.15


def test_swapped_loans_without_a_default_do_not_differ():
    frame = make_swaps(10, 0, 10, 0)
    found = compute_swap_tests(frame, compute_swap_set(frame, approval_rate=0.5, **ROLES), outcome="default")
    assert (found.difference, found.mcnemar_p) == (0, 1)
    assert np.isnan(found.p_value)
    assert "same outcome" in found.reason


def test_repeated_loans_are_clustered_and_leave_mcnemar_blank():
    frame = make_swaps(40, 2, 40, 12)
    both = pd.concat([frame.assign(date=1), frame.assign(date=2)], ignore_index=True)
    roles = {**ROLES, "tie": ["loan", "date"]}
    found = compute_swap_tests(both, compute_swap_set(both, approval_rate=0.5, **roles), outcome="default", loan="loan")
    once = compute_swap_tests(frame, compute_swap_set(frame, approval_rate=0.5, **ROLES), outcome="default")
    assert "clustered" in found.test
    assert np.isnan(found.mcnemar_p)
    assert found.difference == pytest.approx(once.difference)
    assert found.p_value == pytest.approx(once.p_value, abs=0.005)  # χ² of 80 loans, not of 160 rows


def test_the_test_of_rates_keeps_its_level_where_mcnemar_wastes_it():
    """True null, 5 % default on both sides, every pair of counts with its binomial weight: exact, no simulation."""
    weight, size, mcnemar = binom.pmf(np.arange(16), 100, 0.05), 0.0, 0.0
    frame = make_swaps(100, 0, 100, 0)
    swaps = compute_swap_set(frame, approval_rate=0.5, **ROLES)
    for bad_in, bad_out in product(range(16), repeat=2):
        default = make_swaps(100, bad_in, 100, bad_out)["default"]
        found = compute_swap_tests(frame.assign(default=default), swaps, outcome="default")
        size += weight[bad_in] * weight[bad_out] * (found.p_value < 0.05)
        mcnemar += weight[bad_in] * weight[bad_out] * (found.mcnemar_p < 0.05)
    assert 0.03 < size <= 0.05
    assert mcnemar < 0.0001


def test_drivers_find_the_planted_field():
    rng = np.random.default_rng(8)
    n = 2000
    region = rng.choice(["north", "south"], n)
    base = rng.uniform(0.01, 0.3, n)
    frame = pd.DataFrame({
        "loan": np.arange(n), "old": base, "new": np.clip(base + np.where(region == "south", -0.04, 0.04), 0, 1),
        "region": region, "noise": rng.normal(size=n),
    })  # fmt: skip
    found = compute_swap_set(frame, approval_rate=0.5, **ROLES)
    drivers = compute_swap_drivers(frame, found, numbers=["noise"], categories=["region"])
    assert drivers["field"].iloc[0] == "region"
    assert drivers["size"].iloc[0] == pytest.approx(1, abs=0.01)
    assert drivers.set_index("field").loc["noise", "q"] > 0.01
    assert drivers["n_a"].iloc[0] == found.cells.set_index("cell").loc["swapped in", "loans"]
