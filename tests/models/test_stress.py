"""What complexity costs, measured: bound to the model's files, the same twice, nothing guessed."""

import dataclasses
import json

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier

from models import stress
from models.complexity import complexity_file, load_complexity
from models.data import load_labelled
from models.encoding import Feature
from models.predictions import Column, add_columns
from models.registry import load_card, load_model, load_registry
from models.stress import StressConfig, measurable, measure, measure_latency, perturb, take_loans
from models.training import TrainConfig, add_external, train
from portfolio.engine import Engine
from portfolio.errors import HypothecError
from portfolio.workspace import hash_file
from tests.models.toy import FEATURES, make_loans, write_portfolio

QUICK = StressConfig(seeds=2, rows=600)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A toy portfolio with a scorecard and a boosted model, both measured."""
    engine = Engine(write_portfolio(tmp_path_factory.mktemp("stress") / "toy", *make_loans()))
    entries = [train(engine, TrainConfig(family)) for family in ("scorecard", "boosting")]
    return engine, {entry.family: (entry, measure(engine, entry, config=QUICK)) for entry in entries}


def test_what_is_kept_reads_back_the_same(measured):
    engine, found = measured
    for entry, figures in found.values():
        assert load_complexity(engine.portfolio, entry) == figures


def test_the_models_own_files_stay_as_registered(measured):
    engine, found = measured
    for entry, _ in found.values():
        load_model(engine.portfolio, entry)  # checks every hash
        assert load_registry(engine.portfolio).find(str(entry.ref)).files == entry.files


def test_counts_and_sizes_are_those_of_the_files(measured):
    engine, found = measured
    entry, figures = found["scorecard"]
    folder = engine.portfolio.models / "scorecard" / "1"
    body = json.loads((folder / "scorecard.json").read_text())
    used = [bins for bins in body["bins"] if bins["weight"] > 0]
    assert figures.parts == {"weights": 1 + len(used), "bins": sum(len(bins["woe"]) for bins in used)}
    assert figures.parameters == sum(figures.parts.values())
    assert figures.artifact_bytes == sum((folder / name).stat().st_size for name in ("scorecard.json", "points.csv"))
    assert figures.training_seconds == load_card(engine.portfolio, entry)["seconds"]
    boosted = found["boosting"][1].parts
    assert boosted["trees"] == 160  # the family's number of iterations
    assert boosted["splits"] == boosted["leaves"] - boosted["trees"]  # a binary tree of L leaves has L - 1 splits


def test_nothing_but_the_seed_changes_between_refits(measured):
    # Neither family draws anything at random on so few rows: no spread, and that is said, not hidden.
    for _, figures in measured[1].values():
        assert figures.seeds.sd == 0
        assert figures.seeds.pd_difference == 0
        assert len(figures.seeds.ginis) == 2


def test_with_all_rows_a_refit_with_its_own_seed_is_the_model_itself(measured):
    engine, found = measured
    entry, _ = found["boosting"]
    again = measure(engine, entry, config=StressConfig(seeds=2, rows=10**6)).seeds
    assert again.ginis[0] == pytest.approx(again.own_gini, abs=1e-12)
    assert again.rows == again.rows_there
    assert again.sample == "out-of-time"


def test_a_refit_keeps_the_distance_between_periods_of_its_training(measured, monkeypatch):
    engine, found = measured
    late = dataclasses.replace(engine.portfolio.schema, horizon_months=9)
    monkeypatch.setitem(engine.portfolio.__dict__, "schema", late)
    given, fit = [], stress.fit_family
    monkeypatch.setattr(stress, "fit_family", lambda data, *a, **k: (given.append(data), fit(data, *a, **k))[1])
    measure(engine, found["scorecard"][0], config=QUICK)
    assert [data.horizon_months for data in given] == [9, 9]


def test_whole_loans_are_taken_up_to_the_limit(measured):
    rows = load_labelled(measured[0], FEATURES)
    part = take_loans(rows, 500)
    assert 500 <= len(part.y) < 510
    counts, there = part.loan.value_counts(), rows.loan.value_counts()
    assert (counts == there.loc[counts.index]).all()
    assert take_loans(rows, 10**6) is rows


@pytest.fixture
def line():
    """A model whose PD is its only number, between 0 and 1, and a yes-or-no that it ignores."""

    class Line(Column):
        features = (Feature("x", "number"), Feature("flag", "number"), Feature("word", "category"))

    return Line("x")


def test_perturbation_of_a_model_that_is_known(line):
    # PD = x on 0.5 to 0.9: a move by 5 % is |dPD| = 0.05 x, on average 0.05 * 0.7 = 0.035.
    X = pd.DataFrame({"x": np.linspace(0.5, 0.9, 10_001), "flag": np.arange(10_001) % 2, "word": "w"})
    found = perturb(line, X)
    assert found.features == 1  # neither the yes-or-no number nor the category
    assert found.pd_change == pytest.approx(0.035, abs=1e-12)  # signs do not matter to the size
    # The cut-off is 0.82. x flips upwards from 0.82/1.05 on, downwards up to 0.82/0.95, each with chance one half.
    expected = 0.5 * (0.82 / 0.95 - 0.82 / 1.05) / 0.4
    assert found.flipped == pytest.approx(expected, abs=0.005)
    assert found.low <= found.flipped <= found.high


def test_a_model_without_numbers_says_so(line):
    X = pd.DataFrame({"x": [0.2, 0.4], "flag": [0, 1], "word": "w"})
    assert "no number" in perturb(line, X).reason


def test_latency_is_the_median_of_calls_on_one_row_and_ten_thousand():
    seen = []

    class Counting:
        def predict_proba(self, X):
            seen.append(len(X))

    one, many = measure_latency(Counting(), pd.DataFrame({"x": range(7)}))
    assert seen == [1] * 31 + [10_000] * 6  # one call of each is not measured
    assert one >= 0
    assert many >= 0


def test_figures_of_other_files_are_refused(toy, loans):
    engine = Engine(toy)
    entry = train(engine, TrainConfig("scorecard"))
    assert load_complexity(toy, entry) is None
    measure(engine, entry, config=QUICK)
    other = dataclasses.replace(entry, files={**entry.files, "scorecard.json": "0" * 64})
    with pytest.raises(HypothecError, match=r"was measured on other files than those of scorecard/1; measure again"):
        load_complexity(toy, other)
    complexity_file(toy, entry).write_text("{")
    with pytest.raises(HypothecError, match=r"complexity\.json: cannot be read .* python cli\.py models stress"):
        load_complexity(toy, entry)


def test_a_model_trained_elsewhere_is_not_fitted_again(toy, loans, tmp_path):
    frame, outcome = loans
    names = ["ltv", "unemployment"]
    forest = RandomForestClassifier(20, min_samples_leaf=20, random_state=0).fit(frame[names], outcome)
    joblib.dump(forest, tmp_path / "forest.joblib")
    engine = Engine(toy)
    entry = add_external(engine, tmp_path / "forest.joblib", "forest", sha256=hash_file(tmp_path / "forest.joblib"))
    found = measure(engine, entry, config=QUICK)
    assert found.seeds.sd is None
    assert "cannot be fitted again here" in found.seeds.reason
    assert found.parameters is None
    assert found.perturbed.flipped > 0
    assert found.artifact_bytes == (toy.models / "forest" / "1" / "external.joblib").stat().st_size


def test_predictions_have_nothing_to_measure(tmp_path, loans):
    frame, outcome = loans
    engine = Engine(write_portfolio(tmp_path / "toy", frame.assign(unemployment=frame["ltv"] / 2), outcome))
    entry = add_columns(engine, ["unemployment"])[0]
    assert measurable([entry]) == []
    with pytest.raises(HypothecError, match=r"unemployment/1 are predictions .* nothing of it can be measured"):
        measure(engine, entry, config=QUICK)


def test_a_spread_needs_two_seeds():
    with pytest.raises(HypothecError, match="needs 2 of them, better 5; got 1"):
        StressConfig(seeds=1)


def test_every_family_says_what_its_parameters_are(toy, loans):
    engine = Engine(toy)
    entry = train(engine, TrainConfig("neural"))
    model = load_model(toy, entry)
    assert model.parts() == {"weights": model.complexity()}
