import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from analytics.attributions import compute_importance
from analytics.driver_points import to_points


def attributed(n=4000, seed=3):
    """Random attributions that add up to the log-odds, some loans at the background's own log-odds."""
    rng = np.random.default_rng(seed)
    phi = rng.normal(0, 1, (n, 3)) * [1.0, 0.3, 0.01]
    phi[:50] = 0
    phi[50:100] *= 1e-9
    phi[100:150] = [2.0, -1.5, -0.5]  # they cancel: the PD is the background's
    frame = pd.DataFrame(phi, columns=["phi_a", "phi_b", "phi_c"]).assign(base=-4.0, row=np.arange(n))
    return frame.assign(log_odds=frame["base"] + phi.sum(axis=1), pd=lambda f: expit(f["log_odds"]))


def test_points_add_up_to_the_pd_of_every_loan(database):
    frame = database.fetch(to_points(database.table(attributed())))
    total = frame["base"] + frame[["phi_a", "phi_b", "phi_c"]].sum(axis=1)
    np.testing.assert_allclose(total, frame["pd"], atol=1e-14)
    np.testing.assert_allclose(frame["base"], expit(-4.0), rtol=1e-14)


def test_points_by_hand(database):
    """Base −2 and φ = (1, 1): σ(0) − σ(−2) = 0.5 − 0.119203, halved for the two equal features."""
    table = database.table(pd.DataFrame({"base": [-2.0], "log_odds": [0.0], "phi_a": [1.0], "phi_b": [1.0]}))
    found = database.fetch(to_points(table)).iloc[0]
    assert found["phi_a"] == pytest.approx((0.5 - 0.11920292202211755) / 2, abs=1e-15)
    assert found["phi_b"] == found["phi_a"]


def test_at_the_background_the_slope_is_the_curve_s(database):
    """φ cancel out: the slope there is σ(b)(1 − σ(b)), and signs stay."""
    frame = database.fetch(to_points(database.table(attributed())).order_by("row"))
    slope = expit(-4.0) * (1 - expit(-4.0))
    np.testing.assert_allclose(frame["phi_a"].iloc[100:150], 2 * slope, rtol=1e-12)
    np.testing.assert_allclose(frame["phi_b"].iloc[100:150], -1.5 * slope, rtol=1e-12)


def test_importance_runs_on_points_and_signs_stay(database):
    frame = attributed()
    points = database.table(frame)
    found = compute_importance(to_points(points), database.fetch).set_index("feature")
    slope = (frame["pd"] - expit(-4.0)) / (frame["log_odds"] + 4).where(lambda d: d != 0)
    slope = slope.where(frame.index >= 150, expit(-4.0) * (1 - expit(-4.0)))
    expected = (frame["phi_a"] * slope).abs().mean()
    assert found.loc["a", "importance"] == pytest.approx(expected, rel=1e-9)
    assert found["importance"].tolist() == sorted(found["importance"], reverse=True)
    scaled = database.fetch(to_points(points).order_by("row"))
    assert (np.sign(scaled["phi_b"]) == np.sign(frame["phi_b"])).all()


def test_without_the_log_odds_it_says_what_is_missing(database):
    table = database.table(pd.DataFrame({"base": [-4.0], "phi_a": [0.0]}))
    with pytest.raises(ValueError, match="log_odds missing"):
        to_points(table)
