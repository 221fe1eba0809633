# ruff: noqa: S608 (paths pass through quote(), table names are the intake's own)
"""The common end of every adapter that brings a history: one portfolio, all or nothing, with what was found said."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from portfolio.atomic import lock_folder, recover_directory, remove_leftovers, replace_directory
from portfolio.derived import build_derived
from portfolio.errors import HypothecError
from portfolio.progress import Report, part_of, silent
from portfolio.quality import LOADS, LOADS_COLUMNS, MISSING, QUARANTINE, Load, save_load
from portfolio.schema import save_schema
from portfolio.sources.cells import quote, quote_all
from portfolio.sources.historyschema import make_schema
from portfolio.sources.intake import Intake
from portfolio.sources.kept import describe_documents, keep_documents, keep_models, keep_views
from portfolio.sources.merge import Merged, merge_loans, merge_performance
from portfolio.workspace import Portfolio, check_name, write_manifest

STAGED, MERGED, DERIVED = 0.45, 0.7, 0.97  # shares of the time after which each part is done


@dataclass(frozen=True)
class Book:
    """What the portfolio of an adapter is called, which adapter it is, and its currency."""

    title: str
    adapter: str
    currency: str


@dataclass(frozen=True)
class HistoryResult:
    """What became of a delivery. `quarantined` counts rows by rule; a row that breaks two is in both counts."""

    portfolio: Portfolio
    files: int
    rows_read: int
    rows_kept: int
    quarantined: dict[str, int]
    notes: tuple[str, ...]


def build_history(
    workspace: Path, name: str, book: Book, stage: Callable[[Intake, Report], None], *, report: Report = silent
) -> HistoryResult:
    """Build portfolio `name` from what `stage` stages, or raise HypothecError and change nothing.

    `stage` puts rows into the intake's tables "loans" and "performance". A portfolio of that name that the
    same adapter made is replaced; its models, documents and saved views stay, its scores (of the former rows) go.
    """
    check_name(name)
    target = workspace / name
    with ExitStack() as held:
        held.enter_context(lock_folder(workspace))
        recover_directory(target)
        remove_leftovers(workspace)
        if target.exists():
            held.enter_context(lock_folder(target))  # training and scoring hold the portfolio's own lock
            _check_replaceable(target, book)
        building = held.enter_context(replace_directory(target))
        result = _build(building, target, book, stage, report)
        keep_views(target, building)
    report(1.0, "done")
    return replace(result, portfolio=Portfolio(target))


def _check_replaceable(target: Path, book: Book) -> None:
    if not (target / "schema.toml").exists():
        return
    former = Portfolio(target)
    if former.schema.kind != "history" or former.manifest.get("adapter") != book.adapter:
        raise HypothecError(
            f"portfolio {target.name!r} is not one of `ingest {book.adapter}` (it comes from: "
            f"{former.manifest.get('source')}); give the new one another name"
        )


def _build(
    building: Path, former: Path, book: Book, stage: Callable[[Intake, Report], None], report: Report
) -> HistoryResult:
    intake = Intake(building)
    try:
        stage(intake, part_of(report, 0, STAGED))
        merging = part_of(report, STAGED, MERGED)
        merging(0, "putting the loans together")
        loans = merge_loans(intake, building / "loans.parquet")
        found = merge_performance(intake, building / "performance", part_of(merging, 0.1, 1))
        schema = make_schema(building, found.first, found.last, title=book.title, currency=book.currency)
        schema, kept = keep_documents(former, building, schema)
        save_schema(schema, building / "schema.toml")
        notes = [*intake.notes, *found.notes, *kept]
        load = _save_quality(intake, building / "quality", found, notes)
    finally:
        intake.close()
    build_derived(building, schema, report=part_of(report, MERGED, DERIVED))
    report(DERIVED, "recording the data's hash")
    write_manifest(building, f"{book.adapter}: {load.file}", adapter=book.adapter, loans=loans, rows=load.rows_kept,
                   quarantined=load.quarantined, **describe_documents(former, building))  # fmt: skip
    notes += keep_models(former, building)
    return HistoryResult(
        Portfolio(building),
        len({item.file for item in intake.staged}),
        load.rows_read,
        load.rows_kept,
        load.rules,
        tuple(notes),
    )


def _save_quality(intake: Intake, folder: Path, found: Merged, notes: list[str]) -> Load:
    """Write what was found: load.json, loads.parquet (a row a file), missing.parquet and quarantine.parquet."""
    folder.mkdir()
    _write_loads(intake, folder / LOADS, found)
    intake.connection.execute(
        'COPY (SELECT month, "table", field, code, reason, sum(n)::BIGINT AS n, source FROM lacking GROUP BY ALL '
        f"ORDER BY ALL) TO {quote(str(folder / MISSING))} (FORMAT parquet)"
    )
    bad, rules = sum(_refused(intake).values()), intake.count_rules()
    if rules:
        intake.connection.execute(
            f"COPY (SELECT * FROM refused ORDER BY file, line, rule) TO {quote(str(folder / QUARANTINE))} "
            "(FORMAT parquet)"
        )
    rows = sum(item.rows for item in intake.staged if item.counted)
    names = list(dict.fromkeys(item.file for item in intake.staged))
    said = names[0] if len(names) == 1 else f"{len(names):,} files ({names[0]} to {names[-1]})"
    load = Load(said, rows, rows - bad, bad, rules, tuple(notes))
    save_load(load, folder)
    return load


def _refused(intake: Intake) -> dict[str, int]:
    """Return how many lines of each file were refused."""
    rows = intake.connection.execute("SELECT file, count(DISTINCT line) FROM refused GROUP BY file").fetchall()
    return {str(file): int(lines) for file, lines in rows}


def _write_loads(intake: Intake, target: Path, found: Merged) -> None:
    """Write a row a file: rows_read = rows_kept + quarantined + replaced + left_book; first and last month."""
    refused = _refused(intake)
    rows = []
    for item in sorted((one for one in intake.staged if one.counted), key=lambda one: one.delivery):
        monthly = item.table == "performance"
        again = found.replaced[item.delivery] if monthly else found.replaced_loans[item.delivery]
        gone = found.left[item.delivery] if monthly else 0
        bad = refused.get(item.file, 0)
        rows.append((item.file, item.kind, item.rows, item.rows - bad - again - gone, bad, again, gone,
                     *(_months(intake, item.folder) if monthly else (None, None))))  # fmt: skip
    kinds = [pa.string(), pa.string(), *[pa.int64()] * 5, pa.date32(), pa.date32()]
    columns = {name: pa.array([row[place] for row in rows], kinds[place]) for place, name in enumerate(LOADS_COLUMNS)}
    pq.write_table(pa.table(columns), target)


def _months(intake: Intake, folder: Path) -> tuple[object, object]:
    files = [str(path) for path in folder.glob("part=[0-9]*/*.parquet")]
    if not files:
        return (None, None)
    found = intake.connection.execute(
        f"SELECT min(month), max(month) FROM read_parquet({quote_all(files)}, hive_partitioning=false)"
    ).fetchall()[0]
    return (found[0], found[1])
