"""The staged table: what every reader of files hands on, whatever the file was."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from portfolio.errors import HypothecError
from portfolio.schema import RESERVED
from portfolio.sources.cells import to_number
from portfolio.sources.text import TextFile, walk_records


@dataclass(frozen=True)
class Rejected:
    """A row that could not be cut into the header's columns: its line, why, and its text."""

    line: int
    reason: str
    raw: str


@dataclass(frozen=True)
class RawTable:
    """A file staged as text: DuckDB table `raw` with `rec` (0-based record) and `c0`, `c1`, … in the names' order."""

    source: Path
    connection: duckdb.DuckDBPyConnection
    names: tuple[str, ...]
    rows: int
    place: str
    first: int
    rejected: tuple[Rejected, ...] = ()
    file: TextFile | None = None
    delimiter: str = ""
    notes: tuple[str, ...] = field(default=())

    def column(self, name: str) -> str:
        """Return the staged name of the column called `name`."""
        return f"c{self.names.index(name)}"

    def count(self, sql: str) -> Any:
        """Return the single value of a query."""
        row = self.connection.execute(sql).fetchone()
        return row[0] if row else None

    def find_lines(self, records: Iterable[int]) -> dict[int, int]:
        """Return the file's line (or row) of each record. Header lines, quoted line breaks and blank lines count."""
        wanted = set(records)
        if self.file is None or self.file.lines == self.rows + 1:
            return {record: record + self.first for record in wanted}
        found: dict[int, int] = {}
        record = 0
        for line, row in walk_records(self.file, self.delimiter):
            if row is None or len(row) != len(self.names):
                continue
            if record in wanted:
                found[record] = line
                if len(found) == len(wanted):
                    break
            record += 1
        return {record: found.get(record, record + self.first) for record in wanted}


def check_names(source: Path, given: Sequence[str]) -> tuple[str, ...]:
    """Return the column names without surrounding blanks; refuse doubled, reserved and impossible ones."""
    names = tuple(name.strip().strip("\ufeff") or f"column_{place}" for place, name in enumerate(given, start=1))
    seen: dict[str, int] = {}
    for place, name in enumerate(names, start=1):
        if name.lower() in seen:
            first, places = names[seen[name.lower()] - 1], f"columns {seen[name.lower()]} and {place}"
            told = f"{name!r} is there twice" if first == name else f"{first!r} and {name!r} differ only in case"
            raise HypothecError(f"{source.name}: column name {told}, as {places}; rename one")
        seen[name.lower()] = place
    taken = [name for name in names if name.lower() in RESERVED]
    if taken:
        raise HypothecError(
            f"{source.name}: column {taken[0]!r} has a name that Hypothec gives to its own columns "
            f"({', '.join(RESERVED)}); rename it, to 'my_{taken[0]}' say"
        )
    if any("\0" in name for name in names):
        raise HypothecError(f"{source.name}: a column name holds a NUL character; rename it")
    if all(to_number(name) is not None for name in names):
        raise HypothecError(
            f"{source.name}: line 1 holds numbers ({', '.join(names[:3])}), not column names; add a first line of names"
        )
    return names


def first_line(error: Exception) -> str:
    """Return the first line of an error, which says what; DuckDB adds pages of advice."""
    return str(error).splitlines()[0].strip(" .:")
