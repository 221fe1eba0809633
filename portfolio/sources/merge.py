# ruff: noqa: S608 (table and column names are the adapters' own, every text passes through quote())
"""Staged deliveries become one history: the later delivery of a month wins, doubled and orphaned rows are refused."""

import datetime
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from portfolio.errors import HypothecError
from portfolio.progress import Report, silent
from portfolio.sources.cells import quote, quote_all
from portfolio.sources.intake import BAD, Intake, row_as_json

INTERNAL = ("delivery", "line", "broken", "missing", "dated", "removed_balance")
LEFT = "left"  # the staged event of a loan that is no longer followed: sold, repurchased, removed
ORPHANS = 0.5  # with more rows than this without a loan, a file of loans was forgotten
NAMED = 20  # notes about replaced months, at most


@dataclass
class Merged:
    """What putting the months together found: first and last month, rows replaced and left by delivery, notes."""

    first: datetime.date
    last: datetime.date
    replaced: Counter[int] = field(default_factory=Counter)
    replaced_loans: Counter[int] = field(default_factory=Counter)
    left: Counter[int] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


def merge_loans(intake: Intake, target: Path) -> int:
    """Write one row a loan, from its latest delivery, and return how many. A loan twice in one file is refused once."""
    files = [str(path) for item in intake.parts("loans") for path in item.folder.glob("part=*/*.parquet")
             if path.parent.name != f"part={BAD}"]  # fmt: skip
    if not files:
        raise HypothecError("the files hold no loans: give the files of loans (origination) beside those of months")
    connection = intake.connection
    connection.execute(f"CREATE VIEW granted AS SELECT * FROM {_read(files)}")
    names = _public(intake, "granted")
    ranked = (
        "SELECT *, row_number() OVER latest AS place, first_value(delivery) OVER latest AS winner FROM granted "
        "WINDOW latest AS (PARTITION BY loan_id ORDER BY delivery DESC, line)"
    )
    connection.execute(f"CREATE TABLE doubled_loans AS SELECT * FROM ({ranked}) WHERE place > 1")
    _refuse(intake, "doubled_loans", names, "the loan is there twice in this file; the first one is kept", "loan_id")
    connection.execute(
        f"COPY (SELECT {', '.join(names)} FROM ({ranked}) WHERE place = 1 ORDER BY loan_id) "
        f"TO {quote(str(target))} (FORMAT parquet, COMPRESSION zstd)"
    )
    connection.execute(f"CREATE VIEW loans AS SELECT * FROM read_parquet({quote(str(target))})")
    return int(_one(intake, "SELECT count(*) FROM loans"))


def _replaced_loans(intake: Intake) -> Counter[int]:
    """Return, by delivery, how many loans a later delivery replaced."""
    rows = intake.connection.execute(
        "SELECT delivery, count(*) FROM doubled_loans WHERE delivery <> winner GROUP BY delivery"
    ).fetchall()
    return Counter({int(delivery): int(count) for delivery, count in rows})


def _refuse(intake: Intake, rows: str, names: list[str], reason: str, key: str) -> int:
    """Refuse the rows of a table that the same delivery holds already."""
    files = _files(intake)
    return intake.refuse(
        f"SELECT file, line, 'duplicate', {quote(key)}, loan_id, {quote(reason)}, {row_as_json(names)} "
        f"FROM {rows} JOIN (VALUES {files}) AS said(delivery, file) USING (delivery) WHERE delivery = winner"
    )


def _files(intake: Intake) -> str:
    files = {item.delivery: item.file for item in intake.staged}
    return ", ".join(f"({delivery}, {quote(file)})" for delivery, file in files.items())


def _public(intake: Intake, view: str) -> list[str]:
    rows = intake.connection.execute(f"DESCRIBE {view}").fetchall()
    return [str(row[0]) for row in rows if row[0] not in (*INTERNAL, "text")]


def _one(intake: Intake, sql: str) -> int:
    row = intake.connection.execute(sql).fetchone()
    return int(row[0] or 0) if row else 0


