import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from analytics.bootstrap import (
    BOOTSTRAPPED,
    TOP,
    _Book,
    compute_bootstrap,
    compute_bootstrap_differences,
    compute_bootstrap_intervals,
)
from analytics.labelled import check_labelled
from analytics.performance import compute_metrics, compute_paired_differences


def draw(seed=0, n=3000, loans=1000, level=-2.0):
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, loans, n)
    x = rng.normal(level, 0.9, n) + rng.normal(0, 0.6, loans)[cluster]
    y = rng.random(n) < expit(x)
    return y, {"a": expit(x + rng.normal(0, 0.5, n)), "b": expit(x + rng.normal(0, 1.0, n)).round(2)}, cluster


def test_estimates_equal_those_of_the_whole_data():
    y, scores, cluster = draw()
    found = compute_bootstrap_intervals(compute_bootstrap(y, scores, cluster=cluster, resamples=32))
    wanted = compute_metrics(y, scores, cluster=cluster)
    both = found.merge(wanted, on=["model", "metric"])
    assert len(both) == 2 * (len(BOOTSTRAPPED) - 1)  # all but lift, which has no influences
    np.testing.assert_allclose(both["estimate_x"], both["estimate_y"])


def test_lift_by_hand():
    # Ten rows, one in the top tenth, an event: 1 of 2 events among a tenth → lift 5.
    y, pds = [0, 0, 0, 1, 0, 0, 0, 0, 0, 1], np.arange(1, 11) / 20
    lift = compute_bootstrap(y, {"m": pds}, metrics=["lift"], resamples=2).estimates
    assert lift[0, 0] == pytest.approx(5)
    # Five tied at the top with one event: a tenth of ten rows is a fifth of these → 1/5 of an event of 2 → 1.
    tied = np.r_[pds[:5], [0.9] * 5]
    assert compute_bootstrap(y, {"m": tied}, metrics=["lift"], resamples=2).estimates[0, 0] == pytest.approx(1)
    assert compute_bootstrap(y, {"m": [0.1] * 10}, metrics=["lift"], resamples=2).estimates[0, 0] == pytest.approx(1)
    assert TOP == 0.1


def test_weighted_metrics_equal_those_of_the_drawn_rows():
    """Counts of loans, used as weights in one pass, give what copying the rows and measuring by scikit-learn gives."""
    y, scores, cluster = draw(1, n=400, loans=150)
    book = _Book(check_labelled(y, cluster), scores)
    rng = np.random.default_rng(3)
    with_event = pd.Series(y).groupby(cluster).any()
    ordered = sorted(with_event.index, key=lambda loan: (not with_event[loan], list(pd.unique(cluster)).index(loan)))
    for _ in range(5):
        drawn = np.bincount(rng.integers(0, len(ordered), len(ordered)), minlength=len(ordered)).astype(np.uint8)
        found = book.measure(drawn[:, None], np.ones((2, 1)))[0]
        count = pd.Series(drawn, ordered).reindex(cluster).to_numpy()
        rows = np.repeat(np.arange(400), count)
        for place, pds in enumerate(scores.values()):
            row = dict(zip(BOOTSTRAPPED, found[place], strict=True))
            assert row["auc"] == pytest.approx(roc_auc_score(y[rows], pds[rows]))
            assert row["brier"] == pytest.approx(brier_score_loss(y[rows], pds[rows]))
            clipped = pds[rows].clip(1e-6, 1 - 1e-6)
            assert row["log_loss"] == pytest.approx(log_loss(y[rows], clipped))
            copied = compute_metrics(y[rows], {"m": pds[rows]}, metrics=["ks", "o_e_ratio"]).set_index("metric")
            assert row["ks"] == pytest.approx(copied.loc["ks", "estimate"])
            assert row["o_e_ratio"] == pytest.approx(copied.loc["o_e_ratio", "estimate"])


