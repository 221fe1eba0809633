import numpy as np
import pytest
from scipy.stats import beta

from analytics.observed_expected import compute_observed_expected
from analytics.proportions import compute_jeffreys_interval


def test_the_three_grades_of_the_jeffreys_example():
    # METHODS section 5: the ECB's one-sided p .01995857, .84955196, .59864873; two-sided is twice the smaller tail.
    n, d = np.array([406, 480, 114]), np.array([55, 41, 10])
    pds = [0.10342906086898278, 0.09952395992070007, 0.09571932442140331]
    y = np.concatenate([np.r_[np.ones(k), np.zeros(m - k)] for k, m in zip(d, n, strict=True)])
    found = compute_observed_expected(y, np.repeat(pds, n), np.repeat(["a", "b", "c"], n))
    one_sided = np.array([0.01995857, 0.84955196, 0.59864873])
    np.testing.assert_allclose(found["p_value"], 2 * np.minimum(one_sided, 1 - one_sided), atol=2e-8)
    np.testing.assert_allclose(found["o_e_ratio"], d / n / pds)
    low, high = compute_jeffreys_interval(d, n)
    np.testing.assert_allclose(found["low"], low / pds)
    np.testing.assert_allclose(found["high"], high / pds)
    assert list(found["events"]) == [55, 41, 10]
    assert list(found["group"]) == ["a", "b", "c"]


def test_a_group_without_events_has_an_upper_end_and_a_p_value():
    found = compute_observed_expected(np.zeros(500), np.full(500, 0.02), np.zeros(500)).iloc[0]
    assert (found["o_e_ratio"], found["low"]) == (0, 0)
    assert 0 < found["high"] < 1
    assert found["p_value"] == pytest.approx(2 * beta.sf(0.02, 0.5, 500.5))
    assert found["small"]


def test_each_row_four_times_counts_once():
    # Loans with one outcome each, seen four times: the design effect is 4, so n / 4 rows count.
    y = np.r_[np.ones(20), np.zeros(80)]
    once = compute_observed_expected(y, np.full(100, 0.1), np.zeros(100)).iloc[0]
    four = compute_observed_expected(
        np.repeat(y, 4), np.full(400, 0.1), np.zeros(400), cluster=np.repeat(np.arange(100), 4)
    ).iloc[0]
    assert (four["n"], four["loans"], four["effective_n"]) == (400, 100, pytest.approx(100))
    for name in ("low", "high", "p_value"):
        assert four[name] == pytest.approx(once[name])


def test_missing_groups_are_left_out_and_a_pd_of_zero_has_no_ratio():
    found = compute_observed_expected([0, 1, 0, 1], [0.0, 0.5, 0.0, 0.5], ["a", "b", "a", None])
    assert list(found["n"]) == [2, 1]
    assert np.isnan(found["o_e_ratio"].iloc[0])


def test_p_values_are_about_uniform_where_pds_are_right():
    """2,000 groups of 400 rows with repeated loans: 5 % rejected, within three standard errors (1.5 points)."""
    rng = np.random.default_rng(0)
    loans, times, groups = 200, 2, 2000
    y = np.repeat(rng.random((groups, loans)) < 0.15, times, axis=1).ravel()
    cluster = np.repeat(np.arange(groups * loans), times)
    group = np.repeat(np.arange(groups), loans * times)
    found = compute_observed_expected(y, np.full(y.size, 0.15), group, cluster=cluster)
    assert (found["p_value"] < 0.05).mean() == pytest.approx(0.05, abs=0.015)
    naive = compute_observed_expected(y, np.full(y.size, 0.15), group)
    assert (naive["p_value"] < 0.05).mean() > 0.1


@pytest.mark.parametrize(
    ("y", "pds", "message"),
    [([0, 2], [0.1, 0.1], "0 or 1"), ([0, 1], [0.1, np.nan], r"\[0, 1\]"), ([0, 1], [0.1], "one PD per outcome")],
)
def test_wrong_input_is_refused(y, pds, message):
    with pytest.raises(ValueError, match=message):
        compute_observed_expected(y, pds, np.zeros(len(y)))
