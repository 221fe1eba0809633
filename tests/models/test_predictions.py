"""Score columns without a model: registered as delivered, judged like models, refused when they are no PDs."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from models.predictions import add_columns, check_column, name_of, read_column
from models.registry import display_name, load_card, load_model, load_registry, manifest_path
from models.scoring import score_portfolio
from models.stored import load_scored
from models.training import TrainConfig, train
from portfolio.engine import Engine
from portfolio.errors import HypothecError
from portfolio.schema import Field
from tests.models.toy import make_loans, write_portfolio


def scores_of(outcome, noise, seed):
    """PDs that know the outcome up to noise."""
    draw = np.random.default_rng(seed)
    return 1 / (1 + np.exp(-(2.0 * outcome - 3 + draw.normal(0, noise, len(outcome)))))


def engine_with(root, columns, roles=("score",), label=None):
    """The toy portfolio with columns of PDs in it."""
    frame, outcome = make_loans()
    made = {name: make(outcome) if callable(make) else make for name, make in columns.items()}
    fields = tuple(Field(name, label or f"{name} of others", "number", roles) for name in made)
    return Engine(write_portfolio(root, frame.assign(**made), outcome, extra_fields=fields)), outcome


@pytest.fixture
def scored(tmp_path):
    engine, _ = engine_with(
        tmp_path / "toy", {"pd_bank": lambda y: scores_of(y, 2.0, 1), "pd_vendor": lambda y: scores_of(y, 1.0, 2)}
    )
    return engine


def test_all_fields_with_the_role_become_entries_and_the_first_the_champion(scored):
    entries = add_columns(scored, [])
    assert [str(entry.ref) for entry in entries] == ["pd_bank/1", "pd_vendor/1"]
    registry = load_registry(scored.portfolio)
    assert registry.aliases == {"champion": "pd_bank/1", "challenger": "pd_vendor/1"}
    assert [display_name(registry, entry) for entry in registry.latest()] == [
        "pd_bank of others (champion)", "pd_vendor of others"
    ]  # fmt: skip
    assert set(entries[0].files) == {"card.json"}


def test_the_stored_scores_are_the_columns_values_to_the_bit(scored):
    entries = add_columns(scored, ["pd_vendor"])
    assert score_portfolio(scored, entries).written == 2
    for key in scored.portfolio.snapshot_keys():
        own = pd.read_parquet(scored.portfolio.snapshot_file(key)).set_index("loan")["pd_vendor"]
        stored = scored.fetch(scored.scores("pd_vendor/1", [key])).set_index("loan")
        assert (stored["pd"] == own.loc[stored.index]).all()
        assert list(stored.columns) == ["observation_date", "pd", "log_odds"]  # no attributions


def test_judged_on_the_rows_own_samples_like_a_model(scored):
    card = load_card(scored.portfolio, add_columns(scored, ["pd_vendor"])[0])
    for row in card["metrics"]:
        if row["metric"] == "auc":
            rows = scored.fetch(scored.snapshots())
            rows = rows[rows["sample"] == row["sample"]]
            assert row["estimate"] == pytest.approx(roc_auc_score(rows["bad"], rows["pd_vendor"]))
    assert {row["sample"] for row in card["metrics"]} == {"development", "out-of-sample", "out-of-time"}


def test_compared_with_a_trained_model_on_the_same_rows(scored):
    trained = train(scored, TrainConfig("scorecard"))
    entries = add_columns(scored, [])
    score_portfolio(scored, [trained, *entries])
    found = load_scored(scored, ["scorecard/1", "pd_bank/1"], "out-of-time", ())
    assert len(found.scores) == 2
    assert load_registry(scored.portfolio).aliases["champion"] == "scorecard/1"  # the first stays


def test_a_score_never_reaches_a_model(scored):
    card = load_card(scored.portfolio, train(scored, TrainConfig("scorecard")))
    assert not {"pd_bank", "pd_vendor"} & {item["name"] for item in card["features"]}
    with pytest.raises(HypothecError, match="'pd_bank' is score in the schema"):
        train(scored, TrainConfig("scorecard", features=("ltv", "pd_bank")))
    with pytest.raises(HypothecError, match="cannot also be a model feature"):
        Field("pd", "PD", "number", ("score", "feature"))
    with pytest.raises(HypothecError, match="a score is a number, got a category"):
        Field("pd", "PD", "category", ("score",))


def test_registering_the_same_column_of_the_same_data_again_changes_nothing(scored):
    first = add_columns(scored, ["pd_bank"])
    assert add_columns(scored, ["pd_bank"]) == first
    other = add_columns(scored, ["pd_vendor"], ["pd_bank"])  # another column under the name: a new version
    assert [str(entry.ref) for entry in other] == ["pd_bank/2"]


def test_predictions_have_no_model_to_load(scored):
    with pytest.raises(HypothecError, match="without the model they can be compared, not explained"):
        load_model(scored.portfolio, add_columns(scored, ["pd_bank"])[0])


def test_two_columns_of_one_label_are_told_apart(tmp_path):
    engine, _ = engine_with(tmp_path / "toy", {"a": lambda y: scores_of(y, 1, 1), "b": lambda y: scores_of(y, 2, 2)},
                            label="PD")  # fmt: skip
    add_columns(engine, [])
    registry = load_registry(engine.portfolio)
    assert [display_name(registry, entry) for entry in registry.latest()] == ["PD, a (champion)", "PD, b"]


def with_one(value, place=7):
    def make(outcome):
        values = scores_of(outcome, 1.0, 3)
        values[place] = value
        return values

    return make


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (with_one(np.nan), r"'pd' must hold a PD, a number between 0 and 1, in every row; 1 of 3,000 rows have none"),
        (with_one(1.0001), r"got .* to 1.0001\. Points of a scorecard are no PDs"),
        (with_one(-0.01), r"got -0.01 to"),
        (with_one(np.inf), r"got .* to inf"),
        (lambda y: 600 - 100.0 * y, r"got 500 to 600\. Points of a scorecard are no PDs"),
        (lambda y: np.full(len(y), 0.05), r"'pd' .* tell loans apart; it is 0.05 in all 3,000 rows"),
    ],
    ids=["missing", "above", "below", "infinite", "points", "constant"],
)
def test_what_is_no_pd_is_refused_by_name_and_nothing_is_registered(tmp_path, values, message):
    engine, _ = engine_with(tmp_path / "toy", {"good": lambda y: scores_of(y, 1.0, 1), "pd": values})
    with pytest.raises(HypothecError, match=message):
        add_columns(engine, ["good", "pd"])
    assert not manifest_path(engine.portfolio).exists()


def test_pds_of_0_and_1_stay_and_have_finite_log_odds(tmp_path):
    engine, _ = engine_with(tmp_path / "toy", {"pd": lambda y: np.where(np.arange(len(y)) % 2, y.astype(float), 0.5)})
    entry = add_columns(engine, ["pd"])[0]
    frame = read_column(engine, entry, engine.portfolio.snapshot_keys()[0])
    assert {0.0, 0.5, 1.0} == set(frame["pd"])
    assert frame["log_odds"].abs().max() == pytest.approx(np.log(999_999))  # of one in a million


@pytest.mark.parametrize(("column", "message"), [
    ("loan", "'loan' must hold PDs, .* it is the id"),
    ("bad", "'bad' must hold PDs, .* it is the target"),
    ("region", "'region' must hold PDs, .* it is a category"),
    ("nothing", "no field 'nothing' in the schema"),
])  # fmt: skip
def test_columns_that_cannot_be_scores_are_refused(scored, column, message):
    with pytest.raises(HypothecError, match=message):
        check_column(scored, column)


def test_names_must_fit_the_columns_and_not_hide_a_model(scored):
    train(scored, TrainConfig("scorecard"))
    with pytest.raises(HypothecError, match="has a scorecard model called 'scorecard'"):
        add_columns(scored, ["pd_bank"], ["scorecard"])
    with pytest.raises(HypothecError, match="one name a column"):
        add_columns(scored, ["pd_bank", "pd_vendor"], ["one"])
    with pytest.raises(HypothecError, match="each column once"):
        add_columns(scored, ["pd_bank", "pd_bank"])
    with pytest.raises(HypothecError, match="is an alias"):
        add_columns(scored, ["pd_bank"], ["champion"])
    assert name_of("PD (12 m), %") == "PD_12_m"


def test_without_a_role_the_way_is_named(toy):
    with pytest.raises(
        HypothecError, match=r"no field of portfolio 'toy' has the role score; name a column .*--column"
    ):
        add_columns(Engine(toy), [])


def test_a_manifest_from_before_labels_is_still_read(scored):
    add_columns(scored, ["pd_bank"])
    path = manifest_path(scored.portfolio)
    body = json.loads(path.read_text())
    for entry in body["entries"]:
        del entry["label"]
    path.write_text(json.dumps(body))
    assert (
        display_name(load_registry(scored.portfolio), load_registry(scored.portfolio).entries[0])
        == "pd_bank (champion)"
    )
