"""Cubes: a history counted once when it is built, so that a page adds up cells instead of scanning every month.

`cubes/flows/` counts loans by month, segment, state at the reporting date before and state; `cubes/ages.parquet`
counts loans by vintage, months on book and segment: at risk, first default, prepaid, matured. The reporting date
before is the book's: a month earlier, or a quarter where it is delivered quarterly. Both hold every segment field, so
any selection's numbers are exact sums of cells. Built a year at a time, so memory is bounded.
"""

import shutil
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir

from portfolio.atomic import replace_directory
from portfolio.months import month_index
from portfolio.progress import Report, silent
from portfolio.schema import Schema
from portfolio.scratch import open_scratch
from portfolio.snapshots import DEFAULT_DAYS, ENDED

NEW = "new"  # the state before of a loan that had no row at the reporting date before
CURRENT, LATE_30, LATE_60, DEFAULT = "current", "30", "60", "default"


def build_cubes(folder: Path, schema: Schema, *, memory_limit: str = "3GB", report: Report = silent) -> None:
    """Write `folder`/cubes from loans.parquet and performance/year=YYYY/*.parquet; the former cubes stay until done."""
    years = sorted((folder / "performance").glob("year=*"))
    with open_scratch(folder, memory_limit) as backend, replace_directory(folder / "cubes") as building:
        backend.raw_sql("SET preserve_insertion_order = false")
        _write(backend, folder, schema, years, building, report)
    report(1.0, "counted the months")


def _write(backend: Any, folder: Path, schema: Schema, years: list[Path], building: Path, report: Report) -> None:
    everything = _with_state(_read(backend, years))
    loans = backend.read_parquet(str(folder / "loans.parquet"))
    segments = [name for name in schema.names("segment") if name in loans.columns]
    report(0.0, "finding each loan's first default")
    firsts = _cache(backend, "firsts", first_months(everything))
    (building / "flows").mkdir()
    parts = building / "ages"  # a file a year, until they are one
    parts.mkdir()
    for done, year in enumerate(years):
        report((done + 0.5) / len(years), f"counting the months of {year.name.removeprefix('year=')}")
        rows = _with_state(_read(backend, years[max(0, done - 1) : done + 1]))
        own = int(year.name.removeprefix("year="))
        table = flows(rows, loans, segments, year=own)
        backend.to_parquet(table, building / "flows" / f"{own}.parquet", compression="zstd")
        if "origination_date" in loans.columns:
            table = ages(rows.filter(rows.month.year() == own), loans, firsts, segments)
            backend.to_parquet(table, parts / f"{own}.parquet")
    if "origination_date" in loans.columns:
        keys = ["vintage", "months_on_book", *segments]
        yearly = backend.read_parquet(str(parts / "*.parquet"))
        sums = {name: yearly[name].sum().cast(yearly[name].type()) for name in yearly.columns if name not in keys}
        whole = yearly.group_by(keys).aggregate(**sums).order_by("vintage", "months_on_book")
        backend.to_parquet(whole, building / "ages.parquet", compression="zstd")
    shutil.rmtree(parts)


def _read(backend: Any, years: list[Path]) -> ir.Table:
    files = [str(path) for year in years for path in sorted(year.glob("*.parquet"))]
    table: ir.Table = backend.read_parquet(files, hive_partitioning=False)
    return table


def _cache(backend: Any, name: str, table: ir.Table) -> ir.Table:
    made: ir.Table = backend.create_table(name, table, temp=True)
    return made


def _with_state(performance: ir.Table) -> ir.Table:
    """Add `index` (the month's number) and `state`: current, 30, 60, default, or how the loan ended.

    Unknown days past due count as current, unless the status says default: the last known state is not carried on,
    as a loan may have cured or worsened. The quality rule "arrears unknown" counts such months.
    """
    event = performance.event.fill_null("")
    days = performance.days_past_due.fill_null(0)
    state = ibis.cases(
        (event.isin(ENDED), event),
        ((days >= DEFAULT_DAYS) | (performance.status == "default").fill_null(False), DEFAULT),
        (days >= 60, LATE_60),
        (days >= 30, LATE_30),
        else_=CURRENT,
    )
    return performance.mutate(index=month_index(performance.month), state=state)


