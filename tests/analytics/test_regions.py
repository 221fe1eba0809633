"""Arrears by region over a year, counted by hand."""

import ibis
import pandas as pd

from analytics.regions import compute_arrears_over


def test_counted_by_hand(tmp_path):
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
    columns = ["region", "loan", "month", "balance", "days_past_due", "event"]
    pd.DataFrame(rows, columns=columns).to_parquet(tmp_path / "p.parquet")
    backend = ibis.duckdb.connect()
    table = backend.read_parquet(tmp_path / "p.parquet")
    found = compute_arrears_over(table, lambda e: backend.to_pyarrow(e).to_pandas(), ["region"], loan="loan")
    north, south = found.to_dict("records")
    assert (north["loans"], north["in_arrears_30"], north["small"]) == (40, 5, False)
    assert north["arrears_30"] == 6 / 80
    assert (south["in_arrears_30"], south["small"]) == (1, True)
    assert south["arrears_30"] == 2 / 79
    assert north["exposure"] == 4000
