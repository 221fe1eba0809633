"""The scorecard's own promises: weight of evidence by hand, points, readable file."""

import json
import math

import numpy as np
import pytest

from models.encoding import Feature
from models.scorecard import Bins, Scorecard, _information_value, _weights_of_evidence
from tests.models.toy import FEATURES


def test_weight_of_evidence_by_hand():
    # Bin 0: 1 event, 3 others; bin 1: 3 events, 1 other. Half a loan is added to each count:
    # bin 0: ln(1.5 / 5) - ln(3.5 / 5) = ln(1.5 / 3.5); bin 1 is its opposite.
    woe = _weights_of_evidence(np.array([0, 0, 0, 0, 1, 1, 1, 1]), np.array([1, 0, 0, 0, 1, 1, 1, 0]), 3)
    assert woe == pytest.approx((math.log(1.5 / 3.5), math.log(3.5 / 1.5), 0.0))


def test_information_value_by_hand():
    # Shares of events 1/4 and 3/4, of others 3/4 and 1/4: IV = (1/4 - 3/4)(-1) + (3/4 - 1/4)(1) = 1 for WoE -1 and 1.
    bins = Bins("x", (0.5,), (), (-1.0, 1.0, 0.0))
    column, y = np.array([0, 0, 0, 0, 1, 1, 1, 1.0]), np.array([1, 0, 0, 0, 1, 1, 1, 0])
    assert _information_value(bins, column, y) == pytest.approx(1.0)


def test_a_value_on_an_edge_lies_above_it_and_missing_is_last():
    bins = Bins("x", (1.0, 2.0), (), (-1.0, 0.0, 1.0, 0.5))
    np.testing.assert_array_equal(bins.index(np.array([0.9, 1.0, 1.9, 2.0, np.nan])), [0, 1, 1, 2, 3])


def test_points_mean_odds(loans):
    # The anchor: 600 points at odds 50:1, and 20 points more double the odds.
    model = Scorecard(FEATURES).fit(*loans)
    table = model.points_table()
    X = model.encoder_.transform(loans[0])
    points = np.zeros(len(X))
    for i, bins in enumerate(model.bins_):
        if bins.weight > 0:
            own = table[table["feature"] == bins.feature]["points"].to_numpy()
            points += own[bins.index(X[:, i])]
    odds_of_staying_good = np.exp(-model.predict_log_odds(loans[0]))
    np.testing.assert_allclose(points, 600 + 20 * np.log2(odds_of_staying_good / 50))


def test_bins_follow_the_expected_sign(loans):
    model = Scorecard(FEATURES).fit(*loans)
    ltv = model.bins_[0]
    assert (np.diff(ltv.woe[:-1]) > 0).all()  # the last entry is the missing bin


def test_a_feature_that_goes_the_wrong_way_is_left_out():
    # The second feature repeats the first with the sign turned by the schema: it cannot have an ascending bin.
    draw = np.random.default_rng(0)
    x = draw.normal(size=4000)
    y = (draw.random(4000) < 1 / (1 + np.exp(2 - x))).astype(int)
    import pandas as pd

    frame = pd.DataFrame({"x": x, "against": -x})
    model = Scorecard((Feature("x", "number", 1), Feature("against", "number", 1))).fit(frame, y)
    assert model.bins_[0].weight > 0
    assert model.bins_[1].weight == 0


def test_saved_file_is_readable(loans, tmp_path):
    Scorecard(FEATURES).fit(*loans).save(tmp_path)
    body = json.loads((tmp_path / "scorecard.json").read_text())
    assert [bins["feature"] for bins in body["bins"]] == [item.name for item in FEATURES]
    assert (tmp_path / "points.csv").read_text().startswith("feature,bin,woe,weight,points")
