import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import norm
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from analytics.performance import METRICS, compute_metrics, compute_paired_differences


def table(y, scores, **options):
    return compute_metrics(y, scores, **options).set_index(["model", "metric"])


def draw(seed=0, n=400, loans=120):
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, loans, n)
    log_odds = rng.normal(-1.5, 1, n) + rng.normal(0, 0.7, loans)[cluster]
    y = rng.random(n) < expit(log_odds)
    return y, {"a": expit(log_odds + rng.normal(0, 0.5, n)), "b": expit(log_odds + rng.normal(0, 1.0, n))}, cluster


def test_point_estimates_equal_scikit_learn():
    y, scores, _ = draw()
    found = table(y, scores)["estimate"]
    for model, pds in scores.items():
        assert found[model, "auc"] == pytest.approx(roc_auc_score(y, pds))
        assert found[model, "gini"] == pytest.approx(2 * roc_auc_score(y, pds) - 1)
        assert found[model, "brier"] == pytest.approx(brier_score_loss(y, pds))
        assert found[model, "log_loss"] == pytest.approx(log_loss(y, pds))


def test_numbers_by_hand():
    # Errors² .01, .04, .25, .36 → Brier .165; rate 2/4 over mean PD 1.2/4 → ratio 2/1.2 = 5/3.
    y, pds = [0, 0, 1, 1], np.array([0.1, 0.2, 0.5, 0.4])
    found = table(y, {"m": pds}).loc["m"]
    assert found.loc["brier", "estimate"] == pytest.approx(0.165)
    assert found.loc["o_e_ratio", "estimate"] == pytest.approx(5 / 3)
    assert found.loc["mean_pd", "estimate"] == pytest.approx(0.3)
    assert found.loc["default_rate", "estimate"] == pytest.approx(0.5)
    # Brier: standard error √(sample variance / 4), variance with n − 1.
    losses = np.array([0.01, 0.04, 0.25, 0.36])
    assert found.loc["brier", "standard_error"] == pytest.approx(losses.std(ddof=1) / 2)
    # Ratio: u = (y − R p)/Σp, R = 5/3: (−1/6, −1/3, 1/6, 1/3)/1.2, times 4/3 for I/(I − 1).
    variance = 4 / 3 * (2 / 36 + 2 / 9) / 1.2**2
    assert found.loc["o_e_ratio", "standard_error"] == pytest.approx(np.sqrt(variance))
    z = norm.ppf(0.975)
    assert found.loc["o_e_ratio", "high"] == pytest.approx(5 / 3 * np.exp(z * np.sqrt(variance) / (5 / 3)))
    assert found.loc["brier", "n"] == 4
    assert found.loc["brier", "events"] == 2


def test_brier_total_of_the_reference_example():
    # METHODS section 5: f .1, .2, .5, ten loans each, defaults 1, 4, 5 → Brier score .2066667.
    y = np.concatenate([np.r_[np.ones(k), np.zeros(10 - k)] for k in (1, 4, 5)])
    found = table(y, {"m": np.repeat([0.1, 0.2, 0.5], 10)}, metrics=["brier"])
    assert found.loc[("m", "brier"), "estimate"] == pytest.approx(0.2066667, abs=5e-8)


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_order_of_rows_does_not_matter(seed):
    y, scores, cluster = draw(seed % 7)
    order = np.random.default_rng(seed).permutation(len(y))
    shuffled = {name: pds[order] for name, pds in scores.items()}
    pd.testing.assert_frame_equal(
        compute_metrics(y, scores, cluster=cluster),
        compute_metrics(y[order], shuffled, cluster=cluster[order]),
        rtol=1e-7,
    )


