"""The planted incidents are where answers.json says, and nowhere else."""

import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from portfolio.demo import hazards
from portfolio.demo.generate import generate_history
from portfolio.demo.incidents import FRAUD_SHARE

LOANS = 20_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("incidents")
    generate_history(folder, loans=LOANS, months=72, seed=5)
    return folder


@pytest.fixture(scope="module")
def answers(folder: Path) -> dict[str, dict[str, Any]]:
    body = json.loads((folder / "answers.json").read_text())
    assert body["seed"] == 5
    return {item["kind"]: item for item in body["incidents"]}


@pytest.fixture(scope="module")
def loans(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "loans.parquet")


def ask(folder: Path, sql: str) -> pd.DataFrame:
    connection = duckdb.connect()
    files = f"'{folder}/performance/*/*.parquet', hive_partitioning=false"
    connection.execute(f"create view p as from read_parquet({files})")
    connection.execute(f"create view l as from '{folder}/loans.parquet'")
    return connection.sql(sql).df()


def test_answers_are_complete(answers: dict[str, dict[str, Any]]) -> None:
    assert set(answers) == {"unit_error", "field_lost", "concept_shift", "fraud_cluster"}
    for item in answers.values():
        assert {"kind", "field", "segment", "from", "to", "factor", "description", "loan_ids"} == set(item)
        assert item["segment"]
        assert item["from"] < item["to"]


def test_incidents_outside_a_short_history_are_not_claimed(tmp_path: Path) -> None:
    generate_history(tmp_path, loans=500, months=42, seed=5)  # from January 2023
    kinds = {item["kind"] for item in json.loads((tmp_path / "answers.json").read_text())["incidents"]}
    assert kinds == {"unit_error", "fraud_cluster"}


def test_incomes_arrive_in_thousands_in_that_region_and_those_months_only(
    folder: Path, answers: dict[str, dict[str, Any]]
) -> None:
    sql = "select region, month, median(income) income, max(income) most, min(income) least "
    found = ask(folder, sql + "from p join l using (loan_id) group by all")
    item = answers["unit_error"]
    inside = (found.region == item["segment"]["region"]) & found.month.between(item["from"], item["to"])
    assert inside.sum() == 2
    assert (found.most[inside] < 1_000).all()
    assert (found.least[~inside] >= 6_000).all()  # the least income that the generator lets anyone report
    ratio = found.income[inside].mean() / found.income[(found.region == "Campania") & ~inside].mean()
    assert ratio == pytest.approx(item["factor"], rel=0.1)


def test_employment_is_missing_for_those_loans_only(loans: pd.DataFrame, answers: dict[str, dict[str, Any]]) -> None:
    item = answers["field_lost"]
    missing = loans[loans.employment.isna()]
    assert set(missing.loan_id) == set(item["loan_ids"])
    granted = pd.to_datetime(loans.origination_date)
    inside = (loans.channel == item["segment"]["channel"]) & granted.between(item["from"], item["to"])
    assert set(loans.loan_id[inside]) == set(item["loan_ids"])
    assert len(missing) > 20


def test_the_fraud_cluster_is_small_alike_and_defaults_early(
    folder: Path, loans: pd.DataFrame, answers: dict[str, dict[str, Any]]
) -> None:
    item = answers["fraud_cluster"]
    assert len(item["loan_ids"]) == round(FRAUD_SHARE * LOANS / 2) * 2  # two chunks of 10,000, each its share
    cluster = loans[loans.loan_id.isin(item["loan_ids"])]
    for column, value in item["segment"].items():
        assert (cluster[column] == value).all()
    assert pd.to_datetime(cluster.origination_date).between(item["from"], item["to"]).all()
    sql = "select loan_id, max(days_past_due) worst from p where months_on_book <= 18 group by all"
    bad = ask(folder, sql).set_index("loan_id").worst >= 90
    others = loans[(loans.country == "Italy") & (loans.channel == "broker") & ~loans.loan_id.isin(item["loan_ids"])]
    others = others[pd.to_datetime(others.origination_date) >= "2020-07-01"]
    assert bad[cluster.loan_id].mean() > 0.5
    assert bad[others.loan_id].mean() < 0.05
    assert cluster.income_at_origination.median() > 1.5 * others.income_at_origination.median()


def test_the_concept_shift_is_more_than_payments_explain(answers: dict[str, dict[str, Any]]) -> None:
    # the same loans in the same state, one month before and in the first month of the shift
    from portfolio.demo.book import draw_book
    from portfolio.demo.macro import make_macro
    from portfolio.demo.simulate import Simulation

    macro = make_macro(1)
    rng = np.random.default_rng(1)
    book = draw_book(rng, macro, first_number=0, loans=2_000, months=60)
    state = Simulation(book, macro, rng, 60)._state(np.flatnonzero(book.origination < 250), 271)
    after = hazards.dynamic_score(book, state, hazards.CONCEPT_SHIFT_FROM)
    before = hazards.dynamic_score(book, state, hazards.CONCEPT_SHIFT_FROM - 1)
    odds = np.exp(after - before)
    variable = book.variable[state.loan]
    assert odds[variable] == pytest.approx(answers["concept_shift"]["factor"], rel=1e-3)
    assert odds[~variable] == pytest.approx(1)
    assert answers["concept_shift"]["from"] == "2022-09-01"
