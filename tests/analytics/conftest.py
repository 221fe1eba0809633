"""Hand-made tables for the analytics: as Ibis tables, and loan-months counted into flows by pandas."""

import ibis
import pandas as pd
import pytest

ENDS = ("prepaid", "matured", "written off")


def count_flows(rows, segments=("region",)):
    """Count loan-months (loan_id, month, balance, days_past_due, event, …) into flows, loan by loan, the slow way."""
    rows = rows.assign(month=pd.to_datetime(rows["month"]), event=rows["event"].fillna(""))
    records = []
    for _, loan in rows.sort_values("month").groupby("loan_id"):
        before = None
        for row in loan.to_dict("records"):
            late = {0: "current", 1: "30", 2: "60"}.get(int(row["days_past_due"]) // 30, "default")
            state = row["event"] if row["event"] in ENDS else late
            known = before is not None and (row["month"].to_period("M") - before["month"].to_period("M")).n == 1
            records.append({
                **{name: row[name] for name in segments}, "month": row["month"].date(),
                "state_before": before["state"] if known else "new", "state": state, "loans": 1,
                "exposure": float(row["balance"]), "exposure_before": float(before["balance"]) if known else 0.0,
                "prepaid_amount": float(row.get("prepaid_amount", 0.0)), "loss": float(row.get("loss", 0.0)),
            })  # fmt: skip
            before = row | {"state": state}
    keys = [*segments, "month", "state_before", "state"]
    frame = pd.DataFrame(records, columns=[*keys, "loans", "exposure", "exposure_before", "prepaid_amount", "loss"])
    return frame.groupby(keys, as_index=False, dropna=False).sum()


@pytest.fixture
def database(tmp_path):
    """Turn frames into Ibis tables over Parquet files, and expressions into frames: `table(frame)`, `fetch(expr)`."""

    class Database:
        def __init__(self):
            self.backend = ibis.duckdb.connect()
            self.queries = 0

        def table(self, frame):
            path = tmp_path / f"{len(list(tmp_path.iterdir()))}.parquet"
            frame.to_parquet(path)
            return self.backend.read_parquet(path)

        def fetch(self, expression):
            self.queries += 1
            return self.backend.to_pyarrow(expression).to_pandas(date_as_object=False)

    return Database()
