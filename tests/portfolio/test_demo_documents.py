"""The demo's documents: consistent with the loans, faulty where answers.json says, and silent about the future."""

import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from portfolio.demo import generate
from portfolio.demo.documents import Chunk
from portfolio.demo.generate import generate_history
from portfolio.demo.schema import make_schema
from portfolio.documents import QUARANTINED, flatten_documents
from portfolio.snapshots import build_snapshots

LOANS = 4_000


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    generate_history(folder, loans=LOANS, months=60, seed=8, chunk=2_500)
    flatten_documents(folder, make_schema(60))
    return folder


def read(folder: Path, kind: str) -> list[dict[str, Any]]:
    found = []
    for line in gzip.decompress((folder / "documents" / f"{kind}.jsonl.gz").read_bytes()).decode().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            assert kind == "contact"  # the only kind with lines cut short
    return found


def test_the_loans_and_months_are_those_without_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("with", "without"):
        (tmp_path / name).mkdir()
    generate_history(tmp_path / "with", loans=300, months=42, seed=2)
    monkeypatch.setattr(Chunk, "follow", lambda _, months: months)  # nobody looks on
    monkeypatch.setattr(generate.Documents, "write", lambda *_: None)
    generate_history(tmp_path / "without", loans=300, months=42, seed=2)
    files = [path.relative_to(tmp_path / "with") for path in sorted((tmp_path / "with").rglob("*.parquet"))]
    assert len(files) > 5
    for file in files:
        assert (tmp_path / "with" / file).read_bytes() == (tmp_path / "without" / file).read_bytes()


def test_incomes_make_up_the_income_at_origination(book: Path) -> None:
    loans = pd.read_parquet(book / "loans.parquet").set_index("loan_id")
    documents = read(book, "application")
    assert len(documents) == LOANS
    stated = pd.Series({item["loan_id"]: sum(income["amount"] for person in item["applicants"]
                                             for income in person["incomes"]) for item in documents})  # fmt: skip
    ratio = np.log(stated / loans.income_at_origination)
    assert ratio.abs().max() < 0.06
    assert ratio.std() == pytest.approx(0.01, rel=0.1)  # the noise that is put on
    assert {len(item["applicants"]) for item in documents} == {1, 2}
    date = pd.to_datetime(pd.Series({item["loan_id"]: item["date"] for item in documents}))
    waited = (pd.to_datetime(loans.origination_date) - date).dt.days
    assert waited.between(20, 70).all()


def test_the_first_valuation_is_near_the_property_value_and_later_ones_follow_prices(book: Path) -> None:
    sql = f"""
        SELECT d.document_date AS date, d.last_valuation AS value, l.property_value, l.origination_date,
               value / property_value / (now.house_price_index / granted.house_price_index) AS ratio
        FROM '{book}/documents.parquet' d JOIN '{book}/loans.parquet' l USING (loan_id)
        LEFT JOIN '{book}/macro.parquet' now ON now.region = l.region
            AND now.month = last_day(d.document_date - INTERVAL 1 MONTH)
        LEFT JOIN '{book}/macro.parquet' granted ON granted.region = l.region
            AND granted.month = last_day(l.origination_date)
        WHERE d.document_kind = 'valuation' AND value IS NOT NULL
    """
    rows = duckdb.sql(sql).df()
    first = rows[rows.date < rows.origination_date]
    assert len(first) / LOANS > 0.99
    assert np.log(first.value / first.property_value).std() == pytest.approx(0.02, rel=0.1)
    later = np.log(rows.ratio[rows.date >= rows.origination_date].dropna())
    assert len(later) > 1_000
    assert later.mean() == pytest.approx(0, abs=0.005)
    assert later.std() == pytest.approx(0.04, rel=0.1)


