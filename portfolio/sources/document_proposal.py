"""What could be read from documents: the paths found in files, proposed as fields to confirm or edit."""

import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb

from portfolio.document_keys import Seen, observe
from portfolio.document_paths import MACROS, parse_path, pointer, values_sql
from portfolio.documents import stage_file
from portfolio.errors import HypothecError
from portfolio.schema import ALWAYS, Field, Schema, format_field
from portfolio.sources.documents import check_files

NUMBERS = {"UBIGINT", "BIGINT", "DOUBLE", "HUGEINT"}
MOST_WORDS = 50  # more different texts than these are a name or a note, not a category


@dataclass(frozen=True)
class DocumentsProposal:
    """What was found in documents: a line for each kind and each path left out, and [[field]] entries to edit."""

    notes: tuple[str, ...]
    mapping_toml: str


@dataclass(frozen=True)
class Kind:
    """One kind of document: how many, of how many loans, and the key of the date ("" for none)."""

    name: str
    documents: int
    loans: int
    date: str

    @property
    def as_of(self) -> str:
        """The schema's word for the date's key."""
        return "" if self.date == "date" else self.date or ALWAYS


def propose_documents(files: Sequence[Path], schema: Schema) -> DocumentsProposal:
    """Read the files and say which fields their paths could give a portfolio of `schema`, without making anything."""
    given = check_files(files)
    with tempfile.TemporaryDirectory() as spill, closing(duckdb.connect(str(Path(spill) / "d.duckdb"))) as connection:
        for macro in MACROS:
            connection.execute(f"CREATE MACRO {macro}")
        for number, file in enumerate(given):
            stage_file(connection, file, number, schema.id.name)
        documents, seen = observe(connection, "docs")
        if not documents:
            raise HypothecError(f"{given[0].name}: no line is a JSON object; documents come one a line")
        rows = connection.execute("SELECT kind, count(DISTINCT loan) FROM docs WHERE body IS NOT NULL GROUP BY kind")
        loans = dict(rows.fetchall())
        taken = {item.name for item in schema.fields}
        notes: list[str] = []
        fields: list[Field] = []
        for kind, count in documents.items():
            readable = {path: found for path, found in seen[kind].items() if _is_path(path)}
            about = Kind(kind, count, loans.get(kind, 0), _find_date(connection, kind, readable))
            notes.append(_describe(about, schema))
            fields += _propose_kind(connection, about, readable, schema.id.name, taken, notes)
    lines = [line for item in fields for line in (*format_field(item), "")]
    return DocumentsProposal(tuple(notes), "\n".join(lines))


def _is_path(text: str) -> bool:
    """Return whether a key can be declared: one with double quotes in it cannot."""
    try:
        return bool(parse_path(text))
    except HypothecError:
        return False


def _describe(kind: Kind, schema: Schema) -> str:
    dated = f"dated by {kind.date!r}" if kind.date else "without a date: they count at every date"
    return f"{kind.name}: {kind.documents:,} documents of {kind.loans:,} {schema.subject}s, {dated}"


def _find_date(connection: duckdb.DuckDBPyConnection, kind: str, seen: dict[str, Seen]) -> str:
    """Return the key on top of the documents that dates them: `date`, else the first with only dates."""
    tops = [path for path in sorted(seen) if "." not in path.removeprefix(f"{kind}.") and "[" not in path]
    tops.sort(key=lambda path: path != f"{kind}.date")
    return next((parse_path(path).keys[0] for path in tops if _holds_dates(connection, kind, path)), "")


def _holds_dates(connection: duckdb.DuckDBPyConnection, kind: str, path: str) -> bool:
    """Return whether every value at `path` is a date."""
    values = f"unnest({values_sql(parse_path(path), 'body')}) AS v"
    row = connection.execute(
        f"SELECT count(*), count(as_date(v)) FROM (SELECT {values} FROM docs WHERE kind = ? AND body IS NOT NULL)",  # noqa: S608
        [kind],
    ).fetchone()
    return bool(row and row[0] and row[0] == row[1])


def _propose_kind(
    connection: duckdb.DuckDBPyConnection, kind: Kind, seen: dict[str, Seen], id_name: str, taken: set[str],
    notes: list[str],
) -> list[Field]:  # fmt: skip
    """Return the fields of one kind, adding their names to `taken` and what is left out to `notes`."""
    found = []
    if kind.documents > kind.loans and kind.date:
        found += [
            _field(kind, f"{kind.name}_12m", kind.name, "count", taken, window=12),
            _field(kind, f"months_since_{kind.name}", kind.name, "months_since", taken),
        ]
    for path in sorted({f"{path.split('[*]')[0]}[*]" for path in seen if "[*]" in path}):
        found.append(_field(kind, _name_of(path) + "_count", path, "count", taken))
    for path, about in sorted(seen.items()):
        keys = parse_path(path).keys
        if not keys or path in {f"{kind.name}.{name}" for name in (id_name, "kind", kind.date)}:
            continue
        proposed = _propose_path(connection, kind, path, about, taken)
        if proposed:
            found.append(proposed)
        else:
            notes.append(f"{path}: left out (such as {about.example!r}); a condition or reduction of yours may use it")
    return found


def _propose_path(
    connection: duckdb.DuckDBPyConnection, kind: Kind, path: str, about: Seen, taken: set[str]
) -> Field | None:
    """Return the field that the values at `path` suggest by their types, or None."""
    in_list = "[*]" in path
    name = _name_of(path)
    if about.types & NUMBERS and about.types <= NUMBERS | {"VARCHAR"}:  # a word here and there is quarantined
        return _field(kind, name, path, "sum" if in_list else "last", taken)
    if about.types == {"BOOLEAN"}:
        return _field(kind, name, path, "share" if in_list else "last", taken)
    if in_list or about.types != {"VARCHAR"}:
        return None
    if _holds_dates(connection, kind.name, path):
        return _field(kind, name, path, "last", taken, kind_of_field="date")
    words = connection.execute(
        f"SELECT count(DISTINCT body ->> {pointer(parse_path(path).keys)}) FROM docs "  # noqa: S608
        "WHERE kind = ? AND body IS NOT NULL",
        [kind.name],
    ).fetchone()
    few = words is not None and words[0] <= min(MOST_WORDS, max(2, about.present // 2))
    return _field(kind, name, path, "last", taken, kind_of_field="category") if few else None


def _name_of(path: str) -> str:
    """Return a field name for a path.

    >>> _name_of("application.applicants[*].incomes[*].amount")
    'applicants_incomes_amount'
    """
    parsed = parse_path(path)
    keys = [key for step in parsed.steps for key in step.keys] + list(parsed.keys)
    text = "_".join(keys)
    return "".join(letter if letter.isalnum() else "_" for letter in text).lower()


def _field(
    kind: Kind, name: str, path: str, reduce: str, taken: set[str], *, kind_of_field: str = "number", window: int = 0
) -> Field:  # fmt: skip
    """Return a field under a name that is not taken yet."""
    while name in taken:
        name = f"{kind.name}_{name}"
    taken.add(name)
    unit = "share" if reduce == "share" else "months" if reduce == "months_since" else ""
    return Field(
        name, name.replace("_", " ").capitalize(), kind_of_field,  # type: ignore[arg-type]
        ("ignore",) if kind_of_field == "date" else ("feature",), f"From documents: {reduce} of {path}.", unit,
        path=path, reduce=reduce, as_of=kind.as_of, window_months=window,
    )  # fmt: skip
