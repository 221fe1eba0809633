"""A portfolio built anew keeps what its user made of it: views, policy, models; documents with their fields."""

import datetime
import json
from pathlib import Path

import pandas as pd
import pytest

from portfolio.demo.build import build_demo, list_ingested
from portfolio.policy import load_policy, policy_file
from portfolio.sources.canonical import ingest_history
from portfolio.sources.documents import ingest_documents
from portfolio.sources.table import ingest_table
from portfolio.views import delete_view, load_views, save_view
from portfolio.workspace import Portfolio, hash_data, open_portfolio

MONTHS = pd.period_range("2019-01", "2020-12", freq="M")  # two years: quarter ends from December 2019 on
MAPPING = """
[[field]]
name = "value"
label = "Valuation"
kind = "number"
roles = ["feature"]
path = "valuation.value"
"""
VALUES = [("L1", "2019-06-30", 100), ("L2", "2020-08-31", 300), ("L9", "2019-06-30", 900)]  # there is no L9


@pytest.fixture
def delivered(tmp_path: Path) -> Path:
    """Documents of two loans and of a stranger, the fields that they give, and a history and a table of ten loans."""
    lines = [{"kind": "valuation", "loan_id": loan, "date": day, "value": value} for loan, day, value in VALUES]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "paths.toml").write_text(MAPPING)
    names = [f"L{n}" for n in range(9)]
    loans = pd.DataFrame({"loan_id": names, "origination_date": datetime.date(2018, 12, 10), "region": "Lazio"})
    loans.to_parquet(tmp_path / "loans.parquet")
    rows = [{"loan_id": name, "month": month.end_time.date(), "months_on_book": age, "balance": 100.0,
             "days_past_due": 0, "event": "", "payment": 5.0}
            for name in names for age, month in enumerate(MONTHS, start=1)]  # fmt: skip
    pd.DataFrame(rows).to_parquet(tmp_path / "months.parquet")
    table = [f"{name},{day},{n},{int(n == 4)}" for day in ("2019-12-31", "2020-12-31") for n, name in enumerate(names)]
    (tmp_path / "table.csv").write_text("loan_id,date,balance,default\n" + "\n".join(table) + "\n")
    (tmp_path / "wide.csv").write_text("loan_id,date,value,default\n" + "\n".join(table) + "\n")
    (tmp_path / "nameless.csv").write_text("date,balance,default\n" + "\n".join(r.split(",", 1)[1] for r in table))
    return tmp_path


def ingest(folder: Path, kind: str, report=lambda *_: None):
    if kind == "history":
        return ingest_history(folder / "ws", folder / "loans.parquet", [folder / "months.parquet"], name="book",
                              report=report)  # fmt: skip
    return ingest_table(folder / "ws", folder / f"{kind}.csv", name="book", report=report)


@pytest.mark.parametrize("kind", ["history", "table"])
def test_experiments_outlive_a_new_delivery_but_not_their_true_pds(delivered: Path, kind: str) -> None:
    ingest(delivered, kind)
    folder = delivered / "ws" / "book" / "experiments"
    for place in ("mlp", "truth"):
        (folder / place).mkdir(parents=True)
        (folder / place / "report.json").write_text("{}")
    ingest(delivered, kind)
    assert (folder / "mlp" / "report.json").read_text() == "{}"
    assert not (folder / "truth").exists()  # of the former book


def values(portfolio: Portfolio) -> dict[str, dict[str, float]]:
    rows = {key: pd.read_parquet(portfolio.snapshot_file(key)) for key in portfolio.snapshot_keys()}
    return {key: frame.set_index("loan_id")["value"].dropna().to_dict() for key, frame in rows.items()}


