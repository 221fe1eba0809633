"""Intervals of expected maximum profit and H-measure: the published estimates, hand arithmetic, jackknife, coverage."""

import numpy as np
import pytest

from analytics.hmeasure import compute_h_measure
from analytics.profit import compute_emp
from analytics.profit_intervals import compute_emp_intervals, compute_h_intervals


def draw(n, seed, *, rate=0.08, strength=1.5, digits=None):
    """Outcomes and PDs whose log-odds lie `strength` apart; with `digits`, rounded to make ties."""
    random = np.random.default_rng(seed)
    y = random.random(n) < rate
    pds = 1 / (1 + np.exp(3 - strength * y - random.normal(size=n)))
    return y, pds if digits is None else pds.round(digits)


def test_the_published_emp():
    """METHODS §5: the example in the documentation of the package empulse."""
    y, pds = [0, 1, 0, 1, 0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.8, 0.9]
    assert compute_emp_intervals(y, {"m": pds})["estimate"].iloc[0] == pytest.approx(0.09747017050000001, abs=1e-12)


@pytest.mark.parametrize(("ratio", "h"), [(None, 0.18889596344769588), (0.7, 0.13502616807120948)])
def test_the_published_h_measure(ratio, h):
    """METHODS §5: the example in the README of the package hmeasure."""
    y = [1, 1, 0, 1, 1, 0, 1, 1, 1, 0]
    pds = [0.84901876, 0.10282827, 0.43752488, 0.46004468, 0.90878931, 0.79177719, 0.5297229, 0.13803906, 0.73166264,
           0.22959056]  # fmt: skip
    found = compute_h_intervals(y, {"m": pds}, severity_ratio=ratio)
    assert found["estimate"].iloc[0] == pytest.approx(h, abs=1e-12)


@pytest.mark.parametrize("digits", [None, 2])
@pytest.mark.parametrize("asked", [{}, {"no_loss": 0.2, "total_loss": 0.0, "roi": 0.03}, {"roi": 0.0}])
def test_the_mean_over_rows_is_the_integral(digits, asked):
    y, pds = draw(3000, 1, digits=digits)
    emp = compute_emp(y, {"m": pds}, **asked)["emp"].iloc[0]
    assert compute_emp_intervals(y, {"m": pds}, **asked)["estimate"].iloc[0] == pytest.approx(emp, abs=1e-12)
    h = compute_h_measure(y, {"m": pds}, severity_ratio=0.3)["h"].iloc[0]
    found = compute_h_intervals(y, {"m": pds}, severity_ratio=0.3)
    assert found["estimate"].iloc[0] == pytest.approx(h, abs=1e-12)


def test_emp_by_hand():
    """A default brings E λ = ½ · 1, a good loan 0: mean ¼, variance 4/3 · Σ ¼² / 16 = 1/48."""
    found = compute_emp_intervals([1, 0, 1, 0], {"m": [0.9, 0.1, 0.8, 0.2]}, no_loss=0.5, total_loss=0.5).iloc[0]
    assert found["standard_error"] == pytest.approx(np.sqrt(1 / 48))
    assert found["high"] == pytest.approx(0.25 + 1.959964 * np.sqrt(1 / 48), abs=1e-6)
    assert found["low"] == 0  # −0.03 cut: no decision is worth less than none


@pytest.mark.parametrize("compute", [compute_emp_intervals, compute_h_intervals])
def test_rows_of_one_loan_count_once(compute):
    y, pds = draw(2000, 2)
    once = compute(y, {"m": pds})
    twice = compute(np.tile(y, 2), {"m": np.tile(pds, 2)}, cluster=np.tile(np.arange(2000), 2))
    np.testing.assert_allclose(twice[["estimate", "standard_error"]], once[["estimate", "standard_error"]])


@pytest.mark.parametrize("compute", [compute_emp_intervals, compute_h_intervals])
def test_models_that_decide_alike_do_not_differ(compute):
    y, pds = draw(2000, 3)
    found = compute(y, {"old": pds, "new": pds**2, "other": 1 - pds}, champion="old").set_index("model")
    assert found.loc["new", ["difference", "p_value"]].tolist() == [0, 1]  # the same ranking
    assert found.loc["old", ["difference", "p_value"]].isna().all()
    assert found.loc["other", "difference_high"] < 0
    assert found.loc["other", "difference"] == found.loc["other", "estimate"] - found.loc["old", "estimate"]


@pytest.mark.parametrize("compute", [compute_emp_intervals, compute_h_intervals])
def test_a_score_without_use_is_worth_nothing_and_has_no_interval(compute):
    y, _ = draw(500, 4)
    found = compute(y, {"m": np.full(500, 0.1)}).iloc[0]
    assert found["estimate"] == pytest.approx(0, abs=1e-12)
    assert found[["standard_error", "low", "high"]].isna().all()


@pytest.mark.parametrize("ratio", [None, 0.1])
def test_the_error_of_h_is_the_jackknifes(ratio):
    """The jackknife refits the hull and, where none is given, the severity ratio without each row."""
    y, pds = draw(400, 5, rate=0.2)
    kept = ~np.eye(400, dtype=bool)
    without = [compute_h_measure(y[rows], {"m": pds[rows]}, severity_ratio=ratio)["h"].iloc[0] for rows in kept]
    jackknife = np.sqrt(399 * np.var(without))
    found = compute_h_intervals(y, {"m": pds}, severity_ratio=ratio)["standard_error"].iloc[0]
    assert found == pytest.approx(jackknife, rel=0.1)


@pytest.mark.parametrize("compute", [compute_emp_intervals, compute_h_intervals])
def test_intervals_cover(compute):
    """Of 400 samples 95 % ± 4 Monte Carlo errors (1.1 % each) hold the value of two million rows."""
    y, pds = draw(2_000_000, 6, rate=0.1, strength=2)
    truth = compute(y, {"m": pds})["estimate"].iloc[0]
    inside = 0
    for seed in range(400):
        sample, score = draw(5000, 100 + seed, rate=0.1, strength=2)
        found = compute(sample, {"m": score}).iloc[0]
        inside += found["low"] <= truth <= found["high"]
    assert 0.906 <= inside / 400 <= 0.994


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"champion": "none"}, "champion 'none' is not among m"),
        ({"level": 1.0}, "level lies between 0 and 1"),
        ({"no_loss": 0.7, "total_loss": 0.7}, "add up to at most 1"),
        ({"roi": -0.1}, "fraction of at least 0"),
    ],
)
def test_what_cannot_be_is_refused(asked, said):
    with pytest.raises(ValueError, match=said):
        compute_emp_intervals([1, 0], {"m": [0.2, 0.1]}, **asked)
    with pytest.raises(ValueError, match="severity ratio is a positive number"):
        compute_h_intervals([1, 0], {"m": [0.2, 0.1]}, severity_ratio=0.0)
