"""Profit: published EMP, integrals done numerically, hand-made costs and net benefits."""

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from analytics.profit import compute_cost_curve, compute_cutoff_costs, compute_decision_curve, compute_emp

Y = [0, 1, 0, 1, 0, 1, 0, 1]
S = [0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.8, 0.9]


@pytest.fixture
def book():
    rng = np.random.default_rng(1)
    pds = rng.integers(1, 40, 400) / 80
    return (rng.random(400) < pds).astype(int), pds


def test_emp_of_the_published_example():
    # Documentation of the Python package empulse, with Verbraken's parameters .55, .1 and .2644.
    row = compute_emp(Y, {"m": S}).iloc[0]
    assert row["emp"] == pytest.approx(0.09747017050000001, abs=1e-12)
    assert row["rejected_share"] == pytest.approx(0.324345, abs=1e-6)


@pytest.mark.parametrize(
    ("no_loss", "total_loss", "roi"), [(0.55, 0.1, 0.2644), (0.2, 0, 0.05), (0, 1, 0.6), (0, 0, 3)]
)
def test_emp_equals_numerical_integration(book, no_loss, total_loss, roi):
    y, pds = book
    fpr, tpr, _ = roc_curve(y, pds, drop_intermediate=False)
    rate = y.mean()

    loss = np.linspace(0, 1, 50_001)  # profit is straight between kinks, so the trapezoid errs at kinks only
    profit = (np.outer(loss, rate * tpr) - roi * (1 - rate) * fpr).max(axis=1)
    expected = (1 - no_loss - total_loss) * np.trapezoid(profit, loss) + total_loss * profit[-1]
    found = compute_emp(y, {"m": pds}, no_loss=no_loss, total_loss=total_loss, roi=roi)["emp"].iloc[0]
    assert found == pytest.approx(expected, abs=1e-8)


def test_emp_by_hand():
    # Half the loans default and the ranking is perfect: all defaults are rejected at any λ > 0, saving π₁·E λ.
    y, pds = [1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1]
    row = compute_emp(y, {"m": pds}, no_loss=0.2, total_loss=0.3, roi=0.1).iloc[0]
    assert row["emp"] == pytest.approx(0.5 * (0.5 * 0.5 + 0.3))
    assert row["rejected_share"] == pytest.approx(0.5 * (0.5 + 0.3))
    # A constant PD: reject all when λ·½ > roi·½, so from λ = .4 on; ∫ from .4 to 1 of (λ − .4)/2 = .09.
    row = compute_emp(y, {"m": [0.3] * 4}, no_loss=0, total_loss=0, roi=0.4).iloc[0]
    assert row["emp"] == pytest.approx(0.09)
    assert row["rejected_share"] == pytest.approx(0.6)


def test_emp_needs_shares_and_a_return():
    for wrong in ({"no_loss": 0.7, "total_loss": 0.4}, {"no_loss": -0.1}, {"total_loss": np.nan}):
        with pytest.raises(ValueError, match="add up to at most 1"):
            compute_emp(Y, {"m": S}, **wrong)
    with pytest.raises(ValueError, match="return on a good loan"):
        compute_emp(Y, {"m": S}, roi=-0.1)


def test_cost_curve_is_the_lower_envelope_of_all_thresholds(book):
    y, pds = book
    found = compute_cost_curve(y, {"m": pds, "perfect": y * 0.5, "constant": np.full(400, 0.1)}, points=51)
    fpr, tpr, _ = roc_curve(y, pds, drop_intermediate=False)
    model = found[found["model"] == "m"]
    x = model["probability_cost"].to_numpy()[:, None]
    np.testing.assert_allclose(model["cost"], (x * (1 - tpr) + (1 - x) * fpr).min(axis=1), atol=1e-12)
    assert (found.loc[found["model"] == "perfect", "cost"].abs() < 1e-12).all()
    constant = found[found["model"] == "constant"]
    np.testing.assert_allclose(constant["cost"], constant["without"], atol=1e-12)
    # x = π₁k/(π₁k + π₀), solved for k, back again.
    middle = model[(model["probability_cost"] > 0) & (model["probability_cost"] < 1)]
    weight = middle["cost_ratio"] * y.mean()
    np.testing.assert_allclose(weight / (weight + 1 - y.mean()), middle["probability_cost"])
    with pytest.raises(ValueError, match="two points"):
        compute_cost_curve(y, {"m": pds}, points=1)


def test_cutoff_costs_by_hand():
    # PDs .9 (event), .6, .3 (event), .1, and k = 3. Turned away: none 6/4; .9: 3/4; .6: 4/4; .3: 1/4; all 2/4.
    found = compute_cutoff_costs([1, 0, 1, 0], {"m": [0.9, 0.6, 0.3, 0.1]}, cost_ratio=3)
    np.testing.assert_allclose(found["cost"], [1.5, 0.75, 1, 0.25, 0.5])
    np.testing.assert_allclose(found["threshold"], [np.inf, 0.9, 0.6, 0.3, 0.1])
    np.testing.assert_allclose(found["rejected_share"], [0, 0.25, 0.5, 0.75, 1])
    assert list(found["best"]) == [False, False, False, True, False]
    assert (found["without"] == 0.5).all()
    with pytest.raises(ValueError, match="positive"):
        compute_cutoff_costs([1, 0], {"m": [0.9, 0.6]}, cost_ratio=0)


def test_the_best_cutoff_meets_the_cost_curve_and_survives_thinning(book):
    y, pds = book
    found = compute_cutoff_costs(y, {"m": pds}, cost_ratio=5, max_points=7)
    assert len(found) <= 8
    curve = compute_cost_curve(y, {"m": pds}, points=100_001)
    at = (curve["cost_ratio"] - 5).abs().idxmin()
    scale = 5 * y.mean() + 1 - y.mean()  # costs per loan, where the cost curve has fractions of the dearest
    assert found.loc[found["best"], "cost"].iloc[0] == pytest.approx(scale * curve.loc[at, "cost"], abs=1e-4)


def test_decision_curve_by_hand():
    # t = .5: flagged .9 (event) and .6 (good): 1/4 − 1/4·1 = 0. t = .2: flagged three, 2/4 − 1/4·.25 = .4375.
    found = compute_decision_curve([1, 0, 1, 0], {"m": [0.9, 0.6, 0.3, 0.1]}, thresholds=[0.2, 0.5, 0.9])
    np.testing.assert_allclose(found["net_benefit"], [0.4375, 0, 0.25])  # at .9 the PD of .9 itself is flagged
    np.testing.assert_allclose(found["flagged_share"], [0.75, 0.5, 0.25])
    np.testing.assert_allclose(found["all"], [0.5 - 0.125, 0, 0.5 - 4.5])
    assert (found["none"] == 0).all()


def test_decision_curve_meets_treating_all_at_low_thresholds(book):
    y, pds = book
    found = compute_decision_curve(y, {"m": pds})
    assert len(found) == 100
    low = found[found["threshold"] <= pds.min()]
    assert len(low) > 0
    np.testing.assert_allclose(low["net_benefit"], low["all"])
    assert found["threshold"].max() == pytest.approx(min(0.99, 4 * y.mean()))
    for wrong in ([], [0.0], [1.0], [np.nan]):
        with pytest.raises(ValueError, match="thresholds"):
            compute_decision_curve(y, {"m": pds}, thresholds=wrong)
