"""A history that already has Hypothec's own columns, as Parquet or CSV, as a portfolio."""

import re
from collections.abc import Sequence
from pathlib import Path

import duckdb

from portfolio.errors import HypothecError
from portfolio.progress import Report, part_of, silent
from portfolio.sources.cells import quote
from portfolio.sources.delivered import TEXT_SUFFIXES, Delivered, find_files, open_lines_of, read_names
from portfolio.sources.history import Book, HistoryResult, build_history
from portfolio.sources.historyschema import CATALOGUE
from portfolio.sources.intake import Intake
from portfolio.sources.layouts import Column, Layout
from portfolio.sources.raw import first_line
from portfolio.sources.recipe import Recipe, Rule

SUFFIXES = (*TEXT_SUFFIXES, ".parquet", ".pq")
PARQUET = (".parquet", ".pq")
LOANS, PERFORMANCE = "loans", "performance"
NEEDED = {LOANS: ("loan_id",), PERFORMANCE: ("loan_id", "month", "balance", "days_past_due")}
DATES = ("month", "origination_date", "maturity_date")
TEXTS = ("loan_id", "status", "event")
AMOUNTS = ("payment", "prepaid_amount", "recovered_share", "loss", "curtailment", "loan_to_income", "term_months")
SMALL = ("months_on_book", "days_past_due", "term_months")
STATUSES = ("performing", "arrears", "default")
EVENTS = ("", "prepaid", "matured", "cured", "written off", "left")
SAYS_NOTHING = frozenset({"event", "status", "prepaid_amount", "recovered_share", "loss", "curtailment"})


def ingest_history(
    workspace: Path, loans: str | Path, performance: Sequence[str | Path], *, name: str, title: str = "",
    currency: str = "EUR", encoding: str = "utf-8", report: Report = silent,
) -> HistoryResult:  # fmt: skip
    """Build portfolio `name` from tables that have these columns, or change nothing.

    `loans`, one row a loan: loan_id and, where known, origination_date, maturity_date, original_balance,
    original_ltv, property_value, income, country, region, channel, occupancy, rate_type and others of the demo's.
    `performance`, one row a loan a month: loan_id, month (a date), balance, days_past_due and, where known,
    months_on_book, rate, payment, status (performing, arrears, default), event (empty, prepaid, matured,
    cured, written off; left for a loan no longer followed), prepaid_amount, recovered_share, loss, current_ltv.
    Ratios and rates are fractions, dates ISO. Other columns are kept as they are.
    """

    def stage(intake: Intake, told: Report) -> None:
        _stage_all(intake, [loans], LOANS, encoding, part_of(told, 0, 0.1))
        _stage_all(intake, performance, PERFORMANCE, encoding, part_of(told, 0.1, 1))

    return build_history(workspace, name, Book(title or name, "history", currency), stage, report=report)


def _stage_all(intake: Intake, given: Sequence[str | Path], table: str, encoding: str, told: Report) -> None:
    found = find_files(given, SUFFIXES)
    start = len(intake.staged)
    for done, item in enumerate(found):
        told(done / len(found), f"reading {item.name}")
        ranked = Delivered(item.name, item.path, item.member, start + item.rank)
        if item.base.lower().endswith(PARQUET):
            _stage_parquet(intake, ranked, table)
        else:
            with open_lines_of(ranked, intake.scratch, ",;|\t", quotes=True, encoding=encoding) as lines:
                layout = _layout(item.name, table, dict.fromkeys(read_names(lines), ""))
                intake.stage_lines(lines, _recipe(layout, table), header=True)


