"""Documents made a table and joined to snapshots: nothing later than the date, nothing lost without being counted."""

import datetime
import gzip
import json
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest

from portfolio.documents import QUARANTINED, TABLE, Flattened, flatten_documents
from portfolio.documents_known import join_documents
from portfolio.errors import HypothecError
from portfolio.schema import Field, Schema


def declare(name: str, path: str, reduce: str, kind: str = "number", **more: Any) -> Field:
    return Field(name, name, kind, ("feature",), path=path, reduce=reduce, **more)  # type: ignore[arg-type]


SCHEMA = Schema("tiny", "history", (
    Field("loan_id", "Loan", "category", ("id",)),
    declare("applicants", "application.applicants[*]", "count"),
    declare("verified", "application.applicants[*].incomes[verified=true].amount", "share"),
    declare("value", "valuation.value", "last"),
    declare("first_value", "valuation.value", "first"),
    declare("mean_value", "valuation.value", "mean"),
    declare("method", "valuation.method", "last", "category"),
    declare("age", "valuation", "months_since"),
    declare("contacts", "contact", "count", window_months=12),
    declare("ever", "contact", "count"),
    declare("angry", "contact[topic=complaint]", "share"),
))  # fmt: skip


def application(loan: str, date: str, *incomes: tuple[float, bool]) -> dict[str, Any]:
    people = [{"incomes": [{"amount": amount, "verified": seen}]} for amount, seen in incomes]
    return {"kind": "application", "loan_id": loan, "date": date, "applicants": people}


def valuation(loan: str, date: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"kind": "valuation", "loan_id": loan, "date": date, "value": value, **more}


def contact(loan: str, date: str, topic: str = "rate") -> dict[str, Any]:
    return {"kind": "contact", "loan_id": loan, "date": date, "topic": topic}


def write(folder: Path, documents: list[Any], name: str = "all.jsonl", loans: str = "ABC") -> Path:
    (folder / "documents").mkdir(parents=True, exist_ok=True)
    text = "\n".join(item if isinstance(item, str) else json.dumps(item) for item in documents) + "\n"
    packed = gzip.compress(text.encode()) if name.endswith(".gz") else text.encode()
    (folder / "documents" / name).write_bytes(packed)
    pd.DataFrame({"loan_id": list(loans)}).to_parquet(folder / "loans.parquet")
    return folder


def known(folder: Path, date: str | None, schema: Schema = SCHEMA) -> pd.DataFrame:
    """The fields as known at a date, one row a loan."""
    backend = ibis.duckdb.connect()
    day = datetime.date.fromisoformat(date) if date else None
    loans = backend.read_parquet(str(folder / "loans.parquet"))
    table = join_documents(loans, backend.read_parquet(str(folder / TABLE)), schema, day)
    return table.to_pandas().set_index("loan_id").sort_index()


def quarantine(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "quality" / QUARANTINED)


def keys(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "quality" / "documents.parquet").set_index("path")


@pytest.fixture
def book(tmp_path: Path) -> Path:
    write(tmp_path, [
        application("A", "2019-01-05", (30_000, True), (10_000, False)),
        valuation("A", "2019-01-01", 100, method="full"),
        valuation("A", "2020-06-30", 160),
        valuation("A", "2021-06-30", 400, method="model"),
        contact("A", "2019-06-30"), contact("A", "2019-07-01", "complaint"), contact("A", "2020-06-30"),
        contact("A", "2020-07-01", "complaint"),
        application("B", "2020-07-01", (5_000, True)),
    ])  # fmt: skip
    flatten_documents(tmp_path, SCHEMA)
    return tmp_path


def test_what_is_known_at_a_date(book: Path) -> None:
    a = known(book, "2020-06-30").loc["A"]
    assert a.applicants == 2
    assert a.verified == 0.75  # 30,000 of 40,000
    assert a.value == 160  # of the day itself; that of 2021 is yet to come
    assert a.first_value == 100
    assert a.mean_value == 130  # (100 + 160) / 2
    assert a.method == "full"  # the second valuation names none: the last known
    assert a.age == 0
    assert a.contacts == 2  # July 2019 to June 2020: not the 30 June 2019, not the 1 July 2020
    assert a.ever == 3
    assert a.angry == pytest.approx(1 / 3)


def test_a_loan_without_documents_counts_zero_and_misses_the_rest(book: Path) -> None:
    b = known(book, "2020-06-30").loc["B"]  # its application comes a day later
    assert b.ever == b.contacts == 0
    assert b.drop(["ever", "contacts"]).isna().all()
    assert known(book, "2020-07-31").loc["B"].applicants == 1


