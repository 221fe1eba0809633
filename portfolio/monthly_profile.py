"""The monthly profile: counts, missing values and moments of every field by month and segment.

Segments are taken one at a time in the profile, but crossed while the rows are read: everything kept adds up, so
one pass over the rows serves all segments, and the profile rolls the crossed cells up. Memory is bounded by a year
of rows and by `CELLS`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from portfolio.atomic import replace_file
from portfolio.progress import Report, silent
from portfolio.schema import OBSERVATION_DATE, RESERVED, Schema
from portfolio.scratch import open_scratch

PROFILE = "profile.parquet"
CELLS = 2_000  # crossed segment values that are read at once; more segments are read in further passes
VALUES = 500  # a segment with more values than this has no profile of its own
UNKNOWN = "not known"
COLUMNS = ("table", "period", "field", "segment", "value", "n", "missing", "mean", "std", "minimum", "maximum",
           "positive", "zeros", "log_mean", "log_std", "most")  # fmt: skip
_SUMS = ("present", "sum", "squares", "positive", "log_sum", "log_squares", "zeros", "most")
_KEYS = ("table", "period", "segment", "value")


@dataclass(frozen=True)
class Source:
    """One table to profile: its parts (read one after the other), the month of a row, and where its segments are."""

    name: str
    parts: tuple[tuple[str, ...], ...]
    period: str
    fields: tuple[str, ...]
    lookup: str = ""  # the file with the segments, joined by loan, where they are not in the table itself


def build_profile(folder: Path, schema: Schema, *, report: Report = silent, memory_limit: str = "3GB") -> None:
    """Write quality/profile.parquet of the portfolio in `folder`.

    One row per table ("performance" by month, "loans" by month of origination, "snapshots" by observation date) ×
    period × field × segment (the field's name, "" for all rows) × value. Columns: n (rows), missing (null, NaN or
    infinite), mean, std, minimum, maximum, positive and zeros (rows), log_mean and log_std (of the natural logarithm
    of positive values), most (share of the present values that equal the table's most frequent one; categories
    only). Snapshots of a history are profiled only in fields that neither loans nor performance holds.
    """
    (folder / "quality").mkdir(parents=True, exist_ok=True)
    with replace_file(folder / "quality" / PROFILE) as target:
        compute_profile(folder, schema, report=report, memory_limit=memory_limit).to_parquet(target, index=False)


def compute_profile(
    folder: Path, schema: Schema, *, report: Report = silent, memory_limit: str = "3GB"
) -> pd.DataFrame:
    """Return the rows that `build_profile` writes."""
    with open_scratch(folder, memory_limit) as backend:
        sources = list(_sources(backend, folder, schema))
        steps = sum(len(source.parts) for source in sources)
        done, found = 0, []
        for source in sources:
            for profiled in _profile(backend, source, schema):
                report(min(done / steps, 1.0), f"profiling {source.name}")
                done += 1
                if profiled is not None:
                    found.append(profiled)
    report(1.0, "profiled every field")
    return pd.concat(found, ignore_index=True)


def _sources(backend: Any, folder: Path, schema: Schema) -> Iterator[Source]:
    """Yield the tables that the portfolio has, those that were delivered before those derived from them."""
    delivered: set[str] = set()
    key = schema.id.name
    years = sorted((folder / "performance").glob("year=*"))
    if years:
        parts = tuple(tuple(str(path) for path in sorted(year.glob("*.parquet"))) for year in years)
        parts = tuple(part for part in parts if part)
        names = [name for name in _read(backend, parts[0]).columns if name not in (key, "month")]
        yield Source("performance", parts, "month", tuple(names), str(folder / "loans.parquet"))
        delivered.update(names)
    if (folder / "loans.parquet").exists():
        granted = schema.meaning("origination_date")
        columns = _read(backend, [str(folder / "loans.parquet")]).columns
        names = [name for name in columns if name != key]
        if granted is not None and granted.name in columns:
            yield Source("loans", ((str(folder / "loans.parquet"),),), granted.name, tuple(names))
        delivered.update(names)
    files = [str(path) for path in sorted((folder / "snapshots").glob("*.parquet"))]
    if files:
        known = set(_read(backend, files).columns) - delivered
        names = [item.name for item in schema.fields if item.name in known and item.name != key]
        yield Source("snapshots", (tuple(files),), OBSERVATION_DATE, tuple(names))


def _read(backend: Any, files: Sequence[str]) -> ir.Table:
    table: ir.Table = backend.read_parquet(list(files), union_by_name=True, hive_partitioning=False)
    return table


def _profile(backend: Any, source: Source, schema: Schema) -> Iterator[pd.DataFrame | None]:
    """Yield the profile of a table by each bundle of segments, and None after each part that was read for it."""
    whole = _read(backend, [path for part in source.parts for path in part])
    holder = _read(backend, [source.lookup]) if source.lookup else whole
    taken = (*RESERVED, source.period, schema.id.name)
    segments = [name for name in schema.names("segment") if name in holder.columns and name not in taken]
    fields = {name: whole.schema()[name] for name in source.fields if name not in RESERVED}
    modes = _find_modes(_read(backend, source.parts[-1]), fields, schema)
    bundles = _bundle(holder, segments)
    for place, bundle in enumerate(bundles):
        lookup, values = _number_cells(backend, holder, bundle, schema) if source.lookup else (None, None)
        cells = []
        for part in source.parts:
            table = _read(backend, part)
            rows = table if lookup is None else table.left_join(lookup, schema.id.name)
            keys = {"period": _month_end(rows, source.period)}
            keys |= {"cell": rows.cell} if source.lookup else {f"s{i}": rows[name] for i, name in enumerate(bundle)}
            cells.append(rows.group_by(**keys).aggregate(**_aggregates(rows, fields, modes)).to_pyarrow().to_pandas())
            yield None
        crossed = pd.concat(cells, ignore_index=True)
        if values is not None:
            crossed = crossed.merge(values, on="cell", how="left")
        named = crossed.rename(columns={f"s{i}": f"segment {name}" for i, name in enumerate(bundle)})
        yield _roll_up(named, bundle, list(fields), whole=place == 0).assign(table=source.name)[list(COLUMNS)]


def _month_end(rows: ir.Table, name: str) -> ir.Value:
    """Return each row's period: the date itself for months and observation dates, the month end for the day granted."""
    day = rows[name].cast("date")
    if name in ("month", OBSERVATION_DATE):
        return day
    return (day.truncate("M") + ibis.interval(months=1) - ibis.interval(days=1)).cast("date")


