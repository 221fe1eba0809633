"""Paths into documents: what they read, what is refused, and what each reduction makes of one document."""

import json

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.document_paths import CASTS, MACROS, document_sql, parse_path
from portfolio.errors import HypothecError
from portfolio.schema import Field, Schema, load_schema, save_schema

APPLICATION = {
    "applicants": [
        {"role": "main", "since": "2009-05-01", "incomes": [
            {"type": "salary", "amount": 30_000, "verified": True},
            {"type": "rent", "amount": "6000", "verified": False}]},
        {"role": "partner", "incomes": [{"type": "salary", "amount": 12_000, "verified": False}, {"type": "gift"}]},
    ],
    "debts": [], "advised": True, "place": {"post code": "1011 AB"}, "asked": "2019-04-02T10:30:00",
}  # fmt: skip


def read(path: str, reduce: str = "last", kind: str = "number", body: object = None) -> object:
    connection = duckdb.connect()
    for macro in MACROS:
        connection.execute(f"CREATE MACRO {macro}")
    sql = document_sql(parse_path(path), reduce, kind, "body")
    found = connection.execute(f"SELECT {sql} FROM (SELECT ?::JSON AS body)", [json.dumps(body or APPLICATION)])
    row = found.fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(("path", "reduce", "expected"), [
    ("application.applicants[*]", "count", 2),
    ("application.debts[*]", "count", 0),  # the list is there and empty
    ("application.cars[*]", "count", None),  # there is no such list
    ("application.applicants[*].incomes[*]", "count", 4),
    ("application.applicants[*].incomes[*].amount", "sum", 48_000),  # 30,000 + "6000" + 12,000; the gift has none
    ("application.applicants[*].incomes[*].amount", "mean", 16_000),  # 48,000 / 3
    ("application.applicants[*].incomes[*].amount", "min", 6_000),
    ("application.applicants[*].incomes[*].amount", "max", 30_000),
    ("application.applicants[*].incomes[*].amount", "first", 30_000),
    ("application.applicants[*].incomes[*].amount", "last", 12_000),
    ("application.applicants[*].incomes[type=salary].amount", "sum", 42_000),
    ("application.applicants[*].incomes[type=bonus].amount", "sum", 0),
    ("application.debts[*].monthly", "sum", 0),
    ("application.cars[*].price", "sum", None),
    ("application.applicants[role=main].incomes[*].amount", "sum", 36_000),
    ("application.applicants[*].incomes[verified=true].amount", "share", 0.625),  # 30,000 / 48,000
    ("application.applicants[*].incomes[verified=true]", "share", 0.25),  # one of four incomes
    ("application.applicants[*].incomes[*].verified", "share", 1 / 3),  # one true of three that say
    ("application.applicants[*].incomes[type=rent]", "any", 1),
    ("application.applicants[*].incomes[type=bonus]", "any", 0),
    ("application.applicants[*].incomes[*].verified", "any", 1),
    ("application.advised", "last", 1),
    ("application", "count", 1),
    ("application[advised=true]", "count", 1),
    ("application[advised=false]", "count", None),
    ("application[advised=false]", "share", 0),
])  # fmt: skip
def test_numbers_of_one_document(path: str, reduce: str, expected: float | None) -> None:
    assert read(path, reduce) == (None if expected is None else pytest.approx(expected))


def test_texts_and_dates_of_one_document() -> None:
    assert read("application.applicants[*].role", "first", "category") == "main"
    assert read("application.applicants[role=partner].role", "last", "category") == "partner"
    assert read('application.place."post code"', "last", "category") == "1011 AB"
    assert str(read("application.applicants[*].since", "first", "date")) == "2009-05-01"
    assert str(read("application.asked", "last", "date")) == "2019-04-02"  # the time of day is dropped


@pytest.mark.parametrize("value", ["n/a", "1.234,00", "nan", "inf", "1_000", {"a": 1}, [1], ""])
def test_what_is_no_number_is_missing(value: object) -> None:
    assert read("valuation.value", body={"value": value}) is None


