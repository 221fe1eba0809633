"""Explain's sections One feature and Interactions on numbers they show, asked again of models and stored scores."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from analytics.interactions import compute_pair_strengths, draw_explained
from models.data import ensure_background
from models.registry import load_model, load_registry
from portfolio.engine import Engine
from portfolio.workspace import open_portfolio
from tests.pages.conftest import words

PAGE = "pages/models/explain.py"
PORTFOLIOS = ["demo", "loanapp"]


def charts(app):
    """Each chart's layout and traces."""
    return [json.loads(item.proto.spec) for item in app.get("plotly_chart")]


def title(app, place=0):
    return charts(app)[place]["layout"]["meta"]["title"]


def subtitle(app, place=0):
    return charts(app)[place]["layout"]["meta"]["subtitle"]


def boosting_pairs(workspace, name):
    """The pairs of the boosting on the sample that the page takes, strongest first, with the schema's labels."""
    engine = Engine(open_portfolio(workspace, name))
    here = engine.portfolio
    model = load_model(here, next(item for item in load_registry(here).latest() if item.family == "boosting"))
    key = sorted(path.stem for path in (here.scores / "boosting" / "1").glob("*.parquet"))[-1]
    snapshot, scores = engine.snapshots([key]), engine.scores("boosting/1", [key])
    own = [column for column in scores.columns if column not in snapshot.columns]
    table = snapshot.inner_join(scores.select(here.schema.id.name, *own), here.schema.id.name)
    names = [item.name for item in model.features]
    rows = draw_explained(
        table.filter(table.base.notnull()), engine.fetch, names, keys=[here.schema.id.name], size=4000
    )
    values = model.explain_interactions(rows[names].head(1000), ensure_background(engine, model.features))
    labels = {item.name: item.label for item in here.schema.fields}
    found = compute_pair_strengths(values, names)
    return found.assign(feature=found["feature"].map(labels), partner=found["partner"].map(labels))


@pytest.mark.parametrize("portfolio", PORTFOLIOS)
def test_the_strongest_pair_of_the_boosting_is_named(open_app, demo_workspace, portfolio):
    app = open_app(PAGE, portfolio, explain_section="Interactions", explain_acting="Boosting")
    top = boosting_pairs(demo_workspace, portfolio).iloc[0]
    assert title(app).startswith(f"{top['feature']} × {top['partner']} act together most in Boosting: ")
    amount = float(title(app).split(": ")[1].split(" log-odds")[0])
    assert amount == pytest.approx(top["strength"], rel=0.06)
    assert app.selectbox(key="explain_pair").value == f"{top['feature']} × {top['partner']}"
    assert "changes the odds by up to ×" in title(app, 1)


@pytest.mark.parametrize("portfolio", PORTFOLIOS)
def test_an_additive_model_says_so_and_a_network_says_what_it_is_measured_by(open_app, portfolio):
    app = open_app(PAGE, portfolio, explain_section="Interactions", explain_acting="Scorecard (champion)")
    assert "is additive: every feature adds its own points" in words(app)
    assert not charts(app)
    app = open_app(PAGE, portfolio, explain_section="Interactions", explain_acting="Neural network")
    assert "How much the column's value moves the row's attribution" in subtitle(app)
    assert "not the exact interaction" in words(app)


@pytest.mark.parametrize("portfolio", PORTFOLIOS)
def test_the_dependence_is_coloured_by_the_strongest_partner(open_app, demo_workspace, portfolio):
    app = open_app(PAGE, portfolio, explain_section="One feature", explain_model="Boosting")
    feature = app.selectbox(key="explain_feature").value
    labels = {item.name: item.label for item in open_portfolio(demo_workspace, portfolio).schema.fields}
    pairs = boosting_pairs(demo_workspace, portfolio)
    partner = pairs.loc[pairs["feature"] == labels[feature], "partner"].iloc[0]
    assert f"colour: {partner}, which acts most with it" in subtitle(app)
    app = open_app(PAGE, portfolio, explain_section="One feature", explain_model="Scorecard (champion)")
    assert "an additive model has no interactions" in subtitle(app)


