"""Each rule on a book of three loans made by hand, in which it is broken once; and none on the demo."""

import datetime

import pandas as pd
import pytest

from portfolio.demo.generate import generate_history
from portfolio.demo.schema import make_schema
from portfolio.quality_rules import check_rules
from portfolio.schema import Field, Schema

SCHEMA = Schema(
    "Three loans",
    "history",
    (
        Field("loan_id", "Loan", "category", ("id",)),
        Field("origination_date", "Granted on", "date", ("ignore",), meaning="origination_date"),
        Field("maturity_date", "Matures on", "date", ("ignore",), meaning="maturity_date"),
        Field("balance", "Balance", "number", ("exposure", "feature"), unit="EUR"),
        Field("rate", "Rate", "number", ("feature",), unit="share", meaning="rate", minimum=-0.5),
        Field("income", "Income", "number", ("feature",), unit="EUR", meaning="income"),
        Field("country", "Country", "category", ("segment",), categories=("Italy", "Belgium")),
        Field("borrower_age", "Age", "number", ("protected",), meaning="age", maximum=120),
    ),
)
MONTHS = [
    datetime.date(2024, 1, 31),
    datetime.date(2024, 2, 29),
    datetime.date(2024, 3, 31),
    datetime.date(2024, 4, 30),
]


def book():
    """Three good loans over four months."""
    loans = pd.DataFrame({
        "loan_id": ["a", "b", "c"], "origination_date": [datetime.date(2024, 1, 15)] * 3,
        "maturity_date": [datetime.date(2044, 1, 31)] * 3, "original_balance": [100.0] * 3,
        "country": ["Italy", "Belgium", None], "borrower_age": [30.0, 40.0, None],
    })  # fmt: skip
    rows = pd.DataFrame([{
        "loan_id": loan, "month": month, "balance": 100.0, "rate": 0.02, "income": 50.0, "days_past_due": 0,
        "status": "performing", "event": "",
    } for loan in "abc" for month in MONTHS])  # fmt: skip
    return loans, rows


def check(folder, loans, rows, schema=SCHEMA):
    """Write the book and return the broken rules: (table, rule) to (broken, examples)."""
    (folder / "performance" / "year=2024").mkdir(parents=True, exist_ok=True)
    loans.to_parquet(folder / "loans.parquet")
    rows.to_parquet(folder / "performance" / "year=2024" / "part.parquet")
    found = check_rules(folder, schema)
    broken = found[found["broken"] > 0]
    return {(row.table, row.rule): (row.broken, row.examples) for row in broken.itertuples()}


def test_a_good_book_breaks_no_rule_and_every_rule_is_counted(tmp_path):
    loans, rows = book()
    assert check(tmp_path, loans, rows) == {}
    found = check_rules(tmp_path, SCHEMA).set_index(["table", "rule", "fields"])
    assert found.loc[("performance", "plausible rate", "rate"), "checked"] == 12
    assert found.loc[("performance", "month gaps", "month"), "checked"] == 3
    assert (found["share"] == 0).all()


@pytest.mark.parametrize(("column", "place", "value", "rule"), [
    ("balance", 1, -1.0, "minimum"),
    ("rate", 1, -0.6, "minimum"),
    ("rate", 1, 3.5, "plausible rate"),  # 3.5 as a share is 350 %: per cent delivered as a share
    ("income", 1, 0.0, "plausible income"),
    ("month", 3, datetime.date(2024, 4, 29), "month end"),
    ("days_past_due", 1, 30, "status against arrears"),
    ("status", 1, "arrears", None),
])  # fmt: skip
def test_a_wrong_cell_of_a_month_is_named(tmp_path, column, place, value, rule):
    loans, rows = book()
    rows.loc[place, column] = value
    found = check(tmp_path, loans, rows)
    if rule == "minimum" and column == "rate":  # −60 % is below the minimum and implausible as well
        assert found.pop(("performance", "plausible rate"))[0] == 1
    if rule is None:
        assert found == {}
    else:
        assert found == {("performance", rule): (1, f"a {rows['month'].iloc[place]}")}


def test_ninety_days_past_due_must_be_default(tmp_path):
    loans, rows = book()
    rows.loc[2, ["days_past_due", "status"]] = [90, "arrears"]
    assert set(check(tmp_path, loans, rows)) == {("performance", "default not marked")}


