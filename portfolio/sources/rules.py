# ruff: noqa: S608 (columns are staged as c0, c1, …; every text of a user passes through quote())
"""Which rows of a staged table cannot be kept, cell by cell, and why; and when the file as a whole is refused."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from portfolio.errors import HypothecError
from portfolio.quality import QUARANTINE_COLUMNS
from portfolio.sources.cells import FIRST_DATE, LAST_DATE, quote
from portfolio.sources.mapping import Mapping
from portfolio.sources.raw import RawTable
from portfolio.sources.typed import date_sql, number_sql, observation_sql, target_sql

BATCH = 5_000
UNREADABLE = "unreadable row"


@dataclass(frozen=True)
class Rule:
    """A condition that sends a row to quarantine: SQL `broken` over a cell's `text` as v and `typed` value as t."""

    name: str
    column: str
    text: str
    typed: str
    broken: str
    reason: str


def list_rules(raw: RawTable, mapping: Mapping) -> Iterator[Rule]:
    """Yield the rules of every column, in the order of the columns."""
    for name in raw.names:
        item, text = mapping.about(name), raw.column(name)
        if mapping.target and name == mapping.target.column:
            allowed = ", ".join(map(repr, (*mapping.target.event_value, *mapping.target.other_value)))
            yield Rule(
                "illegal target",
                name,
                text,
                target_sql(raw, mapping),
                "v IS NOT NULL AND t IS NULL",
                f"the target must be one of {allowed}",
            )
            continue
        if name == mapping.id:
            yield Rule("missing id", name, text, "NULL", "v IS NULL", "the id is missing")
        elif item.kind == "date":
            yield from _date_rules(raw, mapping, name, text)
        elif item.kind == "number":
            yield from _number_rules(raw, mapping, name, text)
        elif item.categories:
            known = ", ".join(quote(value) for value in item.categories)
            yield Rule(
                "unknown category",
                name,
                text,
                "NULL",
                f"v IS NOT NULL AND v NOT IN ({known})",
                f"not one of the mapping's categories: {_short(item.categories)}",
            )


def _short(values: tuple[str, ...]) -> str:
    return ", ".join(values[:8]) + (", …" if len(values) > 8 else "")


def _number_rules(raw: RawTable, mapping: Mapping, name: str, text: str) -> Iterator[Rule]:
    item, typed = mapping.about(name), number_sql(raw, mapping, name)
    yield Rule("text in a number", name, text, typed, "v IS NOT NULL AND t IS NULL", "text in a number")
    if item.minimum is not None:
        yield Rule(
            "below the minimum", name, text, typed, f"t < {item.minimum!r}", f"below the minimum {item.minimum:g}"
        )
    if item.maximum is not None:
        yield Rule(
            "above the maximum", name, text, typed, f"t > {item.maximum!r}", f"above the maximum {item.maximum:g}"
        )


def _date_rules(raw: RawTable, mapping: Mapping, name: str, text: str) -> Iterator[Rule]:
    given, typed = mapping.date, date_sql(raw, mapping, name)
    form = mapping.about(name).format
    if given and given.column == name:
        form = given.format or form
        yield Rule("missing date", name, text, "NULL", "v IS NULL", "the observation date is missing")
    wanted = f"a {given.period} number" if given and given.column == name and given.period else (form or "YYYY-MM-DD")
    yield Rule("not a date", name, text, typed, "v IS NOT NULL AND t IS NULL", f"not a date ({wanted} is wanted)")
    yield Rule(
        "date out of range",
        name,
        text,
        typed,
        f"t < DATE '{FIRST_DATE}' OR t > DATE '{LAST_DATE}'",
        f"date out of range ({FIRST_DATE.year} to {LAST_DATE.year})",
    )


def find_bad_rows(raw: RawTable, mapping: Mapping) -> None:
    """Stage the tables `bad` (rec, rule, column, value, reason: one row a bad cell) and `bad_rows` (rec)."""
    raw.connection.execute(
        'CREATE TABLE bad (rec BIGINT, rule VARCHAR, "column" VARCHAR, value VARCHAR, reason VARCHAR)'
    )
    for rule in list_rules(raw, mapping):
        raw.connection.execute(
            f"INSERT INTO bad SELECT rec, {quote(rule.name)}, {quote(rule.column)}, {raw.column(rule.column)}, "
            f"{quote(rule.reason)} FROM (SELECT rec, {raw.column(rule.column)}, {rule.text} AS v, {rule.typed} AS t "
            f"FROM clean) WHERE {rule.broken}"
        )
    raw.connection.execute("CREATE TABLE bad_rows AS SELECT DISTINCT rec FROM bad")


def count_bad_rows(raw: RawTable) -> int:
    """Return how many rows are quarantined: those with bad cells and those that could not be cut into columns."""
    return int(raw.count("SELECT count(*) FROM bad_rows")) + len(raw.rejected)


