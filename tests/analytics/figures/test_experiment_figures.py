"""The experiments' figures draw the numbers they are given, grey what is not clear and escape what is data."""

import numpy as np
import pandas as pd
import pytest

from analytics.figures.decay import plot_decay
from analytics.figures.experiment_costs import plot_costs
from analytics.figures.experiments import DASHES, Look, family_looks, plot_leaderboard, plot_sizes, plot_variants
from analytics.figures.learning import plot_calibration_bins, plot_learning
from analytics.figures.search import plot_parallel, plot_search
from analytics.figures.template import AMBER, NAVY, SLATE, SMALL, TEAL, VIOLET

LOOKS = {"gbm": Look(TEAL), "net <1>": Look(VIOLET), "card": Look(NAVY), "gbm_less": Look(TEAL, "dash")}
WORDS = {"title": "Finding", "subtitle": "What"}
BOARD = pd.DataFrame(
    [("gbm", "Boosting", 0.70, 0.65, 0.76, 0.69, 0.71, 3), ("net <1>", "MLP", 0.68, 0.62, 0.74, 0.68, 0.68, 1),
     ("card", "Scorecard", 0.60, 0.50, 0.70, 0.60, 0.60, 1)],
    columns=["name", "title", "gini", "low", "high", "seed_low", "seed_high", "seeds"],
).assign(n=1000, events=90)  # fmt: skip
APART = pd.DataFrame(
    [("gbm", 0.10, 0.02, 0.18, "better"), ("net <1>", 0.08, -0.01, 0.17, "no clear difference")],
    columns=["name", "difference", "low", "high", "verdict"],
)


def traces(figure, axis="x"):
    return [trace for trace in figure.data if (trace.xaxis or "x") == axis]


def test_families_have_their_colours_and_variants_other_dashes():
    looks = family_looks({"boosting": "boosting", "b2": "boosting", "mlp": "mlp", "card": "scorecard", "new": "?"})
    assert [looks[name].colour for name in looks] == [TEAL, TEAL, VIOLET, NAVY, SLATE]
    assert [looks[name].dash for name in ("boosting", "b2")] == ["solid", "dash"]
    assert looks["b2"].symbol == "square-open"
    many = family_looks({str(place): "boosting" for place in range(12)})
    assert [look.dash for look in many.values()].count(DASHES[0]) == 1  # the full one alone is solid
    moved = family_looks({"b": "boosting", "s": "scorecard"}, champion="boosting")
    assert (moved["b"].colour, moved["s"].colour) == (NAVY, TEAL)  # the champion is navy on every page


def test_the_leaderboard_draws_both_intervals_and_greys_ties():
    before = BOARD.copy(), APART.copy()
    figure = plot_leaderboard(BOARD, APART, looks=LOOKS, against="card", **WORDS)
    left = [trace for trace in traces(figure) if trace.mode == "markers"]
    assert [(trace.x[0], trace.y[0]) for trace in left] == [(0.70, 0), (0.68, 1), (0.60, 2)]
    np.testing.assert_allclose([left[0].error_x.array[0], left[0].error_x.arrayminus[0]], [0.06, 0.05])
    seeds = [trace for trace in traces(figure) if trace.mode == "lines+markers"]
    assert [list(trace.x) for trace in seeds] == [[0.69, 0.71]]  # one seed has no range
    right = traces(figure, "x2")
    assert [(trace.x[0], trace.y[0], trace.marker.color) for trace in right] == [(0.10, 0, TEAL), (0.08, 1, SMALL)]
    assert list(figure.layout.yaxis.ticktext) == ["gbm", "net &lt;1&gt;", "card"]
    zero = [shape for shape in figure.layout.shapes if shape.xref == "x2"]
    assert [(shape.x0, shape.x1) for shape in zero] == [(0, 0)]
    pd.testing.assert_frame_equal(BOARD, before[0])
    pd.testing.assert_frame_equal(APART, before[1])


def test_a_lone_experiment_has_no_difference():
    figure = plot_leaderboard(BOARD[:1], APART[:0], looks=LOOKS, against="gbm", **WORDS)
    assert traces(figure, "x2") == []


def test_variants_stand_under_their_full_one():
    frame = pd.DataFrame(
        [("gbm", "gbm_less", "without <economy>", -0.05, -0.08, -0.02, "worse")],
        columns=["full", "name", "variant", "difference", "low", "high", "verdict"],
    )
    figure = plot_variants(frame, looks=LOOKS, axis="difference", **WORDS)
    assert list(figure.layout.yaxis.ticktext) == ["<b>gbm:</b>", "without &lt;economy&gt;"]
    assert (figure.data[0].x[0], figure.data[0].y[0], figure.data[0].marker.color) == (-0.05, 1, TEAL)


