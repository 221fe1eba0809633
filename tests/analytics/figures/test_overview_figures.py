"""The overview's figures draw what their frames say."""

import numpy as np
import pandas as pd
import pytest

from analytics.figures.concentration import plot_loss, plot_shares
from analytics.figures.rate_change import plot_rate_change
from analytics.figures.template import AMBER, SMALL
from analytics.rate_change import compute_change, compute_steps

WORDS = {"title": "Default rate up +0.50 pp", "subtitle": "2,000 loans"}


@pytest.fixture
def steps():
    frames = [
        pd.DataFrame({"field": "f", "value": ["a<b", "c", "d"], "n": [500, 400, 20], "events": events})
        for events in ([20, 10, 1], [40, 6, 1])
    ]
    change = compute_change(*frames, events="events", n="n")
    frame = compute_steps(change, "f")
    return frame.assign(label=frame["step"])


def bars_of(figure):
    """Return (row, start, length, colour) of every bar that is drawn, by row."""
    found = []
    for trace in figure.data:
        if trace.type == "bar" and trace.base is not None:
            found += zip(trace.y, trace.base, trace.x, trace.marker.color, strict=True)
    return sorted(found)


def test_the_waterfall_goes_from_rate_to_rate(steps):
    figure = plot_rate_change(steps, **WORDS)
    found = bars_of(figure)
    assert [row for row, *_ in found] == [1, 2, 3, 4]  # mix and three segments, between the two rates
    np.testing.assert_allclose([length for *_, length, _ in found], steps["effect"].iloc[1:-1])
    np.testing.assert_allclose([start for _, start, *_ in found], steps["start"].iloc[1:-1], atol=1e-15)
    diamonds = next(trace for trace in figure.data if trace.type == "scatter" and trace.mode == "markers")
    np.testing.assert_allclose(diamonds.x, [31 / 920, 47 / 920])
    assert found[steps.index[steps["step"] == "d"][0] - 1][3] == SMALL
    assert "a&lt;b" in str(figure.layout.yaxis.ticktext)
    assert [trace.name for trace in figure.data if trace.showlegend] == ["raises the rate", "lowers the rate"]


@pytest.fixture
def shares():
    return pd.DataFrame(
        {"value": ["North", "South <x>", "other (3)"], "share": [0.5, 0.3, 0.2], "amount": [5e6, 3e6, 2e6],
         "loans": [50, 30, 20], "marked": [True, False, False], "rest": [False, False, True]}
    )  # fmt: skip


def test_shares_mark_what_is_over_and_grey_the_rest(shares):
    figure = plot_shares(shares, unit="EUR", limit=0.4, **WORDS)
    bar = figure.data[0]
    assert list(bar.x) == [0.5, 0.3, 0.2]
    assert bar.marker.color[0] == AMBER
    assert bar.marker.color[2] == SMALL
    assert figure.layout.shapes[0].x0 == 0.4
    assert "€5.00m" in bar.customdata[0]
    assert not plot_shares(shares, unit="EUR", limit=0.9, **WORDS).layout.shapes  # too far away to draw


def test_loss_is_in_basis_points():
    frame = pd.DataFrame({"value": ["a", "b"], "rate": [0.0007, 0.0012], "loss_text": ["€7k", "€12k"]})
    figure = plot_loss(frame, whole=0.001, **WORDS)
    np.testing.assert_allclose(figure.data[0].x, [7, 12])
    assert figure.layout.shapes[0].x0 == pytest.approx(10)
