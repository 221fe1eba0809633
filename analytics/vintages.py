"""Which vintages go bad: counts by vintage and months on book, cumulative curves, and the cohort triangle.

The counts come from the table of ages: one row per vintage (a quarter) × months_on_book × segments with
at_risk, entered, first_defaults, prepaid, matured and written_off. Everything else is computed from those few rows.
"""

from collections.abc import Sequence

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from analytics.book import Fetch
from analytics.competing_risks import AGE, AT_RISK, Contrast, compute_contrast, compute_incidence
from analytics.proportions import SMALL_EVENTS, SMALL_N

COUNTS = ("at_risk", "entered", "first_defaults", "prepaid", "matured", "written_off")
FROM_START = 3  # a loan first seen by this month on book is seen from the start: deliveries lag the grant
WHOLE = 0.9  # of a vintage's loans must be seen from the start for its curve to stand beside the others
QUARTER_MONTHS = 3
EARLIER = "earlier vintages"


def compute_ages(ages: ir.Table, fetch: Fetch, *, by: Sequence[str] = ("vintage",)) -> pd.DataFrame:
    """Return the counts summed by `by` and months_on_book, in that order; rows without a vintage are left out.

    Columns: [by] (vintage as a timestamp), months_on_book, at_risk, entered, first_defaults, prepaid, matured,
    written_off. Raises ValueError for a column that the table lacks.
    """
    missing = [name for name in by if name not in ages.columns]
    if missing:
        raise ValueError(f"the table of ages has no column {', '.join(missing)}; it has {', '.join(ages.columns)}")
    known = ages.filter(ages.vintage.notnull(), ages[AGE] >= 0)
    keys = {f"key_{place}": known[name] for place, name in enumerate(by)}  # a segment may be called "prepaid"
    sums = {name: known[name].sum().fill_null(0) for name in COUNTS}
    frame = fetch(known.group_by(**keys, key_age=known[AGE]).aggregate(**sums))
    frame = frame.astype(dict.fromkeys(["key_age", *COUNTS], "int64")).sort_values([*keys, "key_age"])
    frame = frame.rename(columns={"key_age": AGE, **dict(zip(keys, by, strict=True))}).reset_index(drop=True)
    return frame.assign(vintage=pd.to_datetime(frame["vintage"])) if "vintage" in by else frame


def name_vintages(vintage: pd.Series, width: str) -> pd.Series:
    """Return the names of quarterly vintages by "year" ("2022") or "quarter" ("2022 Q3")."""
    if width not in ("year", "quarter"):
        raise ValueError(f'vintages are named by "year" or "quarter", not {width!r}')
    dates = pd.to_datetime(vintage)
    years = dates.dt.year.astype(str)
    return years if width == "year" else years + " Q" + dates.dt.quarter.astype(str)


def group_vintages(counts: pd.DataFrame, width: str) -> pd.DataFrame:
    """Return the counts by vintage name ("year" or "quarter") and months_on_book, with complete.

    `complete` says that every loan of the vintage was granted early enough to be seen at that age, so that the age is
    not one of the vintage's older loans alone.
    """
    named = counts.assign(name=name_vintages(counts["vintage"], width))
    seen = named[named[AT_RISK] > 0].groupby(["name", "vintage"], as_index=False)[AGE].max()
    # Of a quarter's loans the youngest are two months younger than the oldest.
    until = (seen.groupby("name")[AGE].min() - (QUARTER_MONTHS - 1)).rename("until")
    summed = named.groupby(["name", AGE], as_index=False)[list(COUNTS)].sum().merge(until, on="name")
    summed = summed.assign(complete=summed[AGE] <= summed["until"]).drop(columns="until")
    return summed.rename(columns={"name": "vintage"})