def merge_performance(intake: Intake, folder: Path, report: Report = silent) -> Merged:
    """Write `folder`/year=YYYY/part-0000.parquet, one row a loan a month, in order of months; say what was found."""
    years = intake.years("performance")
    if not years:
        raise HypothecError("the files hold no months: give the files of monthly performance beside those of loans")
    connection = intake.connection
    everything = _read([file for files in years.values() for file in files])
    first, last = connection.execute(f"SELECT min(month), max(month) FROM {everything}").fetchall()[0]
    found = Merged(first, last, replaced_loans=_replaced_loans(intake))
    connection.execute("CREATE TABLE losers (delivery INTEGER, line BIGINT)")
    connection.execute("CREATE TABLE again (delivery INTEGER, winner INTEGER, first DATE, last DATE, rows BIGINT)")
    for done, (year, files) in enumerate(years.items()):
        report(0.4 * done / len(years), f"looking for months of {year} delivered twice")
        _find_doubled(intake, files, found)
    rest = " ANTI JOIN losers USING (delivery, line)" if _one(intake, "SELECT count(*) FROM losers") else ""
    connection.execute(f"CREATE VIEW months AS SELECT * FROM {everything}{rest}")
    _refuse_orphans(intake)
    _find_turned(intake)
    _find_ended(intake)
    for done, (year, files) in enumerate(years.items()):
        report(0.4 + 0.6 * done / len(years), f"writing the months of {year}")
        _write_year(intake, year, f"{_read(files)}{rest}", folder, found)
    found.notes += [*_tell_replaced(intake, found), *_tell_left(found)]
    report(1.0, "put the months together")
    return found


def _read(files: list[str]) -> str:
    return f"read_parquet({quote_all(files)}, hive_partitioning=false, union_by_name=true)"


def _refuse_orphans(intake: Intake) -> None:
    """Refuse months of loans that no file of loans holds; if they are most of all, say that a file is missing."""
    intake.connection.execute(
        "CREATE TABLE orphans AS SELECT DISTINCT loan_id FROM months ANTI JOIN loans USING (loan_id)"
    )
    loans = _one(intake, "SELECT count(*) FROM orphans")
    if not loans:
        return
    rows = _one(intake, "SELECT count(*) FROM months SEMI JOIN orphans USING (loan_id)")
    if rows > ORPHANS * _one(intake, "SELECT count(*) FROM months"):
        example = intake.connection.execute("SELECT min(loan_id) FROM orphans").fetchall()[0][0]
        raise HypothecError(
            f"{rows:,} months belong to {loans:,} loans that no file of loans holds ({example}, say); "
            "give the files of these loans too"
        )
    names = _public(intake, "months")
    intake.refuse(
        f"SELECT file, line, 'unknown loan', 'loan_id', loan_id, 'no file of loans holds this loan', "
        f"{row_as_json(names)} FROM months SEMI JOIN orphans USING (loan_id) "
        f"JOIN (VALUES {_files(intake)}) AS said(delivery, file) USING (delivery)"
    )


def _find_turned(intake: Intake) -> None:
    """Make `turned`: the months in which a loan leaves default, or is prepaid with an amount that only its
    former balance tells. Only loans that have such a month are looked at, so this stays small.
    """
    intake.connection.execute(
        "CREATE TABLE turned AS SELECT DISTINCT ON (loan_id, month) loan_id, month, "
        "was = 'default' AND status <> 'default' AND event = '' AS cured, owed FROM ("
        "SELECT loan_id, month, status, event, lag(status) OVER earlier AS was, lag(balance) OVER earlier AS owed "
        "FROM months SEMI JOIN (SELECT DISTINCT loan_id FROM months WHERE status = 'default' "
        f"OR ({_unsaid(intake)})) USING (loan_id) "
        "WINDOW earlier AS (PARTITION BY loan_id ORDER BY month, delivery, line)) "
        "WHERE (was = 'default' AND status <> 'default' AND event = '') OR event = 'prepaid'"
    )


def _unsaid(intake: Intake) -> str:
    """Return SQL for a prepaid loan whose file does not say the amount."""
    names = _public(intake, "months")
    return "event = 'prepaid'" + (" AND prepaid_amount IS NULL" if "prepaid_amount" in names else "")


def _find_ended(intake: Intake) -> None:
    """Make `ended`: the month in which a loan's history ends, for loans that are reported after it."""
    intake.connection.execute(
        "CREATE TEMP TABLE endings AS SELECT loan_id, min(month) AS until FROM months "
        "WHERE event IN ('prepaid', 'matured', 'written off') GROUP BY loan_id"
    )
    intake.connection.execute(
        "CREATE TABLE ended AS SELECT DISTINCT e.loan_id, e.until FROM months AS m JOIN endings AS e "
        "ON e.loan_id = m.loan_id AND m.month > e.until"
    )


