"""The vintages page on numbers it shows, worked out again from the performance files by other means."""

import shutil

import numpy as np
import pandas as pd
import pytest
from sksurv.nonparametric import cumulative_incidence_competing_risks
from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT
from tests.pages.conftest import words

PAGE = "pages/portfolio/vintages.py"
VIEWS = ["Curves", "Endings", "Triangle", "Roll rates", "Transitions"]


@pytest.fixture(scope="module")
def history(demo_workspace):
    """Loan-months of the demo with their state, the state a month before and the loan's quarter of origin."""
    root = demo_workspace / "demo"
    columns = ["loan_id", "month", "event", "status", "days_past_due", "balance"]
    files = sorted((root / "performance").rglob("*.parquet"))
    rows = pd.concat(pd.read_parquet(path, columns=columns) for path in files)
    rows["month"] = pd.to_datetime(rows["month"]).dt.to_period("M")
    late, default = rows["days_past_due"], (rows["days_past_due"] >= 90) | (rows["status"] == "default")
    ended = rows["event"].isin(["prepaid", "matured", "written off"])
    rows["state"] = np.select(
        [ended, default, late >= 60, late >= 30], [rows["event"], "default", "60", "30"], "current"
    )
    rows = rows.sort_values(["loan_id", "month"], ignore_index=True)
    same = rows["loan_id"].eq(rows["loan_id"].shift()) & (rows["month"].shift() + 1 == rows["month"])
    rows["before"] = rows["state"].shift().where(same, "new")
    loans = pd.read_parquet(root / "loans.parquet", columns=["loan_id", "origination_date"])
    return rows.merge(loans.assign(granted=pd.to_datetime(loans.pop("origination_date")).dt.to_period("M")))


def shown_tables(app, key):
    """Press Table under a figure and return what it holds."""
    switch = next(item for item in app.button_group if item.key == f"{key}_as")
    switch.set_value("Table").run()
    assert not app.exception
    return app.dataframe[0].value


@pytest.mark.parametrize("reading", ["Business", "Risk"])
@pytest.mark.parametrize("part", VIEWS)
def test_every_part_opens_in_both_readings(open_app, part, reading):
    app = open_app(PAGE, vintages_view=part, reading=reading)
    assert not app.error
    assert app.get("plotly_chart")


def test_a_table_of_applications_says_why_there_is_nothing(open_app):
    app = open_app(PAGE, "loanapp")
    assert "one table without months" in words(app)
    assert not app.get("plotly_chart")


def test_a_history_without_its_counts_says_how_to_get_them(demo_workspace, tmp_path, monkeypatch):
    without = shutil.ignore_patterns("cubes", "models", "scores", "performance")
    shutil.copytree(demo_workspace / "demo", tmp_path / "demo", ignore=without)
    monkeypatch.setenv("HYPOTHEC_WORKSPACE", str(tmp_path))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.run()
    app.switch_page(PAGE).run()
    assert not app.exception
    assert "built before Hypothec counted" in words(app)


def test_cumulative_default_is_that_of_scikit_survival(open_app, history):
    frame = shown_tables(open_app(PAGE), "vintages_curves")
    loans = history[history["granted"].dt.year == 2022].groupby("loan_id")
    first = loans.apply(lambda rows: rows.loc[rows["state"].isin(["default", "prepaid", "matured", "written off"])]
                        .head(1), include_groups=False)  # fmt: skip
    first = first.reset_index(level=0).set_index("loan_id")
    last, granted = loans["month"].max(), loans["granted"].first()
    end = first["month"].reindex(last.index).fillna(last)
    months = (end.dt.year - granted.dt.year) * 12 + end.dt.month - granted.dt.month
    cause = (
        first["state"].map({"default": 1, "written off": 1, "prepaid": 2, "matured": 3}).reindex(last.index).fillna(0)
    )
    times, incidence = cumulative_incidence_competing_risks(cause.astype(int).to_numpy(), months.to_numpy())
    expected = incidence[1][np.searchsorted(times, 24, side="right") - 1]
    own = frame[(frame["vintage"] == "2022") & (frame["months_on_book"] == 24)].iloc[0]
    assert own["incidence"] == pytest.approx(expected, abs=1e-12)
    assert own["from_start"]


def test_roll_rates_add_up_to_the_files(open_app, history):
    frame = shown_tables(open_app(PAGE, vintages_view="Roll rates", vintages_period="Year"), "vintages_rates")
    moved = history[(history["month"].dt.year == 2024) & (history["before"] == "30")]
    row = frame[(frame["period"] == "2024") & (frame["state_before"] == "30") & (frame["state"] == "60")].iloc[0]
    assert (row["n"], row["loans"]) == (len(moved), (moved["state"] == "60").sum())


def test_matrix_counts_every_move_of_the_year(open_app, history):
    query = {"vintages_view": "Transitions", "vintages_matrix": "2024", "vintages_matrix_before": "2023"}
    frame = shown_tables(open_app(PAGE, **query), "vintages_matrix")
    moved = history[(history["month"].dt.year == 2024) & (history["before"] != "new")]
    expected = moved.groupby(["before", "state"]).size()
    own = frame.set_index(["state_before", "state"])["loans"]
    assert own[own > 0].sort_index().to_dict() == expected.sort_index().to_dict()
    assert frame.groupby("state_before")["share"].sum().to_numpy() == pytest.approx(np.ones(4))


def test_the_sentence_about_late_loans_is_the_files(open_app, history):
    app = open_app(PAGE, vintages_view="Roll rates")
    last = history["month"].max()
    late = history[(history["month"] > last - 12) & (history["before"] == "30")]
    cured, rolled = ((late["state"] == state).mean() for state in ("current", "60"))
    spec = app.get("plotly_chart")[0].proto.spec
    assert f"{round(100 * cured)} were current a month later and {round(100 * rolled)} were 60 days late" in spec


def test_filters_narrow_and_too_few_say_so(open_app, history):
    app = open_app(PAGE, only_region=["Limburg (NL)"], only_channel=["online"])
    assert "Too few loans" in words(app)
    everything = open_app(PAGE, vintages_view="Transitions")
    italy = open_app(PAGE, vintages_view="Transitions", only_country=["Italy"])
    counts = [shown_tables(item, "vintages_matrix")["loans"].sum() for item in (everything, italy)]
    assert 0 < counts[1] < counts[0]


def test_the_choice_is_in_the_link(open_app):
    query = {
        "vintages_view": "Triangle",
        "vintages_cause": "Prepayment",
        "vintages_width": "Quarter",
        "vintages_step": "6",
    }
    app = open_app(PAGE, **query)
    frame = shown_tables(app, "vintages_triangle")
    assert frame["vintage"].str.match(r"\d{4} Q\d").all()
    assert (frame["months_on_book"] % 6 == 0).all()
    assert (frame["months_on_book"] % 12 != 0).any()
