"""Figures of rankings, swap sets and profit draw what their frames say."""

import numpy as np
import pandas as pd
import pytest

from analytics import profit, ranking_curves
from analytics.figures.profit import plot_cost_curve, plot_cutoff_costs, plot_decision_curve, plot_worth
from analytics.figures.ranking_curves import plot_cap, plot_gains, plot_ks, plot_precision_recall
from analytics.figures.swap import plot_swap_cells, plot_swap_drivers
from analytics.figures.template import CHAMPION, SMALL, TEAL
from analytics.swap_set import CELLS

WORDS = {"title": "A finding", "subtitle": "400 rows"}
LOOKS = {"colours": {"old": CHAMPION, "new": TEAL}, "labels": {"old": "Old <card>", "new": "New"}}


@pytest.fixture(scope="module")
def judged():
    random = np.random.default_rng(0)
    y = random.random(400) < 0.15
    pds = {name: 1 / (1 + np.exp(2 - power * y - random.normal(size=400))) for name, power in (("old", 1), ("new", 2))}
    return y, pds


def traces(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def test_precision_and_recall_are_the_frames(judged):
    frame = ranking_curves.compute_precision_recall(*judged)
    figure = plot_precision_recall(frame, rate=0.15, **LOOKS, **WORDS)
    (line,) = traces(figure, "New")
    np.testing.assert_array_equal(line.y, frame.loc[frame["model"] == "new", "precision"])
    assert line.line.shape == "vh"  # a line straight to the next point promises what no cut-off has
    assert figure.layout.shapes[0].y0 == 0.15


def test_the_champion_lies_on_top_and_leads_the_legend(judged):
    figure = plot_cap(ranking_curves.compute_cap(*judged), rate=0.15, **LOOKS, **WORDS)
    names = [trace.name for trace in figure.data]
    assert names == ["without error", "New", "Old &lt;card&gt;"]
    assert figure.data[2].legendrank < figure.data[1].legendrank
    assert list(figure.data[0].x) == [0, 0.15, 1]


def test_ks_is_the_gap_that_is_marked(judged):
    frame = ranking_curves.compute_ks_curve(*judged)
    figure = plot_ks(frame, **LOOKS, **WORDS)
    summary = ranking_curves.compute_ranking_summary(*judged).set_index("model")
    marks = [trace for trace in figure.data if trace.mode == "lines+text"]
    for model, mark in zip(("old", "new"), marks, strict=True):
        assert abs(mark.y[1] - mark.y[0]) == pytest.approx(summary.loc[model, "ks"])
        assert mark.x[0] == summary.loc[model, "ks_pd"]


def test_lift_whiskers_are_the_rates_intervals_over_the_rate_of_all(judged):
    frame = ranking_curves.compute_gains(*judged)
    figure = plot_gains(frame, **LOOKS, **WORDS)
    lifts = next(trace for trace in figure.data if trace.mode == "markers" and trace.name == "New")
    rows = frame[frame["model"] == "new"]
    rate = judged[0].mean()
    np.testing.assert_allclose(lifts.y + lifts.error_y.array, rows["high"] / rate)
    np.testing.assert_allclose(lifts.y - lifts.error_y.arrayminus, rows["low"] / rate)
    assert [symbol.endswith("open") for symbol in lifts.marker.symbol] == list(rows["small"])
    gains = next(trace for trace in figure.data if trace.mode == "lines+markers" and trace.name == "New")
    np.testing.assert_allclose(gains.y, np.r_[0, rows["captured"]])


def test_cells_stand_where_the_models_decide_so():
    """Columns are the champion's decision, rows the challenger's: swapped in is declined by the champion."""
    frame = pd.DataFrame({"cell": CELLS, "heading": CELLS, "lines": "1 <loan>", "small": [False, True, False, False]})
    figure = plot_swap_cells(frame, champion="Old", challenger="New", colours=(CHAMPION, TEAL), **WORDS)
    columns, rows = figure.layout.xaxis.ticktext, figure.layout.yaxis.ticktext
    said = {
        note.text.split("<b>")[1].split("</b>")[0]: (columns[int(note.x)], rows[int(note.y)], note.font.color)
        for note in figure.layout.annotations
    }
    assert said["approved by both"][:2] == ("Old<br>approves", "New<br>approves")
    assert said["swapped in"] == ("Old<br>declines", "New<br>approves", SMALL)
    assert said["swapped out"][:2] == ("Old<br>approves", "New<br>declines")
    assert said["declined by both"][:2] == ("Old<br>declines", "New<br>declines")
    assert "1 &lt;loan&gt;" in figure.layout.annotations[0].text


def test_drivers_are_coloured_by_the_side_that_has_more():
    frame = pd.DataFrame(
        {"size": [0.5, 0.3, 0.1], "q": [0.001, 0.2, 0.001], "side": [1, 0, 1], "text": ["<", "b", "c"]}
    )
    figure = plot_swap_drivers(frame, ["x", "y", "z"], colours=(CHAMPION, TEAL), **WORDS)
    into, out = traces(figure, "more among the swapped-in")[0], traces(figure, "more among the swapped-out")[0]
    assert (list(into.x), list(into.y)) == ([0.5, 0.1], [0, 2])
    assert list(into.marker.color) == [TEAL, TEAL]
    assert list(out.marker.color) == ["rgba(47, 99, 180, 0.3)"]  # q above 5 %: pale
    assert into.customdata[0] == "&lt;"


def test_worth_without_an_interval_is_a_dot():
    frame = pd.DataFrame({"model": ["new", "old"], "estimate": [2.0, 0.0], "low": [1.0, np.nan], "high": [4.0, np.nan],
                          "text": ["two", "none"]})  # fmt: skip
    figure = plot_worth(frame, axis="EUR", unit="EUR", **LOOKS, **WORDS)
    old, new, texts = figure.data
    assert (new.x[0], new.error_x.array[0], new.error_x.arrayminus[0]) == (2, 2, 1)
    assert old.x[0] == 0
    assert np.isnan(old.error_x.array[0])
    assert list(texts.x) == [0, 4]
    assert list(figure.layout.yaxis.ticktext) == ["Old &lt;card&gt;", "New"]


def test_cutoffs_are_scaled_and_the_best_marked(judged):
    frame = profit.compute_cutoff_costs(*judged, cost_ratio=5.0)
    figure = plot_cutoff_costs(frame, scale=100.0, unit="EUR", **LOOKS, **WORDS)
    best = frame[frame["best"]].set_index("model")
    marks = {trace.marker.color: trace for trace in figure.data if trace.mode == "markers"}
    assert marks[TEAL].y[0] == pytest.approx(100 * best.loc["new", "cost"])
    assert marks[TEAL].x[0] == best.loc["new", "rejected_share"]
    assert figure.layout.xaxis.range[1] >= best["rejected_share"].max()
    assert figure.layout.shapes[0].y0 == pytest.approx(100 * frame["without"].iloc[0])


def test_cost_and_decision_curves_are_the_frames(judged):
    frame = profit.compute_cost_curve(*judged)
    figure = plot_cost_curve(frame, at=0.25, **LOOKS, **WORDS)
    np.testing.assert_array_equal(traces(figure, "New")[0].y, frame.loc[frame["model"] == "new", "cost"])
    assert figure.layout.shapes[0].x0 == 0.25
    frame = profit.compute_decision_curve(*judged)
    figure = plot_decision_curve(frame, **LOOKS, **WORDS)
    rows = frame[frame["model"] == "old"]
    np.testing.assert_allclose(traces(figure, "Old &lt;card&gt;")[0].y, 1000 * rows["net_benefit"])
    np.testing.assert_allclose(traces(figure, "act on all")[0].y, 1000 * rows["all"])
