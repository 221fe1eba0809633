"""DeLong against the m×n kernel as published, its edge cases, and its promises in simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, norm
from sklearn.metrics import roc_auc_score

from analytics.delong import compute_delong, compute_delong_tests


def draw(seed, m, n, levels=(5, 8, 40)):
    """Three models of rising resolution, so that there are many ties, few, and hardly any."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.r_[np.ones(m), np.zeros(n)])
    return y, {f"m{size}": rng.integers(0, size, m + n) / size for size in levels}


def brute_force(y, scores):
    """DeLong 1988 as written: kernel ψ, V10 and V01 its row and column means, S = S10/m + S01/n, unbiased."""
    events, rest = y == 1, y == 0
    v10, v01 = [], []
    for score in scores.values():
        kernel = (score[events][:, None] > score[rest]) + 0.5 * (score[events][:, None] == score[rest])
        v10.append(kernel.mean(axis=1))
        v01.append(kernel.mean(axis=0))
    s10, s01 = np.cov(v10), np.cov(v01)
    return np.array([row.mean() for row in v10]), s10 / events.sum() + s01 / rest.sum()


@given(st.integers(0, 10_000), st.integers(2, 15), st.integers(2, 25))
@settings(max_examples=100, deadline=None)
def test_aucs_and_covariance_equal_brute_force(seed, m, n):
    y, scores = draw(seed, m, n)
    found = compute_delong(y, scores)
    aucs, covariance = brute_force(y, scores)
    np.testing.assert_allclose(found.aucs["auc"], aucs, atol=1e-12)
    np.testing.assert_allclose(found.covariance, covariance, atol=1e-12)
    np.testing.assert_allclose(found.aucs["auc"], [roc_auc_score(y, score) for score in scores.values()])


