"""Compare's segments, course through time and calibration, against the same numbers from the stored scores."""

import json

import numpy as np
import pandas as pd
import pytest

from analytics.calibration_tests import compute_hosmer_lemeshow
from portfolio.engine import Engine
from portfolio.workspace import open_portfolio
from tests.pages.conftest import words

PAGE = "pages/models/compare.py"
SCORECARD = "scorecard/1"


@pytest.fixture(scope="module")
def judged(demo_workspace):
    """The demo's out-of-time rows with the scorecard's PD, read without the pages' functions."""
    engine = Engine(open_portfolio(demo_workspace, "demo"))
    keys = ["loan_id", "observation_date"]
    rows = engine.fetch(engine.snapshots().select(*keys, "sample", "default_12m", "country", "origination_date"))
    scores = engine.fetch(engine.scores(SCORECARD).select(*keys, "pd"))
    return rows.merge(scores, on=keys)


def title(app, place=0):
    """The finding above a figure of the page."""
    return json.loads(app.get("plotly_chart")[place].proto.spec)["layout"]["meta"]["title"]


def table_of(app, key):
    """The table behind a figure, by the button under it."""
    app.segmented_control(key=f"{key}_as").set_value("Table").run()
    assert not app.exception, app.exception
    (shown,) = app.dataframe
    return shown.value


@pytest.mark.parametrize("reading", ["Business", "Risk"])
@pytest.mark.parametrize("section", ["Segments", "Through time", "Calibration"])
@pytest.mark.parametrize("portfolio", ["demo", "loanapp"])
def test_every_section_works_on_both_kinds_of_portfolio(open_app, portfolio, section, reading):
    app = open_app(PAGE, portfolio, compare_section=section, reading=reading)
    assert not app.error
    if (portfolio, section) == ("loanapp", "Through time"):
        assert "no observation dates and no date of granting" in words(app)
        assert not app.get("plotly_chart")
    else:
        assert len(app.get("plotly_chart")) == 2
        assert all(title(app, place) for place in (0, 1))


def test_a_segments_level_is_observed_over_expected(open_app, judged):
    app = open_app(PAGE, compare_section="Segments", reading="Risk", compare_segments_measure="Observed / expected")
    shown = table_of(app, "compare_segments").query("model == @SCORECARD and segment == 'Italy'").iloc[0]
    own = judged.query("sample == 'out-of-time' and country == 'Italy' and default_12m.notna()")
    assert (shown["n"], shown["events"]) == (len(own), own["default_12m"].sum())
    assert shown["o_e_ratio"] == pytest.approx(own["default_12m"].sum() / own["pd"].sum(), rel=1e-9)
    assert shown["low_simultaneous"] < shown["low"] < shown["o_e_ratio"] < shown["high"] < shown["high_simultaneous"]


def test_the_title_counts_the_verdicts_of_the_table(open_app):
    app = open_app(PAGE, compare_section="Segments", reading="Risk")
    said = title(app)
    shown = table_of(app, "compare_segments")
    tested = shown[shown["reason"] == ""]
    assert f"of {len(tested)} segments" in said
    for verdict, text in (("better", "better in {}"), ("no worse", "no worse in {}")):
        count = int((tested["verdict"] == verdict).sum())
        assert not count or text.format(count) in said
    assert {"Loan-to-value", "Country"} <= {item.split(" · ")[0] for item in labels(app, "compare_segments_field")}


def labels(app, key):
    """The options of a row of pills."""
    return list(app.button_group(key=key).options)


def test_weak_spots_are_looked_for_in_one_models_pds(open_app):
    app = open_app(PAGE, compare_section="Segments", compare_segments_spots="PDs of Scorecard")
    shown = table_of(app, "compare_spots")
    assert {"rule", "observed", "expected", "excess", "p_holm", "finding"} <= set(shown.columns)
    np.testing.assert_allclose(shown["excess"], shown["observed"] - shown["expected"])


def test_what_is_not_known_yet_is_counted_and_left_out(open_app, judged):
    app = open_app(PAGE, compare_section="Through time", reading="Risk")
    open_ = int((judged["sample"] == "unlabelled").sum())
    assert f"Outcomes of {open_:,} observations are not known yet" in words(app)
    shown = table_of(app, "compare_time").query("model == @SCORECARD")
    late = judged.query("sample in ['out-of-time', 'unlabelled']")
    quarters = pd.to_datetime(late["observation_date"]).dt.to_period("Q")
    assert shown["rows"].tolist() == late.groupby(quarters).size().tolist()
    assert shown["n"].tolist() == late["default_12m"].notna().groupby(quarters).sum().tolist()
    assert (shown["mature_share"] == shown["n"] / shown["rows"]).all()


def test_vintages_are_years_granted(open_app, judged):
    app = open_app(PAGE, compare_section="Through time", **{"compare_time_by_out-of-time": "Year granted"})
    shown = table_of(app, "compare_time").query("model == @SCORECARD")
    late = judged.query("sample == 'out-of-time'")
    years = pd.to_datetime(late["origination_date"]).dt.year.astype(str)
    counted = shown.set_index("period_label")["n"]
    assert counted[counted > 0].to_dict() == years.value_counts().to_dict()


def test_few_overlapping_dates_are_said_to_settle_nothing(open_app):
    app = open_app(PAGE, compare_section="Through time", reading="Risk")
    assert "cannot settle anything here" in words(app)
    assert "too few dates to test" in title(app, 1)
    long = open_app(PAGE, compare_section="Through time", reading="Risk", compare_sample=label(app, "Development"))
    assert "cannot settle" not in words(long)
    assert "Diebold–Mariano" in words(long)


def label(app, sample):
    """The label of a sample's button, which is what a link holds."""
    return next(item for item in app.button_group(key="compare_sample").options if item.startswith(sample))


def test_hosmer_lemeshow_loses_two_degrees_where_the_model_was_fitted(open_app, judged):
    app = open_app(PAGE, compare_section="Calibration", reading="Risk")
    late = judged.query("sample == 'out-of-time' and default_12m.notna()")
    test = compute_hosmer_lemeshow(late["default_12m"], late["pd"], cluster=late["loan_id"])
    shown = calibration_table(app)
    assert shown.startswith(f"{test.statistic:.1f}, {test.df} df, p")
    fitted = open_app(PAGE, compare_section="Calibration", reading="Risk", compare_sample=label(app, "Development"))
    assert f" {test.df - 2} df" in calibration_table(fitted)


def calibration_table(app):
    """The scorecard's Hosmer-Lemeshow cell."""
    table = next(item.value for item in app.table if "Reads" in item.value)
    return table.loc["Hosmer-Lemeshow χ²", "Scorecard"].replace("\\", "").replace("\u00a0", " ")