def first_months(rows: ir.Table) -> ir.Table:
    """Return each loan's first month in the history and, where there is one, its first in default."""
    return rows.group_by(first_id=rows.loan_id).aggregate(
        first_index=rows.index.min(),
        default_index=rows.index.min(where=rows.state == DEFAULT),
    )


def flows(rows: ir.Table, loans: ir.Table, segments: list[str], *, year: int) -> ir.Table:
    """Return the loans of each month of `year` by segment, state at the reporting date before and state.

    `rows` holds the months of `year` and those of the year before that the book has, with `index` and `state`.
    Columns: month, segments, state_before ("new" where the loan had no row at the last month before that any loan
    has), state, loans, exposure and exposure_before (balances at the two dates), prepaid_amount and loss (0 where
    the history has none).
    """
    now = rows.filter(rows.month.year() == year)
    dates = rows.select(past_index="index").distinct()
    dates = dates.mutate(next_index=dates.past_index.lead().over(order_by=dates.past_index))
    past = rows.select(past_id="loan_id", past_index="index", state_before="state", balance_before="balance")
    past = past.inner_join(dates, "past_index")
    joined = now.left_join(past, [now.loan_id == past.past_id, now.index == past.next_index])
    joined = joined.drop(*[name for name in segments if name in joined.columns])
    table = joined.inner_join(loans.select("loan_id", *segments), "loan_id")
    table = table.mutate(state_before=table.state_before.fill_null(NEW))
    return table.group_by("month", *segments, "state_before", "state").aggregate(
        loans=ibis._.count(),
        exposure=_total(table, "balance"),
        exposure_before=_total(table, "balance_before"),
        prepaid_amount=_total(table, "prepaid_amount"),
        loss=_total(table, "loss"),
    ).order_by("month", *segments)  # fmt: skip


def ages(rows: ir.Table, loans: ir.Table, firsts: ir.Table, segments: list[str]) -> ir.Table:
    """Return the loans at risk by vintage (quarter granted), months on book and segment.

    Columns: vintage (first day of the quarter), months_on_book, segments, at_risk (loans with a row at that age and
    no default before it), entered (those whose first row it is), exposure, first_defaults and default_exposure
    (balances then), prepaid, matured, written_off (ends without default), loss of loans after their default. A
    loan that is in default in its first row is left out of all but loss: when it defaulted is not known.
    """
    rows = rows.drop(*[name for name in segments if name in rows.columns])
    table = rows.inner_join(loans.select("loan_id", "origination_date", *segments), "loan_id")
    table = table.filter(table.origination_date.notnull())
    table = table.inner_join(firsts, table.loan_id == firsts.first_id)
    known = (table.default_index.isnull() | (table.default_index > table.first_index)).fill_null(True)
    at_risk = known & (table.default_index.isnull() | (table.index <= table.default_index))
    defaults = known & (table.index == table.default_index).fill_null(False)
    table = table.mutate(
        vintage=table.origination_date.truncate("Q"),
        months_on_book=(table["index"] - month_index(table.origination_date)).cast("int32"),
        at_risk_=at_risk,
        defaults_=defaults,
        entered_=at_risk & (table.index == table.first_index),
    )
    return table.group_by("vintage", "months_on_book", *segments).aggregate(
        at_risk=_count(table.at_risk_),
        entered=_count(table.entered_),
        exposure=_total(table, "balance", table.at_risk_),
        first_defaults=_count(table.defaults_),
        default_exposure=_total(table, "balance", table.defaults_),
        **{name: _count(table.at_risk_ & (table.state == state))
           for name, state in (("prepaid", "prepaid"), ("matured", "matured"), ("written_off", "written off"))},
        loss=_total(table, "loss"),
    )  # fmt: skip


def _count(true: ir.BooleanValue) -> ir.Value:
    """Return how many are true. DuckDB's sum of whole numbers would reach Parquet as a float; this cast keeps them."""
    return true.sum().fill_null(0).cast("int32")


def _total(table: ir.Table, name: str, where: ir.BooleanValue | None = None) -> ir.Value:
    """Return the sum of a column in double precision; 0 where the table has no such column or rows."""
    if name not in table.columns:
        return ibis.literal(0.0)
    return table[name].cast("float64").sum(where=where).fill_null(0.0)
