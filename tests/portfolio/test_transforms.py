"""Transforms by hand on a tiny history, and the proof, on the demo, that they are of their time."""

import datetime
import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
import ibis
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from cli import main
from portfolio.demo.build import build_demo
from portfolio.demo.generate import generate_history
from portfolio.demo.schema import make_schema
from portfolio.errors import HypothecError
from portfolio.features import add_features, list_offers, remove_features
from portfolio.schema import Field, Schema
from portfolio.snapshots import History, build_snapshots, snapshot
from portfolio.transforms import MONTHS, TRANSFORMS
from portfolio.workspace import Portfolio

DATE, CUT = "2021-12-31", "2024-03-31"


def months(loan: str, first: str, last: str, **changes: dict[str, float]) -> list[dict[str, object]]:
    """Return a row a month of 100,000 owed and 40,000 earned; `changes` give a column's value by month."""
    rows = []
    for period in pd.period_range(first, last, freq="M"):
        row: dict[str, object] = {
            "loan_id": loan, "month": period.end_time.date(), "months_on_book": 30, "balance": 100_000.0, "rate": 0.03,
            "payment": 1_000.0, "income": 40_000.0, "days_past_due": 0, "event": "", "status": "performing",
            "curtailment": 0.0,
        }  # fmt: skip
        row |= {name: values[str(period)] for name, values in changes.items() if str(period) in values}
        rows.append(row)
    return rows


HISTORY = [
    # 30 days in March and April 2021 and again in September: two episodes; nine, then three months before December
    *months("late", "2019-01", "2022-12", days_past_due={"2021-03": 30, "2021-04": 60, "2021-09": 30}),
    # one episode that began before the 24 months: it is no fall within them, but its last month is 22 months ago
    *months("old", "2019-01", "2022-12", days_past_due={"2019-11": 30, "2019-12": 30, "2020-01": 30, "2020-02": 30}),
    # 15 days behind now, none three months ago; never 30 days
    *months("slipping", "2019-01", "2022-12", days_past_due={"2021-12": 15}),
    # a year ago 200,000 were owed, 5,000 were repaid early in each of two months: 10,000 of the free 20,000
    *months("repays", "2019-01", "2022-12", balance={str(p): 200_000.0 for p in pd.period_range("2019-01", "2020-12",
            freq="M")}, curtailment={"2021-02": 5_000.0, "2021-11": 5_000.0, "2020-11": 9_000.0}),
    *months("raise", "2019-01", "2022-12", income={str(p): 50_000.0 for p in pd.period_range("2021-01", "2022-12",
            freq="M")}),
    *months("new", "2021-11", "2022-12"),
]  # fmt: skip


def make_tiny(folder: Path) -> pd.DataFrame:
    """Write the tiny history, build its snapshots with every transform, return that of DATE by loan."""
    frame = pd.DataFrame(HISTORY)
    for year, rows in frame.groupby(pd.to_datetime(frame["month"]).dt.year):
        target = folder / "performance" / f"year={year}"
        target.mkdir(parents=True)
        rows.to_parquet(target / "rows.parquet", index=False)
    names = frame["loan_id"].unique()
    pd.DataFrame({
        "loan_id": names, "country": "A", "region": ["north" if name != "new" else "south" for name in names],
        "origination_date": datetime.date(2018, 1, 31), "maturity_date": datetime.date(2031, 12, 31),
        "property_value": 200_000.0, "fixed_period_months": [0 if name == "late" else 60 for name in names],
    }).to_parquet(folder / "loans.parquet", index=False)  # fmt: skip
    economy = []
    for period in pd.period_range("2018-01", "2022-12", freq="M"):
        now, quarter, half = (str(period) >= text for text in ("2021-12", "2021-10", "2021-07"))
        for region in ("north", "south"):
            north = region == "north"
            economy.append({
                "month": period.end_time.date(), "country": "A", "region": region, "market_rate": 0.06,
                "unemployment": 0.05 + (0.02 if now and north else 0.0) + 0.01 * quarter,
                "house_price_index": 100 * (1.10 if half and north else 1.0),
            })  # fmt: skip
    pd.DataFrame(economy).to_parquet(folder / "macro.parquet", index=False)
    fields = (
        Field("loan_id", "Loan", "category", ("id",)), Field("default_12m", "Default", "number", ("target",)),
        *(item.field for item in TRANSFORMS.values()),
    )  # fmt: skip
    build_snapshots(folder, Schema("tiny", "history", fields))
    return pd.read_parquet(folder / "snapshots" / f"{DATE}.parquet").set_index("loan_id")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return make_tiny(tmp_path_factory.mktemp("tiny"))