def _stage_parquet(intake: Intake, item: Delivered, table: str) -> None:
    if item.member:
        raise HypothecError(f"{item.name}: unpack Parquet files before they are read")
    read = f"read_parquet({quote(str(item.path))}, file_row_number=true, hive_partitioning=false)"
    try:
        described = intake.connection.execute(f"DESCRIBE SELECT * EXCLUDE (file_row_number) FROM {read}").fetchall()  # noqa: S608
    except duckdb.Error as error:
        raise HypothecError(f"{item.name}: cannot be read as Parquet ({first_line(error)})") from None
    layout = _layout(item.name, table, {str(row[0]): str(row[1]) for row in described})
    cells = ", ".join(
        f"{_cell(str(row[0]), str(row[1]))} AS raw_{row[0]}" for row in described if str(row[0]) in layout.names
    )
    named = f"SELECT file_row_number + 1 AS line, NULL::VARCHAR AS text, 0 AS width, {cells} FROM {read}"  # noqa: S608
    originals = f"SELECT file_row_number + 1 AS line, to_json(t) AS text FROM {read} AS t"  # noqa: S608
    intake.stage(item.name, item.rank, _recipe(layout, table), named, originals=originals)


def _cell(name: str, kind: str) -> str:
    """Return SQL for a typed cell; texts without blanks around them, as they are in delimited files."""
    return f"nullif(trim({name}), '')" if kind == "VARCHAR" else name


def _layout(file: str, table: str, found: dict[str, str]) -> Layout:
    """Return the columns with the types that the history needs; refuse a file that lacks one it cannot do without."""
    missing = [name for name in NEEDED[table] if name not in found]
    if missing:
        raise HypothecError(
            f"{file}: lacks the column {', '.join(missing)}; a file of {table} has "
            f"{', '.join(NEEDED[table])}, got {', '.join(list(found)[:8])}"
        )
    odd = [name for name in found if not re.fullmatch(r"[a-z_][a-z0-9_]*", name)]
    if odd:
        raise HypothecError(f"{file}: a column's name has lower-case letters, digits and _ only, got {odd[0]!r}")
    return Layout(
        f"history_{table}",
        tuple(Column(place, name, _kind(name, kind), ()) for place, (name, kind) in enumerate(found.items(), start=1)),
    )


def _kind(name: str, kind: str) -> str:
    if name in DATES:
        return "date"
    if name in TEXTS:
        return "text"
    known = CATALOGUE.get(name)
    if name in AMOUNTS or (known and known.kind == "number"):
        return "number"
    if known or kind in ("", "VARCHAR", "BOOLEAN"):
        return "text"
    return "date" if kind.startswith(("DATE", "TIMESTAMP")) else "number"


def _recipe(layout: Layout, table: str) -> Recipe:
    columns = {name: f"TRY_CAST({name} AS SMALLINT)" if name in SMALL else name for name in layout.names}
    rules = [Rule("loan number", "loan_id", "loan_id IS NULL", "the loan's number is missing")]
    if table == LOANS:
        return Recipe(table, layout, columns, tuple(rules), optional=frozenset({"loan_id"}),
                      month="origination_date" if "origination_date" in columns else "NULL::DATE")  # fmt: skip
    status, event = ("status" in columns, "event" in columns)
    columns["month"] = "last_day(month)"
    late = "CASE WHEN days_past_due >= 90 THEN 'default' WHEN days_past_due > 0 THEN 'arrears' " \
           "WHEN days_past_due IS NOT NULL THEN 'performing' END"  # fmt: skip
    columns["status"] = f"coalesce(status, {late})" if status else late
    columns["event"] = "coalesce(event, '')" if event else "''"
    rules += [
        Rule("month", "month", "raw_month IS NULL", "the month is missing"),
        Rule("negative", "balance", "balance < 0", "a balance cannot be negative"),
        Rule("balance", "balance", "raw_balance IS NULL", "the balance is missing"),
        Rule("arrears", "days_past_due", "days_past_due NOT BETWEEN 0 AND 32000",
             "not a number of days from 0 to 32,000"),
    ]  # fmt: skip
    if status:
        rules.append(Rule("status", "status", f"status NOT IN {STATUSES}", f"not one of {', '.join(STATUSES)}"))
    if event:
        rules.append(Rule("event", "event", f"event NOT IN {EVENTS}", f"not one of {', '.join(EVENTS[1:])}"))
    return Recipe(table, layout, columns, tuple(rules), month="last_day(month)", optional=SAYS_NOTHING)