def test_a_prepaid_loan_owes_nothing_and_has_no_later_months(tmp_path):
    loans, rows = book()
    rows.loc[1, "event"] = "prepaid"
    found = check(tmp_path, loans, rows)
    assert found[("performance", "balance after the end")][0] == 1
    assert found[("performance", "rows after the end")] == (1, "a")


@pytest.mark.parametrize(("drop", "repeat", "broken"), [
    ([1], [], {"month gaps"}),
    ([], [1], {"repeated months"}),
    ([1], [0], {"month gaps", "repeated months"}),  # as many rows as months, yet neither in order
    ([1, 2], [0], {"month gaps", "repeated months"}),
    ([0], [], set()),  # a loan that is first seen later has no gap
])  # fmt: skip
def test_gaps_and_repeated_months_are_told_apart(tmp_path, drop, repeat, broken):
    loans, rows = book()
    rows = pd.concat([rows.drop(index=drop), rows.loc[repeat]])
    found = check(tmp_path, loans, rows)
    assert {rule for _, rule in found} == broken
    assert all(value == (1, "a") for value in found.values())


def test_rules_between_the_tables(tmp_path):
    loans, rows = book()
    loans.loc[0, "origination_date"] = datetime.date(2024, 2, 1)  # a has a row in January
    loans.loc[1, "maturity_date"] = datetime.date(2024, 1, 15)  # b matures on the day it is granted
    loans.loc[2, "loan_id"] = "d"  # c is not known, d has no months
    rows.loc[6, "balance"] = 111.0  # b owes more than 1.1 × 100
    assert check(tmp_path, loans, rows) == {
        ("performance", "months before origination"): (1, "a"),
        ("performance", "balance above the original"): (1, "b"),
        ("performance", "unknown loan"): (1, "c"),
        ("loans", "maturity before origination"): (1, "b"),
    }


def test_rules_on_single_fields_of_the_loans(tmp_path):
    loans, rows = book()
    loans["country"] = ["Italy", "Spain", None]
    loans["borrower_age"] = [17.0, 130.0, None]
    loans["origination_date"] = [datetime.date(2024, 1, 15), None, datetime.date(2024, 1, 15)]
    found = check(tmp_path, pd.concat([loans, loans.iloc[:1]]), rows)
    assert found[("loans", "category")] == (1, "b")  # an empty category is missing, not wrong
    assert found[("loans", "plausible age")][0] == 3  # 17, and again in the repeated row, and 130
    assert found[("loans", "maximum")] == (1, "b")
    assert found[("loans", "missing date")] == (1, "b")
    assert found[("loans", "unique key")] == (1, "a")


def test_a_column_of_the_wrong_type_breaks_in_every_row(tmp_path):
    loans, rows = book()
    found = check(tmp_path, loans, rows.assign(income="much"))
    assert found[("performance", "type")][0] == 12


def test_at_most_twenty_examples_are_kept(tmp_path):
    loans, rows = book()
    many = pd.concat([loans.iloc[:1].assign(loan_id=f"x{place}", country="Spain") for place in range(30)])
    broken, examples = check(tmp_path, many, rows)[("loans", "category")]
    assert (broken, len(examples.split(", "))) == (30, 20)


def test_the_demo_keeps_every_rule(tmp_path):
    generate_history(tmp_path, loans=800, months=48, seed=11)
    found = check_rules(tmp_path, make_schema(48))
    assert len(found) > 30
    assert found.loc[found["broken"] > 0, ["table", "rule", "broken"]].to_dict("records") == []


def test_months_of_unknown_arrears_are_counted(tmp_path):
    """Of four rows without days past due, one is in default by its status and one has ended: two are unknown."""
    loans, rows = book()
    rows["days_past_due"] = rows["days_past_due"].astype("Int64")
    unknown = [("a", MONTHS[0]), ("a", MONTHS[1]), ("b", MONTHS[3]), ("c", MONTHS[3])]
    at = pd.MultiIndex.from_frame(rows[["loan_id", "month"]]).isin(unknown)
    rows.loc[at, ["days_past_due", "status"]] = [pd.NA, None]
    rows.loc[at & (rows["loan_id"] == "b"), "status"] = "default"
    rows.loc[at & (rows["loan_id"] == "c"), ["event", "balance"]] = ["prepaid", 0.0]
    broken = check(tmp_path, loans, rows)
    assert broken == {("performance", "arrears unknown"): (2, "a 2024-01-31, a 2024-02-29")}
