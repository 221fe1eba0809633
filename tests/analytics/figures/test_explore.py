"""Explore's figures: what they draw is what the frame says, and a click gives the cell's labels back."""

import numpy as np
import pandas as pd
import pytest

from analytics.figures.explore import SMALL, Look, plot_answer
from analytics.figures.template import fade


def answer(columns=True, **extra):
    """Two rows by two columns; one cell is absent, one small."""
    frame = pd.DataFrame({
        "row": pd.Categorical(["a", "a", "b<i>"], ["a", "b<i>", "unseen"], ordered=True),
        "column": pd.Categorical(["x", "y", "x"], ["x", "y"], ordered=True),
        "loans": [100, 20, 300], "n": [90, 20, 280], "events": [9, 1, 14],
        "value": [0.1, 0.05, 0.05], "value_low": [0.05, 0.01, 0.03], "value_high": [0.17, 0.2, 0.08],
        "small": [False, True, False], **extra,
    })  # fmt: skip
    return frame if columns else frame.drop(columns="column").iloc[[0, 2]].reset_index(drop=True)


def look(chart, **changes):
    return Look(chart, "A finding", "what on how many", unit="share", row="Letter", **changes)


def clicked(figure):
    """The labels of every point that can be clicked."""
    found = [tuple(data[:2]) for trace in figure.data if trace.customdata is not None for data in trace.customdata]
    return sorted(found)


@pytest.mark.parametrize("chart", ["bars", "lines", "heat map"])
def test_every_cell_can_be_clicked_once_and_gives_its_labels(chart):
    assert clicked(plot_answer(answer(), look(chart))) == [("a", "x"), ("a", "y"), ("b<i>", "x")]
    assert clicked(plot_answer(answer(columns=False), look(chart))) == [("a", ""), ("b<i>", "")]


def test_bars_show_values_intervals_and_grey_small_cells():
    figure = plot_answer(answer(), look("bars"))
    bars = [trace for trace in figure.data if trace.type == "bar" and len(trace.x)]
    assert sorted(value for trace in bars for value in trace.x) == [0.05, 0.05, 0.1]
    grey = [trace for trace in bars if trace.marker.color == fade(SMALL, 0.55)]
    assert [trace.customdata[0][1] for trace in grey] == ["y"]
    first = bars[0]
    assert first.error_x.array[0] == pytest.approx(0.07)  # 0.17 − 0.10
    assert first.error_x.arrayminus[0] == pytest.approx(0.05)  # 0.10 − 0.05
    assert [trace.name for trace in figure.data if trace.showlegend] == ["x", "y"]


def test_labels_are_escaped_and_unseen_groups_left_out():
    figure = plot_answer(answer(), look("bars"))
    assert list(figure.layout.yaxis.ticktext) == ["a", "b&lt;i&gt;"]
    assert "<b>b&lt;i&gt;, x</b>" in "".join(
        d[2] for t in figure.data if t.customdata is not None for d in t.customdata
    )


def test_a_heat_map_puts_each_value_at_its_place_and_nothing_elsewhere():
    figure = plot_answer(answer(), look("heat map"))
    light, dark, few = (trace.z for trace in figure.data[:3])
    np.testing.assert_array_equal(light, [[np.nan, np.nan], [0.05, np.nan]])
    np.testing.assert_array_equal(dark, [[0.1, np.nan], [np.nan, np.nan]])  # white text needs a dark ground
    np.testing.assert_array_equal(few, [[np.nan, 0.05], [np.nan, np.nan]])
    assert figure.data[1].text[0][0] == "10.0 %"


def test_lines_over_dates_have_a_date_axis_and_hollow_small_points():
    frame = answer().assign(row=pd.Categorical(["2024-03-31", "2024-03-31", "2024-06-30"], ordered=True))
    figure = plot_answer(frame, look("lines", dated=True))
    lines = [trace for trace in figure.data if trace.name]
    assert pd.Timestamp(lines[0].x[1]) == pd.Timestamp("2024-06-30")
    assert lines[1].marker.symbol[0].endswith("-open")


def test_boxes_are_drawn_from_quantiles_alone():
    quantiles = {"p10": 1.0, "p25": 2.0, "p50": 3.0, "p75": 4.0, "p90": 5.0, "mean": 3.1}
    figure = plot_answer(answer(**{name: [value] * 3 for name, value in quantiles.items()}), look("boxes"))
    box = next(trace for trace in figure.data if trace.type == "box")
    assert box.x is None
    assert (box.lowerfence[0], box.q1[0], box.median[0], box.q3[0], box.upperfence[0]) == (1, 2, 3, 4, 5)
    assert ("a", "x") in clicked(figure)


def test_points_are_drawn_by_webgl():
    frame = pd.DataFrame({"id": ["L1", "L2"], "x": [1.0, 2.0], "y": [3.0, 4.0], "total": 2})
    figure = plot_answer(frame, look("points", x_label="Income", x_unit="EUR"))
    assert figure.data[0].type == "scattergl"
    assert "L1" in figure.data[0].text[0]
    assert figure.layout.xaxis.title.text == "Income"
