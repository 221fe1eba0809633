"""Shocks by hand arithmetic, what they cannot reach, impacts and grade moves."""

import numpy as np
import pandas as pd
import pytest

from analytics.shocks import FORMULAS, Shock, apply_shock, compute_grade_moves, compute_impact

NAMES = {"ltv": "ltv", "house_price_growth": "growth", "rate": "rate", "rate_incentive": "incentive",
         "rate_type": "type", "debt_service": "ds", "payment_change": "pc", "income": "income", "lti": "lti",
         "unemployment": "u", "unemployment_change": "du", "remaining_months": "months"}  # fmt: skip


@pytest.fixture
def loans():
    return pd.DataFrame(
        {"ltv": [0.8, 0.5], "growth": [0.02, 0.0], "rate": [0.03, 0.03], "incentive": [0.0, 0.01],
         "type": ["variable", "fixed"], "ds": [0.3, 0.2], "pc": [0.0, np.nan], "income": [50_000.0, 40_000.0],
         "lti": [4.0, 3.0], "u": [0.05, 0.99], "du": [0.0, 0.0], "months": [360.0, 120.0], "other": [1, 2]}
    )  # fmt: skip


def test_house_prices(loans):
    done = apply_shock(loans, Shock(house_prices=-0.2), names=NAMES).frame
    assert done["ltv"].tolist() == pytest.approx([1.0, 0.625])  # 0.8 / 0.8, 0.5 / 0.8
    assert done["growth"].tolist() == pytest.approx([1.02 * 0.8 - 1, -0.2])
    untouched = [name for name in loans if name not in ("ltv", "growth")]
    pd.testing.assert_frame_equal(done[untouched], loans[untouched])


def test_rates_reach_variable_loans_only_but_the_market_everywhere(loans):
    done = apply_shock(loans, Shock(rates=0.02), names=NAMES).frame
    assert done["rate"].tolist() == pytest.approx([0.05, 0.03])
    assert done["incentive"].tolist() == pytest.approx([0.0, -0.01])
    # Per 1,000 over 360 months: 4.21604 at 3 %, 5.36822 at 5 % (mortgage tables).
    assert done["ds"].tolist() == pytest.approx([0.3 * 5.36822 / 4.21604, 0.2], rel=1e-5)
    assert done["pc"][0] == pytest.approx(5.36822 / 4.21604 - 1, rel=1e-4)
    assert np.isnan(done["pc"][1])


def test_a_rate_in_per_cent_moves_by_points(loans):
    table = loans.assign(rate=loans["rate"] * 100)
    done = apply_shock(table, Shock(rates=0.02), names=NAMES, units={"rate": "%"}).frame
    assert done["rate"].tolist() == pytest.approx([5.0, 3.0])
    assert done["ds"][0] == pytest.approx(0.3 * 5.36822 / 4.21604, rel=1e-5)


def test_income_and_rates_both_reach_debt_service(loans):
    done = apply_shock(loans, Shock(rates=0.02, income=-0.2), names=NAMES).frame
    assert done["income"].tolist() == pytest.approx([40_000, 32_000])
    assert done["lti"].tolist() == pytest.approx([5.0, 3.75])
    assert done["ds"].tolist() == pytest.approx([0.3 * 5.36822 / 4.21604 / 0.8, 0.25], rel=1e-5)


def test_unemployment_stays_within_all(loans):
    done = apply_shock(loans, Shock(unemployment=0.03), names=NAMES)
    assert done.frame["u"].tolist() == pytest.approx([0.08, 1.0])
    assert done.frame["du"].tolist() == pytest.approx([0.03, 0.01])  # the second could rise by a point only
    assert [(path.meaning, path.moved) for path in done.paths] == [("unemployment", 2), ("unemployment_change", 2)]


def test_paths_count_what_each_shock_moves_by_itself(loans):
    done = apply_shock(loans, Shock(rates=0.01, income=-0.1), names=NAMES)
    moved = {(path.shock, path.meaning): path.moved for path in done.paths}
    assert moved["rates", "debt_service"] == 1
    assert moved["income", "debt_service"] == 2
    assert set(moved) <= set(FORMULAS)


def test_what_cannot_be_reached_is_said(loans):
    done = apply_shock(loans[["ltv", "ds"]], Shock(-0.1, 0.01, -0.1, 0.02), names=NAMES)
    left = dict(done.left)
    assert left["rates"] == "no field says whose rate is variable, so nobody's payment is changed"
    assert left["unemployment"].startswith("no model reads unemployment")
    assert left["income"] == "no field is income, loan-to-income"
    assert left["house_prices"] == "no field is house price growth"
    assert done.frame["ltv"].tolist() == pytest.approx([0.8 / 0.9, 0.5 / 0.9])


def test_no_shock_changes_nothing_and_the_input_stays(loans):
    copy = loans.copy()
    done = apply_shock(loans, Shock(), names=NAMES)
    pd.testing.assert_frame_equal(done.frame, copy)
    assert (done.paths, done.left) == ((), ())
    apply_shock(loans, Shock(-0.1, 0.01, -0.1, 0.02), names=NAMES)
    pd.testing.assert_frame_equal(loans, copy)


def test_all_of_the_value_cannot_go():
    with pytest.raises(ValueError, match="house_prices can fall by less than all"):
        Shock(house_prices=-1)


def test_impact_by_group():
    group = pd.Series(["a", "a", "b"])
    found = compute_impact([0.01, 0.03, 0.1], [0.02, 0.06, 0.1], group=group, weight=np.array([100.0, 200.0, 10.0]))
    rows = found.set_index("value")
    assert rows.loc["a", ["before", "after", "change"]].tolist() == pytest.approx([0.02, 0.04, 0.02])
    # differences 0.01 and 0.03: sd √0.0002, over √2
    assert rows.loc["a", "error"] == pytest.approx(0.01)
    assert rows.loc["a", ["loss_before", "loss_after"]].tolist() == pytest.approx([7.0, 14.0])
    assert np.isnan(rows.loc["b", "error"])


def test_grade_moves():
    moves = compute_grade_moves([1, 1, 2, 3], [1, 2, 3, 3], 3)
    assert moves.to_numpy().tolist() == [[1, 1, 0], [0, 0, 1], [0, 0, 1]]
