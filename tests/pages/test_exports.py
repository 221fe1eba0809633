"""Downloads, read back by the programs that users open them with: nothing runs, nothing is lost."""

import datetime
import io
import json

import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest

from pages.common.exports import EXCEL_TEXT, to_csv, to_excel, to_parquet

# What spreadsheets run: OWASP's list of CSV injection prefixes.
ATTACKS = ["=1+1", "=cmd|' /C calc'!A0", "+1+cmd|x", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1"]


def table():
    return pd.DataFrame({
        "=heading": ["fine", *ATTACKS],
        "n": np.arange(9) - 4,
        "when": pd.date_range("2024-01-31", periods=9, freq="ME"),
        "seen": pd.Timestamp("2024-05-01 12:30", tz="Europe/Rome"),
        "group": pd.Categorical(["=a", "b", "b", None, "b", "b", "b", "b", "b"], ordered=True),
        "maybe": [1.5, None, np.inf, *[0.25] * 6],
    })  # fmt: skip


def workbook(frame, about=None):
    return openpyxl.load_workbook(io.BytesIO(to_excel(frame, about)))


def test_csv_prefixes_every_formula_and_no_number():
    back = pd.read_csv(io.BytesIO(to_csv(table())), dtype=str, keep_default_na=False, lineterminator="\n")
    assert back.columns[0] == "'=heading"
    whole = to_csv(table()).decode("utf-8-sig")
    for attack in ATTACKS[:5]:
        assert f"'{attack}" in whole
    assert back["n"].tolist()[0] == "-4"
    assert back["group"].iloc[0] == "'=a"


@pytest.mark.parametrize("attack", ATTACKS)
def test_csv_leaves_no_cell_that_begins_like_a_formula(attack):
    import csv

    text = to_csv(pd.DataFrame({attack: [attack]})).decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert cells == [f"'{attack}"] * 2


def test_excel_stores_text_as_text_and_says_so():
    sheet = workbook(table())["Data"]
    column = [sheet.cell(row, 1) for row in range(1, 11)]
    assert {cell.data_type for cell in column} == {"s"}  # a formula would be "f"
    assert column[2].value == "=1+1"  # unchanged: the mark is in the style, not in the text
    assert column[2].quotePrefix
    assert not column[1].quotePrefix
    assert sheet["A1"].font.bold


def test_excel_keeps_dates_numbers_and_gaps():
    sheet = workbook(table())["Data"]
    assert sheet["C2"].value == datetime.datetime(2024, 1, 31)
    assert sheet["C2"].is_date
    assert sheet["D2"].value == datetime.datetime(2024, 5, 1, 10, 30)  # 12:30 in Rome in summer is 10:30 UTC
    assert (sheet["B2"].value, sheet["F2"].value, sheet["F3"].value, sheet["F4"].value) == (-4, 1.5, None, "inf")


def test_excel_bears_what_a_query_may_return():
    odd = pd.DataFrame(
        {"x": [[1, 2], {"a": 1}, "a\x00b", "x" * 40_000, 2**60, np.int64(7), pd.NaT, True]}, dtype=object
    )
    values = [row[0].value for row in workbook(odd)["Data"].iter_rows(min_row=2)]
    assert values[:3] == ["[1, 2]", "{'a': 1}", "ab"]
    assert len(values[3]) == EXCEL_TEXT
    assert values[4:] == [str(2**60), 7, None, True]  # a float would lose the last digits of 2^60


def test_excel_says_what_it_is():
    about = {"Definition": "=evil()", "Data SHA-256": "ab" * 32}
    rows = [[cell.value for cell in row] for row in workbook(table(), about)["About"].iter_rows()]
    assert rows == [["Definition", "=evil()"], ["Data SHA-256", "ab" * 32]]
    assert workbook(table(), about)["About"]["B1"].data_type == "s"


def test_parquet_keeps_types_and_says_what_it_is():
    data = to_parquet(table(), {"What": "test"})
    back = pd.read_parquet(io.BytesIO(data))
    assert back["when"].tolist() == table()["when"].tolist()
    assert back["=heading"].tolist() == table()["=heading"].tolist()  # Parquet runs nothing: text as it is
    assert json.loads(pq.read_schema(io.BytesIO(data)).metadata[b"hypothec"]) == {"What": "test"}


def test_parquet_bears_mixed_columns():
    back = pd.read_parquet(io.BytesIO(to_parquet(pd.DataFrame({"x": [1, "a", None]}, dtype=object))))
    assert back["x"].tolist()[:2] == ["1", "a"]
    assert pd.isna(back["x"].iloc[2])


def test_an_empty_table_is_no_error():
    empty = table().head(0)
    assert len(pd.read_parquet(io.BytesIO(to_parquet(empty)))) == 0
    assert workbook(empty)["Data"].max_row == 1
    assert to_csv(empty).decode("utf-8-sig").count("\n") == 1