def test_sizes_run_along_a_logarithmic_axis():
    frame = pd.DataFrame(
        [("gbm", "gbm", 1.0, 900, 0.70, 0.6, 0.8), ("gbm", "gbm_less", 0.05, 45, 0.5, 0.3, 0.65)],
        columns=["full", "name", "share", "loans", "gini", "low", "high"],
    )
    figure = plot_sizes(frame, looks=LOOKS, subject="loan", **WORDS)
    assert list(figure.data[0].x) == [0.05, 1.0]
    assert list(figure.data[0].y) == [0.5, 0.7]
    np.testing.assert_allclose(figure.data[0].error_y.array, [0.15, 0.1])
    assert figure.layout.xaxis.type == "log"
    assert list(figure.layout.xaxis.ticktext) == ["5 %", "100 %"]


COSTS = BOARD.assign(ms=[500.0, 90.0, 0.0], ms_front=[True, False, True], parts=[10, 20, 30], parts_front=[True] * 3)


def test_costs_draw_the_front_and_ring_the_choice():
    figure = plot_costs(COSTS, {"ms": "latency", "parts": "parameters"}, looks=LOOKS, best="gbm",
                        chosen={"ms": "card", "parts": "gbm"}, **WORDS)  # fmt: skip
    front = next(trace for trace in traces(figure) if trace.name == "front")
    assert list(front.x) == [0.1, 500]  # a cost of 0 is held: a logarithmic axis has no place for it
    assert list(front.y) == [0.60, 0.70]
    rings = [trace for trace in figure.data if trace.marker.symbol == "circle-open"]
    assert [(trace.x[0], trace.y[0]) for trace in rings] == [(0.1, 0.60), (10, 0.70)]
    points = {trace.name: trace.x[0] for trace in traces(figure) if trace.legendgroup}
    assert points == {"Boosting": 500, "MLP": 90, "Scorecard": 0.1}
    assert [item.text for item in figure.layout.annotations if item.xref == "x"] == ["card", "gbm"]
    assert len(figure.layout.xaxis.tickvals) >= 3


def test_names_of_neighbours_on_the_front_stand_apart():
    near = COSTS.assign(parts=[100, 1000, 110])
    figure = plot_costs(near, {"parts": "parameters"}, looks=LOOKS, best="gbm", chosen={"parts": "gbm"}, **WORDS)
    assert {item.text: item.yanchor for item in figure.layout.annotations} == {
        "gbm": "top", "card": "bottom", "net &lt;1&gt;": "bottom",
    }  # fmt: skip


EPOCHS = pd.DataFrame(
    [("gbm", 0, True, 1, 0.5, 0.40, False), ("gbm", 0, True, 2, 0.4, 0.35, True), ("gbm", 0, True, 3, 0.3, 0.38, False),
     ("gbm", 1, False, 1, 0.5, 0.41, True)],
    columns=["name", "seed", "first", "epoch", "loss", "val_loss", "best"],
)  # fmt: skip


def test_learning_marks_the_best_epoch():
    figure = plot_learning(EPOCHS, looks=LOOKS, **WORDS)
    lines = [list(trace.y) for trace in figure.data if trace.mode == "lines"]
    assert lines == [[0.40, 0.35, 0.38], [0.5, 0.4, 0.3], [0.41]]  # the other seed has its later period only
    assert [(list(trace.x), list(trace.y)) for trace in figure.data if trace.mode == "markers"] == [
        ([2], [0.35]), ([1], [0.41]),
    ]  # fmt: skip
    assert [trace.showlegend for trace in figure.data].count(True) == 1


def test_calibration_joins_seen_rates_and_greys_small_bins():
    frame = pd.DataFrame(
        {"name": "gbm", "mean_pd": [0.001, 0.01, 0.1], "rate": [0.0, 0.02, 0.11], "low": [0.0, 0.01, 0.09],
         "high": [0.01, 0.04, 0.14], "n": 500, "events": [0, 10, 55], "small": [True, False, False]}
    )  # fmt: skip
    figure = plot_calibration_bins(frame, looks=LOOKS, event="default", **WORDS)
    line, points = figure.data
    assert list(line.y) == [0.02, 0.11]  # no line down to a rate of 0
    assert list(points.x) == [0.001, 0.01, 0.1]
    assert points.y[0] == pytest.approx(0.001 / 1.5)  # at the foot
    assert list(points.marker.color) == [SMALL, TEAL, TEAL]
    assert points.marker.symbol[0].endswith("-open")


