"""What is in each field: how many values, which are missing, where they lie, which is most frequent.

Three aggregate queries through `fetch` for the whole table, whatever its number of rows or fields.
"""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from analytics.book import Fetch
from analytics.odds import Floats

LEVELS = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)  # of the quantiles
BARS = 16  # of the small picture
MANY = 10_000  # values beyond which no most frequent one is looked for: an id, not a category
COLUMNS = [
    "field", "kind", "rows", "missing", "missing_share", "distinct", "mean", "sd", "minimum", "q05", "median", "q95",
    "maximum", "most_frequent", "most_frequent_share", "picture",
]  # fmt: skip


def compute_profile(
    table: ir.Table, fetch: Fetch, *, numbers: Sequence[str] = (), categories: Sequence[str] = ()
) -> pd.DataFrame:
    """Return one row per field, in the order given, numbers first.

    Columns: field, kind (number or category), rows, missing, missing_share, distinct (HyperLogLog estimate, a few
    per cent off), for numbers mean, sd (n − 1), minimum, q05, median, q95, maximum (linear interpolation), for
    categories most_frequent and its share of the values known (not for more than 10,000 different values), and
    picture: shares of the values by bar, for numbers 16 equal steps between the 1 % and 99 % quantiles read off 13
    quantiles, for categories the ten largest. Raises ValueError for a column that the table lacks.
    """
    missing = [name for name in (*numbers, *categories) if name not in table.columns]
    if missing:
        raise ValueError(f"a profile needs columns of the table, got {', '.join(missing)}; it has {table.columns}")
    if not numbers and not categories:
        return pd.DataFrame(columns=COLUMNS)
    counts = fetch(table.aggregate(**_count(table, [*numbers, *categories]))).iloc[0]
    rows = [_number(name, place, counts) for place, name in enumerate(numbers)]
    if numbers:
        spread = fetch(table.aggregate(**_spread(table, numbers))).iloc[0]
        rows = [row | _describe(spread, place) for place, row in enumerate(rows)]
    rows += _categories(table, fetch, categories, counts, first=len(numbers))
    return pd.DataFrame(rows).reindex(columns=COLUMNS)


def _count(table: ir.Table, names: Sequence[str]) -> dict[str, ir.Value]:
    values: dict[str, ir.Value] = {"rows": table.count()}
    for place, name in enumerate(names):
        values |= {f"n_{place}": table[name].count(), f"d_{place}": table[name].approx_nunique()}
    return values


def _basics(name: str, kind: str, place: int, counts: pd.Series) -> dict[str, object]:
    rows, known = int(counts["rows"]), int(counts[f"n_{place}"])
    missing = {"missing": rows - known, "missing_share": (rows - known) / rows if rows else np.nan}
    distinct = min(int(counts[f"d_{place}"]), known)
    return {"field": name, "kind": kind, "rows": rows, **missing, "distinct": distinct}


def _number(name: str, place: int, counts: pd.Series) -> dict[str, object]:
    return _basics(name, "number", place, counts)


def _spread(table: ir.Table, names: Sequence[str]) -> dict[str, ir.Value]:
    values: dict[str, ir.Value] = {}
    for place, name in enumerate(names):
        column = table[name].cast("float64")
        values |= {
            f"mean_{place}": column.mean(),
            f"sd_{place}": column.std(how="sample"),
            f"minimum_{place}": column.min(),
            f"maximum_{place}": column.max(),
            f"quantiles_{place}": column.quantile(list(LEVELS)),
        }
    return values


def _describe(spread: pd.Series, place: int) -> dict[str, object]:
    facts = {name: spread[f"{name}_{place}"] for name in ("mean", "sd", "minimum", "maximum")}
    quantiles = spread[f"quantiles_{place}"]
    if quantiles is None or np.ndim(quantiles) == 0:  # no value is known
        return {**facts, "picture": []}
    known: Floats = np.asarray(quantiles, dtype=float)
    at = dict(zip(LEVELS, known, strict=True))
    return {**facts, "q05": at[0.05], "median": at[0.5], "q95": at[0.95], "picture": draw_bars(known)}


def draw_bars(quantiles: Floats) -> list[float]:
    """Return the share of values in 16 equal steps between the first and last of the quantiles at `LEVELS`.

    Between two quantiles values are taken as evenly spread; where several coincide the whole mass is in their step.
    """
    if quantiles[0] == quantiles[-1]:
        return [1.0]
    edges = np.linspace(quantiles[0], quantiles[-1], BARS + 1)
    shares = [float(np.interp(edge, *_steps(quantiles))) for edge in edges[1:-1]]
    return list(np.diff([0.0, *shares, 1.0]))


def _steps(quantiles: Floats) -> tuple[Floats, Floats]:
    """Return the distribution function's corners: of levels at the same value only the highest counts."""
    last = np.append(np.diff(quantiles) > 0, True)
    return quantiles[last], np.asarray(LEVELS)[last]


def _categories(
    table: ir.Table, fetch: Fetch, names: Sequence[str], counts: pd.Series, *, first: int
) -> list[dict[str, object]]:
    rows = [_basics(name, "category", first + place, counts) for place, name in enumerate(names)]
    counted = [place for place, row in enumerate(rows) if 0 < int(str(row["distinct"])) <= MANY]
    if not counted:
        return rows
    parts = []
    for place in counted:
        name = names[place]
        known = table.filter(table[name].notnull())
        grouped = known.group_by(value=known[name].cast("string")).aggregate(n=ibis._.count())
        parts.append(grouped.order_by(ibis.desc("n"), "value").limit(10).mutate(place=ibis.literal(place)))
    found = fetch(ibis.union(*parts) if len(parts) > 1 else parts[0])
    found = found.sort_values(["place", "n", "value"], ascending=[True, False, True])
    for place in counted:
        part = found[found["place"] == place]
        known_rows = int(counts["rows"]) - int(str(rows[place]["missing"]))
        rows[place] |= {
            "most_frequent": part["value"].iloc[0],
            "most_frequent_share": part["n"].iloc[0] / known_rows,
            "picture": list(part["n"] / known_rows),
        }
    return rows
