"""The cohorts page on numbers worked out again from the files."""

import pandas as pd
import pytest
from scipy import stats

from analytics.words import format_value
from pages.common.exports import to_csv
from tests.pages.conftest import words

PAGE = "pages/portfolio/cohorts.py"


def latest_known(workspace):
    """The snapshot that the page opens at: the latest with 30 defaults or more, mature rows only."""
    for path in sorted((workspace / "demo" / "snapshots").glob("*.parquet"), reverse=True):
        frame = pd.read_parquet(path)
        known = frame[frame["label_mature"] & frame["default_12m"].notna()]
        if known["default_12m"].sum() >= 30:
            return path.stem, frame, known
    raise LookupError("no snapshot with 30 defaults")


@pytest.mark.parametrize("portfolio", ["demo", "loanapp"])
@pytest.mark.parametrize("reading", ["Business", "Risk"])
def test_it_opens_with_a_finding(open_app, portfolio, reading):
    app = open_app(PAGE, portfolio, reading=reading)
    assert not app.error
    assert "fields differ beyond chance" in words(app)
    assert len(app.dataframe[0].value) > 15


def test_defaulted_against_not_from_the_files(open_app, demo_workspace):
    app = open_app(PAGE, reading="Risk")
    key, _, known = latest_known(demo_workspace)
    a, b = (known[known["default_12m"] == outcome] for outcome in (1, 0))
    assert f"A default, {len(a):,} loans; B no default, {len(b):,} loans" in words(app).replace("*", "")
    assert f"Data window: {key}" in words(app).replace("*", "")
    row = app.dataframe[0].value.set_index("Field").loc["Income"]
    assert row["In A"] == format_value(a["income"].mean(), "EUR")
    assert row["In B"] == format_value(b["income"].mean(), "EUR")
    u = stats.mannwhitneyu(a["income"].dropna(), b["income"].dropna())
    superiority = u.statistic / (a["income"].count() * b["income"].count())
    assert row["P(A > B)"] == pytest.approx(superiority, abs=0.005)
    assert row["Effect"] == pytest.approx(abs(2 * superiority - 1))
    effects = app.dataframe[0].value["Effect"]
    assert effects.is_monotonic_decreasing


def test_the_ranked_table_can_be_exported_as_numbers(open_app, demo_workspace, monkeypatch):
    given = {}

    def menu(table, name, about, *, key):
        given.update(table=table(), about=about, name=name, key=key)

    monkeypatch.setattr("pages.common.exports.menu", menu)
    app = open_app(PAGE)
    shown, found = app.dataframe[0].value, given["table"]
    assert list(found["field"]) == list(shown["Field"])
    _, _, known = latest_known(demo_workspace)
    row = found.set_index("field").loc["Income"]
    assert row["in_a"] == pytest.approx(known.loc[known["default_12m"] == 1, "income"].mean())
    assert (row["unit"], row["n_b"]) == ("EUR", known.loc[known["default_12m"] == 0, "income"].count())
    assert (given["about"]["Cohort A"], given["about"]["Cohort B"]) == ("default", "no default")
    assert to_csv(found).decode("utf-8-sig").count("\r\n") == len(found) + 1


def test_cohorts_of_a_category_in_the_link(open_app, demo_workspace):
    app = open_app(PAGE, cohorts_by="Country", cohorts_a_country=["Italy"], cohorts_b_country=["Belgium"])
    _, frame, _ = latest_known(demo_workspace)
    counts = frame["country"].value_counts()
    assert f"Italy, {counts['Italy']:,} loans" in words(app)
    assert f"Belgium, {counts['Belgium']:,} loans" in words(app)
    row = app.dataframe[0].value.set_index("Field").loc["Occupancy"]
    share, value = row["In A"].split(" %")
    italy = frame[frame["country"] == "Italy"]["occupancy"]
    assert float(share) == pytest.approx(100 * (italy == value.strip()).mean(), abs=0.6)


def test_a_range_of_a_number_in_the_link(open_app, demo_workspace):
    app = open_app(PAGE, cohorts_by="Current loan-to-value", cohorts_a_from_current_ltv="80",
                   cohorts_b_below_current_ltv="50")  # fmt: skip
    _, frame, _ = latest_known(demo_workspace)
    assert f"80 % or more, {(frame['current_ltv'] >= 0.8).sum():,} loans" in words(app)
    assert f"below 50 %, {(frame['current_ltv'] < 0.5).sum():,} loans" in words(app)


def test_two_dates_are_clustered_and_say_so(open_app):
    app = open_app(PAGE, cohorts_by="Two dates, whole book", reading="Risk")
    assert "clustered by loan" in words(app)
    assert set(app.dataframe[0].value["Test"]) == {"ranks, clustered by loan", "Wald, clustered by loan"}


def test_a_chosen_field_is_shown_large(open_app):
    app = open_app(PAGE, cohorts_field="Region")
    chosen = next(box for box in app.selectbox if box.key == "cohorts_field")
    assert chosen.value == "region"
    assert "Difference A − B" in words(app)


def test_an_empty_cohort_says_so_with_a_way_back(open_app):
    app = open_app(PAGE, cohorts_by="Current loan-to-value", cohorts_a_from_current_ltv="900")
    assert "nothing to compare" in words(app)
    assert "Choose other values" in words(app)