def test_a_search_greys_what_was_pruned():
    frame = pd.DataFrame({"number": [0, 1, 2], "state": ["complete", "pruned", "fail"], "log_loss": [0.3, 0.2, np.nan],
                          "best": [0.3, 0.3, 0.3], "seconds": [1.0, 1.0, 1.0]})  # fmt: skip
    figure = plot_search(frame, **WORDS)
    drawn = {trace.name: (list(trace.x), list(trace.y)) for trace in figure.data}
    assert drawn == {"best so far": ([1, 2, 3], [0.3, 0.3, 0.3]), "finished trial": ([1], [0.3]),
                     "pruned trial, on fewer periods": ([2], [0.2])}  # fmt: skip
    assert figure.layout.xaxis.dtick == 1  # no trial two and a half


def test_parallel_lines_end_at_their_log_loss_unless_pruned():
    frame = pd.DataFrame(
        [(0, "complete", 0.30, "rate", "0.1", 1.0), (0, "complete", 0.30, "kind", "a <b>", 0.0),
         (1, "complete", 0.20, "rate", "0.01", 0.0), (1, "complete", 0.20, "kind", "c", 1.0),
         (2, "pruned", 0.10, "rate", "0.03", 0.5), (2, "pruned", 0.10, "kind", "c", 1.0)],
        columns=["number", "state", "log_loss", "parameter", "shown", "place"],
    )  # fmt: skip
    marks = {"rate": [(0.0, "0.01"), (1.0, "0.1")], "kind": [(0.0, "a <b>"), (1.0, "c")]}
    figure = plot_parallel(frame, marks=marks, **WORDS)
    lines = {trace.name: trace for trace in figure.data}
    assert list(lines["trial 1"].y) == [1.0, 0.0, 1.0]  # the highest log loss of the finished ones
    assert list(lines["trial 2"].y) == [0.0, 1.0, 0.0]
    assert (lines["trial 2"].line.color, lines["trial 2"].line.width) == (NAVY, 4)
    assert lines["trial 1"].line.color == AMBER
    assert list(lines["trial 3"].x) == [0, 1]  # its log loss is that of fewer periods
    assert lines["trial 3"].line.color == SMALL
    assert [trace.name for trace in figure.data] == ["trial 3", "trial 1", "trial 2"]  # the best on top
    texts = [item.text for item in figure.layout.annotations]
    assert texts == ["0.01", "0.1", "a &lt;b&gt;", "c", "0.20000", "0.30000"]


def test_parallel_lines_of_pruned_trials_only():
    frame = pd.DataFrame([(0, "pruned", 0.1, "rate", "1", 0.5)],
                         columns=["number", "state", "log_loss", "parameter", "shown", "place"])  # fmt: skip
    figure = plot_parallel(frame, marks={"rate": [(0.0, "0"), (1.0, "2")]}, **WORDS)
    assert [item.text for item in figure.layout.annotations] == ["0", "2"]


def test_decay_greys_small_periods_and_keeps_them_off_the_axis():
    frame = pd.DataFrame(
        {"period": [12, 18, 12, 18], "period_label": ["12–17", "18–23"] * 2, "name": ["gbm", "gbm", "card", "card"],
         "estimate": [0.7, 0.1, 0.6, 0.6], "low": [0.65, -0.9, 0.5, 0.5], "high": [0.75, 0.99, 0.7, 0.7],
         "difference": [0.1, -0.5, 0.0, 0.0], "difference_low": [0.05, -1.5, np.nan, np.nan],
         "difference_high": [0.15, 0.5, np.nan, np.nan], "small": [False, True, False, False], "n": 100, "events": 9}
    )  # fmt: skip
    figure = plot_decay(frame, looks=LOOKS, value="estimate", axis="Gini", **WORDS)
    assert [list(trace.y) for trace in figure.data] == [[0.7, 0.1], [0.6, 0.6]]
    assert list(figure.data[0].marker.color) == [TEAL, SMALL]
    low, high = figure.layout.yaxis.range
    assert 0.4 < low < 0.5
    assert 0.75 < high < 0.85
    assert list(figure.layout.xaxis.ticktext) == ["12–17", "18–23"]
    lead = plot_decay(frame[frame["name"] == "gbm"], looks=LOOKS, value="difference", axis="−", **WORDS)
    assert lead.layout.yaxis.range[0] <= 0 <= lead.layout.yaxis.range[1]
    np.testing.assert_allclose(lead.data[0].error_y.array, [0.05, 1.0])
