"""Which keys documents carry and which they lack: a row a path, counted, for the quality page.

Columns of quality/documents.parquet: `kind`; `path` (with `[*]` for every list); `documents` of the kind that could be
read; `present`, those that hold a value there, and `missing`, the others; `declared`, whether a field of the schema
reads it; `unknown`, the contrary, except for id, date and kind; `bad`, documents with a value there that is of
the wrong type; `example`, the first value.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from portfolio.atomic import replace_file
from portfolio.document_paths import join_keys
from portfolio.schema import ALWAYS, Field

MOST_PATHS = 2_000  # a kind: keys made of ids would otherwise fill the memory
BATCH = 1_000
LONGEST_EXAMPLE = 80
COLUMNS = {
    "kind": pa.string(), "path": pa.string(), "documents": pa.int64(), "present": pa.int64(), "missing": pa.int64(),
    "declared": pa.bool_(), "unknown": pa.bool_(), "bad": pa.int64(), "example": pa.string(),
}  # fmt: skip


@dataclass
class Seen:
    """One path of a kind: documents that hold a value there, the types seen, and the first value."""

    present: int = 0
    types: set[str] = field(default_factory=set)
    example: str = ""


def list_paths(structure: Any, place: str) -> Iterator[tuple[str, str]]:
    """Yield path and type of every value in a document's structure (as json_structure gives it); nulls are left out.

    >>> list(list_paths({"a": [{"b": "DOUBLE"}], "c": "NULL"}, "x"))
    [('x.a[*].b', 'DOUBLE')]
    """
    if isinstance(structure, dict):
        for key, value in structure.items():
            yield from list_paths(value, join_keys(place, (key,)))
    elif isinstance(structure, list):
        for item in structure:
            if isinstance(item, str) and item != "NULL":
                yield f"{place}[*]", item
            else:
                yield from list_paths(item, f"{place}[*]")
    elif structure != "NULL":
        yield place, str(structure)


def find_values(body: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield path and value of every value in a document."""
    if isinstance(body, dict):
        for key, value in body.items():
            yield from find_values(value, join_keys(place, (key,)))
    elif isinstance(body, list):
        for item in body:
            yield from find_values(item, f"{place}[*]")
    elif body is not None:
        yield place, body


def observe(
    connection: duckdb.DuckDBPyConnection, table: str, wanted: Sequence[str] = ()
) -> tuple[dict[str, int], dict[str, dict[str, Seen]]]:
    """Return the documents of each kind in `table` and, by kind and path, what was seen.

    Documents of equal structure are looked at once. `wanted` are paths to count even if they hold lists or objects.
    """
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE shapes AS SELECT kind, json_structure(body)::VARCHAR AS shape, count(*) AS n, "  # noqa: S608
        f"min(place) AS place FROM {table} WHERE body IS NOT NULL GROUP BY ALL"
    )
    cursor = connection.execute(
        f"SELECT kind, shape, n, body::VARCHAR FROM shapes JOIN (SELECT place, body FROM {table}) USING (place) "  # noqa: S608
        "ORDER BY place"
    )
    documents: dict[str, int] = {}
    seen: dict[str, dict[str, Seen]] = {}
    while rows := cursor.fetchmany(BATCH):
        for kind, structure, count, body in rows:
            documents[kind] = documents.get(kind, 0) + count
            found = dict(list_paths(json.loads(structure), kind))
            found |= {path: "" for path in wanted if any(item.startswith((f"{path}.", f"{path}[")) for item in found)}
            _note(seen.setdefault(kind, {}), kind, found, count, body)
    return documents, seen


def _note(paths: dict[str, Seen], kind: str, found: dict[str, str], count: int, body: str) -> None:
    """Add the paths of `count` documents of one structure, of which `body` is the first."""
    new = [path for path in found if path not in paths][: max(0, MOST_PATHS - len(paths))]
    if new:
        values: dict[str, Any] = {}
        for path, value in find_values(json.loads(body), kind):
            values.setdefault(path, value)
        for path in new:
            paths[path] = Seen(example=_short(values.get(path, "")))
    for path, kind_of_value in found.items():
        if path in paths:
            paths[path].present += count
            paths[path].types.add(kind_of_value)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= LONGEST_EXAMPLE else text[: LONGEST_EXAMPLE - 1] + "…"


def count_keys(connection: duckdb.DuckDBPyConnection, fields: Sequence[Field], envelope: Sequence[str]) -> pd.DataFrame:
    """Return the rows of quality/documents.parquet from the tables good and bad (see documents.py).

    `envelope` are the keys of every document: id, kind, date.
    """
    declared: dict[str, set[str]] = {}
    for item in fields:
        path = item.document_path
        declared.setdefault(path.kind, set()).update(path.reads - {path.kind})
    bad = _count_bad(connection, fields)
    documents, seen = observe(connection, "good", sorted(set().union(*declared.values())))
    dates = {join_keys(item.document_path.kind, (item.as_of,)) for item in fields if item.as_of not in ("", ALWAYS)}
    rows = []
    for kind in sorted({*documents, *declared}):
        own, known = declared.get(kind, set()), dates | {join_keys(kind, (name,)) for name in envelope}
        for place in sorted({*seen.get(kind, {}), *own}):
            found, count = seen.get(kind, {}).get(place, Seen()), documents.get(kind, 0)
            rows.append((kind, place, count, found.present, count - found.present, place in own,
                         place not in own | known, bad.get(place, 0), found.example))  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _count_bad(connection: duckdb.DuckDBPyConnection, fields: Sequence[Field]) -> dict[str, int]:
    """Return, by plain path, the documents with a value of a wrong type there."""
    plain = {item.name: item.document_path.plain for item in fields}
    connection.execute("CREATE TEMP TABLE plain AS SELECT unnest($names) AS field, unnest($paths) AS path",
                       {"names": list(plain), "paths": list(plain.values())})  # fmt: skip
    rows = connection.execute(
        'SELECT path, count(DISTINCT place) FROM bad JOIN plain ON bad."column" = plain.field '
        "WHERE rule = 'wrong type' GROUP BY path"
    ).fetchall()
    return dict(rows)


def write_keys(keys: pd.DataFrame, target: Path) -> None:
    """Write what `count_keys` found, atomically."""
    with replace_file(target) as temporary:
        pq.write_table(pa.Table.from_pandas(keys, pa.schema(COLUMNS.items()), preserve_index=False), temporary)
