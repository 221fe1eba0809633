"""Snapshots: one row a loan a quarter end, with what was known then and what happened within 12 months.

Features at date t come from rows dated t or earlier, the label from the twelve months after t, which is
known only when they have passed. Months are counted, not rows, so a gap in a loan's history shifts nothing.
Everything is an Ibis expression over the history's Parquet files, one date at a time: memory is bounded by
the 25 months around a date (37 where transforms look back further).
"""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir

from portfolio.atomic import replace_directory
from portfolio.documents import TABLE
from portfolio.documents_known import join_documents
from portfolio.errors import HypothecError
from portfolio.months import month_count, month_end, month_index
from portfolio.progress import Report, silent
from portfolio.schema import LABEL_MATURE, OBSERVATION_DATE, SAMPLE, Schema, Splits
from portfolio.scratch import open_scratch
from portfolio.transforms import TRANSFORMS, add_transforms

HORIZON = 12  # months after the observation date in which a default counts, and before it for the look-backs
DEFAULT_DAYS = 90
ENDED = ("prepaid", "matured", "written off")
TYPES = {"number": "float64", "category": "string", "date": "date"}
TARGET_TYPE = "int32"
MACRO = "macro.parquet"
FROM_MACRO = ("unemployment", "market_rate", "price_now", "price_granted", "unemployment_before", "price_before")


@dataclass(frozen=True)
class History:
    """The tables of a portfolio with history; `performance` holds the rows of the months asked for."""

    loans: ir.Table
    performance: ir.Table
    macro: ir.Table | None
    last: datetime.date
    documents: ir.Table | None = None


def build_snapshots(folder: Path, schema: Schema, *, memory_limit: str = "3GB", report: Report = silent) -> list[str]:
    """Write `folder`/snapshots, one Parquet file a quarter end from the twelfth month on; return their dates.

    `folder` holds loans.parquet, performance/year=YYYY/*.parquet and perhaps macro.parquet. All snapshots are
    written beside the former ones and take their place together.
    """
    with open_scratch(folder, memory_limit) as backend:
        dates = _write_all(backend, folder, schema, report)
    report(1.0, f"built {len(dates)} snapshots")
    return [date.isoformat() for date in dates]


def _write_all(backend: Any, folder: Path, schema: Schema, report: Report) -> list[datetime.date]:
    """Write the snapshots of every quarter end and return their dates; the former ones stay if this fails."""
    months = backend.read_parquet(str(folder / "performance" / "year=*" / "*.parquet"), hive_partitioning=False)
    span = months.aggregate(first=months.month.min(), last=months.month.max()).to_pyarrow().to_pylist()[0]
    dates = quarter_ends(span["first"], span["last"])
    if not dates:
        raise HypothecError(
            f"{folder}: snapshots need a quarter end with 12 months before it, got {span['first']} to {span['last']}"
        )
    loans = backend.read_parquet(str(folder / "loans.parquet"))
    macro = backend.read_parquet(str(folder / MACRO)) if (folder / MACRO).exists() else None
    documents = backend.read_parquet(str(folder / TABLE)) if (folder / TABLE).exists() else None
    before = 2 if any(item.name in TRANSFORMS for item in schema.fields) else 1  # transforms look back 24 months
    with replace_directory(folder / "snapshots") as building:
        for done, date in enumerate(dates):
            report(done / len(dates), f"building the snapshot of {date}")
            rows = backend.read_parquet(_files_around(folder, date, before), hive_partitioning=False)
            table = snapshot(History(loans, rows, macro, span["last"], documents), schema, date)
            backend.to_parquet(table, building / f"{date}.parquet", compression="zstd")
    return dates


def quarter_ends(first: datetime.date, last: datetime.date) -> list[datetime.date]:
    """Return the quarter ends with at least twelve months of history, the date's own month included.

    >>> [str(date) for date in quarter_ends(datetime.date(2024, 1, 31), datetime.date(2025, 4, 30))]
    ['2024-12-31', '2025-03-31']
    """
    months = range(month_count(first) + HORIZON - 1, month_count(last) + 1)
    return [month_end(month) for month in months if month % 3 == 2]