@pytest.mark.parametrize("portfolio", PORTFOLIOS)
def test_effects_are_of_all_models_and_only_when_asked(open_app, portfolio):
    app = open_app(PAGE, portfolio, explain_section="One feature")
    assert len(charts(app)) == 1
    app = open_app(PAGE, portfolio, explain_section="One feature", explain_effect="ALE")
    names = {trace["name"] for trace in charts(app)[0]["data"]}
    assert names == {"Scorecard (champion)", "Boosting", "Neural network"}
    assert "Accumulated local effects on the PD" in subtitle(app)
    app = open_app(PAGE, portfolio, explain_section="One feature", explain_effect="PDP and ICE", reading="Risk")
    assert len(charts(app)) == 2
    assert "Partial dependence: mean log-odds" in subtitle(app)
    assert "from 0" in subtitle(app, 1)
    assert "Partial dependence" in words(app)
    app.toggle(key="explain_centred").set_value(False).run()
    assert "from 0" not in subtitle(app, 1)


def test_partial_dependence_of_a_category_is_the_models_own_average(open_app, demo_workspace):
    app = open_app(PAGE, explain_section="One feature", explain_feature="Country", explain_effect="ALE")
    assert "categories have none: this is partial dependence" in words(app)
    here = open_portfolio(demo_workspace, "demo")
    model = load_model(here, next(item for item in load_registry(here).latest() if item.family == "boosting"))
    rows = pd.read_parquet(here.snapshot_file("2026-06-30"))
    trace = next(item for item in charts(app)[0]["data"] if item["name"] == "Boosting")
    for place, shown in zip(decoded(trace["y"]), decoded(trace["x"]), strict=True):
        label = charts(app)[0]["layout"]["yaxis"]["ticktext"][int(np.round(place))]
        mean = model.predict_proba(rows.assign(country=label))[:, 1].mean()
        assert shown == pytest.approx(mean, rel=0.2)  # a thousand loans for the whole snapshot


def test_the_share_of_loans_that_a_feature_raises_is_the_models_own(open_app, demo_workspace):
    app = open_app(PAGE, explain_section="One feature", explain_effect="PDP and ICE", explain_model="Boosting",
                   explain_feature="Loan-to-income")  # fmt: skip
    up, down = (float(part) for part in re.findall(r"(\d+)\s%", title(app, 1)))
    here = open_portfolio(demo_workspace, "demo")
    model = load_model(here, next(item for item in load_registry(here).latest() if item.family == "boosting"))
    rows = pd.read_parquet(here.snapshot_file("2026-06-30"))
    mean = next(item for item in charts(app)[1]["data"] if item["name"] == "their mean")
    low, high = decoded(mean["x"])[[0, -1]]
    moved = model.predict_log_odds(rows.assign(loan_to_income=high)) - model.predict_log_odds(
        rows.assign(loan_to_income=low)
    )
    # A thousand loans for the whole snapshot: four standard errors of a share are 6 points at most.
    assert up == pytest.approx(100 * (moved > 1e-9).mean(), abs=7)
    assert down == pytest.approx(100 * (moved < -1e-9).mean(), abs=7)


def test_a_filter_is_followed(open_app):
    app = open_app(PAGE, explain_section="Interactions", explain_acting="Boosting", only_country="Italy")
    whole = open_app(PAGE, explain_section="Interactions", explain_acting="Boosting")
    assert "act together most" in title(app)
    counts = [int(re.search(r"([\d,]+) loans", subtitle(page, 1)).group(1).replace(",", "")) for page in (app, whole)]
    assert counts[0] < counts[1]


def decoded(values):
    """Plotly's base64 arrays as numbers."""
    import base64

    if not isinstance(values, dict):
        return values
    return np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"])
