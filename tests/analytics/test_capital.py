"""Risk weights against the Basel Committee's own table; lifetime loss against hand arithmetic."""

import numpy as np
import pytest

from analytics.capital import compute_lifetime_loss, compute_risk_weight


@pytest.mark.parametrize(("pd", "at_45", "at_25"), [
    (0.0003, 0.0415, 0.0230), (0.0010, 0.1069, 0.0594), (0.0050, 0.3508, 0.1949), (0.0100, 0.5640, 0.3133),
])  # fmt: skip
def test_risk_weights_are_those_of_basels_table(pd, at_45, at_25):
    # International Convergence of Capital Measurement (June 2006), Annex 5, residential mortgages
    assert compute_risk_weight(pd, [0.45, 0.25]) == pytest.approx([at_45, at_25], abs=6e-5)


def test_nothing_unexpected_weighs_nothing():
    assert compute_risk_weight([0.0, 1.0, 0.01], [0.3, 0.3, 0.0]).tolist() == [0, 0, 0]


def test_lifetime_loss_by_hand():
    # 0.01 · 0.2 · 100,000 / 1.05 + 0.02 · 0.2 · 80,000 / 1.05² = 190.476 + 290.249
    assert compute_lifetime_loss([0.01, 0.02], 0.2, [100_000, 80_000], eir=0.05) == pytest.approx(480.7256, abs=1e-4)
    # one year is the twelve-month loss PD · LGD · EAD, discounted
    assert compute_lifetime_loss([0.03], 0.4, 1000, eir=0.0) == pytest.approx(12)


def test_scenarios_are_weighted():
    base, bad = [0.01, 0.01], [0.04, 0.05]
    parts = [compute_lifetime_loss(item, 0.3, 1000, eir=0.02) for item in (base, bad)]
    both = compute_lifetime_loss([base, bad], 0.3, 1000, eir=0.02, weights=[0.75, 0.25])
    assert both == pytest.approx(np.dot([0.75, 0.25], parts))


@pytest.mark.parametrize(("given", "words"), [
    ({"marginal": [0.6, 0.6]}, "sum to 1 at most"), ({"weights": [0.5]}, "sum to 1"), ({"eir": -1}, "eir"),
    ({"lgd": 1.2}, "lgd"), ({"ead": -5}, "ead"), ({"marginal": [np.nan]}, "marginal"),
])  # fmt: skip
def test_bad_input_is_named(given, words):
    call = {"marginal": [0.01, 0.02], "lgd": 0.2, "ead": 100, "eir": 0.05} | given
    with pytest.raises(ValueError, match=words):
        compute_lifetime_loss(call.pop("marginal"), call.pop("lgd"), call.pop("ead"), **call)
