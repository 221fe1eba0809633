"""A history with Hypothec's own columns: read, checked, merged and put in place all at once."""

import datetime
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from portfolio.errors import HypothecError
from portfolio.progress import TerminalReport
from portfolio.quality import load_load, load_quarantine
from portfolio.schema import Splits
from portfolio.sources.canonical import ingest_history
from portfolio.sources.delivered import delivery_key, find_files
from portfolio.sources.history import HistoryResult
from portfolio.sources.historyschema import choose_splits
from portfolio.workspace import list_portfolios, open_portfolio
from tests.portfolio.written_from_layouts import MONTHS, month_end


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what is worked out of a history: these tests are about the history itself."""
    monkeypatch.setattr("portfolio.sources.history.build_derived", lambda *_, **__: None)


def loans(*names: str) -> pd.DataFrame:
    return pd.DataFrame({
        "loan_id": names, "origination_date": datetime.date(2018, 12, 10), "maturity_date": datetime.date(2048, 12, 31),
        "region": "Lazio", "income": 40_000.0, "colour": "red",
    })  # fmt: skip


def months(name: str, changes: dict[str, dict[str, Any]] | None = None) -> pd.DataFrame:
    rows = []
    for age, month in enumerate(MONTHS, start=1):
        row = {"loan_id": name, "month": month_end(month), "months_on_book": age, "balance": 100_000.0 - age,
               "days_past_due": 0, "event": "", "payment": 500.0}  # fmt: skip
        rows.append(row | (changes or {}).get(month, {}))
    return pd.DataFrame(rows)


def read(result: HistoryResult) -> pd.DataFrame:
    files = sorted(result.portfolio.performance.glob("*/*.parquet"))
    return pd.concat(pd.read_parquet(path) for path in files).sort_values(["loan_id", "month"]).reset_index(drop=True)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> HistoryResult:
    folder = tmp_path_factory.mktemp("given")
    loans("a", "b").to_parquet(folder / "loans.parquet")
    (folder / "months").mkdir()
    months("a").to_parquet(folder / "months" / "a.parquet")
    late = {"2020-02": {"days_past_due": 90}, "2020-03": {"days_past_due": 30}, "2020-04": {"event": "prepaid"}}
    months("b", late)[:16].to_parquet(folder / "months" / "b.parquet")
    return ingest_history(folder / "ws", folder / "loans.parquet", [folder / "months"], name="own", title="Our book")


def test_the_history_is_what_was_given(given: HistoryResult) -> None:
    frame = read(given)
    assert frame.groupby("loan_id").size().to_dict() == {"a": 30, "b": 16}
    assert frame.balance.tolist() == [100_000 - age for age in [*range(1, 31), *range(1, 17)]]
    last = frame[frame.loan_id == "b"].tail(4)
    assert last.status.tolist() == ["performing", "default", "arrears", "performing"]
    assert last.event.tolist() == ["", "", "cured", "prepaid"]
    assert sorted(path.name for path in given.portfolio.performance.iterdir()) == [
        "year=2019",
        "year=2020",
        "year=2021",
    ]


def test_the_portfolio_is_complete(given: HistoryResult) -> None:
    book = open_portfolio(given.portfolio.root.parent, "own")
    assert (book.schema.title, book.has_history) == ("Our book", True)
    assert book.schema.get("region").roles == ("segment",)
    assert book.schema.get("region").categories == ("Lazio",)
    assert book.schema.get("colour").roles == ("ignore",)  # kept, shown, not learnt from
    assert {"debt_service", "payment_change_12m", "loan_to_income"} <= set(book.schema.names("feature"))
    assert (book.root / "cubes" / "ages.parquet").exists()
    assert not list(book.root.glob(".*"))  # nothing of the intake stays
    frame = pd.read_parquet(book.snapshot_file("2019-12-31")).set_index("loan_id")
    assert frame.default_12m.to_dict() == {"a": 0, "b": 1}
    assert frame.loc["a", "debt_service"] == pytest.approx(12 * 500 / 40_000)
    assert book.manifest["adapter"] == "history"
    assert load_load(book).rows_read == 48


@pytest.mark.usefixtures("quick")
def test_text_gives_the_same_history_as_parquet(given: HistoryResult, tmp_path: Path) -> None:
    loans("a", "b").to_csv(tmp_path / "loans.csv", index=False)
    source = given.portfolio.root.parent.parent / "months"
    for name in ("a", "b"):
        pd.read_parquet(source / f"{name}.parquet").to_csv(tmp_path / f"{name}.csv.gz", sep=";", index=False)
    result = ingest_history(tmp_path / "ws", tmp_path / "loans.csv", [str(tmp_path / "?.csv.gz")], name="own")
    pd.testing.assert_frame_equal(read(result), read(given))
    left, right = (pd.read_parquet(item.portfolio.loans) for item in (result, given))
    pd.testing.assert_frame_equal(left, right)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_impossible_rows_are_quarantined(tmp_path: Path, suffix: str) -> None:
    frame = months("a", {
        "2019-02": {"balance": -1.0}, "2019-03": {"month": None}, "2019-04": {"days_past_due": -5},
        "2019-05": {"event": "sold"}, "2019-06": {"balance": None}, "2019-07": {"days_past_due": 90_000},
    })  # fmt: skip
    frame = pd.concat([frame, frame.tail(1), months("nobody").tail(1)])
    loans("a").to_parquet(tmp_path / "loans.parquet")
    file = tmp_path / f"months.{suffix}"
    frame.to_csv(file, index=False) if suffix == "csv" else frame.to_parquet(file)
    result = ingest_history(tmp_path / "ws", tmp_path / "loans.parquet", [file], name="own")
    found = load_quarantine(result.portfolio)
    first = 2 if suffix == "csv" else 1  # a header takes line 1; Parquet counts rows
    assert found[["line", "rule", "column"]].to_numpy().tolist() == [
        [1 + first, "negative", "balance"], [2 + first, "month", "month"], [3 + first, "arrears", "days_past_due"],
        [4 + first, "event", "event"], [5 + first, "balance", "balance"], [6 + first, "arrears", "days_past_due"],
        [30 + first, "duplicate", "month"], [31 + first, "unknown loan", "loan_id"],
    ]  # fmt: skip
    assert '"a"' in found.row[0]
    assert (result.rows_read, result.rows_kept) == (33, 25)
    assert len(read(result)) == 24


@pytest.mark.usefixtures("quick")
def test_what_leaves_and_comes_back_is_left_out(tmp_path: Path) -> None:
    loans("a", "b").to_parquet(tmp_path / "loans.parquet")
    ended = months("a", {"2020-01": {"event": "matured"}})
    sold = months("b", {"2021-06": {"event": "left"}})
    pd.concat([ended, sold]).to_parquet(tmp_path / "months.parquet")
    result = ingest_history(tmp_path / "ws", tmp_path / "loans.parquet", [tmp_path / "months.parquet"], name="own")
    assert read(result).groupby("loan_id").size().to_dict() == {"a": 13, "b": 29}
    table = pd.read_parquet(result.portfolio.quality / "loads.parquet").set_index("kind")
    assert table.left_book.to_dict() == {"history_loans": 0, "history_performance": 18}
    assert table.loc["history_performance", "first_month"] == datetime.date(2019, 1, 31)


@pytest.mark.usefixtures("quick")
def test_a_correction_that_a_loan_did_not_end_is_believed(tmp_path: Path) -> None:
    loans("a").to_parquet(tmp_path / "loans.parquet")
    months("a", {"2020-01": {"event": "prepaid"}}).to_parquet(tmp_path / "first.parquet")
    months("a")[12:13].to_parquet(tmp_path / "correction.parquet")
    files = [tmp_path / "first.parquet", tmp_path / "correction.parquet"]
    result = ingest_history(tmp_path / "ws", tmp_path / "loans.parquet", files, name="own")
    assert len(read(result)) == 30  # not cut at the month that was taken back
    assert set(read(result).event) == {""}
    assert result.notes == (
        "2020-01 was delivered twice: 1 rows of first.parquet are replaced by those of correction.parquet",
    )
    back = ingest_history(tmp_path / "ws", tmp_path / "loans.parquet", files[::-1], name="own")
    assert len(read(back)) == 13  # given in the other order the first file is the later one


@pytest.mark.usefixtures("quick")
def test_loans_twice_in_a_file_are_refused_once(tmp_path: Path) -> None:
    pd.concat([loans("a"), loans("a").assign(region="Toscana")]).to_parquet(tmp_path / "loans.parquet")
    months("a").to_parquet(tmp_path / "months.parquet")
    result = ingest_history(tmp_path / "ws", tmp_path / "loans.parquet", [tmp_path / "months.parquet"], name="own")
    assert pd.read_parquet(result.portfolio.loans).region.tolist() == ["Lazio"]
    assert load_quarantine(result.portfolio)[["line", "rule"]].to_numpy().tolist() == [[2, "duplicate"]]


@pytest.mark.parametrize(("table", "change", "message"), [
    ("loans", lambda frame: frame.drop(columns="loan_id"), "loans.parquet: lacks the column loan_id; a file of loans"),
    ("months", lambda frame: frame.drop(columns="balance"), "months.parquet: lacks the column balance"),
    ("months", lambda frame: frame.rename(columns={"payment": "Pay ment"}), "lower-case letters, digits and _ only"),
    ("months", lambda frame: frame.head(0), "months.parquet: the file has no rows"),
    ("months", lambda frame: frame.assign(month="soon"), "30 of 30 rows cannot be used, line 1 first: month 'soon'"),
    ("months", lambda frame: frame.assign(loan_id="z"), r"30 months belong to 1 loans that no file .*\(z, say\)"),
    ("months", lambda frame: frame.head(6), "snapshots need a quarter end with 12 months before it"),
])  # fmt: skip
def test_files_that_cannot_be_used_change_nothing(tmp_path: Path, table: str, change: Any, message: str) -> None:
    tables = {"loans": loans("a"), "months": months("a")}
    for name, frame in tables.items():
        (change(frame) if name == table else frame).to_parquet(tmp_path / f"{name}.parquet")
    with pytest.raises(HypothecError, match=message):
        ingest_history(tmp_path / "ws", tmp_path / "loans.parquet", [tmp_path / "months.parquet"], name="own")
    assert list_portfolios(tmp_path / "ws") == []
    assert [path.name for path in (tmp_path / "ws").iterdir()] == [".lock"]


def test_damaged_parquet_and_packed_parquet_are_refused(tmp_path: Path) -> None:
    loans("a").to_parquet(tmp_path / "loans.parquet")
    (tmp_path / "bad.parquet").write_bytes((tmp_path / "loans.parquet").read_bytes()[:-9])
    with pytest.raises(HypothecError, match=r"bad.parquet: cannot be read as Parquet"):
        ingest_history(tmp_path / "ws", tmp_path / "loans.parquet", [tmp_path / "bad.parquet"], name="own")
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.write(tmp_path / "loans.parquet", "loans.parquet")
    with pytest.raises(HypothecError, match=r"packed.zip/loans.parquet: unpack Parquet files"):
        ingest_history(tmp_path / "ws", tmp_path / "packed.zip", [tmp_path / "bad.parquet"], name="own")


def test_the_demo_is_not_replaced_and_models_stay(tmp_path: Path, quick: None) -> None:
    loans("a").to_parquet(tmp_path / "loans.parquet")
    months("a").to_parquet(tmp_path / "months.parquet")
    args = (tmp_path / "ws", tmp_path / "loans.parquet", [tmp_path / "months.parquet"])
    first = ingest_history(*args, name="own", report=TerminalReport())
    (first.portfolio.root / "models").mkdir()
    (first.portfolio.root / "models" / "registry.json").write_text("{}")
    (first.portfolio.root / "scores").mkdir()
    again = ingest_history(*args, name="own")
    assert (again.portfolio.root / "models" / "registry.json").exists()
    assert not (again.portfolio.root / "scores").exists()
    assert "score again" in again.notes[-1]
    manifest = again.portfolio.root / "data.json"
    manifest.write_text('{"source": "demo generator (synthetic)"}')
    with pytest.raises(HypothecError, match="it comes from: demo generator"):
        ingest_history(*args, name="own")


def test_later_names_are_later_deliveries(tmp_path: Path) -> None:
    names = ["m_2024-02_2.csv", "m_2024-02_1.csv", "m_202312.csv", "m_2024Q2.csv"]
    for name in names:
        (tmp_path / name).write_text("x\n")
    found = [item.name for item in find_files([tmp_path / name for name in names])]
    assert found == ["m_202312.csv", "m_2024-02_1.csv", "m_2024-02_2.csv", "m_2024Q2.csv"]
    (tmp_path / "correction.csv").write_text("x\n")  # without a date in its name the order given decides
    given = [tmp_path / name for name in (names[0], "correction.csv", names[1])]
    assert [item.name for item in find_files(given)] == [names[0], "correction.csv", names[1]]
    assert delivery_key("correction.csv") == ()


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    for folder in ("old", "new"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "perf.txt").write_text("x\n")
    found = find_files([tmp_path / "old", tmp_path / "new", tmp_path / "old" / "perf.txt"])
    assert [item.name for item in found] == ["old/perf.txt", "new/perf.txt"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(HypothecError, match=r"the folder holds no .txt, .csv"):
        find_files([tmp_path / "empty"])


def test_splits_leave_an_embargo_and_need_enough_quarters() -> None:
    day = datetime.date
    # 150 months to 2026-06, as the demo: the last six mature quarters, 2024-03 to 2025-06, five quarters before
    assert choose_splits(day(2014, 1, 31), day(2026, 6, 30)) == Splits(day(2022, 12, 31), day(2024, 3, 31))
    # mature quarters 2019-12 to 2021-09 are 8: one may be out-of-time, five before it is 2020-06
    assert choose_splits(day(2019, 1, 31), day(2022, 9, 30)) == Splits(day(2020, 6, 30), day(2021, 9, 30))
    # three mature quarters leave none before an embargo
    assert choose_splits(day(2019, 1, 31), day(2021, 6, 30)) == Splits(day(2020, 6, 30), None)
    assert choose_splits(day(2019, 1, 31), day(2020, 6, 30)) == Splits(None, None)
