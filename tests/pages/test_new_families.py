"""Models of the contest's families on the pages: a network that reads histories, competing risks, logistic regression.

They are tiny, for what is tested is that pages take them, say what they read, and explain any loan with its history.
"""

import json
import shutil
from dataclasses import asdict

import numpy as np
import pytest

from analytics.figures.template import CHAMPION, CONTENDERS
from models import stress
from models.complexity import Seeds
from models.data import Labelled, ensure_background
from models.observations import choose_features, observe
from models.registry import Entry, Registry, load_model, load_registry, register, save_registry
from models.scoring import score_portfolio
from models.stored import explain_loan
from models.training import TrainConfig, TrainingData, fit_family
from pages.common import explain_data
from pages.common.model_data import give_colours
from portfolio.engine import Engine
from portfolio.histories import LOAN, MONTHS
from portfolio.outcomes import DEFAULT
from portfolio.selection import Selection
from portfolio.workspace import open_portfolio
from tests.pages.conftest import words

EXPLAIN, WHAT_IF, COMPARE = (f"pages/models/{name}.py" for name in ("explain", "what_if", "compare"))
KEY, JUDGED = "2026-06-30", ["2025-03-31", "2025-06-30"]
FIELDS = ("income", "current_ltv", "worst_arrears_12m")
HISTORY = "Payment history, 24 months"
SEQUENCE, COMPETING, LOGISTIC = "Sequence network", "Competing risks network", "Logistic regression"
TINY = {"epochs": 1, "batch_size": 512}
SETTINGS = {"sequence": {**TINY, "units": 4, "hidden": 4}, "competing": {**TINY, "hidden": (8,)}, "logistic": {}}
LABELLED = ["2016-06-30", "2017-06-30", "2018-06-30", "2019-06-30"]  # dates of the development sample: learnt from


def read_rows(engine, features):
    table = observe(engine, features, LABELLED)
    frame = engine.fetch(table.filter(table["sample"] == "development", table["default_12m"].notnull()))
    labels = frame["default_12m"].to_numpy(dtype=np.int64)
    return Labelled(frame[[item.name for item in features]], labels, frame["loan_id"], frame["observation_date"],
                    frame["sample"])  # fmt: skip


