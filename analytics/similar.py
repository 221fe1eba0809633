"""Which loans are like this one, and what became of loans like it?

Two spaces. By attributions (log-odds, so all of one unit): d² = Σ (φ_f − φ_f(loan))²; near are loans that a model
judges alike *for the same reasons*. By fields: d² = Σ w_f · g_f², where g is the difference over the field's spread
(10 to 90 %) for a number and 0 or 1 for a category, as in Gower (1971, "A general coefficient of similarity and some
of its properties", Biometrics 27), and w_f is what the field weighs (its share of a model's importance); a value that
only one of the two has counts 1, one that neither has counts 0. Both are exact: one query over all rows, no index.
"""

import functools
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from analytics.attributions import PHI
from analytics.book import Fetch
from analytics.proportions import SMALL_N, compute_jeffreys_interval

LOAN, DISTANCE = "_loan", "_distance"
MOST, SHARE = 300, 0.05  # how many count as alike: a twentieth of the loans, 300 at most


@dataclass(frozen=True)
class Fate:
    """What became of the nearest loans at earlier dates.

    `n` loans of `total` that there are, `events` of them, the `rate` with its Jeffreys interval, `expected` (the mean
    PD given to them then, NaN where they were not scored). All but `total` are 0 or NaN where n < 30: `few`.
    """

    total: int
    n: int = 0
    events: int = 0
    rate: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    expected: float = float("nan")

    @property
    def few(self) -> bool:
        """Whether there are too few like it to say."""
        return self.n < SMALL_N


def attribution_gap(table: ir.Table, loan: Mapping[str, float]) -> ir.NumericValue:
    """Return the distance (log-odds) of each row's columns phi_<feature> from the loan's φ by feature."""
    return _root([(table[f"{PHI}{name}"] - float(phi)).pow(2) for name, phi in loan.items()])


def field_gap(
    table: ir.Table, loan: Mapping[str, Any], spreads: Mapping[str, float], weights: Mapping[str, float]
) -> ir.NumericValue:
    """Return the distance of each row from the loan's values; the fields are those of `weights`.

    `spreads` holds the numbers' spreads: a field that is not in it is compared as a category. The weights are made to
    add up to one, so the distance of a row that differs by one spread in every field is 1.
    """
    total = sum(weights.values())
    parts = []
    for name, weight in weights.items():
        gap = _gap(table[name], loan.get(name), spreads.get(name))
        parts.append(gap.pow(2) * (weight / total))
    return _root(parts)


def _gap(column: ir.Column, value: Any, spread: float | None) -> ir.NumericValue:
    if value is None or pd.isna(value):
        return column.isnull().ifelse(0.0, 1.0)
    if spread is None:
        return (column.cast("string") == str(value)).fill_null(False).ifelse(0.0, 1.0)
    return ((column.cast("float64") - float(value)).abs() / spread).fill_null(1.0)


def _root(parts: Sequence[ir.NumericValue]) -> ir.NumericValue:
    if not parts:
        raise ValueError("a distance needs at least one field")
    return functools.reduce(operator.add, parts).sqrt()


def compute_spreads(table: ir.Table, names: Sequence[str], fetch: Fetch) -> dict[str, float]:
    """Return each number's spread: its 10 to 90 % range, else its standard deviation, else 1 (all values equal)."""
    if not names:
        return {}
    wanted: dict[str, ir.Value] = {}
    for place, name in enumerate(names):
        column = table[name].cast("float64")
        wanted |= {
            f"low_{place}": column.quantile(0.1),
            f"high_{place}": column.quantile(0.9),
            f"sd_{place}": column.std(),
        }
    row = fetch(table.aggregate(**wanted)).iloc[0]
    spreads = {}
    for place, name in enumerate(names):
        candidates = (row[f"high_{place}"] - row[f"low_{place}"], row[f"sd_{place}"])
        spreads[name] = next((float(size) for size in candidates if size > 0), 1.0)
    return spreads


def find_nearest(
    table: ir.Table, gap: ir.NumericValue, fetch: Fetch, *, loan: str, keep: Sequence[str], limit: int = 10
) -> pd.DataFrame:
    """Return _loan, `keep` and _distance of the `limit` rows nearest to a loan, nearest first, without the loan itself.

    `table` has its id as text in column "_loan"; `gap` is one of the distances above. Rows without a distance
    (not explained) are left out; ties stand in the order of ids.
    """
    rows = table.mutate(**{DISTANCE: gap})
    rows = rows.filter(rows[LOAN] != loan, rows[DISTANCE].notnull())
    return fetch(rows.order_by(DISTANCE, LOAN).select(LOAN, *keep, DISTANCE).limit(limit))


def compute_fate(
    table: ir.Table, gap: ir.NumericValue, fetch: Fetch, *, loan: str, outcome: str, pd_column: str = "",
    level: float = 0.95,
) -> Fate:  # fmt: skip
    """Return what became of the loans of `table` nearest to one, which is left out itself.

    `table` has the id as text in column "_loan" and `outcome` (1, 0, or null while not known: such rows do not count).
    A loan seen at several dates counts once, where it was nearest; how many count: a twentieth, 300 at most.
    """
    rows = table.mutate(**{DISTANCE: gap})
    rows = rows.filter(rows[LOAN] != loan, rows[DISTANCE].notnull(), rows[outcome].notnull())
    total = int(fetch(rows.aggregate(n=rows[LOAN].nunique()))["n"].iloc[0])
    n = min(MOST, int(SHARE * total))
    if n < SMALL_N:
        return Fate(total)
    expected = rows[pd_column].cast("float64") if pd_column else ibis.null("float64")
    own = rows.select(LOAN, y=rows[outcome].cast("float64"), expected=expected, gap=rows[DISTANCE])
    window = ibis.window(group_by=LOAN, order_by=["gap", "y"])
    first = own.mutate(place=ibis.row_number().over(window)).filter(ibis._.place == 0)
    found = fetch(first.order_by("gap", LOAN).limit(n))
    events = int(found["y"].sum())
    low, high = compute_jeffreys_interval(events, n, level=level)
    return Fate(total, n, events, events / n, float(low), float(high), float(found["expected"].astype(float).mean()))
