"""Forest plots, courses through time and reliability curves draw what their frames say."""

import numpy as np
import pandas as pd
import pytest

from analytics.figures.forest import plot_forest
from analytics.figures.reliability import plot_reliability, plot_score_parts
from analytics.figures.template import NAVY, ROSE, SMALL, TEAL
from analytics.figures.through_time import plot_by_period, plot_loss_differences
from analytics.reliability import compute_corp_parts, compute_reliability
from analytics.through_time import compute_metrics_by_period, to_period

WORDS = {"title": "A finding", "subtitle": "what on how many"}


@pytest.fixture
def rows():
    """Two fields: a better and a worse segment, and one too small to tell."""
    return pd.DataFrame(
        {"group": ["Country", "Country", "Region"], "label": ["Italy", "Spain <b>", "Lazio"],
         "series": ["better", "worse", "few"], "value": [0.10, -0.05, 0.12], "low": [0.05, -0.08, np.nan],
         "high": [0.15, -0.02, np.nan], "low_wide": [0.02, -0.10, np.nan], "high_wide": [0.18, 0.0, np.nan],
         "small": [False, False, True], "n": [500, 400, 20], "events": [20, 30, 1],
         "beside": ["500 · 20", "400 · 30", "20 · 1"]}
    )  # fmt: skip


COLOURS = {"better": TEAL, "worse": ROSE, "few": SMALL}


def points(figure):
    """Return (row, value, colour, symbol) of every marker drawn, by row."""
    found = []
    for trace in figure.data:
        if trace.mode == "markers" and trace.customdata is not None:
            found += zip(trace.y, trace.x, trace.marker.color, trace.marker.symbol, strict=True)
    return sorted(found)


def lines(figure, width):
    """Return (start, end) of every interval of one thickness."""
    found = []
    for trace in figure.data:
        if trace.mode == "lines" and trace.line.width == width:
            x = np.asarray(trace.x, dtype=float).reshape(-1, 3)
            found += [(start, end) for start, end, _ in x if np.isfinite(start)]
    return sorted(found)


def test_a_forest_has_a_row_a_segment_under_the_heading_of_its_field(rows):
    figure = plot_forest(rows, colours=COLOURS, axis="difference", beside="rows · defaults", **WORDS)
    assert [(row, value) for row, value, *_ in points(figure)] == [(1, 0.10), (2, -0.05), (4, 0.12)]
    ticks = dict(zip(figure.layout.yaxis.tickvals, figure.layout.yaxis.ticktext, strict=True))
    assert ticks == {0: "<b>Country</b>", 1: "Italy", 2: "Spain &lt;b&gt;", 3: "<b>Region</b>", 4: "Lazio"}
    beside = dict(zip(figure.layout.yaxis2.tickvals, figure.layout.yaxis2.ticktext, strict=True))
    assert beside == {-1: "<i>rows · defaults</i>", 1: "500 · 20", 2: "400 · 30", 4: "20 · 1"}
    assert figure.layout.yaxis2.range == figure.layout.yaxis.range


def test_a_forest_draws_both_intervals_and_small_rows_grey_and_hollow(rows):
    figure = plot_forest(rows, colours=COLOURS, axis="difference", **WORDS)
    assert lines(figure, 1.25) == [(-0.10, 0.0), (0.02, 0.18)]  # simultaneous
    assert lines(figure, 4) == [(-0.08, -0.02), (0.05, 0.15)]  # alone
    assert [(colour, symbol.endswith("open")) for *_, colour, symbol in points(figure)] == [
        (TEAL, False), (ROSE, False), (SMALL, True),
    ]  # fmt: skip
    assert [trace.name for trace in figure.data if trace.showlegend] == ["better", "worse", "few"]
    hidden = plot_forest(rows, colours=COLOURS, axis="difference", hollow=["better"], **WORDS)
    assert points(hidden)[0][3].endswith("open")


def test_what_lies_beyond_a_forests_axis_stands_at_its_edge(rows):
    wide = rows.assign(low_wide=[-90.0, -0.1, np.nan], value=[0.1, -0.05, 7.0])
    figure = plot_forest(wide, colours=COLOURS, axis="difference", margin=-0.01, **WORDS)
    low, high = figure.layout.xaxis.range
    assert -1 < low < -0.1  # not −90: four times the largest difference
    assert lines(figure, 1.25)[0][0] == pytest.approx(low)
    assert points(figure)[-1][1] == pytest.approx(high)  # 7, of a small row
    turned = plot_forest(rows, colours=COLOURS, axis="loss", turned=True, **WORDS)
    assert turned.layout.xaxis.range[0] > turned.layout.xaxis.range[1]


