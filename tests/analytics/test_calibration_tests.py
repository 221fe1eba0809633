import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import chi2, norm
from sklearn.metrics import brier_score_loss

from analytics.calibration_tests import (
    CALIBRATION,
    compute_brier_skill,
    compute_calibration_tests,
    compute_ece,
    compute_hosmer_lemeshow,
    compute_hosmer_lemeshow_by_grade,
    compute_joint_test,
    compute_spiegelhalter,
)
from analytics.odds import to_log_odds

# METHODS section 5: three grades of meliora's tests (N, D, PD).
N, D = np.array([406, 480, 114]), np.array([55, 41, 10])
GRADES = np.array([0.10342906086898278, 0.09952395992070007, 0.09571932442140331])


def rows_of_grades():
    y = np.concatenate([np.r_[np.ones(d), np.zeros(n - d)] for n, d in zip(N, D, strict=True)])
    return y, np.repeat(GRADES, N)


def draw(rng, n=3000):
    x = rng.normal(-2.5, 1, n)
    return rng.random(n) < expit(x), expit(x)


def test_hosmer_lemeshow_of_the_three_grades():
    found = compute_hosmer_lemeshow_by_grade(N, D, GRADES)
    assert found.statistic == pytest.approx(5.644443952, abs=5e-10)
    assert found.df == 3
    assert found.p_value == pytest.approx(0.13025, abs=5e-6)
    # The same from single rows, by quantile (equal PDs stay together) and by given grades.
    y, pds = rows_of_grades()
    for groups in (10, np.repeat(["a", "b", "c"], N)):
        single = compute_hosmer_lemeshow(y, pds, groups=groups)
        assert (single.statistic, single.df) == (pytest.approx(found.statistic), 3)


def test_degrees_of_freedom_in_and_out_of_sample():
    y, pds = draw(np.random.default_rng(0))
    given_, fitted = compute_hosmer_lemeshow(y, pds), compute_hosmer_lemeshow(y, pds, in_sample=True)
    assert (given_.df, fitted.df) == (10, 8)
    assert given_.statistic == fitted.statistic
    assert given_.p_value == pytest.approx(chi2.sf(given_.statistic, 10))
    assert fitted.p_value == pytest.approx(chi2.sf(fitted.statistic, 8))


def test_hosmer_lemeshow_says_why_it_is_blank():
    few = compute_hosmer_lemeshow_by_grade([10, 10], [1, 2], [0.1, 0.2], in_sample=True)
    assert np.isnan(few.p_value)
    assert few.reason == "2 groups are too few"
    zero = compute_hosmer_lemeshow_by_grade([10, 10], [0, 2], [0.0, 0.2])
    assert np.isnan(zero.statistic)
    assert "mean PD of 0 or 1" in zero.reason
    empty = compute_hosmer_lemeshow_by_grade([0, 100], [0, 12], [0.05, 0.10])  # an empty grade does not count
    assert (empty.df, empty.statistic) == (1, pytest.approx(4 / 9))
    with pytest.raises(ValueError, match="0 <= events <= n"):
        compute_hosmer_lemeshow_by_grade([10], [11], [0.1])


def test_spiegelhalter_by_hand():
    # p .1 (event), .2, .7 (event), .4: terms (y − p)(1 − 2p) = .72, −.12, −.12, −.08: sum .4;
    # (1 − 2p)²p(1 − p) = .0576 + .0576 + .0336 + .0096 = .1584.
    found = compute_spiegelhalter([1, 0, 1, 0], [0.1, 0.2, 0.7, 0.4])
    assert found.statistic == pytest.approx(0.4 / np.sqrt(0.1584))
    assert found.p_value == pytest.approx(2 * norm.sf(0.4 / np.sqrt(0.1584)))


