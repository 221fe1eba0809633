"""What was found at loading comes back as it was written, and its counts agree with the quarantined rows."""

import json

import pytest

from portfolio.errors import HypothecError
from portfolio.quality import LOAD, QUARANTINE_COLUMNS, Load, load_load, load_quarantine, save_load
from portfolio.sources.mapping import FieldMapping, Mapping
from portfolio.sources.table import ingest_table
from portfolio.workspace import Portfolio


def test_a_load_comes_back(tmp_path):
    load = Load("leningen é.csv", 10, 7, 3, {"text in a number": 2, "missing id": 1}, ("a: b", 'c "d"'))
    save_load(load, tmp_path / "quality")
    assert load_load(Portfolio(tmp_path)) == load


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"file": "x", "notes": []}', '{"notes": 3}'])
def test_a_broken_record_is_refused_by_name(tmp_path, content):
    (tmp_path / "quality").mkdir()
    (tmp_path / "quality" / LOAD).write_text(content)
    with pytest.raises(HypothecError, match=r"load\.json: cannot read what was found at loading"):
        load_load(Portfolio(tmp_path))


def test_a_missing_record_is_refused(tmp_path):
    with pytest.raises(HypothecError, match="ingest the file again"):
        load_load(Portfolio(tmp_path))


def test_no_bad_rows_give_an_empty_table_of_the_same_columns(tmp_path):
    assert tuple(load_quarantine(Portfolio(tmp_path)).columns) == QUARANTINE_COLUMNS
    assert load_quarantine(Portfolio(tmp_path)).empty


def test_the_counts_agree_with_the_rows(tmp_path):
    lines = [f"{n},{'x' if n % 10 == 3 else n},{'?' if n % 15 == 3 else 'N'},{n % 2}" for n in range(150)] + [
        "too,short"
    ]
    (tmp_path / "loans.csv").write_text("\n".join(["loan_id,income,region,default", *lines]) + "\n")
    mapping = Mapping(fields={"income": FieldMapping(kind="number"), "region": FieldMapping(categories=("N", "S"))})
    result = ingest_table(tmp_path / "w", tmp_path / "loans.csv", name="book", mapping=mapping)
    load, found = load_load(result.portfolio), load_quarantine(result.portfolio)
    # 15 of 150 rows have n % 10 == 3; 10 have n % 15 == 3, 5 of them (n = 3, 33, 63, …) both; one row is too short
    assert load.rules == {"text in a number": 15, "unknown category": 10, "unreadable row": 1}
    assert load.quarantined == 21 == found["line"].nunique()
    assert result.quarantined == load.rules
    assert load.rows_read == load.rows_kept + load.quarantined == 151
    assert found.groupby("rule")["line"].nunique().to_dict() == load.rules
    assert tuple(found.columns) == QUARANTINE_COLUMNS
    bad = found[found["line"] == 5]  # n = 3 stands on line 5
    assert bad["column"].tolist() == ["income", "region"]
    assert json.loads(bad.iloc[0]["row"]) == {"loan_id": "3", "income": "x", "region": "?", "default": "1"}
    assert result.portfolio.manifest["quarantined"] == 21