def _files_around(folder: Path, date: datetime.date, years_before: int) -> list[str]:
    """Return the performance files of the years from `years_before` before `date` on, to where its label ends."""
    years = range(date.year - years_before, date.year + 2)
    return [str(path) for year in years for path in sorted((folder / "performance" / f"year={year}").glob("*.parquet"))]


def snapshot(history: History, schema: Schema, date: datetime.date) -> ir.Table:
    """Return the snapshot of `date`: the schema's fields, observation date, label maturity and sample.

    Loans on book at `date` that are less than 90 days past due and not in default. A field is
    looked for among the features, then in loans, then in performance at that month.
    """
    rows = with_features(history, date, [item.name for item in schema.fields if item.name in TRANSFORMS])
    label = with_label(history, date)
    mature = month_count(date) + HORIZON <= month_count(history.last)
    table = rows.left_join(label, rows.loan_id == label.labelled_id)
    table = join_documents(table, history.documents, schema, date)
    happened = table.defaulted.fill_null(0) if mature else ibis.null("int64")
    columns = {}
    for item in schema.fields:
        if item == schema.target:
            columns[item.name] = happened.cast(TARGET_TYPE)
        elif item.name in table.columns:
            columns[item.name] = table[item.name].cast(TYPES[item.kind])
        else:
            raise HypothecError(f"no {item.name!r}, which the schema asks for, among loans, performance or features")
    columns[OBSERVATION_DATE] = ibis.literal(date, "date")
    columns[LABEL_MATURE] = ibis.literal(mature)
    columns[SAMPLE] = sample_of(table.loan_id, schema.splits, date, mature)
    return table.select(**columns).order_by(schema.id.name)


def with_features(history: History, date: datetime.date, transforms: Sequence[str] = ()) -> ir.Table:
    """Return the loans performing at `date` with all that was known of them, from rows up to `date` only.

    `transforms` are names of `portfolio.transforms`, made where the history has what they need.
    """
    now = month_count(date)
    known = history.performance.mutate(index=month_index(history.performance.month)).filter(ibis._.index <= now)
    here = known.filter(known.index == now, ~is_default(known), ~has_ended(known))
    past = _look_back(known, now)
    rows = here.join(past, here.loan_id == past.past_id)
    rows = rows.drop(*[name for name in history.loans.columns if name in rows.columns and name != "loan_id"])
    table = rows.join(history.loans, "loan_id")
    table = _derive(table if history.macro is None else _with_economy(table, history.macro, now), now)
    return add_transforms(table, known, history.macro, transforms, now)


def _look_back(known: ir.Table, now: int) -> ir.Table:
    """Return what the twelve months up to `now` say of each loan; the month before them gives the former payment."""
    recent = known.index > now - HORIZON
    window = known.filter(known.index >= now - HORIZON)
    paid = (
        {"payment_before": window.payment.max(where=window.index == now - HORIZON)}
        if "payment" in known.columns
        else {}
    )
    return window.group_by(past_id=window.loan_id).aggregate(
        worst_arrears_12m=window.days_past_due.max(where=recent),
        months_in_arrears_12m=(window.days_past_due >= 30).sum(where=recent),
        **paid,
    )


def _with_economy(table: ir.Table, macro: ir.Table, now: int) -> ir.Table:
    """Add the region's economy now, twelve months ago and when the loan was granted."""
    indexed = macro.mutate(index=month_index(macro.month))
    keys = ["country", "region"]
    current = indexed.filter(indexed.index == now)
    current = current.select(*keys, "unemployment", "market_rate", price_now="house_price_index")
    before = indexed.filter(indexed.index == now - HORIZON)
    before = before.select(*keys, unemployment_before="unemployment", price_before="house_price_index")
    granted = indexed.filter(indexed.index <= now).select(*keys, granted="index", price_granted="house_price_index")
    table = table.mutate(granted=month_index(table.origination_date))
    return table.left_join(current, keys).left_join(before, keys, rname="{name}_b").left_join(
        granted, [*keys, "granted"], rname="{name}_g")  # fmt: skip


def _derive(table: ir.Table, now: int) -> ir.Table:
    """Add the features of `DERIVED` whose inputs are there."""
    present = set(table.columns)
    made = {name: make(table, now) for name, (inputs, make) in DERIVED.items() if present.issuperset(inputs)}
    return table.mutate(**made)


