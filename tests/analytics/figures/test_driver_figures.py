"""Figures of drivers draw what their frames say."""

import numpy as np
import pandas as pd
import pytest

from analytics.driver_gap import Gap, list_gap_rows
from analytics.figures.driver_gap import plot_course, plot_gap
from analytics.figures.drivers import LOG_ODDS, POINTS, SHARE, plot_drivers, plot_swarm
from analytics.figures.template import CATEGORICAL, LOWERS, NAVY, RAISES, SMALL, TEAL

WORDS = {"title": "A finding", "subtitle": "what on how many"}


@pytest.fixture
def importance():
    """Two models, two features; the second model does not use rate."""
    return pd.DataFrame({"model": ["card", "card", "gbm"], "feature": ["ltv", "rate", "ltv"],
                         "importance": [0.4, 0.1, 0.002], "share": [0.8, 0.2, 1.0], "n": 50})  # fmt: skip


@pytest.mark.parametrize(("scale", "factor"), [(SHARE, None), (LOG_ODDS, 1), (POINTS, 100)])
def test_bars_are_as_long_as_the_scale_says(importance, scale, factor):
    figure = plot_drivers(importance, ["ltv", "rate"], scale, colours={"card": NAVY, "gbm": TEAL},
                          labels={"ltv": "Loan-to-value"}, model_labels={"card": "Card", "gbm": "Boosting <1>"},
                          **WORDS)  # fmt: skip
    card, gbm = figure.data
    np.testing.assert_allclose(card.x, [0.8, 0.2] if factor is None else [0.4 * factor, 0.1 * factor])
    assert np.isnan(gbm.x[1])
    assert gbm.name == "Boosting &lt;1&gt;"
    assert list(figure.layout.yaxis.ticktext) == ["Loan-to-value", "rate"]
    assert "not used" in gbm.customdata[1]
    assert "80 % of the total" in card.customdata[0]


def test_swarm_parts_values_categories_and_missing():
    frame = pd.DataFrame({"feature": ["ltv", "ltv", "ltv", "work", "work"], "phi": [0.5, -0.5, 0.1, 0.2, 0.0],
                          "offset": [0.0, 0.1, 0.0, 0.0, -0.1], "level": [1.0, 0.0, np.nan, np.nan, np.nan],
                          "value": [0.9, 0.4, np.nan, np.nan, np.nan], "word": [None, None, None, "<self>", None],
                          "is_number": [True, True, True, False, False]})  # fmt: skip
    figure = plot_swarm(frame, ["work", "ltv"], labels={"ltv": "LTV"}, units={"ltv": "share"}, **WORDS)
    numbers, words, missing = figure.data
    assert {trace.type for trace in figure.data} == {"scattergl"}
    np.testing.assert_allclose(numbers.x, [0.5, -0.5])
    np.testing.assert_allclose(numbers.y, [1.0, 1.1], rtol=1e-6)  # ltv is the second row
    np.testing.assert_allclose(numbers.marker.color, [1, 0])
    assert numbers.customdata.tolist() == ["90 %", "40 %"]
    assert words.customdata.tolist() == ["&lt;self&gt;"]
    assert missing.marker.color == SMALL
    np.testing.assert_allclose(missing.x, [0.1, 0.0], rtol=1e-6)


def gap(small=False):
    features = pd.DataFrame({"feature": ["ltv", "rate", "age", "size"], "mean_a": 0.0, "mean_b": 0.0,
                             "difference": [0.3, -0.2, 0.05, -0.01], "low": [0.2, -0.3, 0.0, -0.02],
                             "high": [0.4, -0.1, 0.1, 0.0], "small": small})  # fmt: skip
    total = pd.Series({"feature": "", "mean_a": 0.0, "mean_b": 0.0, "difference": 0.14, "low": 0.1, "high": 0.18,
                       "small": small})  # fmt: skip
    return Gap(features, total, (40, 50, 0))


def test_the_rest_is_one_row_and_all_rows_add_up():
    rows = list_gap_rows(gap(), 2)
    assert rows["kind"].tolist() == ["feature", "feature", "other", "total"]
    assert rows["feature"].iloc[2] == "2 others"
    assert rows["difference"].iloc[2] == pytest.approx(0.04)  # 0.05 − 0.01
    assert rows["difference"].iloc[:3].sum() == pytest.approx(rows["difference"].iloc[3])
    assert np.isnan(rows["low"].iloc[2])
    assert list_gap_rows(gap(), 3)["kind"].tolist() == ["feature"] * 4 + ["total"]  # one left over is named


def test_gap_bars_turn_with_their_sign():
    figure = plot_gap(list_gap_rows(gap(), 2), points=False, labels={"ltv": "LTV"}, colour=NAVY, **WORDS)
    up, down, total, texts = figure.data
    assert (up.marker.color, down.marker.color, total.marker.color) == (RAISES, LOWERS, NAVY)
    np.testing.assert_allclose(up.x, [0.3, 0.04])
    np.testing.assert_allclose(down.x, [-0.2])
    np.testing.assert_allclose(down.error_x.array, [0.1])
    assert [text.strip() for text in texts.text] == ["+0.30", "−0.20", "+0.04", "+0.14"]
    points = plot_gap(list_gap_rows(gap(), 2), points=True, labels={}, colour=NAVY, **WORDS)
    np.testing.assert_allclose(points.data[0].x, [30, 4])
    assert points.data[2].customdata.tolist() == ["+14 pp"]


def test_small_cohorts_are_grey():
    figure = plot_gap(list_gap_rows(gap(small=True), 2), points=False, labels={}, colour=NAVY, **WORDS)
    assert {trace.marker.color for trace in figure.data if trace.type == "bar" or trace.mode == "markers"} == {SMALL}


def test_course_draws_a_line_a_feature():
    frame = pd.DataFrame({"date": pd.to_datetime(["2025-12-31", "2024-12-31"] * 2), "n": 10,
                          "feature": ["ltv", "ltv", "rate", "rate"], "share": [0.7, 0.4, 0.3, 0.6],
                          "mean": [0.1, 0.2, -0.1, 0.0]})  # fmt: skip
    figure = plot_course(frame, ["rate", "ltv"], "share", labels={"ltv": "LTV"}, strong="ltv", **WORDS)
    rate, ltv = figure.data
    np.testing.assert_allclose(ltv.y, [0.4, 0.7])  # in the order of time
    assert (rate.line.color, ltv.line.color) == CATEGORICAL[:2]
    assert ltv.line.width > rate.line.width
    assert ltv.name == "LTV"
    mean = plot_course(frame, ["rate"], "mean", labels={}, **WORDS)
    np.testing.assert_allclose(mean.data[0].y, [0.0, -0.1])