def test_arrears_by_hand(tiny: pd.DataFrame) -> None:
    since, episodes = tiny["months_since_arrears"], tiny["arrears_episodes_24m"]
    assert since["late"] == 3  # September to December
    assert since["old"] == 22  # February 2020 to December 2021
    assert np.isnan(since["slipping"])  # 15 days are no arrears here
    assert (episodes["late"], episodes["old"], episodes["slipping"]) == (2, 0, 0)
    assert tiny["arrears_change_3m"]["slipping"] == 15
    assert tiny["arrears_change_3m"]["late"] == -30  # 30 days in September, none in December
    assert np.isnan(tiny["arrears_change_3m"]["new"])  # not on book three months ago


def test_money_by_hand(tiny: pd.DataFrame) -> None:
    assert tiny["prepayment_used"]["repays"] == pytest.approx(10_000 / (0.10 * 200_000))
    assert tiny["balance_change_12m"]["repays"] == pytest.approx(-0.5)
    assert tiny["income_change_12m"]["raise"] == pytest.approx(0.25)
    assert np.isnan(tiny["income_change_12m"]["new"])
    # north: prices 10 % up since July. 100,000 of 200,000 · 1.1 now, 200,000 of 200,000 a year ago
    assert tiny["ltv_change_12m"]["repays"] == pytest.approx(100 / 220 - 1.0)


def test_the_reset_by_hand(tiny: pd.DataFrame) -> None:
    assert np.isnan(tiny["months_to_reset"]["late"])  # variable
    # 60 months fixed from January 2018; 47 months later 13 are left
    assert tiny["months_to_reset"]["old"] == 13
    rate, left = 0.06 / 12, 120  # December 2021 to December 2031
    payment = 100_000 * rate / (1 - (1 + rate) ** -left)
    assert tiny["debt_service_after_reset"]["old"] == pytest.approx(12 * payment / 40_000)


def test_momentum_is_against_the_country(tiny: pd.DataFrame) -> None:
    # north + 3 points in three months, south + 1: mean 2; so + 1 and − 1
    assert tiny["unemployment_momentum_3m"]["old"] == pytest.approx(0.01)
    assert tiny["unemployment_momentum_3m"]["new"] == pytest.approx(-0.01)
    # prices: north 10 % in six months, south 0, mean 5 %
    assert tiny["house_price_momentum_6m"]["old"] == pytest.approx(0.05)
    assert tiny["house_price_momentum_6m"]["new"] == pytest.approx(-0.05)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    generate_history(folder, loans=1_500, months=60, seed=3)
    return folder


def read(folder: Path, date: str = CUT) -> pd.DataFrame:
    """Return the transforms of one date, made of all performance rows there are."""
    schema = make_schema(60)
    schema = replace(schema, fields=(*schema.fields, *(item.field for item in TRANSFORMS.values())))
    backend = ibis.duckdb.connect()
    loans, macro = (backend.read_parquet(str(folder / f"{name}.parquet")) for name in ("loans", "macro"))
    rows = backend.read_parquet(str(folder / "performance" / "*" / "*.parquet"), hive_partitioning=False)
    table = snapshot(History(loans, rows, macro, datetime.date(2026, 6, 30)), schema, datetime.date.fromisoformat(date))
    frame = table.select("loan_id", *TRANSFORMS).to_pandas()
    return frame.set_index("loan_id").sort_index()


def rewrite(source: Path, target: Path, performance: str, macro: str = "select * from rows") -> Path:
    """Copy a history with every performance and macro file passed through a query"""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("snapshots"))
    files = [(path, performance) for path in (target / "performance").rglob("*.parquet")]
    for path, sql in [*files, (target / "macro.parquet", macro)]:
        connection = duckdb.connect()
        connection.execute(f"create table rows as from read_parquet('{path}', hive_partitioning=false)")
        connection.execute(f"copy ({sql}) to '{path}' (format parquet)")
    return target


def test_falsifying_all_that_came_later_changes_no_transform(demo: Path, tmp_path: Path) -> None:
    later = f"month > '{CUT}'"
    false = f"""select * replace (if({later}, 9, 1) * balance as balance, if({later}, 9, 1) * income as income,
                if({later}, 120, days_past_due) as days_past_due, if({later}, 99, curtailment) as curtailment)
                from rows"""
    economy = f"""select * replace (if({later}, 9, 1) * unemployment as unemployment, if({later}, 9, 1) *
                  market_rate as market_rate, if({later}, 9, 1) * house_price_index as house_price_index) from rows"""
    pd.testing.assert_frame_equal(read(rewrite(demo, tmp_path / "false", false, economy)), read(demo))
    assert read(demo).notna().any().all()  # every transform says something about some loan


