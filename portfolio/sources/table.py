# ruff: noqa: S608 (columns are staged as c0, c1, …; every text of a user passes through quote())
"""Bring your own table: any file of loans or applications becomes a portfolio, or one clear message."""

import datetime
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from portfolio.atomic import lock_folder, recover_directory, remove_leftovers, replace_directory
from portfolio.errors import HypothecError
from portfolio.progress import Report, part_of, silent
from portfolio.quality import QUARANTINE, Load, save_load
from portfolio.schema import LABEL_MATURE, OBSERVATION_DATE, SAMPLE, Schema, Splits, load_schema, save_schema
from portfolio.sources.cells import quote
from portfolio.sources.documents import add_to_snapshots
from portfolio.sources.infer import infer_schema
from portfolio.sources.kept import describe_documents, keep_documents, keep_models, keep_views
from portfolio.sources.mapping import Mapping, format_mapping, load_mapping
from portfolio.sources.raw import RawTable
from portfolio.sources.reading import read_table
from portfolio.sources.rules import (
    count_bad_rows,
    count_by_rule,
    find_bad_rows,
    refuse_doubled_keys,
    refuse_mostly_bad,
    write_quarantine,
)
from portfolio.sources.tableschema import build_schema, list_categories, row_id_name
from portfolio.sources.typed import observation_sql, target_sql, typed_sql
from portfolio.workspace import UNDATED, Portfolio, check_name, write_manifest

__all__ = ["IngestResult", "Proposal", "RawTable", "ingest_table", "propose", "read_table"]
DEVELOPMENT_EVENTS = 0.7
MAPPING = "mapping.toml"


@dataclass(frozen=True)
class IngestResult:
    """What became of a file: the portfolio, the rows, and a line for each thing worth knowing.

    `quarantined` counts rows by the rule that they break; a row that breaks two is in both counts.
    """

    portfolio: Portfolio
    rows_read: int
    rows_kept: int
    quarantined: dict[str, int]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Proposal:
    """What ingesting a file would do: a line for each thing inferred, and the complete mapping to confirm or edit."""

    notes: tuple[str, ...]
    mapping_toml: str


def propose(file: Path, mapping: Mapping | Path | None = None) -> Proposal:
    """Read a file and say what its columns are taken for, without making anything."""
    given = _mapping(mapping)
    with read_table(Path(file), given.table) as raw:
        inference = infer_schema(raw, given)
    return Proposal(inference.notes, format_mapping(inference.mapping))


def _mapping(mapping: Mapping | Path | None) -> Mapping:
    return mapping if isinstance(mapping, Mapping) else load_mapping(mapping) if mapping else Mapping()


def ingest_table(
    workspace: Path, file: Path, *, name: str, mapping: Mapping | Path | None = None, report: Report = silent
) -> IngestResult:
    """Build portfolio `name` of `workspace` from a table in `file`, or raise HypothecError and change nothing.

    A portfolio of that name made from an earlier table is replaced; its models, documents and saved views
    stay, its scores (of the former rows) go. A portfolio with history is not replaced by a table.
    """
    check_name(name)
    given = _mapping(mapping)
    if not Path(file).is_file():
        raise HypothecError(f"{file}: there is no such file")
    target = workspace / name
    with ExitStack() as held:
        held.enter_context(lock_folder(workspace))
        recover_directory(target)
        remove_leftovers(workspace)
        if target.exists():
            held.enter_context(lock_folder(target))  # training and scoring hold the portfolio's own lock
            _check_replaceable(target)
        building = held.enter_context(replace_directory(target))
        result = _build(Path(file), given, building, target, report)
        keep_views(target, building)
    report(1.0, "done")
    return replace(result, portfolio=Portfolio(target))


def _check_replaceable(target: Path) -> None:
    if (target / "schema.toml").exists() and load_schema(target / "schema.toml").kind != "table":
        raise HypothecError(f"portfolio {target.name!r} is a book with history; give the table another name")


