"""Fannie Mae's three layouts give one canonical table, the same as Freddie's from the same loans."""

import datetime
from pathlib import Path

import pandas as pd
import pytest

from portfolio.errors import HypothecError
from portfolio.quality import load_quarantine
from portfolio.sources.fannie import ingest_fannie
from portfolio.sources.freddie import ingest_freddie
from portfolio.sources.history import HistoryResult
from tests.portfolio import written_from_layouts as written


def months(result: HistoryResult) -> pd.DataFrame:
    files = sorted(result.portfolio.performance.glob("*/*.parquet"))
    frame = pd.concat(pd.read_parquet(path) for path in files)
    return frame.sort_values(["loan_id", "month"]).reset_index(drop=True)


def deliver(folder: Path, width: int, book: tuple[written.Loan, ...] = written.BOOK) -> HistoryResult:
    lines = [line for loan in book for line in written.fannie_months(loan, width)]
    written.write_lines(folder / "2018Q4.csv", lines)
    return ingest_fannie(folder / "ws", [folder / "2018Q4.csv"], name="book")


@pytest.fixture(scope="module")
def of_113(tmp_path_factory: pytest.TempPathFactory) -> HistoryResult:
    """The one that is built whole, snapshots and all."""
    return deliver(tmp_path_factory.mktemp("of_113"), 113)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what is worked out of a history: these tests are about the history itself."""
    monkeypatch.setattr("portfolio.sources.history.build_derived", lambda *_, **__: None)


def test_every_row_starts_with_a_pipe() -> None:
    assert all(line.startswith("|F19Q1") for line in written.fannie_months(written.BOOK[0], 108))
    assert [written.fannie_months(written.BOOK[0], width)[0].count("|") + 1 for width in (108, 110, 113)] == [
        108, 110, 113]  # fmt: skip


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("width", [108, 110])
def test_the_older_layouts_give_the_same_tables(of_113: HistoryResult, tmp_path: Path, width: int) -> None:
    older = deliver(tmp_path, width)
    pd.testing.assert_frame_equal(months(older), months(of_113))
    pd.testing.assert_frame_equal(pd.read_parquet(older.portfolio.loans), pd.read_parquet(of_113.portfolio.loans))


@pytest.mark.usefixtures("quick")
def test_the_tables_are_those_of_freddie_from_the_same_loans(of_113: HistoryResult, tmp_path: Path) -> None:
    other = ingest_freddie(tmp_path / "ws", written.write_freddie(tmp_path / "in"), name="book")
    fannie, freddie = months(of_113), months(other).drop(columns="current_ltv")  # Fannie Mae gives no LTV of today
    # a foreclosed property is RA there (days unknown), 5 months here
    foreclosed = freddie.days_past_due.isna() & (freddie.status == "default")
    assert foreclosed.sum() == 2
    assert fannie.days_past_due[foreclosed].tolist() == [150, 150]
    freddie.loc[foreclosed, "days_past_due"] = 150
    pd.testing.assert_frame_equal(fannie, freddie)
    left, right = (pd.read_parquet(item.portfolio.loans) for item in (of_113, other))
    pd.testing.assert_frame_equal(left, right.drop(columns="vantage_score"))


def test_facts_come_from_the_first_month_and_are_counted_once(of_113: HistoryResult) -> None:
    loans = pd.read_parquet(of_113.portfolio.loans).set_index("loan_id")
    assert loans.loc["F19Q10000001", "origination_date"] == datetime.date(2018, 12, 1)
    assert (of_113.rows_read, of_113.files) == (145, 1)
    table = pd.read_parquet(of_113.portfolio.quality / "loads.parquet")
    assert table[["kind", "rows_read", "rows_kept", "left_book"]].to_numpy().tolist() == [["fannie_113", 145, 144, 1]]


def test_blanks_are_counted_as_missing(of_113: HistoryResult) -> None:
    lacking = pd.read_parquet(of_113.portfolio.quality / "missing.parquet")
    assert lacking.groupby(["table", "field", "code"]).n.sum().to_dict() == {
        ("loans", "credit_score", "blank"): 1,
        ("loans", "debt_to_income", "blank"): 1,
        ("performance", "days_past_due", "XX"): 1,
    }


@pytest.mark.usefixtures("quick")
def test_a_line_cut_short_is_named(tmp_path: Path) -> None:
    lines = written.fannie_months(written.BOOK[0])
    lines[3] = lines[3][:40]
    written.write_lines(tmp_path / "a.txt.gz", lines)
    result = ingest_fannie(tmp_path / "ws", [tmp_path / "a.txt.gz"], name="book")
    found = load_quarantine(result.portfolio)
    assert found[["file", "line", "rule"]].to_numpy().tolist() == [["a.txt.gz", 4, "width"]]
    assert len(months(result)) == 29


def test_another_number_of_fields_is_refused(tmp_path: Path) -> None:
    file = written.write_lines(tmp_path / "a.txt", [line + "|" for line in written.fannie_months(written.BOOK[0])])
    with pytest.raises(HypothecError, match=r"a.txt: line 1 has 114 fields .* delivers 108, 110 or 113"):
        ingest_fannie(tmp_path / "ws", [file], name="book")
