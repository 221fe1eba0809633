"""The waterfall of a difference: what it draws is what it is given."""

import numpy as np
import pandas as pd
import pytest

from analytics.figures.disagreement import plot_difference

COLUMNS = ["kind", "feature", "label", "value", "only", "contribution", "low", "high", "start", "end"]


@pytest.fixture
def steps():
    nan = np.nan
    return pd.DataFrame([
        ("start", "", "Card", "", "", -3.0, nan, nan, 0.0, -3.0),
        ("feature", "arrears", "Arrears <30", "2 months", "challenger", 1.5, 1.2, 1.8, -3.0, -1.5),
        ("feature", "ltv", "LTV", "", "", -0.5, -0.6, -0.4, -1.5, -2.0),
        ("other", "", "4 other features", "", "", 0.25, nan, nan, -2.0, -1.75),
        ("end", "", "Net", "", "", -1.75, nan, nan, 0.0, -1.75),
    ], columns=COLUMNS)  # fmt: skip


def plot(steps):
    return plot_difference(steps, names=("Card", "Net"), colours=("#2F63B4", "#109A8A"), title="T", subtitle="S")


def test_bars_stand_where_the_steps_are(steps):
    figure = plot(steps)
    riskier, safer = (trace for trace in figure.data if trace.type == "bar")
    assert (riskier.name, safer.name) == ("+ riskier to Net", "− safer to Net")
    assert (np.array(riskier.base) + riskier.x).tolist() == [-1.5, -1.75]
    assert (np.array(safer.base) + safer.x).tolist() == [-2.0]
    np.testing.assert_allclose(riskier.error_x.array, [0.3, 0.0])
    np.testing.assert_allclose(safer.error_x.arrayminus, [0.1])


def test_ends_say_pds_in_the_models_colours(steps):
    """PD at −3 is 1 / (1 + e³) = 4.7 %, at −1.75 14.8 %."""
    figure = plot(steps)
    texts = next(trace.text for trace in figure.data if trace.type == "scatter" and trace.mode == "text")
    assert "PD 4.7 %" in texts[0]
    assert "PD 14.8 %" in texts[-1]
    assert "+1.50" in texts[1]
    assert "×4.5" in texts[1]  # e^1.5
    markers = [trace.marker.color for trace in figure.data if trace.type == "scatter" and trace.mode == "markers"]
    assert markers == ["#2F63B4", "#109A8A"]


def test_names_from_the_data_are_no_markup(steps):
    figure = plot(steps)
    assert figure.layout.yaxis.ticktext[1] == "Arrears &lt;30: 2 months"
    assert "Arrears &lt;30" in next(trace for trace in figure.data if trace.type == "bar").customdata[0]


def test_two_ends_without_a_step_between_can_be_drawn(steps):
    same = steps.iloc[[0, -1]].assign(end=-3.0, contribution=-3.0)
    assert not [trace for trace in plot(same).data if trace.type == "bar"]
