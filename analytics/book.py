"""What the book did month by month: exposure, arrears and prepayment from the flows cube.

Every function takes the flows cube as an Ibis table that the caller has already filtered, sends one
aggregate query through `fetch` and finishes the few rows in pandas. Columns used: month, state (current, 30, 60,
default, or how the loan ended), loans, exposure (balances at the month end) and prepaid_amount (what was
repaid ahead of schedule in the month; 0 throughout where the portfolio does not know it).
"""

from collections.abc import Callable, Sequence

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from analytics.odds import Floats
from analytics.proportions import add_rate

Fetch = Callable[[ir.Table], pd.DataFrame]

ENDS = ("prepaid", "matured", "written off")
LATE = ("30", "60", "default")
_COUNTS = ("loans", "rows", "prepaid", "in_arrears_30", "in_arrears_90")


def compute_by_month(flows: ir.Table, fetch: Fetch, *, by: Sequence[str] = ()) -> pd.DataFrame:
    """Return one row per month, or per group `by` and month, in time order.

    Columns: [by], month (timestamp), loans, exposure, in_arrears_30, in_arrears_90 (counts), arrears_30 with
    Jeffreys interval arrears_30_low, arrears_30_high and small, arrears_90, arrears_30_exposure, prepaid (loans),
    prepayment_month, prepayment (trailing 12 months; NaN before there are 12). `measures.MEASURES` defines each.
    """
    keys = [*by, "month"]
    frame = fetch(flows.group_by(keys).aggregate(**_aggregates(flows)))
    frame = frame.assign(month=pd.to_datetime(frame["month"])).sort_values(keys, ignore_index=True)
    frame = _add_arrears(frame.astype(dict.fromkeys(_COUNTS, "int64")))
    amounts = bool(frame["amount"].any())
    parts = [_add_prepayment(part, amounts) for _, part in frame.groupby(list(by), dropna=False)] if by else None
    result = pd.concat(parts) if parts else _add_prepayment(frame, amounts)
    return result.drop(columns=["rows", "amount", "exposure_30"], errors="ignore").sort_values(keys, ignore_index=True)


def select_last_year(months: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `compute_by_month` of the last twelve months: twelve, or four in a quarterly book."""
    periods = months["month"].dt.to_period("M")
    kept: pd.DataFrame = months[periods > periods.max() - 12]
    return kept


def _aggregates(flows: ir.Table) -> dict[str, ir.Value]:
    on_book, late, default = flows.state.notin(ENDS), flows.state.isin(LATE), flows.state == "default"
    return {
        "loans": flows.loans.sum(where=on_book).fill_null(0),
        "exposure": flows.exposure.sum(where=on_book).fill_null(0.0),
        "in_arrears_30": flows.loans.sum(where=late).fill_null(0),
        "in_arrears_90": flows.loans.sum(where=default).fill_null(0),
        "exposure_30": flows.exposure.sum(where=late).fill_null(0.0),
        "rows": flows.loans.sum().fill_null(0),
        "prepaid": flows.loans.sum(where=flows.state == "prepaid").fill_null(0),
        "amount": flows.prepaid_amount.sum().fill_null(0.0),
    }


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