@given(st.floats(0.2, 3), st.floats(-2, 2))
@settings(max_examples=30, deadline=None)
def test_ranking_metrics_ignore_monotone_transforms(slope, shift):
    y, scores, cluster = draw()
    pds = scores["a"]
    moved = expit(slope * np.log(pds / (1 - pds)) + shift)
    found = table(y, {"raw": pds, "moved": moved}, cluster=cluster, metrics=["auc", "gini", "ks"])
    np.testing.assert_allclose(found.loc["raw"].to_numpy(), found.loc["moved"].to_numpy(), rtol=1e-9)


def test_repeating_every_row_leaves_clustered_errors_alone():
    """Seeing each loan twice is no news: estimate and error stay, where rows are known to be one loan."""
    y, scores, _ = draw()
    ids = np.arange(len(y))
    once = table(y, scores, cluster=ids)
    twice = table(np.r_[y, y], {m: np.r_[p, p] for m, p in scores.items()}, cluster=np.r_[ids, ids])
    columns = ["estimate", "standard_error"]
    np.testing.assert_allclose(once[columns], twice[columns], rtol=1e-8)
    naive = table(np.r_[y, y], {m: np.r_[p, p] for m, p in scores.items()})
    shrunk = naive["standard_error"] / once["standard_error"]
    np.testing.assert_allclose(shrunk, np.sqrt(1 / 2), rtol=0.01)  # half the variance, wrongly


def test_intervals_widen_with_the_level_and_stay_in_bounds():
    y, scores, _ = draw(n=40, loans=40)
    wide, narrow = (table(y, scores, level=level) for level in (0.999, 0.5))
    assert (wide["low"] <= narrow["low"]).all()
    assert (wide["high"] >= narrow["high"]).all()
    assert wide.loc[("a", "auc"), "high"] <= 1
    assert (wide["low"] <= wide["estimate"]).all()


def test_identical_models_do_not_differ():
    y, scores, cluster = draw()
    found = compute_paired_differences(y, {"a": scores["a"], "copy": scores["a"]}, "a", cluster=cluster)
    assert list(found["metric"]) == list(METRICS)
    for column in ("difference", "standard_error", "low", "high", "z"):
        assert (found[column] == 0).all(), column
    assert (found["p_value"] == 1).all()
    assert set(found["verdict"]) == {"no clear difference", ""}


def test_differences_change_sign_when_roles_swap():
    y, scores, cluster = draw()
    there = compute_paired_differences(y, scores, "a", cluster=cluster)
    back = compute_paired_differences(y, scores, "b", cluster=cluster)
    np.testing.assert_allclose(there["difference"], -back["difference"])
    np.testing.assert_allclose(there["standard_error"], back["standard_error"])
    np.testing.assert_allclose(there["low"], -back["high"])
    swap = {"better": "worse", "worse": "better"}
    assert [swap.get(word, word) for word in there["verdict"]] == list(back["verdict"])


def test_difference_is_that_of_the_metrics_and_mean_losses_are_a_paired_t():
    y, scores, _ = draw()
    found = compute_paired_differences(y, scores, "a").set_index("metric")
    single = table(y, scores)["estimate"]
    for metric in METRICS:
        assert found.loc[metric, "difference"] == pytest.approx(single["b", metric] - single["a", metric])
    # Brier: the textbook error of a mean of paired differences.
    change = (y - scores["b"]) ** 2 - (y - scores["a"]) ** 2
    assert found.loc["brier", "standard_error"] == pytest.approx(change.std(ddof=1) / np.sqrt(len(y)))
    z = found.loc["brier", "difference"] / found.loc["brier", "standard_error"]
    assert found.loc["brier", "p_value"] == pytest.approx(2 * norm.sf(abs(z)))


def test_a_clearly_better_challenger_is_called_better():
    y, scores, _ = draw(n=4000, loans=4000)
    found = compute_paired_differences(y, {"b": scores["b"], "a": scores["a"]}, "b").set_index("metric")["verdict"]
    assert found["gini"] == "better"
    assert found["log_loss"] == "better"  # lower is better there
    assert found["o_e_ratio"] == ""


