"""The seeds' figure draws every refit and the model in use, one row a model."""

import pandas as pd

from analytics.figures.complexity import plot_seed_spread

FRAME = pd.DataFrame(
    [("a/1", 0, 0.61, False), ("a/1", 1, 0.63, False), ("a/1", 0, 0.62, True), ("b/1", 0, 0.5, False),
     ("b/1", 0, 0.5, True)],
    columns=["model", "seed", "gini", "own"],
)  # fmt: skip


def test_every_seed_is_a_dot_and_the_model_in_use_is_open():
    before = FRAME.copy()
    figure = plot_seed_spread(FRAME, colours={"b/1": "#2F63B4", "a/1": "#109A8A"},
                              labels={"a/1": "A <x>", "b/1": "B"}, title="Finding", subtitle="What")  # fmt: skip
    drawn = {(trace.name, "open" in trace.marker.symbol): (list(trace.x), set(trace.y)) for trace in figure.data}
    assert drawn[("A &lt;x&gt;", False)] == ([0.61, 0.63], {1})  # second in the order of the colours
    assert drawn[("A &lt;x&gt;", True)] == ([0.62], {1})
    assert drawn[("B", True)] == ([0.5], {0})
    assert list(figure.layout.yaxis.ticktext) == ["B", "A &lt;x&gt;"]
    pd.testing.assert_frame_equal(FRAME, before)
