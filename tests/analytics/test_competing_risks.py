"""Cumulative incidence against hand arithmetic, closed forms, scikit-survival and simulations with a known truth."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sksurv.nonparametric import cumulative_incidence_competing_risks

from analytics.competing_risks import CAUSES, at_age, compute_contrast, compute_incidence

TWO = {"default": ("first_defaults",), "prepaid": ("prepaid",)}


def count(entry, end, cause, causes=("first_defaults", "prepaid")):
    """Counts by age of loans first seen at `entry` that end in month `end` by `cause` (0: still on the book)."""
    size = end.max() + 1
    entered, left = (np.bincount(np.asarray(ages, dtype=int), minlength=size) for ages in (entry, end))
    rows = {"months_on_book": np.arange(size), "at_risk": np.cumsum(entered) - np.cumsum(left) + left}
    rows |= {name: np.bincount(end[cause == place + 1], minlength=size) for place, name in enumerate(causes)}
    return pd.DataFrame(rows)


def simulate(rng, n, hazards, *, censored=0.0):
    """Months in which loans end by two causes with constant hazards; some leave the data before (cause 0)."""
    time = np.ceil(rng.exponential(1 / sum(hazards), n)).astype(int)
    cause = 1 + (rng.random(n) < hazards[1] / sum(hazards)).astype(int)
    out = np.ceil(rng.exponential(1 / censored, n)).astype(int) if censored else np.full(n, 10**6)
    return np.minimum(time, out), np.where(time <= out, cause, 0)


def truth(hazards, t):
    """λ_k/λ (1 − e^{−λt}): the cumulative incidence of cause 1 under constant hazards."""
    return hazards[0] / sum(hazards) * (1 - np.exp(-sum(hazards) * t))


def test_incidence_is_the_hand_arithmetic():
    counts = pd.DataFrame({"months_on_book": [0, 1, 2, 3], "at_risk": [10, 10, 7, 4], "first_defaults": [0, 1, 2, 1],
                           "prepaid": [0, 2, 0, 1]})  # fmt: skip
    frame = compute_incidence(counts, causes=TWO).set_index(["cause", "months_on_book"])
    # month 1: 1/10 default, 2/10 prepaid, 7/10 left; month 2: 7/10 · 2/7 = 2/10 default, 5/10 left;
    # month 3: 5/10 · 1/4 = 1/8 each (one loan left the data after month 2, so 4 are at risk), 2/8 left
    assert frame.loc["default", "incidence"].tolist() == pytest.approx([0, 0.1, 0.3, 0.425])
    assert frame.loc["prepaid", "incidence"].tolist() == pytest.approx([0, 0.2, 0.2, 0.325])
    assert frame.loc["default", "remaining"].tolist() == pytest.approx([1, 0.7, 0.5, 0.25])
    assert frame.loc["default", "events"].tolist() == [0, 1, 3, 4]


def test_one_cause_without_censoring_is_the_binomial_share_and_its_variance():
    # Without censoring the estimate is the share ended, and Aalen's variance is within 1/n of p(1 − p)/n.
    end = np.repeat([1, 2, 3, 4], [10, 20, 30, 140])
    frame = compute_incidence(count(np.zeros(200), end, np.where(end < 4, 1, 0)), causes=TWO)
    row = frame[(frame["cause"] == "default") & (frame["months_on_book"] == 3)].iloc[0]
    assert row["incidence"] == pytest.approx(60 / 200)
    assert row["standard_error"] ** 2 == pytest.approx(0.3 * 0.7 / 200, rel=0.01)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_estimate_and_interval_are_those_of_scikit_survival(seed):
    rng = np.random.default_rng(seed)
    end, cause = simulate(rng, 400, (0.02, 0.04), censored=0.01)
    times, reference, interval = cumulative_incidence_competing_risks(cause, end, conf_type="log-log", var_type="Aalen")
    frame = compute_incidence(count(np.zeros(len(end)), end, cause), causes=TWO)
    for place, name in enumerate(TWO, start=1):
        own = frame[frame["cause"] == name].set_index("months_on_book").loc[times]
        assert own["incidence"].to_numpy() == pytest.approx(reference[place], abs=1e-12)
        happened = own["incidence"] > 0
        # Away from the last loan at risk, where its variance drops terms in another order than ours.
        safe = happened & (own["at_risk"] > 1)
        assert own.loc[safe, "incidence_low"].to_numpy() == pytest.approx(interval[place, 0][safe], abs=1e-9)
        assert own.loc[safe, "incidence_high"].to_numpy() == pytest.approx(interval[place, 1][safe], abs=1e-9)


def test_known_hazards_are_found():
    hazards = (0.01, 0.03)
    end, cause = simulate(np.random.default_rng(4), 40_000, hazards, censored=0.01)
    frame = compute_incidence(count(np.zeros(len(end)), end, cause), causes=TWO)
    for t in (6, 24, 60):
        row = at_age(frame.assign(all="all"), "all", age=t, cause="default").iloc[0]
        assert abs(row["incidence"] - truth(hazards, t)) < 4 * row["standard_error"]
    naive = 1 - np.exp(-hazards[0] * 60)  # what 1 − Kaplan–Meier would estimate: 45 % instead of 23 %
    assert row["incidence"] < 0.6 * naive


def test_interval_covers_as_often_as_it_says():
    hazards, t, runs = (0.01, 0.03), 24, 1500
    rng = np.random.default_rng(5)
    drawn = [count(np.zeros(400), *simulate(rng, 400, hazards, censored=0.01)).assign(run=run) for run in range(runs)]
    frame = at_age(compute_incidence(pd.concat(drawn), by=["run"], causes=TWO), "run", age=t, cause="default")
    hit = frame["incidence_low"].le(truth(hazards, t)) & frame["incidence_high"].ge(truth(hazards, t))
    assert len(frame) == runs
    assert 0.935 <= hit.mean() <= 0.965  # 95 % ± 2.7 standard errors of 1,500 runs


def test_loans_that_enter_late_do_not_bias_the_curve():
    hazards, n = (0.01, 0.03), 60_000
    rng = np.random.default_rng(6)
    end, cause = simulate(rng, n, hazards)
    entry = np.where(rng.random(n) < 0.2, 0, rng.integers(1, 60, n))
    seen = end >= entry  # the others had ended before the history began
    end, cause, entry = end[seen], cause[seen], entry[seen]
    right = compute_incidence(count(entry, end, cause), causes=TWO).assign(all="all")
    wrong = compute_incidence(count(np.zeros(len(end)), end, cause), causes=TWO).assign(all="all")
    for t in (12, 36, 60):
        row = at_age(right, "all", age=t, cause="default").iloc[0]
        assert abs(row["incidence"] - truth(hazards, t)) < 4 * row["standard_error"]
    # Counting them from month 0 would miss a good part of the early defaults.
    assert at_age(wrong, "all", age=12, cause="default")["incidence"].iloc[0] < 0.8 * truth(hazards, 12)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)), min_size=1))
def test_shares_add_up_grow_and_stay_between_0_and_1(rows):
    counts = pd.DataFrame(rows, columns=["stay", "first_defaults", "prepaid", "matured"])
    counts = counts.assign(at_risk=counts.sum(axis=1), months_on_book=np.arange(len(counts)), written_off=0)
    frame = compute_incidence(counts.drop(columns="stay"))
    for name in CAUSES:
        rows_of = frame[frame["cause"] == name]
        assert (np.diff(rows_of["incidence"], prepend=0) >= -1e-12).all()
        assert rows_of["incidence_high"].between(-1e-12, 1 + 1e-12).all()
        assert (rows_of["incidence_high"] >= rows_of["incidence"] - 1e-12).all()
        assert (rows_of["incidence_low"].fillna(0) <= rows_of["incidence"] + 1e-12).all()
    total = frame.groupby("months_on_book")["incidence"].sum()
    left = frame.groupby("months_on_book")["remaining"].first()
    assert (total + left).to_numpy() == pytest.approx(np.ones(len(total)))


def test_where_nothing_has_happened_the_interval_is_that_of_none_of_those_at_risk():
    counts = pd.DataFrame({"months_on_book": [1], "at_risk": [100], "first_defaults": [0], "prepaid": [0]})
    row = compute_incidence(counts, causes=TWO).iloc[0]
    assert row["incidence_low"] == 0
    assert row["incidence_high"] == pytest.approx(0.0247, abs=1e-4)  # 97.5 % quantile of Beta(0.5, 100.5), scipy


def test_a_loan_written_off_counts_as_a_default():
    counts = pd.DataFrame({"months_on_book": [1], "at_risk": [10], "first_defaults": [1], "written_off": [2],
                           "prepaid": [0], "matured": [0]})  # fmt: skip
    frame = compute_incidence(counts).set_index("cause")
    assert frame.loc["default", "incidence"] == pytest.approx(0.3)


def test_a_curve_begins_where_enough_are_at_risk():
    counts = pd.DataFrame({"months_on_book": [5, 6, 7], "at_risk": [2, 50, 49], "first_defaults": [2, 1, 0],
                           "prepaid": 0})  # fmt: skip
    frame = compute_incidence(counts, causes=TWO, minimum=30)
    assert frame["start"].unique().tolist() == [6]
    assert frame.loc[frame["cause"] == "default", "incidence"].tolist() == pytest.approx([0.02, 0.02])
    assert compute_incidence(counts, causes=TWO, minimum=60).empty


def test_impossible_counts_are_refused():
    counts = pd.DataFrame({"months_on_book": [7], "at_risk": [2], "first_defaults": [2], "prepaid": [1]})
    with pytest.raises(ValueError, match="month 7"):
        compute_incidence(counts, causes=TWO)
    with pytest.raises(ValueError, match="one row per group"):
        compute_incidence(pd.concat([counts, counts]), causes=TWO)


def make_groups(rng, hazards, n=2000):
    parts = [count(np.zeros(n), *simulate(rng, n, (h, 0.02))).assign(group=name) for name, h in hazards.items()]
    return compute_incidence(pd.concat(parts), by=["group"], causes=TWO)


def test_contrast_finds_the_planted_factor():
    frame = make_groups(np.random.default_rng(7), {"a": 0.002, "b": 0.006, "c": 0.003})
    found = compute_contrast(frame, "group", age=24)
    assert (found.high, found.low, found.pairs, found.differ) == ("b", "a", 3, True)
    assert found.factor_low < truth((0.006, 0.02), 24) / truth((0.002, 0.02), 24) < found.factor_high


def test_contrast_interval_is_the_delta_method_by_hand():
    frame = pd.DataFrame({"group": ["a", "b"], "cause": "default", "months_on_book": 24, "at_risk": 500, "events": 20,
                          "incidence": [0.04, 0.02], "standard_error": [0.004, 0.003]})  # fmt: skip
    found = compute_contrast(frame, "group", age=24)
    # √((0.004/0.04)² + (0.003/0.02)²) = √(0.01 + 0.0225) = 0.18028; e^{1.96 · 0.18028} = 1.4238
    assert (found.factor, found.factor_low, found.factor_high) == pytest.approx((2, 2 / 1.4238, 2 * 1.4238), rel=1e-4)


def test_contrast_rarely_claims_a_difference_where_there_is_none():
    rng = np.random.default_rng(8)
    found = [compute_contrast(make_groups(rng, dict.fromkeys("abcdef", 0.004), n=600), "group", age=24)
             for _ in range(100)]  # fmt: skip
    assert (
        sum(item.differ for item in found) <= 10
    )  # 5 % of 100 is 5; P(more than 10) = 1.1 % (binomial); Bonferroni is below 5 %


def test_contrast_leaves_out_what_cannot_be_compared():
    frame = make_groups(np.random.default_rng(9), {"a": 0.002, "b": 0.006})
    assert compute_contrast(frame, "group", age=10**4) is None  # no curve reaches it
    assert compute_contrast(frame[frame["group"] == "a"], "group", age=24) is None
    assert compute_contrast(frame.assign(events=4), "group", age=24) is None
