"""Payment and economy histories: the last 24 months of every loan of a snapshot, as one sequence a loan.

Kept beside the snapshots as histories/<date>.parquet, one row a loan: its id, the date, a column a sequence. A sequence
is a list of 24 × channels numbers, month by month from the oldest to the observation date. A month without a row
(before the loan was granted, or a gap) has `present` 0 and zeros elsewhere; later rows are never read.
"""

import datetime
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from portfolio.atomic import replace_file
from portfolio.errors import HypothecError
from portfolio.months import month_count, month_index
from portfolio.progress import Report, silent
from portfolio.schema import OBSERVATION_DATE
from portfolio.scratch import open_scratch
from portfolio.workspace import Portfolio

MONTHS = 24
LOAN = "loan_id"

Make = Callable[[ir.Table], ir.Value]


@dataclass(frozen=True)
class Channel:
    """One number a month: the columns it is made of, and how."""

    name: str
    needs: tuple[str, ...]
    make: Make


@dataclass(frozen=True)
class Sequence24:
    """A sequence feature: its column, what it is called, and the channels it has where their inputs are there."""

    name: str
    label: str
    description: str
    channels: tuple[Channel, ...]


def _number(column: ir.Column) -> ir.FloatingColumn:
    return column.cast("float64")


# `balance_now`, `price_now`: the observation date's own; ratios to them say what happened, not how big a loan is.
SEQUENCES: dict[str, Sequence24] = {
    "payment_history": Sequence24(
        "payment_history", "Payment history, 24 months",
        "Month by month: days past due, balance against today's, debt service, rate, extra repayments.",
        (
            Channel("present", (), lambda _: ibis.literal(1.0)),
            Channel("months_behind", ("days_past_due",), lambda t: ibis.least(_number(t.days_past_due) / 30, 6.0)),
            Channel("balance_ratio", ("balance",), lambda t: ibis.least(
                _number(t.balance) / _number(t.balance_now).nullif(0), 5.0)),
            Channel("debt_service", ("payment", "income"), lambda t: ibis.least(
                12 * _number(t.payment) / _number(t.income).nullif(0), 3.0)),
            Channel("rate", ("rate",), lambda t: 10 * _number(t.rate)),
            Channel("curtailed", ("curtailment", "balance"), lambda t: ibis.least(
                10 * _number(t.curtailment) / _number(t.balance_now).nullif(0), 5.0)),
        ),
    ),
    "economy_history": Sequence24(
        "economy_history", "Economy, 24 months",
        "Month by month in the loan's region: unemployment, house prices against today's, the market rate.",
        (
            Channel("unemployment", ("unemployment",), lambda t: 10 * _number(t.unemployment)),
            Channel("house_price_ratio", ("house_price_index",), lambda t: 5 * (
                _number(t.house_price_index) / _number(t.price_now).nullif(0) - 1)),
            Channel("market_rate", ("market_rate",), lambda t: 10 * _number(t.market_rate)),
        ),
    ),
}  # fmt: skip


def available_channels(portfolio: Portfolio, name: str) -> tuple[str, ...]:
    """Return the channels of sequence `name` that the portfolio's files give; HypothecError where there is none."""
    if name not in SEQUENCES:
        raise HypothecError(f"no sequence {name!r}; there are {', '.join(SEQUENCES)}")
    if not portfolio.has_history:
        raise HypothecError(f"portfolio {portfolio.name!r} is a table without months: it has no {name}")
    present = _columns(portfolio, name)
    return tuple(item.name for item in SEQUENCES[name].channels if present.issuperset(item.needs))


def _columns(portfolio: Portfolio, name: str) -> set[str]:
    import pyarrow.parquet as pq

    if name == "economy_history":
        if not portfolio.macro.exists():
            raise HypothecError(f"portfolio {portfolio.name!r} has no macro.parquet: it has no {name}")
        return set(pq.read_schema(portfolio.macro).names)
    files = sorted(portfolio.performance.glob("year=*/*.parquet"))
    return set(pq.read_schema(files[0]).names) if files else set()


