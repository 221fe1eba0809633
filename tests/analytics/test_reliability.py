import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import norm
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss, log_loss

from analytics.reliability import LEVELS, compute_corp_parts, compute_reliability


def draw(seed, n):
    rng = np.random.default_rng(seed)
    x = rng.normal(-2.5, 1, n)
    return rng.random(n) < expit(x), expit(x)


def test_parts_of_the_reference_example():
    # METHODS section 5 (model-diagnostics agrees): rates .1, .4, .5 rise already, so the isotonic parts are the
    # binned ones: BS .2066667 = REL .0133333 − RES .0288889 + UNC .2222222.
    y = np.concatenate([np.r_[np.ones(k), np.zeros(10 - k)] for k in (1, 4, 5)])
    found = compute_corp_parts(y, {"m": np.repeat([0.1, 0.2, 0.5], 10)}).set_index("score").loc["brier"]
    wanted = {"value": 0.2066667, "miscalibration": 0.0133333, "discrimination": 0.0288889, "uncertainty": 0.2222222}
    for name, number in wanted.items():
        assert found[name] == pytest.approx(number, abs=5e-8), name


def test_pooled_violators_by_hand():
    # PDs .1, .2, .3, .4 with outcomes 0, 1, 0, 1: the middle two are pooled to ½.
    found = compute_reliability([0, 1, 0, 1], {"m": [0.1, 0.2, 0.3, 0.4]})
    np.testing.assert_allclose(found["recalibrated"], [0, 0.5, 0.5, 1])
    parts = compute_corp_parts([0, 1, 0, 1], {"m": [0.1, 0.2, 0.3, 0.4]}).set_index("score")
    # Brier (.01 + .64 + .09 + .36)/4 = .275; recalibrated (0 + ¼ + ¼ + 0)/4 = .125; rate ½: .25.
    assert parts.loc["brier", ["value", "miscalibration", "discrimination", "uncertainty"]].to_list() == pytest.approx(
        [0.275, 0.15, 0.125, 0.25]
    )
    # Log loss of the recalibrated: two certain and right (0), two at ½ (ln 2): (2 ln 2)/4; uncertainty ln 2.
    assert parts.loc["log_loss", "discrimination"] == pytest.approx(np.log(2) / 2)
    assert parts.loc["log_loss", "uncertainty"] == pytest.approx(np.log(2))


def test_parts_equal_scikit_learn():
    y, pds = draw(0, 3000)
    fitted = IsotonicRegression().fit(pds, y).predict(pds)
    found = compute_corp_parts(y, {"m": pds}).set_index("score")
    for score, loss in (("brier", brier_score_loss), ("log_loss", lambda a, b: log_loss(a, np.clip(b, 1e-15, 1)))):
        assert found.loc[score, "value"] == pytest.approx(loss(y, pds))
        assert found.loc[score, "miscalibration"] == pytest.approx(loss(y, pds) - loss(y, fitted), abs=1e-9)
        constant = np.full(3000, y.mean())
        assert found.loc[score, "discrimination"] == pytest.approx(loss(y, constant) - loss(y, fitted), abs=1e-9)
    curve = compute_reliability(y, {"m": pds}, max_points=2000, resamples=2)
    np.testing.assert_allclose(
        curve["recalibrated"], IsotonicRegression().fit(pds, y).predict(curve["pd"]), atol=0.03
    )  # 3,000 PDs gathered into 2,000 levels


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_parts_add_up_and_are_never_negative(seed):
    rng = np.random.default_rng(seed)
    y, pds = np.r_[1, 0, rng.integers(0, 2, 58)], rng.integers(0, 21, 60) / 20
    found = compute_corp_parts(y, {"m": pds})
    total = found["miscalibration"] - found["discrimination"] + found["uncertainty"]
    np.testing.assert_allclose(total, found["value"])
    assert (found[["miscalibration", "discrimination"]] >= -1e-12).all(axis=None)