def _find_doubled(intake: Intake, files: list[str], found: Merged) -> None:
    """Put into `losers` the rows of a loan and month that another row, of a later delivery or above, replaces."""
    connection = intake.connection
    connection.execute(f"CREATE OR REPLACE VIEW staged AS SELECT * FROM {_read(files)}")
    # 64-bit hashes of the keys are counted, not the keys: half the memory; equal hashes are looked at again below
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE suspects AS SELECT hash(loan_id, month) AS h FROM staged "
        "GROUP BY h HAVING count(*) > 1"
    )
    if not _one(intake, "SELECT count(*) FROM suspects"):
        return
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE doubled AS SELECT * FROM (SELECT *, row_number() OVER latest AS place, "
        "first_value(delivery) OVER latest AS winner "
        "FROM staged SEMI JOIN suspects ON suspects.h = hash(staged.loan_id, staged.month) "
        "WINDOW latest AS (PARTITION BY loan_id, month ORDER BY delivery DESC, line)) WHERE place > 1"
    )
    reason = "the loan is there twice in this month; the first one is kept"
    _refuse(intake, "doubled", _public(intake, "staged"), reason, "month")
    connection.execute("INSERT INTO losers SELECT delivery, line FROM doubled")
    connection.execute(
        "INSERT INTO again SELECT delivery, winner, min(month), max(month), count(*) FROM doubled "
        "WHERE delivery <> winner GROUP BY ALL"
    )
    for delivery, rows in connection.execute(
        "SELECT delivery, count(*) FROM doubled WHERE delivery <> winner GROUP BY delivery"
    ).fetchall():
        found.replaced[delivery] += rows


def _write_year(intake: Intake, year: str, rows: str, folder: Path, found: Merged) -> None:
    connection = intake.connection
    orphans = " ANTI JOIN orphans USING (loan_id)" if _one(intake, "SELECT count(*) FROM orphans") else ""
    connection.execute(f"CREATE OR REPLACE VIEW staged AS SELECT * FROM {rows}{orphans}")
    ended = _one(intake, "SELECT count(*) FROM ended")
    over = f"r.event = '{LEFT}'" + (" OR coalesce(r.month > e.until, false)" if ended else "")
    join = " LEFT JOIN ended AS e ON e.loan_id = r.loan_id" if ended else ""
    connection.execute(f"CREATE OR REPLACE VIEW rest AS SELECT r.*, {over} AS over FROM staged AS r{join}")
    for delivery, count in connection.execute(
        "SELECT delivery, count(*) FROM rest WHERE over GROUP BY delivery"
    ).fetchall():
        found.left[delivery] += count
    target = folder / f"year={year}"
    target.mkdir(parents=True)
    connection.execute(
        f"COPY (SELECT {_cells(intake, _public(intake, 'staged'))} FROM (SELECT * FROM rest WHERE NOT over) AS s "
        "LEFT JOIN turned AS c ON c.loan_id = s.loan_id AND c.month = s.month ORDER BY s.month, s.loan_id) "
        f"TO {quote(str(target / 'part-0000.parquet'))} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
    )


def _tell_left(found: Merged) -> list[str]:
    rows = sum(found.left.values())
    if not rows:
        return []
    return [
        f"{rows:,} months are left out: of loans sold, repurchased or removed without a loss, which are followed "
        "until the month before, or after a loan was repaid or written off"
    ]


def _cells(intake: Intake, names: list[str]) -> str:
    """Return SQL for the columns of performance, with cures among the events and the share that was recovered."""
    cells = []
    for name in names:
        if name == "event":
            cells.append("CASE WHEN c.cured AND s.event = '' THEN 'cured' ELSE s.event END AS event")
        elif name == "prepaid_amount":
            cells.append("CASE WHEN s.event = 'prepaid' THEN coalesce(s.prepaid_amount, c.owed) END AS prepaid_amount")
        else:
            cells.append(f"s.{name}")
    staged = {str(row[0]) for row in intake.connection.execute("DESCRIBE staged").fetchall()}
    if "removed_balance" in staged and "recovered_share" not in staged:
        share = "1 - s.loss / nullif(s.removed_balance, 0)"
        cells.append(f"CASE WHEN s.event = 'written off' THEN {share} END AS recovered_share")
    return ", ".join(cells)


def _tell_replaced(intake: Intake, found: Merged) -> list[str]:
    """Return a line for each file of which months were delivered again."""
    if not found.replaced:
        return []
    files = {item.delivery: item.file for item in intake.staged}
    rows = intake.connection.execute(
        "SELECT delivery, winner, min(first), max(last), sum(rows) FROM again GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    told = []
    for delivery, winner, first, last, count in rows[:NAMED]:
        when = f"{first:%Y-%m} was" if first == last else f"{first:%Y-%m} to {last:%Y-%m} were"
        told.append(
            f"{when} delivered twice: {int(count):,} rows of {files[delivery]} are replaced by those of {files[winner]}"
        )
    return told + ([f"and {len(rows) - NAMED:,} more pairs of files"] if len(rows) > NAMED else [])