def test_two_models_stand_under_each_other_and_a_ratio_of_0_at_the_edge_of_the_log_axis(rows):
    both = pd.concat([rows.assign(series="m1", value=[1.2, 0.0, 1.0]), rows.assign(series="m2", value=0.8)])
    both = both.assign(low=0.7, high=1.4, low_wide=0.6, high_wide=1.6).reset_index(drop=True)
    figure = plot_forest(both, colours={"m1": NAVY, "m2": TEAL}, axis="O/E", reference=1, log=True, band=(0.8, 1.25),
                         **WORDS)  # fmt: skip
    heights = [row for row, *_ in points(figure)]
    np.testing.assert_allclose(heights, [0.825, 1.175, 1.825, 2.175, 3.825, 4.175])
    low = 10 ** figure.layout.xaxis.range[0]
    assert min(value for _, value, *_ in points(figure)) == pytest.approx(low)
    assert figure.layout.xaxis.type == "log"


@pytest.fixture
def course():
    """Three quarters of two models; of the second half is known, of the third nothing."""
    draw = np.random.default_rng(1)
    day = pd.Series(np.repeat(["2024-02-01", "2024-05-01", "2024-08-01"], 400))
    pds = draw.uniform(0.02, 0.4, 1200)
    y = (draw.random(1200) < pds).astype(float)
    y[800:] = np.nan
    y[600:800] = np.nan
    found = compute_metrics_by_period(y, {"a": pds, "b": pds**2}, to_period(day, "quarter"), metrics=["gini"])
    return found.assign(period_label=[f"{name.year} Q{name.quarter}" for name in found["period"]])


def test_a_course_has_a_line_a_model_and_marks_what_is_not_known(course):
    figure = plot_by_period(course, "gini", colours={"a": NAVY, "b": TEAL}, labels={"a": "A <x>"}, **WORDS)
    first, second = figure.data
    assert (first.name, second.name) == ("A &lt;x&gt;", "b")
    known = course[(course["model"] == "a") & course["estimate"].notna()]
    assert len(known) == 2  # the third quarter has no outcome
    np.testing.assert_allclose(first.y, known["estimate"])
    np.testing.assert_allclose(first.error_y.array, known["high"] - known["estimate"])
    assert [note.text for note in figure.layout.annotations] == ["50 % known", "not known yet"]
    assert list(figure.layout.xaxis.ticktext) == ["2024 Q1", "2024 Q2", "2024 Q3"]
    shades = [shape.fillcolor for shape in figure.layout.shapes if shape.type == "rect"]
    assert shades == ["rgba(100, 116, 139, 0.1)", "rgba(100, 116, 139, 0.16)"]  # 0.04 + 0.12 · share not known


def test_loss_differences_take_the_winners_colour():
    frame = pd.DataFrame(
        {"date": ["2024-03-31", "2024-06-30", "2024-09-30"], "n": 100, "events": [9, 8, 2],
         "champion": [0.20, 0.10, 0.30], "challenger": [0.15, 0.12, 0.25], "difference": [-0.05, 0.02, -0.05]}
    )  # fmt: skip
    figure = plot_loss_differences(frame, names=("old", "new"), colours=(NAVY, TEAL), **WORDS)
    bars = {str(pd.Timestamp(x).date()): (y, colour) for trace in figure.data if trace.customdata is not None
            for x, y, colour in zip(trace.x, trace.y, trace.marker.color, strict=True)}  # fmt: skip
    assert bars == {"2024-03-31": (-0.05, TEAL), "2024-06-30": (0.02, NAVY), "2024-09-30": (-0.05, SMALL)}
    assert figure.layout.xaxis.type == "date"


@pytest.fixture
def judged():
    draw = np.random.default_rng(2)
    pds = draw.beta(1, 20, 3000)
    return (draw.random(3000) < pds).astype(int), {"a": pds, "b": np.full(3000, pds.mean())}


def test_a_reliability_panel_holds_band_and_curve(judged):
    frame = compute_reliability(*judged, resamples=20)
    figure = plot_reliability(frame, colours={"a": NAVY, "b": TEAL}, **WORDS)
    assert len(figure.data) == 6  # two models of three traces
    low, high, curve = figure.data[:3]
    own = frame[frame["model"] == "a"]
    floor = 10 ** figure.layout.yaxis.range[0]
    for trace, column in ((low, "low"), (high, "high"), (curve, "recalibrated")):
        np.testing.assert_allclose(trace.y, np.maximum(own[column], floor))
    assert high.fill == "tonexty"
    assert set(figure.layout.xaxis.ticktext) <= {"0.001%", "0.01%", "0.1%", "1%", "10%", "100%"}


def test_score_parts_are_shares_of_uncertainty(judged):
    parts = compute_corp_parts(*judged).query("score == 'brier'")
    shares = {f"{name}_share": parts[name] / parts["uncertainty"] for name in ("miscalibration", "discrimination")}
    figure = plot_score_parts(parts.assign(**shares), colours={"a": NAVY, "b": TEAL}, names=("cost", "gain"), **WORDS)
    cost, gain = figure.data
    np.testing.assert_allclose(cost.x, shares["miscalibration_share"])
    np.testing.assert_allclose(gain.x, shares["discrimination_share"])
    assert gain.x[1] == pytest.approx(0, abs=1e-12)  # one PD for all ranks nothing
