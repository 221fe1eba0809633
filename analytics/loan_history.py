"""One loan's past, month by month: what it owed, how late it was, and how it ended."""

from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from analytics.book import Fetch

ARREARS, DEFAULT = 30, 90  # days past due
ENDINGS = ("prepaid", "matured", "written off")


@dataclass(frozen=True)
class Past:
    """What a history comes to up to a date: months seen, months in arrears, the worst days past due and when.

    `worst` is NaN where no month says how late the loan was. `ending` is how the loan left the book ("" while on it)
    in month `last`; both are of the whole history, also after the date.
    """

    months: int
    arrears: int
    worst: float
    worst_month: pd.Timestamp | None
    ending: str
    last: pd.Timestamp


def compute_history(performance: ir.Table, fetch: Fetch, *, key: str, loan: str) -> pd.DataFrame:
    """Return month, balance, days_past_due, status and event of one loan, in time order; no rows for an unknown loan.

    `key` is the id's column. Status and event are "" where the table does not know them.
    """
    rows = performance.filter(performance[key].cast("string") == loan)
    words = {
        name: rows[name].cast("string").fill_null("") if name in rows.columns else ibis.literal("")
        for name in ("status", "event")
    }
    wanted = rows.select("month", "balance", "days_past_due", **words)
    frame = fetch(wanted.order_by("month"))
    return frame.assign(
        month=pd.to_datetime(frame["month"]),
        balance=frame["balance"].astype(float),
        days_past_due=frame["days_past_due"].astype(float),
    )


def summarise_history(history: pd.DataFrame, until: Any = None) -> Past:
    """Return what a history of `compute_history` comes to, up to the date `until` (None: to its end).

    Raises ValueError for a history without rows: there is nothing to say of it.
    """
    if history.empty:
        raise ValueError("a history needs at least one month")
    seen = history if until is None else history[history["month"] <= pd.Timestamp(until)]
    days = seen["days_past_due"].dropna()
    worst = float(days.max()) if len(days) else float("nan")
    worst_month = pd.Timestamp(seen["month"].iloc[int(seen["days_past_due"].argmax())]) if worst > 0 else None
    end = history.iloc[-1]
    ending = str(end["event"]) if end["event"] in ENDINGS else ""
    return Past(len(seen), int((days >= ARREARS).sum()), worst, worst_month, ending, pd.Timestamp(end["month"]))