def ensure_histories(
    portfolio: Portfolio, keys: Sequence[str], names: Iterable[str], *, report: Report = silent
) -> None:
    """Write the histories of the snapshots `keys` with the sequences `names`, where there are none yet.

    Other sequences that they hold are made anew with them, so that two models do not take them from each other.
    HypothecError for an unknown sequence, and for a portfolio without months or economy.
    """
    wanted = list(dict.fromkeys(names))
    missing = [key for key in keys if not _has(portfolio, key, wanted)]
    if not missing:
        return
    channels = {name: available_channels(portfolio, name) for name in wanted + _kept(portfolio, missing, wanted)}
    with open_scratch(portfolio.root, "3GB") as backend:
        for done, key in enumerate(missing):
            report(done / len(missing), f"gathering 24 months of every loan, {key}")
            table = history_table(backend, portfolio, key, channels)
            with replace_file(portfolio.histories / f"{key}.parquet") as temporary:
                backend.to_parquet(table, temporary, compression="zstd")
    report(1.0, f"gathered the months of {len(missing)} snapshots")


def _kept(portfolio: Portfolio, keys: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the sequences beside `names` that the histories of `keys` hold."""
    import pyarrow.parquet as pq

    files = [portfolio.histories / f"{key}.parquet" for key in keys]
    held = {name for file in files if file.exists() for name in pq.read_schema(file).names}
    return [name for name in SEQUENCES if name in held and name not in names]


def _has(portfolio: Portfolio, key: str, names: Sequence[str]) -> bool:
    """Whether the histories of a snapshot are there, with all of `names`, and not older than the snapshot."""
    import pyarrow.parquet as pq

    file, snapshot = portfolio.histories / f"{key}.parquet", portfolio.snapshot_file(key)
    if not file.exists() or file.stat().st_mtime_ns < snapshot.stat().st_mtime_ns:
        return False
    return set(pq.read_schema(file).names).issuperset((OBSERVATION_DATE, *names))


def history_table(backend: Any, portfolio: Portfolio, key: str, channels: dict[str, tuple[str, ...]]) -> ir.Table:
    """Return loan id and the sequences of snapshot `key`, one row a loan, as one query over rows up to its date."""
    date = datetime.date.fromisoformat(key)
    now = month_count(date)
    years = range(date.year - 2, date.year + 1)
    files = [str(path) for year in years for path in sorted((portfolio.performance / f"year={year}").glob("*.parquet"))]
    rows = backend.read_parquet(files, hive_partitioning=False)
    snapshot = backend.read_parquet(str(portfolio.snapshot_file(key)))
    id_name = portfolio.schema.id.name
    months = rows.mutate(index=month_index(rows.month)).filter(ibis._.index <= now, ibis._.index > now - MONTHS)
    here = backend.read_parquet(str(portfolio.loans))
    loans = snapshot.select(**{LOAN: snapshot[id_name]})
    if "economy_history" in channels:
        loans = loans.join(here.select(LOAN, "country", "region"), LOAN)
    if "balance" in months.columns:
        current = months.filter(months.index == now).select(LOAN, balance_now="balance")
        loans = loans.left_join(current, LOAN).drop(f"{LOAN}_right")
    places = ibis.memtable({"index": list(range(now - MONTHS + 1, now + 1))})
    grid = loans.cross_join(places)
    grid = grid.left_join(months, [LOAN, "index"], rname="{name}_row")
    if "economy_history" in channels:
        grid = _with_economy(backend, portfolio, grid, now)
    columns = {}
    for name, chosen in channels.items():
        items = [item for item in SEQUENCES[name].channels if item.name in chosen]
        absent = grid[f"{LOAN}_row"].isnull() if name == "payment_history" else ibis.literal(False)
        values = [ibis.ifelse(absent, 0.0, item.make(grid).fill_null(0.0)).cast("float32") for item in items]
        columns[name] = ibis.array(values)
    wide = grid.select(LOAN, "index", **columns)
    lists = {name: wide[name].collect(order_by=wide["index"]).flatten() for name in columns}
    found = wide.group_by(LOAN).aggregate(**lists)
    return found.mutate(**{OBSERVATION_DATE: ibis.literal(date, "date")}).order_by(LOAN)


def _with_economy(backend: Any, portfolio: Portfolio, grid: ir.Table, now: int) -> ir.Table:
    """Add each month's economy of the loan's region, and the house prices of the observation date."""
    macro = backend.read_parquet(str(portfolio.macro))
    months = macro.mutate(index=month_index(macro.month)).filter(ibis._.index <= now, ibis._.index > now - MONTHS)
    current = months.filter(months.index == now).select("country", "region", price_now="house_price_index")
    grid = grid.left_join(months.drop("month"), ["country", "region", "index"], rname="{name}_macro")
    return grid.left_join(current, ["country", "region"], rname="{name}_now")
