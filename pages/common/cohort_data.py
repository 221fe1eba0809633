"""The rows behind the cohorts page: two groups defined by clicks, sampled by the engine and compared."""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd

from analytics.cohorts import compute_comparison, compute_pictures, find_clusters
from analytics.proportions import SMALL_N
from pages.common import cached
from pages.common.cached import remember
from portfolio.schema import SAMPLE, Field, Schema
from portfolio.selection import Selection, select_rows
from portfolio.workspace import UNDATED

LIMIT = 15_000  # rows a cohort: effects are known to about 0.01 then, and the tests take a third of a second
STEPS = 1_000_000
LEFT_OUT = {"id", "ignore", "date", "score"}


@dataclass(frozen=True)
class Group:
    """Which rows of a snapshot are meant: values of a field, or a range of a number, or all without a field.

    `rest` turns the meaning round: everyone else of that snapshot.
    """

    snapshot: str
    field: str = ""
    values: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    rest: bool = False


@dataclass(frozen=True)
class Comparison:
    """Two cohorts compared: the table of `compute_comparison`, its pictures, and the rows used of those there are."""

    table: pd.DataFrame
    pictures: pd.DataFrame
    used: tuple[int, int]
    total: tuple[int, int]
    clustered: bool


@remember
def known_dates(selection: Selection) -> pd.DataFrame:
    """Return each snapshot's key, rows, n (rows with a mature outcome) and events; in time order."""
    here, schema = cached.engine(selection), cached.portfolio(selection).schema
    keys = cached.portfolio(selection).snapshot_keys()
    rows = select_rows(here.snapshots(), selection.where)
    known = is_known(rows, schema)
    event = known & (rows[schema.target.name] == 1) if schema.names("target") else known
    found = here.fetch(
        rows.group_by("observation_date").agg(
            rows=ibis._.count(), n=known.ifelse(1, 0).sum(), events=event.fill_null(False).ifelse(1, 0).sum()
        )
    )
    counts = {"rows": "int64", "n": "int64", "events": "int64"}
    found = found.astype(counts).sort_values("observation_date", ignore_index=True)
    if keys == [UNDATED]:
        return found.assign(key=UNDATED)
    return found.assign(key=pd.to_datetime(found["observation_date"]).dt.strftime("%Y-%m-%d"))


def is_known(rows: ir.Table, schema: Schema) -> ir.BooleanValue:
    """Return whether a row's outcome is known and mature (an Ibis condition)."""
    target = next(iter(schema.names("target")), None)
    if target is None:
        return ibis.literal(False)
    return rows[target].notnull() & rows.label_mature.fill_null(False)


def default_date(selection: Selection) -> str:
    """Return the snapshot that opens: the latest with known outcomes and 30 events or, failing that, the most.

    Without any outcome the latest; "" where no row is selected.
    """
    dates = known_dates(selection)
    if dates.empty:
        return ""
    enough = dates[dates["events"] >= min(SMALL_N, int(dates["events"].max()))]
    return str(enough["key"].iloc[-1])


def is_category(field: Field) -> bool:
    """Whether a field is read as words: a category, or a number whose codes have names."""
    return field.kind == "category" or bool(field.categories)


def compared_fields(selection: Selection, key: str) -> tuple[Field, ...]:
    """Return the fields of a snapshot that say something about a loan: no ids, dates, ignored fields or outcome."""
    columns = set(cached.engine(selection).snapshots([key]).columns)
    return tuple(
        item
        for item in cached.portfolio(selection).schema.fields
        if not (LEFT_OUT | {"target"}) & set(item.roles) and item.kind != "date" and item.name in columns
    )


@remember
def values_of(selection: Selection, key: str, name: str) -> list[str]:
    """Return a field's values in a snapshot, most frequent first, 100 at most."""
    here = cached.engine(selection)
    rows = select_rows(here.snapshots([key]), selection.where)
    counted = rows.filter(rows[name].notnull()).group_by(value=rows[name].cast("string")).agg(n=ibis._.count())
    return list(here.fetch(counted.order_by(ibis.desc("n"), "value").limit(100))["value"])


