"""Downloads of a table: CSV, Parquet and Excel, with text that a spreadsheet would run as a formula made harmless."""

import datetime
import io
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
EXCEL_ROWS = 1_048_575  # beside the header
EXCEL_TEXT = 32_767
EXACT = 2**53  # Excel's numbers are floats
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def menu(
    table: pd.DataFrame | Callable[[], pd.DataFrame],
    name: str,
    about: Mapping[str, str],
    *,
    key: str,
    notebook: Callable[[], bytes] | None = None,
) -> None:
    """Draw the menu "Export". `about` says what the table is: it goes into the Excel file and the Parquet metadata.

    Files are made when asked for: bytes given to Streamlit would be published before.
    """

    def rows() -> pd.DataFrame:
        return table() if callable(table) else table

    kinds: list[tuple[str, Callable[[], bytes], str, str, str]] = [
        ("CSV", lambda: to_csv(rows()), "csv", "text/csv", "table"),
        ("Parquet", lambda: to_parquet(rows(), about), "parquet", "application/vnd.apache.parquet", "database"),
        ("Excel", lambda: to_excel(rows(), about), "xlsx",
         "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "grid_on"),
    ]  # fmt: skip
    if notebook is not None:
        kinds.append(("Jupyter notebook", notebook, "ipynb", "application/x-ipynb+json", "code_blocks"))
    with st.popover("Export", icon=":material/download:", type="tertiary", key=f"{key}_export"):
        for label, make, ending, mime, icon in kinds:
            st.download_button(
                label,
                make,
                file_name=f"{name}.{ending}",
                mime=mime,
                icon=f":material/{icon}:",
                key=f"{key}_{ending}",
                on_click="ignore",
                type="tertiary",
            )


def to_csv(table: pd.DataFrame) -> bytes:
    """Return a table as CSV; text and headings that a spreadsheet would run as a formula get an apostrophe before."""
    safe = table.copy()
    for name in _texts(safe):
        safe[name] = safe[name].astype(object).map(_defuse)
    safe.columns = pd.Index([_defuse(str(name)) for name in safe.columns])
    # RFC 4180's line ends, for which a lone carriage return inside a text is quoted: it would begin a new row.
    return safe.to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig")


def _texts(table: pd.DataFrame) -> list[Any]:
    """Return the columns that may hold text."""
    plain = (pd.api.types.is_numeric_dtype, pd.api.types.is_bool_dtype, pd.api.types.is_datetime64_any_dtype)
    return [name for name in table.columns if not any(check(table[name].dtype) for check in plain)]


def _defuse(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(DANGEROUS) else value


def to_parquet(table: pd.DataFrame, about: Mapping[str, str] | None = None) -> bytes:
    """Return a table as Parquet, with `about` in the file's metadata under "hypothec"."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    tidy = table.copy()
    tidy.columns = pd.Index([str(name) for name in tidy.columns])
    for name in _texts(tidy):
        if isinstance(tidy[name].dtype, pd.CategoricalDtype):
            tidy[name] = tidy[name].astype("string")
    try:
        arrow = pa.Table.from_pandas(tidy, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # a column of mixed things has no type in Parquet: its text has
        mixed = {name: tidy[name].map(_as_text) for name in _texts(tidy)}
        arrow = pa.Table.from_pandas(tidy.assign(**mixed), preserve_index=False)
    facts = {b"hypothec": json.dumps(dict(about or {}), ensure_ascii=False).encode()}
    buffer = io.BytesIO()
    pq.write_table(arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), **facts}), buffer)
    return buffer.getvalue()


def _as_text(value: Any) -> str | None:
    missing = value is None or (pd.api.types.is_scalar(value) and pd.isna(value))
    return None if missing else str(value)


def to_excel(table: pd.DataFrame, about: Mapping[str, str] | None = None) -> bytes:
    """Return a table as an Excel workbook: sheet "Data" with bold headings, sheet "About" with what it is.

    Text is stored as text, never as a formula, and marked so that it stays text when edited. Dates are dates.
    A table longer than a sheet is cut, and "About" says so.
    """
    from openpyxl import Workbook
    from openpyxl.styles import Font

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Data")
    sheet.freeze_panes = "A2"
    bold = Font(bold=True)
    sheet.append([safe_cell(sheet, str(name), bold) for name in table.columns])
    for row in table.head(EXCEL_ROWS).itertuples(index=False, name=None):
        sheet.append([safe_cell(sheet, value) for value in row])
    facts = dict(about or {})
    if len(table) > EXCEL_ROWS:
        facts["Cut"] = f"{EXCEL_ROWS:,} of {len(table):,} rows: a sheet holds no more"
    page = book.create_sheet("About")
    page.column_dimensions["A"].width, page.column_dimensions["B"].width = 22, 100
    for name, text in facts.items():
        page.append([safe_cell(page, name, bold), safe_cell(page, text)])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def safe_cell(sheet: Any, value: Any, font: Any = None) -> Any:
    """Return a cell that shows `value` and computes nothing."""
    from openpyxl.cell import WriteOnlyCell

    shown = _excel_value(value)
    cell = WriteOnlyCell(sheet, value=shown)
    if isinstance(shown, str):
        cell.data_type = "s"  # openpyxl takes "=…" for a formula
        cell.quotePrefix = shown.startswith(DANGEROUS)
    if font is not None:
        cell.font = font
    return cell


def _excel_value(value: Any) -> Any:
    """Return a value as Excel can hold it: None, a number, a date or text."""
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return None
    if isinstance(value, pd.Timestamp):
        day = value.tz_convert("UTC").tz_localize(None) if value.tzinfo else value
        return day.date() if day == day.normalize() else day.to_pydatetime()
    if isinstance(value, datetime.datetime | datetime.time) and value.tzinfo is not None:
        return value.isoformat()
    if isinstance(value, datetime.date | datetime.time | bool):
        return value
    if pd.api.types.is_number(value):
        number: Any = value.item() if hasattr(value, "item") else value
        safe = math.isfinite(number) and (not isinstance(number, int) or abs(number) <= EXACT)
        return number if safe else str(number)
    return _CONTROL.sub("", str(value))[:EXCEL_TEXT]
