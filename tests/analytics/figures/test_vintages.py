"""Figures of vintages and of moves draw what their tables say."""

import numpy as np
import pandas as pd
import pytest

from analytics.competing_risks import compute_incidence
from analytics.figures.template import ROSE, SMALL
from analytics.figures.vintages import plot_endings, plot_incidence_by, plot_triangle, plot_vintage_curves

WORDS = {"title": "Loans granted in 2023 defaulted 4.5 times as often", "subtitle": "Cumulative default"}


def curve(name, values, *, at_risk=500, complete=True):
    values = np.asarray(values, dtype=float)
    return pd.DataFrame({"vintage": name, "months_on_book": np.arange(len(values)), "at_risk": at_risk,
                         "incidence": values, "incidence_low": values * 0.9, "incidence_high": values * 1.1,
                         "small": at_risk < 30, "complete": complete, "events": 10})  # fmt: skip


CURVES = pd.concat([curve("2019", [0, 0.01, 0.03]), curve("2020", [0, 0.02, 0.05])])


def test_curves_draw_a_line_a_vintage_and_the_latest_stands_out():
    figure = plot_vintage_curves(CURVES, **WORDS, age=1, latest="2020", named=["2019"])
    lines = {trace.name: trace for trace in figure.data}
    assert lines["2019"].y.tolist() == pytest.approx([0, 0.01, 0.03])
    assert lines["2020"].y.tolist() == pytest.approx([0, 0.02, 0.05])
    assert lines["2020"].line.color == ROSE
    assert lines["2020"].line.width > lines["2019"].line.width
    assert {note.text for note in figure.layout.annotations} == {"<b>2019</b>", "<b>2020</b>"}
    assert figure.layout.meta["title"] == WORDS["title"]


def test_the_part_of_a_curve_that_is_not_complete_is_dotted_and_joins_on():
    frame = curve("2021", [0, 0.01, 0.02, 0.03], complete=[True, True, False, False])
    solid, dotted = plot_vintage_curves(frame, **WORDS).data
    assert solid.line.dash == "solid"
    assert dotted.line.dash == "dot"
    assert np.isnan(solid.y).tolist() == [False, False, True, True]
    assert np.isnan(dotted.y).tolist() == [True, False, False, False]
    assert [trace.showlegend for trace in (solid, dotted)] == [True, False]


def test_many_vintages_have_no_legend():
    many = pd.concat([curve(f"20{year:02d}", [0, 0.01]) for year in range(20)])
    assert not plot_vintage_curves(many, **WORDS).layout.showlegend


def test_endings_are_stacked():
    counts = pd.DataFrame({"months_on_book": [1, 2], "at_risk": [100, 60], "first_defaults": [10, 0],
                           "prepaid": [30, 15], "matured": 0, "written_off": 0})  # fmt: skip
    figure = plot_endings(compute_incidence(counts), {"default": "Default", "prepaid": "Prepaid"}, **WORDS)
    assert [trace.stackgroup for trace in figure.data] == ["endings", "endings"]
    # 30 of 100, then 60 of 100 are left and 15 of them are prepaid: 30 % + 15 %
    assert figure.data[1].y.tolist() == pytest.approx([0.3, 0.45])


def test_groups_have_a_band_and_names_are_escaped():
    frame = pd.concat([curve("A<b>", [0, 0.1]), curve("B", [0, 0.2])]).rename(columns={"vintage": "group"})
    figure = plot_incidence_by(frame, "group", **WORDS)
    assert [trace.name for trace in figure.data if trace.showlegend] == ["A&lt;b&gt;", "B"]
    assert figure.data[0].y.tolist() == pytest.approx([0, 0.11])
    assert figure.data[1].y.tolist() == pytest.approx([0, 0.09])


def test_triangle_is_blank_where_there_is_no_cell_and_grey_where_it_is_small():
    rows = CURVES[CURVES["months_on_book"] > 0].iloc[:3].assign(small=[False, True, False])
    shown, few = plot_triangle(rows, **WORDS).data
    assert list(shown.y) == ["2019", "2020"]
    assert np.isnan(shown.z).tolist() == [[False, True], [False, True]]
    assert np.isnan(few.z).tolist() == [[True, False], [True, True]]
    assert few.colorscale[0][1] == SMALL
    assert shown.text.tolist() == [["1.0 %", ""], ["2.0 %", ""]]
    assert few.text.tolist() == [["", "3.0 %"], ["", ""]]
