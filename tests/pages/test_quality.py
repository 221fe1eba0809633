"""The quality page on what it says of the demo's planted faults, and of a table without dates."""

import json
import shutil

import pandas as pd
import pytest

from tests.pages.conftest import words

PAGE = "pages/portfolio/quality.py"
SECTIONS = ["Findings", "Completeness", "Rules", "Loads & quarantine", "Duplicates", "Odd loans"]


def tables(app):
    """The tables that are shown, by a column each has."""
    return [frame.value for frame in app.dataframe]


@pytest.mark.parametrize("portfolio", ["demo", "loanapp"])
@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_works_on_both_kinds_of_portfolio(open_app, section, portfolio):
    app = open_app(PAGE, portfolio, quality_section=section)
    assert not app.error
    assert any(word in words(app) for word in ("Trust with care", "Can be trusted", "Do not trust"))


def test_the_planted_faults_are_told_in_words(open_app, demo_workspace):
    app = open_app(PAGE)
    told = next(frame for frame in tables(app) if "Incident" in frame)["Incident"].tolist()
    unit = "Income (Region: Campania): values 1,000 times smaller, February 2023 to March 2023 – a change of unit?"
    assert unit in told
    assert any(text.startswith("Employment (Channel: online): 100 % missing") for text in told)
    assert len(told) - 2 <= 150 / 24  # false alarms: at most one in two years
    assert f"{len(told)} incidents in field values" in words(app)


def title(app):
    """The finding above the page's figure."""
    return json.loads(app.get("plotly_chart")[0].proto.spec)["layout"]["meta"]["title"]


def test_a_link_opens_an_incident(open_app):
    told = next(frame for frame in tables(open_app(PAGE)) if "Incident" in frame)["Incident"].tolist()
    place = next(place for place, text in enumerate(told) if text.startswith("Employment"))
    assert title(open_app(PAGE, quality_incident=f"{place + 1} · Employment")) == told[place]


def test_completeness_shows_the_lost_field_where_it_was_lost(open_app, demo_workspace):
    app = open_app(
        PAGE, quality_section="Completeness", quality_table="Loans granted", quality_by="Channel",
        quality_value_channel="online",
    )  # fmt: skip
    loans = pd.read_parquet(demo_workspace / "demo" / "loans.parquet").query("channel == 'online'")
    share = loans.isna().mean().drop("loan_id")
    assert share["employment"] > 0
    assert share.idxmax() == "energy_label"
    some = f"{(share > 0).sum()} fields of {len(share)} with missing values in Channel online"
    assert title(app) == f"{some}, Energy label most ({100 * share.max():.{1 if share.max() < 0.195 else 0}f} %)"


def test_rules_are_kept_by_the_demo(open_app):
    app = open_app(PAGE, quality_section="Rules")
    rules = tables(app)[0]
    assert (rules["State"] == "● kept").all()
    assert rules["Broken"].sum() == 0
    assert f"All {len(rules)} rules are kept" in words(app)


def test_a_table_without_dates_says_what_needs_them(open_app):
    assert "has no dates" in words(open_app(PAGE, "loanapp", quality_section="Findings"))


def test_the_demo_was_not_loaded_from_files_and_the_table_was(open_app):
    assert "generated, not loaded from files" in words(open_app(PAGE, quality_section="Loads & quarantine"))
    assert "1,989 rows read, 1,989 kept" in words(open_app(PAGE, "loanapp", quality_section="Loads & quarantine"))


def test_the_oddest_application_stands_beside_the_typical_one(open_app):
    app = open_app(PAGE, "loanapp", quality_section="Odd loans")
    odd, beside = tables(app)
    assert len(odd) == 50
    assert odd["Oddity"].is_monotonic_decreasing
    assert (beside["Oddity that goes with it"] != "").any()
    assert "1,989 applications judged" in words(app)


def test_the_quarantine_can_be_browsed_and_the_load_is_told(open_app, demo_workspace):
    # A portfolio of its own, as an adapter leaves it: the shared one stays as it is.
    root = demo_workspace / "refused"
    shutil.copytree(demo_workspace / "loanapp", root)
    cells = [{"file": f"f{place % 2}.csv", "line": place, "rule": "number" if place < 3 else "date",
              "column": "loanamt", "value": "x", "reason": "not a number", "row": json.dumps({"loanamt": f"x{place}"})}
             for place in range(5)]  # fmt: skip
    pd.DataFrame(cells).to_parquet(root / "quality" / "quarantine.parquet")
    pd.DataFrame([{"file": "f0.csv", "kind": "loans", "rows_read": 9, "rows_kept": 4, "quarantined": 5, "replaced": 0}]
                 ).to_parquet(root / "quality" / "loads.parquet")  # fmt: skip
    try:
        app = open_app(
            PAGE, "refused", quality_section="Loads & quarantine", quality_rule="number", quality_file="f0.csv"
        )
        loads, cells = tables(app)
        assert loads["quarantined"].tolist() == [5]
        assert cells["line"].tolist() == [0, 2]
        assert json.loads(app.json[0].value) == {"loanamt": "x0"}
    finally:
        shutil.rmtree(root)


def test_a_history_without_its_profile_says_what_to_do(open_app, demo_workspace):
    root = demo_workspace / "bare"
    apart = shutil.ignore_patterns("quality", "performance", "models", "scores", "cubes")
    shutil.copytree(demo_workspace / "demo", root, ignore=apart)
    try:
        assert "build or ingest it again" in words(open_app(PAGE, "bare"))
    finally:
        shutil.rmtree(root)
