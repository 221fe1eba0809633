"""The cubes against a history counted loan by loan in pandas."""

import datetime
import itertools

import numpy as np
import pandas as pd
import pytest

from portfolio.cubes import build_cubes
from portfolio.demo.generate import generate_history
from portfolio.demo.schema import make_schema
from portfolio.engine import Engine
from portfolio.schema import Field, Schema
from portfolio.workspace import Portfolio
from tests.analytics.conftest import count_flows

SCHEMA = Schema(
    "t", "history",
    (Field("loan_id", "Loan", "category", ("id",)), Field("region", "Region", "category", ("segment",))),
)  # fmt: skip


def build(folder, loans, rows, schema=SCHEMA):
    loans.to_parquet(folder / "loans.parquet")
    for year, part in rows.groupby(pd.to_datetime(rows["month"]).dt.year):
        (folder / "performance" / f"year={year}").mkdir(parents=True, exist_ok=True)
        part.to_parquet(folder / "performance" / f"year={year}" / "part-0000.parquet")
    build_cubes(folder, schema)
    return Engine(Portfolio(folder))


def end(year, month):
    return (pd.Timestamp(year, month, 1) + pd.offsets.MonthEnd(0)).date()


def loan(name, first, days, *, last_event="", balance=100.0):
    """A loan's months from `first` (year, month): one row per entry of `days`, None for a missing month."""
    start = pd.Period(year=first[0], month=first[1], freq="M")
    rows = []
    for place, day in enumerate(days):
        if day is not None:
            status = "default" if day >= 90 else "arrears" if day >= 30 else "performing"
            rows.append((name, (start + place).end_time.date(), balance, day, status, "", 0.0))
    if last_event:
        rows[-1] = (*rows[-1][:2], 0.0, *rows[-1][3:5], last_event, 0.0)
    return rows


COLUMNS = ["loan_id", "month", "balance", "days_past_due", "status", "event", "loss"]


@pytest.fixture
def by_hand(tmp_path):
    """A: late over the turn of the year, then default twice. B: prepaid. C: already in default when history begins."""
    rows = [
        *loan("A", (2023, 11), [0, 30, 60, 90, 0, 90]),
        *loan("B", (2023, 12), [0, 0, 0], last_event="prepaid"),
        *loan("C", (2023, 11), [120, 120, 150], last_event="written off"),
        *loan("D", (2023, 11), [0, None, 30]),
    ]
    loans = pd.DataFrame({
        "loan_id": list("ABCD"), "region": ["North", "North", "South", None],
        "origination_date": [datetime.date(2023, 11, 3), datetime.date(2023, 12, 9), datetime.date(2020, 2, 1),
                             datetime.date(2023, 10, 5)],
    })  # fmt: skip
    return build(tmp_path, loans, pd.DataFrame(rows, columns=COLUMNS))


def test_flows_by_hand(by_hand):
    found = by_hand.fetch(by_hand.flows())
    a = found[(found["region"] == "North") & (found["month"] <= pd.Timestamp(2024, 1, 31))]
    steps = {(str(r.month.date()), r.state_before, r.state): (r.loans, r.exposure, r.exposure_before)
             for r in a.itertuples()}  # fmt: skip
    assert steps == {
        ("2023-11-30", "new", "current"): (1, 100.0, 0.0),
        ("2023-12-31", "current", "30"): (1, 100.0, 100.0),  # A, 30 days late
        ("2023-12-31", "new", "current"): (1, 100.0, 0.0),  # B begins
        ("2024-01-31", "30", "60"): (1, 100.0, 100.0),  # over the turn of the year
        ("2024-01-31", "current", "current"): (1, 100.0, 100.0),
    }
    nowhere = found[found["region"].isna()]
    assert list(nowhere["state_before"]) == ["new", "new"]  # D's missing month is not bridged
    assert found.dtypes["loans"] == np.int64


def quarters(name, days, *, last_event=""):
    """A loan's rows at the quarter ends from December 2022 on."""
    months = [day if place % 3 == 0 else None for place, day in enumerate(np.repeat(days, 3))]
    return loan(name, (2022, 12), months, last_event=last_event)


def test_in_a_quarterly_book_the_state_before_is_that_of_the_last_quarter(tmp_path):
    """A rolls to 60 days and cures, over a turn of the year; B misses a quarter; C is prepaid."""
    rows = [
        *quarters("A", [0, 30, 60, 0, 0, 0]),
        *[row for row in quarters("B", [0, 0, 0, 0, 0, 0]) if row[1] != end(2023, 6)],
        *quarters("C", [0, 0], last_event="prepaid"),
    ]
    loans = pd.DataFrame({"loan_id": list("ABC"), "region": list("ABC")})
    engine = build(tmp_path, loans, pd.DataFrame(rows, columns=COLUMNS))
    found = engine.fetch(engine.flows()).sort_values(["region", "month"])
    assert sorted(found["month"].dt.strftime("%Y-%m").unique()) == [
        "2022-12", "2023-03", "2023-06", "2023-09", "2023-12", "2024-03",
    ]  # fmt: skip
    moves = {
        name: list(zip(part["state_before"], part["state"], strict=True)) for name, part in found.groupby("region")
    }
    assert moves == {
        "A": [("new", "current"), ("current", "30"), ("30", "60"), ("60", "current"), *[("current", "current")] * 2],
        "B": [("new", "current"), ("current", "current"), ("new", "current"), *[("current", "current")] * 2],
        "C": [("new", "current"), ("current", "prepaid")],
    }
    assert found.loc[found["state_before"] != "new", "exposure_before"].tolist() == [100.0] * 9


