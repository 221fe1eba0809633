# ruff: noqa: S608 (columns are staged as c0, c1, …; every text of a user passes through quote())
"""A file of any accepted kind as one table of text, staged in DuckDB, so that nothing fails on a type."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from portfolio.errors import HypothecError
from portfolio.sources.binary import load_excel, load_parquet
from portfolio.sources.cells import quote
from portfolio.sources.mapping import TableOptions
from portfolio.sources.raw import RawTable, Rejected, check_names, first_line
from portfolio.sources.text import find_delimiter, inspect_text, read_header, walk_records

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
JSON_SUFFIXES = (".jsonl", ".ndjson")
WIDTHS = ("MISSING COLUMNS", "TOO MANY COLUMNS")
BROKEN_QUOTES = "a quoted field goes on after its closing quote"


@contextmanager
def read_table(path: Path, options: TableOptions | None = None, scratch: Path | None = None) -> Iterator[RawTable]:
    """Stage `path` (CSV, TSV, JSON lines, each also .gz; Parquet; Excel) as text and yield it as a `RawTable`.

    `scratch` is a folder for the staged table (a temporary one if not given). HypothecError if the file
    as a whole cannot be used: missing, empty, truncated, wrong encoding or delimiter, doubled column names.
    """
    path = Path(path)
    if not path.is_file():
        raise HypothecError(f"{path}: there is no such file")
    load = _loader(path)
    with TemporaryDirectory(dir=scratch, prefix="stage-") as folder:
        connection = duckdb.connect(str(Path(folder) / "stage.duckdb"), config={"memory_limit": "2GB"})
        connection.execute("SET TimeZone = 'UTC'")  # timestamps with a zone read the same on every machine
        try:
            raw = load(path, options or TableOptions(), connection, Path(folder))
            if raw.rows == 0:
                raise HypothecError(f"{path.name}: the file has column names but no rows")
            yield raw
        finally:
            connection.close()


def _loader(path: Path) -> Any:
    suffix = "".join(path.suffixes[-2:]).lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    plain = suffix.removesuffix(".gz")
    if plain in TEXT_SUFFIXES:
        return _load_text
    if plain in JSON_SUFFIXES:
        return _load_json
    if suffix in (".parquet", ".pq"):
        return load_parquet
    if suffix in (".xlsx", ".xlsm"):
        return load_excel
    raise HypothecError(
        f"{path.name}: {suffix or 'a file without extension'} is not supported; give .csv, .tsv, .txt, "
        ".jsonl or .ndjson (each may end in .gz), .parquet or .xlsx"
    )


def _load_text(path: Path, options: TableOptions, connection: duckdb.DuckDBPyConnection, scratch: Path) -> RawTable:
    file = inspect_text(path, scratch, options.encoding)
    delimiter = find_delimiter(file, options.delimiter)
    names = check_names(path, read_header(file, delimiter))
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(names)))
    read = (
        f"read_csv({quote(str(file.path))}, delim={quote(delimiter)}, header=true, quote='\"', escape='\"', "
        f"auto_detect=false, columns={{{columns}}}, compression='{'gzip' if file.zipped else 'none'}', "
        "store_rejects=true, rejects_limit=0, nullstr='')"
    )
    try:
        connection.execute(f"CREATE TABLE staged AS SELECT * FROM {read}")
    except duckdb.Error as error:
        raise HypothecError(f"{path.name}: cannot be read as a table ({first_line(error)})") from None
    # DuckDB keeps the file's order, so rowid counts the accepted records
    connection.execute("CREATE VIEW raw AS SELECT rowid AS rec, * FROM staged")
    kept = connection.execute("SELECT count(*) FROM staged").fetchone()
    raw = RawTable(path, connection, names, kept[0] if kept else 0, "line", 2, file=file, delimiter=delimiter)
    rejected = _rejected(raw)
    return RawTable(path, connection, names, raw.rows + len(rejected), "line", 2, rejected, file, delimiter)


def _rejected(raw: RawTable) -> tuple[Rejected, ...]:
    """Return the rows that DuckDB could not cut, with their lines; refuse a file whose quotes never close."""
    errors = raw.connection.execute(
        "SELECT error_type, line, csv_line, error_message FROM reject_errors ORDER BY line, column_idx"
    ).fetchall()
    if not errors:
        return ()
    for kind, line, text, message in errors:
        if kind not in WIDTHS and (kind != "UNQUOTED VALUE" or "\n" in (text or "").strip("\r\n")):
            raise HypothecError(
                f'{raw.source.name}: line {line}: cannot be cut into columns, a quote (") may be '
                f"opened and never closed ({str(message).splitlines()[0].strip('. ')})"
            )
    records = {line: text for _, line, text, _ in errors}
    expected = len(raw.names)
    if raw.file is None:
        return ()
    found = []
    for line, row in walk_records(raw.file, raw.delimiter):
        if row is None:
            found.append(Rejected(line, BROKEN_QUOTES, ""))
        elif len(row) != expected:
            found.append(
                Rejected(
                    line, f"{len(row)} fields where the header has {expected}", json.dumps(row, ensure_ascii=False)
                )
            )
    if len(found) == len(records):
        return tuple(found)
    # the two parsers disagree on broken quotes: DuckDB's own count of records is the next best line
    return tuple(
        Rejected(line, f"not {expected} fields as in the header", (text or "").strip("\r\n"))
        for line, text in records.items()
    )


def _load_json(path: Path, options: TableOptions, connection: duckdb.DuckDBPyConnection, scratch: Path) -> RawTable:
    file = inspect_text(path, scratch, options.encoding)
    try:
        connection.execute(
            f"CREATE TABLE lines AS SELECT text FROM read_csv({quote(str(file.path))}, columns={{'text': 'VARCHAR'}}, "
            f"auto_detect=false, delim=chr(1), quote='', escape='', header=false, "
            f"compression='{'gzip' if file.zipped else 'none'}')"
        )
    except duckdb.Error as error:
        raise HypothecError(f"{path.name}: cannot be read as JSON lines ({first_line(error)})") from None
    connection.execute(
        "CREATE TABLE objects AS SELECT rowid AS rec, text, "
        "json_valid(text) AND json_type(CASE WHEN json_valid(text) THEN text END) = 'OBJECT' AS good "
        "FROM lines WHERE trim(text) <> ''"
    )
    bad = connection.execute("SELECT rec + 1, text FROM objects WHERE NOT good ORDER BY rec").fetchall()
    keys = [
        row[0]
        for row in connection.execute(
            "SELECT key FROM (SELECT rec, unnest(json_keys(text)) AS key, "
            "generate_subscripts(json_keys(text), 1) AS place "
            "FROM objects WHERE good) GROUP BY key ORDER BY min(rec * 100000 + place)"
        ).fetchall()
    ]
    if not keys:
        raise HypothecError(f"{path.name}: line 1: no JSON object was found; JSON lines hold one object a line")
    names = check_names(path, keys)
    cells = ", ".join(f"json_extract_string(text, {quote(_pointer(key))}) AS c{i}" for i, key in enumerate(keys))
    connection.execute(f"CREATE TABLE raw AS SELECT rec, {cells} FROM objects WHERE good")
    rejected = tuple(Rejected(line, "not a JSON object", text) for line, text in bad)
    kept = connection.execute("SELECT count(*) FROM raw").fetchone()
    return RawTable(path, connection, names, (kept[0] if kept else 0) + len(rejected), "line", 1, rejected)


def _pointer(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")


csv.field_size_limit(1 << 27)  # a long free text is a field, not an error
