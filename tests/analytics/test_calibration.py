import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from analytics.calibration import estimate_in_the_large, estimate_slope
from analytics.labelled import check_labelled
from analytics.odds import to_log_odds


@pytest.fixture
def sample():
    rng = np.random.default_rng(11)
    x = rng.normal(-3, 1.2, 4000)
    return check_labelled(rng.random(4000) < expit(0.4 + 0.8 * x), rng.integers(0, 900, 4000)), expit(x)


def test_slope_equals_unpenalised_logistic_regression(sample):
    data, pds = sample
    slope, _ = estimate_slope(data, pds)
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(to_log_odds(pds)[:, None], data.y)
    assert slope == pytest.approx(model.coef_[0, 0], abs=1e-5)


def test_slope_variance_equals_the_sandwich_written_out(sample):
    data, pds = sample
    _, influence = estimate_slope(data, pds)
    design = np.column_stack([np.ones(data.n), to_log_odds(pds)])
    found = minimize(lambda b: np.logaddexp(0, design @ b).sum() - data.y @ (design @ b), [0, 1], tol=1e-12)
    p = expit(design @ found.x)
    bread = np.linalg.inv(design.T @ (design * (p * (1 - p))[:, None]))
    scores = np.zeros((900, 2))
    np.add.at(scores, data.codes, design * (data.y - p)[:, None])
    loans = data.loans
    sandwich = loans / (loans - 1) * bread @ (scores.T @ scores) @ bread
    sums = data.sum_by_loan(influence)
    assert sums @ sums == pytest.approx(sandwich[1, 1], rel=1e-4)


def test_in_the_large_by_hand():
    # All PDs ½, 3 events of 4: a = logit ¾ = ln 3.
    shift, influence = estimate_in_the_large(check_labelled([1, 1, 1, 0]), np.full(4, 0.5))
    assert shift == pytest.approx(np.log(3))
    # Σ p(1 − p) = 4 · 3/16 = ¾; residuals ¼, ¼, ¼, −¾; factor √(4/3).
    np.testing.assert_allclose(influence, np.sqrt(4 / 3) * np.array([1, 1, 1, -3]) / 3)


@pytest.mark.parametrize("level", [1e-6, 0.999999])
def test_in_the_large_settles_from_far_away(level):
    shift, _ = estimate_in_the_large(check_labelled([1, 0, 0, 0]), np.full(4, level))
    assert expit(to_log_odds(level) + shift) == pytest.approx(0.25)


def test_slope_of_two_groups_in_closed_form():
    # Two PDs: the fitted line goes through both observed logits. PD .1 → 1 of 5, PD .5 → 3 of 5:
    # b = (ln 1.5 − ln .25) / (0 − ln(1/9)) = ln 6 / ln 9.
    y, pds = [1, 0, 0, 0, 0, 1, 1, 1, 0, 0], np.repeat([0.1, 0.5], 5)
    slope, _ = estimate_slope(check_labelled(y), pds)
    assert slope == pytest.approx(np.log(6) / np.log(9))


def test_no_slope_where_there_is_none():
    constant, _ = estimate_slope(check_labelled([0, 1, 0, 1]), np.full(4, 0.3))
    separated, _ = estimate_slope(check_labelled([0, 0, 1, 1]), np.array([0.1, 0.2, 0.6, 0.7]))
    assert np.isnan(constant)
    assert np.isnan(separated)