def _build(file: Path, mapping: Mapping, building: Path, former: Path, report: Report) -> IngestResult:
    report(0.0, f"reading {file.name}")
    with read_table(file, mapping.table, building) as raw:
        report(0.35, "finding out what the columns are")
        inference = infer_schema(raw, mapping)
        complete = inference.mapping
        report(0.5, "checking every cell")
        find_bad_rows(raw, complete)
        refuse_mostly_bad(raw)
        refuse_doubled_keys(raw, complete)
        report(0.65, "typing the good rows")
        notes = [*inference.notes, *_type_rows(raw, complete)]
        complete = replace(complete, splits=_choose_splits(raw, complete))
        _add_samples(raw, complete)
        schema = list_categories(raw, build_schema(raw, complete))
        _write_snapshots(raw, schema, building / "snapshots", part_of(report, 0.75, 0.9))
        bad = count_bad_rows(raw)
        write_quarantine(raw, building / "quality" / QUARANTINE)
        load = Load(file.name, raw.rows, raw.rows - bad, bad, count_by_rule(raw), tuple(notes))
    save_load(load, building / "quality")
    schema, kept = keep_documents(former, building, schema, tied=bool(complete.id))
    if schema.from_documents():
        add_to_snapshots(building, schema, report=part_of(report, 0.9, 0.95))
    save_schema(schema, building / "schema.toml")
    (building / MAPPING).write_text(format_mapping(complete), encoding="utf-8")
    write_manifest(building, f"table {file.name}", rows=load.rows_kept, quarantined=load.quarantined,
                   **describe_documents(former, building))  # fmt: skip
    notes += [*kept, *keep_models(former, building)]
    return IngestResult(Portfolio(building), load.rows_read, load.rows_kept, load.rules, tuple(notes))


def _type_rows(raw: RawTable, mapping: Mapping) -> list[str]:
    """Make the staged table `kept`: `rec`, `k0`, `k1`, … typed, `key` (id), `observed`, `target`; return notes."""
    cells = [f"{typed_sql(raw, mapping, name)} AS k{place}" for place, name in enumerate(raw.names)]
    key = raw.column(mapping.id) if mapping.id else f"(rec + {raw.first})::VARCHAR"
    raw.connection.execute(
        f"CREATE TABLE kept AS SELECT rec, {', '.join(cells)}, {key} AS key, "
        f"{observation_sql(raw, mapping)} AS observed, "
        f"{target_sql(raw, mapping)} AS target FROM clean WHERE rec NOT IN (SELECT rec FROM bad_rows)"
    )
    if not mapping.id:
        _number_rows(raw)
    if not mapping.target or not mapping.target.column:
        return []
    events, others, unknown = raw.connection.execute(
        "SELECT count(*) FILTER (target = 1), count(*) FILTER (target = 0), count(*) FILTER (target IS NULL) FROM kept"
    ).fetchall()[0]
    if not events or not others:
        raise HypothecError(
            f"{raw.source.name}: the target {mapping.target.column!r} has {events:,} events and {others:,} "
            "non-events in the good rows; both outcomes are needed to learn from"
        )
    told = [f"{events:,} events in {events + others:,} rows with an outcome ({events / (events + others):.2%})"]
    return told + ([f"{unknown:,} rows have no outcome yet: they can be scored, not learnt from"] if unknown else [])


def _number_rows(raw: RawTable) -> None:
    """Correct the made ids where lines and records differ, so that an id is always the line in the file."""
    if raw.file is None or raw.file.lines == raw.rows + 1:
        return
    import pyarrow as pa

    records = [row[0] for row in raw.connection.execute("SELECT rec FROM kept").fetchall()]
    lines = raw.find_lines(records)
    raw.connection.register("numbered", pa.table({"rec": records, "line": [str(lines[record]) for record in records]}))
    raw.connection.execute("UPDATE kept SET key = numbered.line FROM numbered WHERE kept.rec = numbered.rec")
    raw.connection.unregister("numbered")


