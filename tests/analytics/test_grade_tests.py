import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binomtest, kstest

from analytics.grade_tests import ALL, compute_binomial_p, compute_grade_tests, compute_jeffreys_p
from analytics.lights import Limits

LIMITS = Limits(0.05, 0.01)
# METHODS section 5: meliora's tests, whose values are from R, computed independently twice.
GRADES = [
    (0.10342906086898278, 406, 55, 0.01995857, 0.02389227),
    (0.09952395992070007, 480, 41, 0.84955196, 0.86744061),
    (0.09571932442140331, 114, 10, 0.59864873, 0.66055279),
]


@pytest.mark.parametrize(("pd_", "n", "defaults", "jeffreys", "binomial"), GRADES)
def test_reference_numbers(pd_, n, defaults, jeffreys, binomial):
    assert float(compute_jeffreys_p(pd_, n, defaults)) == pytest.approx(jeffreys, abs=5e-9)
    assert float(compute_binomial_p(pd_, n, defaults)) == pytest.approx(binomial, abs=5e-9)


def test_the_table_gives_the_reference_numbers_from_loans():
    loans = pd.concat([
        pd.DataFrame({"grade": k, "pd": pd_, "default": np.arange(n) < d})
        for k, (pd_, n, d, _, _) in enumerate(GRADES, 1)
    ])  # fmt: skip
    found = compute_grade_tests(loans["grade"], loans["pd"], loans["default"], limits=LIMITS)
    assert found["grade"].tolist() == [1, 2, 3, ALL]
    assert found["n"].tolist() == [406, 480, 114, 1000]
    assert found["defaults"].tolist() == [55, 41, 10, 106]
    np.testing.assert_allclose(found["p_jeffreys"][:3], [row[3] for row in GRADES], atol=5e-9)
    np.testing.assert_allclose(found["p_binomial"][:3], [row[4] for row in GRADES], atol=5e-9)
    assert found["outcome"].tolist() == ["amber", "green", "green", "green"]
    assert found["light"].iloc[0] == "▲ amber"
    # Portfolio: 106 of 1000 against the mean PD (406·.10342906 + 480·.09952396 + 114·.09571932)/1000 = .10067570.
    assert found["pd"].iloc[3] == pytest.approx(0.1006757, abs=5e-8)
    assert found["p_jeffreys"].iloc[3] == pytest.approx(beta.cdf(found["pd"].iloc[3], 106.5, 894.5))
    assert found["exposure"].isna().all()
    assert found["rate"].iloc[3] == pytest.approx(0.106)


@given(st.integers(1, 400), st.floats(0, 1), st.floats(0.001, 0.999))
def test_against_scipy(n, share, pd_):
    defaults = round(n * share)
    assert float(compute_jeffreys_p(pd_, n, defaults)) == pytest.approx(
        beta.cdf(pd_, defaults + 0.5, n - defaults + 0.5), abs=1e-12
    )
    assert float(compute_binomial_p(pd_, n, defaults)) == pytest.approx(
        binomtest(defaults, n, pd_, alternative="greater").pvalue, abs=1e-9
    )


def test_one_more_default_lowers_both_p_values():
    for compute in (compute_jeffreys_p, compute_binomial_p):
        assert (np.diff(compute(0.02, 500, np.arange(501))) <= 0).all()


def test_p_values_are_uniform_where_the_pd_is_right():
    # 20,000 grades of 20,000 loans at PD 5 %: defaults enough (σ = 31) that the steps of the counts hardly show.
    defaults = np.random.default_rng(1).binomial(20_000, 0.05, 20_000)
    p = compute_jeffreys_p(0.05, 20_000, defaults)
    # 1 in 20 under 5 %: Monte Carlo error √(.05·.95/20000) = .0015, one step of the counts there, φ(1.645)/31 = .0033.
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.0065)
    assert np.mean(p < 0.5) == pytest.approx(0.5, abs=0.02)
    assert kstest(p, "uniform").statistic < 0.02


def test_a_pd_that_is_too_low_is_found():
    defaults = np.random.default_rng(2).binomial(10_000, 0.01, 500)
    assert np.mean(compute_jeffreys_p(0.005, 10_000, defaults) < 0.01) > 0.95
    assert np.mean(compute_jeffreys_p(0.02, 10_000, defaults) < 0.01) == 0.0


def test_blanks_have_reasons():
    found = compute_grade_tests(
        ["a", "a", "b"], [0.0, 0.0, 0.5], [0, 0, 1], limits=LIMITS, exposure=[1, 2, 4], order=["a", "b", "c"]
    ).set_index("grade")
    assert found.loc["a", "reason"] == "a PD of exactly 0 cannot be tested"
    assert found.loc["c", "reason"] == "no loan in this grade"
    assert found.loc[["a", "c"], "outcome"].tolist() == ["not run", "not run"]
    assert found.loc[["a", "c"], ["p_jeffreys", "p_binomial"]].isna().all().all()
    assert found["exposure"].tolist() == [3, 4, 0, 7]
    assert found.loc["b", "p_jeffreys"] == pytest.approx(beta.cdf(0.5, 1.5, 0.5))
    assert found["small"].all()


def test_grades_may_have_pds_of_their_own():
    found = compute_grade_tests([1, 1, 2], [0.1, 0.2, 0.3], [0, 0, 1], limits=LIMITS, grade_pds={1: 0.12, 2: 0.4})
    # Portfolio (2·.12 + 1·.4)/3.
    np.testing.assert_allclose(found["pd"], [0.12, 0.4, 0.64 / 3])


def test_rows_in_any_order_and_no_default_at_all():
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"g": rng.integers(1, 5, 300), "p": rng.uniform(0.01, 0.02, 300), "y": 0})
    mixed = rows.sample(frac=1, random_state=4)
    first, second = (compute_grade_tests(t["g"], t["p"], t["y"], limits=LIMITS) for t in (rows, mixed))
    pd.testing.assert_frame_equal(first, second)
    assert (first["p_binomial"] == 1).all()
    assert (first["outcome"] == "green").all()


@pytest.mark.parametrize(("arguments", "message"), [
    (([1], [1.5], [0]), r"PDs must lie in \[0, 1\]"), (([1], [np.nan], [0]), "PDs must be finite"),
    (([1, 2], [0.1], [0, 1]), "2 rows, 1 values"), (([1, None], [0.1, 0.1], [0, 1]), "every loan needs a grade"),
    (([1], [0.1], [3]), "outcomes must be 0 or 1"), (([], [], []), "at least one loan"),
])  # fmt: skip
def test_bad_loans_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        compute_grade_tests(*arguments, limits=LIMITS)


def test_bad_grades_and_counts_are_refused():
    with pytest.raises(ValueError, match="outside the scale: 3"):
        compute_grade_tests([1, 3], [0.1, 0.1], [0, 1], limits=LIMITS, order=[1, 2])
    with pytest.raises(ValueError, match="no PD given for the grades 2"):
        compute_grade_tests([1, 2], [0.1, 0.1], [0, 1], limits=LIMITS, grade_pds={1: 0.1})
    with pytest.raises(ValueError, match="0 <= defaults <= n"):
        compute_jeffreys_p(0.1, 5, 6)
    with pytest.raises(ValueError, match="between 0 and 1"):
        compute_binomial_p(1.1, 5, 2)
