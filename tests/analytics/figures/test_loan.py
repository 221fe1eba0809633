"""Figures of one loan, on their data: stages by days past due, marks of the outcome window, ids behind points."""

import numpy as np
import pandas as pd

from analytics.attributions import compute_waterfall
from analytics.figures.explanations import plot_waterfall
from analytics.figures.loan import plot_cloud, plot_course, plot_history
from analytics.figures.template import ARREARS_STAGES, CHAMPION, TEAL

WORDS = {"title": "In arrears in 3 of 6 months", "subtitle": "loan L1"}
HISTORY = pd.DataFrame({
    "month": pd.date_range("2024-01-31", periods=6, freq="ME"),
    "balance": [100.0, 99.0, 99.0, 99.0, 98.0, 0.0], "days_past_due": [0.0, 30.0, 60.0, 90.0, np.nan, 0.0],
    "status": "", "event": ["", "", "", "", "cured", "prepaid"],
})  # fmt: skip


def draw_history(**changes):
    marks = {"observed": pd.Timestamp("2024-02-29"), "until": pd.Timestamp("2025-02-28")} | changes
    return plot_history(HISTORY, currency="EUR", **marks, **WORDS)


def test_history_draws_each_stage_of_arrears_and_the_balance():
    *bars, line = draw_history().data
    assert [list(bar.y) for bar in bars] == [[30.0], [60.0], [90.0]]
    assert [bar.marker.color for bar in bars] == list(ARREARS_STAGES.values())
    np.testing.assert_array_equal(line.y, HISTORY["balance"])
    assert line.yaxis == "y2"


def test_history_marks_the_observation_date_and_the_window_and_names_the_end():
    figure = draw_history()
    line, band = figure.layout.shapes
    assert line.x0 == line.x1 == band.x0 == pd.Timestamp("2024-02-29")
    assert band.x1 == pd.Timestamp("2025-02-28")
    assert [note.text.strip() for note in figure.layout.annotations] == ["observed", "outcome window", "prepaid"]
    assert not draw_history(observed=None, until=None).layout.shapes


def test_course_draws_every_models_pds_on_a_logarithmic_axis():
    dates = pd.to_datetime(["2024-03-31", "2024-06-30"])
    course = pd.DataFrame({"date": [*dates, *dates], "model": ["a", "a", "b", "b"], "pd": [0.01, 0.02, 0.03, 0.9]})
    figure = plot_course(course, colours={"a": CHAMPION, "b": TEAL}, labels={"a": "A<", "b": "B"}, observed=dates[1],
                         **WORDS)  # fmt: skip
    assert [trace.name for trace in figure.data] == ["A&lt;", "B"]
    assert [list(trace.y) for trace in figure.data] == [[0.01, 0.02], [0.03, 0.9]]
    low, high = figure.layout.yaxis.range
    assert low < np.log10(0.01) < np.log10(0.9) < high <= 0
    assert max(figure.layout.yaxis.tickvals) <= 0.5  # above one half ticks would lie on top of each other


def test_a_point_of_the_cloud_carries_its_loan_and_the_chosen_one_stands_out():
    cloud = pd.DataFrame({"loan": ["L1", "L<2", "L3"], "x": [0.01, 0.02, 0.03], "y": [0.02, 0.01, 0.5]})
    figure = plot_cloud(cloud, "L3", x_label="A", y_label="B", colour=TEAL, **WORDS)
    others, chosen = figure.data
    assert [row[0] for row in others.customdata] == ["L1", "L<2"]  # the id itself, not as markup
    assert "L&lt;2" in others.customdata[1][1]
    assert [row[0] for row in chosen.customdata] == ["L3"]
    assert others.type == "scattergl"
    assert chosen.marker.size > others.marker.size


def test_waterfalls_with_the_same_limits_have_the_same_axis():
    small = compute_waterfall(-5.0, pd.Series({"a": 0.2}))
    large = compute_waterfall(-4.0, pd.Series({"a": 3.0, "b": -0.5}))
    limits = (-5.0, -1.0)
    figures = [plot_waterfall(frame, limits=limits, **WORDS) for frame in (small, large)]
    assert figures[0].layout.xaxis.range == figures[1].layout.xaxis.range
    assert figures[0].layout.xaxis.range[0] < -5 < -1 < figures[0].layout.xaxis.range[1]
    assert plot_waterfall(small, **WORDS).layout.xaxis.range != figures[0].layout.xaxis.range
