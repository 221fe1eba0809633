"""Explain's drivers: importance on three scales asked again of the stored scores, groups, and the beeswarm."""

import json

import numpy as np
import pandas as pd
import pytest

PAGE = "pages/models/explain.py"


def charts(app):
    """Each figure's title, subtitle and traces by name, top to bottom."""
    return [json.loads(item.proto.spec) for item in app.get("plotly_chart")]


def title(chart):
    return chart["layout"]["meta"]["title"]


def stored(demo_workspace, ref="scorecard/1", portfolio="demo"):
    latest = sorted((demo_workspace / portfolio / "scores" / ref).glob("*.parquet"))[-1]
    return pd.read_parquet(latest).dropna(subset=["base"])


def table(app, key):
    """Turn a figure's card to its table and return it."""
    app.session_state[f"{key}_as"] = "Table"
    app.run()
    assert not app.exception
    return next(item.value for item in app.dataframe if "feature" in item.value.columns)


def test_shares_are_those_of_the_stored_scores(open_app, demo_workspace):
    app = open_app(PAGE)
    chart, swarm = charts(app)
    assert title(chart).count("matters most") == 1
    assert "Share of total, " in chart["layout"]["meta"]["subtitle"]
    assert len(swarm["data"]) >= 2
    shown = table(app, "explain_importance")
    phi = stored(demo_workspace).filter(like="phi_").abs().mean()
    own = shown[shown["model"] == "scorecard/1"].set_index("feature")["share"]
    expected = (phi / phi.sum()).rename(lambda name: name.removeprefix("phi_"))
    np.testing.assert_allclose(own.loc[expected.index], expected, rtol=1e-9)


def test_pd_points_are_rescaled_attributions(open_app, demo_workspace):
    app = open_app(PAGE, explain_scale="PD points")
    assert "pp on average" in title(charts(app)[0]) or "differs by model" in title(charts(app)[0])
    shown = table(app, "explain_importance")
    scores = stored(demo_workspace)
    base = 1 / (1 + np.exp(-scores["base"]))
    slope = (scores["pd"] - base) / (scores["log_odds"] - scores["base"])
    expected = scores.filter(like="phi_").mul(slope, axis=0).abs().mean()
    own = shown[shown["model"] == "scorecard/1"].set_index("feature")["importance"]
    for name, size in expected.items():
        assert own[name.removeprefix("phi_")] == pytest.approx(size, rel=1e-6, abs=1e-12)


def test_groups_of_the_schema_are_added_up(open_app, demo_workspace):
    app = open_app(PAGE, explain_by="Groups", explain_scale="Log-odds")
    shown = table(app, "explain_importance")
    own = shown[shown["model"] == "scorecard/1"].set_index("feature")["importance"]
    group = next(name for name in own.index if name.startswith("Economy ("))
    scores = stored(demo_workspace)
    members = ["unemployment", "unemployment_change_12m", "house_price_growth_12m"]
    assert group == "Economy (3 fields)"
    assert own[group] == pytest.approx(scores[[f"phi_{name}" for name in members]].sum(axis=1).abs().mean(), rel=1e-9)
    assert "unemployment" not in own.index


def test_business_and_risk_say_it_in_their_words(open_app):
    business, risk = (
        title(charts(open_app(PAGE, "loanapp", explain_scale="Log-odds", reading=reading))[0])
        for reading in ("Business", "Risk")
    )
    assert "moves the odds most for" in business
    assert "moves the log-odds most for" in risk


def test_swarm_holds_the_chosen_model_and_at_most_1500_loans(open_app):
    app = open_app(PAGE, explain_model="Boosting")
    swarm = charts(app)[1]
    assert swarm["layout"]["meta"]["subtitle"].startswith("Boosting: a dot is one of ")
    assert {trace["type"] for trace in swarm["data"]} == {"scattergl"}
    assert len(swarm["layout"]["yaxis"]["ticktext"]) <= 12
    assert len(app.get("plotly_chart")[1].proto.spec) < 700_000


def test_a_table_without_history_works(open_app):
    app = open_app(PAGE, "loanapp")
    assert len(charts(app)) == 2
    assert "all loans" in charts(app)[0]["layout"]["meta"]["subtitle"]
