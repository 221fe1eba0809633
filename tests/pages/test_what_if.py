"""The what-if page on numbers it shows, asked again of the models; its edits in the address; what it refuses."""

import shutil

import joblib
import numpy as np
import pandas as pd
import pytest
import streamlit as st
from sklearn.ensemble import RandomForestClassifier

from models.data import ensure_background
from models.registry import load_model, load_registry
from models.what_if import LiveModel
from pages.common import what_if_data
from portfolio.engine import Engine
from portfolio.workspace import open_portfolio
from tests.conftest import run_cli
from tests.pages.conftest import words

PAGE = "pages/models/what_if.py"


@pytest.fixture(scope="module")
def engine(demo_workspace):
    return Engine(open_portfolio(demo_workspace, "demo"))


@pytest.fixture(scope="module")
def models(engine):
    here = engine.portfolio
    return {str(entry.ref): load_model(here, entry) for entry in load_registry(here).latest()}


def typical(engine):
    """A loan in the middle of the book by the champion, with its row."""
    scores = engine.fetch(engine.scores("scorecard/1", ["2026-06-30"]).select("loan_id", "pd"))
    ordered = scores.sort_values(["pd", "loan_id"], ascending=[False, True], ignore_index=True)
    loan = ordered["loan_id"].iloc[len(ordered) // 2]
    rows = engine.fetch(engine.snapshots(["2026-06-30"]))
    return loan, rows[rows["loan_id"] == loan].reset_index(drop=True)


def metric(app, label):
    return next(item for item in app.metric if item.label.startswith(label))


def test_recorded_pds_are_those_of_the_models(open_app, engine, models):
    loan, row = typical(engine)
    app = open_app(PAGE, what_if_loan=loan)
    for label, ref in (("Scorecard", "scorecard/1"), ("Boosting", "boosting/1"), ("Neural", "neural/1")):
        shown = float(metric(app, label).value.removesuffix(" %"))
        assert shown == pytest.approx(100 * models[ref].predict_proba(row)[0, 1], rel=0.06)
    assert "Move a slider" in words(app)


def test_an_edit_in_the_address_is_applied_with_what_follows(open_app, engine, models):
    loan, row = typical(engine)
    income = float(np.ceil(row["income"][0] * 1.2 / 5000) * 5000)
    app = open_app(PAGE, what_if_loan=loan, what_if_set_income=str(income))
    factor = row["income"][0] / income
    after = row.assign(income=income, debt_service=row["debt_service"] * factor,
                       loan_to_income=row["loan_to_income"] * factor)  # fmt: skip
    for label, ref in (("Scorecard", "scorecard/1"), ("Boosting", "boosting/1"), ("Neural", "neural/1")):
        shown = float(metric(app, label).value.removesuffix(" %"))
        assert shown == pytest.approx(100 * models[ref].predict_proba(after)[0, 1], rel=0.06)
    assert "Follows from it: Loan-to-income" in words(app)
    assert app.query_params["what_if_set_income"] == str(income)


def test_edits_are_forgotten_with_the_loan(open_app, engine):
    loan, row = typical(engine)
    app = open_app(PAGE, what_if_set_debt_service="0.2")
    key = "what_if_set_debt_service"
    assert app.slider(key=key).value == 0.2
    app.text_input(key="what_if_loan").set_value(loan).run()
    assert not app.exception
    assert key not in app.query_params
    assert app.slider(key=key).value == pytest.approx(row["debt_service"][0])


def test_a_moved_slider_moves_every_model(open_app, engine):
    app = open_app(PAGE, what_if_loan=typical(engine)[0])
    assert not any(item.delta for item in app.metric)
    slider = app.slider(key="what_if_set_debt_service")
    slider.set_value(slider.max).run()
    assert all(item.delta for item in app.metric)
    figure = next(item for item in app.get("plotly_chart") if "log-odds" in item.proto.spec)
    assert "All together" in figure.proto.spec


def test_the_smallest_change_crosses_the_threshold_by_the_model(open_app):
    app = open_app(PAGE, what_if_shown="Smallest change")
    text = words(app)
    assert "asked of the model itself" in text
    sentence = next(line for line in text.splitlines() if "then gives" in line)
    reached, limit = (float(part.split(" %")[0]) for part in sentence.split("then gives ")[1].split(", below "))
    assert reached <= limit


def test_applying_the_smallest_change_makes_it_the_only_edit(open_app, engine, models):
    app = open_app(PAGE, what_if_shown="Smallest change", what_if_set_unemployment="0.2",
                   what_if_fields="unemployment")  # fmt: skip
    sentence = next(line for line in words(app).splitlines() if "then gives" in line)
    reached = float(sentence.split("then gives ")[1].split(" %")[0])
    app.button(key="what_if_apply").click().run()
    assert not app.exception
    assert "what_if_set_unemployment" not in app.query_params
    edits = {key for key in app.query_params if key.startswith("what_if_set_")}
    assert edits
    assert float(metric(app, "Scorecard").value.removesuffix(" %")) == pytest.approx(reached)
    assert not app.button[-1].disabled


def test_before_anything_is_changed_a_curve_is_drawn_and_no_search_is_made(open_app):
    app = open_app(PAGE)
    assert "then gives" not in words(app)
    (figure,) = app.get("plotly_chart")
    assert "PD of this loan over" in figure.proto.spec


def test_the_loan_is_linked_to_its_explanation(open_app, engine):
    loan, _ = typical(engine)
    link = next(
        item for item in open_app(PAGE, what_if_loan=loan).get("page_link") if "Why this PD" in item.proto.label
    )
    assert link.proto.page == "explain"
    assert f"explain_loan={loan}" in link.proto.query_string


def test_the_policy_says_what_is_outside_training(open_app, demo_workspace):
    policy = demo_workspace / "demo" / "policy.toml"
    policy.write_text("[explanation]\nrarest = 0.1\n")
    try:
        app = open_app(PAGE, what_if_set_debt_service="0.6")
    finally:
        policy.unlink()
    assert any("but for the rarest 10.0 % on either side" in item.value.replace("\\", "") for item in app.warning)


def test_a_book_too_large_is_sampled_and_scaled_up(open_app, engine, models, monkeypatch):
    st.cache_resource.clear()
    st.cache_data.clear()
    monkeypatch.setattr(what_if_data, "BOOK_LOANS", 1500)
    app = open_app(PAGE, what_if_section="Whole book", what_if_house_prices="-20.0", what_if_rates="0.0",
                   what_if_income="0.0", what_if_unemployment="0.0")  # fmt: skip
    st.cache_resource.clear()
    st.cache_data.clear()
    rows = engine.fetch(engine.snapshots(["2026-06-30"]))
    text = words(app)
    drawn, total = text.split(" loans of snapshot")[0].split("\n")[-1].replace(",", "").split(" of ")
    assert 1200 < int(drawn) < 1800
    assert int(total) == len(rows)
    error = 0.01 * float(text.split("is known to ± ")[1].split(" pp")[0])
    after = rows.assign(current_ltv=rows["current_ltv"] / 0.8,
                        house_price_growth_12m=(1 + rows["house_price_growth_12m"]) * 0.8 - 1)  # fmt: skip
    true = (models["scorecard/1"].predict_proba(after) - models["scorecard/1"].predict_proba(rows))[:, 1].mean()
    shown = metric(app, "Mean PD, Scorecard").delta  # points, two digits
    assert abs(0.01 * float(shown.removesuffix(" pp")) - true) < 2 * error + 0.0001


@pytest.fixture(scope="module")
def with_forest(demo_workspace, tmp_path_factory):
    """A copy of loanapp with a random forest from elsewhere as a further model."""
    workspace = tmp_path_factory.mktemp("forest")
    shutil.copytree(demo_workspace / "loanapp", workspace / "loanapp")
    engine = Engine(open_portfolio(workspace, "loanapp"))
    frame = engine.fetch(engine.snapshots())
    names = ["obrat", "loanprc"]
    forest = RandomForestClassifier(15, min_samples_leaf=20, random_state=0)
    forest.fit(frame[names], frame[engine.portfolio.schema.target.name].astype(int))
    joblib.dump(forest, workspace / "forest.joblib")
    run_cli("models", "add", str(workspace / "forest.joblib"), "--name", "forest", "--portfolio", "loanapp", "--yes",
            workspace=workspace)  # fmt: skip
    return workspace, forest, frame


def test_a_model_from_elsewhere_rates_changed_loans(with_forest, open_app):
    workspace, forest, frame = with_forest
    row = frame.iloc[[10]]
    id_name = open_portfolio(workspace, "loanapp").schema.id.name
    app = open_app(PAGE, "loanapp", workspace=workspace, what_if_loan=str(row[id_name].iloc[0]),
                   what_if_set_obrat="0.5", what_if_fields="obrat")  # fmt: skip
    card = next(item for item in app.metric if item.label.lower().startswith("forest"))
    expected = forest.predict_proba(row[["obrat", "loanprc"]].assign(obrat=0.5))[0, 1]
    assert float(card.value.removesuffix(" %")) == pytest.approx(100 * np.clip(expected, 1e-4, 1), rel=0.06)
    assert "PDs only here" in words(app)
    app = open_app(PAGE, "loanapp", workspace=workspace, what_if_section="Whole book")
    assert any("forest" in item.label.lower() for item in app.metric)


def test_impossible_combinations_are_refused(open_app):
    app = open_app(PAGE, what_if_set_worst_arrears_12m="0", what_if_set_days_past_due="60",
                   what_if_fields="days_past_due")  # fmt: skip
    assert any("cannot be less than" in item.value.replace("\\", "") for item in app.error)


def test_values_outside_the_range_and_no_numbers_are_named(open_app):
    app = open_app(PAGE, what_if_set_income="-5")
    assert any("outside its range here" in item.value for item in app.warning)
    app = open_app(PAGE, what_if_set_income="much")
    assert any("is a number, got 'much'" in item.value.replace("\\", "") for item in app.warning)


@pytest.mark.parametrize("loan", ["nobody", "607"])  # 607 is a row of loanapp
def test_a_loan_that_is_not_here_is_named(open_app, loan):
    text = words(open_app(PAGE, what_if_loan=loan))
    assert f"There is no loan '{loan}' in the snapshot 2026-06-30 of 'demo'" in text
    assert "see an example" in text


def test_leaving_the_training_range_is_warned_of(open_app, engine):
    loan, row = typical(engine)
    app = open_app(PAGE, what_if_loan=loan, what_if_set_rate="0.07" if row["rate"][0] < 0.05 else "0.001")
    found = [item.value for item in app.warning]
    assert any("but for the rarest 0.50 % on either side" in text or "outside its range" in text for text in found)


def test_a_shocked_book_is_what_the_models_say_of_the_shocked_loans(open_app, engine, models):
    rows = engine.fetch(engine.snapshots(["2026-06-30"]))
    app = open_app(PAGE, what_if_section="Whole book", what_if_house_prices="-20.0", what_if_rates="0.0",
                   what_if_income="0.0", what_if_unemployment="0.0")  # fmt: skip
    after = rows.assign(current_ltv=rows["current_ltv"] / 0.8,
                        house_price_growth_12m=(1 + rows["house_price_growth_12m"]) * 0.8 - 1)  # fmt: skip
    for label, ref in (("Mean PD, Scorecard", "scorecard/1"), ("Mean PD, Boosting", "boosting/1")):
        shown = float(metric(app, label).value.removesuffix(" %"))
        assert shown == pytest.approx(100 * models[ref].predict_proba(after)[:, 1].mean(), rel=0.06)
    assert f"All {len(rows):,} loans" in words(app)


def test_a_table_gets_what_it_can_and_is_told_what_not(open_app):
    text = words(open_app(PAGE, "loanapp", what_if_section="Whole book"))
    assert "Interest rates: no field says whose rate is variable" in text
    assert "left as recorded" in text
    app = open_app(PAGE, "loanapp", what_if_set_self="1")  # a field called "self"
    assert app.metric[0].delta


def test_no_shock_says_so(open_app):
    app = open_app(PAGE, what_if_section="Whole book", what_if_house_prices="0.0", what_if_rates="0.0",
                   what_if_income="0.0", what_if_unemployment="0.0")  # fmt: skip
    assert "No shock is set" in words(app)


def test_live_models_answer_as_the_models_do(engine, models):
    background = ensure_background(engine, models["neural/1"].features)
    rows = engine.fetch(engine.snapshots(["2026-06-30"]).limit(200))
    for model in models.values():
        live = LiveModel(model)
        assert np.abs(live.pds(rows) - model.predict_proba(rows)[:, 1]).max() < 1e-6
        before, after = live.explain_both(rows.iloc[[0]], rows.iloc[[1]], background)
        odds = np.log(live.pds(rows.iloc[:2]) / (1 - live.pds(rows.iloc[:2])))
        assert after.sum() - before.sum() == pytest.approx(odds[1] - odds[0], abs=1e-9)
        own = model.explain(rows.iloc[:2], background).values
        gap = np.abs(pd.concat([before, after], axis=1).T.to_numpy() - own.to_numpy()).max()
        assert gap < (0.15 if model.family == "neural" else 1e-9)  # the network's orders are sampled
