"""A question without code, answered by the engine: a measure by one or two dimensions, filtered, and its rows.

Everything is one Ibis expression a step, so that a book of any size gives its few numbers, not its rows.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy.special import stdtrit

from analytics.banding import Dimension, group_key, place_groups, resolve_dimension, select_part, to_number
from analytics.book import Fetch
from analytics.proportions import SMALL_N, compute_jeffreys_interval, flag_small

Kind = Literal["loans", "exposure", "rate", "mean", "median", "spread", "sum", "missing"]
KINDS: tuple[str, ...] = ("loans", "exposure", "rate", "mean", "median", "spread", "sum", "missing")
OF_A_FIELD = ("mean", "median", "spread", "sum", "missing")
QUANTILES = {"p10": 0.1, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p90": 0.9}
COUNTS = ("loans", "n", "events", "known")


@dataclass(frozen=True)
class Filter:
    """Rows kept: those with one of `values` (as text), within low ≤ x ≤ high (dates: their year), known or not.

    A value is needed for `values`, `low` and `high`. `known` None asks nothing about missing values.
    """

    column: str
    values: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    known: bool | None = None


@dataclass(frozen=True)
class Question:
    """What is asked: a measure (`of` which field, where it needs one) by `rows` and `columns`, on filtered rows.

    `target` and `exposure` name the outcome's and the amount's column, "" where the table has none.
    """

    measure: Kind
    of: str = ""
    rows: Dimension | None = None
    columns: Dimension | None = None
    filters: tuple[Filter, ...] = ()
    target: str = ""
    exposure: str = ""

    def __post_init__(self) -> None:
        if self.measure not in KINDS:
            raise ValueError(f"a measure is one of {', '.join(KINDS)}, got {self.measure!r}")
        needed = {"exposure": self.exposure, "rate": self.target}.get(self.measure, "-")
        needed = self.of if self.measure in OF_A_FIELD else needed
        if not needed:
            raise ValueError(f"the measure {self.measure!r} needs a column, got none")

    @property
    def dimensions(self) -> dict[str, Dimension]:
        """The dimensions asked for, by their column in the answer: row, column."""
        named = {"row": self.rows, "column": self.columns}
        return {name: item for name, item in named.items() if item is not None}


def filter_rows(table: ir.Table, filters: tuple[Filter, ...]) -> ir.Table:
    """Return the rows that pass every filter."""
    conditions = [condition for item in filters for condition in _conditions(table, item)]
    return table.filter(*conditions) if conditions else table


def _conditions(table: ir.Table, item: Filter) -> list[ir.Value]:
    if item.column not in table.columns:
        raise ValueError(f"the table has no column {item.column!r} to filter; it has {', '.join(table.columns)}")
    column, found = table[item.column], []
    kind = column.type()
    if item.values:
        found.append(column.cast("string").isin(item.values))
    if item.low is not None or item.high is not None:
        value = column.cast("date").year() if kind.is_date() or kind.is_timestamp() else to_number(table, item.column)
        found += [value >= item.low] if item.low is not None else []
        found += [value <= item.high] if item.high is not None else []
    if item.known is not None:
        value = to_number(table, item.column) if kind.is_numeric() else column
        found.append(value.notnull() if item.known else value.isnull())
    return found


def resolve(table: ir.Table, fetch: Fetch, question: Question, *, reference: ir.Table | None = None) -> Question:
    """Return the question with the parts of its dimensions, found on the filtered rows (bands on `reference`)."""
    rows = filter_rows(table, question.filters)
    done: dict[str, Any] = {
        name: resolve_dimension(rows, fetch, item, reference=reference) if item is not None and not item.parts else item
        for name, item in (("rows", question.rows), ("columns", question.columns))
    }
    return replace(question, **done)


def compute_pivot(table: ir.Table, fetch: Fetch, question: Question) -> pd.DataFrame:
    """Return one row per group that has rows, in the order of the dimensions' parts (resolved here if need be).

    Columns: row, column (labels, ordered categories; only the dimensions asked for), loans (rows), value with
    value_low and value_high (the estimate's 95 % interval; for "spread" the 10 and 90 % quantiles; NaN where there
    is none) and small. Before value a rate has n (rows with a known, mature outcome) and events, a measure of a
    field has known (rows with a value); "spread" adds p10, p25, p50, p75, p90 and mean. Intervals: Jeffreys for
    rates and shares, Student's t for means. small: n < 30 or < 5 events for a rate, else < 30 known (or loans).
    """
    question = resolve(table, fetch, question)
    rows = filter_rows(table, question.filters)
    keys = {f"{name}_key": group_key(rows, dimension) for name, dimension in question.dimensions.items()}
    values = _aggregates(rows, question)
    frame = fetch(rows.group_by(**keys).aggregate(**values) if keys else rows.aggregate(**values))
    return _finish(_label(frame, question), question)


def _aggregates(rows: ir.Table, question: Question) -> dict[str, ir.Value]:
    """Return the sums and counts that the measure is made of, and no others: each costs time on a large book."""
    values: dict[str, ir.Value] = {"loans": rows.count()}
    if question.measure == "loans":
        values["value"] = rows.count()
    elif question.measure == "exposure":
        values["value"] = to_number(rows, question.exposure).sum()
    elif question.measure == "rate":
        values |= _outcomes(rows, question)
    return values | (_measure_field(rows, question) if question.measure in OF_A_FIELD else {})


def _measure_field(rows: ir.Table, question: Question) -> dict[str, ir.Value]:
    numeric = rows[question.of].type().is_numeric()
    value = to_number(rows, question.of) if numeric else rows[question.of]
    values: dict[str, ir.Value] = {"known": value.count()}
    if question.measure == "mean":
        values |= {"value": value.mean(), "deviation": value.std(how="sample")}
    elif question.measure == "median":
        values["value"] = value.quantile(0.5)
    elif question.measure == "spread":
        # one sort for all five
        values |= {"quantiles": value.quantile(list(QUANTILES.values())), "mean": value.mean()}
    elif question.measure == "sum":
        values["value"] = value.sum()
    return values


def _outcomes(rows: ir.Table, question: Question) -> dict[str, ir.Value]:
    """Return n and events: rows whose outcome is known and mature, and those of them with the event."""
    outcome = to_number(rows, question.target)
    if "label_mature" in rows.columns:
        outcome = rows.label_mature.fill_null(False).ifelse(outcome, ibis.null("float64"))
    return {"n": outcome.count(), "events": (outcome == 1).ifelse(1, 0).sum()}


def _label(frame: pd.DataFrame, question: Question) -> pd.DataFrame:
    """Put each group's label in place of its key, and order the groups."""
    for name, dimension in question.dimensions.items():
        place = place_groups(frame[f"{name}_key"], dimension)
        labels = [part.label for part in dimension.parts]
        kind = pd.CategoricalDtype(labels, ordered=True)
        frame = frame.assign(**{name: pd.Categorical.from_codes(place.to_numpy(), dtype=kind)})
        frame = frame.drop(columns=f"{name}_key")
    keys = list(question.dimensions)
    return frame.sort_values(keys, ignore_index=True) if keys else frame


