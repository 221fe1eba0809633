"""The overview on numbers worked out again from the files in pandas."""

import datetime
import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT
from tests.pages.conftest import words

PAGE = "pages/portfolio/overview.py"


def snapshot(workspace, key, portfolio="demo"):
    return pd.read_parquet(workspace / portfolio / "snapshots" / f"{key}.parquet")


def keys(workspace, portfolio="demo"):
    return sorted(path.stem for path in (workspace / portfolio / "snapshots").glob("*.parquet"))


def champions_pd(workspace, key):
    return pd.read_parquet(workspace / "demo" / "scores" / "scorecard" / "1" / f"{key}.parquet").set_index("loan_id")[
        "pd"
    ]


def share(value):
    from analytics.words import format_share

    return format_share(value)


def test_the_change_of_the_mean_pd_is_that_of_the_stored_scores(open_app, demo_workspace):
    text = words(open_app(PAGE, reading="Risk"))
    before, after = (champions_pd(demo_workspace, key).mean() for key in keys(demo_workspace)[-2:])
    sentence = next(line for line in text.splitlines() if "Mean PD of" in line)
    assert share(before) in sentence
    assert share(after) in sentence


def test_mix_and_within_sum_to_the_change(open_app, demo_workspace):
    from pages.common import overview_data
    from portfolio.selection import Selection

    selection = Selection(str(demo_workspace), "demo")
    change = overview_data.change(selection, "default_rate")
    mature = [key for key in keys(demo_workspace) if snapshot(demo_workspace, key)["label_mature"].all()]
    last = pd.Timestamp(mature[-1])
    year = f"{last - pd.DateOffset(years=1) + pd.offsets.MonthEnd(0):%Y-%m-%d}"
    old, new = snapshot(demo_workspace, year), snapshot(demo_workspace, mature[-1])
    assert change.before == pytest.approx(old["default_12m"].mean())
    assert change.after == pytest.approx(new["default_12m"].mean())
    for field in overview_data.fields(selection):
        own = change.of(field)
        assert own["mix"].sum() + own["within"].sum() == pytest.approx(change.difference, abs=1e-12)
    # One cell by hand: broker's within effect is its mean share times the change of its rate.
    w = np.mean([(frame["channel"] == "broker").mean() for frame in (old, new)])
    r0, r1 = (frame.loc[frame["channel"] == "broker", "default_12m"].mean() for frame in (old, new))
    assert change.of("channel").set_index("value").loc["broker", "within"] == pytest.approx(w * (r1 - r0))


def test_expected_loss_is_pd_lgd_ead(demo_workspace):
    from analytics.concentration import BAND_NAMES
    from pages.common import overview_data
    from portfolio.selection import Selection

    selection = Selection(str(demo_workspace), "demo")
    latest = keys(demo_workspace)[-1]
    rows = snapshot(demo_workspace, latest).set_index("loan_id")
    band = pd.cut(rows["current_ltv"], [-1, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, np.inf], labels=list(BAND_NAMES))
    lgd = overview_data.lgd(selection).set_index("band")["lgd"]
    rate = band.astype(object).map(lgd).fillna(lgd["all"]).astype(float)
    expected = (champions_pd(demo_workspace, latest) * rate * rows["balance"]).sum()
    assert overview_data.whole(selection, latest)["loss"] == pytest.approx(expected, rel=1e-6)


def test_lgd_is_what_was_lost_of_what_was_owed(demo_workspace):
    from pages.common import overview_data
    from portfolio.selection import Selection

    selection = Selection(str(demo_workspace), "demo")
    files = sorted((demo_workspace / "demo" / "performance").rglob("*.parquet"))
    booked = pd.concat(pd.read_parquet(path, columns=["loan_id", "month", "loss"]) for path in files)
    booked = booked[booked["loss"] > 0].assign(month=lambda frame: pd.to_datetime(frame["month"]))
    owed = lost = count = 0
    for key in overview_data.lgd_dates(selection):
        day = pd.Timestamp(key)
        late = snapshot(demo_workspace, key).query("default_12m == 1")
        inside = booked[
            (booked["month"] > day) & (booked["month"] <= day + pd.DateOffset(months=36) + pd.offsets.MonthEnd(0))
        ]
        owed, count = owed + late["balance"].sum(), count + len(late)
        lost += inside.loc[inside["loan_id"].isin(late["loan_id"]), "loss"].sum()
    whole = overview_data.lgd(selection).set_index("band").loc["all"]
    assert whole["defaults"] == count > 30
    assert whole["lgd"] == pytest.approx(lost / owed, rel=1e-5)


