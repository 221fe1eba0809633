"""The what-if page's figures draw what their frames say."""

import numpy as np
import pandas as pd
import pytest

from analytics.figures.template import CHAMPION, TEAL
from analytics.figures.what_if import plot_attribution_changes, plot_before_after, plot_field_curve, plot_grades

LOOKS = {"colours": {"old": CHAMPION, "new": TEAL}, "labels": {"old": "Old <card>", "new": "New"}}
WORDS = {"title": "A finding", "subtitle": "one loan"}


def test_changes_are_bars_by_model_in_the_frames_order():
    frame = pd.DataFrame({"label": ["Income", "Income", "All together"], "model": ["new", "old", "old"],
                          "change": [-0.5, 0.25, 0.25]})  # fmt: skip
    old, new = plot_attribution_changes(frame, **LOOKS, **WORDS).data
    assert (old.name, new.name) == ("Old &lt;card&gt;", "New")
    np.testing.assert_array_equal(old.x, [0.25, 0.25])
    np.testing.assert_array_equal(new.x, [-0.5, np.nan])
    assert list(new.text) == ["−0.50", ""]


def test_the_axis_of_changes_has_zero_and_every_bar():
    frame = pd.DataFrame({"label": ["x", "z"], "model": ["old", "old"], "change": [0.3, 0.1]})
    low, high = plot_attribution_changes(frame, **LOOKS, **WORDS).layout.xaxis.range
    assert low == 0
    assert high > 0.3


def curve(values, **further):
    frame = pd.DataFrame({"value": values, "old": np.linspace(0.1, 0.2, len(values)), "new": 0.15})
    shared = {"label": "Income", "unit": "EUR", "marks": {}, **further}
    return plot_field_curve(frame, **LOOKS, **WORDS, **shared)


def test_a_number_is_a_line_with_its_marks_and_the_training_range():
    figure = curve([0.0, 1.0, 2.0, 3.0], marks={"recorded": 1.0, "edited": 2.5}, inside=(0.5, 2.0))
    assert [trace.mode for trace in figure.data] == ["lines", "lines"]
    np.testing.assert_allclose(figure.data[0].y, [0.1, 0.1 + 0.1 / 3, 0.1 + 0.2 / 3, 0.2])
    shaded = [(shape.x0, shape.x1) for shape in figure.layout.shapes if shape.type == "rect"]
    assert shaded == [(0.0, 0.5), (2.0, 3.0)]
    lines = [(shape.x0, shape.line.dash) for shape in figure.layout.shapes if shape.type == "line"]
    assert lines == [(1.0, "dot"), (2.5, "dash")]
    assert [note.text for note in figure.layout.annotations if note.text in ("recorded", "edited")] == [
        "recorded", "edited"]  # fmt: skip


def test_a_range_that_holds_the_whole_curve_shades_nothing():
    assert not [shape for shape in curve([1.0, 2.0], inside=(0.0, 5.0)).layout.shapes if shape.type == "rect"]


def test_a_category_is_dots_and_its_mark_stands_at_its_place():
    figure = curve(["fixed", "variable"], marks={"recorded": "variable"}, unit="")
    assert [trace.mode for trace in figure.data] == ["markers", "markers"]
    assert list(figure.layout.xaxis.ticktext) == ["fixed", "variable"]
    assert figure.layout.shapes[0].x0 == 1


def test_a_shock_is_a_hollow_and_a_full_dot_joined_by_a_line():
    frame = pd.DataFrame({"label": ["NL", "NL", "BE"], "model": ["old", "new", "old"], "n": [100, 100, 40],
                          "before": [0.01, 0.02, 0.03], "after": [0.02, 0.05, 0.03]})  # fmt: skip
    line, hollow, full = plot_before_after(frame, axis="mean PD", **LOOKS, **WORDS).data[:3]
    np.testing.assert_array_equal(hollow.x, [0.01, 0.03])
    np.testing.assert_array_equal(full.x, [0.02, 0.03])
    assert hollow.marker.symbol.endswith("-open")
    np.testing.assert_array_equal(line.x, [0.01, 0.02, np.nan, 0.03, 0.03, np.nan])
    assert "n 100" in full.customdata[0]


def test_grades_stand_beside_each_other():
    frame = pd.DataFrame({"grade": [1, 2], "before": [0.7, 0.3], "after": [0.6, 0.4]})
    before, after = plot_grades(frame, colour=CHAMPION, **WORDS).data
    assert (before.name, after.name) == ("before", "after")
    np.testing.assert_array_equal(after.y, [0.6, 0.4])
    assert before.y.sum() == pytest.approx(1)