def test_each_stratum_is_drawn_as_often_as_it_has_loans():
    y, scores, _ = draw(2, n=500, loans=200)
    fixed = compute_bootstrap(y, scores, resamples=50, metrics=["default_rate"], fixed_events=True)
    np.testing.assert_allclose(fixed.values, y.mean())  # single rows: the share of events never changes
    free = compute_bootstrap(y, scores, resamples=2000, metrics=["default_rate"])
    assert free.values[:, 0, 0].std() == pytest.approx(np.sqrt(y.mean() * (1 - y.mean()) / 500), rel=0.06)
    assert compute_bootstrap([1, *[0] * 99], {"m": np.arange(100) / 200}, resamples=50).values[:, 0, 1].min() >= 0


def test_same_seed_same_resamples_for_all_models():
    y, scores, cluster = draw(4)
    first = compute_bootstrap(y, scores, cluster=cluster, resamples=40, seed=5)
    again = compute_bootstrap(y, scores, cluster=cluster, resamples=40, seed=5)
    np.testing.assert_array_equal(first.values, again.values)
    alone = compute_bootstrap(y, {"b": scores["b"]}, cluster=cluster, resamples=40, seed=5)
    np.testing.assert_array_equal(first.values[:, 1], alone.values[:, 0])
    assert not np.allclose(first.values, compute_bootstrap(y, scores, cluster=cluster, resamples=40, seed=6).values)


def test_certain_and_constant_scores_have_their_numbers():
    y = np.r_[np.ones(30), np.zeros(70)]
    scores = {"certain": y, "constant": np.full(100, 0.3), "zero": np.zeros(100)}
    found = compute_bootstrap_intervals(compute_bootstrap(y, scores, resamples=50)).set_index(["model", "metric"])
    ends = found[["estimate", "low", "high"]]
    np.testing.assert_allclose(ends.loc[("certain", "auc")], 1)
    np.testing.assert_allclose(ends.loc[("certain", "brier")], 0)
    np.testing.assert_allclose(ends.loc[("constant", "gini")], 0, atol=1e-12)
    np.testing.assert_allclose(ends.loc[("constant", "ks")], 0, atol=1e-12)
    assert np.isinf(ends.loc[("zero", "o_e_ratio"), "estimate"])  # 30 events where none was expected
    both = compute_bootstrap(y, {"zero": np.zeros(100), "nil": np.zeros(100)}, resamples=50, metrics=["o_e_ratio"])
    assert compute_bootstrap_differences(both, "zero")[["difference", "low", "p_value"]].isna().all(axis=None)


def test_identical_models_differ_by_nothing():
    y, scores, cluster = draw(5)
    same = compute_bootstrap(y, {"a": scores["a"], "copy": scores["a"]}, cluster=cluster, resamples=100)
    found = compute_bootstrap_differences(same, "a")
    assert (found[["difference", "standard_error", "low", "high"]] == 0).all(axis=None)
    assert (found["p_value"] == 1).all()
    assert set(found["verdict"]) == {"no clear difference", ""}


def test_agrees_with_the_influences():
    """2,000 resamples: standard errors within 8 %, their own noise being 1.6 %; KS's maximum wanders, within 20 %."""
    y, scores, cluster = draw(6, n=12_000, loans=4000)
    replicates = compute_bootstrap(y, scores, cluster=cluster, resamples=2000)
    pairs = [
        (compute_bootstrap_intervals(replicates), compute_metrics(y, scores, cluster=cluster), ["model", "metric"]),
        (
            compute_bootstrap_differences(replicates, "a"),
            compute_paired_differences(y, scores, "a", cluster=cluster),
            ["challenger", "metric"],
        ),
    ]
    for found, wanted, keys in pairs:
        both = found.merge(wanted, on=keys, suffixes=("", "_influence"))
        both = both[both["standard_error_influence"] > 0]  # the observed rate's difference is 0
        ratio = both["standard_error"] / both["standard_error_influence"]
        assert ratio[both["metric"] != "ks"].between(0.92, 1.08).all(), ratio
        assert ratio[both["metric"] == "ks"].between(0.8, 1.2).all(), ratio
    ignoring = compute_bootstrap_intervals(compute_bootstrap(y, scores, resamples=500)).set_index(["model", "metric"])
    clustered = pairs[0][0].set_index(["model", "metric"])
    assert ignoring.loc[("a", "mean_pd"), "standard_error"] < 0.95 * clustered.loc[("a", "mean_pd"), "standard_error"]