def test_months_are_counted_to_the_latest_document(book: Path) -> None:
    assert known(book, "2021-05-31").loc["A"].age == 11  # June 2020 to May 2021
    assert known(book, "2021-06-30").loc["A"].age == 0


def test_without_a_date_every_document_counts(book: Path) -> None:
    a = known(book, None).loc["A"]
    assert a.value == 400
    assert a.ever == a.contacts == 4
    assert pd.isna(a.age)


def test_no_later_document_changes_what_was_known(tmp_path: Path) -> None:
    early = [valuation("A", "2020-01-01", 100), contact("A", "2020-02-01"), application("A", "2019-12-01", (1, True))]
    late = [valuation("A", "2020-07-01", 999), contact("A", "2020-07-01", "complaint"),
            application("A", "2020-07-01", (1, False), (1, False)), valuation("B", "2030-01-01", 5)]  # fmt: skip
    flatten_documents(write(tmp_path / "early", early), SCHEMA)
    flatten_documents(write(tmp_path / "late", [*late, *early]), SCHEMA)
    pd.testing.assert_frame_equal(known(tmp_path / "late", "2020-06-30"), known(tmp_path / "early", "2020-06-30"))


def test_an_amended_application_replaces_the_former(tmp_path: Path) -> None:
    first, second = application("A", "2020-01-01", (10, True), (10, True)), application("A", "2020-02-01", (10, False))
    flatten_documents(write(tmp_path, [second, first]), SCHEMA)
    assert known(tmp_path, "2020-01-31").loc["A", "applicants"] == 2
    assert known(tmp_path, "2020-03-31").loc["A", ["applicants", "verified"]].tolist() == [1, 0]


def test_of_two_on_one_day_the_later_line_and_file_win(tmp_path: Path) -> None:
    day = "2020-01-01"
    write(tmp_path, [valuation("A", day, 1), valuation("A", day, 2)], "a.jsonl")
    assert flatten_documents(tmp_path, SCHEMA).documents == 2
    assert known(tmp_path, day).loc["A", "value"] == 2
    flatten_documents(write(tmp_path, [valuation("A", day, 3)], "b.jsonl.gz"), SCHEMA)
    assert known(tmp_path, day).loc["A", "value"] == 3


def test_bad_lines_are_named_by_file_and_line(tmp_path: Path) -> None:
    lines = [
        valuation("A", "2020-01-01", 100),  # 1
        "",  # 2: blank
        '{"kind":"valuation","loan_id":"A"',  # 3: cut short
        '["a", "list"]',  # 4
        {"kind": "valuation", "value": 7},  # 5: of no loan
        valuation("Z", "2020-01-01", 7),  # 6: of a loan that is not there
        valuation("A", "2020-02-30", 7),  # 7: a day that never was
        {"kind": "valuation", "loan_id": "A", "value": 7},  # 8: undated
        valuation("A", "2021-01-01", "on request"),  # 9: the value is a word, the document stays
    ]
    found = flatten_documents(write(tmp_path, lines, "valuation.jsonl.gz"), SCHEMA)
    assert found.rules == {"no date": 2, "not a JSON object": 2, "no loan": 1, "unknown loan": 1, "wrong type": 3}
    assert found.documents == 2
    assert found.by_file == {"valuation.jsonl.gz": (8, 6)}
    bad = quarantine(tmp_path)
    assert set(bad.file) == {"valuation.jsonl.gz"}
    assert list(zip(bad.line, bad.rule, strict=True))[:6] == [
        (3, "not a JSON object"), (4, "not a JSON object"), (5, "no loan"), (6, "unknown loan"), (7, "no date"),
        (8, "no date"),
    ]  # fmt: skip
    words = bad[bad.line == 9]
    assert set(words["column"]) == {"value", "first_value", "mean_value"}  # the three fields that read it
    assert set(words.value) == {"on request"}
    assert bad[bad.line == 6].value.item() == "Z"
    assert bad[bad.line == 3].row.item() == '{"kind":"valuation","loan_id":"A"'
    assert known(tmp_path, "2021-12-31").loc["A", "value"] == 100  # the last value that is one