def copy_some(source, target):
    """Copy the demo with its champion and the dates used here only: gathering months for all dates would take long."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("scores", "background.parquet"))
    for file in (target / "snapshots").glob("*.parquet"):
        if file.stem not in (*LABELLED, *JUDGED, KEY):
            file.unlink()
    here = open_portfolio(target.parent, target.name)
    champion = load_registry(here).find("champion")
    save_registry(here, Registry((champion,), {"champion": str(champion.ref)}))
    return Engine(here), champion


@pytest.fixture(scope="module")
def workspace(demo_workspace, tmp_path_factory):
    """A copy of the demo with one tiny model of each of the families, scored and explained for some loans."""
    target = tmp_path_factory.mktemp("families")
    engine, champion = copy_some(demo_workspace / "demo", target / "demo")
    entries = []
    for family, settings in SETTINGS.items():
        names = (*FIELDS, "payment_history") if family == "sequence" else FIELDS
        features = choose_features(engine, names)
        data = TrainingData(read_rows(engine, features), ensure_background(engine, features), features, 12)
        config = TrainConfig(family, settings=settings)
        model, seen = fit_family(data, config)
        card = {"config": asdict(config), "features": [asdict(item) for item in features],
                "trained_on": seen, "metrics": []}  # fmt: skip
        entries.append(register(engine.portfolio, family, model, card))
    score_portfolio(engine, [champion], keys=[*JUDGED, KEY], explain=[KEY])
    score_portfolio(engine, entries, keys=[*JUDGED, KEY], explain=[KEY], sample=40)
    return target


@pytest.fixture
def open_page(open_app, workspace):
    """Return a function that opens a page of that copy; it may neither end in an exception nor in an error."""

    def start(page, **query):
        app = open_app(page, workspace=workspace, **query)
        assert not app.error, [item.value for item in app.error]
        return app

    return start


@pytest.fixture(scope="module")
def engine(workspace):
    return Engine(open_portfolio(workspace, "demo"))


def drawn(app):
    """The text of all figures."""
    specs = [json.loads(item.proto.spec) for item in app.get("plotly_chart")]
    return json.dumps(specs, ensure_ascii=False)


class TestExplain:
    def test_a_history_is_one_driver_by_its_name(self, open_page):
        for reading in ("Business", "Risk"):
            app = open_page(EXPLAIN, explain_section="Drivers", explain_model=SEQUENCE, reading=reading)
            assert HISTORY in drawn(app)
            assert "payment_history" not in drawn(app)

    @pytest.mark.parametrize("model", [SEQUENCE, COMPETING])
    def test_cohorts_of_every_family(self, open_page, model):
        app = open_page(EXPLAIN, explain_section="Cohorts and time", explain_model=model, explain_gap_unit="Log-odds")
        assert app.get("plotly_chart") or "Nothing to compare" in words(app)

    @pytest.mark.parametrize("effect", ["Attribution", "ALE", "PDP and ICE"])
    def test_one_feature_offers_fields_and_says_why(self, open_page, effect):
        app = open_page(EXPLAIN, explain_section="One feature", explain_model=SEQUENCE, explain_effect=effect)
        assert HISTORY not in app.selectbox(key="explain_feature").options
        assert len(app.selectbox(key="explain_feature").options) == len(FIELDS)
        assert f"{SEQUENCE} also reads {HISTORY}: months in a row have no single value" in words(app)
        assert app.get("plotly_chart")

    def test_interactions_leave_histories_out(self, open_page):
        app = open_page(EXPLAIN, explain_section="Interactions", explain_acting=SEQUENCE)
        assert f"{HISTORY} is in no pair" in words(app)
        additive = open_page(EXPLAIN, explain_section="Interactions", explain_acting=LOGISTIC)
        assert f"{LOGISTIC} is additive" in words(additive)

    @pytest.mark.parametrize("reading", ["Business", "Risk"])
    def test_one_loan_has_a_waterfall_of_each(self, open_page, reading):
        app = open_page(EXPLAIN, explain_section="One loan", reading=reading, explain_like_model=SEQUENCE,
                        explain_like="Same fields")  # fmt: skip
        assert HISTORY in drawn(app)
        assert f"{SEQUENCE} gives the 10 loans nearest to it" in words(app)
        for label in (SEQUENCE, COMPETING, LOGISTIC):
            assert f"{label}: from the background" in drawn(app)

    @pytest.mark.parametrize("of", ["All loans", "One loan"])
    def test_models_differ_by_a_history_too(self, open_page, of):
        app = open_page(EXPLAIN, explain_section="Model against model", explain_challenger=SEQUENCE,
                        explain_models_of=of)  # fmt: skip
        alone = words(app).partition(f"nly {SEQUENCE} uses ")[2].partition(": there")[0]
        assert HISTORY in alone

    def test_trust_does_not_explain_histories_again(self, open_page):
        app = open_page(EXPLAIN, explain_section="Trust")
        assert f"{SEQUENCE}: not measured, for it reads histories" in words(app)
        table = next(item.value for item in app.table if "Rare combination" in item.value.columns)
        assert {SEQUENCE, COMPETING, LOGISTIC} <= set(table.index)


class TestAnyLoan:
    @pytest.mark.parametrize("key", [KEY, JUDGED[0]])
    def test_its_own_months_are_read(self, engine, workspace, key):
        """Base and attributions of a loan that nothing is stored of add up to the log-odds that scoring stored."""
        scores = engine.fetch(engine.scores("sequence/1", [key]))
        loan = scores if "base" not in scores else scores[scores["base"].isna()]
        row = loan.sort_values("pd").iloc[-1]
        selection = Selection(str(workspace), "demo")
        base, phi = explain_data.loan_explanation(selection, "sequence/1", key, row["loan_id"])
        assert list(phi.index) == [*FIELDS, "payment_history"]
        assert base + phi.sum() == pytest.approx(row["log_odds"], abs=1e-4)  # single precision: the GRU's own

    def test_another_months_history_gives_another_pd(self, engine):
        """The check above can fail: the same loan with the history of another date has other log-odds."""
        model = load_model(engine.portfolio, load_registry(engine.portfolio).find("sequence"))
        rows = engine.fetch(observe(engine, model.features, [KEY])).set_index("loan_id").sort_index()
        older = engine.fetch(engine.histories([JUDGED[0]])).set_index(LOAN)["payment_history"]
        same = rows.index.intersection(older.index)[:200]
        now = model.predict_log_odds(rows.loc[same])
        then = model.predict_log_odds(rows.loc[same].assign(payment_history=older.loc[same]))
        assert all(len(cell) % MONTHS == 0 for cell in older)
        assert np.abs(now - then).max() > 1e-3

    def test_stored_attributions_come_back_as_they_are(self, engine):
        scores = engine.fetch(engine.scores("competing/1", [KEY])).dropna(subset="base")
        row = scores.iloc[0]
        base, phi = explain_loan(engine, lambda: pytest.fail("loaded"), "competing/1", KEY, row["loan_id"])
        assert base == row["base"]
        assert phi["income"] == row["phi_income"]


class TestWhatIf:
    @pytest.mark.parametrize("section", ["One loan", "Whole book"])
    def test_readers_of_histories_are_left_out_and_the_others_stay(self, open_page, section):
        app = open_page(WHAT_IF, what_if_section=section)
        assert f"{SEQUENCE} is left out: it reads the months up to the date one by one" in words(app)
        shown = " ".join(item.label for item in app.metric)
        assert COMPETING in shown
        assert LOGISTIC in shown
        assert SEQUENCE not in shown

    def test_attributions_of_the_quick_follow_a_change(self, open_page):
        app = open_page(WHAT_IF, what_if_set_income="90000")
        assert f"{COMPETING}: PDs only here." in words(app)
        assert LOGISTIC in drawn(app)


@pytest.mark.parametrize("section", ["Metrics", "Segments", "Through time"])
def test_compare_takes_them_all(open_page, section):
    app = open_page(COMPARE, compare_section=section, compare_models=[SEQUENCE, COMPETING, LOGISTIC])
    assert SEQUENCE in words(app)


@pytest.mark.parametrize(("name", "course"), [("competing", True), ("sequence", False)])
def test_stress_fits_again_on_what_the_family_learns_from(engine, monkeypatch, name, course):
    """Competing risks learn from what became of each loan month by month, a sequence network from the histories."""
    given = {}

    def keep(model, card, rows, judged, horizon_months, config, report):
        given.update(rows=rows, features=model.features, horizon_months=horizon_months)
        return Seeds(reason="not asked here")

    monkeypatch.setattr(stress, "refit", keep)
    found = stress.measure(engine, load_registry(engine.portfolio).find(name))
    rows = given["rows"]
    assert list(rows.X.columns) == [item.name for item in given["features"]]
    assert (rows.course is not None) == course
    assert given["horizon_months"] == 12
    if course:
        assert list(rows.course.columns) == ["event", "months"]
        assert ((rows.course["event"] == DEFAULT).to_numpy() == (rows.y == 1)).all()
    assert 0 <= found.perturbed.flipped < 1


def entries(*names):
    return tuple(Entry(name, version, family, "", "", {}) for name, version, family in names)


def test_colours_stay_when_a_model_gets_a_newer_version():
    old = entries(("scorecard", "1", "scorecard"), ("forest", "1", "external"), ("boosting", "1", "boosting"),
                  ("other", "1", "external"), *((name, "1", name) for name in CONTENDERS))  # fmt: skip
    before = Registry(old, {"champion": "scorecard/1"})
    after = Registry((*old, *entries(("forest", "2", "external"))), {"champion": "scorecard/1"})
    first, second = (give_colours(registry, registry.latest()) for registry in (before, after))
    assert first["scorecard/1"] == CHAMPION
    assert len(set(first.values())) == len(first)
    assert {name: first[f"{name}/1"] for name in CONTENDERS} == CONTENDERS
    assert second == {**{ref: colour for ref, colour in first.items() if ref != "forest/1"},
                      "forest/2": first["forest/1"]}  # fmt: skip
