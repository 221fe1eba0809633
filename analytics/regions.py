"""Arrears by region over the trailing year: month-end counts of a single month are too small to map."""

import pandas as pd

from analytics.proportions import flag_small


def compute_trailing_arrears(frame: pd.DataFrame, *, by: list[str], months: int = 12) -> pd.DataFrame:
    """Return one row per group `by`: mean loans and exposure, loans in arrears summed over month ends, arrears rate.

    `frame` is that of `book.compute_by_month` with the same `by`. arrears_30 = loan-months 30 days past due or
    more / loan-months on the book, over the last `months` month ends. `small` where there were fewer than 30
    loans on average or fewer than 5 loan-months in arrears; no interval, because a loan's months are not independent.
    """
    dates = sorted(frame["month"].unique())[-months:]
    recent = frame[frame["month"].isin(dates)]
    table = recent.groupby(by, as_index=False, dropna=False).agg(
        loan_months=("loans", "sum"), in_arrears_30=("in_arrears_30", "sum"), exposure=("exposure", "mean")
    )
    loans = table["loan_months"] / len(dates)
    rate = (table["in_arrears_30"] / table["loan_months"]).where(table["loan_months"] > 0)
    return table.assign(
        loans=loans.round().astype("int64"), arrears_30=rate, small=flag_small(table["in_arrears_30"], loans)
    )
