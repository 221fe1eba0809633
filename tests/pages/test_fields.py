"""The fields page on numbers worked out again from the files."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analytics.words import format_value
from tests.pages.conftest import words

PAGE = "pages/portfolio/fields.py"


def shown_snapshot(app, workspace):
    key = next(box for box in app.selectbox if box.key == "fields_date").value
    return pd.read_parquet(workspace / "demo" / "snapshots" / f"{key}.parquet")


def figures(app):
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


@pytest.mark.parametrize("portfolio", ["demo", "loanapp"])
@pytest.mark.parametrize("reading", ["Business", "Risk"])
def test_it_opens_with_a_finding(open_app, portfolio, reading):
    app = open_app(PAGE, portfolio, reading=reading)
    assert not app.error
    assert "the median is" in words(app)
    assert len(figures(app)) == 3


def test_quartiles_are_those_of_the_file(open_app, demo_workspace):
    app = open_app(PAGE)
    income = shown_snapshot(app, demo_workspace)["income"].dropna()
    low, middle, high = (format_value(income.quantile(level), "EUR") for level in (0.25, 0.5, 0.75))
    assert f"lie between {low} and {high}, the median is {middle}" in words(app)
    table = app.dataframe[0].value.iloc[0]
    assert (table["n"], table["Median"], table["99 %"]) == (
        f"{len(income):,}", middle, format_value(income.quantile(0.99), "EUR")
    )  # fmt: skip


def test_partners_are_scipys(open_app, demo_workspace):
    app = open_app(PAGE)
    frame = shown_snapshot(app, demo_workspace)
    figure = next(item for item in figures(app) if "moves most" in item["layout"]["meta"]["title"])
    labels = [label.replace("<br>", " ") for label in figure["layout"]["yaxis"]["ticktext"]]
    shown = dict(zip(labels, [text.strip("<b>/") for text in figure["data"][0]["text"]], strict=True))
    rho = stats.spearmanr(frame["income"], frame["balance"], nan_policy="omit").statistic
    assert float(shown["Balance"].replace("−", "-")) == pytest.approx(rho, abs=0.006)


def test_a_category_by_outcome_in_the_link(open_app, demo_workspace):
    app = open_app(PAGE, fields_field="Country", fields_by="Outcome: default")
    frame = shown_snapshot(app, demo_workspace)
    known = frame[frame["label_mature"] & frame["default_12m"].notna()]
    shares = pd.crosstab(known["default_12m"], known["country"], normalize="index")
    bars = {trace["name"]: trace for trace in figures(app)[0]["data"]}
    rows = [label.replace("<br>", " ") for label in figures(app)[0]["layout"]["yaxis"]["ticktext"]]
    for name, outcome in (("default", 1), ("no default", 0)):
        written = [float(text.strip("<b>/").removesuffix(" %")) for text in bars[name]["text"]]
        np.testing.assert_allclose(written, 100 * shares.loc[outcome, rows], atol=0.6)


def test_groups_have_boxes_and_quantiles(open_app, demo_workspace):
    app = open_app(PAGE, fields_field="Current loan-to-value", fields_by="Country", fields_method="Pearson")
    frame = shown_snapshot(app, demo_workspace)
    table = app.dataframe[0].value.set_index("Group")
    for country, part in frame.groupby("country"):
        assert table.loc[country, "Median"] == format_value(part["current_ltv"].median(), "share")
    assert len(figures(app)) == 4
    assert "Pearson for numbers" in json.dumps(figures(app)[1], ensure_ascii=False)


def test_near_duplicates_are_warned_of(open_app):
    app = open_app(PAGE)
    assert any("Country and Region" in item.value for item in app.warning)


def test_no_loan_left_says_so(open_app):
    app = open_app(PAGE, only_country=["Italy"], only_region=["Utrecht"])
    assert "No loan matches the filters" in words(app)


def test_all_fields_counts_what_is_missing(open_app, demo_workspace):
    app = open_app("pages/portfolio/fields.py", fields_view="All fields")
    table = app.dataframe[0].value.set_index("Field")
    key = app.selectbox(key="fields_date").value
    mature = pd.read_parquet(demo_workspace / "demo" / "snapshots" / f"{key}.parquet")
    assert mature["label_mature"].all()
    assert table.loc["Energy label", "Missing"] == pytest.approx(100 * mature["energy_label"].isna().mean())
    assert table.loc["Income", "Missing"] == 0
    top = mature["country"].value_counts(normalize=True)
    assert table.loc["Country", "Median or most frequent"].startswith(top.index[0])
