"""AUC against the O(mn) definition, DeLong's variance against placements by hand, KS against scipy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from sklearn.metrics import roc_curve

from analytics.labelled import check_labelled
from analytics.ranking import Ranking

SAMPLES = st.integers(0, 10_000).flatmap(
    lambda seed: st.tuples(st.just(seed), st.integers(2, 15), st.integers(2, 25), st.integers(2, 8))
)


def draw(seed, m, n, levels):
    """m events, n non-events, scores on few levels so that ties abound."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.r_[np.ones(m), np.zeros(n)])
    return y, rng.integers(0, levels, m + n) / levels


def brute_force_delong(y, score):
    """DeLong 1988 as written: the m×n kernel, its row and column means, unbiased variances of these."""
    events, rest = score[y == 1], score[y == 0]
    kernel = (events[:, None] > rest) + 0.5 * (events[:, None] == rest)
    v10, v01 = kernel.mean(axis=1), kernel.mean(axis=0)
    return kernel.mean(), v10.var(ddof=1) / len(events) + v01.var(ddof=1) / len(rest)


@given(SAMPLES)
@settings(max_examples=150, deadline=None)
def test_auc_and_delong_variance_equal_brute_force(sample):
    y, score = draw(*sample)
    auc, influence = Ranking(check_labelled(y), score).estimate_auc()
    expected_auc, expected_variance = brute_force_delong(y, score)
    assert auc == pytest.approx(expected_auc, abs=1e-12)
    assert influence @ influence == pytest.approx(expected_variance, abs=1e-12)
    assert influence.sum() == pytest.approx(0, abs=1e-12)


@given(SAMPLES)
@settings(max_examples=50, deadline=None)
def test_covariance_of_two_models_equals_brute_force(sample):
    y, first = draw(*sample)
    second = np.random.default_rng(sample[0] + 1).integers(0, 5, y.size) / 5
    data = check_labelled(y)
    a, b = (Ranking(data, score).estimate_auc()[1] for score in (first, second))
    # var(A − B) = var A + var B − 2 cov, and the kernel of the difference is the difference of kernels.
    events, rest = y == 1, y == 0
    kernel = sum(
        sign * ((s[events][:, None] > s[rest]) + 0.5 * (s[events][:, None] == s[rest]))
        for sign, s in ((1, first), (-1, second))
    )
    expected = kernel.mean(axis=1).var(ddof=1) / events.sum() + kernel.mean(axis=0).var(ddof=1) / rest.sum()
    assert (a - b) @ (a - b) == pytest.approx(expected, abs=1e-12)


def test_auc_by_hand():
    # events .4, .8; others .2, .4, .6. Wins: .4 beats .2 and ties .4 = 1.5 of 3; .8 beats all = 3 of 3. 4.5/6.
    auc, _ = Ranking(check_labelled([1, 1, 0, 0, 0]), np.array([0.4, 0.8, 0.2, 0.4, 0.6])).estimate_auc()
    assert auc == 0.75


def test_clustered_variance_equals_obuchowski_by_brute_force():
    rng = np.random.default_rng(7)
    y, score, loans = rng.random(80) < 0.3, rng.integers(0, 9, 80) / 9, rng.integers(0, 25, 80)
    auc, influence = Ranking(data := check_labelled(y, loans), score).estimate_auc()
    sums = data.sum_by_loan(influence)
    kernel = (score[y][:, None] > score[~y]) + 0.5 * (score[y][:, None] == score[~y])
    m, n = y.sum(), (~y).sum()
    event_sum, rest_sum = np.zeros(25), np.zeros(25)
    np.add.at(event_sum, loans[y], kernel.mean(axis=1) - auc)
    np.add.at(rest_sum, loans[~y], kernel.mean(axis=0) - auc)
    i10, i01 = len(set(loans[y])), len(set(loans[~y]))
    f10, f01 = i10 / (i10 - 1), i01 / (i01 - 1)
    cross = np.sqrt(f10 * f01) * event_sum @ rest_sum  # Obuchowski writes I/(I − 1) here, see estimate_auc
    expected = f10 * event_sum @ event_sum / m**2 + f01 * rest_sum @ rest_sum / n**2 + 2 * cross / (m * n)
    assert sums @ sums == pytest.approx(expected, rel=1e-10)


@given(SAMPLES)
@settings(max_examples=50, deadline=None)
def test_ks_equals_scipy(sample):
    y, score = draw(*sample)
    ks, _ = Ranking(check_labelled(y), score).estimate_ks()
    assert ks == pytest.approx(ks_2samp(score[y == 1], score[y == 0], method="asymp").statistic, abs=1e-12)


def test_ks_variance_is_that_of_two_proportions():
    # At the maximum, t = .5: F0 = 3/4, F1 = 1/3. Influence variance with the (m − 1), (n − 1) factors:
    # (1/3)(2/3)/2 + (3/4)(1/4)/3 = 1/9 + 1/16.
    score = np.array([0.2, 0.8, 0.9, 0.1, 0.3, 0.4, 0.85])
    ks, influence = Ranking(check_labelled([1, 1, 1, 0, 0, 0, 0]), score).estimate_ks()
    assert ks == pytest.approx(3 / 4 - 1 / 3)
    assert influence @ influence == pytest.approx(1 / 9 + 1 / 16)


def test_curve_equals_scikit_learn():
    y, score = draw(3, 15, 25, 8)
    fpr, tpr, threshold = Ranking(check_labelled(y), score).curve()
    expected = roc_curve(y, score, drop_intermediate=False)
    for got, wanted in zip((fpr, tpr, threshold), expected, strict=True):
        np.testing.assert_allclose(got, wanted)
