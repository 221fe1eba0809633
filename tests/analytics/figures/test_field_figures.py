"""The figures of cohorts, associations and fields draw what their frames say."""

import numpy as np
import pandas as pd
import pytest

from analytics.associations import compute_associations, compute_partners, to_matrix
from analytics.cohorts import compute_comparison, compute_pictures
from analytics.figures.associations import plot_association_matrix, plot_partners
from analytics.figures.cohorts import COHORT_A, COHORT_B, plot_two_distributions
from analytics.figures.fitted import plot_boxes, plot_category_shares, plot_histogram, plot_histograms_by
from analytics.figures.template import LOWERS, RAISES, SLATE, fade
from analytics.fitted import choose_bins, compute_curve, compute_histogram, compute_summary, compute_values, fit_curves

WORDS = {"title": "A differs from B", "subtitle": "share of 900 loans"}
NAMES = ("A: North <1>", "B: South")


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    frames = [pd.DataFrame({"income": rng.lognormal(10, 0.4, 400), "days": rng.choice([0.0, 30, 60], 400),
                            "kind": rng.choice(["x", "y & z"], 400)}) for _ in range(2)]  # fmt: skip
    return compute_pictures(*frames, compute_comparison(*frames, numbers=["income", "days"], categories=["kind"]))


def test_two_areas_hold_the_shares(pictures):
    part = pictures[pictures["field"] == "income"]
    figure = plot_two_distributions(part, names=NAMES, unit="EUR", means=(20_000.0, 25_000.0), **WORDS)
    a, b = figure.data
    np.testing.assert_allclose(a.y[1:-1], part["share_a"])
    np.testing.assert_allclose(b.y[1:-1], part["share_b"])
    assert (a.line.color, b.line.color) == (COHORT_A, COHORT_B)
    assert a.name == "A: North &lt;1&gt;"
    assert [shape.x0 for shape in figure.layout.shapes] == [20_000, 25_000]
    assert "mean A €20.0k" in figure.layout.annotations[0].text


def test_few_values_are_bars(pictures):
    part = pictures[pictures["field"] == "days"]
    figure = plot_two_distributions(part, names=NAMES, unit="days", **WORDS)
    assert [trace.type for trace in figure.data] == ["bar", "bar"]
    np.testing.assert_allclose(figure.data[0].x, [0, 30, 60])


def test_categories_are_rows(pictures):
    part = pictures[pictures["field"] == "kind"]
    figure = plot_two_distributions(part, names=NAMES, unit="share", **WORDS)
    np.testing.assert_allclose(figure.data[1].x, part["share_b"])
    assert sorted(figure.layout.yaxis.ticktext) == ["x", "y &amp; z"]


@pytest.fixture(scope="module")
def pairs():
    rng = np.random.default_rng(1)
    x = rng.normal(size=300)
    frame = pd.DataFrame({"x": x, "y": -x + 0.3 * rng.normal(size=300), "z": x + rng.normal(size=300),
                          "kind": np.where(x > 0, "up", "down")})  # fmt: skip
    return compute_associations(frame, ["x", "y", "z"], ["kind"])


def test_heat_map_holds_the_matrix_without_its_diagonal(pairs):
    matrix = to_matrix(pairs)
    figure = plot_association_matrix(matrix, labels={"x": "Income"}, marked=["kind"], **WORDS)
    cells = np.array(figure.data[0].z, dtype=float)
    assert np.isnan(np.diag(cells)).all()
    off = ~np.eye(4, dtype=bool)
    np.testing.assert_allclose(cells[off], matrix.to_numpy()[off])
    assert {"Income", "kind ◆"} <= set(figure.layout.yaxis.ticktext)
    spot = list(matrix.index).index("x"), list(matrix.index).index("y")
    written = {
        (row, column): text
        for trace in figure.data[1:]
        for row, column, text in zip(trace.y, trace.x, trace.text, strict=True)
    }
    assert written[spot] == f"−{abs(matrix.loc['x', 'y']):.2f}".replace("0.", ".")


def test_partners_are_coloured_by_direction(pairs):
    partners = compute_partners(pairs, "x")
    bar = plot_partners(partners, **WORDS).data[0]
    np.testing.assert_allclose(bar.x, partners["value"])
    expected = {"y": LOWERS, "z": RAISES, "kind": SLATE}
    assert list(bar.marker.color) == [fade(expected[name], 0.75) for name in partners["field"]]


@pytest.fixture
def table(database):
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"income": rng.lognormal(10, 0.4, 900), "country": rng.choice(["X", "Y"], 900)})
    return database.table(frame), frame


def test_histogram_and_curve(table, database):
    rows, frame = table
    bins = choose_bins(compute_summary(rows, "income", database.fetch).iloc[0])
    histogram = compute_histogram(rows, "income", database.fetch, bins)
    curve = compute_curve(fit_curves(frame["income"].to_numpy()), bins)
    figure = plot_histogram(histogram, unit="EUR", curve=curve, curve_name="log-normal", **WORDS)
    np.testing.assert_allclose(figure.data[0].y, histogram["share"])
    np.testing.assert_allclose(figure.data[1].y, curve["share"])
    assert "log-normal" in figure.layout.annotations[0].text


def test_groups_boxes_and_categories(table, database):
    rows, _ = table
    summary = compute_summary(rows, "income", database.fetch, by="country")
    bins = choose_bins(compute_summary(rows, "income", database.fetch).iloc[0])
    histogram = compute_histogram(rows, "income", database.fetch, bins, by="country")
    lines = plot_histograms_by(histogram, ["X", "Y"], unit="EUR", **WORDS)
    own = histogram[histogram["group"] == "Y"].sort_values("place")
    np.testing.assert_allclose(lines.data[1].y[:-1], own["share"])
    box = plot_boxes(summary, unit="EUR", **WORDS).data[0]
    np.testing.assert_allclose(box.median, summary["q50"])
    np.testing.assert_allclose(box.upperfence, summary["q95"])
    values = compute_values(rows, "country", database.fetch)
    bars = plot_category_shares(values, ["Y", "X"], ["all"], **WORDS)
    np.testing.assert_allclose(bars.data[0].x, values.set_index("value")["share"][["Y", "X"]])
