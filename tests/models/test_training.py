"""Training, scoring and adding models on a small portfolio whose truth is known."""

import datetime

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier

from models.data import ensure_background, load_labelled, split_calibration
from models.encoding import features_of, model_features
from models.registry import load_card, load_registry
from models.score_blocks import spread_rows
from models.scoring import score_portfolio
from models.stored import explain_loan, load_loan, load_scored
from models.training import TrainConfig, add_external, load_training_data, train
from portfolio.engine import Engine
from portfolio.errors import HypothecError
from portfolio.schema import Field
from portfolio.workspace import hash_file
from tests.models.toy import make_loans, write_portfolio


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    portfolio = write_portfolio(tmp_path_factory.mktemp("trained") / "toy", *make_loans())
    engine = Engine(portfolio)
    data = load_training_data(engine)
    for family in ("scorecard", "boosting"):
        train(engine, TrainConfig(family), data=data)
    score_portfolio(engine, load_registry(portfolio).entries)
    return engine


def test_champion_is_the_first_trained(trained):
    assert load_registry(trained.portfolio).aliases == {"champion": "scorecard/1", "challenger": "boosting/1"}


def test_card_says_what_was_done(trained):
    card = load_card(trained.portfolio, load_registry(trained.portfolio).find("boosting"))
    rows = load_labelled(trained, model_features(trained.portfolio.schema))
    development = int((rows.sample == "development").sum())
    assert card["trained_on"]["rows"] + card["trained_on"]["calibration_rows"] == development
    assert card["data_sha256"] == trained.portfolio.data_hash
    assert {row["sample"] for row in card["metrics"]} == {"development", "out-of-sample", "out-of-time"}
    assert all(row["low"] <= row["estimate"] <= row["high"] for row in card["metrics"])
    assert card["additivity_error"] <= 1e-6


def test_stored_attributions_add_up_in_the_database(trained):
    key = trained.portfolio.snapshot_keys()[-1]
    for name in ("scorecard", "boosting"):
        scores = trained.fetch(trained.scores(f"{name}/1", [key]))
        phi = scores.filter(like="phi_").sum(axis=1)
        assert np.abs(scores["base"] + phi - scores["log_odds"]).max() <= 1e-6
        np.testing.assert_allclose(scores["pd"], 1 / (1 + np.exp(-scores["log_odds"])))


def test_only_the_latest_snapshot_is_explained_by_default(trained):
    first, last = trained.portfolio.snapshot_keys()
    assert "base" not in trained.scores("boosting/1", [first]).columns
    assert "base" in trained.scores("boosting/1", [last]).columns


def test_all_models_share_one_background(trained):
    cards = [load_card(trained.portfolio, entry) for entry in load_registry(trained.portfolio).entries]
    assert len({card["background_sha256"] for card in cards}) == 1


def test_a_loan_without_stored_attributions_is_explained_on_demand(trained):
    from models.registry import load_model

    first, last = trained.portfolio.snapshot_keys()
    entry = load_registry(trained.portfolio).find("boosting")
    for key in (first, last):
        base, phi = explain_loan(trained, lambda: load_model(trained.portfolio, entry), "boosting/1", key, "L3")
        stored = trained.fetch(trained.scores("boosting/1", [key])).set_index("loan").loc["L3"]
        assert base + phi.sum() == pytest.approx(stored["log_odds"], abs=1e-9)


def test_unknown_loan_is_refused(trained):
    with pytest.raises(HypothecError, match="no loan 'nobody' in the snapshot"):
        load_loan(trained, trained.portfolio.snapshot_keys()[0], "nobody")


def test_scored_rows_carry_their_own_outcomes(trained):
    scored = load_scored(trained, ["scorecard/1", "boosting/1"], "out-of-time", ())
    rows = load_labelled(trained, model_features(trained.portfolio.schema))
    outcomes = rows.y[(rows.sample == "out-of-time").to_numpy()]
    assert len(scored.y) == len(outcomes)
    assert scored.y.sum() == outcomes.sum()
    south = load_scored(trained, ["boosting/1"], "out-of-time", (("region", ("South",)),))
    assert 0 < len(south.y) < len(scored.y)


def test_training_until_a_date_sees_nothing_later(trained):
    entry = train(trained, TrainConfig("scorecard", "early", until=datetime.date(2019, 12, 31)))
    assert load_card(trained.portfolio, entry)["trained_on"]["until"] == "2019-12-31"
    with pytest.raises(HypothecError, match="no development rows up to 2018-01-01; the first observation date"):
        train(trained, TrainConfig("scorecard", until=datetime.date(2018, 1, 1)))


def test_calibration_rows_are_other_loans(trained):
    rows = load_labelled(trained, model_features(trained.portfolio.schema))
    fit, calibration = split_calibration(rows, seed=1)
    assert not set(fit.loan) & set(calibration.loan)
    assert len(fit.y) + len(calibration.y) == len(rows.y)
    assert 0.1 < len(calibration.y) / len(rows.y) < 0.2


