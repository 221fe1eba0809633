"""What became of the loans observed: event rates and averages by date or category, from snapshots.

Works for any snapshot table: a book observed each quarter, or one plain table of applications without
dates, balances or outcomes. One aggregate query through `fetch` each.
"""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from analytics.book import Fetch
from analytics.proportions import add_rate


def compute_outcomes(
    snapshots: ir.Table,
    fetch: Fetch,
    *,
    by: Sequence[str] = (),
    target: str | None = None,
    exposure: str | None = None,
    averages: Sequence[str] = (),
) -> pd.DataFrame:
    """Return one row per group `by` (all rows as one group without), sorted by `by`, nulls last.

    Columns: [by], loans (rows), exposure (sum; NaN without such a column), n (rows with a known, mature
    outcome), events, default_rate with default_rate_low, default_rate_high (Jeffreys; NaN where n = 0) and
    small (n < 30 or < 5 events), and for each of `averages` its mean, weighted by exposure where there is
    one. Only rows with label_mature (where the table has it) and a target count for the rate. Raises
    ValueError for a column that the table lacks.
    """
    wanted = [*by, *([target] if target else []), *([exposure] if exposure else []), *averages]
    missing = [name for name in wanted if name not in snapshots.columns]
    if missing:
        raise ValueError(f"the snapshot has no column {', '.join(missing)}; it has {', '.join(snapshots.columns)}")
    aggregates = _aggregates(snapshots, target, exposure, averages)
    # Keys are grouped under names of our own: a field may be called "loans" or "n".
    keys = {f"key_{place}": snapshots[name] for place, name in enumerate(by)}
    grouped = snapshots.group_by(**keys).aggregate(**aggregates) if by else snapshots.aggregate(**aggregates)
    frame = fetch(grouped)
    absent = {"exposure": np.nan, "n": 0, "events": 0}
    frame = frame.assign(**{name: value for name, value in absent.items() if name not in frame.columns})
    frame = frame.astype({"loans": "int64", "n": "int64", "events": "int64", "exposure": "float64"})
    frame = add_rate(frame, events="events", n="n", name="default_rate")
    frame = frame.sort_values(list(keys), ignore_index=True) if by else frame
    means = {f"mean_{place}": name for place, name in enumerate(averages)}
    order = [
        *keys,
        "loans",
        "exposure",
        "n",
        "events",
        "default_rate",
        "default_rate_low",
        "default_rate_high",
        "small",
    ]
    return frame[[*order, *means]].rename(columns={**dict(zip(keys, by, strict=True)), **means})


def _aggregates(
    snapshots: ir.Table, target: str | None, exposure: str | None, averages: Sequence[str]
) -> dict[str, ir.Value]:
    values: dict[str, ir.Value] = {"loans": snapshots.count()}
    if exposure:
        values["exposure"] = snapshots[exposure].sum().cast("float64")
    if target:
        known = snapshots[target].notnull()
        if "label_mature" in snapshots.columns:
            known = known & snapshots.label_mature.fill_null(False)
        event = known & (snapshots[target] == 1).fill_null(False)
        values |= {"n": known.ifelse(1, 0).sum().fill_null(0), "events": event.ifelse(1, 0).sum().fill_null(0)}
    for place, name in enumerate(averages):
        value = snapshots[name].cast("float64")
        weight = snapshots[exposure].cast("float64") if exposure else ibis.literal(1.0)
        both = value.notnull() & weight.notnull()
        total = both.ifelse(weight, 0.0).sum().nullif(0.0)
        values[f"mean_{place}"] = both.ifelse(value * weight, 0.0).sum() / total
    return values


def compute_largest(frame: pd.DataFrame, column: str, *, top: int, other: str = "other") -> pd.DataFrame:
    """Return the frame of `compute_outcomes` by one category with only the `top` largest, and the rest as one row.

    The rest's counts are summed and its rate computed anew; its averages are NaN. Sorted by loans, the rest last.
    """
    ordered = frame.sort_values("loans", ascending=False, kind="stable", ignore_index=True)
    if len(ordered) <= top:
        return ordered
    rest = ordered.iloc[top:]
    sums = {name: rest[name].sum(min_count=1) for name in ("loans", "exposure", "n", "events")}
    row = pd.DataFrame([{**dict.fromkeys(frame.columns, np.nan), **sums, column: f"{other} ({len(rest)})"}])
    row = add_rate(row, events="events", n="n", name="default_rate")
    return pd.concat([ordered.iloc[:top].astype({column: object}), row[list(frame.columns)]], ignore_index=True)
