# ruff: noqa: S608 (every text of a user passes through text_sql() or _name())
"""Documents made a table: the JSON lines in documents/ become documents.parquet, one row a document, typed and dated.

Each line is one JSON object that names its loan under the id field's name and may name its `kind`; else the
file's name is the kind. DuckDB reads, cuts and types the lines in sets, spilling to disk where memory ends.
"""

import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from portfolio.atomic import PREFIX, replace_file
from portfolio.document_keys import count_keys, write_keys
from portfolio.document_paths import CASTS, MACROS, document_sql, pointer, text_sql, values_sql
from portfolio.errors import HypothecError
from portfolio.progress import Report, silent
from portfolio.quality import QUARANTINE_COLUMNS
from portfolio.schema import ALWAYS, Field, Schema

TABLE = "documents.parquet"
KEYS = "documents.parquet"  # in quality/
QUARANTINED = "documents_quarantine.parquet"  # in quality/
KIND, DATE, PLACE = "document_kind", "document_date", "document_place"
LONGEST_LINE, LONGEST_ROW = 16_000_000, 10_000
FILE_STEP = 2**40  # files times this plus the line is a document's place
SUFFIXES = (".jsonl", ".jsonl.gz")
UNREADABLE, NO_LOAN, STRANGER, NO_DATE, WRONG_TYPE = (
    "not a JSON object", "no loan", "unknown loan", "no date", "wrong type",
)  # fmt: skip


@dataclass(frozen=True)
class Flattened:
    """What the documents gave: documents kept, entries in quarantine by rule, each file's lines and refused lines."""

    documents: int = 0
    rules: dict[str, int] = field(default_factory=dict)
    by_file: dict[str, tuple[int, int]] = field(default_factory=dict)


def list_documents(folder: Path) -> list[Path]:
    """Return the files of a documents folder in the order in which they count: by name."""
    return sorted(path for path in folder.glob("*") if path.name.endswith(SUFFIXES))


def kind_of(file: Path) -> str:
    """Return the kind of a file's documents that name none: the name without its ending and what follows a "-".

    >>> kind_of(Path("valuation-2026-06.jsonl.gz"))
    'valuation'
    """
    return file.name.split(".")[0].split("-")[0]


def flatten_documents(
    folder: Path, schema: Schema, *, book: Path | None = None, memory_limit: str = "3GB", report: Report = silent
) -> Flattened:
    """Write `folder`/documents.parquet and what was found to `folder`/quality; nothing where there are no documents.

    documents.parquet has the id, document_kind, document_date, document_place (the order in time, later files and
    lines after earlier ones) and a column a field: what that document gives. quality/documents.parquet has a
    row a path (see document_keys.py), quality/documents_quarantine.parquet the lines and values left out. The loans
    that there are come from `book`, a portfolio's folder (default: `folder`).
    """
    files = list_documents(folder / "documents")
    if not files:
        return Flattened()
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=folder) as spill:
        config: dict[str, str | bool | int | float | list[str]]
        config = {"memory_limit": memory_limit, "temp_directory": spill}
        with closing(duckdb.connect(str(Path(spill) / "documents.duckdb"), config=config)) as connection:
            for macro in MACROS:
                connection.execute(f"CREATE MACRO {macro}")
            for number, file in enumerate(files):
                report(0.5 * number / len(files), f"reading {file.name}")
                stage_file(connection, file, number, schema.id.name, sorted(set(date_keys(schema).values())))
            report(0.5, "checking the documents")
            _find_bad_lines(connection, book or folder, schema)
            by_file = _count_lines(connection)
            report(0.6, "typing the documents")
            for kind, fields in fields_by_kind(schema).items():
                _type_kind(connection, kind, fields)
            documents = _write_table(connection, folder / TABLE, schema)
            report(0.85, "counting the documents' keys")
            keys = count_keys(connection, schema.from_documents(), (schema.id.name, "kind", "date"))
            write_keys(keys, folder / "quality" / KEYS)
            rules = _write_quarantine(connection, folder / "quality" / QUARANTINED)
    report(1.0, f"read {documents:,} documents")
    return Flattened(documents, rules, by_file)


def fields_by_kind(schema: Schema) -> dict[str, list[Field]]:
    """Return the fields that each kind of document gives."""
    found: dict[str, list[Field]] = {}
    for item in schema.from_documents():
        found.setdefault(item.document_path.kind, []).append(item)
    return found


