# ruff: noqa: S608 (columns are staged as c0, c1, …; every text of a user passes through quote())
"""Files that know their own columns: Parquet and Excel, staged as the text that a CSV file would hold."""

import datetime
import json
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb

from portfolio.errors import HypothecError
from portfolio.sources.cells import quote
from portfolio.sources.mapping import TableOptions
from portfolio.sources.raw import RawTable, Rejected, check_names, first_line

BATCH = 20_000


def load_parquet(path: Path, options: TableOptions, connection: duckdb.DuckDBPyConnection, scratch: Path) -> RawTable:
    """Stage a Parquet file; HypothecError if it cannot be read."""
    del options, scratch  # Parquet says itself what it holds
    read = f"read_parquet({quote(str(path))})"
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {read}").fetchall()
        names = check_names(path, [row[0] for row in described])
        cells = ", ".join(f"{_text_of(row[0], row[1])} AS c{i}" for i, row in enumerate(described))
        connection.execute(f"CREATE TABLE staged AS SELECT {cells} FROM {read}")
    except duckdb.Error as error:
        raise HypothecError(f"{path.name}: cannot be read as Parquet ({first_line(error)})") from None
    connection.execute("CREATE VIEW raw AS SELECT rowid AS rec, * FROM staged")
    kept = connection.execute("SELECT count(*) FROM staged").fetchone()
    return RawTable(path, connection, names, kept[0] if kept else 0, "row", 1)


def _text_of(name: str, kind: str) -> str:
    """Return a Parquet column as the text that a CSV file would hold: 5.0 as 5, so that codes and ids compare."""
    column = '"' + name.replace('"', '""') + '"'
    if kind in ("DOUBLE", "FLOAT"):
        return (
            f"CASE WHEN isfinite({column}) AND {column} = trunc({column}) AND abs({column}) < 1e15 "
            f"THEN {column}::BIGINT::VARCHAR ELSE {column}::VARCHAR END"
        )
    return f"{column}::VARCHAR"


def load_excel(path: Path, options: TableOptions, connection: duckdb.DuckDBPyConnection, scratch: Path) -> RawTable:
    """Stage one sheet of an Excel file, the first if the options name none; HypothecError if it cannot be read."""
    del scratch
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError) as error:
        raise HypothecError(f"{path.name}: cannot be read as Excel ({error})") from None
    try:
        sheet = options.sheet or book.sheetnames[0]
        if sheet not in book.sheetnames:
            raise HypothecError(f"{path.name}: there is no sheet {sheet!r}; it has {', '.join(book.sheetnames)}")
        rows = (
            (place, [_cell_text(cell) for cell in row])
            for place, row in enumerate(book[sheet].iter_rows(values_only=True), start=1)
        )
        return _stage_rows(path, connection, ((place, row) for place, row in rows if any(row)))
    finally:
        book.close()


def _stage_rows(path: Path, connection: duckdb.DuckDBPyConnection, rows: Iterator[tuple[int, list[str]]]) -> RawTable:
    """Stage rows that are lists of text; the first is the header, blank cells at its end are no columns."""
    import pyarrow as pa

    header = next(rows, None)
    if header is None:
        raise HypothecError(f"{path.name}: the file is empty; a table with one line of column names is needed")
    while not header[1][-1]:
        header[1].pop()
    names = check_names(path, header[1])
    width = len(names)
    columns = [f"c{i}" for i in range(width)]
    connection.execute(f"CREATE TABLE raw (rec BIGINT, {', '.join(f'{name} VARCHAR' for name in columns)})")
    rejected, kept = [], 0
    while batch := list(islice(rows, BATCH)):
        good = [(place, row) for place, row in batch if not any(row[width:])]
        rejected += [
            Rejected(place, f"{len(row)} fields where the header has {width}", json.dumps(row, ensure_ascii=False))
            for place, row in batch
            if any(row[width:])
        ]
        padded = [row[:width] + [""] * (width - len(row)) for _, row in good]
        data = {"rec": pa.array([place - 1 for place, _ in good], pa.int64())}
        data |= {name: pa.array([row[i] for row in padded], pa.string()) for i, name in enumerate(columns)}
        connection.register("batch", pa.table(data))
        connection.execute("INSERT INTO raw SELECT * FROM batch")
        connection.unregister("batch")
        kept += len(good)
    return RawTable(path, connection, names, kept + len(rejected), "row", 1, tuple(rejected))


def _cell_text(cell: Any) -> str:
    """Return an Excel cell as a CSV file would hold it."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, datetime.datetime):
        return cell.date().isoformat() if cell.time() == datetime.time() else cell.isoformat(" ")
    return str(cell)
