"""The H-measure: published numbers, the integral done numerically over all thresholds, and its two ends."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta as beta_of
from sklearn.metrics import roc_curve

from analytics.hmeasure import compute_h_measure

# README of the Python package hmeasure (a translation of Hand and Anagnostopoulos' R package).
Y = [1, 1, 0, 1, 1, 0, 1, 1, 1, 0]
S = [0.84901876, 0.10282827, 0.43752488, 0.46004468, 0.90878931, 0.79177719, 0.5297229, 0.13803906, 0.73166264,
     0.22959056]  # fmt: skip


@pytest.mark.parametrize(("ratio", "expected"), [(None, 0.18889596344769588), (0.7, 0.13502616807120948)])
def test_published_numbers(ratio, expected):
    assert compute_h_measure(Y, {"m": S}, severity_ratio=ratio)["h"].iloc[0] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("seed", "ratio"), [(0, None), (1, 0.05), (2, 0.7), (3, 3.0)])
def test_equals_numerical_integration_over_every_threshold(seed, ratio):
    rng = np.random.default_rng(seed)
    y = np.r_[1, 0, rng.random(60) < 0.3].astype(int)
    pds = np.clip(rng.integers(0, 15, 62) / 20 + 0.2 * y, 0, 1)
    row = compute_h_measure(y, {"m": pds}, severity_ratio=ratio).iloc[0]
    rate = y.mean()
    assert row["severity_ratio"] == pytest.approx(ratio or rate / (1 - rate))
    density = beta_of(2, 1 + 1 / row["severity_ratio"]).pdf
    fpr, tpr, _ = roc_curve(y, pds, drop_intermediate=False)

    def loss(c, fpr, tpr):
        return (c * (1 - rate) * fpr + (1 - c) * rate * (1 - tpr)).min() * density(c)

    kinks = {"limit": 500, "epsabs": 1e-10}
    best, worst = (quad(loss, 0, 1, args=ends, **kinks)[0] for ends in ((fpr, tpr), (fpr[[0, -1]], tpr[[0, -1]])))
    assert row["loss"] == pytest.approx(best, abs=1e-7)
    assert row["worst_loss"] == pytest.approx(worst, abs=1e-7)
    assert row["h"] == pytest.approx(1 - best / worst, abs=1e-5)


def test_ends_of_the_scale_and_monotone_scores():
    rng = np.random.default_rng(4)
    pds = rng.random(300)
    y = rng.random(300) < pds / 2
    scores = {"perfect": y * 0.5, "constant": np.full(300, 0.2), "m": pds, "m³": pds**3, "wrong": 0.7 - 0.5 * y}
    h = compute_h_measure(y, scores).set_index("model")["h"]
    assert h["perfect"] == pytest.approx(1)
    assert h["constant"] == pytest.approx(0, abs=1e-12)
    assert h["wrong"] == pytest.approx(0, abs=1e-12)
    assert h["m"] == h["m³"]
    assert 0 < h["m"] < 1


def test_wrong_ratios_and_outcomes_are_refused():
    for ratio in (0, -1, np.inf, np.nan):
        with pytest.raises(ValueError, match="positive number"):
            compute_h_measure(Y, {"m": S}, severity_ratio=ratio)
    with pytest.raises(ValueError, match="no events"):
        compute_h_measure([0, 0], {"m": [0.1, 0.2]})
