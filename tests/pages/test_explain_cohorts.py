"""Explain's cohorts and time: differences asked again of the stored scores, choices in the address, and the course."""

import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from models.registry import load_registry
from models.scoring import score_portfolio
from portfolio.engine import Engine
from portfolio.workspace import open_portfolio
from tests.pages.conftest import words
from tests.pages.test_explain_drivers import PAGE, charts, stored, title

SECTION = {"explain_section": "Cohorts and time"}


def table(app):
    app.session_state["explain_gap_as"] = "Table"
    app.run()
    assert not app.exception
    return next(item.value for item in app.dataframe if "difference" in item.value.columns)


def joined(demo_workspace, portfolio="demo"):
    latest = sorted((demo_workspace / portfolio / "snapshots").glob("*.parquet"))[-1]
    scores = stored(demo_workspace, portfolio=portfolio)
    return pd.read_parquet(latest).merge(scores, on=scores.columns[0], suffixes=("", "_scores"))


def test_differences_are_those_of_the_stored_scores(open_app, demo_workspace):
    app = open_app(PAGE, **SECTION, explain_cohort="Country", explain_a_country="Italy",
                   explain_b_country="Belgium", explain_gap_unit="Log-odds")  # fmt: skip
    shown = table(app)
    own = shown[shown["model"] == "scorecard/1"].set_index("feature")
    rows = joined(demo_workspace)
    a, b = (rows[rows["country"] == name] for name in ("Italy", "Belgium"))
    for name in own.index:
        expected = a[f"phi_{name}"].mean() - b[f"phi_{name}"].mean()
        assert own.loc[name, "difference"] == pytest.approx(expected, abs=1e-12)
    assert own["difference"].sum() == pytest.approx(a["log_odds"].mean() - b["log_odds"].mean(), abs=1e-12)
    assert (own["n_a"].iloc[0], own["n_b"].iloc[0]) == (len(a), len(b))


def test_pd_points_add_up_to_the_difference_of_the_mean_pds(open_app, demo_workspace):
    app = open_app(PAGE, **SECTION, explain_cohort="Country", explain_a_country="Italy")
    chart = charts(app)[0]
    assert "Country Italy against everyone else: PD " in title(chart) or "no more than chance" in title(chart)
    shown = table(app)
    rows = joined(demo_workspace)
    italy = rows["country"] == "Italy"
    own = shown[shown["model"] == "scorecard/1"]
    assert own["difference"].sum() == pytest.approx(rows["pd"][italy].mean() - rows["pd"][~italy].mean(), abs=1e-12)
    assert set(shown["model"]) == {"scorecard/1", "boosting/1", "neural/1"}


def test_two_filters_and_an_empty_one_that_is_as_a(open_app, demo_workspace):
    app = open_app(PAGE, **SECTION, explain_cohort="Country", explain_cohort_and="Occupancy",
                   explain_a_country="Italy", explain_a_occupancy="owner-occupied",
                   explain_b_occupancy="buy-to-let")  # fmt: skip
    shown = table(app).iloc[0]
    rows = joined(demo_workspace)
    italy = rows[rows["country"] == "Italy"]
    assert shown["n_a"] == (italy["occupancy"] == "owner-occupied").sum()
    assert shown["n_b"] == (italy["occupancy"] == "buy-to-let").sum()


def test_same_and_empty_cohorts_are_told(open_app):
    same = open_app(PAGE, **SECTION, explain_cohort="Country", explain_a_country="Italy", explain_b_country="Italy")
    assert "A and B are the same loans" in words(same)
    empty = open_app(PAGE, **SECTION, only_country="Italy", explain_cohort="Country", explain_a_country="Italy")
    assert "both cohorts need rows" in words(empty)


def test_one_explained_snapshot_says_how_to_get_more(open_app, demo_workspace, tmp_path, monkeypatch):
    shutil.copytree(demo_workspace / "demo", tmp_path / "demo")
    for file in (tmp_path / "demo" / "scores").rglob("*.parquet"):
        if file.stem != "2026-06-30":
            file.unlink()
    app = open_app(PAGE, **SECTION)
    monkeypatch.setenv("HYPOTHEC_WORKSPACE", str(tmp_path))
    assert "`python cli.py score --portfolio demo --explain yearly`" in words(app.run())


def test_a_table_without_dates_says_so(open_app):
    app = open_app(PAGE, "loanapp", **SECTION)
    assert "has no dates" in words(app)
    assert len(charts(app)) == 1


def test_drivers_through_time(open_app, demo_workspace, tmp_path, monkeypatch):
    shutil.copytree(demo_workspace / "demo", tmp_path / "demo")
    engine = Engine(open_portfolio(tmp_path, "demo"))
    card = [entry for entry in load_registry(engine.portfolio).latest() if entry.family == "scorecard"]
    key = engine.portfolio.snapshot_keys()[-9]
    score_portfolio(engine, card, keys=[key], explain=[key])  # the demo's build explains one snapshot a year
    app = open_app(PAGE, **SECTION)
    monkeypatch.setenv("HYPOTHEC_WORKSPACE", str(tmp_path))
    app.run()
    chart = charts(app)[1]
    assert "of the total" in title(chart)
    files = sorted((tmp_path / "demo" / "scores" / "scorecard" / "1").glob("*.parquet"))
    explained = [file.stem for file in files if "base" in pq.read_schema(file).names]
    assert key in explained
    assert f"{len(explained)} snapshots from {explained[0]} to" in chart["layout"]["meta"]["subtitle"]
    app.session_state["explain_course_as"] = "Table"
    app.run()
    shown = next(item.value for item in app.dataframe if "share" in item.value.columns)
    first = pd.read_parquet(tmp_path / "demo" / "scores" / "scorecard" / "1" / f"{key}.parquet")
    own = shown[shown["date"].astype(str).str.startswith(key)].set_index("feature")
    expected = first.filter(like="phi_").mean().rename(lambda name: name.removeprefix("phi_"))
    np.testing.assert_allclose(own.loc[expected.index, "mean"], expected, rtol=1e-9, atol=1e-15)
