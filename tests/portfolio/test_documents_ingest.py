"""Documents into a portfolio that is there: fields in every snapshot, all else as it was, and all or nothing."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from portfolio.demo.generate import generate_history
from portfolio.demo.schema import make_schema
from portfolio.documents import QUARANTINED, flatten_documents
from portfolio.errors import HypothecError
from portfolio.schema import format_field, save_schema
from portfolio.snapshots import build_snapshots
from portfolio.sources.document_proposal import propose_documents
from portfolio.sources.documents import ingest_documents
from portfolio.sources.table import ingest_table
from portfolio.workspace import Portfolio, hash_data, list_portfolios, open_portfolio

ROOT = Path(__file__).parents[2]
MAPPING = """
[[field]]
name = "value"
label = "Valuation"
kind = "number"
roles = ["feature"]
path = "valuation.value"

[[field]]
name = "contacts"
label = "Contacts"
kind = "number"
roles = ["feature"]
path = "contact"
reduce = "count"
window_months = 3
"""
INGEST = """
import os, signal, sys
from pathlib import Path
from portfolio.sources.documents import ingest_documents
def report(share, doing):
    if doing.startswith(sys.argv[4]):
        os.kill(os.getpid(), signal.SIGKILL)
ingest_documents(Path(sys.argv[1]), [Path(sys.argv[2])], name="book", mapping=Path(sys.argv[3]), report=report)
"""


def listing(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def book(tmp_path: Path) -> Portfolio:
    """A table of 300 loans at two dates, in an order of its own."""
    lines = [
        f"L{n * 7 % 150:03d},{day},{n},{int(n % 9 == 4)}" for day in ("2020-03-31", "2021-03-31") for n in range(150)
    ]
    table = tmp_path / "table.csv"
    table.write_text("loan_id,date,balance,default\n" + "\n".join(lines) + "\n")
    return ingest_table(tmp_path / "ws", table, name="book").portfolio


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "paths.toml"
    path.write_text(MAPPING)
    return path


def write(path: Path, documents: list[Any]) -> Path:
    path.write_text("".join((item if isinstance(item, str) else json.dumps(item)) + "\n" for item in documents))
    return path


def valuation(loan: str, date: str, value: Any) -> dict[str, Any]:
    return {"kind": "valuation", "loan_id": loan, "date": date, "value": value}


DOCUMENTS = [
    valuation("L000", "2020-03-31", 100), valuation("L000", "2020-04-01", 200), valuation("L001", "2021-03-31", 300),
    {"kind": "contact", "loan_id": "L000", "date": "2021-01-01"},
    {"kind": "contact", "loan_id": "L000", "date": "2020-12-31"},
]  # fmt: skip


def snapshot(portfolio: Portfolio, key: str) -> pd.DataFrame:
    return pd.read_parquet(portfolio.snapshot_file(key))


def test_a_table_gets_the_fields_as_known_at_its_dates(book: Portfolio, mapping: Path, tmp_path: Path) -> None:
    before = {key: snapshot(book, key) for key in book.snapshot_keys()}
    former = book.manifest
    result = ingest_documents(book.root.parent, [write(tmp_path / "d.jsonl", DOCUMENTS)], name="book", mapping=mapping)
    now = open_portfolio(book.root.parent, "book")
    assert result.documents == 5
    assert result.fields == ("value", "contacts")
    early, late = (snapshot(now, key).set_index("loan_id") for key in ("2020-03-31", "2021-03-31"))
    assert early.loc["L000", ["value", "contacts"]].tolist() == [100, 0]
    assert late.loc["L000", ["value", "contacts"]].tolist() == [200, 1]  # 31 December is more than three months ago
    assert late.loc["L001", ["value", "contacts"]].tolist() == [300, 0]
    assert pd.isna(late.loc["L002", "value"])
    for key, rows in before.items():
        found = snapshot(now, key)
        pd.testing.assert_frame_equal(found[rows.columns], rows)  # the same rows in the same order
        assert list(found.columns)[-5:] == ["value", "contacts", "observation_date", "label_mature", "sample"]
    assert now.data_hash == hash_data(now.root) != former["sha256"]
    assert now.manifest["rows"] == former["rows"]
    assert now.manifest["documents"]["files"] == ["d.jsonl"]
    assert now.schema.get("contacts").window_months == 3


def test_a_second_delivery_adds_and_one_of_the_same_name_replaces(
    book: Portfolio, mapping: Path, tmp_path: Path
) -> None:
    workspace = book.root.parent
    ingest_documents(workspace, [write(tmp_path / "d.jsonl", DOCUMENTS)], name="book", mapping=mapping)
    again = ingest_documents(workspace, [write(tmp_path / "d.jsonl", DOCUMENTS)], name="book", mapping=mapping)
    assert again.documents == 5
    assert again.notes[0] == "d.jsonl replaces the one delivered before"
    more = [write(tmp_path / "e.jsonl", [valuation("L000", "2021-01-01", 250)])]
    assert ingest_documents(workspace, more, name="book", mapping=mapping).documents == 6
    assert snapshot(open_portfolio(workspace, "book"), "2021-03-31").set_index("loan_id").loc["L000", "value"] == 250


def test_twice_gives_the_same_data(book: Portfolio, mapping: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "d.jsonl", DOCUMENTS)
    first = ingest_documents(book.root.parent, [file], name="book", mapping=mapping).portfolio.data_hash
    assert ingest_documents(book.root.parent, [file], name="book", mapping=mapping).portfolio.data_hash == first


def test_new_fields_leave_models_and_scores_and_changed_ones_take_the_scores(
    book: Portfolio, mapping: Path, tmp_path: Path
) -> None:
    for name in ("models/m/1/card.json", "models/background.parquet", "scores/m/1/2021-03-31.parquet"):
        (book.root / name).parent.mkdir(parents=True, exist_ok=True)
        (book.root / name).write_text("kept")
    file = write(tmp_path / "d.jsonl", DOCUMENTS)
    ingest_documents(book.root.parent, [file], name="book", mapping=mapping)
    assert (book.root / "scores/m/1/2021-03-31.parquet").exists()
    assert (book.root / "models/background.parquet").read_text() == "kept"
    result = ingest_documents(book.root.parent, [file], name="book", mapping=mapping)
    assert "score again" in " ".join(result.notes)
    assert not (book.root / "scores").exists()
    assert not (book.root / "models/background.parquet").exists()  # its values may be the former declaration's
    assert (book.root / "models/m/1/card.json").read_text() == "kept"


def test_a_history_gets_what_building_it_gives(tmp_path: Path) -> None:
    root = tmp_path / "ws" / "book"
    root.mkdir(parents=True)
    generate_history(root, loans=400, months=42, seed=3)
    full = make_schema(42)
    flatten_documents(root, full)
    build_snapshots(root, full)
    built = {path: pd.read_parquet(path) for path in sorted((root / "snapshots").glob("*.parquet"))}
    own = [item.name for item in full.from_documents()]
    for path, rows in built.items():
        rows.drop(columns=own).to_parquet(path)
    documents = tmp_path / "delivered"
    (root / "documents").rename(documents)
    save_schema(replace(full, fields=tuple(item for item in full.fields if not item.path)), root / "schema.toml")
    (root / "data.json").write_text('{"source": "test", "sha256": ""}')
    mapping = tmp_path / "paths.toml"
    mapping.write_text("\n".join(line for item in full.from_documents() for line in format_field(item)))
    ingest_documents(tmp_path / "ws", sorted(documents.iterdir()), name="book", mapping=mapping)
    assert len(built) == 11
    for path, rows in built.items():
        pd.testing.assert_frame_equal(pd.read_parquet(path)[rows.columns], rows)
    assert rows.months_since_valuation.notna().all()
    assert rows.contacts_12m.max() >= 1


def test_wrong_files_and_mappings_change_nothing(book: Portfolio, mapping: Path, tmp_path: Path) -> None:
    before = listing(book.root)
    good = write(tmp_path / "d.jsonl", DOCUMENTS)
    bad = tmp_path / "bad.toml"
    other = write(tmp_path / "other.jsonl", [valuation("X", "2020-01-01", 1), *DOCUMENTS[:1], "{", "{", "{"])
    cases: list[tuple[list[Path], str, str]] = [
        ([tmp_path / "none.jsonl"], MAPPING, "there is no such file"),
        ([mapping], MAPPING, r"files that end in \.jsonl or \.jsonl\.gz"),
        ([], MAPPING, "no documents given"),
        ([good, write(tmp_path / "d.jsonl.gz", [])], MAPPING, "the same name"),
        ([good], MAPPING.replace("valuation.value", "valuation..value"), "field 'value': .* is no path into documents"),
        ([good], MAPPING.replace('path = "valuation.value"', ""), "has no path"),
        ([good], MAPPING.replace('"value"', '"balance"'), "a field 'balance' already"),
        ([good], "[portfolio]\ntitle = 'x'", r"\[\[field\]\] entries only"),
        ([good], "not toml", "cannot read the fields"),
        (
            [other],
            MAPPING,
            r"other.jsonl: 4 of 5 documents are bad, most often not a JSON object .* on line 3;",
        ),
        ([write(tmp_path / "empty.jsonl", [])], MAPPING, "holds no documents"),
    ]
    for files, text, message in cases:
        bad.write_text(text)
        with pytest.raises(HypothecError, match=message):
            ingest_documents(book.root.parent, files, name="book", mapping=bad)
        assert listing(book.root) == before, message
    with pytest.raises(HypothecError, match="no portfolio 'nobody'"):
        ingest_documents(book.root.parent, [good], name="nobody", mapping=mapping)


@pytest.mark.parametrize("step", ["taking over", "typing", "writing snapshot 2021-03-31"])
def test_a_killed_ingest_leaves_the_former_portfolio_and_the_next_run_succeeds(
    book: Portfolio, mapping: Path, tmp_path: Path, step: str
) -> None:
    workspace, before = book.root.parent, listing(book.root)
    file = write(tmp_path / "d.jsonl", DOCUMENTS)
    command = [sys.executable, "-c", INGEST, str(workspace), str(file), str(mapping), step]
    killed = subprocess.run(command, cwd=ROOT, timeout=120, capture_output=True, text=True, check=False)
    assert killed.returncode == -9, killed.stderr
    assert list(workspace.glob(".building-*"))  # it did die in the middle
    assert list_portfolios(workspace) == ["book"]
    assert listing(book.root) == before
    assert ingest_documents(workspace, [file], name="book", mapping=mapping).documents == 5
    assert not list(workspace.glob(".building-*"))


def test_a_proposal_can_be_ingested_as_it_stands(book: Portfolio, tmp_path: Path) -> None:
    documents = [
        {"kind": "application", "loan_id": f"L{n:03d}", "asked": "2019-05-01", "advised": True, 'odd"key': 1,
         "applicants": [{"name": f"N{n}", "incomes": [{"amount": n, "verified": n % 2 == 0}]}], "channel": "ab"[n % 2]}
        for n in range(40)
    ] + [valuation(f"L{n % 20:03d}", f"2020-01-{1 + n % 28:02d}", n if n else "soon") for n in range(40)]  # fmt: skip
    file = write(tmp_path / "d.jsonl", documents)
    before = listing(book.root)
    proposal = propose_documents([file], book.schema)
    assert listing(book.root) == before
    assert "application: 40 documents of 40 loans, dated by 'asked'" in proposal.notes
    assert any(note.startswith("application.applicants[*].name: left out (such as 'N0')") for note in proposal.notes)
    path = tmp_path / "proposed.toml"
    path.write_text(proposal.mapping_toml)
    result = ingest_documents(book.root.parent, [file], name="book", mapping=path)
    assert set(result.fields) == {
        "valuation_12m", "months_since_valuation", "value", "applicants_count",
        "applicants_incomes_amount", "applicants_incomes_verified", "advised", "channel",
    }  # fmt: skip
    assert result.quarantined == {"wrong type": 1}
    assert pd.read_parquet(book.root / "quality" / QUARANTINED).value.item() == "soon"
    rows = snapshot(open_portfolio(book.root.parent, "book"), "2020-03-31").set_index("loan_id")
    assert rows.loc["L007", ["applicants_count", "applicants_incomes_amount", "channel"]].tolist() == [1, 7, "b"]


def test_the_command_proposes_and_then_ingests(book: Portfolio, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from cli import main

    file = write(tmp_path / "d.jsonl", DOCUMENTS)
    before = listing(book.root)
    command = ["ingest", "documents", str(file), "--portfolio", "book", "--workspace", str(book.root.parent)]
    shown = CliRunner().invoke(main, command)
    assert shown.exit_code == 0
    assert "# valuation: 3 documents of 2 loans, dated by 'date'" in shown.stdout
    assert "Nothing was changed" in shown.stderr
    assert listing(book.root) == before
    path = tmp_path / "paths.toml"
    path.write_text(shown.stdout)  # what is printed is a mapping
    done = CliRunner().invoke(main, [*command, "--mapping", str(path)])
    assert done.exit_code == 0
    assert "book has 5 documents in" in done.stderr
    assert "value" in snapshot(open_portfolio(book.root.parent, "book"), "2021-03-31").columns
    wrong = CliRunner().invoke(main, [*command[:2], "none.jsonl", *command[3:]])
    assert wrong.exit_code == 2
    assert "none.jsonl: there is no such file" in wrong.stderr