def test_what_lies_further_back_than_the_look_back_changes_no_transform(demo: Path, tmp_path: Path) -> None:
    # the clock the other way: 25 months and more before the date nothing counts but the falls' month before
    before = (pd.Timestamp(CUT) - pd.DateOffset(months=MONTHS + 1)).strftime("%Y-%m-%d")
    early = f"select * replace (if(month <= '{before}', 120, days_past_due) as days_past_due) from rows"
    columns = ["months_since_arrears", "arrears_change_3m"]
    pd.testing.assert_frame_equal(read(rewrite(demo, tmp_path / "early", early))[columns], read(demo)[columns])


def test_a_shifted_clock_shifts_the_transforms_with_it(demo: Path, tmp_path: Path) -> None:
    # the same rows, three months later: the snapshot three months later says the same of the same loans
    move = "select * replace (last_day(month + interval 3 month) as month) from rows"
    moved = rewrite(demo, tmp_path / "moved", move, move)
    same = [
        name for name in TRANSFORMS if name not in ("months_to_reset", "debt_service_after_reset", "ltv_change_12m")
    ]  # these also look at the loan's own dates
    then, now = read(demo)[same], read(moved, "2024-06-30")[same]
    pd.testing.assert_frame_equal(now.loc[then.index.intersection(now.index)],
                                  then.loc[then.index.intersection(now.index)])  # fmt: skip
    assert len(then.index.intersection(now.index)) > 0.95 * len(then)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Portfolio:
    return build_demo(tmp_path_factory.mktemp("workspace"), loans=600, months=48)


def test_adding_and_removing_changes_schema_snapshots_and_hash(built: Portfolio) -> None:
    before = built.data_hash
    assert all(offer.possible and not offer.used for offer in list_offers(built))
    assert add_features(built, ["months_to_reset", "months_to_reset"]) == ["months_to_reset"]
    changed = Portfolio(built.root)
    assert changed.schema.get("months_to_reset").roles == ("feature",)
    assert changed.data_hash != before
    assert changed.manifest["loans"] == 600  # the other facts of the manifest stay
    key = changed.snapshot_keys()[-1]
    assert pd.read_parquet(changed.snapshot_file(key))["months_to_reset"].notna().any()
    assert add_features(changed, ["months_to_reset"]) == []
    assert remove_features(changed, ["months_to_reset"]) == ["months_to_reset"]
    assert "months_to_reset" not in pd.read_parquet(changed.snapshot_file(key)).columns


@pytest.mark.parametrize(("names", "message"), [
    (["oracle"], "no transform oracle; there are months_since_arrears"),
    (["months_to_reset", "oracle"], "no transform oracle"),
])  # fmt: skip
def test_an_unknown_transform_changes_nothing(built: Portfolio, names: list[str], message: str) -> None:
    before = (built.root / "schema.toml").read_bytes()
    with pytest.raises(HypothecError, match=message):
        add_features(Portfolio(built.root), names)
    with pytest.raises(HypothecError, match="is no transform of"):
        remove_features(Portfolio(built.root), ["income"])
    assert (built.root / "schema.toml").read_bytes() == before


def test_a_history_without_the_inputs_says_what_is_needed(built: Portfolio, tmp_path: Path) -> None:
    shutil.copytree(built.root, tmp_path / "poor")
    (tmp_path / "poor" / "macro.parquet").unlink()
    poor = Portfolio(tmp_path / "poor")
    assert not next(item for item in list_offers(poor) if item.transform.name == "unemployment_momentum_3m").possible
    with pytest.raises(HypothecError, match=r"cannot give unemployment_momentum_3m; needed: unemployment_momentum"):
        add_features(poor, ["unemployment_momentum_3m"])


def test_what_stands_once_a_loan_has_no_value_months_ago(built: Portfolio, tmp_path: Path) -> None:
    shutil.copytree(built.root, tmp_path / "once")
    once = Portfolio(tmp_path / "once")
    connection = duckdb.connect()
    months = sorted(once.performance.rglob("*.parquet"))
    connection.execute(f"create table loans as from read_parquet('{once.loans}')")
    income = "select *, income_at_origination as income from loans"
    connection.execute(f"copy ({income}) to '{once.loans}' (format parquet)")
    for path in months:
        connection.execute(f"create or replace table rows as from read_parquet('{path}', hive_partitioning=false)")
        connection.execute(f"copy (select * exclude income from rows) to '{path}' (format parquet)")
    offers = {item.transform.name: item.possible for item in list_offers(once)}
    assert not offers["income_change_12m"]
    assert offers["balance_change_12m"]
    assert offers["debt_service_after_reset"]  # needs today's income only


def test_the_command_line_lists_and_refuses(built: Portfolio) -> None:
    where = ["--workspace", str(built.root.parent), "--portfolio", built.name]
    listed = CliRunner().invoke(main, ["features", "list", *where])
    assert "prepayment_used            possible" in listed.output
    empty = CliRunner().invoke(main, ["features", "add", *where])
    assert empty.exit_code == 2
    assert "name the transforms to add, or --all" in empty.output