def test_a_monotone_transform_changes_only_miscalibration():
    y, pds = draw(1, 2000)
    found = compute_corp_parts(y, {"m": pds, "squared": pds**2}).set_index(["model", "score"])
    for name in ("discrimination", "uncertainty"):
        np.testing.assert_allclose(found.loc["m", name], found.loc["squared", name])
    assert (found.loc["squared", "miscalibration"] > found.loc["m", "miscalibration"]).all()


def test_curve_counts_every_row_and_never_falls():
    y, pds = draw(2, 10_000)
    found = compute_reliability(y, {"m": pds, "k": pds.round(2)}, resamples=20)
    for model, part in found.groupby("model"):
        assert part["n"].sum() == 10_000, model
        assert part["events"].sum() == y.sum(), model
        assert len(part) <= 200, model
        for name in ("pd", "recalibrated", "low", "high"):
            assert (np.diff(part[name]) >= -1e-12).all(), (model, name)
        assert part[["low", "high"]].min(axis=None) >= 0
        assert part[["low", "high"]].max(axis=None) <= 1
    assert len(np.unique(pds)) > LEVELS  # so that the first model's PDs were gathered


def test_same_seed_same_band_whatever_the_order():
    y, pds = draw(3, 3000)
    mix = np.random.default_rng(0).permutation(3000)
    first, second = compute_reliability(y, {"m": pds}), compute_reliability(y[mix], {"m": pds[mix]})
    np.testing.assert_allclose(first["low"], second["low"])
    assert not np.allclose(first["low"], compute_reliability(y, {"m": pds}, seed=1)["low"])


def test_band_holds_a_right_curve_and_leaves_a_wrong_one():
    y, pds = draw(4, 20_000)
    found = compute_reliability(y, {"right": pds, "low": pds / 2})
    outside = (found["recalibrated"] < found["low"]) | (found["recalibrated"] > found["high"])
    shares = outside.groupby(found["model"]).mean()
    assert shares["right"] < 0.15
    assert shares["low"] > 0.8


@pytest.mark.slow
def test_band_covers_what_it_promises():
    """120 calibrated samples, 8 points each: 95 % inside within 3 points, ignoring repeated loans too few."""
    rng = np.random.default_rng(1)
    inside = {"single": [], "clustered": [], "naive": []}
    cluster = np.repeat(np.arange(1000), 3)

    def check(name, y, pds, seed, loans=None):
        found = compute_reliability(y, {"m": pds}, cluster=loans, resamples=200, seed=seed)
        held = (found["recalibrated"] >= found["low"] - 1e-12) & (found["recalibrated"] <= found["high"] + 1e-12)
        inside[name].append(held.to_numpy()[np.linspace(10, len(found) - 10, 8).astype(int)])

    for seed in range(120):
        x = rng.normal(-2.5, 1, 3000)
        check("single", rng.random(3000) < expit(x), expit(x), seed)
        x = rng.normal(-2.5, 1, 1000)[cluster] + rng.normal(0, 0.3, 3000)
        common = np.sqrt(0.8) * rng.normal(size=1000)[cluster] + np.sqrt(0.2) * rng.normal(size=3000)
        y = norm.cdf(common) < expit(x)  # outcomes of a loan's snapshots hang together, each calibrated
        check("clustered", y, expit(x), seed, cluster)
        check("naive", y, expit(x), seed)
    shares = {name: np.mean(held) for name, held in inside.items()}
    assert 0.92 < shares["single"] < 0.98, shares
    assert 0.94 < shares["clustered"] < 0.99, shares
    assert shares["naive"] < 0.93, shares


def test_wrong_use_is_refused():
    with pytest.raises(ValueError, match="level"):
        compute_reliability([0, 1], {"m": [0.1, 0.2]}, level=95)
    with pytest.raises(ValueError, match="at least two resamples"):
        compute_reliability([0, 1], {"m": [0.1, 0.2]}, resamples=1)
    with pytest.raises(ValueError, match="only events"):
        compute_corp_parts([1, 1], {"m": [0.1, 0.2]})