def stage_file(
    connection: duckdb.DuckDBPyConnection, file: Path, number: int, id_name: str, dates: Sequence[str] = ("date",)
) -> None:
    """Append a file's lines to the table docs, one row a line that is not blank.

    Columns: place (file and line in one number), file, line, row (the text where it is no JSON object), body (where it
    is one), kind, loan, days (the texts under the keys `dates`).
    """
    connection.execute(
        "CREATE TABLE IF NOT EXISTS docs (place BIGINT, file VARCHAR, line BIGINT, row VARCHAR, body JSON, "
        "kind VARCHAR, loan VARCHAR, days VARCHAR[])"
    )
    # one column a line: no text holds all four of these separators in this order
    options = "header = false, auto_detect = false, delim = '\x1c\x1d\x1e\x1f', quote = '', escape = ''"
    read = (
        f"read_csv({text_sql(str(file))}, columns = {{'text': 'VARCHAR'}}, {options}, "
        f"strict_mode = false, max_line_size = {LONGEST_LINE})"
    )
    try:
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE lines AS SELECT row_number() OVER () AS line, trim(text, ' \t\r') AS text "
            f"FROM {read}"
        )
    except duckdb.Error as error:
        said = str(error).splitlines()[0].strip(" .:")
        raise HypothecError(f"{file.name}: cannot be read as JSON lines in UTF-8 ({said}); deliver it again") from None
    keys = ", ".join(pointer((key,)) for key in ("kind", id_name, *dates))
    connection.execute(
        f"INSERT INTO docs SELECT {number * FILE_STEP} + line, {text_sql(file.name)}, line, if(body IS NULL, text, "
        f"NULL), body, coalesce(nullif(trim(found[1]), ''), {text_sql(kind_of(file))}), nullif(trim(found[2]), ''), "
        f"found[3:] FROM (SELECT *, json_extract_string(body, [{keys}]) AS found FROM (SELECT line, text, "
        "CASE WHEN starts_with(text, '{') AND json_valid(text) THEN text END AS body FROM lines WHERE text <> ''))"
    )
    connection.execute("DROP TABLE lines")


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _count(connection: duckdb.DuckDBPyConnection, rest: str) -> int:
    row = connection.execute(f"SELECT count(*) {rest}").fetchone()
    return int(row[0]) if row else 0


def date_keys(schema: Schema) -> dict[str, str]:
    """Return, for each kind of document that fields read, the key of its date; "always" where it has none."""
    return {kind: fields[0].as_of or "date" for kind, fields in fields_by_kind(schema).items()}


def _find_bad_lines(connection: duckdb.DuckDBPyConnection, folder: Path, schema: Schema) -> None:
    """Make the tables good, the documents of known loans with their day, and bad, the quarantine."""
    files = [folder / "loans.parquet"] if schema.kind == "history" else sorted((folder / "snapshots").glob("*.parquet"))
    known = ", ".join(text_sql(str(path)) for path in files)
    connection.execute(
        f"CREATE TABLE known AS SELECT DISTINCT {_name(schema.id.name)}::VARCHAR AS loan "
        f"FROM read_parquet([{known}], union_by_name = true)"
    )
    keys = date_keys(schema)
    places = {key: place for place, key in enumerate(sorted(set(keys.values())), start=1)}
    cases = " ".join(f"WHEN {text_sql(k)} THEN days[{places[key]}]" for k, key in keys.items() if key != ALWAYS)
    names = " ".join(f"WHEN {text_sql(k)} THEN {text_sql(key)}" for k, key in keys.items() if key != ALWAYS)
    day = f"CASE kind {cases} END" if cases else "NULL::VARCHAR"
    dated = f"CASE kind {names} END" if names else "NULL::VARCHAR"
    connection.execute(
        f"CREATE TABLE judged AS SELECT docs.* EXCLUDE (days), {dated} AS dated, {day} AS said, day_of({day}) AS day, "
        f"CASE WHEN body IS NULL THEN '{UNREADABLE}' WHEN docs.loan IS NULL THEN '{NO_LOAN}' "
        f"WHEN known.loan IS NULL THEN '{STRANGER}' WHEN {dated} IS NOT NULL AND day_of({day}) IS NULL "
        f"THEN '{NO_DATE}' END AS rule FROM docs LEFT JOIN known USING (loan)"
    )
    connection.execute("CREATE VIEW good AS SELECT * FROM judged WHERE rule IS NULL")
    subject, loan_id = text_sql(schema.subject), text_sql(schema.id.name)
    connection.execute(
        f"CREATE TABLE bad AS SELECT place, file, line, rule, CASE rule WHEN '{NO_DATE}' THEN dated "
        f"WHEN '{UNREADABLE}' THEN NULL ELSE {loan_id} END AS \"column\", CASE rule WHEN '{STRANGER}' THEN loan "
        f"WHEN '{NO_DATE}' THEN said END AS value, CASE rule WHEN '{UNREADABLE}' THEN 'the line must be one JSON "
        f"object' WHEN '{NO_LOAN}' THEN 'the document does not say of which ' || {subject} || ' it is' "
        f"WHEN '{STRANGER}' THEN 'no ' || {subject} || ' has this id' ELSE 'a document needs the day from which it "
        f"was known, such as 2026-06-30' END AS reason, left(coalesce(row, body::VARCHAR), {LONGEST_ROW}) AS row "
        "FROM judged WHERE rule IS NOT NULL"
    )


