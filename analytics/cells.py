"""Cells: one aggregate query over several fields at once, and its sums by each field alone."""

from collections.abc import Mapping, Sequence

import ibis.expr.types as ir
import pandas as pd

from analytics.book import Fetch
from analytics.words import MISSING


def compute_cells(
    table: ir.Table, fetch: Fetch, *, keys: Mapping[str, ir.Value], sums: Mapping[str, ir.Value]
) -> pd.DataFrame:
    """Return one row per combination of `keys` that occurs, with the sum of each of `sums`, as one query.

    Keys are text, a missing one "not known"; sums are doubles, where null counts as 0. Columns are named as the
    mappings name them; a name in both is refused with ValueError.
    """
    if twice := sorted(set(keys) & set(sums)):
        raise ValueError(f"a cell's keys and sums need different names, got {', '.join(twice)} in both")
    # Under names of our own: a table may have a column called as a sum is.
    own = {f"key_{place}": value.cast("string").fill_null(MISSING) for place, value in enumerate(keys.values())}
    values = {f"sum_{place}": value.cast("float64") for place, value in enumerate(sums.values())}
    rows = table.select(**own, **values)
    totals = {name: rows[name].sum().fill_null(0.0) for name in values}
    frame = fetch(rows.group_by(list(own)).aggregate(**totals) if own else rows.aggregate(**totals))
    names = {**dict(zip(own, keys, strict=True)), **dict(zip(totals, sums, strict=True))}
    return frame[[*own, *totals]].rename(columns=names)


def sum_by_field(cells: pd.DataFrame, fields: Sequence[str], sums: Sequence[str]) -> pd.DataFrame:
    """Return `cells` summed by each of `fields` alone: columns field, value, `sums`; sorted by value in each field."""
    parts = [
        cells.groupby(name, observed=True, sort=True)[list(sums)]
        .sum()
        .rename_axis("value")
        .reset_index()
        .assign(field=name)
        for name in fields
    ]
    columns = ["field", "value", *sums]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