def test_spiegelhalter_is_the_standardised_brier_score():
    y, pds = draw(np.random.default_rng(1))
    mean = np.mean(pds * (1 - pds))
    deviation = np.sqrt(np.sum((1 - 2 * pds) ** 2 * pds * (1 - pds))) / pds.size
    found = compute_spiegelhalter(y, pds).statistic
    assert found == pytest.approx((brier_score_loss(y, pds) - mean) / deviation)


@pytest.mark.parametrize("pds", [[0.5, 0.5], [0.0, 1.0]])
def test_spiegelhalter_of_empty_statements_is_blank(pds):
    found = compute_spiegelhalter([0, 1], pds)
    assert np.isnan(found.statistic)
    assert found.reason == "all PDs are 0, ½ or 1"


def test_joint_test_is_twice_the_gain_in_likelihood():
    y, pds = draw(np.random.default_rng(2))
    x = to_log_odds(expit(0.3 + 0.7 * to_log_odds(pds)))
    found = compute_joint_test(y, expit(x))

    def loss(b):
        return np.logaddexp(0, b[0] + b[1] * x).sum() - y @ (b[0] + b[1] * x)

    best = minimize(loss, [0, 1], tol=1e-12)
    assert found.statistic == pytest.approx(2 * (loss([0, 1]) - best.fun), rel=1e-6)
    assert found.df == 2
    assert found.p_value == pytest.approx(chi2.sf(found.statistic, 2))


def test_joint_test_of_two_groups_in_closed_form():
    # PD .1 → 1 of 5, PD .5 → 3 of 5; the fit is exact: 2·Σ observed·ln(observed share / PD).
    y, pds = [1, 0, 0, 0, 0, 1, 1, 1, 0, 0], np.repeat([0.1, 0.5], 5)
    wanted = 2 * (np.log(0.2 / 0.1) + 4 * np.log(0.8 / 0.9) + 3 * np.log(0.6 / 0.5) + 2 * np.log(0.4 / 0.5))
    assert compute_joint_test(y, pds).statistic == pytest.approx(wanted)


def test_joint_test_without_a_slope_is_blank():
    assert compute_joint_test([0, 1, 0], [0.2, 0.2, 0.2]).reason == "all PDs are equal: no slope"
    assert "separate" in compute_joint_test([0, 0, 1], [0.1, 0.2, 0.9]).reason


def test_ece_by_hand():
    # METHODS section 5's Brier example: rates .1, .4, .5 against PDs .1, .2, .5, ten loans each: ECE .2/3.
    y = np.concatenate([np.r_[np.ones(k), np.zeros(10 - k)] for k in (1, 4, 5)])
    pds = np.repeat([0.1, 0.2, 0.5], 10)
    noise = np.sqrt(2 / np.pi) * (np.sqrt(0.9) + np.sqrt(1.6) + np.sqrt(2.5)) / 30
    for binning in ("quantile", "width"):
        assert compute_ece(y, pds, binning=binning) == (pytest.approx(0.2 / 3), pytest.approx(noise))
    # One bin: the overall rate 10/30 against the mean PD .8/3.
    assert compute_ece(y, pds, bins=1)[0] == pytest.approx(10 / 30 - 0.8 / 3)
    # A PD of 1 belongs to the last of the equal bins.
    assert compute_ece([1, 0], [1.0, 0.0], binning="width")[0] == 0


def test_brier_skill_by_hand():
    # METHODS section 5: Brier .2066667 and uncertainty .2222222 → 1 − .93 = .07.
    y = np.concatenate([np.r_[np.ones(k), np.zeros(10 - k)] for k in (1, 4, 5)])
    assert compute_brier_skill(y, np.repeat([0.1, 0.2, 0.5], 10)) == pytest.approx(0.07)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_order_of_rows_is_nothing(seed):
    rng = np.random.default_rng(seed)
    y, pds = np.r_[True, False, rng.random(98) < 0.3], rng.integers(1, 40, 100) / 50
    loans, mix = rng.integers(0, 60, 100), rng.permutation(100)
    first = compute_calibration_tests(y, {"m": pds}, cluster=loans)
    second = compute_calibration_tests(y[mix], {"m": pds[mix]}, cluster=loans[mix])
    np.testing.assert_allclose(first["value"], second["value"])
    np.testing.assert_allclose(first["p_value"], second["p_value"])