def _finish(frame: pd.DataFrame, question: Question) -> pd.DataFrame:
    """Add value, interval and small to the fetched sums."""
    counts = [name for name in COUNTS if name in frame.columns]
    frame = frame.assign(**{name: frame[name].fillna(0).astype("int64") for name in counts})
    if "quantiles" in frame.columns:
        frame = _unpack_quantiles(frame)
    value, low, high = _estimate(frame, question.measure)
    if question.measure == "rate":
        small = flag_small(frame["events"], frame["n"])
    else:
        base = "known" if "known" in counts and question.measure != "missing" else "loans"
        small = frame[base].to_numpy() < SMALL_N
    frame = frame.assign(value=value, value_low=low, value_high=high, small=small)
    extra = [*QUANTILES, "mean"] if question.measure == "spread" else []
    frame = frame.astype(dict.fromkeys(["value", "value_low", "value_high", *extra], "float64"))
    return frame[[*question.dimensions, *counts, "value", "value_low", "value_high", "small", *extra]]


def _unpack_quantiles(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with one column a quantile; a group without values has none."""
    none = [np.nan] * len(QUANTILES)
    rows = [none if values is None else list(values) for values in frame["quantiles"]]
    return frame.assign(**dict(zip(QUANTILES, np.array(rows, dtype=float).reshape(-1, len(QUANTILES)).T, strict=True)))


def _estimate(frame: pd.DataFrame, measure: Kind) -> tuple[Any, Any, Any]:
    """Return value and the ends of its interval (NaN where there is none)."""
    none = np.full(len(frame), np.nan)
    if measure in ("rate", "missing"):
        events = frame["events"] if measure == "rate" else frame["loans"] - frame["known"]
        n = (frame["n"] if measure == "rate" else frame["loans"]).to_numpy(dtype=float)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(n > 0, events / n, np.nan), *compute_jeffreys_interval(events, n)
    if measure == "mean":
        known = frame["known"].to_numpy(dtype=float)
        with np.errstate(invalid="ignore", divide="ignore"):
            half = stdtrit(known - 1, 0.975) * frame["deviation"].to_numpy(dtype=float) / np.sqrt(known)
        return frame["value"], frame["value"] - half, frame["value"] + half
    if measure == "spread":
        return frame["p50"], frame["p10"], frame["p90"]
    return frame["value"], none, none


@dataclass(frozen=True)
class Cell:
    """A bar, point or cell of an answer, by its labels; None where the question has no such dimension, or all of it."""

    row: str | None = None
    column: str | None = None


def select_cell(table: ir.Table, question: Question, cell: Cell) -> ir.Table:
    """Return the rows behind a cell of a resolved question; ValueError for a label that it does not have."""
    rows = filter_rows(table, question.filters)
    wanted = {"row": cell.row, "column": cell.column}
    conditions = [
        select_part(rows, dimension, str(wanted[name]))
        for name, dimension in question.dimensions.items()
        if wanted[name] is not None
    ]
    return rows.filter(*conditions) if conditions else rows


def compute_cell(table: ir.Table, fetch: Fetch, question: Question, cell: Cell) -> pd.Series:
    """Return loans, exposure, n and events (as far as the table has them) and the measure's value, of one cell.

    Counted anew from the cell's own rows, so that it can be held against the bar.
    """
    rows = select_cell(table, question, cell)
    bare = replace(question, rows=None, columns=None, filters=())
    answer = compute_pivot(rows, fetch, bare).iloc[0]
    counted: dict[str, ir.Value] = {"loans": rows.count()}
    if question.exposure:
        counted["exposure"] = to_number(rows, question.exposure).sum()
    if question.target:
        counted |= _outcomes(rows, question)
    whole = fetch(rows.aggregate(**counted)).fillna(0).iloc[0]
    found: pd.Series = pd.concat(
        [whole.astype(float), answer.drop(labels=[n for n in whole.index if n in answer.index])]
    )
    return found


def load_rows(
    table: ir.Table,
    fetch: Fetch,
    question: Question,
    cell: Cell,
    *,
    keys: tuple[str, ...],
    columns: tuple[str, ...],
    limit: int = 1000,
) -> pd.DataFrame:
    """Return at most `limit` rows behind a cell: `columns`, largest exposure first, then by `keys`."""
    rows = select_cell(table, question, cell)
    # The first column to sort by is looked up alone: a sort that carries every column is slow on a large book.
    first = to_number(rows, question.exposure) if question.exposure else rows[keys[0]]
    ends = fetch(rows.select(first=first).filter(ibis._.first.notnull()).order_by(_towards(question)).limit(limit))
    if len(ends) == limit:
        rows = rows.filter(first >= ends["first"].iloc[-1] if question.exposure else first <= ends["first"].iloc[-1])
    start = [ibis.desc(first, nulls_first=False)] if question.exposure else []
    return fetch(rows.order_by(*start, *keys).limit(limit).select(*columns))


def _towards(question: Question) -> ir.Value:
    return ibis.desc("first") if question.exposure else ibis.asc("first")


def load_sample(
    table: ir.Table, fetch: Fetch, question: Question, x: str, y: str, *, keys: tuple[str, ...], limit: int = 10_000
) -> pd.DataFrame:
    """Return a thinned cloud of points: the `keys`, x, y and column (the label of the question's columns, if any).

    Of the filtered rows with both values, those whose MD5 of the keys is smallest: the same rows at every visit.
    A hash of the first key thins large books before: whole loans. `total` is how many rows have both values.
    """
    question = resolve(table, fetch, replace(question, rows=None))
    rows = filter_rows(table, question.filters)
    known = to_number(rows, x).notnull() & to_number(rows, y).notnull()
    total = int(fetch(rows.aggregate(n=known.ifelse(1, 0).sum())).fillna(0)["n"].iloc[0])
    share = max(1, total // (2 * limit))
    # The hash first: it leaves few rows whose other columns must be read.
    drawn = rows.filter(rows[keys[0]].hash() % share == 0) if share > 1 else rows
    thin = drawn.filter(to_number(drawn, x).notnull(), to_number(drawn, y).notnull())
    texts = [thin[name].cast("string").fill_null("") for name in keys]
    own = {f"id_{place}": text for place, text in enumerate(texts)}
    named = {"x": to_number(thin, x), "y": to_number(thin, y)}
    groups = {"column_key": group_key(thin, question.columns)} if question.columns else {}
    order = ibis.literal("|").join(texts).hexdigest("md5")
    points = thin.select(**own, **named, **groups, order=order)
    frame = fetch(points.order_by("order").limit(limit).drop("order"))
    labelled = _label(frame, replace(question, rows=None)) if question.columns else frame
    return labelled.rename(columns=dict(zip(own, keys, strict=True))).assign(total=total)
