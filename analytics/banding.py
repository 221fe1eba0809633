"""The groups that a field falls into: its largest categories and the rest, numbers in bands, dates by period.

A `Dimension` says what is asked; `resolve_dimension` looks at the rows and gives it its `parts`, in
order, each with a label and the rows that belong to it. Every row belongs to exactly one part.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
import pandas as pd

from analytics.book import Fetch
from analytics.words import MISSING, format_money, format_number

Kind = Literal["category", "number", "year", "quarter", "date"]
PartKind = Literal["value", "band", "rest", "missing"]
_NICE = (1.0, 2.0, 2.5, 5.0)
_MOST_STEPS = 14  # bands of a fixed width; more are not read


@dataclass(frozen=True)
class Part:
    """One group: a value (category, number or period), a band low ≤ x < high, the rest, or rows without a value."""

    label: str
    kind: PartKind
    value: Any = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Dimension:
    """A field and how it is grouped: `count` bands or largest categories; `step` fixes the bands' width.

    `unit` words the bands. `parts` is empty until `resolve_dimension` has seen the rows.
    """

    column: str
    kind: Kind = "category"
    unit: str = ""
    count: int = 10
    step: float = 0.0
    parts: tuple[Part, ...] = ()


def to_number(table: ir.Table, column: str) -> ir.Value:
    """Return a column as float64; NaN counts as missing, as in pandas."""
    value = table[column]
    if not value.type().is_floating():
        return value.cast("float64")
    value = value.cast("float64")
    return value.isnan().ifelse(ibis.null("float64"), value)


def group_value(table: ir.Table, dimension: Dimension) -> ir.Value:
    """Return what rows are grouped by before bands: text, a number, a year, 4 × year + quarter − 1, or a date."""
    column = table[dimension.column]
    if dimension.kind == "category":
        return column.cast("string")
    if dimension.kind == "number":
        return to_number(table, dimension.column)
    date = column.cast("date")
    if dimension.kind == "year":
        return date.year().cast("int64")
    if dimension.kind == "quarter":
        return date.year().cast("int64") * 4 + date.quarter().cast("int64") - 1
    return date


def resolve_dimension(
    table: ir.Table, fetch: Fetch, dimension: Dimension, *, reference: ir.Table | None = None
) -> Dimension:
    """Return the dimension with its parts, found on the rows of `table`.

    Categories: the `count` with the most rows, then the rest as "other (k)". Numbers with few values: each
    value; else bands of `step`, or between rounded quantiles of `reference` (the whole of the latest snapshot,
    say, so that bands stay when filters change; `table` itself without one). Rows without a value come last.
    """
    if dimension.column not in table.columns:
        raise ValueError(f"the table has no column {dimension.column!r}; it has {', '.join(table.columns)}")
    if dimension.kind == "number":
        return replace(
            dimension,
            parts=_unique(_number_parts(table, fetch, dimension, reference if reference is not None else table)),
        )
    value = group_value(table, dimension)
    found = fetch(table.group_by(value=value).aggregate(rows=ibis._.count()))
    known = found[found["value"].notna()]
    parts = _category_parts(known, dimension.count) if dimension.kind == "category" else _periods(known, dimension.kind)
    return replace(dimension, parts=_unique([*parts, *_missing(len(known) < len(found))]))


def _missing(any_missing: bool) -> list[Part]:
    return [Part(MISSING, "missing")] if any_missing else []


def _category_parts(known: pd.DataFrame, count: int) -> list[Part]:
    ranked = known.sort_values(["rows", "value"], ascending=[False, True])["value"].astype(str).tolist()
    shown, rest = ranked[:count], ranked[count:]
    if len(rest) == 1:  # one category fits where "other (1)" would stand
        shown, rest = ranked, []
    parts = [Part(value or "(empty)", "value", value) for value in shown]
    return parts + ([Part(f"other ({len(rest)})", "rest")] if rest else [])


def _periods(known: pd.DataFrame, kind: Kind) -> list[Part]:
    values = sorted(known["value"].tolist())
    if kind == "date":
        days = [pd.Timestamp(value).date().isoformat() for value in values]
        return [Part(day, "value", day) for day in days]
    if kind == "quarter":
        return [Part(f"{int(v) // 4} Q{int(v) % 4 + 1}", "value", int(v)) for v in values]
    return [Part(str(int(v)), "value", int(v)) for v in values]


def _number_parts(table: ir.Table, fetch: Fetch, dimension: Dimension, reference: ir.Table) -> list[Part]:
    value = to_number(reference, dimension.column)
    asked = {"distinct": value.approx_nunique(), "low": value.min(), "high": value.max()}
    seen = fetch(reference.aggregate(**asked, quantiles=value.quantile(_quantiles(dimension)))).iloc[0]
    mine = to_number(table, dimension.column)
    counted = fetch(table.aggregate(rows=table.count(), known=mine.count())).iloc[0]
    missing = _missing(counted["known"] < counted["rows"])
    if not counted["known"]:
        return missing
    if seen["distinct"] <= max(dimension.count, 2):
        values = fetch(table.select(value=mine).distinct())["value"].dropna()
        if len(values) <= 2 * max(dimension.count, 2):
            return [*_value_parts(sorted(map(float, values)), dimension.unit), *missing]
    quantiles = [] if seen["quantiles"] is None else [float(value) for value in seen["quantiles"]]
    if dimension.step and quantiles:
        edges = step_edges(quantiles[0], quantiles[-1], dimension.step)
    else:
        edges = nice_edges(quantiles)
    inner = [edge for edge in edges if seen["low"] < edge <= seen["high"]]
    return [*_band_parts(inner, dimension.unit), *missing]


def _quantiles(dimension: Dimension) -> list[float]:
    count = max(2, dimension.count)
    return [0.01, 0.99] if dimension.step else [i / count for i in range(1, count)]


def step_edges(low: float, high: float, step: float) -> list[float]:
    """Return the multiples of `step` between `low` and `high`, of a multiple of it where they would be too many.

    >>> step_edges(0.47, 0.83, 0.1)
    [0.5, 0.6, 0.7, 0.8]
    """
    while (high - low) / step > _MOST_STEPS:
        step *= 2
    return [round(i * step, 10) for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def nice_edges(quantiles: Sequence[float]) -> list[float]:
    """Return quantiles rounded to about a third of their middle distance, each once.

    >>> nice_edges([24_310.0, 31_900.0, 38_020.0, 45_100.0])
    [24000.0, 32000.0, 38000.0, 46000.0]
    """
    gaps = sorted(b - a for a, b in itertools.pairwise(quantiles) if b > a)
    if not gaps:
        return sorted(set(quantiles))
    third = gaps[len(gaps) // 2] / 3
    power = 10.0 ** math.floor(math.log10(third))
    step = max(nice * power for nice in _NICE if nice * power <= third * (1 + 1e-12))
    return sorted({float(f"{round(q / step) * step:.12g}") for q in quantiles})


def _value_parts(values: Sequence[float], unit: str) -> list[Part]:
    texts = _edge_texts(values, unit)
    return [Part(_with_unit(text, unit), "value", value) for text, value in zip(texts, values, strict=True)]


def _band_parts(edges: Sequence[float], unit: str) -> list[Part]:
    if not edges:
        return [Part("any value", "band")]
    texts = _edge_texts(edges, unit)
    join = " to " if edges[0] < 0 else "–"
    middle = [
        Part(_with_unit(f"{texts[i]}{join}{texts[i + 1]}", unit), "band", None, edges[i], edges[i + 1])
        for i in range(len(edges) - 1)
    ]
    first = Part(f"under {_with_unit(texts[0], unit)}", "band", None, None, edges[0])
    return [first, *middle, Part(f"{_with_unit(texts[-1], unit)} or more", "band", None, edges[-1], None)]


def _edge_texts(edges: Sequence[float], unit: str) -> list[str]:
    """Return the edges with as few digits as keep them exact."""
    if len(unit) == 3 and unit.isupper():
        texts = [format_money(edge, unit) for edge in edges]
        return texts if len(set(texts)) == len(edges) else [f"{edge:,.2f}" for edge in edges]
    scaled = [edge * 100 if unit == "share" else edge for edge in edges]
    places = next((d for d in range(8) if all(abs(round(v, d) - v) <= 1e-9 * max(1, abs(v)) for v in scaled)), 8)
    return [format_number(value, places) for value in scaled]


def _with_unit(text: str, unit: str) -> str:
    if unit in ("share", "%"):
        return f"{text} %"
    if not unit or (len(unit) == 3 and unit.isupper()):
        return text
    return f"{text} {unit}"


def _unique(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Return the parts with labels that differ: a category may itself be called "not known" or "other (3)"."""
    seen: dict[str, int] = {}
    result = []
    for part in parts:
        seen[part.label] = seen.get(part.label, 0) + 1
        again = seen[part.label] > 1
        result.append(replace(part, label=f"{part.label} ({part.kind})") if again else part)
    return tuple(result)


