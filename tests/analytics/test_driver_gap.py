import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import t as t_distribution
from scipy.stats import ttest_ind

from analytics.driver_gap import compute_gap
from analytics.driver_points import to_points

TRUTH = {"ltv": 2.0, "income": -1.0, "noise": 0.0}


def book(n=5000, seed=1):
    """Loans of a known additive log-odds: base + 2 (ltv − ½) − (income − ½) + 0 · noise; the south has higher LTV."""
    rng = np.random.default_rng(seed)
    south = rng.random(n) < 0.3
    frame = pd.DataFrame({"loan_id": np.arange(n), "region": np.where(south, "south", "north"),
                          "new": rng.random(n) < 0.5, "ltv": rng.random(n) + 0.4 * south,
                          "income": rng.random(n), "noise": rng.random(n), "base": -4.0})  # fmt: skip
    for name, slope in TRUTH.items():
        frame[f"phi_{name}"] = slope * (frame[name] - 0.5)
    return frame.assign(log_odds=frame["base"] + frame[[f"phi_{name}" for name in TRUTH]].sum(axis=1))


def gap_of(database, frame, a, b, **options):
    table = database.table(frame)
    return compute_gap(table, a(table), b(table), database.fetch, **options)


def south(table):
    return table.region == "south"


def north(table):
    return table.region == "north"


def test_by_hand(database):
    """A: (1, 3), B: (0, 0). Means 2 and 0; variance of A 2, so error √(2/2) = 1 with 1 degree of freedom."""
    frame = pd.DataFrame({"region": ["south", "south", "north", "north"], "phi_x": [1.0, 3.0, 0.0, 0.0],
                          "phi_y": [0.5, 0.5, 0.5, 0.5], "base": -4.0})  # fmt: skip
    found = gap_of(database, frame.assign(log_odds=lambda f: f["base"] + f["phi_x"] + f["phi_y"]), south, north)
    assert database.queries == 1
    row = found.features.iloc[0]
    assert row[["feature", "mean_a", "mean_b", "difference"]].tolist() == ["x", 2.0, 0.0, 2.0]
    assert row["high"] - row["difference"] == pytest.approx(12.706204736174694)  # Student's t, 1 df, 97.5 %
    assert found.features.iloc[1][["difference", "low", "high"]].tolist() == [0.0, 0.0, 0.0]
    assert found.total["difference"] == 2.0
    assert found.n == (2, 2, 0)
    assert found.features["small"].all()


def test_planted_truth_and_exact_sum(database):
    frame = book()
    found = gap_of(database, frame, south, north)
    assert found.features["feature"].iloc[0] == "ltv"
    ltv = found.features.set_index("feature").loc["ltv"]
    assert ltv["low"] < 0.8 < ltv["high"]  # 2 × 0.4, planted
    others = found.features[found.features["feature"] != "ltv"]
    assert ((others["low"] <= 0) & (others["high"] >= 0)).all()
    assert math.fsum(found.features["difference"]) == pytest.approx(found.total["difference"], abs=1e-12)
    at = frame.groupby("region")["log_odds"].mean()
    assert found.total["difference"] == pytest.approx(at["south"] - at["north"], abs=1e-12)


def test_sum_is_exact_in_pd_points_too(database):
    frame = book().assign(pd=lambda f: expit(f["log_odds"]))
    table = to_points(database.table(frame))
    found = compute_gap(table, south(table), north(table), database.fetch, total="pd")
    assert math.fsum(found.features["difference"]) == pytest.approx(found.total["difference"], abs=1e-12)
    at = frame.groupby("region")["pd"].mean()
    assert found.total["difference"] == pytest.approx(at["south"] - at["north"], abs=1e-12)


def test_interval_is_scipys_welch(database):
    frame = book(400)
    found = gap_of(database, frame, south, north).features.set_index("feature")
    for name in TRUTH:
        column = frame[f"phi_{name}"]
        welch = ttest_ind(column[frame["region"] == "south"], column[frame["region"] == "north"], equal_var=False)
        if name == "noise":
            assert found.loc[name, ["low", "high"]].tolist() == [0, 0]  # no effect at all: nothing varies
            continue
        interval = welch.confidence_interval(0.95)
        np.testing.assert_allclose(found.loc[name, ["low", "high"]].astype(float), list(interval), rtol=1e-9)