def _count_lines(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, int]]:
    """Return each file's lines and how many of them were refused as a whole."""
    rows = connection.execute("SELECT file, count(*), count(rule) FROM judged GROUP BY file").fetchall()
    return {str(file): (int(lines), int(refused)) for file, lines, refused in rows}


def _type_kind(connection: duckdb.DuckDBPyConnection, kind: str, fields: Sequence[Field]) -> None:
    """Make the table of a kind's documents with the fields' values, and add the values of a wrong type to bad."""
    cells = []
    for place, item in enumerate(fields):
        path = item.document_path
        value = document_sql(path, item.reduction, item.kind, "body")
        cells.append(f"{value}::{SQL_TYPES[item.kind]} AS {_name(item.name)}")
        if path.keys and item.reduction != "count":
            wrong = f"list_filter({values_sql(path, 'body')}, lambda v: {CASTS[item.kind]}(v) IS NULL)"
            cells.append(f"left({wrong}[1] ->> '$', 200) AS wrong_{place}")
        else:
            cells.append(f"NULL::VARCHAR AS wrong_{place}")
    table = _name(f"kind {kind}")
    connection.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT place, loan, day, {', '.join(cells)} FROM good "
        f"WHERE kind = {text_sql(kind)}"
    )
    for place, item in enumerate(fields):
        said = f"the value at {item.path} must be a {'text' if item.kind == 'category' else item.kind}"
        connection.execute(
            f"INSERT INTO bad SELECT place, file, line, '{WRONG_TYPE}', {text_sql(item.name)}, wrong_{place}, "
            f"{text_sql(said)}, left(body::VARCHAR, {LONGEST_ROW}) FROM good JOIN (SELECT place, wrong_{place} "
            f"FROM {table} WHERE wrong_{place} IS NOT NULL) USING (place)"
        )


SQL_TYPES = {"number": "DOUBLE", "category": "VARCHAR", "date": "DATE"}


def _write_table(connection: duckdb.DuckDBPyConnection, target: Path, schema: Schema) -> int:
    """Write documents.parquet by kind and time; return how many documents it has."""
    parts = []
    for kind, fields in fields_by_kind(schema).items():
        if not _count(connection, f"FROM {_name('kind ' + kind)}"):
            continue  # no column: a kind that was never delivered is missing, not zero
        names = ", ".join(_name(item.name) for item in fields)
        place = "row_number() OVER (ORDER BY day NULLS FIRST, place)"
        parts.append(
            f"SELECT loan AS {_name(schema.id.name)}, {text_sql(kind)} AS {KIND}, day AS {DATE}, {place} AS {PLACE}, "
            f"{names} FROM {_name('kind ' + kind)}"
        )
    if not parts:
        target.unlink(missing_ok=True)
        return 0
    with replace_file(target) as temporary:
        connection.execute(
            f"COPY (SELECT * FROM ({' UNION ALL BY NAME '.join(parts)}) ORDER BY {KIND}, {PLACE}) "
            f"TO {text_sql(str(temporary))} (FORMAT parquet, COMPRESSION zstd)"
        )
        return _count(connection, f"FROM read_parquet({text_sql(str(temporary))})")


def _write_quarantine(connection: duckdb.DuckDBPyConnection, target: Path) -> dict[str, int]:
    """Write the quarantine in the order of files and lines; return its entries by rule."""
    columns = ", ".join(_name(name) for name in QUARANTINE_COLUMNS)
    with replace_file(target) as temporary:
        connection.execute(
            f'COPY (SELECT {columns} FROM bad ORDER BY place, "column") TO {text_sql(str(temporary))} '
            "(FORMAT parquet, COMPRESSION zstd)"
        )
    rows = connection.execute("SELECT rule, count(*) FROM bad GROUP BY rule ORDER BY count(*) DESC, rule").fetchall()
    return {str(rule): int(count) for rule, count in rows}