def test_wrong_use_is_refused_by_name():
    y, scores, _ = draw()
    with pytest.raises(ValueError, match=r"champion 'x' is not among .* a, b"):
        compute_paired_differences(y, scores, "x")
    with pytest.raises(ValueError, match="unknown metric accuracy"):
        compute_metrics(y, scores, metrics=["accuracy"])
    with pytest.raises(ValueError, match="level"):
        compute_metrics(y, scores, level=95)


def test_arguments_are_left_as_they_were():
    y, scores, cluster = draw()
    before = (y.copy(), {name: pds.copy() for name, pds in scores.items()}, cluster.copy())
    compute_paired_differences(y, scores, "a", cluster=cluster)
    np.testing.assert_array_equal(y, before[0])
    np.testing.assert_array_equal(cluster, before[2])
    for name, pds in scores.items():
        np.testing.assert_array_equal(pds, before[1][name])


def test_a_frame_of_scores_is_as_good_as_a_mapping():
    y, scores, _ = draw()
    pd.testing.assert_frame_equal(compute_metrics(y, scores), compute_metrics(y, pd.DataFrame(scores)))


def test_one_loan_with_events_has_no_error_to_report():
    found = table([1, 0, 0, 0], {"m": np.array([0.9, 0.1, 0.2, 0.3])}, metrics=["auc"])
    assert found["estimate"].iloc[0] == 1
    assert np.isnan(found["standard_error"].iloc[0])


def _simulate(rng):
    """150 loans with one to seven snapshots, a common effect per loan, two models of unlike quality."""
    sizes = rng.integers(1, 8, 150)
    cluster = np.repeat(np.arange(150), sizes)
    shared, own = rng.normal(0, 1.2, 150)[cluster], rng.normal(0, 0.6, cluster.size)
    truth = shared + own
    y = rng.random(cluster.size) < expit(truth - 1.4)
    first = expit(truth + rng.normal(0, 0.9, 150)[cluster] - 1.4)
    second = expit(0.7 * truth + rng.normal(0, 1.1, 150)[cluster] - 1.2)
    return y, {"a": first, "b": second}, cluster


@pytest.mark.slow
def test_intervals_cover_what_they_promise_with_repeated_loans():
    """Of 95 % intervals 92.5 to 98 % hold the truth: 1,000 books, so three standard errors are 2.1 points."""
    rng = np.random.default_rng(2026)
    names = ["auc", "ks", "brier", "log_loss", "o_e_ratio", "calibration_slope", "calibration_in_the_large"]
    big = [_simulate(rng) for _ in range(1500)]
    y, scores = np.concatenate([b[0] for b in big]), {m: np.concatenate([b[1][m] for b in big]) for m in "ab"}
    truth = table(y, scores, metrics=names)["estimate"]
    held, naive, paired = [], [], []
    for _ in range(1000):
        y, scores, cluster = _simulate(rng)
        found = table(y, scores, cluster=cluster, metrics=names)
        held.append((found["low"] <= truth) & (truth <= found["high"]))
        plain = table(y, scores, metrics=names)
        naive.append((plain["low"] <= truth) & (truth <= plain["high"]))
        change = compute_paired_differences(y, scores, "a", cluster=cluster, metrics=names).set_index("metric")
        wanted = truth["b"] - truth["a"]
        paired.append((change["low"] <= wanted) & (wanted <= change["high"]))
    coverage, unclustered = pd.DataFrame(held).mean(), pd.DataFrame(naive).mean()
    for (model, metric), share in coverage.items():
        # KS is the larger of many distances and so biased upwards in small samples (documented).
        assert share > (0.90 if metric == "ks" else 0.925), (model, metric, share)
        assert share < 0.98, (model, metric, share)
    for metric, share in pd.DataFrame(paired).mean().items():
        assert share > (0.90 if metric == "ks" else 0.925), (metric, share)
    assert unclustered["a", "brier"] < coverage["a", "brier"] - 0.03  # ignoring the loans promises too much