def compute_vintage_curves(counts: pd.DataFrame, width: str, *, level: float = 0.95) -> pd.DataFrame:
    """Return cumulative incidence by vintage, cause and months_on_book, oldest vintage first.

    The columns of `competing_risks.compute_incidence` by vintage, with complete (see `group_vintages`) and from_start:
    nine in ten of the vintage's loans are seen by month 3 on book. Of the others, granted before the history
    begins, the earlier defaults are not known. A curve begins at the first age with 30 loans at risk.
    """
    grouped = group_vintages(counts, width)
    curves = compute_incidence(grouped, by=["vintage"], minimum=SMALL_N, level=level)
    curves = curves.merge(grouped[["vintage", AGE, "complete"]], on=["vintage", AGE], how="left")
    whole = list_whole(grouped)
    return curves.astype({"complete": bool}).assign(from_start=curves["vintage"].isin(whole).astype(bool))


def list_whole(grouped: pd.DataFrame) -> list[str]:
    """Return the vintages of `group_vintages` that are seen from the start, oldest first."""
    early = grouped["entered"].where(grouped[AGE] <= FROM_START, 0).groupby(grouped["vintage"]).sum()
    entered = grouped.groupby("vintage")["entered"].sum()
    return sorted(entered.index[(entered > 0) & (early >= WHOLE * entered)])


def find_latest(curves: pd.DataFrame, age: int) -> str:
    """Return the latest vintage seen from the start of which every loan has reached `age`; "" where there is none."""
    rows = curves[curves["from_start"] & curves["complete"] & (curves[AGE] == age)]
    return str(rows["vintage"].max()) if len(rows) else ""


def compute_latest(counts: pd.DataFrame, width: str, *, cause: str, age: int, level: float = 0.95) -> Contrast | None:
    """Return how the latest vintage complete at `age` compares with all earlier ones seen from the start, pooled.

    One comparison chosen beforehand, so its interval needs no adjustment. None where there are too few events.
    """
    grouped = group_vintages(counts, width)
    grouped = grouped[grouped["vintage"].isin(list_whole(grouped))]
    reached = sorted(grouped.loc[(grouped[AGE] == age) & grouped["complete"], "vintage"])
    if len(reached) < 2:
        return None
    kept = grouped[grouped["vintage"].isin(reached)]
    named = kept.assign(vintage=kept["vintage"].where(kept["vintage"] == reached[-1], EARLIER))
    pooled = named.groupby(["vintage", AGE], as_index=False)[list(COUNTS)].sum()
    return compute_contrast(compute_incidence(pooled, by=["vintage"]), "vintage", age=age, cause=cause, level=level)


def find_ages(curves: pd.DataFrame, candidates: Sequence[int] = (12, 24, 36, 60, 84, 120)) -> list[int]:
    """Return the ages at which at least two vintages seen from the start are complete with 30 loans at risk."""
    rows = curves[curves["from_start"] & curves["complete"] & ~curves["small"]]
    vintages = rows.groupby(AGE)["vintage"].nunique()
    return [age for age in candidates if vintages.get(age, 0) >= 2]


def compute_triangle(curves: pd.DataFrame, cause: str, *, step: int) -> pd.DataFrame:
    """Return the cohort triangle: one row per vintage seen from the start and age (multiples of `step` months).

    Columns: vintage, months_on_book, at_risk, events, incidence, incidence_low, incidence_high, small. Ages that not
    every loan of the vintage has reached are left out: the triangle's empty half.
    """
    if step < 1:
        raise ValueError(f"a triangle's step is at least one month, got {step}")
    rows = curves[curves["from_start"] & curves["complete"] & (curves["cause"] == cause)]
    rows = rows[(rows[AGE] > 0) & (rows[AGE] % step == 0)]
    few = (rows[AT_RISK] < SMALL_N) | (rows["events"] < SMALL_EVENTS)
    columns = ["vintage", AGE, AT_RISK, "events", "incidence", "incidence_low", "incidence_high"]
    return rows[columns].assign(small=few.to_numpy(dtype=np.bool_)).sort_values(["vintage", AGE], ignore_index=True)