def test_keys_are_counted(tmp_path: Path) -> None:
    flatten_documents(write(tmp_path, [
        valuation("A", "2020-01-01", 100, method="full", inspector={"name": "Jan"}),
        valuation("A", "2020-02-01", "soon", method=None),
        valuation("B", "2020-02-01", 300, comparables=[{"price": 1}, {"price": 2}]),
        {"loan_id": "B", "date": "2020-02-01", "kind": "survey", "score": 7},
    ]), SCHEMA)  # fmt: skip
    found = keys(tmp_path)
    method = found.loc["valuation.method"]
    assert (method.documents, method.present, method.missing) == (3, 1, 2)  # a null is missing
    assert method.declared
    assert not method.unknown
    assert method.example == "full"
    unknown = {"valuation.inspector.name", "valuation.comparables[*].price", "survey.score"}
    assert set(found.index[found.unknown]) == unknown  # not id, kind and date
    assert found.loc["valuation.comparables[*].price", ["present", "missing"]].tolist() == [1, 2]
    assert found.loc["valuation.inspector.name", "example"] == "Jan"
    assert found.loc["valuation.value", ["present", "bad"]].tolist() == [3, 1]
    assert found.loc["application.applicants[*]", ["documents", "present"]].tolist() == [0, 0]  # declared, never seen
    assert found.loc["survey.score", "kind"] == "survey"


def test_a_kind_that_was_never_delivered_is_missing_not_zero(tmp_path: Path) -> None:
    flatten_documents(write(tmp_path, [valuation("A", "2020-01-01", 1)]), SCHEMA)
    assert known(tmp_path, "2020-01-31")["ever"].isna().all()


def test_kind_date_key_and_always(tmp_path: Path) -> None:
    schema = Schema("s", "history", (
        Field("loan_id", "Loan", "category", ("id",)),
        declare("score", "survey.score", "last", as_of="signed"),
        declare("colour", "front.colour", "last", "category", as_of="always"),
    ))  # fmt: skip
    write(tmp_path, [{"loan_id": "A", "signed": "2020-05-01", "score": 3}], "survey-2020.jsonl")
    write(tmp_path, [{"loan_id": "A", "date": "2099-01-01", "colour": "red"}, {"loan_id": "B", "colour": "blue"}],
          "front.jsonl")  # fmt: skip
    assert flatten_documents(tmp_path, schema).documents == 3
    assert known(tmp_path, "2020-04-30", schema).loc["A"].tolist()[1:] == ["red"]
    assert known(tmp_path, "2020-04-30", schema)["score"].isna().all()
    assert known(tmp_path, "2020-05-01", schema).loc["A", "score"] == 3


def test_the_same_documents_give_the_same_bytes(book: Path) -> None:
    before = [(book / name).read_bytes() for name in (TABLE, "quality/documents.parquet", f"quality/{QUARANTINED}")]
    flatten_documents(book, SCHEMA)
    after = [(book / name).read_bytes() for name in (TABLE, "quality/documents.parquet", f"quality/{QUARANTINED}")]
    assert after == before


def test_no_documents_give_nothing(tmp_path: Path) -> None:
    assert flatten_documents(tmp_path, SCHEMA) == Flattened()
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_text_is_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path, [], "ok.jsonl")
    (tmp_path / "documents" / "bad.jsonl").write_bytes(b'{"loan_id":"\xff\xfe"}\n')
    with pytest.raises(HypothecError, match=r"^bad\.jsonl: cannot be read as JSON lines in UTF-8"):
        flatten_documents(tmp_path, SCHEMA)
    (tmp_path / "documents" / "bad.jsonl").unlink()
    (tmp_path / "documents" / "cut.jsonl.gz").write_bytes(gzip.compress(b'{"loan_id":"A"}\n' * 9999)[:60])
    with pytest.raises(HypothecError, match=r"^cut\.jsonl\.gz: cannot be read"):
        flatten_documents(tmp_path, SCHEMA)


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    odd = "x'); DROP TABLE docs; --"
    schema = Schema("s", "history", (
        Field("loan_id", "Loan", "category", ("id",)),
        declare(odd, f'note."{odd}"', "last", "category"),
    ))  # fmt: skip
    flatten_documents(write(tmp_path, [{"loan_id": "A", "date": "2020-01-01", odd: odd}], "note.jsonl"), schema)
    assert known(tmp_path, "2020-01-31", schema).loc["A", odd] == odd


def test_an_id_with_odd_letters_is_found(tmp_path: Path) -> None:
    name = 'loan "no\\1'
    schema = Schema("s", "history", (Field(name, "L", "category", ("id",)), declare("n", "note.n", "last")))
    write(tmp_path, [{name: "A", "date": "2020-01-01", "n": 1}], "note.jsonl")
    pd.DataFrame({name: ["A"]}).to_parquet(tmp_path / "loans.parquet")
    assert flatten_documents(tmp_path, schema).documents == 1


def test_line_numbers_hold_in_a_long_file(tmp_path: Path) -> None:
    lines: list[Any] = [contact("A", "2020-01-01")] * 300_000
    lines[123_456] = lines[299_999] = "broken"
    flatten_documents(write(tmp_path, lines), SCHEMA)
    assert quarantine(tmp_path).line.tolist() == [123_457, 300_000]