def _number(column: ir.Column) -> ir.FloatingColumn:
    return column.cast("float64")


# Payments are monthly, incomes yearly; ratios are shares; no ratio has a zero below it.
DERIVED: dict[str, tuple[tuple[str, ...], Callable[[ir.Table, int], ir.Value]]] = {
    "current_ltv": (
        ("balance", "property_value", "price_now", "price_granted"),
        lambda t, _: _number(t.balance) / (t.property_value.nullif(0) * t.price_now / t.price_granted.nullif(0)),
    ),
    "debt_service": (("payment", "income"), lambda t, _: 12 * _number(t.payment) / _number(t.income).nullif(0)),
    "loan_to_income": (("balance", "income"), lambda t, _: _number(t.balance) / _number(t.income).nullif(0)),
    "rate_incentive": (("rate", "market_rate"), lambda t, _: _number(t.rate) - t.market_rate),
    "remaining_months": (("maturity_date",), lambda t, now: month_index(t.maturity_date) - now),
    "unemployment_change_12m": (
        ("unemployment", "unemployment_before"),
        lambda t, _: t.unemployment - t.unemployment_before,
    ),
    "house_price_growth_12m": (("price_now", "price_before"), lambda t, _: t.price_now / t.price_before - 1),
    "payment_change_12m": (
        ("payment", "payment_before"),
        lambda t, _: _number(t.payment) / _number(t.payment_before).nullif(0) - 1,
    ),
}
"""Each derived feature: the columns that it is made from, and how. A history without an input lacks the feature."""


def available_features(folder: Path) -> list[str]:
    """Return the names of the built-in features that `snapshot` can make from the files of the history in `folder`."""
    present = inputs_of(folder)
    made = [name for name, (inputs, _) in DERIVED.items() if present.issuperset(inputs)]
    return [*made, "worst_arrears_12m", "months_in_arrears_12m", *({"unemployment"} & present)]


def inputs_of(folder: Path) -> set[str]:
    """Return the columns that features of the history in `folder` can be made from."""
    backend = ibis.duckdb.connect()
    try:
        loans = backend.read_parquet(str(folder / "loans.parquet"))
        months = backend.read_parquet(str(folder / "performance" / "year=*" / "*.parquet"), hive_partitioning=False)
        present = {*loans.columns, *months.columns}
    finally:
        backend.disconnect()
    present |= {"payment_before"} if "payment" in present else set()
    return present | (set(FROM_MACRO) if (folder / MACRO).exists() else set())


def with_label(history: History, date: datetime.date) -> ir.Table:
    """Return 1 for each loan that is 90 days past due or in default in the twelve months after `date`, else 0."""
    now = month_count(date)
    rows = history.performance.mutate(index=month_index(history.performance.month))
    after = rows.filter(rows.index > now, rows.index <= now + HORIZON)
    return after.group_by(labelled_id=after.loan_id).aggregate(defaulted=is_default(after).cast("int64").max())


def is_default(rows: ir.Table) -> ir.BooleanValue:
    """Return whether a loan is 90 days past due or in default, row by row."""
    return (rows.days_past_due >= DEFAULT_DAYS) | (rows.status == "default")


def has_ended(rows: ir.Table) -> ir.BooleanValue:
    """Return whether a loan leaves the book in this month: prepaid, matured or written off."""
    return rows.event.fill_null("").isin(ENDED)


def sample_of(loan_id: ir.StringValue, splits: Splits, date: datetime.date, mature: bool) -> ir.StringValue:
    """Return the sample of each row: by date, and within development by a stable hash of the loan id."""
    if not mature:
        return ibis.literal("unlabelled")
    if splits.out_of_time_from and date >= splits.out_of_time_from:
        return ibis.literal("out-of-time")
    if splits.development_until and date > splits.development_until:
        return ibis.literal("embargo")
    return ibis.ifelse(is_held_out(loan_id, splits.holdout_share), "out-of-sample", "development")


def is_held_out(key: ir.StringValue, share: float) -> ir.BooleanValue:
    """Return whether an id is held out: the first 8 hex digits of its MD5, modulo 10,000, below 10,000 · share."""
    digits = ibis.literal("0x") + key.cast("string").hexdigest("md5").substr(0, 8)
    return digits.cast("int64") % 10_000 < round(10_000 * share)
