"""One loan's past: its months from a table, and what they come to."""

import numpy as np
import pandas as pd
import pytest

from analytics.loan_history import compute_history, summarise_history

MONTHS = pd.DataFrame({
    "loan": [1, 2, 1, 1, 1],
    "month": pd.to_datetime(["2024-02-29", "2024-01-31", "2024-01-31", "2024-04-30", "2024-03-31"]),
    "balance": [90.0, 7.0, 100.0, 0.0, 80.0], "days_past_due": [30, 0, 0, 0, 60],
    "event": [None, None, "", "prepaid", None],
})  # fmt: skip


def test_one_loans_months_in_time_order(database):
    found = compute_history(database.table(MONTHS), database.fetch, key="loan", loan="1")
    assert list(found["balance"]) == [100.0, 90.0, 80.0, 0.0]
    assert list(found["days_past_due"]) == [0.0, 30.0, 60.0, 0.0]
    assert list(found["event"]) == ["", "", "", "prepaid"]
    assert list(found["status"]) == [""] * 4  # the table has no such column
    assert compute_history(database.table(MONTHS), database.fetch, key="loan", loan="3").empty


def test_what_a_history_comes_to(database):
    history = compute_history(database.table(MONTHS), database.fetch, key="loan", loan="1")
    past = summarise_history(history)
    assert (past.months, past.arrears, past.worst, past.ending) == (4, 2, 60.0, "prepaid")
    assert (f"{past.worst_month:%Y-%m}", f"{past.last:%Y-%m}") == ("2024-03", "2024-04")
    early = summarise_history(history, "2024-02-29")  # nothing after the date counts, but for how it ended
    assert (early.months, early.arrears, early.worst, early.ending) == (2, 1, 30.0, "prepaid")


def test_a_loan_never_late_has_no_worst_month_and_one_not_told_no_worst(database):
    history = compute_history(database.table(MONTHS), database.fetch, key="loan", loan="2")
    assert summarise_history(history).worst_month is None
    unknown = history.assign(days_past_due=np.nan)
    assert np.isnan(summarise_history(unknown).worst)
    assert summarise_history(unknown).worst_month is None
    with pytest.raises(ValueError, match="at least one month"):
        summarise_history(history[:0])