@remember
def threshold_of(selection: Selection, key: str, name: str, level: float) -> float:
    """Return a quantile of a number in a snapshot, or the next value where that is the lowest; NaN if none is known."""
    here = cached.engine(selection)
    rows = select_rows(here.snapshots([key]), selection.where)
    value = rows[name].cast("float64")
    found = here.fetch(rows.agg(q=value.quantile(level), low=value.min())).iloc[0]
    if found["q"] > found["low"]:
        return float(found["q"])
    return float(here.fetch(rows.filter(value > found["low"]).agg(q=value.min()))["q"].iloc[0])


def _rows(selection: Selection, group: Group) -> ir.Table:
    """Return the rows that a group means."""
    schema = cached.portfolio(selection).schema
    rows = select_rows(cached.engine(selection).snapshots([group.snapshot]), selection.where)
    if not group.field:
        return rows
    if group.field in schema.names("target"):
        rows = rows.filter(is_known(rows, schema))
        return rows.filter(rows[group.field] == (0 if group.rest else 1))
    inside = _inside(rows[group.field], group).fill_null(False)
    return rows.filter(~inside if group.rest else inside)


def _inside(column: ir.Value, group: Group) -> ir.BooleanValue:
    if group.values:
        return column.cast("string").isin(group.values)
    inside = ibis.literal(True) & column.notnull()
    if group.low is not None:
        inside = inside & (column >= group.low)
    return inside & (column < group.high) if group.high is not None else inside


def sample_rows(
    selection: Selection, rows: ir.Table, names: list[str], *, limit: int = LIMIT
) -> tuple[pd.DataFrame, int]:
    """Return about `limit` of the rows, all rows of the loans with the smallest hashes, and how many there are.

    The hash of a loan never changes, so the same loans are drawn at every date and at every visit.
    """
    here, loan = cached.engine(selection), cached.portfolio(selection).schema.id.name
    total = int(here.fetch(rows.agg(n=rows.count()))["n"].iloc[0])
    if total > limit:
        place = (rows[loan].cast("string").hash() % STEPS).abs()
        rows = rows.filter(place < int(STEPS * limit / total))
    frame = here.fetch(rows.select(*dict.fromkeys([loan, *names])))
    return frame.sort_values(loan, ignore_index=True), total


@remember
def compare(selection: Selection, a: Group, b: Group) -> Comparison | None:
    """Return two groups compared in every field but the one that defines them; None where one is empty."""
    schema = cached.portfolio(selection).schema
    here, there = (compared_fields(selection, group.snapshot) for group in (a, b))
    fields = [item for item in here if item.name != a.field and item in there]
    target = next((name for name in schema.names("target") if name != a.field), None)
    names = [item.name for item in fields] + ([target] if target else [])
    first, total_a = _take(selection, a, names, target)
    second, total_b = _take(selection, b, names, target)
    if not len(first) or not len(second):
        return None
    usable = [item for item in fields if first[item.name].notna().any() or second[item.name].notna().any()]
    categories = [item.name for item in usable if is_category(item)]
    if target and first[target].notna().any() and second[target].notna().any():
        categories.append(target)
    numbers = [item.name for item in usable if not is_category(item)]
    table = compute_comparison(first, second, numbers=numbers, categories=categories, loan=schema.id.name)
    if target:  # an outcome is not known yet, it is not missing
        table = table[(table["field"] != target) | (table["kind"] != "missing")].reset_index(drop=True)
    clustered = find_clusters(first, second, schema.id.name) is not None
    pictures = compute_pictures(first, second, table)
    return Comparison(table, pictures, (len(first), len(second)), (total_a, total_b), clustered)


def _take(selection: Selection, group: Group, names: list[str], target: str | None) -> tuple[pd.DataFrame, int]:
    """Return a group's sample; outcomes that are not mature yet are unknown."""
    frame, total = sample_rows(selection, _rows(selection, group), [*names, "label_mature"])
    if target:
        frame[target] = frame[target].where(frame["label_mature"].fillna(False).astype(bool))
    return frame, total


def groupings(selection: Selection, key: str) -> list[str]:
    """Return what cohorts can be made from: the outcome where known, then segments, other fields, and the sample."""
    schema = cached.portfolio(selection).schema
    dates = known_dates(selection).set_index("key")
    target = schema.names("target") if key in dates.index and 0 < dates["events"][key] < dates["n"][key] else []
    fields = compared_fields(selection, key)
    segments = [item.name for item in fields if "segment" in item.roles]
    others = [item.name for item in fields if item.name not in segments]
    several = len(values_of(selection, key, SAMPLE)) > 1
    return [*target, *segments, *others, *([SAMPLE] if several else [])]