def test_unknown_arrears_count_as_current_unless_the_status_says_default(tmp_path):
    rows = pd.DataFrame(loan("A", (2023, 1), [60, 0, 0]), columns=COLUMNS)
    rows["days_past_due"] = pd.array([60, None, None], dtype="Int64")
    rows["status"] = ["arrears", None, "default"]
    engine = build(tmp_path, pd.DataFrame({"loan_id": ["A"], "region": ["North"]}), rows)
    found = engine.fetch(engine.flows()).sort_values("month")
    assert list(found["state"]) == ["60", "current", "default"]


def test_ages_by_hand(by_hand):
    found = by_hand.fetch(by_hand.ages()).sort_values(["vintage", "region", "months_on_book"])
    q4 = found[(found["vintage"] == pd.Timestamp(2023, 10, 1)) & (found["region"] == "North")]
    q4 = q4.set_index("months_on_book")
    # A has ages 0 to 5 and defaults at 3 for the first time, B ages 0 to 2 and is prepaid at 2.
    assert q4["at_risk"].to_dict() == {0: 2, 1: 2, 2: 2, 3: 1, 4: 0, 5: 0}
    assert q4["first_defaults"].to_dict() == {0: 0, 1: 0, 2: 0, 3: 1, 4: 0, 5: 0}
    assert q4["default_exposure"].sum() == 100.0
    assert q4["prepaid"].to_dict() == {0: 0, 1: 0, 2: 1, 3: 0, 4: 0, 5: 0}
    assert q4["entered"].sum() == 2
    south = found[found["region"] == "South"]
    assert south[["at_risk", "entered", "first_defaults", "written_off"]].to_numpy().sum() == 0  # C: default unknown
    late = found[found["region"].isna()].set_index("months_on_book")
    assert late["entered"].to_dict() == {1: 1, 3: 0}  # D enters a month after it was granted
    assert late["at_risk"].to_dict() == {1: 1, 3: 1}


def test_the_demo_counted_twice(tmp_path):
    """Every cell of a generated book, against the slow count: nothing is lost at the turn of a year."""
    generate_history(tmp_path, loans=400, months=42, seed=5)
    schema = make_schema(42)
    build_cubes(tmp_path, schema)
    engine = Engine(Portfolio(tmp_path))
    segments = schema.names("segment")
    keys = [*segments, "month", "state_before", "state"]
    loans = pd.read_parquet(tmp_path / "loans.parquet")
    rows = pd.concat(pd.read_parquet(path) for path in sorted((tmp_path / "performance").rglob("*.parquet")))
    rows = rows.merge(loans[["loan_id", *segments, "origination_date"]], on="loan_id")
    flows = engine.fetch(engine.flows())
    flows["month"] = flows["month"].dt.date
    expected = count_flows(rows.astype(dict.fromkeys(segments, object)), segments)
    found = flows.sort_values(keys, ignore_index=True)[expected.columns]
    expected = expected.sort_values(keys, ignore_index=True)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-9)

    ages = engine.fetch(engine.ages())
    month = pd.to_datetime(rows["month"])
    first = month.groupby(rows["loan_id"]).transform("min")
    bad = rows["days_past_due"] >= 90
    default = month.where(bad).groupby(rows["loan_id"]).transform("min")
    risk = ~(default <= first) & ~(default < month)
    assert ages["at_risk"].sum() == risk.sum()
    assert ages["first_defaults"].sum() == (risk & (default == month)).sum() > 0
    assert ages["prepaid"].sum() == (risk & (rows["event"] == "prepaid")).sum() > 0
    assert ages["entered"].sum() == (risk & (first == month)).sum()
    granted = pd.to_datetime(rows["origination_date"])
    age = (month.dt.year - granted.dt.year) * 12 + month.dt.month - granted.dt.month
    pd.testing.assert_series_equal(
        ages.groupby("months_on_book")["at_risk"].sum().loc[lambda s: s > 0],
        risk.groupby(age).sum().loc[lambda s: s > 0], check_names=False, check_index_type=False, check_dtype=False,
    )  # fmt: skip
    assert ages["loss"].sum() == pytest.approx(rows["loss"].sum())


def test_loans_leave_only_once(tmp_path):
    """Conservation: loans in a state at a month end = loans that come from it in the next month + those that vanish."""
    generate_history(tmp_path, loans=300, months=42, seed=6)
    build_cubes(tmp_path, make_schema(42))
    flows = Engine(Portfolio(tmp_path))
    table = flows.fetch(flows.flows())
    months = sorted(table["month"].unique())
    live = ~table["state"].isin(["prepaid", "matured", "written off"])
    for now, later in itertools.pairwise(months):
        standing = table[(table["month"] == now) & live].groupby("state")["loans"].sum()
        going = table[(table["month"] == later) & (table["state_before"] != "new")]
        pd.testing.assert_series_equal(
            going.groupby("state_before")["loans"].sum(), standing, check_names=False, check_dtype=False
        )


def test_former_cubes_stay_when_the_history_is_broken(by_hand, tmp_path):
    (tmp_path / "loans.parquet").write_bytes(b"no parquet")
    before = by_hand.fetch(by_hand.flows())
    with pytest.raises(Exception, match=r"(?i)parquet"):
        build_cubes(tmp_path, SCHEMA)
    again = Engine(Portfolio(tmp_path))
    keys = list(before.columns)
    found = again.fetch(again.flows()).sort_values(keys, ignore_index=True)
    pd.testing.assert_frame_equal(found, before.sort_values(keys, ignore_index=True))