@pytest.mark.parametrize("kind", ["history", "table"])
def test_views_documents_and_models_outlive_ingesting_again(delivered: Path, kind: str) -> None:
    ingest(delivered, kind)
    ingest_documents(delivered / "ws", [delivered / "d.jsonl"], name="book", mapping=delivered / "paths.toml")
    former = open_portfolio(delivered / "ws", "book")
    before, manifest = values(former), former.manifest
    assert before["2019-12-31"] == {"L1": 100}  # L2 was valued later
    assert before["2020-12-31"] == {"L1": 100, "L2": 300}
    save_view(former, "early", "explore", "explore_by=region")
    policy_file(former).write_text("[comparison]\nmargin = 0.02\n")
    (former.models / "m" / "1").mkdir(parents=True)
    (former.models / "m" / "1" / "card.json").write_text("kept")
    (former.models / "background.parquet").write_text("of the former data")
    meanwhile = []

    def report(share: float, _: str) -> None:
        if not meanwhile and share > 0.5:
            meanwhile.append(save_view(former, "saved while the data are read", "explore", "explore_by=value"))

    result = ingest(delivered, kind, report)
    now = open_portfolio(delivered / "ws", "book")
    assert [view.name for view in load_views(now)] == ["early", "saved while the data are read"]
    assert values(now) == before
    assert now.schema.get("value").path == "valuation.value"
    assert now.manifest["documents"] == manifest["documents"]
    assert now.manifest["documents"] == {"files": ["d.jsonl"], "read": 2, "latest": ["d.jsonl"], "quarantined": 1}
    assert now.data_hash == hash_data(now.root)
    assert "the documents ingested before are kept: 1 file, 1 field" in result.notes
    assert load_policy(now).comparison.margin == 0.02
    assert (now.models / "m" / "1" / "card.json").read_text() == "kept"
    assert not (now.models / "background.parquet").exists()  # the next scoring records one of these data
    assert not list(now.root.glob(".building-*"))


def test_a_column_of_the_same_name_takes_the_documents_place(delivered: Path) -> None:
    ingest(delivered, "table")
    ingest_documents(delivered / "ws", [delivered / "d.jsonl"], name="book", mapping=delivered / "paths.toml")
    result = ingest(delivered, "wide")
    assert "the field 'value' of documents gives way to the column of this name" in result.notes
    assert values(result.portfolio)["2019-12-31"]["L1"] == 1  # the second row of the file
    assert result.portfolio.schema.from_documents() == ()


def test_documents_do_not_fall_to_rows_that_are_numbered(delivered: Path) -> None:
    ingest(delivered, "table")
    ingest_documents(delivered / "ws", [delivered / "d.jsonl"], name="book", mapping=delivered / "paths.toml")
    result = ingest(delivered, "nameless")
    assert any("documents ingested before are gone" in note for note in result.notes)
    assert not result.portfolio.documents.exists()
    assert "documents" not in result.portfolio.manifest


def test_views_saved_or_deleted_while_documents_are_read_count(delivered: Path) -> None:
    portfolio = ingest(delivered, "table").portfolio
    save_view(portfolio, "old", "explore", "")
    done = []

    def report(share: float, _: str) -> None:
        if not done and share > 0.3:
            done.append(save_view(portfolio, "new", "explore", ""))
            delete_view(portfolio, "old")

    ingest_documents(delivered / "ws", [delivered / "d.jsonl"], name="book", mapping=delivered / "paths.toml",
                     report=report)  # fmt: skip
    assert [view.name for view in load_views(portfolio)] == ["new"]


def test_the_demo_built_anew_keeps_its_views_and_says_which_documents_go(tmp_path: Path) -> None:
    assert list_ingested(tmp_path / "demo") == []
    demo = build_demo(tmp_path, loans=600, months=42, seed=1)
    assert list_ingested(demo.root) == []
    save_view(demo, "mine", "explore", "explore_by=country")
    loan = pd.read_parquet(demo.loans)["loan_id"].iloc[0]
    line = {"kind": "survey", "loan_id": loan, "date": "2025-01-31", "value": 7}
    (tmp_path / "survey.jsonl").write_text(json.dumps(line) + "\n")
    (tmp_path / "paths.toml").write_text(MAPPING.replace("valuation.value", "survey.value"))
    ingest_documents(tmp_path, [tmp_path / "survey.jsonl"], name="demo", mapping=tmp_path / "paths.toml")
    assert list_ingested(demo.root) == ["survey.jsonl"]
    again = build_demo(tmp_path, loans=600, months=42, seed=2)
    assert [view.name for view in load_views(again)] == ["mine"]
