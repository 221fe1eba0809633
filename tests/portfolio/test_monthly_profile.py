"""The profile against the same numbers worked out from the files by other means."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from portfolio import monthly_profile
from portfolio.demo.generate import generate_history
from portfolio.demo.schema import make_schema
from portfolio.monthly_profile import COLUMNS, PROFILE, UNKNOWN, build_profile, compute_profile
from portfolio.schema import Field, Schema


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("profiled")
    generate_history(folder, loans=1_500, months=42, seed=3)
    return folder


@pytest.fixture(scope="module")
def profile(folder):
    return compute_profile(folder, make_schema(42))


def ask(folder, sql):
    connection = duckdb.connect()
    connection.execute(
        f"create view p as from read_parquet('{folder}/performance/*/*.parquet', hive_partitioning=false)"
    )
    connection.execute(f"create view l as from '{folder}/loans.parquet'")
    return connection.execute(sql).df()


def test_moments_of_a_field_by_month_and_region_are_those_of_its_rows(folder, profile):
    own = profile.query("table == 'performance' and field == 'income' and segment == 'region'")
    sql = """select month as period, region as value, count(*) n, avg(income::double) mean, stddev_samp(income::double)
             std, min(income) minimum, max(income) maximum, avg(ln(income::double)) log_mean,
             stddev_samp(ln(income::double)) log_std from p join l using (loan_id) group by all"""
    known = ask(folder, sql).assign(period=lambda frame: pd.to_datetime(frame["period"]))
    both = own.merge(known, on=["period", "value"], suffixes=("", "_known"), validate="one_to_one")
    assert len(both) == len(own) == len(known)
    for name in ("n", "mean", "minimum", "maximum", "log_mean"):
        np.testing.assert_allclose(both[name].astype(float), both[f"{name}_known"].astype(float), rtol=1e-9)
    # The two sums of squares of nearly equal numbers leave rounding of about 1e-8 of the mean.
    np.testing.assert_allclose(both["std"], both["std_known"], atol=1e-3, rtol=1e-6)
    np.testing.assert_allclose(both["log_std"], both["log_std_known"], atol=1e-6)


def test_every_segment_adds_up_to_all_rows(profile):
    sums = profile.groupby(["table", "field", "segment"])[["n", "missing", "positive", "zeros"]].sum()
    for (table, field, segment), row in sums.iterrows():
        whole = sums.loc[(table, field, "")]
        assert row.equals(whole) or segment == "", (table, field, segment)


def test_loans_stand_at_the_end_of_the_month_in_which_they_were_granted(folder, profile):
    own = profile.query("table == 'loans' and field == 'term_months' and segment == ''").set_index("period")["n"]
    known = ask(folder, "select last_day(origination_date) as month, count(*) n from l group by 1").set_index("month")[
        "n"
    ]
    assert own.to_dict() == {pd.Timestamp(month): float(n) for month, n in known.items()}


def test_bundles_of_segments_give_the_same_profile(folder, profile, monkeypatch):
    monkeypatch.setattr(monthly_profile, "CELLS", 3)  # each segment in a pass of its own
    keys = ["table", "period", "field", "segment", "value"]
    again = compute_profile(folder, make_schema(42)).sort_values(keys, ignore_index=True)
    pd.testing.assert_frame_equal(again, profile.sort_values(keys, ignore_index=True), rtol=1e-9, atol=1e-6)


def test_snapshot_fields_that_were_delivered_are_not_profiled_again(profile):
    assert set(profile["table"]) == {"performance", "loans"}  # no snapshots in this folder
    assert tuple(profile.columns) == COLUMNS


def table_schema(*fields):
    return Schema("t", "table", (Field("id", "Id", "category", ("id",)), *fields))


def write_table(folder, **columns):
    (folder / "snapshots").mkdir()
    rows = pd.DataFrame(columns).assign(observation_date=pd.NaT, label_mature=True, sample="development")
    rows["observation_date"] = rows["observation_date"].astype("datetime64[us]")
    rows.to_parquet(folder / "snapshots" / "all.parquet")


def test_a_table_without_dates_is_one_period_with_moments_by_hand(tmp_path):
    write_table(
        tmp_path, id=["a", "b", "c", "d", "e"], x=[1.0, 3.0, np.nan, np.inf, 0.0], self=["u", "u", None, "v", "u"]
    )
    schema = table_schema(
        Field("x", "X", "number", ("feature",)), Field("self", "Self", "category", ("segment",), categories=("u", "v"))
    )
    build_profile(tmp_path, schema)
    found = pd.read_parquet(tmp_path / "quality" / PROFILE).set_index(["field", "segment", "value"])
    assert found["period"].isna().all()
    x = found.loc[("x", "", "")]
    # 1, 3 and 0 are known: mean 4/3, variance ((1/3)² + (5/3)² + (4/3)²) / 2 = 7/3; ln: 0 and ln 3
    assert (x["n"], x["missing"], x["positive"], x["zeros"], x["minimum"], x["maximum"]) == (5, 2, 2, 1, 0, 3)
    assert x["mean"] == pytest.approx(4 / 3)
    assert x["std"] == pytest.approx(np.sqrt(7 / 3))
    assert x["log_mean"] == pytest.approx(np.log(3) / 2)
    assert found.loc[("x", "self", UNKNOWN), "n"] == 1
    # three of the four known words are u
    assert found.loc[("self", "", ""), "most"] == 0.75
    assert found.loc[("self", "", ""), "missing"] == 1


def test_a_month_of_an_unknown_loan_is_counted_under_no_segment(tmp_path):
    generate_history(tmp_path, loans=60, months=42, seed=1)
    loans = pd.read_parquet(tmp_path / "loans.parquet")
    loans.iloc[1:].to_parquet(tmp_path / "loans.parquet")
    rows = ask(tmp_path, f"select count(*) n from p where loan_id = '{loans['loan_id'].iloc[0]}'")["n"].iloc[0]
    found = compute_profile(tmp_path, make_schema(42)).query("table == 'performance' and field == 'balance'")
    assert rows > 0
    assert found.query(f"segment == 'region' and value == '{UNKNOWN}'")["n"].sum() == rows
