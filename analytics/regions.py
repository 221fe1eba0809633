"""Arrears by region over a year: month-end counts of a single month are too small to map."""

from collections.abc import Sequence

import ibis.expr.types as ir
import pandas as pd

from analytics.book import ENDS, LATE, Fetch
from analytics.proportions import flag_small


def compute_arrears_over(flows: ir.Table, fetch: Fetch, by: Sequence[str]) -> pd.DataFrame:
    """Return a row per group `by` over all months of `flows`: loans, spells, arrears_30, small, exposure.

    loans is the mean number on the book at a month end, spells how many times a loan was 30 days past due or more
    at the first month end or became so later, arrears_30 = loan-months in arrears / loan-months on the book,
    exposure the mean of month ends. `small` where there were fewer than 30 loans or fewer than 5 spells. No
    interval, because the months of one loan are not independent.
    """
    first = flows.mutate(first_month=flows.month.min().over())
    on_book, late = first.state.notin(ENDS), first.state.isin(LATE)
    begun = late & (first.state_before.notin(LATE) | (first.month == first.first_month))
    frame = fetch(
        first.group_by(list(by)).aggregate(
            loan_months=first.loans.sum(where=on_book).fill_null(0),
            late_months=first.loans.sum(where=late).fill_null(0),
            spells=first.loans.sum(where=begun).fill_null(0),
            balance=first.exposure.sum(where=on_book).fill_null(0.0),
            months=first.month.nunique(),
        )
    )
    frame = frame.astype({"loan_months": "int64", "late_months": "int64", "spells": "int64"})
    on = frame["loan_months"].where(frame["loan_months"] > 0)
    loans = frame["loan_months"] / frame["months"]
    table = frame[[*by, "spells"]].assign(
        loans=loans.round().astype("int64"),
        exposure=frame["balance"] / frame["months"],
        arrears_30=frame["late_months"] / on,
        small=flag_small(frame["spells"], loans),
    )
    return table.sort_values(list(by), ignore_index=True)
