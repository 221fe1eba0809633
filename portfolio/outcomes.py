"""What became of every loan after an observation date, month by month: default, early repayment, or neither so far.

Kept beside the snapshots as outcomes/<date>.parquet, one row a loan: `event` (0 none, 1 default, 2 ended otherwise:
prepaid or matured) and `months`, the month after the date in which it happened, or up to which the loan was watched.
A loan whose rows stop without a word counts as watched up to its last row.
"""

import datetime
from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.types as ir

from portfolio.atomic import replace_file
from portfolio.errors import HypothecError
from portfolio.months import month_count, month_index
from portfolio.progress import Report, silent
from portfolio.schema import OBSERVATION_DATE
from portfolio.scratch import open_scratch
from portfolio.snapshots import HORIZON, has_ended, is_default
from portfolio.workspace import Portfolio

NONE, DEFAULT, ENDED = 0, 1, 2
LOAN = "loan_id"


def ensure_outcomes(portfolio: Portfolio, keys: Sequence[str], *, report: Report = silent) -> None:
    """Write the outcomes of the snapshots `keys` where there are none yet; HypothecError for a table without months."""
    if not portfolio.has_history:
        raise HypothecError(
            f"portfolio {portfolio.name!r} is a table without months: when an event happened is not known"
        )
    missing = [key for key in keys if not _is_current(portfolio, key)]
    if not missing:
        return
    with open_scratch(portfolio.root, "3GB") as backend:
        for done, key in enumerate(missing):
            report(done / len(missing), f"following every loan for {HORIZON} months, {key}")
            with replace_file(portfolio.outcomes / f"{key}.parquet") as temporary:
                backend.to_parquet(outcome_table(backend, portfolio, key), temporary, compression="zstd")


def _is_current(portfolio: Portfolio, key: str) -> bool:
    file = portfolio.outcomes / f"{key}.parquet"
    return file.exists() and file.stat().st_mtime_ns >= portfolio.snapshot_file(key).stat().st_mtime_ns


def outcome_table(backend: Any, portfolio: Portfolio, key: str) -> ir.Table:
    """Return loan id, event and months of the loans of snapshot `key`; the first event counts."""
    date = datetime.date.fromisoformat(key)
    now = month_count(date)
    files = [str(path) for year in (date.year, date.year + 1)
             for path in sorted((portfolio.performance / f"year={year}").glob("*.parquet"))]  # fmt: skip
    rows = backend.read_parquet(files, hive_partitioning=False)
    after = rows.mutate(month_after=month_index(rows.month) - now)
    after = after.filter(after.month_after >= 1, after.month_after <= HORIZON)
    by_loan = after.group_by(after_id=after.loan_id).aggregate(
        bad=after.month_after.min(where=is_default(after)),
        gone=after.month_after.min(where=has_ended(after)),
        last=after.month_after.max(),
    )
    snapshot = backend.read_parquet(str(portfolio.snapshot_file(key)))
    loans = snapshot.select(**{LOAN: snapshot[portfolio.schema.id.name]})
    table = loans.left_join(by_loan, loans[LOAN] == by_loan.after_id)
    never = ibis.literal(10**6)
    bad, gone = ibis.coalesce(table.bad, never), ibis.coalesce(table.gone, never)
    event = ibis.cases(((bad < 10**6) & (bad <= gone), DEFAULT), (gone < 10**6, ENDED), else_=NONE)
    months = ibis.cases((event == DEFAULT, bad), (event == ENDED, gone), else_=ibis.coalesce(table.last, 0))
    made = {"event": event.cast("int8"), "months": months.cast("int8"), OBSERVATION_DATE: ibis.literal(date, "date")}
    return table.select(LOAN, **made).order_by(LOAN)