def _choose_splits(raw: RawTable, mapping: Mapping) -> Splits:
    """Return the splits: the mapping's, completed so that development holds at most about 70 % of the events."""
    given = mapping.splits or Splits()
    rows = raw.connection.execute(
        "SELECT observed, count(*) FILTER (target = 1) FROM kept WHERE target IS NOT NULL "
        "AND observed IS NOT NULL GROUP BY observed ORDER BY observed"
    ).fetchall()
    if not rows:
        return given
    days = [day for day, _ in rows]
    until, start = given.development_until, given.out_of_time_from
    if until is None:
        earlier = [(day, events) for day, events in rows if start is None or _add_months(day, mapping) < start]
        until = _last_development(earlier, sum(events for _, events in rows), start is not None) or days[0]
    if start is None:
        start = next((day for day in days if day > until and day >= _add_months(until, mapping)), None)
    return Splits(until, start, given.holdout_share)


def _last_development(
    rows: Sequence[tuple[datetime.date, int]], events: int, all_of_them: bool
) -> datetime.date | None:
    """Return the last date by which at most 70 % of the events have happened; the last of all if the end is given."""
    last, seen = None, 0
    for day, count in rows:
        seen += count
        if all_of_them or seen <= DEVELOPMENT_EVENTS * events:
            last = day
    return last


def _add_months(day: datetime.date, mapping: Mapping) -> datetime.date:
    """Return when the outcome window of `day` has ended, to the end of that month."""
    horizon = mapping.portfolio.horizon_months or 0
    if not horizon:
        return day
    months = day.year * 12 + day.month - 1 + horizon
    return datetime.date(months // 12, months % 12 + 1, min(day.day, 28))


def _add_samples(raw: RawTable, mapping: Mapping) -> None:
    """Add the column `sample`: by date and, for the held-out ids, by a hash of the id that never changes."""
    splits = mapping.splits or Splits()
    held = f"('0x' || left(md5(key), 8))::BIGINT % 10000 < {round(10_000 * splits.holdout_share)}"
    until = f"DATE '{splits.development_until}'" if splits.development_until else "NULL"
    start = f"DATE '{splits.out_of_time_from}'" if splits.out_of_time_from else "NULL"
    raw.connection.execute(
        f"CREATE VIEW sampled AS SELECT *, CASE WHEN target IS NULL THEN 'unlabelled' "
        f"WHEN observed >= {start} THEN 'out-of-time' WHEN observed > {until} THEN 'embargo' "
        f"WHEN {held} THEN 'out-of-sample' ELSE 'development' END AS sample FROM kept"
    )


def _write_snapshots(raw: RawTable, schema: Schema, folder: Path, report: Report) -> None:
    """Write one Parquet file an observation date, rows in the file's order; one file if there are no dates."""
    folder.mkdir()
    own = {name: f"k{place}" for place, name in enumerate(raw.names)}
    made = {} if schema.id.name in own else {row_id_name(raw): "key"}
    columns = own | made | {OBSERVATION_DATE: "observed", LABEL_MATURE: "target IS NOT NULL", SAMPLE: "sample"}
    ordered = [*(item.name for item in schema.fields), OBSERVATION_DATE, LABEL_MATURE, SAMPLE]
    cells = ", ".join(f"{columns[name]} AS {_identifier(name)}" for name in ordered)
    days = [row[0] for row in raw.connection.execute("SELECT DISTINCT observed FROM kept ORDER BY observed").fetchall()]
    for place, day in enumerate(days):
        key = UNDATED if day is None else day.isoformat()
        report(place / len(days), f"writing snapshot {key}")
        where = "observed IS NULL" if day is None else f"observed = DATE '{day}'"
        raw.connection.execute(
            f"COPY (SELECT {cells} FROM sampled WHERE {where} ORDER BY rec) "
            f"TO {quote(str(folder / f'{key}.parquet'))} (FORMAT parquet)"
        )


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