def test_a_clearly_better_challenger_is_called_better():
    y, scores, cluster = draw(7, n=8000, loans=8000)
    replicates = compute_bootstrap(y, scores, cluster=cluster, resamples=400)
    found = compute_bootstrap_differences(replicates, "b").set_index("metric")
    for name in ("gini", "lift", "brier", "log_loss"):
        assert found.loc[name, "verdict"] == "better", name
    assert found.loc["gini", "p_value"] == pytest.approx(2 / 401)  # no replicate on the other side
    worse = compute_bootstrap_differences(replicates, "a").set_index("metric")
    assert worse.loc["brier", "verdict"] == "worse"
    assert worse.loc["o_e_ratio", "verdict"] == ""


def test_basic_interval_is_the_mirrored_percentile_interval():
    y, scores, _ = draw(8)
    replicates = compute_bootstrap(y, scores, resamples=200)
    plain = compute_bootstrap_intervals(replicates, level=0.9)
    basic = compute_bootstrap_intervals(replicates, level=0.9, method="basic")
    np.testing.assert_allclose(basic["low"], 2 * plain["estimate"] - plain["high"])
    values = replicates.frame.query("model == 'a' and metric == 'gini'")["value"]
    assert plain["low"].iloc[0] == pytest.approx(np.quantile(values, 0.05))


def test_progress_ends_at_one():
    y, scores, _ = draw(9, n=200)
    seen = []
    compute_bootstrap(y, scores, resamples=100, progress=lambda share, doing: seen.append((share, doing)))
    shares = [share for share, _ in seen]
    assert shares == sorted(shares)
    assert seen[-1] == (1.0, "Resample 100 of 100")


def test_wrong_use_is_refused():
    y, scores, _ = draw(10, n=100)
    with pytest.raises(ValueError, match="unknown metric slope"):
        compute_bootstrap(y, scores, metrics=["slope"])
    with pytest.raises(ValueError, match="at least two resamples"):
        compute_bootstrap(y, scores, resamples=1)
    with pytest.raises(ValueError, match="no events"):
        compute_bootstrap(np.zeros(100), scores)
    replicates = compute_bootstrap(y, scores, resamples=2)
    with pytest.raises(ValueError, match="champion 'x' is not among"):
        compute_bootstrap_differences(replicates, "x")
    with pytest.raises(ValueError, match="level"):
        compute_bootstrap_intervals(replicates, level=95)


@pytest.mark.slow
def test_intervals_cover_what_they_promise():
    """500 books of 700 loans seen up to three times: 95 % intervals hold the truth in 93 to 97 % (± 2 of noise)."""
    rng = np.random.default_rng(2026)
    names = ["gini", "brier", "log_loss", "o_e_ratio", "lift"]

    def book(loans):
        cluster = np.repeat(np.arange(loans), rng.integers(1, 4, loans))
        x = rng.normal(-1.5, 1, loans)[cluster] + rng.normal(0, 0.4, cluster.size)
        y = rng.random(cluster.size) < expit(x)
        noise = rng.normal(0, 0.8, loans)[cluster]
        return y, {"a": expit(x), "b": expit(x + noise)}, cluster

    y, scores, cluster = book(1_000_000)
    truth = compute_bootstrap(y, scores, cluster=cluster, metrics=names, resamples=2).estimates
    single, paired = [], []
    for seed in range(500):
        y, scores, cluster = book(700)
        replicates = compute_bootstrap(y, scores, cluster=cluster, metrics=names, resamples=400, seed=seed)
        found = compute_bootstrap_intervals(replicates)
        single.append((found["low"] <= truth.ravel()) & (truth.ravel() <= found["high"]))
        change = compute_bootstrap_differences(replicates, "a")
        wanted = truth[1] - truth[0]
        paired.append((change["low"] <= wanted) & (wanted <= change["high"]))
    for held in (single, paired):
        shares = pd.DataFrame(held).mean()
        assert shares.mean() > 0.93, shares
        assert shares.mean() < 0.97, shares
        assert (shares > 0.91).all(), shares
        assert (shares < 0.985).all(), shares