def test_a_date_that_cannot_be_is_missing() -> None:
    assert read("x.day", "last", "date", {"day": "2021-02-30"}) is None
    assert read("x.day", "last", "date", {"day": 20210228}) is None


@pytest.mark.parametrize(("path", "at"), [
    ("application..amount", 12), ("application.applicants[].amount", 23), ("application.applicants[*", 23),
    ("application.applicants[*]amount", 26), ("contact[*]", 8), ("contact[a=1][b=2]", 13), ("x.a b", 4),
])  # fmt: skip
def test_a_malformed_path_says_where_and_what_a_path_looks_like(path: str, at: int) -> None:
    with pytest.raises(HypothecError, match=rf"from character {at} on: a path is the kind .* as in application\."):
        parse_path(path)


@pytest.mark.parametrize("path", ["", ".a", "[*].a", "1x.a"])
def test_a_path_begins_with_a_kind(path: str) -> None:
    with pytest.raises(HypothecError, match="is no path into documents"):
        parse_path(path)


@pytest.mark.parametrize(("given_", "message"), [
    ({"path": "a.b[*"}, "field 'f': 'a.b.*' is no path"),
    ({"path": "a.b", "reduce": "median"}, "reduce of a number must be one of first, last, count"),
    ({"path": "a.b", "reduce": "sum", "kind": "category"}, "reduce of a category must be one of first, last"),
    ({"path": "a", "reduce": "last"}, "names whole documents"),
    ({"path": "a.b", "reduce": "months_since"}, "its path is the kind alone"),
    ({"path": "a.b[*]", "reduce": "share"}, "needs a key or a condition"),
    ({"reduce": "sum"}, "need a path into documents"),
    ({"path": "a.b", "window_months": -1}, "window_months must be 0 or more"),
    ({"path": "a", "reduce": "count", "as_of": "always", "window_months": 3}, "have no date|no date from which"),
    ({"path": "a.b", "roles": ("target",)}, "a field from documents is"),
])  # fmt: skip
def test_a_declaration_that_cannot_be_is_refused_by_field(given_: dict[str, object], message: str) -> None:
    values = {"name": "f", "label": "F", "kind": "number", "roles": ("feature",), **given_}
    with pytest.raises(HypothecError, match=message):
        Field(**values)  # type: ignore[arg-type]


def test_fields_of_one_kind_agree_on_the_date() -> None:
    fields = (Field("a", "A", "number", (), path="x.a"), Field("b", "B", "number", (), path="x.b", as_of="signed"))
    with pytest.raises(HypothecError, match="fields from x documents must agree on as_of, b differs"):
        Schema("s", "table", fields)


def test_declarations_survive_the_file(tmp_path) -> None:
    fields = (
        Field("loan", "Loan", "category", ("id",)),
        Field(
            "n", "N", "number", ("feature",), path='x.a[k=v w]."b c"', reduce="sum", as_of="signed", window_months=12
        ),
        Field("m", "M", "number", ("feature",), path="y", reduce="count", as_of="always"),
    )
    schema = Schema("s", "table", fields)
    save_schema(schema, tmp_path / "schema.toml")
    assert load_schema(tmp_path / "schema.toml") == schema


@given(st.text(max_size=30))
def test_any_text_is_a_path_or_refused_in_one_line(text: str) -> None:
    said = ""
    try:
        kind = parse_path(text).kind
    except HypothecError as error:
        said = str(error)
    assert "a path is the kind of document" in said if said else text.startswith((kind, f'"{kind}"'))


@settings(max_examples=30, deadline=None)
@given(st.text(st.characters(exclude_characters='[]"', exclude_categories=("C",)), min_size=1, max_size=12))
def test_no_condition_breaks_out_of_its_quotes(value: str) -> None:
    path = f"x.items[name={value}].n"
    assert read(path, "sum", body={"items": [{"name": value, "n": 2}, {"name": value + "!", "n": 5}]}) == 2


def test_every_kind_has_a_cast() -> None:
    assert set(CASTS) == {"number", "category", "date"}