def _bundle(holder: ir.Table, segments: Sequence[str]) -> list[list[str]]:
    """Return the segments in bundles, each of at most `CELLS` crossed values; some have too many."""
    bundles: list[list[str]] = [[]]
    for name in segments:
        if _count_cells(holder, [name]) > VALUES:
            continue
        if bundles[-1] and _count_cells(holder, [*bundles[-1], name]) > CELLS:
            bundles.append([])
        bundles[-1].append(name)
    return bundles


def _count_cells(holder: ir.Table, names: Sequence[str]) -> int:
    return int(holder.select(*names).distinct().count().to_pyarrow().as_py())


def _number_cells(
    backend: Any, holder: ir.Table, bundle: Sequence[str], schema: Schema
) -> tuple[ir.Table, pd.DataFrame]:
    """Return each loan's crossed cell as a number (a joined row then carries one integer), and the cells' values."""
    named = {f"s{place}": holder[name].cast("string") for place, name in enumerate(bundle)}
    keyed = holder.select(schema.id.name, **named)
    names = [f"s{place}" for place in range(len(bundle))]
    number = ibis.dense_rank().over(ibis.window(order_by=names)) if names else ibis.literal(0, "int64")
    table = backend.create_table(ibis.util.gen_name("cells"), keyed.mutate(cell=number.cast("int32")), temp=True)
    values = table.select("cell", *names).distinct().to_pyarrow().to_pandas()
    return table.select(schema.id.name, "cell"), values


