"""Two groups against hand arithmetic, brute force over all pairs, scipy and simulation."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analytics.two_samples import compare_categories, compare_numbers


@pytest.fixture
def samples():
    rng = np.random.default_rng(11)
    return rng.normal(0.4, 1, 70), rng.normal(0, 2, 110)


def test_welch_by_hand():
    # A = 1 2 3 4: mean 2.5, s²/n = (5/3)/4 = 0.41667; B = 2 4 6: mean 4, s²/n = 4/3 = 1.33333.
    # t = −1.5 / √1.75; df = 1.75² / (0.41667²/3 + 1.33333²/2) = 3.0625 / 0.94676 = 3.2347
    found = compare_numbers(np.array([1.0, 2, 3, 4]), np.array([2.0, 4, 6]))
    df = 1.75**2 / ((5 / 12) ** 2 / 3 + (4 / 3) ** 2 / 2)
    assert found.p_mean == pytest.approx(2 * stats.t.sf(1.5 / np.sqrt(1.75), df))
    margin = stats.t.ppf(0.975, df) * np.sqrt(1.75)
    assert (found.difference, found.low, found.high) == pytest.approx((-1.5, -1.5 - margin, -1.5 + margin))
    # Pairs A > B: 3>2, 4>2; ties 2=2, 4=4: (2 + 1) / 12
    assert found.superiority == pytest.approx(3 / 12)
    assert found.effect == pytest.approx(2 * 3 / 12 - 1)
    # Hedges: pooled variance (3·5/3 + 2·4) / 5 = 2.6, correction 1 − 3/(4·5 − 1)
    assert found.hedges_g == pytest.approx(-1.5 / np.sqrt(2.6) * (1 - 3 / 19))


def test_superiority_is_the_share_of_all_pairs(samples):
    x, y = np.round(samples[0], 1), np.round(samples[1], 1)
    above = np.mean(x[:, None] > y[None, :]) + 0.5 * np.mean(x[:, None] == y[None, :])
    found = compare_numbers(x, y)
    assert found.superiority == pytest.approx(above)
    assert found.p == pytest.approx(stats.mannwhitneyu(x, y).pvalue)


def test_missing_values_are_left_out(samples):
    x, y = samples
    assert compare_numbers(np.append(x, np.nan), np.append(y, [np.nan] * 3)) == compare_numbers(x, y)


def test_nothing_to_compare_gives_none():
    assert compare_numbers(np.array([1.0]), np.array([1.0, 2])) is None
    assert compare_numbers(np.ones(5), np.ones(6)) is None
    assert compare_categories(pd.Series(["a", "a"]), pd.Series(["a"])) is None
    assert compare_categories(pd.Series(["a", "b"]), pd.Series([None, None])) is None


def test_two_different_constants_differ_but_have_no_interval():
    found = compare_numbers(np.ones(40), np.full(30, 2.0))
    assert found.effect == -1
    assert found.p < 1e-10
    assert np.isnan(found.low)


def test_each_loan_its_own_cluster_is_delong_and_welch(samples):
    x, y = samples
    plain, clustered = compare_numbers(x, y), compare_numbers(x, y, np.arange(x.size + y.size))
    assert clustered.superiority == plain.superiority
    # Welch's variance has n − 1, the clustered one n and loans/(loans − 1): the same to order 1/n
    assert clustered.high - clustered.low == pytest.approx(plain.high - plain.low, rel=0.02)
    # DeLong's variance, the long way: placements of every value among the other group
    v10 = np.array([np.mean(value > y) for value in x])
    v01 = np.array([np.mean(x > value) for value in y])
    error = np.sqrt((v10.var() / x.size + v01.var() / y.size) * 180 / 179)
    assert clustered.p == pytest.approx(2 * stats.t.sf(abs(plain.superiority - 0.5) / error, 179))


def test_the_same_loans_at_two_dates_cluster_to_the_paired_test():
    rng = np.random.default_rng(5)
    before = rng.normal(0, 3, 400)
    after = before + rng.normal(0.1, 0.5, 400)
    clustered = compare_numbers(after, before, np.tile(np.arange(400), 2))
    assert clustered.p_mean == pytest.approx(stats.ttest_rel(after, before).pvalue, rel=0.02)
    assert clustered.p_mean < 0.01 < compare_numbers(after, before).p_mean


def test_a_repeated_loan_does_not_count_twice(samples):
    x, y = samples
    twice = compare_numbers(np.tile(x, 2), np.tile(y, 2), np.concatenate([np.tile(np.arange(70), 2),
                                                                         np.tile(np.arange(70, 180), 2)]))  # fmt: skip
    once = compare_numbers(x, y, np.arange(180))
    assert (twice.p, twice.low, twice.high) == pytest.approx((once.p, once.low, once.high))


def words(**counts):
    return pd.Series([name for name, count in counts.items() for _ in range(count)])


def test_chi_square_by_hand():
    # A: 30 yes 70 no, B: 10 yes 90 no; expected 20 and 80: χ² = 2·(10²/20) + 2·(10²/80) = 12.5 on 1 degree
    found = compare_categories(words(yes=30, no=70), words(yes=10, no=90))
    assert found.test == "χ²"
    assert found.p == pytest.approx(stats.chi2.sf(12.5, 1))
    assert (found.value, found.a, found.b, found.difference) == ("yes", 0.3, 0.1, pytest.approx(0.2))
    # Newcombe's interval from Jeffreys limits of 0.3 and 0.1: 0.2 − √((0.3−l)² + (u−0.1)²)
    low = stats.beta.ppf(0.025, [30.5, 10.5], [70.5, 90.5])
    high = stats.beta.ppf(0.975, [30.5, 10.5], [70.5, 90.5])
    assert found.low == pytest.approx(0.2 - np.hypot(0.3 - low[0], high[1] - 0.1))
    assert found.high == pytest.approx(0.2 + np.hypot(high[0] - 0.3, 0.1 - low[1]))
    # Equal groups: V² = χ²/n = 0.0625; less chance (1/100 + 1/100)/4 = 0.005
    assert found.effect == pytest.approx(np.sqrt(0.0625 - 0.005))
    # Bergsma: (χ²/n − 1/199) / (2 − 1/199 − 1)
    assert found.cramers_v == pytest.approx(np.sqrt((0.0625 - 1 / 199) / (1 - 1 / 199)))


def test_fisher_where_few_are_expected():
    # Fisher's tea: 3 of 4 and 1 of 4; two-sided p = (1 + 16 + 16 + 1) / 70
    found = compare_categories(words(milk=3, tea=1), words(milk=1, tea=3))
    assert found.test == "Fisher exact"
    assert found.p == pytest.approx(34 / 70)


def test_rare_categories_are_pooled_before_chi_square():
    a, b = words(x=60, y=40, r=1, s=0), words(x=40, y=55, r=0, s=3)
    found = compare_categories(a, b)
    assert found.pooled == 2
    # The table by hand: x 60 40, y 40 55, other 1 3
    assert found.p == pytest.approx(stats.chi2_contingency([[60, 40, 1], [40, 55, 3]], correction=False).pvalue)


def test_where_all_are_rare_the_most_frequent_is_kept():
    a = pd.Series(["r0"] * 4 + [f"r{place}" for place in range(1, 7)])
    b = pd.Series(["r0"] * 2 + [f"r{place}" for place in range(1, 15)])
    found = compare_categories(a, b)
    assert (found.test, found.pooled, found.value) == ("Fisher exact", 14, "r0")
    assert found.p == pytest.approx(stats.fisher_exact([[4, 6], [2, 14]]).pvalue)


def test_effect_does_not_shrink_when_one_group_is_small():
    equal = compare_categories(words(yes=4000, no=6000), words(yes=2000, no=8000))
    lopsided = compare_categories(words(yes=400, no=600), words(yes=20_000, no=80_000))
    assert lopsided.effect == pytest.approx(equal.effect, abs=0.01)
    assert lopsided.cramers_v < 0.5 * equal.cramers_v


def test_clustered_categories_of_two_dates_are_mcnemar():
    # 500 loans: 40 turn yes, 20 turn no. McNemar's z² = (40 − 20)² / (60 − 20²/500) once the mean is taken off.
    before = np.repeat([0, 0, 1, 1], [300, 40, 20, 140])
    after = np.repeat([0, 1, 0, 1], [300, 40, 20, 140])
    found = compare_categories(*(pd.Series(np.where(side, "yes", "no")) for side in (after, before)),
                               np.tile(np.arange(500), 2))  # fmt: skip
    assert found.p == pytest.approx(stats.chi2.sf(400 / (60 - 400 / 500), 1), rel=1e-6)


@pytest.mark.parametrize("clustered", [False, True])
def test_p_values_are_uniform_where_nothing_differs(clustered):
    # Random splits of one population; with clusters each loan has three equal-ish rows of one group.
    rng = np.random.default_rng(8)
    numbers, categories = [], []
    for _ in range(500):
        base = rng.lognormal(size=240)
        rows = np.repeat(base, 3) * rng.uniform(0.95, 1.05, 720) if clustered else base
        loans = np.repeat(np.arange(240), 3) if clustered else None
        kind = pd.Series(pd.cut(rows, [0, 0.5, 1, 2, np.inf], labels=list("abcd")).astype(str))
        half = rows.size // 2
        numbers.append(compare_numbers(rows[:half], rows[half:], loans).p)
        categories.append(compare_categories(kind[:half], kind[half:], loans).p)
    for p in (numbers, categories):
        assert stats.kstest(p, "uniform").pvalue > 0.001
        assert 0.02 < np.mean(np.array(p) < 0.05) < 0.085  # 500 draws of a share of 5 %: ±3 standard errors
