"""The validation's figures on their data: what is drawn is what the tables say, and what is not known stays blank."""

import numpy as np
import pandas as pd
import pytest

from analytics.exclusions import compute_exclusions
from analytics.figures.migrations import plot_migrations, plot_neighbours
from analytics.figures.validation import LIGHTS, plot_exclusions, plot_grades, plot_losses, plot_psi, plot_years
from analytics.grade_tests import ALL, compute_grade_tests
from analytics.lights import SYMBOLS, Limits
from analytics.loss_tests import compute_loss_tests
from analytics.migrations import compute_migrations, compute_neighbour_tests

WORDS = {"title": "T", "subtitle": "s"}


def traces(figure):
    return {trace.name: trace for trace in figure.data if trace.name}


@pytest.fixture
def grades():
    """100 loans each: none, 6 of 100 at a PD of 1 %, 10 of 100 at 10 %; the fourth grade is empty."""
    grade = np.repeat([1, 2, 3], 100)
    pds = np.repeat([0.001, 0.01, 0.1], 100)
    defaults = np.concatenate([np.arange(100) < k for k in (0, 6, 10)])
    return compute_grade_tests(grade, pds, defaults, limits=Limits(0.05, 0.01), order=[1, 2, 3, 4])


def test_each_grade_stands_at_its_rate_with_its_interval_and_its_light(grades):
    figure = plot_grades(grades[grades["grade"] != ALL], **WORDS)
    drawn = traces(figure)
    red = drawn[f"Observed, {SYMBOLS['red']} red"]
    assert list(red.x) == [1]
    assert list(red.y) == [0.06]
    row = grades[grades["grade"] == 2].iloc[0]
    assert red.y[0] + red.error_y.array[0] == pytest.approx(row["rate_high"])
    assert red.y[0] - red.error_y.arrayminus[0] == pytest.approx(row["rate_low"])
    assert red.marker.color == LIGHTS["red"]
    assert list(drawn["PD of the grade"].y) == pytest.approx([0.001, 0.01, 0.1])
    small = drawn["Observed, fewer than 30 loans or 5 events"]
    assert list(small.x) == [0]
    assert small.marker.symbol[0] == "circle-open"  # a rate of 0 has no place on a logarithmic axis
    assert small.y[0] > 0
    assert [text[-1] for text in figure.layout.xaxis.ticktext] == [SYMBOLS[o] for o in grades["outcome"][:4]]


def test_ticks_do_not_crowd_where_rates_are_high():
    table = compute_grade_tests([1] * 40, [0.9] * 40, [1] * 38 + [0] * 2, limits=Limits(0.05, 0.01))
    ticks = plot_grades(table[:-1], **WORDS).layout.yaxis.tickvals
    assert max(ticks) <= 1
    assert np.diff(np.log10(ticks)).min() > 0.25


def test_years_without_a_value_are_left_out():
    table = pd.DataFrame({"date": ["2020-12-31", "2021-12-31"], "auc": [0.7, np.nan], "low": [0.6, np.nan],
                          "high": [0.8, np.nan], "n": [10, 5], "defaults": [3, 0]})  # fmt: skip
    figure = plot_years(table, value="auc", low="low", high="high", name="AUC", line=("Initial", 0.75), **WORDS)
    drawn = traces(figure)
    assert list(drawn["AUC"].y) == [0.7]
    assert drawn["AUC"].error_y.array == pytest.approx([0.1])
    assert list(drawn["Initial 0.750"].y) == [0.75, 0.75]


def test_psi_stands_beside_its_own_critical_value():
    table = pd.DataFrame({"date": ["a", "b"], "psi": [0.02, np.nan], "critical": [0.03, np.nan]})
    figure = plot_psi(table, limits=(0.1, 0.25), **WORDS)
    assert list(traces(figure)["PSI"].y) == [0.02]
    assert list(traces(figure)["Critical value"].y) == [0.03]
    assert [shape.y0 for shape in figure.layout.shapes] == [0.1, 0.25]


def test_the_waterfall_says_not_recorded_and_never_0():
    frame = pd.DataFrame({"process": [True, True, False, False], "transferred": [True, False, False, False],
                          "defaults": [False] * 4})  # fmt: skip
    figure = plot_exclusions(compute_exclusions(frame), **WORDS)
    texts = [text.strip() for text in figure.data[2].text]
    # Four loans; the age of ratings is not recorded; one was transferred; of two in the process one is new.
    assert texts == ["4", "not recorded", "−1 (25 % of M)", "−1 (50 % of M)", "2 (50 % of M)"]
    totals = figure.data[0].x
    assert [totals[0], totals[-1]] == [4, 2]
    assert list(figure.data[1].x[2:4]) == [1, 1]
    assert list(figure.data[1].base[2:4]) == [3, 2]


@pytest.fixture
def matrix():
    """Grade 1: 6 stay, 1 moves to 2, 2 to 3, one defaults; grade 2: 5 stay; grade 3 is empty."""
    start = [1] * 10 + [2] * 5
    end = [1] * 6 + [2] + [3] * 2 + [None] + [2] * 5
    return compute_migrations(start, end, default=[0] * 9 + [1] + [0] * 5, grades=[1, 2, 3])


def test_the_matrix_shows_shares_of_a_row_and_blanks_what_is_not_known(matrix):
    figure = plot_migrations(matrix, **WORDS)
    shares = figure.data[0].z
    assert shares[0][:4] == pytest.approx([0.6, 0.1, 0.2, 0.1])
    assert np.isnan(shares[2]).all()  # no loan in grade 3
    assert list(figure.data[0].x[3:]) == ["default", "other model,<br>not recorded", "ended,<br>not recorded"]
    assert "n 10" in figure.layout.yaxis.ticktext[0]


def test_only_cells_below_the_level_are_coloured(matrix):
    table = compute_neighbour_tests(matrix)
    # From 1 to 3 two loans, to the nearer 2 one: z = (1 − 2)/√(1 + 2 − 1/10) = −0.587, p = 0.279.
    row = table[(table["start"] == 1) & (table["end"] == 3)].iloc[0]
    assert row["z"] == pytest.approx(-1 / np.sqrt(2.9))
    quiet = plot_neighbours(table, level=0.05, **WORDS)
    assert np.isnan(quiet.data[0].z).all()
    loud = plot_neighbours(table, level=0.3, **WORDS)
    assert np.argwhere(np.isfinite(loud.data[0].z)).tolist() == [[0, 2]]
    assert loud.data[0].z[0][2] == pytest.approx(row["z"])
    assert loud.data[0].text[0][2] == "−0.6"


def test_losses_stand_by_segment_and_few_defaults_are_grey():
    table = compute_loss_tests([0.1, 0.3], [0.2, 0.2], exposure=[100, 100], segment=["a", "b"])
    figure = plot_losses(table, ["a", "b", "All"], **WORDS)
    drawn = traces(figure)
    assert list(drawn["Realised LGD"].x) == pytest.approx([0.1, 0.3, 0.2])
    assert list(drawn["Estimated LGD"].x) == pytest.approx([0.2, 0.2, 0.2])
    assert set(drawn["Realised LGD"].marker.color) == {LIGHTS["not run"]}
