"""Explore on numbers it shows, worked out again in pandas from the snapshots' files."""

import pandas as pd
import pytest

from pages.common.explore_words import YEARLY
from tests.pages.conftest import words

PAGE = "pages/portfolio/explore.py"


def snapshots(workspace, portfolio="demo"):
    files = sorted((workspace / portfolio / "snapshots").glob("*.parquet"))
    return pd.concat([pd.read_parquet(path) for path in files], ignore_index=True)


@pytest.mark.parametrize("portfolio", ["demo", "loanapp"])
@pytest.mark.parametrize("chart", ["Lines", "Bars", "Heat map", "Boxes", "Points", "Pivot"])
def test_every_chart_works_on_both_kinds_of_portfolio(open_app, portfolio, chart):
    app = open_app(PAGE, portfolio, explore_chart=chart)
    assert not app.error
    assert "Data SHA-256" in words(app)
    assert len(app.dataframe if chart == "Pivot" else app.get("plotly_chart")) == 1


def test_the_pivot_is_the_files_and_its_totals_add_up(open_app, demo_workspace):
    app = open_app(PAGE, explore_chart="Pivot", explore_show="Number of loans", explore_by="Channel",
                   explore_split="Country", explore_dates="All dates")  # fmt: skip
    table = app.dataframe[0].value.set_index("Channel")
    rows = snapshots(demo_workspace)
    expected = pd.crosstab(rows["channel"].fillna("not known"), rows["country"], margins=True, margins_name="All")
    for channel in expected.index:
        for country in expected.columns:
            assert table.loc[channel, country] == f"{expected.loc[channel, country]:,}"


def test_the_rate_counts_each_outcome_once(open_app, demo_workspace):
    app = open_app(PAGE, explore_chart="Pivot", explore_by="Country", explore_split="Nothing")
    rows = snapshots(demo_workspace)
    mature = rows[rows["label_mature"] & rows["default_12m"].notna()]
    last = pd.Timestamp(mature["observation_date"].max())
    days = pd.to_datetime(mature["observation_date"])
    yearly = mature[(days.dt.month == last.month) & (days.dt.day == last.day)]
    table = app.dataframe[0].value.set_index("Country")["Default rate"]
    for country, rate in yearly.groupby("country")["default_12m"].mean().items():
        assert float(table[country].split()[0]) == pytest.approx(100 * rate, rel=0.05)
    assert f"{len(yearly):,} observations of loans" in words(app)
    assert app.selectbox(key="explore_dates").value == YEARLY


def test_a_cell_leads_to_its_loans_and_they_add_up(open_app, demo_workspace):
    app = open_app(PAGE, explore_by="Channel", explore_split="Rate type", explore_dates="Latest",
                   explore_show="Exposure", explore_row="broker", explore_column="variable")  # fmt: skip
    rows = snapshots(demo_workspace)
    latest = rows[rows["observation_date"] == rows["observation_date"].max()]
    mine = latest[(latest["channel"] == "broker") & (latest["rate_type"] == "variable")]
    assert f"{len(mine):,} loans" in words(app)
    assert "the same as in the chart" in words(app)
    shown = app.dataframe[0].value
    assert len(shown) == min(1000, len(mine))
    assert shown["loan_id"].tolist() == mine.sort_values(["balance", "loan_id"], ascending=[False, True])[
        "loan_id"].head(1000).tolist()  # fmt: skip
    if len(mine) <= 1000:
        assert shown["balance"].sum() == pytest.approx(mine["balance"].sum())
    assert shown["Explain"].iloc[0] == f"/explain?portfolio=demo&explain_loan={shown['loan_id'].iloc[0]}"


def test_filters_narrow_and_nothing_left_says_so(open_app, demo_workspace):
    query = {"explore_chart": "Pivot", "explore_show": "Number of loans", "explore_by": "Country",
             "explore_split": "Nothing", "explore_dates": "All dates", "explore_where": "Income"}  # fmt: skip
    app = open_app(PAGE, **query, explore_where_income_from="50000")
    rows = snapshots(demo_workspace)
    expected = rows[rows["income"] >= 50_000].groupby("country").size()
    table = app.dataframe[0].value.set_index("Country")["Number of loans"]
    assert {name: table[name] for name in expected.index} == {name: f"{n:,}" for name, n in expected.items()}
    assert "No loan matches the filters" in words(open_app(PAGE, **query, explore_where_income_from="1e12"))


def test_missing_values_can_be_asked_for(open_app, demo_workspace):
    app = open_app(PAGE, explore_chart="Pivot", explore_show="Number of loans", explore_by="Country",
                   explore_split="Nothing", explore_dates="All dates", explore_where="Energy label",
                   explore_where_energy_label_known="Missing")  # fmt: skip
    expected = snapshots(demo_workspace)["energy_label"].isna().sum()
    assert app.dataframe[0].value.set_index("Country").loc["All", "Number of loans"] == f"{expected:,}"


def test_protected_fields_are_marked_and_ids_are_no_dimensions(open_app):
    options = open_app(PAGE).selectbox(key="explore_by").options
    assert "Gender (protected)" in options
    assert not {"Loan", "Borrower", "Default within 12 months"} & set(options)


def test_a_view_is_saved_listed_and_deleted(open_app, demo_workspace):
    app = open_app(PAGE, explore_by="Region")
    app.text_input(key="explore-name").set_value("Regions *now*").run()
    app.button(key="explore-save").click().run()
    file = demo_workspace / "demo" / "views.json"
    try:
        assert "explore_by=Region" in file.read_text()
        assert "Regions *now*" in words(app)
        app.button(key="explore-delete-Regions *now*").click().run()
        assert "Regions *now*" not in words(app)
    finally:
        file.unlink(missing_ok=True)