def test_a_cohort_against_itself_differs_by_nothing(database):
    found = gap_of(database, book(300), south, south)
    assert found.features["difference"].abs().max() == 0
    assert (found.features["high"] - found.features["low"]).abs().max() < 1e-6  # the same loans: no doubt
    assert found.n[0] == found.n[1] == found.n[2]


def error_row_by_row(x, a, b):
    """Each row's pull on the difference, squared and added up: A's rows pull up, B's down, shared ones both ways."""
    n_a, n_b = a.sum(), b.sum()
    up = np.where(a, (x - x[a].mean()) / math.sqrt(n_a * (n_a - 1)), 0)
    down = np.where(b, (x - x[b].mean()) / math.sqrt(n_b * (n_b - 1)), 0)
    return math.sqrt(((up - down) ** 2).sum())


def test_overlapping_cohorts_row_by_row_and_by_simulation(database):
    """A: the south; B: new loans, half of the south among them."""
    frame = book(300, seed=77)
    found = gap_of(database, frame, south, lambda t: t.new).features.set_index("feature").loc["income"]
    x, a, b = frame["phi_income"].to_numpy(), (frame["region"] == "south").to_numpy(), frame["new"].to_numpy()
    part_a, part_b = x[a].var(ddof=1) / a.sum(), x[b].var(ddof=1) / b.sum()
    freedom = (part_a + part_b) ** 2 / (part_a**2 / (a.sum() - 1) + part_b**2 / (b.sum() - 1))
    expected = t_distribution.ppf(0.975, freedom) * error_row_by_row(x, a, b)
    assert found["high"] - found["difference"] == pytest.approx(expected, rel=1e-9)
    rng = np.random.default_rng(12)
    draws = rng.random((3000, 300)) - 0.5
    spread = np.std(draws[:, a].mean(axis=1) - draws[:, b].mean(axis=1))
    assert np.mean([error_row_by_row(row, a, b) for row in draws[:300]]) == pytest.approx(spread, rel=0.06)


def test_groups_are_added_up_before_they_are_compared(database):
    frame = book().assign(phi_income=lambda f: -f["phi_ltv"])
    found = gap_of(database, frame, south, north, groups={"ltv": "money", "income": "money"})
    money = found.features.set_index("feature").loc["money"]
    assert money[["difference", "low", "high"]].abs().max() < 1e-12
    assert set(found.features["feature"]) == {"money", "noise"}


def test_empty_cohorts_and_unknown_values(database):
    frame = book(200)
    with pytest.raises(ValueError, match="A has 0, B"):
        gap_of(database, frame, lambda t: t.region == "east", north)
    frame.loc[::2, "region"] = None
    assert sum(gap_of(database, frame, south, north).n[:2]) == 100
    alone = gap_of(database, frame.assign(one=frame.index == 1), lambda t: t.one, lambda t: ~t.one)
    assert np.isnan(alone.features["low"]).all()
    assert alone.features["small"].all()


SIZES = st.lists(st.tuples(st.booleans(), st.booleans(), *(st.floats(-3, 3),) * 3), min_size=2, max_size=20)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SIZES)
def test_any_two_cohorts_add_up(database, rows):
    frame = pd.DataFrame(rows, columns=["a", "b", "phi_x", "phi_y", "phi_z"]).assign(base=-3.0)
    frame["log_odds"] = frame["base"] + frame[["phi_x", "phi_y", "phi_z"]].sum(axis=1)
    if not frame["a"].any() or not frame["b"].any():
        return
    found = gap_of(database, frame, lambda t: t.a, lambda t: t.b)
    expected = frame.loc[frame["a"], "log_odds"].mean() - frame.loc[frame["b"], "log_odds"].mean()
    assert found.total["difference"] == pytest.approx(expected, abs=1e-12)
    assert math.fsum(found.features["difference"]) == pytest.approx(expected, abs=1e-12)
