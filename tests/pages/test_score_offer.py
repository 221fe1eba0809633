"""Scoring from a page: what is missing is said, one press makes it, and a second writer is told."""

import shutil

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from models.registry import load_registry
from models.scoring import score_portfolio
from models.stored import check_scores
from models.training import TrainConfig, load_training_data, train
from pages.common.score_offer import describe
from portfolio.atomic import lock_folder
from portfolio.engine import Engine
from portfolio.workspace import Portfolio
from tests.models.toy import make_loans, write_portfolio

FIRST, LAST = "2019-12-31", "2021-12-31"
BUTTON = "Score it now"


@pytest.fixture(scope="module")
def trained_workspace(tmp_path_factory):
    workspace = tmp_path_factory.mktemp("offers")
    engine = Engine(write_portfolio(workspace / "toy", *make_loans()))
    train(engine, TrainConfig("scorecard"), data=load_training_data(engine))
    score_portfolio(engine, load_registry(engine.portfolio).entries, keys=[LAST], explain=[])
    return workspace


@pytest.fixture
def toy(trained_workspace, tmp_path):
    """A portfolio of its own: its scorecard has scored the last snapshot and explained none."""
    shutil.copytree(trained_workspace, tmp_path / "workspace")
    return Portfolio(tmp_path / "workspace" / "toy")


def page():
    import os

    import streamlit as st

    from pages.common import cached, score_offer
    from pages.common.shell import View
    from portfolio.selection import Selection

    bare = Selection(os.environ["HYPOTHEC_WORKSPACE"], "toy")
    view = View(bare, "Business", cached.portfolio(bare).schema)
    if not score_offer.offer(view, "scorecard/1", st.query_params["key"]):
        st.markdown("The page goes on.")


@pytest.fixture
def open_offer(toy, monkeypatch):
    """Return a function that opens a page which needs the attributions of a snapshot."""

    def start(key):
        monkeypatch.setenv("HYPOTHEC_WORKSPACE", str(toy.root.parent))
        app = AppTest.from_function(page, default_timeout=60)
        app.query_params["key"] = key
        app.run()
        assert not app.exception, app.exception
        return app

    return start


def state(toy, key):
    return check_scores(toy, load_registry(toy).find("scorecard"), key)


@pytest.mark.parametrize(("key", "said"), [
    (FIRST, "Scorecard (champion) has not scored the snapshot 2019-12-31 yet."),
    (LAST, "Scorecard (champion) has scored the snapshot 2021-12-31 but not explained it yet."),
])  # fmt: skip
def test_what_is_missing_is_said_and_one_press_makes_it(toy, open_offer, key, said):
    app = open_offer(key)
    assert [item.value.replace("\\", "") for item in app.info] == [said]
    assert not app.markdown
    (button,) = app.button
    assert button.label == BUTTON
    button.click().run()
    assert not app.exception, app.exception
    assert [item.value for item in app.markdown] == ["The page goes on."]
    assert not app.button
    assert app.toast[0].value.startswith(f"Scored {key} in ")
    assert state(toy, key) == "current"
    stored = pd.read_parquet(toy.scores / "scorecard" / "1" / f"{key}.parquet")
    assert stored["base"].notna().all()


def test_stale_attributions_are_offered_anew(toy, open_offer):
    score_portfolio(Engine(toy), load_registry(toy).entries, keys=[LAST])
    assert not open_offer(LAST).button
    file = toy.models / "background.parquet"
    pd.read_parquet(file).assign(ltv=0.4).to_parquet(file, index=False)
    (toy.models / "manifest.json").touch()  # what a new model does: the pages' caches look at its time
    app = open_offer(LAST)
    assert "it is stale and not shown" in app.info[0].value
    app.button[0].click().run()
    assert [item.value for item in app.markdown] == ["The page goes on."]
    assert state(toy, LAST) == "current"


def test_another_writer_is_told_and_nothing_is_written(toy, open_offer):
    app = open_offer(FIRST)
    with lock_folder(toy.root):
        app.button[0].click().run()
    assert not app.exception, app.exception
    assert "is being written by another run; wait for it to end, then try again" in app.error[0].value
    assert state(toy, FIRST) == "missing"
    app.run()
    app.button[0].click().run()  # afterwards it works
    assert state(toy, FIRST) == "current"


def test_sentences_for_one_model_and_for_several():
    assert describe("missing", ["Boosting", "Scorecard"], LAST) == (
        "Boosting and Scorecard have not scored the snapshot 2021-12-31 yet."
    )
    assert describe("not explained", ["Boosting"], LAST).startswith("Boosting has scored")
