"""Snapshots of a tiny hand-made history, and the proof that nothing after the date enters a feature."""

import datetime
import hashlib
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from portfolio.demo.generate import generate_history
from portfolio.demo.schema import make_schema
from portfolio.errors import HypothecError
from portfolio.schema import Field, Schema, Splits, load_schema, save_schema
from portfolio.snapshots import build_snapshots, quarter_ends

DATE = "2021-03-31"  # the date all hand arithmetic is about
NUMBERS = ("balance", "income", "debt_service", "loan_to_income", "current_ltv", "rate", "rate_incentive",
           "payment_change_12m", "months_on_book", "remaining_months", "unemployment", "unemployment_change_12m",
           "house_price_growth_12m", "days_past_due", "worst_arrears_12m", "months_in_arrears_12m")  # fmt: skip


def tiny_schema(*extra: Field, splits: Splits | None = None) -> Schema:
    fields = (
        Field("loan_id", "Loan", "category", ("id",)),
        Field("default_12m", "Default", "number", ("target",)),
        Field("country", "Country", "category", ("segment",)),
        *(Field(name, name, "number", ("feature",)) for name in NUMBERS),
        *extra,
    )
    return Schema("tiny", "history", fields, splits=splits or Splits())


def month_end(text: str) -> datetime.date:
    return (pd.Period(text, "M").to_timestamp("D") + pd.offsets.MonthEnd(0)).date()