def count_by_rule(raw: RawTable) -> dict[str, int]:
    """Return the number of rows that break each rule, most first."""
    counts = dict(raw.connection.execute("SELECT rule, count(DISTINCT rec) FROM bad GROUP BY rule").fetchall())
    if raw.rejected:
        counts[UNREADABLE] = len(raw.rejected)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def refuse_mostly_bad(raw: RawTable) -> None:
    """Refuse a file of which more than half the rows would be quarantined: then the mapping is wrong, not the rows."""
    bad = count_bad_rows(raw)
    if 2 * bad <= raw.rows:
        return
    first = raw.connection.execute(
        'SELECT rec, "column", value, reason FROM bad WHERE (rule, "column") = (SELECT (rule, "column") FROM bad '
        'GROUP BY rule, "column" ORDER BY count(*) DESC, min(rec) LIMIT 1) ORDER BY rec LIMIT 1'
    ).fetchone()
    often = raw.count('SELECT max(n) FROM (SELECT count(*) AS n FROM bad GROUP BY rule, "column")') or 0
    if first is None or len(raw.rejected) > often:
        told = f"{raw.rejected[0].reason}, first on {raw.place} {raw.rejected[0].line:,}"
    else:
        line = raw.find_lines([first[0]])[first[0]]
        told = f"{first[3]} in column {first[1]!r}, first on {raw.place} {line:,}: {_shown(first[2])}"
    raise HypothecError(
        f"{raw.source.name}: {bad:,} of {raw.rows:,} rows are bad, most often {told}; correct the file or the mapping"
    )


def _shown(value: str | None) -> str:
    return "nothing" if value is None else repr(value if len(value) <= 40 else value[:40] + "…")


def refuse_doubled_keys(raw: RawTable, mapping: Mapping) -> None:
    """Refuse a file in which an id (with a date: an id on a date) stands on two kept rows; name both lines."""
    if not mapping.id:
        return
    key = f"{raw.column(mapping.id)} AS k, {observation_sql(raw, mapping)} AS d"
    rows = f"(SELECT rec, {key} FROM clean WHERE rec NOT IN (SELECT rec FROM bad_rows))"
    doubled = f"(SELECT k, d, min(rec) AS first FROM {rows} GROUP BY k, d HAVING count(*) > 1)"
    found = raw.connection.execute(
        f"SELECT g.k, g.d, g.first, min(r.rec) FROM {doubled} g JOIN {rows} r ON r.k = g.k "
        "AND r.d IS NOT DISTINCT FROM g.d AND r.rec > g.first GROUP BY ALL ORDER BY g.first LIMIT 1"
    ).fetchone()
    if found is None:
        return
    value, day, first, second = found
    lines = raw.find_lines([first, second])
    more = int(raw.count(f"SELECT count(*) FROM {doubled}")) - 1
    others = f" ({more:,} more ids are doubled)" if more else ""
    dated = day is not None
    raise HypothecError(
        f"{raw.source.name}: {mapping.id} {value!r}{f' on {day}' if dated else ''} is there twice, on "
        f"{raw.place}s {lines[first]:,} and {lines[second]:,}{others}; "
        + (
            "an id may stand once for each date"
            if dated
            else "remove one, name the date column under [date] if the rows are of different dates, "
            'or set id = "" if it does not identify a row'
        )
    )


def write_quarantine(raw: RawTable, target: Path) -> None:
    """Write the bad cells with file, line and the whole row as JSON; nothing if there are none."""
    if not count_bad_rows(raw):
        return
    kinds = pa.schema([(name, pa.int64() if name == "line" else pa.string()) for name in QUARANTINE_COLUMNS])
    target.parent.mkdir(parents=True, exist_ok=True)
    lines = raw.find_lines(row[0] for row in raw.connection.execute("SELECT rec FROM bad_rows").fetchall())
    with pq.ParquetWriter(target, kinds) as writer:
        rejected = [
            (raw.source.name, item.line, UNREADABLE, None, None, item.reason, item.raw) for item in raw.rejected
        ]
        if rejected:
            writer.write_table(_table(rejected, kinds))
        cells = ", ".join(f"r.c{place}" for place in range(len(raw.names)))
        cursor = raw.connection.execute(
            'SELECT b.rec, b.rule, b."column", b.value, b.reason, '
            f"{cells} FROM bad b JOIN raw r ON r.rec = b.rec ORDER BY b.rec, b.rule"
        )
        while rows := cursor.fetchmany(BATCH):
            writer.write_table(
                _table(
                    [
                        (
                            raw.source.name,
                            lines[row[0]],
                            *row[1:5],
                            json.dumps(dict(zip(raw.names, row[5:], strict=True)), ensure_ascii=False),
                        )
                        for row in rows
                    ],
                    kinds,
                )
            )


def _table(rows: Sequence[tuple[object, ...]], kinds: pa.Schema) -> pa.Table:
    return pa.table(
        {
            name: pa.array([row[place] for row in rows], kinds.field(name).type)
            for place, name in enumerate(QUARANTINE_COLUMNS)
        },
        schema=kinds,
    )