def test_a_planted_leak_is_caught_by_name(tmp_path, loans):
    # "written_off" is computed after the observation date: the outcome itself with a little noise.
    frame, outcome = loans
    leak = Field("written_off", "Written off", "number", ("feature",))
    noise = np.random.default_rng(0).normal(0, 0.05, len(outcome))
    portfolio = write_portfolio(
        tmp_path / "leak", frame.assign(written_off=outcome + noise), outcome, extra_fields=(leak,)
    )
    with pytest.raises(HypothecError, match=r"'written_off' \(AUC .* alone\) tells the outcome almost perfectly"):
        load_training_data(Engine(portfolio))


def test_protected_fields_are_refused_as_features(trained):
    with pytest.raises(HypothecError, match="'sex' is protected"):
        features_of(trained.portfolio.schema, ["ltv", "sex"])
    assert "sex" not in [item.name for item in model_features(trained.portfolio.schema)]


def test_a_field_cannot_be_protected_and_a_feature():
    with pytest.raises(HypothecError, match="cannot also be a model feature"):
        Field("sex", "Sex", "category", ("protected", "feature"))


def add(engine, file, name):
    """Add a file as the command does after its hash was confirmed."""
    return add_external(engine, file, name, sha256=hash_file(file))


class TestExternal:
    def deliver(self, tmp_path, loans, columns=("ltv", "unemployment"), name="forest.joblib"):
        frame, outcome = loans
        forest = RandomForestClassifier(10, min_samples_leaf=30, random_state=0).fit(frame[list(columns)], outcome)
        joblib.dump(forest, tmp_path / name)
        return tmp_path / name

    def test_joins_and_is_compared_and_explained(self, toy, loans, tmp_path):
        engine = Engine(toy)
        entry = add(engine, self.deliver(tmp_path, loans), "forest")
        score_portfolio(engine, [entry])
        key = toy.snapshot_keys()[-1]
        scores = engine.fetch(engine.scores("forest/1", [key]))
        explained = scores[scores["base"].notna()]
        assert len(explained) == len(scores)  # two columns: quick enough for all
        total = explained["base"] + explained.filter(like="phi_").sum(axis=1)
        assert np.abs(total - explained["log_odds"]).max() <= 1e-6
        card = load_card(toy, entry)
        assert len(card["delivered_sha256"]) == 64
        assert any(row["metric"] == "gini" for row in card["metrics"])

    def test_other_bytes_than_the_confirmed_ones_are_not_unpickled(self, toy, loans, tmp_path, monkeypatch):
        file = self.deliver(tmp_path, loans)
        monkeypatch.setattr("joblib.load", lambda *_: pytest.fail("the file was unpickled"))
        with pytest.raises(HypothecError, match="not the file that was confirmed"):
            add_external(Engine(toy), file, "forest", sha256="0" * 64)

    def test_unknown_column_is_refused(self, toy, loans, tmp_path):
        frame, outcome = loans
        file = self.deliver(tmp_path, (frame.rename(columns={"ltv": "loan_to_value"}), outcome),
                            ("loan_to_value", "unemployment"))  # fmt: skip
        with pytest.raises(HypothecError, match="no field 'loan_to_value' in the schema"):
            add(Engine(toy), file, "forest")

    def test_protected_column_is_refused(self, toy, loans, tmp_path):
        frame, outcome = loans
        file = self.deliver(tmp_path, (frame.assign(sex=1.0), outcome), ("ltv", "sex"))
        with pytest.raises(HypothecError, match="'sex' is protected"):
            add(Engine(toy), file, "forest")

    @pytest.mark.parametrize(("thing", "message"), [
        ({"not": "a model"}, "a classifier with predict_proba is needed, got dict"),
        (RandomForestClassifier(3).fit(np.ones((4, 1)), [0, 1, 0, 1]), "does not know its columns"),
        (RandomForestClassifier(3).fit(pd.DataFrame({"ltv": [1, 2, 3.0]}), ["a", "b", "c"]), "classes must be 0 and 1"),
    ])  # fmt: skip
    def test_other_things_are_refused(self, toy, tmp_path, thing, message):
        joblib.dump(thing, tmp_path / "thing.joblib")
        with pytest.raises(HypothecError, match=message):
            add(Engine(toy), tmp_path / "thing.joblib", "thing")

    def test_garbage_is_refused(self, toy, tmp_path):
        (tmp_path / "garbage.joblib").write_bytes(b"\x00garbage")
        with pytest.raises(HypothecError, match=r"garbage\.joblib: joblib cannot load it"):
            add(Engine(toy), tmp_path / "garbage.joblib", "garbage")


def test_explained_sample_spreads_over_the_ranking():
    rows = spread_rows(np.arange(1000.0)[::-1], 11)
    np.testing.assert_array_equal(np.sort(999 - rows)[[0, -1]], [0, 999])
    assert len(rows) == 11


def test_background_is_recorded_once(toy):
    engine = Engine(toy)
    features = model_features(toy.schema)
    first = ensure_background(engine, features)
    pd.testing.assert_frame_equal(first, ensure_background(engine, features))
    assert len(first) == 100
