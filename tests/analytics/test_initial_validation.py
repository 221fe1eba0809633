import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, norm

from analytics.initial_validation import compute_initial_test, compute_s_test, compute_year_cdf


def brute_force(rank, y):
    """AUC and s by the definition: a matrix of placements, unbiased variances."""
    event, rest = rank[y], rank[~y]
    wins = (event[:, None] > rest[None, :]) + 0.5 * (event[:, None] == rest[None, :])
    v10, v01 = wins.mean(axis=1), wins.mean(axis=0)
    return wins.mean(), np.sqrt(v10.var(ddof=1) / event.size + v01.var(ddof=1) / rest.size)


def test_reference_number():
    # METHODS section 5: pROC's aSAH data, S100B: AUC and variance as pROC's tests state them; initial AUC .75.
    statistic, p = compute_s_test(0.7313685636856369, np.sqrt(0.00266868245717244), 0.75)
    assert statistic == pytest.approx(0.3606599233, abs=5e-11)
    assert p == pytest.approx(0.3591768438, abs=5e-11)


@given(st.integers(0, 10_000), st.integers(2, 12))
@settings(max_examples=40)
def test_auc_and_s_are_delongs(seed, grades):
    rng = np.random.default_rng(seed)
    rank = rng.integers(1, grades + 1, 60).astype(float)
    y = rng.uniform(size=60) < 0.1 + 0.4 * rank / grades
    y[:2], y[-2:] = True, False
    found = compute_initial_test(rank, y, auc_initial=0.7)
    auc, s = brute_force(rank, y)
    assert found.auc == pytest.approx(auc, abs=1e-12)
    assert found.s == pytest.approx(s, abs=1e-12)
    if s > 0:
        assert found.p == pytest.approx(norm.sf((0.7 - auc) / s), abs=1e-12)


def test_p_is_uniform_where_nothing_has_fallen():
    # Ten grades whose true AUC is known from the grades' distributions among defaults and others.
    rng = np.random.default_rng(7)
    share = np.full(10, 0.1)
    rate = 0.02 * 1.35 ** np.arange(10)
    f1, f0 = share * rate / (share * rate).sum(), share * (1 - rate) / (share * (1 - rate)).sum()
    truth = f1 @ (np.cumsum(f0) - 0.5 * f0)
    p = []
    for _ in range(600):
        rank = rng.integers(0, 10, 4_000)
        p.append(compute_initial_test(rank, rng.uniform(size=4_000) < rate[rank], auc_initial=truth).p)
    # Monte Carlo error of 600: √(.05·.95/600) = .0089.
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.025)
    assert kstest(p, "uniform").pvalue > 0.01


def test_identical_discrimination_gives_one_half_and_a_fall_is_found():
    rng = np.random.default_rng(8)
    rank = rng.integers(1, 8, 5_000)
    y = rng.uniform(size=5_000) < 0.03 * rank
    now = compute_initial_test(rank, y, auc_initial=0.5).auc
    assert compute_initial_test(rank, y, auc_initial=now).p == pytest.approx(0.5)
    assert compute_initial_test(rank, y, auc_initial=now + 0.1).p < 1e-6
    shifted = compute_initial_test(10.0 * rank**3, y, auc_initial=0.7)  # a monotone transform changes nothing
    assert shifted == compute_initial_test(rank, y, auc_initial=0.7)


def test_blanks_have_reasons():
    lone = compute_initial_test([1, 2, 3], [0, 0, 1], auc_initial=0.7)
    assert np.isnan(lone.p)
    assert lone.reason == "no variance: one default in 3 loans"
    perfect = compute_initial_test([1, 1, 2, 2], [0, 0, 1, 1], auc_initial=0.7)
    assert perfect.auc == 1
    assert np.isnan(perfect.p)
    assert perfect.reason.startswith("no variance: the grades part defaults")
    assert compute_initial_test([5, 5, 5, 5], [0, 0, 1, 1], auc_initial=0.7).auc == 0.5


def test_years_are_pooled_only_where_defaults_are_few():
    rng = np.random.default_rng(9)
    years = np.repeat([2019, 2020, 2021, 2022], 500)
    rank = rng.integers(1, 8, years.size)
    y = rng.uniform(size=years.size) < 0.01 * rank
    latest = years == 2022
    alone = compute_initial_test(rank, y, auc_initial=0.7, years=years, few_defaults=5)
    assert (alone.years, alone.n) == (1, 500)
    assert alone.auc == compute_initial_test(rank[latest], y[latest], auc_initial=0.7).auc
    pooled = compute_initial_test(rank, y, auc_initial=0.7, years=years, few_defaults=10_000)
    assert (pooled.years, pooled.n, pooled.defaults) == (3, 1500, int(y[years > 2019].sum()))
    kept = years > 2019
    auc, s = brute_force(compute_year_cdf(rank[kept], years[kept]), y[kept])
    assert (pooled.auc, pooled.s) == (pytest.approx(auc, abs=1e-12), pytest.approx(s, abs=1e-12))


def test_pooling_does_not_mind_a_shift_of_all_grades_in_one_year():
    rng = np.random.default_rng(10)
    years, rank = np.repeat([1, 2], 400), rng.integers(1, 6, 800)
    np.testing.assert_array_equal(compute_year_cdf(rank, years), compute_year_cdf(rank + 100 * (years == 2), years))


def test_the_cdf_by_hand():
    # Year 1: grades 1, 1, 3 -> 2/3, 2/3, 1. Year 2: grade 9 alone -> 1.
    assert compute_year_cdf([3, 9, 1, 1], [1, 2, 1, 1]).tolist() == pytest.approx([1, 1, 2 / 3, 2 / 3])


@pytest.mark.parametrize(("grades", "y", "initial", "message"), [
    ([1, 2], [0, 0], 0.7, "both events and non-events"), ([1, np.nan], [0, 1], 0.7, "grades must be finite"),
    ([1, 2, 3], [0, 1], 0.7, "3 rows, 2 values"), ([1, 2], [0, 1], 1.2, r"AUCs must lie in \[0, 1\]"),
    ([], [], 0.7, "no rows at all"),
])  # fmt: skip
def test_bad_input_is_refused(grades, y, initial, message):
    with pytest.raises(ValueError, match=message):
        compute_initial_test(grades, y, auc_initial=initial)