def rows_of(loan: str, first: str, last: str, changes: dict[str, dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    """Return a row a month: 100,000 owed, 1,000 paid, income 40,000, in order; `changes` by month, None drops it."""
    rows = []
    for period in pd.period_range(first, last, freq="M"):
        change = (changes or {}).get(str(period), {})
        if change is None:
            continue
        row = {"loan_id": loan, "month": month_end(str(period)), "months_on_book": 5, "balance": 100_000.0,
               "rate": 0.03, "payment": 1_000.0, "income": 40_000.0, "days_past_due": 0, "event": ""}  # fmt: skip
        row |= change
        row["status"] = "default" if row["days_past_due"] >= 90 else "arrears" if row["days_past_due"] else "performing"
        rows.append(row)
    return rows


def days(first: str, last: str, value: int) -> dict[str, dict[str, Any]]:
    return {str(period): {"days_past_due": value} for period in pd.period_range(first, last, freq="M")}


LAST = "2022-03"
HISTORY = [
    # paid 800 a year before; 60 days behind in the 13th month back (too old), 30 in the 12th (counts)
    *rows_of("plain", "2020-01", LAST, {"2020-03": {"payment": 800.0, "days_past_due": 60},
                                        "2020-04": {"days_past_due": 30}}),
    # three months missing: 60 days in March 2020 is 12 rows back only if rows instead of months are counted
    *rows_of("gap", "2020-01", LAST, {"2020-03": {"days_past_due": 60}, "2020-10": None, "2020-11": None,
                                      "2020-12": None}),
    *rows_of("no_year_ago", "2020-01", LAST, {"2020-03": None}),
    *rows_of("prepaid", "2020-01", "2021-05", {"2021-05": {"event": "prepaid", "balance": 0.0}}),
    *rows_of("defaults", "2020-01", LAST, days("2021-08", "2021-09", 90) | {"2021-10": {"event": "cured"}}),
    *rows_of("last_month", "2020-01", LAST, {"2022-03": {"days_past_due": 90}}),
    *rows_of("cures", "2020-01", LAST, days("2020-12", "2021-03", 120)),
    *rows_of("behind", "2020-01", LAST, {"2021-03": {"days_past_due": 60}}),
    *rows_of("gone", "2020-01", DATE[:7], {"2021-03": {"event": "prepaid", "balance": 0.0}}),
    *rows_of("new", "2021-02", LAST),
    *rows_of("no_income", "2020-01", LAST, {"2021-03": {"income": 0.0}}),
]  # fmt: skip


def write_tiny(folder: Path, history: list[dict[str, Any]] = HISTORY) -> Path:
    frame = pd.DataFrame(history)
    for year, rows in frame.groupby(pd.to_datetime(frame.month).dt.year):
        target = folder / "performance" / f"year={year}"
        target.mkdir(parents=True)
        rows.to_parquet(target / "part-0000.parquet")
    names = sorted({row["loan_id"] for row in HISTORY})
    pd.DataFrame({
        "loan_id": names, "country": "Italy", "region": "Lazio", "origination_date": datetime.date(2019, 6, 10),
        "maturity_date": datetime.date(2039, 6, 30), "property_value": 200_000.0,
    }).to_parquet(folder / "loans.parquet")  # fmt: skip
    months = [str(period) for period in pd.period_range("2019-01", LAST, freq="M")]
    prices = {"2019-06": 100.0, "2020-03": 110.0, "2021-03": 120.0}
    jobless = {"2020-03": 0.08, "2021-03": 0.09}
    pd.DataFrame({
        "month": [month_end(month) for month in months], "country": "Italy", "region": "Lazio",
        "unemployment": [jobless.get(month, 0.5) for month in months],
        "house_price_index": [prices.get(month, 999.0) for month in months], "market_rate": 0.02,
    }).to_parquet(folder / "macro.parquet")  # fmt: skip
    return folder


def read(folder: Path, date: str = DATE) -> pd.DataFrame:
    return pd.read_parquet(folder / "snapshots" / f"{date}.parquet").set_index("loan_id")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_tiny(tmp_path_factory.mktemp("tiny"))
    build_snapshots(folder, tiny_schema())
    return folder


def test_quarter_ends_from_the_twelfth_month_on(tiny: Path) -> None:
    found = sorted(path.stem for path in (tiny / "snapshots").glob("*.parquet"))
    assert found == ["2020-12-31", "2021-03-31", "2021-06-30", "2021-09-30", "2021-12-31", "2022-03-31"]
    assert quarter_ends(datetime.date(2020, 2, 29), datetime.date(2021, 3, 31)) == [datetime.date(2021, 3, 31)]
    assert quarter_ends(datetime.date(2020, 2, 29), datetime.date(2020, 12, 31)) == []


def test_loans_on_book_and_not_in_default_are_in(tiny: Path) -> None:
    present = {"plain", "gap", "no_year_ago", "prepaid", "defaults", "last_month", "behind", "new", "no_income"}
    assert set(read(tiny).index) == present  # not: cures (120 days), gone (prepaid that month)
    assert "cures" in read(tiny, "2021-06-30").index
    assert "prepaid" not in read(tiny, "2021-06-30").index


def test_features_of_a_plain_loan_by_hand(tiny: Path) -> None:
    row = read(tiny).loc["plain"]
    assert row.balance == 100_000
    assert row.debt_service == pytest.approx(12 * 1_000 / 40_000)  # 0.30
    assert row.loan_to_income == pytest.approx(100_000 / 40_000)  # 2.5
    assert row.current_ltv == pytest.approx(100_000 / (200_000 * 120 / 100))  # 0.4167
    assert row.rate_incentive == pytest.approx(0.03 - 0.02)
    assert row.payment_change_12m == pytest.approx(1_000 / 800 - 1)  # 0.25
    assert row.remaining_months == 18 * 12 + 3  # from March 2021 to June 2039
    assert row.unemployment == pytest.approx(0.09)
    assert row.unemployment_change_12m == pytest.approx(0.09 - 0.08)
    assert row.house_price_growth_12m == pytest.approx(120 / 110 - 1)
    assert row.days_past_due == 0
    assert row.worst_arrears_12m == 30  # April 2020 counts, March 2020 does not
    assert row.months_in_arrears_12m == 1


def test_a_gap_in_months_shifts_nothing(tiny: Path) -> None:
    row = read(tiny).loc["gap"]
    assert row.worst_arrears_12m == 0
    assert row.months_in_arrears_12m == 0
    assert row.payment_change_12m == 0


def test_payment_change_is_missing_without_a_payment_a_year_ago(tiny: Path) -> None:
    rows = read(tiny)
    assert pd.isna(rows.payment_change_12m["no_year_ago"])
    assert pd.isna(rows.payment_change_12m["new"])


def test_a_ratio_to_no_income_is_missing(tiny: Path) -> None:
    row = read(tiny).loc["no_income"]
    assert pd.isna(row.debt_service)
    assert pd.isna(row.loan_to_income)


def test_arrears_of_the_month_itself_count(tiny: Path) -> None:
    row = read(tiny).loc["behind"]
    assert (row.days_past_due, row.worst_arrears_12m, row.months_in_arrears_12m) == (60, 60, 1)


def test_labels_by_hand(tiny: Path) -> None:
    label = read(tiny).default_12m
    assert label["defaults"] == 1  # August 2021, cured in October: it did default
    assert label["last_month"] == 1  # March 2022 is the twelfth month
    assert label["prepaid"] == 0  # ended without default, and twelve months have passed
    assert label.drop(["defaults", "last_month"]).eq(0).all()
    before = read(tiny, "2020-12-31").default_12m
    assert before["defaults"] == 1
    assert before["last_month"] == 0  # March 2022 is the fifteenth month


def test_a_label_is_known_only_after_twelve_months(tiny: Path) -> None:
    mature, immature = read(tiny), read(tiny, "2021-06-30")
    assert mature.label_mature.all()
    assert mature.default_12m.notna().all()
    assert not immature.label_mature.any()
    assert immature.default_12m.isna().all()  # also that of the loan that has already defaulted
    assert (immature["sample"] == "unlabelled").all()


def test_types_are_those_of_the_contract(tiny: Path) -> None:
    described = duckdb.connect().sql(f"describe from '{tiny}/snapshots/{DATE}.parquet'").df()
    types = dict(zip(described.column_name, described.column_type, strict=True))
    assert {types[name] for name in NUMBERS} == {"DOUBLE"}
    expected = {"loan_id": "VARCHAR", "country": "VARCHAR", "default_12m": "INTEGER", "observation_date": "DATE",
                "label_mature": "BOOLEAN", "sample": "VARCHAR"}  # fmt: skip
    assert {name: types[name] for name in expected} == expected
    assert list(types)[: len(NUMBERS) + 3] == [field.name for field in tiny_schema().fields]


def test_samples_go_by_date_and_by_hash_of_the_id(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path)
    splits = Splits(datetime.date(2020, 12, 31), datetime.date(2021, 3, 31), holdout_share=0.5)
    build_snapshots(folder, tiny_schema(splits=splits))
    samples = read(folder, "2020-12-31")["sample"]
    for loan, sample in samples.items():
        held_out = int(hashlib.md5(str(loan).encode(), usedforsecurity=False).hexdigest()[:8], 16) % 10_000 < 5_000
        assert sample == ("out-of-sample" if held_out else "development")
    assert samples.nunique() == 2
    assert (read(folder)["sample"] == "out-of-time").all()


def test_dates_between_are_an_embargo(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path)
    splits = Splits(datetime.date(2020, 12, 31), datetime.date(2021, 6, 30))
    build_snapshots(folder, tiny_schema(splits=splits))
    assert (read(folder)["sample"] == "embargo").all()
    assert (read(folder, "2021-06-30")["sample"] == "unlabelled").all()  # out-of-time, but not mature


def test_a_field_that_nothing_has_is_refused_and_the_former_snapshots_stay(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path)
    build_snapshots(folder, tiny_schema())
    before = {path.name: path.read_bytes() for path in (folder / "snapshots").iterdir()}
    with pytest.raises(HypothecError, match="no 'shoe_size', which the schema asks for"):
        build_snapshots(folder, tiny_schema(Field("shoe_size", "Shoe size", "number", ("feature",))))
    assert {path.name: path.read_bytes() for path in (folder / "snapshots").iterdir()} == before
    assert not list(folder.glob(".building-*"))


def test_a_history_of_less_than_a_year_is_refused(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path, rows_of("plain", "2021-01", "2021-11"))
    with pytest.raises(HypothecError, match="snapshots need a quarter end with 12 months before it"):
        build_snapshots(folder, tiny_schema())


# The proof that features are of their time, on the demo.

LABELS = ["default_12m", "label_mature", "sample"]
CUT = "2024-03-31"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    generate_history(folder, loans=2_500, months=60, seed=3)
    save_schema(make_schema(60), folder / "schema.toml")
    build_snapshots(folder, load_schema(folder / "schema.toml"))
    return folder


def rewrite(source: Path, target: Path, performance: str, macro: str = "select * from rows") -> Path:
    """Copy a history with each performance and macro file passed through a query over `rows`; build its snapshots."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("snapshots"))
    files = [(path, performance) for path in (target / "performance").rglob("*.parquet")]
    for path, sql in [*files, (target / "macro.parquet", macro)]:
        connection = duckdb.connect()
        connection.execute(f"create table rows as from read_parquet('{path}', hive_partitioning=false)")
        connection.execute(f"copy ({sql}) to '{path}' (format parquet)")
    build_snapshots(target, load_schema(target / "schema.toml"))
    return target


def test_cutting_the_history_after_a_date_leaves_its_features(demo: Path, tmp_path: Path) -> None:
    whole, cut = (
        read(demo, CUT),
        read(rewrite(demo, tmp_path / "cut", f"select * from rows where month <= '{CUT}'"), CUT),
    )
    pd.testing.assert_frame_equal(cut.drop(columns=LABELS), whole.drop(columns=LABELS))
    assert whole.default_12m.notna().all()
    assert cut.default_12m.isna().all()  # without the months after it, nobody knows


def test_falsifying_all_that_came_later_leaves_the_features(demo: Path, tmp_path: Path) -> None:
    later = f"month > '{CUT}'"
    false = f"""select * replace (if({later}, 9, 1) * balance as balance, if({later}, 9, 1) * payment as payment,
                if({later}, 9, 1) * income as income, if({later}, 120, days_past_due) as days_past_due,
                if({later}, 'default', status) as status) from rows"""
    economy = f"""select * replace (if({later}, 9, 1) * unemployment as unemployment,
                  if({later}, 9, 1) * house_price_index as house_price_index) from rows"""
    whole, falsified = read(demo, CUT), read(rewrite(demo, tmp_path / "false", false, economy), CUT)
    pd.testing.assert_frame_equal(falsified.drop(columns=LABELS), whole.drop(columns=LABELS))
    stayed = falsified.default_12m == 1  # every loan with a row after the date now defaults: labels do look ahead
    assert stayed.mean() > 0.95


def test_a_planted_leak_would_be_seen(demo: Path, tmp_path: Path) -> None:
    # the proof above has teeth: one falsified month before the date does change features
    false = "select * replace (if(month = '2024-02-29', 2, 1) * days_past_due + 30 as days_past_due) from rows"
    changed = read(rewrite(demo, tmp_path / "early", false), CUT)
    assert not changed.worst_arrears_12m.equals(read(demo, CUT).worst_arrears_12m)


def test_labels_agree_with_the_performance_rows(demo: Path) -> None:
    frame = read(demo, CUT)
    sql = f"""select loan_id, max((days_past_due >= 90)::int) bad
              from read_parquet('{demo}/performance/*/*.parquet', hive_partitioning=false)
              where month > '{CUT}' and month <= '2025-03-31' group by all"""
    truth = duckdb.connect().sql(sql).df().set_index("loan_id").bad.reindex(frame.index).fillna(0)
    assert (frame.default_12m == truth).all()
    assert truth.sum() > 0


def test_two_builds_give_the_same_bytes(demo: Path, tmp_path: Path) -> None:
    again = rewrite(demo, tmp_path / "again", "select * from rows")
    for path in (demo / "snapshots").iterdir():
        assert (again / "snapshots" / path.name).read_bytes() == path.read_bytes()


def test_every_snapshot_of_the_demo_has_the_schemas_columns(demo: Path) -> None:
    names = [field.name for field in make_schema(60).fields] + ["observation_date", "label_mature", "sample"]
    for path in (demo / "snapshots").iterdir():
        frame = pd.read_parquet(path)
        assert list(frame.columns) == names
        assert frame.loan_id.is_unique
        assert (frame.days_past_due < 90).all()
        assert frame.observation_date.astype(str).eq(path.stem).all()
        known = frame[["balance", "current_ltv", "debt_service", "rate_incentive", "unemployment", "remaining_months"]]
        assert known.notna().all().all()
