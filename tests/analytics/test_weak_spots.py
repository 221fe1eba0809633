import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from analytics.observed_expected import compute_observed_expected
from analytics.weak_spots import compute_loss_spots, compute_weak_spots, split_loans


def draw(seed=0, n=30_000, loans=15_000):
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, loans, n)
    features = pd.DataFrame({
        "country": rng.choice(["Netherlands", "Belgium", "Italy"], n),
        "ltv": np.where(rng.random(n) < 0.05, np.nan, rng.uniform(0.3, 1.2, n)),
        "income": rng.lognormal(10.5, 0.4, n),
    })  # fmt: skip
    return rng, features, rng.normal(-2.8, 0.8, n), cluster


def test_a_planted_weak_spot_is_found_and_named():
    rng, features, x, cluster = draw()
    planted = ((features["country"] == "Belgium") & (features["ltv"] > 0.9)).to_numpy()
    y = rng.random(len(x)) < expit(x + 1.0 * planted)
    found = compute_weak_spots(
        features, y, expit(x), cluster=cluster, max_depth=2, labels={"ltv": "LTV"}, units={"ltv": "share"}
    )
    first = found.iloc[0]
    assert "country Belgium" in first["rule"]
    assert "LTV above" in first["rule"]
    assert first["finding"]
    assert first["excess"] > 0.03
    assert found["finding"].sum() == 1
    # Judged on the other half only: the leaf's numbers are those of unseen rows.
    judge = ~split_loans(cluster)
    assert found["n"].sum() == judge.sum()
    assert found["events"].sum() == y[judge].sum()
    # About the planted excess of the unseen rows; the tree's threshold is not exactly .9.
    wanted = compute_observed_expected(y[judge & planted], expit(x)[judge & planted], np.zeros((judge & planted).sum()))
    assert first["excess"] == pytest.approx((wanted["rate"] - wanted["mean_pd"]).iloc[0], abs=0.015)
    assert first["low"] < first["excess"] < first["high"]
    assert first["excess"] == pytest.approx(first["observed"] - first["expected"])


def test_a_planted_loss_is_found():
    rng, features, x, cluster = draw(1)
    y = rng.random(len(x)) < expit(x)
    worse = (features["income"] > 45_000).to_numpy()
    challenger = expit(np.where(worse, x + rng.normal(0, 1.5, len(x)), x))
    champion = expit(x + rng.normal(0, 0.3, len(x)))
    for loss in ("log_loss", "brier"):
        found = compute_loss_spots(features, y, challenger, champion, cluster=cluster, loss=loss, max_depth=1)
        first = found.iloc[0]
        assert first["rule"].startswith("income above"), loss
        assert first["finding"], loss
        assert first["excess"] > 0, loss
        assert first["excess"] == pytest.approx(first["observed"] - first["expected"]), loss
    same = compute_loss_spots(features, y, champion, champion, cluster=cluster)
    assert not same["finding"].any()
    assert (same["excess"] == 0).all()


def test_loans_stay_whole_and_order_is_nothing():
    _, _, _, cluster = draw(2, n=2000, loans=500)
    grow = split_loans(cluster, seed=3)
    assert (pd.Series(grow).groupby(cluster).nunique() == 1).all()
    assert 0.4 < grow.mean() < 0.6
    mix = np.random.default_rng(0).permutation(2000)
    np.testing.assert_array_equal(split_loans(cluster[mix], seed=3), grow[mix])
    assert (split_loans(cluster, seed=4) != grow).any()


def test_small_leaves_are_no_findings():
    _, features, _, _ = draw(4, n=400)
    y = np.r_[np.ones(3), np.zeros(397)]
    found = compute_weak_spots(features, y, np.full(400, 0.005), max_depth=2)
    assert not found["finding"].any()
    assert found["reason"].str.contains("fewer than 30 rows or 5 events").all()


def _share_of_false_findings(spots):
    return np.mean([found["finding"].any() for found in spots])


def test_nothing_to_find_is_seldom_found():
    """300 books of right PDs: any finding in at most 5 % plus three standard errors (3.8 points)."""
    spots = []
    for seed in range(300):
        rng, features, x, cluster = draw(seed, n=3000, loans=1500)
        y = rng.random(3000) < expit(x)
        spots.append(compute_weak_spots(features, y, expit(x), cluster=cluster))
    assert _share_of_false_findings(spots) < 0.088


def test_equally_good_models_differ_nowhere():
    """300 books: both models err alike by chance; any finding in at most 5 % plus three standard errors."""
    spots = []
    for seed in range(300):
        rng, features, x, cluster = draw(seed, n=4000, loans=2000)
        y = rng.random(4000) < expit(x)
        first, second = (expit(x + rng.normal(0, 0.5, 4000)) for _ in range(2))
        spots.append(compute_loss_spots(features, y, first, second, cluster=cluster))
    assert _share_of_false_findings(spots) < 0.088


def test_one_loan_cannot_be_halved():
    with pytest.raises(ValueError, match="1 loans are too few"):
        compute_weak_spots(pd.DataFrame({"x": [1.0, 2.0]}), [0, 1], [0.1, 0.2], cluster=["a", "a"])
