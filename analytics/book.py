"""What the book did month by month: exposure, arrears and prepayment from the performance table.

Every function takes an Ibis table that the caller has already joined and filtered, sends one
aggregate query through `fetch` and finishes the few rows in pandas. Columns used: month, balance (end of
month, 0 once a loan has ended), days_past_due, event ("" or how the loan ended) and, where there is
one, prepaid_amount (what was repaid ahead of schedule in the month).
"""

from collections.abc import Callable, Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from analytics.odds import Floats
from analytics.proportions import add_rate

Fetch = Callable[[ir.Table], pd.DataFrame]

ENDS = ("prepaid", "matured", "written off")
_COUNTS = ("loans", "rows", "prepaid", "in_arrears_30", "in_arrears_90")


def compute_by_month(performance: ir.Table, fetch: Fetch, *, by: Sequence[str] = ()) -> pd.DataFrame:
    """Return one row per month, or per group `by` and month, in time order.

    Columns: [by], month (timestamp), loans, exposure, in_arrears_30, in_arrears_90 (counts), arrears_30 with
    Jeffreys interval arrears_30_low, arrears_30_high and small, arrears_90, arrears_30_exposure, prepaid (loans),
    prepayment_month, prepayment (trailing 12 months; NaN before there are 12). `measures.MEASURES` defines each.
    """
    keys = [*by, "month"]
    frame = fetch(performance.group_by(keys).aggregate(**_aggregates(performance)))
    frame = frame.assign(month=pd.to_datetime(frame["month"])).sort_values(keys, ignore_index=True)
    frame = _add_arrears(frame.astype(dict.fromkeys(_COUNTS, "int64")))
    amounts = "prepaid_amount" in performance.columns
    parts = [_add_prepayment(part, amounts) for _, part in frame.groupby(list(by), dropna=False)] if by else None
    result = pd.concat(parts) if parts else _add_prepayment(frame, amounts)
    return result.drop(columns=["rows", "amount", "exposure_30"], errors="ignore").sort_values(keys, ignore_index=True)


def compute_arrears_by(performance: ir.Table, fetch: Fetch, by: Sequence[str]) -> pd.DataFrame:
    """Return one row per group `by` at the table's latest month, largest exposure first.

    Columns: [by], month, loans, exposure, in_arrears_30, in_arrears_90, arrears_30 with arrears_30_low,
    arrears_30_high and small (n < 30 or fewer than 5 loans in arrears), arrears_90, arrears_30_exposure.
    """
    latest = performance.aggregate(latest=performance.month.max())
    now = performance.inner_join(latest, performance.month == latest.latest).drop("latest")
    frame = fetch(now.group_by([*by, "month"]).aggregate(**_aggregates(now)))
    frame = frame.assign(month=pd.to_datetime(frame["month"]))
    frame = _add_arrears(frame.astype(dict.fromkeys(_COUNTS, "int64")))
    frame = frame.drop(columns=["rows", "amount", "exposure_30", "prepaid"], errors="ignore")
    return frame.sort_values(["exposure", *by], ascending=[False, *[True] * len(by)], ignore_index=True)


def _aggregates(performance: ir.Table) -> dict[str, ir.Value]:
    on_book = performance.event.fill_null("").notin(ENDS)
    late, very_late = (on_book & (performance.days_past_due >= days) for days in (30, 90))
    none = ibis.literal(0.0)
    aggregates = {
        "loans": on_book.sum().fill_null(0),
        "exposure": on_book.ifelse(performance.balance, none).sum().fill_null(0.0),
        "in_arrears_30": late.sum().fill_null(0),
        "in_arrears_90": very_late.sum().fill_null(0),
        "exposure_30": late.ifelse(performance.balance, none).sum().fill_null(0.0),
        "rows": performance.count(),
        "prepaid": (performance.event == "prepaid").sum().fill_null(0),
    }
    if "prepaid_amount" in performance.columns:
        aggregates["amount"] = performance.prepaid_amount.sum().fill_null(0.0)
    return aggregates


def _add_arrears(frame: pd.DataFrame) -> pd.DataFrame:
    frame = add_rate(frame, events="in_arrears_30", n="loans", name="arrears_30")
    return frame.assign(
        arrears_90=_divide(frame["in_arrears_90"], frame["loans"]),
        arrears_30_exposure=_divide(frame["exposure_30"], frame["exposure"]),
    )


def _add_prepayment(frame: pd.DataFrame, amounts: bool) -> pd.DataFrame:
    """Add prepayment of the month, annualised, and of the trailing year, to one group's months in order."""
    month = frame["month"].dt.year * 12 + frame["month"].dt.month
    if amounts:
        before = frame["exposure"].shift().where(month.diff() == 1)
        smm = _divide(frame["amount"], before).clip(0, 1)
    else:
        smm = _divide(frame["prepaid"], frame["rows"])
    trailing = 1 - (1 - smm).rolling(12).apply(np.prod, raw=True)
    whole_year = month.diff(11) == 11  # twelve rows are a year only where no month is missing
    return frame.assign(prepayment_month=1 - (1 - smm) ** 12, prepayment=trailing.where(whole_year))


def _divide(part: pd.Series, whole: pd.Series) -> pd.Series:
    """Return part / whole, NaN where the whole is 0."""
    values: Floats = whole.to_numpy(dtype=float)
    safe = np.where(values == 0, np.nan, values)
    return pd.Series(part.to_numpy(dtype=float) / safe, index=part.index)
