"""Arrears by region over a year, counted by hand."""

import pandas as pd

from analytics.regions import compute_arrears_over
from tests.analytics.conftest import count_flows


def test_counted_by_hand(database):
    # North: 40 loans over two months, of which five are late in one month each, one of them in both: 6 of 80
    # loan-months. South: 40 loans, one of them late in both months: 2 of 80, and only one loan, so too few to read.
    # A loan that is prepaid in the second month is no longer on the book then.
    rows = []
    for region in ("North", "South"):
        for loan in range(40):
            for month in (1, 2):
                late = (loan < 5 and month == 1) or (loan == 0) if region == "North" else loan == 7
                rows.append((region, f"{region}{loan}", f"2025-0{month}-28", 100.0, 30 if late else 0, ""))
    rows[-1] = (*rows[-1][:5], "prepaid")
    columns = ["region", "loan_id", "month", "balance", "days_past_due", "event"]
    table = database.table(count_flows(pd.DataFrame(rows, columns=columns)))
    found = compute_arrears_over(table, database.fetch, ["region"])
    north, south = found.to_dict("records")
    # Loan 0 of North is late in both months: one spell. Loan 7 of South likewise.
    assert (north["loans"], north["spells"], north["small"]) == (40, 5, False)
    assert north["arrears_30"] == 6 / 80
    assert (south["spells"], south["small"]) == (1, True)
    assert south["arrears_30"] == 2 / 79
    assert north["exposure"] == 4000
