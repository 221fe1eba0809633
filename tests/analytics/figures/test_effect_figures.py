"""Figures of effects and interactions carry the numbers they were given."""

import base64

import numpy as np
import pandas as pd
import pytest

from analytics.attributions import Dependence
from analytics.figures.effects import plot_effects, plot_ice
from analytics.figures.interactions import plot_coloured_dependence, plot_interaction_matrix, plot_pair_grid
from analytics.figures.template import NAVY, TEAL

COLOURS, LABELS = {"card/1": NAVY, "gbm/1": TEAL}, {"card/1": "Card <1>", "gbm/1": "Boosting"}
WORDS = {"title": "finding", "subtitle": "what is shown"}


def effects(values):
    parts = [
        pd.DataFrame({"value": values, "effect": [0.1, size], "low": [0.0, size - 0.1], "high": [0.2, size + 0.1]})
        .assign(model=model, n=9)
        for model, size in (("card/1", 0.3), ("gbm/1", -0.4))
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def numbers(values):
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"])
    return np.asarray(values, dtype=float)


def look(scale="log-odds", *, centred=True):
    return {"colours": COLOURS, "labels": LABELS, "label": "LTV", "unit": "share", "scale": scale, "centred": centred}


def test_a_number_is_a_line_a_model():
    figure = plot_effects(effects([0.5, 0.9]), **look(), **WORDS)
    traces = {trace.name: trace for trace in figure.data}
    assert list(traces) == ["Boosting", "Card &lt;1&gt;"]  # the champion on top
    np.testing.assert_allclose(numbers(traces["Boosting"].y), [0.1, -0.4])
    np.testing.assert_allclose(numbers(traces["Boosting"].x), [0.5, 0.9])
    assert traces["Boosting"].line.color == TEAL
    assert traces["Boosting"].customdata[1] == "90 %: −0.400 ± 0.100, n 9"
    assert figure.layout.yaxis.title.text == "change of the log-odds"


def test_a_category_is_a_dot_with_its_interval():
    figure = plot_effects(effects(["yes", "no"]), **look("PD", centred=False), **WORDS)
    for trace, size in zip(figure.data, (-0.4, 0.3), strict=True):
        np.testing.assert_allclose(numbers(trace.x), [0.1, size])
        np.testing.assert_allclose(numbers(trace.error_x.array), [0.1, 0.1])
        np.testing.assert_allclose(np.round(numbers(trace.y)), [0, 1])
    assert figure.layout.xaxis.title.text == "average PD"
    assert list(figure.layout.yaxis.ticktext) == ["yes", "no"]


def test_curves_of_loans_are_parted_by_gaps_and_have_their_mean():
    curves = np.array([[0.0, 1.0], [0.0, 3.0]])
    figure = plot_ice(curves, [10.0, 20.0], colour=TEAL, label="LTV", unit="", scale="log-odds", centred=True, **WORDS)
    lines, mean = figure.data
    np.testing.assert_array_equal(numbers(lines.y), [0, 1, np.nan, 0, 3, np.nan])
    np.testing.assert_array_equal(numbers(lines.x), [10, 20, np.nan, 10, 20, np.nan])
    np.testing.assert_allclose(numbers(mean.y), [0, 2])


def test_the_matrix_has_every_pair_and_an_empty_diagonal():
    square = pd.DataFrame(
        [[np.nan, 0.2, 0.01], [0.2, np.nan, 0.0], [0.01, 0.0, np.nan]], index=list("abc"), columns=list("abc")
    )
    figure = plot_interaction_matrix(square, labels={"a": "A & co"}, **WORDS)
    shown = np.nansum([np.asarray(trace.z, dtype=float) for trace in figure.data], axis=0)
    np.testing.assert_allclose(shown, square.fillna(0))
    written = {text for trace in figure.data for line in trace.text for text in line}
    assert written == {"", ".200", ".010", "0"}
    assert figure.layout.xaxis.ticktext[0] == "A &amp; co"


def test_the_grid_names_both_features_and_greys_small_cells():
    frame = pd.DataFrame({"row": pd.Categorical(["r", "r", "s"]), "column": pd.Categorical(["x", "y", "x"]),
                          "loans": [90, 10, 40], "known": [90, 10, 40], "value": [0.5, 9.0, -0.5],
                          "value_low": 0.0, "value_high": 1.0, "small": [False, True, False]})  # fmt: skip
    figure = plot_pair_grid(frame, row="LTV", column="Region", **WORDS)
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("Region", "LTV")
    few = np.asarray(figure.data[2].z, dtype=float)
    assert few[0, 1] == 9.0
    assert np.isfinite(few).sum() == 1


def dependence(values, partner):
    points = pd.DataFrame({"value": values, "phi": [0.1, 0.2, 0.3, 0.4], "partner": partner})
    seen = list(dict.fromkeys(values))
    medians = pd.DataFrame({"value": seen, "phi": 0.2, "phi_low": 0.1, "phi_high": 0.3, "n": 40})
    return Dependence(points, medians, not isinstance(values[0], str))


def coloured(values, partner):
    return plot_coloured_dependence(dependence(values, partner), partner="Part & co", partner_unit="", label="LTV",
                                    unit="", colour=TEAL, **WORDS)  # fmt: skip


def test_a_number_shades_the_dots_and_the_line_stays_on_top():
    figure = coloured([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, np.nan])
    dots = figure.data[0]
    np.testing.assert_allclose(numbers(dots.y), [0.1, 0.2, 0.3, 0.4])
    np.testing.assert_allclose(numbers(dots.marker.color)[:3], [5, 6, 7])
    assert numbers(dots.marker.opacity)[3] < numbers(dots.marker.opacity)[0]  # no value: faint
    assert dots.marker.colorbar.title.text == "Part &amp; co"
    assert figure.data[-1].name == "median and quartiles, all loans"
    assert len([trace for trace in figure.data if trace.name == "sampled loans"]) == 1


def test_a_category_has_a_colour_each_and_the_rest_is_other():
    values = list(np.arange(12.0))
    frame = pd.DataFrame({"value": values, "phi": 0.0, "partner": list("aaabbbccddef")})
    found = Dependence(frame, dependence([1.0, 2.0, 3.0, 4.0], [0.0] * 4).medians, is_number=True)
    figure = plot_coloured_dependence(found, partner="k", partner_unit="", label="LTV", unit="", colour=TEAL, **WORDS)
    dots = {trace.name: len(numbers(trace.x)) for trace in figure.data if trace.mode == "markers"}
    assert dots == {"a": 3, "b": 3, "c": 2, "d": 2, "other": 2}


def test_dots_lie_beside_their_category():
    figure = coloured(["yes", "no", "yes", "no"], [5.0, 6.0, 7.0, 8.0])
    dots = figure.data[0]
    np.testing.assert_allclose(numbers(dots.x), [0.1, 0.2, 0.3, 0.4])
    assert np.round(numbers(dots.y)).tolist() == [0, 1, 0, 1]
    assert figure.data[-1].type == "scatter"
    assert dots.type == "scatter"  # WebGL would hide the median


@pytest.mark.parametrize("scale", ["log-odds", "PD"])
def test_axes_say_their_scale(scale):
    figure = plot_effects(effects([0.5, 0.9]), **look(scale, centred=False), **WORDS)
    assert figure.layout.yaxis.title.text == f"average {scale}"