def test_concentration_and_the_largest_loans(open_app, demo_workspace):
    app = open_app(PAGE)
    rows = snapshot(demo_workspace, keys(demo_workspace)[-1])
    largest = rows.nlargest(100, "balance")["balance"]
    text, total = words(app), rows["balance"].sum()
    assert f"10 hold {share(largest.iloc[:10].sum() / total)}" in text
    table = next(frame.value for frame in app.dataframe if "Explain" in frame.value)
    assert table["Exposure"].iloc[0] == round(largest.iloc[0])
    link = table["Explain"].iloc[0]
    assert link.endswith(f"explain_loan={rows.loc[rows['balance'].idxmax(), 'loan_id']}")
    assert link.startswith("explain?portfolio=demo")


def test_observed_against_expected_in_the_alert(open_app, demo_workspace):
    mature = [key for key in keys(demo_workspace) if snapshot(demo_workspace, key)["label_mature"].all()][-1]
    observed = int(snapshot(demo_workspace, mature)["default_12m"].sum())
    expected = champions_pd(demo_workspace, mature).sum()
    text = words(open_app(PAGE))
    alert = re.search(r"([\d,]+) defaults observed, ([\d,]+) expected", text)
    if alert is None:  # no alert only where the two agree within a fifth, or chance could do it
        assert "the champion's PDs against what happened" in text
        assert abs(np.log(observed / expected)) < np.log(1.2) + 2 / np.sqrt(observed)
    else:
        assert (int(alert[1]), int(alert[2])) == (observed, round(expected))


def test_a_limit_that_is_passed_makes_an_alert_and_stays_in_the_link(open_app):
    assert "over the limit of 3.0 %" in words(open_app(PAGE, overview_limit_largest_region="3"))
    assert "over the limit" not in words(open_app(PAGE, overview_limit_largest_region="99", overview_limit_top_20="99"))


def test_expected_loss_section_in_both_readings(open_app):
    text = words(open_app(PAGE, overview_closer="Expected loss", reading="Risk"))
    assert "basis points" in text
    assert "Loss given default" in text


@pytest.mark.parametrize("section", ["Concentration", "Expected loss"])
def test_a_table_without_dates_says_what_it_lacks(open_app, section):
    text = words(open_app(PAGE, "loanapp", overview_closer=section))
    assert "No changes: this table has no dates to compare." in text
    if section == "Expected loss":
        assert "no loss given default is known" in text


def test_a_portfolio_without_scores_says_so(demo_workspace, tmp_path, monkeypatch):
    bare = tmp_path / "workspace"
    shutil.copytree(demo_workspace / "demo", bare / "bare", ignore=shutil.ignore_patterns("models", "scores"))
    monkeypatch.setenv("HYPOTHEC_WORKSPACE", str(bare))
    monkeypatch.chdir(ROOT)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params["overview_closer"] = "Expected loss"
    app.run()
    assert not app.exception
    text = words(app)
    assert "No model has scored this portfolio" in text
    assert "No expected loss: no champion has scored this date." in text


def test_alerts_are_silent_on_a_book_in_order_and_say_what_they_checked(demo_workspace):
    from analytics.alerts import Limits
    from pages.common import alert_words, concentration_words
    from pages.common.cached import portfolio
    from pages.common.shell import View
    from portfolio.selection import Selection

    selection = Selection(str(demo_workspace), "loanapp")
    view = View(selection, "Business", portfolio(selection).schema)
    found = alert_words.AlertWords(
        view, Limits(top_20=0.9), concentration_words.ConcentrationWords(view), datetime.date(1990, 1, 1)
    )
    assert found.alerts() == [] or all("loan-to-value" in alert.sentence for alert in found.alerts())
    assert "that a champion has scored the latest date" in found.describe_rest()


def test_every_alert_links_to_a_page_that_exists():
    from pages.common import alert_words

    for page in (alert_words.OVERVIEW, alert_words.VINTAGES, alert_words.COMPARE, alert_words.QUALITY):
        assert (ROOT / page).exists()
        assert json.dumps(page) in json.dumps((ROOT / "app.py").read_text()).replace('\\"', '"')
