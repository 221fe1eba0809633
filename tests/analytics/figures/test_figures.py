"""Figures are tested on their data: what they draw is what the frame says, and nothing needs a network."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from scipy.special import expit

from analytics.attributions import Dependence, compute_waterfall
from analytics.curves import compute_roc, compute_score_distribution
from analytics.figures.book import plot_bars_by_category, plot_trend
from analytics.figures.distributions import plot_score_distributions
from analytics.figures.explanations import plot_dependence, plot_waterfall
from analytics.figures.metrics import plot_metric_intervals, plot_roc
from analytics.figures.template import CHAMPION, SMALL, TEAL, fade
from analytics.figures.tiles import plot_tiles
from analytics.performance import compute_metrics
from analytics.proportions import add_rate

TITLE, SUBTITLE = "Arrears rose for the third month, most in Campania", "share of 38,000 loans"
WORDS = {"title": TITLE, "subtitle": SUBTITLE}
COLOURS = {"card": CHAMPION, "gbm": TEAL}


@pytest.fixture(scope="module")
def scored():
    rng = np.random.default_rng(1)
    x = rng.normal(-2, 1, 3000)
    return rng.random(3000) < expit(x), {"card": expit(0.8 * x), "gbm": expit(x)}


@pytest.fixture(scope="module")
def months():
    frame = pd.DataFrame({"month": pd.date_range("2025-01-01", periods=18, freq="MS"), "n": 5000})
    frame = add_rate(frame.assign(late=np.arange(40, 58)), events="late", n="n", name="arrears_30")
    return frame.assign(arrears_90=frame["arrears_30"] / 2)


@pytest.fixture(scope="module")
def regions():
    frame = pd.DataFrame(
        {
            "region": ["North", "South", "Isle <A&B>"],
            "country": ["X", "X", "Y"],
            "n": [900, 400, 20],
            "late": [9, 20, 1],
        }
    )
    return add_rate(frame, events="late", n="n")


TILES = {"North": (0, 0), "South": (0, 1), "Isle <A&B>": (2, 1), "East": (1, 0)}


def make_dependence(n, number=True):
    rng = np.random.default_rng(2)
    value = rng.random(n)
    medians = pd.DataFrame({"value": [0.2, 0.8, np.nan], "phi": [-0.5, 0.5, 0.1], "n": [5, 5, 2]})
    if not number:
        medians["value"] = ["permanent", "620", None]
    medians = medians.assign(phi_low=medians["phi"] - 0.1, phi_high=medians["phi"] + 0.1)
    return Dependence(pd.DataFrame({"value": value, "phi": value - 0.5}), medians, number)


WATERFALL = compute_waterfall(-4.0, pd.Series({"ltv": 0.6, "work": -0.3, "a": 0.1, "b": 0.05}), top=2)


def make_all(scored, months, regions):
    y, scores = scored
    metrics = compute_metrics(y, scores).assign(sample="out-of-time")
    return {
        "trend": plot_trend(months, {"arrears_30": "30 days", "arrears_90": "90 days"}, unit="share", **WORDS),
        "money": plot_trend(months, {"n": "Exposure"}, unit="EUR", **WORDS),
        "bars": plot_bars_by_category(
            regions, category="region", value="rate", low="rate_low", high="rate_high", unit="share", **WORDS
        ),
        "tiles": plot_tiles(regions, TILES, region="region", value="rate", unit="share", country="country", **WORDS),
        "metrics": plot_metric_intervals(
            metrics, ["gini", "o_e_ratio"], colours=COLOURS, samples=["out-of-time"], **WORDS
        ),
        "roc": plot_roc(compute_roc(y, scores), colours=COLOURS, **WORDS),
        "distributions": plot_score_distributions(compute_score_distribution(y, scores), colours=COLOURS, **WORDS),
        "dependence": plot_dependence(make_dependence(1500), label="LTV", unit="share", **WORDS),
        "categories": plot_dependence(make_dependence(10, number=False), label="Work", unit="", **WORDS),
        "waterfall": plot_waterfall(WATERFALL, **WORDS),
    }


@pytest.fixture(scope="module")
def figures(scored, months, regions):
    return make_all(scored, months, regions)


NAMES = ["trend", "money", "bars", "tiles", "metrics", "roc", "distributions",
         "dependence", "categories", "waterfall"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_keeps_the_house_rules(figures, name):
    figure = figures[name]
    assert figure.layout.title.text.replace("<br>", " ") == TITLE
    assert figure.layout.title.subtitle.text == SUBTITLE
    assert figure.layout.template.layout.paper_bgcolor == "rgba(0,0,0,0)"
    assert figure.layout.font.color is None  # text colours are the theme's
    assert figure.layout.height >= 100
    for trace in figure.data:
        for data in ("x", "y", "z", "text", "customdata", "base"):
            value = getattr(trace, data, None)
            assert value is None or isinstance(value, (np.ndarray, str)), (data, type(value))
        if trace.type in ("scatter", "scattergl") and trace.mode.startswith("lines") and trace.hoverinfo != "skip":
            assert trace.line.width >= 2
    drawn = figure.to_json()
    for banned in ("choropleth", "scattergeo", "topojson", "geojson", "mapbox", "http"):
        assert banned not in drawn.replace("http://www.w3.org", "")


def test_all_figures_are_listed(figures):
    assert list(figures) == NAMES


def test_titles_from_data_are_not_markup_and_wrap(months):
    figure = plot_trend(months, {"n": "x"}, unit="", title="Rates < 620 & <b>more</b> " + "word " * 20, subtitle="")
    assert figure.layout.title.text.startswith("Rates &lt; 620 &amp; &lt;b&gt;more")
    assert "<br>" in figure.layout.title.text
    assert figure.layout.height > plot_trend(months, {"n": "x"}, unit="", title="short", subtitle="").layout.height


def test_trend_draws_the_months(figures, months):
    lines = [trace for trace in figures["trend"].data if trace.showlegend]
    assert [line.name for line in lines] == ["30 days", "90 days"]
    np.testing.assert_array_equal(lines[0].x, months["month"].to_numpy())
    np.testing.assert_array_equal(lines[0].y, months["arrears_30"])
    np.testing.assert_array_equal(lines[1].y, months["arrears_90"])
    band = [trace for trace in figures["trend"].data if not trace.showlegend]
    np.testing.assert_array_equal(band[0].y, months["arrears_30_high"])
    np.testing.assert_array_equal(band[1].y, months["arrears_30_low"])
    assert figures["trend"].layout.yaxis.rangemode == "tozero"
    assert figures["money"].layout.annotations[0].text == "<b>€5.00k</b>"


def test_bars_carry_interval_value_and_n(figures, regions):
    bar, text = figures["bars"].data
    np.testing.assert_array_equal(bar.x, regions["rate"])
    np.testing.assert_allclose(bar.x + bar.error_x.array, regions["rate_high"])
    np.testing.assert_allclose(bar.x - bar.error_x.arrayminus, regions["rate_low"])
    assert list(bar.marker.color == SMALL) == [False, False, True]
    assert "5.0 %" in text.text[1]
    assert "n 400" in text.text[1]
    assert list(figures["bars"].layout.yaxis.ticktext) == ["North", "South", "Isle &lt;A&amp;B&gt;"]


def test_equal_and_numeric_categories_keep_their_rows():
    frame = pd.DataFrame({"score": ["620", "620", "7"], "rate": [0.1, 0.2, 0.3]})
    figure = plot_bars_by_category(frame, category="score", value="rate", unit="share", **WORDS)
    np.testing.assert_array_equal(figure.data[0].y, [0, 1, 2])


def test_tiles_stand_where_they_belong(figures, regions):
    readable, few = figures["tiles"].data
    rate = dict(zip(regions["region"], regions["rate"], strict=True))
    assert readable.z[0, 0] == rate["North"]
    assert readable.z[1, 0] == rate["South"]
    assert np.isnan(readable.z[1, 2])  # too small: in the grey layer, with its value in words
    assert few.z[1, 2] == 0
    assert few.colorscale[0][1] == SMALL
    assert "5.0" in few.text[1, 2]
    assert "read with care" in few.customdata[1, 2]
    assert np.isfinite(readable.z).sum() == 2
    assert [note.text for note in figures["tiles"].layout.annotations] == ["X", "Y"]


def test_tiles_of_unknown_regions_are_left_out(regions):
    figure = plot_tiles(regions, {"North": (0, 0)}, region="region", value="rate", unit="share", **WORDS)
    assert sum(np.isfinite(trace.z).sum() for trace in figure.data) == 1
    none = plot_tiles(regions, {}, region="region", value="rate", unit="share", **WORDS)
    assert len(none.data) == 0


def test_dots_and_whiskers_are_the_metrics(figures, scored):
    frame = compute_metrics(*scored).set_index(["metric", "model"])
    dots = {trace.name + trace.xaxis: trace for trace in figures["metrics"].data}
    assert set(dots) == {"cardx", "gbmx", "cardx2", "gbmx2"}
    row = frame.loc[("o_e_ratio", "gbm")]
    dot = dots["gbmx2"]
    assert dot.x[0] == row["estimate"]
    assert dot.x[0] + dot.error_x.array[0] == pytest.approx(row["high"])
    assert dot.x[0] - dot.error_x.arrayminus[0] == pytest.approx(row["low"])
    assert dot.marker.color == TEAL
    assert dots["cardx"].marker.symbol != dots["gbmx"].marker.symbol
    assert [shape.x0 for shape in figures["metrics"].layout.shapes] == [1]  # only the ratio has an ideal


def test_roc_draws_the_curve_and_the_champion_on_top(figures, scored):
    frame = compute_roc(*scored)
    assert [trace.name for trace in figures["roc"].data] == ["gbm", "card"]
    card = frame[frame["model"] == "card"]
    np.testing.assert_array_equal(figures["roc"].data[1].x, card["false_positive_rate"])
    np.testing.assert_array_equal(figures["roc"].data[1].y, card["true_positive_rate"])
    assert figures["roc"].data[1].line.color == CHAMPION


def test_distributions_have_a_panel_per_model(figures, scored):
    frame = compute_score_distribution(*scored)
    part = frame[(frame["model"] == "gbm") & (frame["outcome"] == 1)]
    trace = figures["distributions"].data[3]
    np.testing.assert_array_equal(trace.x, part["log_odds"])
    np.testing.assert_array_equal(trace.y, part["share"])
    assert trace.line.color == TEAL
    assert {trace.yaxis for trace in figures["distributions"].data} == {"y", "y2"}


@pytest.mark.parametrize(("n", "kind"), [(1000, "scatter"), (1001, "scattergl")])
def test_dependence_uses_webgl_above_a_thousand_points(n, kind):
    dependence = make_dependence(n)
    figure = plot_dependence(dependence, label="LTV", unit="share", **WORDS)
    assert figure.data[0].type == kind
    np.testing.assert_array_equal(figure.data[0].x, dependence.points["value"])
    np.testing.assert_array_equal(figure.data[-1].y, [-0.5, 0.5])
    assert "not known (n 2)" in [note.text for note in figure.layout.annotations]


def test_dependence_on_categories_has_a_row_each(figures):
    trace = figures["categories"].data[0]
    np.testing.assert_array_equal(trace.x, [-0.5, 0.5, 0.1])
    assert list(figures["categories"].layout.yaxis.ticktext) == ["permanent", "620", "not known"]


def test_waterfall_bars_go_from_start_to_end(figures):
    bars = {trace.name: trace for trace in figures["waterfall"].data if isinstance(trace, go.Bar)}
    up, down = bars["+ raises the PD"], bars["− lowers the PD"]
    np.testing.assert_allclose(up.base.astype(float), [-4.0, -3.7])
    np.testing.assert_allclose(up.x, [0.6, 0.15])
    np.testing.assert_allclose(down.base.astype(float), [-3.4])
    np.testing.assert_allclose(down.x, [-0.3])
    texts = figures["waterfall"].data[-1].text
    assert "+0.60" in texts[1]
    assert "×1.8" in texts[1]  # e^0.6 = 1.82
    assert "−0.30" in texts[2]
    assert "PD 2.8 %" in texts[-1]  # 1/(1 + e^3.55) = .0279


def test_frames_are_left_as_they_were(scored, months, regions):
    copies = months.copy(), regions.copy()
    make_all(scored, months, regions)
    pd.testing.assert_frame_equal(months, copies[0])
    pd.testing.assert_frame_equal(regions, copies[1])


def test_fade_keeps_the_colour():
    assert fade(TEAL, 0.25) == "rgba(16, 154, 138, 0.25)"


def test_nothing_to_show_is_not_a_crash(scored):
    nothing = pd.DataFrame({"month": pd.to_datetime([]), "n": []})
    assert len(plot_trend(nothing, {"n": "Loans"}, unit="", **WORDS).data[0].x) == 0
    rows = pd.DataFrame({"c": [], "v": []})
    assert len(plot_bars_by_category(rows, category="c", value="v", unit="share", **WORDS).data[0].x) == 0
    assert len(plot_roc(compute_roc(*scored), colours={"x": TEAL}, **WORDS).data) == 0
    with pytest.raises(ValueError, match="none of the models x"):
        plot_score_distributions(compute_score_distribution(*scored), colours={"x": TEAL}, **WORDS)