def test_single_loans_change_next_to_nothing():
    y, pds = draw(np.random.default_rng(3), 20_000)
    for test in (compute_spiegelhalter, compute_joint_test, compute_hosmer_lemeshow):
        plain, clustered = test(y, pds), test(y, pds, cluster=np.arange(20_000))
        assert clustered.statistic == pytest.approx(plain.statistic, rel=0.1, abs=0.1)


def test_each_loan_counted_twice_says_no_more_than_once():
    y, pds = draw(np.random.default_rng(4), 4000)
    twice = np.repeat(np.arange(4000), 2)
    for test, factor in ((compute_spiegelhalter, np.sqrt(2)), (compute_joint_test, 2), (compute_hosmer_lemeshow, 2)):
        once = test(y, pds, cluster=np.arange(4000))
        both = test(np.repeat(y, 2), np.repeat(pds, 2), cluster=twice)
        naive = test(np.repeat(y, 2), np.repeat(pds, 2))
        assert both.statistic == pytest.approx(once.statistic)
        assert naive.statistic == pytest.approx(once.statistic * factor, rel=0.15, abs=0.1)


def test_p_values_are_uniform_where_pds_are_right():
    """400 calibrated samples: 5 % rejections within three standard errors (3.3 points), also for repeated loans."""
    rng = np.random.default_rng(5)
    plain, repeated = [], []
    for _ in range(400):
        y, pds = draw(rng, 1500)
        plain.append([f(y, pds).p_value for f in (compute_spiegelhalter, compute_hosmer_lemeshow, compute_joint_test)])
        # Three snapshots with nearly the same PD and one shared draw: outcomes of a loan nearly always agree.
        cluster = np.repeat(np.arange(600), 3)
        x = rng.normal(-1.5, 0.8, 600)[cluster] + rng.normal(0, 0.1, 1800)
        same = rng.random(600)[cluster] < expit(x)
        tests = (compute_spiegelhalter, compute_hosmer_lemeshow, compute_joint_test)
        repeated.append([f(same, expit(x), cluster=cluster).p_value for f in tests])
    for found in (plain, repeated):
        shares = (np.array(found) < 0.05).mean(axis=0)
        assert (shares > 0.017).all(), shares
        assert (shares < 0.083).all(), shares


def test_wrong_pds_are_found_by_the_table():
    y, pds = draw(np.random.default_rng(6), 20_000)
    found = compute_calibration_tests(y, {"right": pds, "low": pds / 1.5}).set_index(["model", "measure"])
    assert list(found.loc["right"].index) == list(CALIBRATION)
    tests = ["spiegelhalter", "hosmer_lemeshow", "joint"]
    assert (found.loc["low"].loc[tests, "p_value"] < 1e-4).all()
    assert (found.loc["right"].loc[tests, "p_value"] > 0.01).all()
    assert found.loc[("low", "ece"), "value"] > 5 * found.loc[("low", "ece"), "calibrated"]
    assert list(found.loc["right"].loc[tests, "calibrated"]) == [0, 10, 2]
    assert (found["n"] == 20_000).all()


def test_input_that_cannot_be_judged_is_refused():
    with pytest.raises(ValueError, match="no events"):
        compute_calibration_tests([0, 0], {"m": [0.1, 0.2]})
    with pytest.raises(ValueError, match=r"outside \[0, 1\]"):
        compute_spiegelhalter([0, 1], [0.1, 1.2])
    with pytest.raises(ValueError, match="one group per outcome"):
        compute_hosmer_lemeshow([0, 1], [0.1, 0.2], groups=["a"])
    with pytest.raises(ValueError, match="at least one bin"):
        compute_ece([0, 1], [0.1, 0.2], bins=0)