def group_key(table: ir.Table, dimension: Dimension) -> ir.Value:
    """Return the expression to group a resolved dimension's rows by; `place_groups` reads what it gives."""
    value = group_value(table, dimension)
    kinds = [part.kind for part in dimension.parts]
    if "rest" in kinds:  # the parts' places: a CASE is faster than a test of membership for each row
        shown = [(part.value, place) for place, part in enumerate(dimension.parts) if part.kind == "value"]
        place = value.cases(*shown, else_=kinds.index("rest"))
        return value.isnull().ifelse(kinds.index("missing"), place) if "missing" in kinds else place
    if "band" not in kinds:
        return value
    edges = [part.low for part in dimension.parts if part.low is not None]
    below = sum(((value >= edge).ifelse(1, 0) for edge in edges), ibis.literal(0))
    return value.isnull().ifelse(ibis.null("int64"), below)


def place_groups(keys: pd.Series, dimension: Dimension) -> pd.Series:
    """Return each group's place among the dimension's parts, from the fetched keys."""
    kinds = [part.kind for part in dimension.parts]
    values = {_plain(part.value): place for place, part in enumerate(dimension.parts) if part.kind == "value"}
    bands = [place for place, kind in enumerate(kinds) if kind == "band"]

    def place(key: Any) -> int:
        if pd.isna(key):
            return kinds.index("missing")
        if "rest" in kinds:
            return int(key)
        return bands[int(key)] if bands else values[_plain(key)]

    return pd.Series([place(key) for key in keys], index=keys.index, dtype="int64")


def _plain(value: Any) -> Any:
    """Return a period's date as its ISO text, everything else as it is."""
    return pd.Timestamp(value).date().isoformat() if hasattr(value, "isoformat") else value


def select_part(table: ir.Table, dimension: Dimension, label: str) -> ir.Value:
    """Return the condition for the rows of the part called `label`; ValueError where there is none."""
    part = next((part for part in dimension.parts if part.label == label), None)
    if part is None:
        known = ", ".join(item.label for item in dimension.parts)
        raise ValueError(f"{dimension.column} has no group {label!r}; it has {known}")
    value = group_value(table, dimension)
    if part.kind == "missing":
        return value.isnull()
    if part.kind == "rest":
        return value.notnull() & value.notin([item.value for item in dimension.parts if item.kind == "value"])
    if part.kind == "value":
        return value == (ibis.date(part.value) if dimension.kind == "date" else part.value)
    condition = value.notnull()
    condition = condition if part.low is None else condition & (value >= part.low)
    return condition if part.high is None else condition & (value < part.high)