@given(st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_pairs_follow_from_the_covariance(seed):
    y, scores = draw(seed, 12, 30)
    found = compute_delong(y, scores)
    tests = compute_delong_tests(found, level=0.9).set_index(["first", "second"])
    assert list(tests.index) == [("m5", "m8"), ("m5", "m40"), ("m8", "m40")]
    aucs, s = brute_force(y, scores)
    for (i, j), (_, row) in zip([(0, 1), (0, 2), (1, 2)], tests.iterrows(), strict=True):
        error = np.sqrt(s[i, i] + s[j, j] - 2 * s[i, j])
        assert row["difference"] == pytest.approx(aucs[j] - aucs[i], abs=1e-12)
        assert row["standard_error"] == pytest.approx(error, abs=1e-12)
        assert row["z"] == pytest.approx((aucs[j] - aucs[i]) / error, abs=1e-9)
        assert row["p_value"] == pytest.approx(2 * norm.sf(abs(row["z"])), abs=1e-12)
        assert row["high"] - row["low"] == pytest.approx(2 * norm.ppf(0.95) * error)


def test_by_hand():
    # Events .4 .8, others .2 .4 .6. V10 = ½, 1 (variance ⅛), V01 = 1, ¾, ½ (variance 1/16): 1/16 + 1/48 = 1/12.
    row = compute_delong([1, 1, 0, 0, 0], {"m": [0.4, 0.8, 0.2, 0.4, 0.6]}).aucs.iloc[0]
    assert row["auc"] == 0.75
    assert row["standard_error"] == pytest.approx(np.sqrt(1 / 12))
    assert row["low"] == pytest.approx(0.75 - 1.959964 * np.sqrt(1 / 12), abs=1e-6)
    assert row["high"] == 1  # cut: .75 + .57
    assert (row["n"], row["events"], row["reason"]) == (5, 2, "")


def test_rows_in_any_order_and_any_monotone_scale_give_the_same():
    y, scores = draw(1, 30, 70)
    first = compute_delong(y, scores)
    order = np.random.default_rng(2).permutation(y.size)
    turned = compute_delong(y[order], {name: score[order] ** 3 for name, score in scores.items()})
    np.testing.assert_allclose(turned.aucs[["auc", "low", "high"]], first.aucs[["auc", "low", "high"]], atol=1e-12)
    np.testing.assert_allclose(turned.covariance, first.covariance, atol=1e-14)


def test_models_that_rank_alike_do_not_differ():
    y, scores = draw(3, 30, 70, levels=(40,))
    found = compute_delong(y, {"a": scores["m40"], "b": scores["m40"] ** 2})
    row = compute_delong_tests(found).iloc[0]
    assert (row["difference"], row["standard_error"], row["z"], row["p_value"], row["reason"]) == (0, 0, 0, 1, "")
    assert (row["low"], row["high"]) == (0, 0)


def test_two_swapped_loans_in_many_have_a_sound_variance():
    """s11 + s22 − 2·s12 would round to noise here; the variance of the difference of placements does not."""
    n = 200_000
    pds = np.linspace(0.001, 0.999, n)
    y = np.arange(n) % 2
    other = pds.copy()
    other[[1000, 1001]] = other[[1001, 1000]]  # a non-event and the event above it change places
    found = compute_delong(y, {"a": pds, "b": other})
    row = compute_delong_tests(found).iloc[0]
    m = n // 2
    assert row["difference"] == pytest.approx(-1 / m**2, rel=1e-3)
    # Placements differ by 1/m at one event and one non-event: each variance is 1/m²·(1/m)(1 − 1/m)·m/(m − 1) = 1/m³.
    assert row["standard_error"] == pytest.approx(np.sqrt(2 / m**4), rel=1e-3)


def test_a_constant_pd_has_auc_one_half_and_says_why_it_has_no_interval():
    y, scores = draw(4, 20, 50, levels=(9,))
    found = compute_delong(y, {"constant": np.full(70, 0.1), **scores})
    row = found.aucs.iloc[0]
    assert row["auc"] == 0.5
    assert np.isnan([row["low"], row["high"]]).all()
    assert "rank nothing" in row["reason"]
    pair = compute_delong_tests(found).iloc[0]  # the other model has a variance, so the pair is judged
    assert pair["standard_error"] == pytest.approx(found.aucs["standard_error"].iloc[1])
    assert pair["reason"] == ""


def test_perfect_separation_has_no_interval_and_no_test():
    y = np.r_[np.zeros(30), np.ones(10)]
    found = compute_delong(y, {"perfect": y * 0.5, "constant": np.full(40, 0.2), "wrong": 1 - y})
    np.testing.assert_array_equal(found.aucs["auc"], [1, 0.5, 0])
    assert found.aucs[["low", "high"]].isna().all(axis=None)
    assert list(found.aucs["reason"].str.contains("separates")) == [True, False, True]
    pair = compute_delong_tests(found).iloc[0]
    assert pair["difference"] == -0.5
    assert np.isnan([pair["z"], pair["p_value"], pair["low"]]).all()
    assert "neither" in pair["reason"]


def test_one_event_has_an_auc_but_no_variance():
    found = compute_delong([1, 0, 0, 0], {"a": [0.4, 0.1, 0.5, 0.2], "b": [0.4, 0.1, 0.2, 0.3]})
    assert list(found.aucs["auc"]) == [pytest.approx(2 / 3), 1]
    assert found.aucs["reason"].str.contains("two loans").all()
    pair = compute_delong_tests(found).iloc[0]
    assert np.isnan(pair["p_value"])
    assert "two loans" in pair["reason"]


def test_loans_seen_twice_count_once():
    y, scores = draw(5, 20, 60)
    once = compute_delong(y, scores)
    twice = compute_delong(
        np.tile(y, 2), {k: np.tile(v, 2) for k, v in scores.items()}, cluster=np.tile(np.arange(80), 2)
    )
    np.testing.assert_allclose(twice.covariance, once.covariance, atol=1e-14)


@pytest.mark.parametrize(
    ("y", "score", "message"),
    [
        ([1, 1], [0.1, 0.2], "only events"),
        ([0, 1], [0.1, np.nan], "not finite"),
        ([0, 1], [0.1], "one PD per outcome"),
        ([0, 1], [0.1, 1.2], r"outside \[0, 1\]"),
        ([], [], "no rows"),
    ],
)
def test_bad_input_is_refused(y, score, message):
    with pytest.raises(ValueError, match=message):
        compute_delong(y, {"m": score})


def test_a_wrong_level_is_refused():
    with pytest.raises(ValueError, match="level"):
        compute_delong([0, 1], {"m": [0.1, 0.2]}, level=95)


def test_coverage_and_uniform_p_in_simulation():
    """Binormal scores, AUC = Φ(δ/√2); two equally good, correlated models. 1500 draws: standard error .0056."""
    rng = np.random.default_rng(11)
    events, truth = np.r_[np.ones(60, bool), np.zeros(240, bool)], norm.cdf(1 / np.sqrt(2))
    covered, p = [], []
    for _ in range(1500):
        common, own = rng.normal(size=300), rng.normal(size=(2, 300))
        scores = norm.cdf((common + own) / np.sqrt(2) + events)
        found = compute_delong(events, {"a": scores[0], "b": scores[1]})
        covered.append(found.aucs["low"].iloc[0] <= truth <= found.aucs["high"].iloc[0])
        p.append(compute_delong_tests(found)["p_value"].iloc[0])
    assert 0.93 <= np.mean(covered) <= 0.97
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=3 * 0.0056)
    assert kstest(p, "uniform").pvalue > 0.01
