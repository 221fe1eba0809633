"""The numbers behind the fields page: one field's distribution in a snapshot, and what moves with what."""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from analytics import associations, fitted
from analytics.associations import Method
from pages.common import cached, cohort_data
from pages.common.cached import remember
from portfolio.schema import Field
from portfolio.selection import Selection, select_rows

LIMIT = 20_000  # rows for curves and associations: a correlation is known to about 0.01 then
GROUPS = 5  # drawn beside each other; the rest are in the table
ROUGHLY = 3 * fitted.DISCRETE // 2  # the engine's quick count of values may be off by a few
OUTCOME = "outcome"
_GROUP = "hypothec_group"


@dataclass(frozen=True)
class Distribution:
    """One number's distribution: summary by group, bins (empty where value by value), values, the curve and its fit."""

    summary: pd.DataFrame
    bins: pd.DataFrame
    values: pd.DataFrame
    curve: pd.DataFrame | None
    fit: fitted.Fit | None


def fields(selection: Selection, key: str) -> tuple[Field, ...]:
    """Return the fields that can be looked at."""
    return cohort_data.compared_fields(selection, key)


def _rows(selection: Selection, key: str, by: str) -> tuple[ir.Table, str | None]:
    """Return a snapshot's rows and the column to group by; for the outcome only rows where it is known."""
    schema = cached.portfolio(selection).schema
    rows = select_rows(cached.engine(selection).snapshots([key]), selection.where)
    if by != OUTCOME:
        return rows, by or None
    rows = rows.filter(cohort_data.is_known(rows, schema))
    words = (rows[schema.target.name] == 1).ifelse(schema.event, f"no {schema.event}")
    return rows.mutate(**{_GROUP: words}), _GROUP


@remember
def number(selection: Selection, key: str, name: str, by: str) -> Distribution:
    """Return a number's distribution, by outcome, by a segment, or whole and with its best curve where `by` is ""."""
    here = cached.engine(selection)
    rows, column = _rows(selection, key, by)
    summary = fitted.compute_summary(rows, name, here.fetch, by=column)
    nothing = pd.DataFrame()
    if summary.empty or not summary["n"].sum():
        return Distribution(summary, nothing, nothing, None, None)
    if summary["distinct"].max() <= ROUGHLY:
        values = fitted.compute_values(rows, name, here.fetch, by=column)
        if values["value"].nunique() <= fitted.DISCRETE:
            return Distribution(summary, nothing, values, None, None)
    whole = summary if column is None else fitted.compute_summary(rows, name, here.fetch)
    bins = fitted.choose_bins(whole.iloc[0])
    histogram = fitted.compute_histogram(rows, name, here.fetch, bins, by=column)
    fit = None if column else fitted.fit_curves(_sample(selection, rows, name))
    curve = fitted.compute_curve(fit, bins) if fit else None
    return Distribution(summary, histogram, nothing, curve, fit)


def _sample(selection: Selection, rows: ir.Table, name: str) -> np.ndarray:
    frame, _ = cohort_data.sample_rows(selection, rows.filter(rows[name].notnull()), [name], limit=LIMIT)
    return frame[name].to_numpy(dtype=float)


@remember
def category(selection: Selection, key: str, name: str, by: str) -> pd.DataFrame:
    """Return a category's shares by group: group, value (text), n, share; frequent values first."""
    here = cached.engine(selection)
    rows, column = _rows(selection, key, by)
    frame = fitted.compute_values(rows.mutate(**{name: rows[name].cast("string")}), name, here.fetch, by=column)
    order = frame.groupby("value")["n"].sum().sort_values(ascending=False, kind="stable")
    return frame.sort_values("value", key=lambda values: values.map({v: p for p, v in enumerate(order.index)}))


@remember
def missing(selection: Selection, key: str, name: str) -> tuple[int, int]:
    """Return a snapshot's rows and how many of them lack the field."""
    here = cached.engine(selection)
    rows, _ = _rows(selection, key, "")
    row = here.fetch(rows.agg(n=rows.count(), known=rows[name].count())).iloc[0]
    return int(row["n"]), int(row["n"] - row["known"])


@remember
def group_order(selection: Selection, key: str, by: str) -> list[str]:
    """Return the groups of a split, largest first."""
    here = cached.engine(selection)
    rows, column = _rows(selection, key, by)
    if column is None:
        return [fitted.ALL]
    known = rows.filter(rows[column].notnull())
    frame = here.fetch(known.group_by(group=known[column].cast("string")).agg(n=ibis._.count()))
    return list(frame.sort_values(["n", "group"], ascending=[False, True])["group"])


@remember
def pairs(selection: Selection, key: str, method: Method) -> tuple[pd.DataFrame, int, int]:
    """Return `compute_associations` of a sample of a snapshot, the rows used, and the rows there are.

    The outcome counts as a number where it is known; fields without any value are left out.
    """
    schema = cached.portfolio(selection).schema
    rows, _ = _rows(selection, key, "")
    chosen = fields(selection, key)
    target = [name for name in schema.names("target") if name in rows.columns]
    names = [*(item.name for item in chosen), *target]
    frame, total = cohort_data.sample_rows(selection, rows, [*names, "label_mature"], limit=LIMIT)
    for name in target:
        frame[name] = frame[name].where(frame["label_mature"].fillna(False).astype(bool))
    usable = [name for name in names if frame[name].nunique() > 1]
    words = [item.name for item in chosen if cohort_data.is_category(item) and item.name in usable]
    numbers = [name for name in usable if name not in words]
    return associations.compute_associations(frame, numbers, words, method=method), len(frame), total
