"""Linked fields by hand arithmetic, impossible combinations, changes of attributions, training ranges."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.what_if import (
    Range,
    complete_each,
    compute_annuity,
    compute_change,
    find_conflicts,
    find_outside,
    flag_possible,
    follow,
    with_values,
)

NAMES = {"income": "income", "exposure": "balance", "lti": "lti", "debt_service": "ds", "ltv": "ltv", "rate": "rate",
         "rate_incentive": "incentive", "remaining_months": "months", "payment_change": "pc", "unemployment": "u",
         "unemployment_change": "du"}  # fmt: skip
LOAN = pd.DataFrame(
    {"income": [50_000.0], "balance": [200_000.0], "lti": [4.0], "ds": [0.24], "ltv": [0.8], "rate": [0.03],
     "incentive": [0.005], "months": [360.0], "pc": [0.0], "u": [0.06], "du": [0.01]}
)  # fmt: skip


def edit(**edits):
    return follow(LOAN, with_values(LOAN, edits), fixed=frozenset(edits), names=NAMES).iloc[0]


def test_income_moves_what_is_divided_by_it():
    row = edit(income=60_000.0)
    assert (row["lti"], row["ds"]) == (pytest.approx(200 / 60), pytest.approx(0.24 * 50 / 60))
    assert row[["ltv", "rate", "pc"]].tolist() == [0.8, 0.03, 0.0]


def test_a_smaller_balance_lowers_ltv_and_payment():
    row = edit(balance=100_000.0)
    assert row[["lti", "ds", "ltv", "pc"]].tolist() == pytest.approx([2.0, 0.12, 0.4, -0.5])


def test_a_higher_rate_raises_payment_and_incentive():
    row = edit(rate=0.05)
    assert row["ds"] == pytest.approx(0.24 * 5.36822 / 4.21604, rel=1e-5)  # mortgage tables: per 1,000, 360 months
    assert row["incentive"] == pytest.approx(0.025)


def test_a_longer_term_lowers_the_payment():
    # At 3 %, per 1,000: 4.21604 over 360 months, 3.57984 over 480 (mortgage tables).
    assert edit(months=480.0)["ds"] == pytest.approx(0.24 * 3.57984 / 4.21604, rel=1e-5)


def test_what_is_set_by_hand_stays():
    row = edit(income=60_000.0, ds=0.5)
    assert (row["ds"], row["lti"]) == (0.5, pytest.approx(200 / 60))


@given(st.sampled_from(sorted(NAMES.values())))
def test_setting_the_recorded_value_changes_no_bit(name):
    pd.testing.assert_series_equal(edit(**{name: LOAN[name].iloc[0]}), LOAN.iloc[0])


def test_unknown_inputs_move_nothing():
    before = with_values(LOAN, {"income": np.nan})
    row = follow(before, with_values(before, {"income": 60_000.0}), fixed={"income"}, names=NAMES).iloc[0]
    assert (row["lti"], row["ds"]) == (4.0, 0.24)


def test_annuity_repays_the_loan():
    balance, paid = 1000.0, float(compute_annuity(1000.0, 0.06, 24))
    for _ in range(24):
        balance = balance * 1.005 - paid
    assert balance == pytest.approx(0, abs=1e-9)


ARREARS = {"days_past_due": "d", "worst_arrears": "w", "months_in_arrears": "m", "months_on_book": "b",
           "unemployment": "u", "unemployment_change": "du", "guarantee": "g", "country": "c"}  # fmt: skip
FINE = {"d": 30.0, "w": 45.0, "m": 2.0, "b": 24.0, "u": 0.05, "du": 0.01, "g": "none", "c": "Italy"}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"w": 10.0, "m": 0.0}, "cannot be less than"), ({"d": 90.0, "w": 90.0}, "is a default already"),
     ({"m": 0.0}, "does not go with 0 months"), ({"b": 0.0}, "cannot have been 2 months in arrears"),
     ({"du": 0.06}, "cannot be more than"), ({"g": "NHG"}, "is Dutch")],
)  # fmt: skip
def test_impossible_combinations_are_named(wrong, words):
    assert find_conflicts(FINE, ARREARS, {}) == []
    found = find_conflicts({**FINE, **wrong}, ARREARS, {})
    assert len(found) == 1
    assert words in found[0]
    assert flag_possible(pd.DataFrame([FINE, {**FINE, **wrong}]), ARREARS).tolist() == [True, False]


def test_missing_values_break_no_rule():
    assert find_conflicts(dict.fromkeys(FINE, np.nan), ARREARS, {}) == []


def test_each_row_keeps_what_was_set_in_it():
    after = pd.concat([with_values(LOAN, {"income": 60_000.0}), with_values(LOAN, {"ds": 0.1})], ignore_index=True)
    done, possible = complete_each(LOAN, after, [frozenset(["income"]), frozenset(["ds"])], names=NAMES)
    assert done["ds"].tolist() == pytest.approx([0.2, 0.1])
    assert done["lti"].tolist() == pytest.approx([200 / 60, 4.0])
    assert possible.all()


def test_changes_of_attributions_are_ordered_and_add_up():
    before, after = pd.Series({"a": 0.5, "b": -0.2, "c": 0.1}), pd.Series({"a": 0.4, "b": 0.3, "c": 0.1})
    found = compute_change(before, after)
    assert found["feature"].tolist() == ["b", "a", "c"]
    assert found["change"].sum() == pytest.approx(after.sum() - before.sum())
    with pytest.raises(ValueError, match="same features"):
        compute_change(before, after[["b", "a", "c"]])


def test_outside_the_training_range():
    ranges = {"x": Range(0.0, 1.0), "c": Range(categories=("a", "b")), "gone": Range(0, 1)}
    assert find_outside({"x": 1.1, "c": "z"}, ranges) == ["x", "c"]
    assert find_outside({"x": np.nan, "c": None}, ranges) == []
    assert find_outside({"x": 1.0, "c": "a"}, ranges) == []