def test_contacts_gather_around_arrears_and_know_only_the_past(book: Path) -> None:
    files = f"read_parquet('{book}/performance/*/*.parquet', hive_partitioning = false)"
    frame = duckdb.sql(f"SELECT loan_id, month, days_past_due FROM {files}").df()
    days = frame.set_index(["loan_id", "month"]).days_past_due
    contacts = [item for item in read(book, "contact") if not item["loan_id"].startswith("X")]
    before = [pd.Timestamp(item["date"]).replace(day=1) - pd.Timedelta(days=1) for item in contacts]
    known = days.reindex(pd.MultiIndex.from_arrays([[item["loan_id"] for item in contacts], before])).fillna(0)
    about = np.array([item["topic"] == "arrears" for item in contacts])
    assert about.sum() > 100
    assert (known.to_numpy()[about] > 0).all()  # the end of the month before, not of its own
    assert (known.to_numpy()[~about] == 0).all()
    said = [int(item["note"].split()[0]) for item in contacts if item["topic"] == "arrears"]
    assert said == known.to_numpy()[about].astype(int).tolist()
    behind = (days > 0).sum()
    assert about.sum() / behind > 10 * (~about).sum() / (days == 0).sum()


def test_what_is_planted_is_found(book: Path) -> None:
    answers = json.loads((book / "answers.json").read_text())["documents"]
    keys = pd.read_parquet(book / "quality" / "documents.parquet").set_index("path")
    bad = pd.read_parquet(book / "quality" / QUARANTINED)
    assert {item["finding"] for item in answers} == {
        "missing", "unknown", "wrong type", "not a JSON object", "unknown loan"
    }  # fmt: skip
    for item in answers:
        assert item["count"] > 0
        if item["finding"] == "missing":
            found = keys.loc[item["path"], "missing"]
        elif item["finding"] == "unknown":
            assert keys.loc[item["path"], "unknown"]
            found = keys.loc[item["path"], "present"]
        elif item["finding"] == "wrong type":
            found = keys.loc[item["path"], "bad"]
        else:
            found = (bad.rule == item["finding"]).sum()
        assert found == item["count"], item
    shares = {item["path"]: item["count"] / item["documents"] for item in answers}
    assert shares["valuation.method"] == pytest.approx(0.03, abs=0.005)
    assert shares["application.legacy_ref"] == pytest.approx(0.02, abs=0.008)


def test_unverified_income_goes_with_frailty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    chunks: list[Chunk] = []
    write = generate.Documents.write
    monkeypatch.setattr(generate.Documents, "write", lambda self, chunk: (chunks.append(chunk), write(self, chunk)))
    generate_history(tmp_path, loans=LOANS, months=42, seed=8)
    frail = dict(zip(chunks[0].ids, chunks[0].book.borrowers.frailty, strict=True))
    doubted = {item["loan_id"]: not item["applicants"][0]["incomes"][0]["verified"]
               for item in read(tmp_path, "application")}  # fmt: skip
    means = pd.Series(frail).groupby(pd.Series(doubted)).mean()
    # P(unverified) = 1 / (1 + exp(2.2 − 0.7 z)) moves the mean of z by about 0.7 · (1 − share) between the groups
    assert 0.5 < means[True] - means[False] < 0.8


def test_a_snapshot_is_the_same_without_what_comes_later(book: Path, tmp_path: Path) -> None:
    schema, cut = make_schema(60), "2024-06-30"
    for name in ("loans.parquet", "macro.parquet", "performance"):
        (tmp_path / name).symlink_to(book / name)
    (tmp_path / "documents").mkdir()
    for file in sorted((book / "documents").iterdir()):
        with gzip.open(file, "rt") as lines:
            # a line cut short before its date is refused either way
            early = [line for line in lines if line.split('"date":"')[-1][:10] <= cut]
        (tmp_path / "documents" / file.name).write_bytes(gzip.compress("".join(early).encode()))
    flatten_documents(tmp_path, schema)
    for folder in (book, tmp_path):
        build_snapshots(folder, schema)
    full, early_only = (pd.read_parquet(folder / "snapshots" / f"{cut}.parquet") for folder in (book, tmp_path))
    pd.testing.assert_frame_equal(full, early_only)
    assert full.last_valuation.notna().mean() > 0.99  # a few first ones are words
    assert full.contacts_12m.sum() > 100
    later = pd.read_parquet(book / "snapshots" / "2026-06-30.parquet").set_index("loan_id")
    both = full.set_index("loan_id").join(later, rsuffix="_later", how="inner")
    assert (both.last_valuation != both.last_valuation_later).mean() > 0.2  # what was cut away does say something