def _find_modes(table: ir.Table, fields: dict[str, Any], schema: Schema) -> dict[str, ir.Value]:
    """Return the most frequent value of each field of words, in the last part of the table."""
    wordy = [name for name, kind in fields.items() if kind.is_string() and not _is_key(name, schema)]
    if not wordy:
        return {}
    found = (
        table.aggregate(**{f"m{i}": table[name].mode() for i, name in enumerate(wordy)})
        .to_pyarrow()
        .to_pandas()
        .iloc[0]
    )
    return {name: value for name, value in zip(wordy, found, strict=True) if isinstance(value, str)}


def _is_key(name: str, schema: Schema) -> bool:
    """Say whether a field of words names things (a borrower's number) rather than kinds of things."""
    item = next((item for item in schema.fields if item.name == name), None)
    return item is not None and not item.categories and "ignore" in item.roles


def _aggregates(rows: ir.Table, fields: dict[str, Any], modes: dict[str, Any]) -> dict[str, ir.Value]:
    found: dict[str, ir.Value] = {"n": rows.count()}
    for place, (name, kind) in enumerate(fields.items()):
        if not kind.is_numeric():
            found[f"{place} present"] = rows[name].count()
            if name in modes:
                found[f"{place} most"] = (rows[name] == modes[name]).sum()
            continue
        value = rows[name].cast("float64")
        if kind.is_floating():
            value = (value.isnan() | value.isinf()).ifelse(ibis.null("float64"), value)
        above = value > 0
        log = above.ifelse(value, ibis.null("float64")).ln()
        found |= {
            f"{place} present": value.count(),
            f"{place} sum": value.sum(),
            f"{place} squares": (value * value).sum(),
            f"{place} positive": above.sum(),
            f"{place} log_sum": log.sum(),
            f"{place} log_squares": (log * log).sum(),
            f"{place} zeros": (value == 0).sum(),
            f"{place} minimum": value.min(),
            f"{place} maximum": value.max(),
        }
    return found


def _roll_up(cells: pd.DataFrame, bundle: Sequence[str], fields: Sequence[str], *, whole: bool) -> pd.DataFrame:
    """Return crossed cells as one row a period, field and value of one segment at a time, and of all rows."""
    cells = cells.assign(period=pd.to_datetime(cells["period"]))
    numbers = [name for name in cells.columns if name == "n" or name[:1].isdigit()]
    cells = cells.astype(dict.fromkeys(numbers, float)).copy()  # a copy is stored in one block
    how = {
        name: "min" if name.endswith("minimum") else "max" if name.endswith("maximum") else "sum" for name in numbers
    }
    parts = []
    for segment in [*([""] if whole else []), *bundle]:
        value = cells[f"segment {segment}"].astype(object).fillna(UNKNOWN).astype(str) if segment else ""
        values = pd.Series(value, index=cells.index, name="value")
        grouped = cells.groupby(["period", values], dropna=False).agg(how).copy()
        parts.append(_lengthen(grouped.reset_index(), fields).assign(segment=segment))
    return pd.concat(parts, ignore_index=True)


def _lengthen(wide: pd.DataFrame, fields: Sequence[str]) -> pd.DataFrame:
    """Return one row a field, with sums turned into moments."""
    parts = []
    for place, name in enumerate(fields):
        own = {stat: f"{place} {stat}" for stat in (*_SUMS, "minimum", "maximum")}
        part = pd.DataFrame({stat: wide.get(column, np.nan) for stat, column in own.items()})
        parts.append(pd.concat([wide[["period", "value", "n"]], part], axis=1).assign(field=name))
    long = pd.concat(parts, ignore_index=True)
    long["mean"], long["std"] = _moments(long["sum"], long["squares"], long["present"])
    long["log_mean"], long["log_std"] = _moments(long["log_sum"], long["log_squares"], long["positive"])
    with np.errstate(invalid="ignore", divide="ignore"):
        long["most"] = long["most"] / long["present"].where(long["present"] > 0)
    return long.assign(missing=long["n"] - long["present"])


def _moments(total: pd.Series, squares: pd.Series, n: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return mean and sample standard deviation from sums; rounding can leave a variance just below zero."""
    mean = total / n.where(n > 0)
    variance = (squares - n * mean**2) / (n - 1).where(n > 1)
    return mean, variance.clip(lower=0) ** 0.5
