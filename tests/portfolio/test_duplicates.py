"""Duplicates that were planted are found, and nothing else."""

import pandas as pd
import pytest

from portfolio.demo.generate import generate_history
from portfolio.demo.schema import make_schema
from portfolio.duplicates import LEAST_FIELDS, find_duplicates
from portfolio.schema import Field, Schema


@pytest.fixture(scope="module")
def loans(tmp_path_factory):
    folder = tmp_path_factory.mktemp("duplicates")
    generate_history(folder, loans=1_000, months=42, seed=2)
    return pd.read_parquet(folder / "loans.parquet")


def find(folder, loans):
    loans.to_parquet(folder / "loans.parquet")
    return find_duplicates(folder, make_schema(42))


def test_the_demo_has_none(tmp_path, loans):
    assert find(tmp_path, loans).empty


def test_the_same_loan_under_other_ids_is_identical(tmp_path, loans):
    copies = loans.iloc[[4, 4]].assign(loan_id=["X1", "X2"], borrower_id="B999")
    found = find(tmp_path, pd.concat([loans, copies]))
    first = loans["loan_id"].iloc[4]
    assert found[["kind", "loan", "other"]].to_numpy().tolist()[:2] == [["identical", first, "X1"],
                                                                       ["identical", first, "X2"]]  # fmt: skip
    assert set(map(tuple, found.loc[found["kind"] == "near", ["loan", "other"]].to_numpy())) <= {("X1", "X2")}


def test_a_near_duplicate_says_in_what_it_differs(tmp_path, loans):
    copy = loans.iloc[[7]].assign(loan_id="X1", employment="other", energy_label="G")
    copy["property_value"] = copy["property_value"] * 1.004  # within half a per cent: agrees
    changed = [name for name in ("employment", "energy_label") if copy[name].iloc[0] != loans[name].iloc[7]]
    found = find(tmp_path, pd.concat([loans, copy]))
    assert len(found) == 1
    row = found.iloc[0]
    assert (row["kind"], {row["loan"], row["other"]}) == ("near", {"X1", loans["loan_id"].iloc[7]})
    assert sorted(row["differs"].split(", ")) == sorted(changed)
    assert row["alike"] == pytest.approx(1 - len(changed) / row["compared"])


def test_loans_that_differ_in_a_fifth_of_their_fields_are_not_near(tmp_path, loans):
    copy = loans.iloc[[7]].assign(
        loan_id="X1", employment="?", energy_label="?", channel="?", guarantee="?", gender="?"
    )
    assert find(tmp_path, pd.concat([loans, copy])).empty


def test_a_table_of_few_fields_is_only_searched_for_identical_rows(tmp_path):
    schema = Schema("t", "table", (Field("id", "Id", "category", ("id",)), Field("x", "X", "number", ("exposure",))))
    (tmp_path / "snapshots").mkdir()
    rows = pd.DataFrame({"id": list("abc"), "x": [1.0, 1.0, 1.001], "observation_date": pd.NaT, "sample": "s"})
    rows.to_parquet(tmp_path / "snapshots" / "all.parquet")
    found = find_duplicates(tmp_path, schema)
    assert LEAST_FIELDS > 1
    assert found[["kind", "loan", "other"]].to_numpy().tolist() == [["identical", "a", "b"]]


def test_too_many_pairs_are_cut_by_the_segments(tmp_path, loans, monkeypatch):
    monkeypatch.setattr("portfolio.duplicates.PAIRS", 20)  # so few that every segment must make the blocks finer
    copy = loans.iloc[[7]].assign(loan_id="X1")
    near = find(tmp_path, pd.concat([loans, copy]))
    assert {"X1", loans["loan_id"].iloc[7]} in [set(pair) for pair in near[["loan", "other"]].to_numpy()]
