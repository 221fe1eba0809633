"""The trust section's figures draw what their frames say."""

import numpy as np
import pandas as pd
import pytest

from analytics.figures.explanation_trust import plot_repeats, plot_spread
from analytics.figures.template import CHAMPION, TEAL

LOOKS = {"colours": {"old": CHAMPION, "new": TEAL}, "labels": {"old": "Old <card>", "new": "New"}}
WORDS = {"title": "A finding", "subtitle": "100 loans"}


def test_every_repeat_is_a_dot_and_their_mean_is_marked():
    frame = pd.DataFrame({"model": ["new", "old", "old", "old"], "kind": [*["background"] * 3, "seed"],
                          "seed": [0, 0, 1, 2], "again": [0.7, 0.8, 1.0, 0.95]})  # fmt: skip
    figure = plot_repeats(frame, limit=0.9, **LOOKS, **WORDS)
    assert len(figure.data) == 6  # dots and a mark of each of: old's backgrounds, old's seed, new's background
    np.testing.assert_array_equal(figure.data[0].x, [0.8, 1.0])
    assert figure.data[1].x[0] == pytest.approx(0.9)
    assert figure.layout.shapes[0].x0 == 0.9
    rows = [text.replace("<br>", " ") for text in figure.layout.yaxis.ticktext]
    assert rows == ["Old &lt;card&gt;: other background", "Old &lt;card&gt;: other seed", "New: other background"]


def test_a_spread_is_a_line_around_the_importance():
    frame = pd.DataFrame({"model": ["old", "old", "new"], "feature": ["x", "z", "x"], "importance": [0.4, 0.1, 0.3],
                          "spread": [0.05, 0.02, 0.01], "share": [0.125, 0.2, 0.03]})  # fmt: skip
    figure = plot_spread(frame, ["x", "z"], feature_labels={"x": "Income"}, **LOOKS, **WORDS)
    old, new = figure.data
    np.testing.assert_array_equal(old.x, [0.4, 0.1])
    np.testing.assert_array_equal(old.error_x.array, [0.05, 0.02])
    np.testing.assert_array_equal(new.x, [0.3, np.nan])  # a feature that the model does not read
    assert list(figure.layout.yaxis.ticktext) == ["Income", "z"]
    assert (old.name, new.name) == ("Old &lt;card&gt;", "New")
