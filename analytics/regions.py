"""Arrears by region over a year: month-end counts of a single month are too small to map."""

from collections.abc import Sequence

import ibis.expr.types as ir
import pandas as pd

from analytics.book import ENDS, Fetch
from analytics.proportions import flag_small


def compute_arrears_over(performance: ir.Table, fetch: Fetch, by: Sequence[str], *, loan: str) -> pd.DataFrame:
    """Return a row per group `by` over all months of `performance`: loans, in_arrears_30, arrears_30, small, exposure.

    loans is the mean number on the book at a month end, in_arrears_30 how many different loans were ever 30 days past
    due or more, arrears_30 = loan-months in arrears / loan-months on the book, exposure the mean of month ends.
    `small` where there were fewer than 30 loans or fewer than 5 different loans in arrears. No interval, because
    the months of one loan are not independent. `loan` is the column of the loan's id.
    """
    on_book = performance.event.fill_null("").notin(ENDS)
    late = on_book & (performance.days_past_due >= 30)
    frame = fetch(
        performance.group_by(list(by)).aggregate(
            loan_months=on_book.sum().fill_null(0),
            late_months=late.sum().fill_null(0),
            in_arrears_30=performance[loan].nunique(where=late),
            balance=on_book.ifelse(performance.balance, 0.0).sum().fill_null(0.0),
            months=performance.month.nunique(),
        )
    )
    on = frame["loan_months"].where(frame["loan_months"] > 0)
    loans = frame["loan_months"] / frame["months"]
    table = frame[[*by, "in_arrears_30"]].assign(
        loans=loans.round().astype("int64"),
        exposure=frame["balance"] / frame["months"],
        arrears_30=frame["late_months"] / on,
        small=flag_small(frame["in_arrears_30"], loans),
    )
    return table.sort_values(list(by), ignore_index=True)
