"""Compare's cost: measured figures shown as measured, a verdict that follows them, and what is missing named."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from models.complexity import Seeds, complexity_file, load_complexity, save_complexity
from models.predictions import add_columns
from models.registry import load_registry
from models.scoring import score_portfolio
from models.stress import StressConfig, measure
from models.training import TrainConfig, train
from pages.common import cost_data
from pages.common.compare_cost_words import CostWords
from pages.common.compare_words import Words
from pages.common.justification_words import Justification
from pages.common.shell import View
from portfolio.engine import Engine
from portfolio.schema import Field
from portfolio.selection import Selection
from portfolio.workspace import Portfolio
from tests.conftest import ROOT
from tests.models.toy import make_loans, write_portfolio
from tests.pages.conftest import words

REFS = ("scorecard/1", "boosting/1")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A toy portfolio with a champion scorecard, a boosted challenger and a column of predictions, none measured."""
    frame, outcome = make_loans()
    guess = 1 / (1 + np.exp(-(outcome - 2 + np.random.default_rng(0).normal(0, 1, len(outcome)))))
    field = Field("pd_vendor", "Vendor", "number", ("score",))
    root = tmp_path_factory.mktemp("cost") / "toy"
    here = Engine(write_portfolio(root, frame.assign(pd_vendor=guess), outcome, extra_fields=(field,)))
    entries = [train(here, TrainConfig(family)) for family in ("scorecard", "boosting")]
    score_portfolio(here, [*entries, *add_columns(here, [])])
    return root


@pytest.fixture(scope="module")
def built_and_measured(built, tmp_path_factory):
    """The same, both models measured with two seeds."""
    root = shutil.copytree(built, tmp_path_factory.mktemp("measured") / "toy")
    here = Engine(Portfolio(root))
    for ref in REFS:
        measure(here, load_registry(here.portfolio).find(ref), config=StressConfig(2, 600))
    return root


@pytest.fixture
def engine(built, tmp_path):
    """A portfolio of its own for a test, nothing measured."""
    return Engine(Portfolio(shutil.copytree(built, tmp_path / "toy")))


@pytest.fixture
def measured(built_and_measured, tmp_path):
    """A portfolio of its own for a test, both models measured."""
    return Engine(Portfolio(shutil.copytree(built_and_measured, tmp_path / "toy")))


def words_on(engine, reading="Risk"):
    portfolio = engine.portfolio
    return Words(View(Selection(str(portfolio.root.parent), portfolio.name), reading, portfolio.schema))


def change(engine, ref, **seeds):
    """Write other seed figures for a model, as another machine might have measured them."""
    entry = load_registry(engine.portfolio).find(ref)
    found = load_complexity(engine.portfolio, entry)
    save_complexity(engine.portfolio, entry, dataclasses.replace(found, seeds=Seeds(**{**vars(found.seeds), **seeds})))


def justify(engine, sample="out-of-time"):
    return Justification(words_on(engine), sample, *REFS)


def test_the_page_names_the_command_and_then_shows_the_figures(engine, monkeypatch):
    monkeypatch.setenv("HYPOTHEC_WORKSPACE", str(engine.portfolio.root.parent))
    monkeypatch.setenv("HYPOTHEC_PORTFOLIO", "toy")
    monkeypatch.chdir(ROOT)

    def open_cost():
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        app.query_params.update(reading="Risk", compare_section="Cost")
        app.run()
        app.switch_page("pages/models/compare.py").run()
        assert not app.exception, app.exception
        return app

    text = words(open_cost())
    assert "Scorecard (champion) and Boosting: not measured yet. `python" in text
    assert "python cli.py models stress --portfolio toy" in text
    assert "Vendor: predictions from a column of the data, no model to measure." in text
    found = measure(engine, load_registry(engine.portfolio).find("scorecard"), config=StressConfig(2, 600))
    app = open_cost()  # the measurement is seen at once
    table = next(item.value for item in app.table if "Parameters" in item.value.index)
    assert table.loc["Parameters", "Scorecard (champion)"].startswith(f"{found.parameters:,} (")
    assert "Boosting: not measured yet" in words(app)


def test_the_table_holds_the_measured_figures(measured):
    cost = CostWords(words_on(measured))
    table = cost.table().set_index("Figure")
    body = json.loads((measured.portfolio.models / "boosting" / "1" / "complexity.json").read_text())
    column = table["Boosting"]
    assert column["SD of Gini over seeds"] == "none, 2 seeds"
    assert column["Decisions that flip at ±5 %"].startswith(f"{100 * body['perturbed']['flipped']:.2f} %")
    assert column["Peak memory"] == f"{body['peak_memory_mb']:,} MB"
    assert cost.seeds_title() == "No model changes with the seed of its training"
    assert len(cost.seeds()) == 2 * 3  # two seeds and the model in use, of two models


def test_the_seeds_finding_names_who_moves_most_and_the_limit(measured):
    change(measured, "boosting/1", sd=0.02, low=0.01, high=0.05)
    assert CostWords(words_on(measured)).seeds_title() == (
        "Boosting moves most from seed to seed, SD 0.0200 of Gini, above the policy's limit of 0.01"
    )


def test_stability_is_what_the_verdict_reads(measured):
    change(measured, "boosting/1", sd=0.02)
    selection = words_on(measured).selection
    assert cost_data.stability(selection, "boosting/1") == (0.02, "")
    value, reason = cost_data.stability(selection, "pd_vendor/1")
    assert np.isnan(value)
    assert "no model to measure" in reason


@pytest.mark.parametrize(("verdict", "difference", "sd", "said"), [
    ("worse", -0.05, 0.001, "No: it ranks worse"),
    ("no clear difference", 0.01, 0.001, "no more than chance"),
    ("better", 0.05, None, "has not been measured"),
    ("better", 0.05, 0.03, "another seed would change its Gini as much"),
    ("better", 0.05, 0.015, "less steady than the policy allows"),
    ("better", 0.05, 0.001, "the decision is a person's"),
])  # fmt: skip
def test_the_answer_follows_the_figures(measured, verdict, difference, sd, said):
    text = justify(measured)
    text.changes["gini"] = {**text.changes["gini"], "verdict": verdict, "difference": difference}
    figures = text.found[1]
    text.found = (text.found[0], dataclasses.replace(figures, seeds=dataclasses.replace(figures.seeds, sd=sd)))
    assert said in text.title()


def test_the_document_carries_its_figures_and_where_they_are_from(measured):
    text = justify(measured).markdown()
    old, new = (json.loads(complexity_file(measured.portfolio, load_registry(measured.portfolio).find(ref)).read_text())
                for ref in REFS)  # fmt: skip
    assert f"Parameters: {new['parameters']:,} for Boosting, {old['parameters']:,} for Scorecard" in text
    assert measured.portfolio.data_hash in text
    assert "scorecard/1 and boosting/1" in text
    assert "it comes out the same each time" in text
    assert text.count("\n## ") == 6  # five sections and the decision
    assert text.rstrip().endswith("- Date:")


def test_without_a_measurement_the_document_says_so_once_a_section(engine):
    text = justify(engine).body()
    assert text.count("- Scorecard and Boosting: not measured yet. `python cli.py models stress") == 2
    assert "unexplained" not in text


def test_predictions_are_named_as_unexplained(measured):
    text = Justification(words_on(measured), "out-of-time", "scorecard/1", "pd_vendor/1").body()
    assert "Vendor: unexplained. Without the model there are no attributions." in text
    assert "What Vendor learnt from is not known" in text
