"""Freddie Mac's files: exact rows of a made-up book, awkward deliveries, refusals by file and line."""

import datetime
import hashlib
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from portfolio.errors import HypothecError
from portfolio.quality import load_load, load_quarantine
from portfolio.sources.freddie import ingest_freddie
from portfolio.sources.history import HistoryResult
from portfolio.workspace import Portfolio, hash_data, open_portfolio
from tests.portfolio import written_from_layouts as written

MONTHLY = ["loan_id", "month", "months_on_book", "balance", "rate", "days_past_due", "status", "event"]


def months(portfolio: Portfolio) -> pd.DataFrame:
    frame = pd.concat(pd.read_parquet(path) for path in sorted(portfolio.performance.glob("*/*.parquet")))
    return frame.sort_values(["loan_id", "month"]).reset_index(drop=True)


def loads(portfolio: Portfolio) -> pd.DataFrame:
    return pd.read_parquet(portfolio.quality / "loads.parquet").set_index("file")


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> HistoryResult:
    folder = tmp_path_factory.mktemp("former")
    return ingest_freddie(folder / "ws", written.write_freddie(folder / "in"), name="book")


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> HistoryResult:
    """The layout of July 2026; performance zipped, in two members, given before the loans; origination gzipped."""
    folder = tmp_path_factory.mktemp("newer")
    (folder / "in").mkdir()
    with zipfile.ZipFile(folder / "in" / "perf.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for place, books in enumerate((written.BOOK[3:], written.BOOK[:3])):
            lines = [line for loan in books for line in written.freddie_months(loan, 35)]
            archive.writestr(f"part{'ba'[place]}.txt", "\ufeff" * place + "\n".join(lines) + "\n")
    loans = [written.freddie_origination(loan, 31) for loan in written.BOOK]
    written.write_lines(folder / "in" / "orig.txt.gz", loans)
    return ingest_freddie(folder / "ws", [str(folder / "in" / "*.zip"), folder / "in"], name="book")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what is worked out of a history: these tests are about the history itself."""
    monkeypatch.setattr("portfolio.sources.history.build_derived", lambda *_, **__: None)


def test_the_loans_exactly(former: HistoryResult) -> None:
    loans = pd.read_parquet(former.portfolio.loans).set_index("loan_id")
    assert list(loans.index) == [loan.number for loan in written.BOOK]
    first = loans.loc["F19Q10000001"]
    assert first.origination_date == datetime.date(2018, 12, 1)  # the month before the first payment, 201901
    assert first.maturity_date == datetime.date(2048, 12, 31)
    assert (first.original_balance, first.original_ltv, first.debt_to_income) == (200_000, 0.80, 0.35)
    assert (first.credit_score, first.original_rate, first.term_months) == (720, 0.045, 360)
    assert (first.country, first.region, first.channel) == ("United States", "CA", "retail")
    assert (first.occupancy, first.property_type, first.purpose) == ("owner-occupied", "single-family", "purchase")
    assert (first.first_time_buyer, first.rate_type, first.interest_only) == ("no", "fixed", "no")
    third = loans.loc["F19Q10000003"]
    assert pd.isna(third.credit_score)  # 9999
    assert pd.isna(third.debt_to_income)  # 999
    assert third.original_ltv == 0.95


def test_the_months_exactly(former: HistoryResult) -> None:
    frame = months(former.portfolio)
    assert len(frame) == 30 + 30 + 19 + 22 + 30 + 13
    assert frame.groupby("loan_id").size().to_dict() == {
        "F19Q10000001": 30, "F19Q10000002": 30, "F19Q10000003": 19, "F19Q10000004": 22, "F19Q10000005": 30,
        "F19Q10000006": 13,  # 14 were delivered, the last says that the loan was removed
    }  # fmt: skip
    assert list(frame[MONTHLY].iloc[0]) == ["F19Q10000001", datetime.date(2019, 1, 31), 1, 199_500, 0.045, 0,
                                            "performing", ""]  # fmt: skip
    second = frame[frame.loan_id == "F19Q10000002"].set_index("month")
    told = second.loc[datetime.date(2020, 2, 29) : datetime.date(2020, 7, 31), ["days_past_due", "status", "event"]]
    assert told.to_numpy().tolist() == [
        [0, "performing", ""], [30, "arrears", ""], [60, "arrears", ""], [90, "default", ""],
        [0, "performing", "cured"], [0, "performing", ""]]  # fmt: skip


def test_how_loans_end(former: HistoryResult) -> None:
    ends = months(former.portfolio).groupby("loan_id").tail(1).set_index("loan_id")
    paid = ends.loc["F19Q10000003"]
    assert (paid.event, paid.balance, paid.prepaid_amount, paid.status) == ("prepaid", 0, 190_500, "performing")
    lost = ends.loc["F19Q10000004"]
    assert (lost.event, lost.status) == ("written off", "default")
    assert lost.loss == 65_000  # 290,000 owed − 240,000 sold + 5,000 interest + 10,000 costs
    assert lost.recovered_share == pytest.approx(1 - 65_000 / 290_000)
    assert ends.loc["F19Q10000006"].month == datetime.date(2020, 1, 31)
    assert "1 months are left out" in former.notes[0]


def test_a_foreclosed_property_and_an_unknown_status(former: HistoryResult) -> None:
    frame = months(former.portfolio).set_index(["loan_id", "month"])
    foreclosed = frame.loc[("F19Q10000004", datetime.date(2020, 9, 30))]  # RA
    assert foreclosed.status == "default"
    assert pd.isna(foreclosed.days_past_due)
    unknown = frame.loc[("F19Q10000005", datetime.date(2019, 11, 30))]  # XX
    assert pd.isna(unknown.status)
    assert pd.isna(unknown.days_past_due)


def test_why_values_are_missing(former: HistoryResult) -> None:
    lacking = pd.read_parquet(former.portfolio.quality / "missing.parquet")
    assert list(lacking.columns) == ["month", "table", "field", "code", "reason", "n", "source"]
    counts = lacking.groupby(["table", "field", "code"]).n.sum().to_dict()
    assert counts == {
        ("loans", "credit_score", "9999"): 1,
        ("loans", "debt_to_income", "999"): 1,
        ("loans", "mi_share", "999"): 6,
        ("performance", "current_ltv", "999"): 145,
        ("performance", "days_past_due", "RA"): 2,
        ("performance", "days_past_due", "XX"): 1,
    }
    unknown = lacking[lacking.code == "XX"].iloc[0]
    assert (unknown.month, unknown.reason) == (datetime.date(2019, 11, 30), "unknown to the servicer")


def test_both_layouts_give_the_same_tables(former: HistoryResult, newer: HistoryResult) -> None:
    pd.testing.assert_frame_equal(months(former.portfolio), months(newer.portfolio))
    old, new = (pd.read_parquet(item.portfolio.loans) for item in (former, newer))
    assert set(new.pop("vantage_score")) == {700}
    assert old.pop("vantage_score").isna().all()
    pd.testing.assert_frame_equal(old, new)


def test_the_loads_say_what_came(newer: HistoryResult) -> None:
    table = loads(newer.portfolio)
    assert table.kind.to_dict() == {
        "orig.txt.gz": "freddie_origination_31", "perf.zip/parta.txt": "freddie_performance_35",
        "perf.zip/partb.txt": "freddie_performance_35"}  # fmt: skip
    assert table.rows_read.to_dict() == {"orig.txt.gz": 6, "perf.zip/parta.txt": 79, "perf.zip/partb.txt": 66}
    assert (table.rows_read == table.rows_kept + table.quarantined + table.replaced + table.left_book).all()
    assert newer.rows_read == 151
    assert load_load(newer.portfolio).rows_kept == 151


def test_the_portfolio_opens_and_its_labels_are_right(former: HistoryResult) -> None:
    book = open_portfolio(former.portfolio.root.parent, "book")
    assert book.schema.currency == "USD"
    assert "current_ltv" not in [item.name for item in book.schema.fields]  # never known in these files
    assert book.schema.names("segment") == ["country", "region", "channel", "occupancy", "rate_type"]
    assert book.data_hash == hash_data(book.root)
    keys = book.snapshot_keys()
    assert (keys[0], keys[-1], len(keys)) == ("2019-12-31", "2021-06-30", 7)
    first = pd.read_parquet(book.snapshot_file("2019-12-31")).set_index("loan_id")
    # in the twelve months of 2020 loan 2 was 90 days late in May and loan 4 120 in August
    assert first.default_12m.to_dict() == {"F19Q10000001": 0, "F19Q10000002": 1, "F19Q10000003": 0,
                                           "F19Q10000004": 1, "F19Q10000005": 0, "F19Q10000006": 0}  # fmt: skip
    assert first.remaining_months.unique().tolist() == [348]  # from December 2019 to December 2048
    later = pd.read_parquet(book.snapshot_file("2020-03-31")).set_index("loan_id")
    assert later.loc["F19Q10000002", "days_past_due"] == 30
    assert "F19Q10000006" not in later.index
    assert pd.read_parquet(book.snapshot_file("2021-06-30")).default_12m.isna().all()  # not yet known


@pytest.mark.usefixtures("quick")
def test_a_month_delivered_twice_the_later_wins(tmp_path: Path) -> None:
    loan = written.Loan("F19Q10000001")
    lines = written.freddie_months(loan)
    again = [line.replace("|185000.00|0|", "|184000.00|1|") for line in lines[29:30]]
    assert again != lines[29:30]
    given = [
        written.write_lines(tmp_path / "perf_2021-06_2.txt", again),
        written.write_lines(tmp_path / "perf_2021-06_1.txt", lines[12:]),
        written.write_lines(tmp_path / "orig_2019.txt", [written.freddie_origination(loan)]),
        written.write_lines(tmp_path / "perf_2019-12.txt", lines[:12]),
    ]
    result = ingest_freddie(tmp_path / "ws", given, name="book")
    frame = months(result.portfolio)
    assert len(frame) == 30
    assert list(frame[["balance", "days_past_due"]].iloc[-1]) == [184_000, 30]
    assert result.notes == (
        "2021-06 was delivered twice: 1 rows of perf_2021-06_1.txt are replaced by those of perf_2021-06_2.txt",
    )
    assert loads(result.portfolio).replaced.to_dict() == {
        "orig_2019.txt": 0, "perf_2019-12.txt": 0, "perf_2021-06_1.txt": 1, "perf_2021-06_2.txt": 0}  # fmt: skip


@pytest.mark.usefixtures("quick")
def test_bad_rows_are_quarantined_by_file_and_line(tmp_path: Path) -> None:
    loan = written.Loan("F19Q10000001")
    lines = written.freddie_months(loan)
    bad = {
        2: "F19Q10000001|2019",  # cut short
        4: lines[0] + "|extra",
        6: lines[0].replace("|201901|", "|201913|"),
        8: lines[0].replace("|199500.00|", "|-5|"),
        10: lines[0].replace("|199500.00|", "|many|"),
        12: lines[0].replace("|199500.00|0|", "|199500.00|late|"),
        14: lines[2],  # again
        16: lines[5].replace("F19Q10000001", "F19Q19999999"),
    }
    body = list(lines)
    for line, text in bad.items():
        body.insert(line - 1, text)
    body.insert(0, "")  # a blank line counts as a line, not as a row
    written.write_lines(tmp_path / "perf.txt", body)
    written.write_lines(tmp_path / "orig.txt", [written.freddie_origination(loan)])
    result = ingest_freddie(tmp_path / "ws", [tmp_path / "perf.txt", tmp_path / "orig.txt"], name="book")
    found = load_quarantine(result.portfolio).sort_values("line")
    named = found[["file", "line", "rule", "column", "value"]].astype(object)
    assert named.where(named.notna(), None).to_numpy().tolist() == [
        ["perf.txt", 3, "width", None, None],
        ["perf.txt", 5, "width", None, None],
        ["perf.txt", 7, "yyyymm", "monthly_reporting_period", "201913"],
        ["perf.txt", 9, "negative", "current_actual_upb", "-5"],
        ["perf.txt", 11, "number", "current_actual_upb", "many"],
        ["perf.txt", 13, "arrears", "current_loan_delinquency_status", "late"],
        ["perf.txt", 15, "duplicate", "month", "F19Q10000001"],
        ["perf.txt", 17, "unknown loan", "loan_id", "F19Q19999999"],
    ]
    assert found.reason.iloc[0] == "2 fields, not 32"
    assert json.loads(found.row.iloc[0]) == ["F19Q10000001", "2019"]
    assert (result.rows_read, result.rows_kept) == (39, 31)
    assert len(months(result.portfolio)) == 30


def listing(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock"}  # fmt: skip


def bad_file(kind: str, folder: Path) -> Path:
    lines = written.freddie_months(written.BOOK[0])
    whole = "\n".join(lines).encode()
    path = folder / {"gz": "bad.txt.gz", "zip": "bad.zip"}.get(kind, "bad.txt")
    if kind in ("gz", "zip"):
        written.write_lines(path, lines)
        path.write_bytes(path.read_bytes()[:-60])
    else:
        path.write_bytes({
            "empty": b"", "blank": b"\n \n", "latin-1": whole + b"\nF19Q1\xe9",
            "comma": whole.replace(b"|", b","), "width": b"\n".join(line + b"|x|y" for line in whole.split(b"\n")),
            "other": b"\n".join([b"|".join([b"x"] * 32)] * 3), "garbage": whole.replace(b"|2", b"|x2"),
        }[kind])  # fmt: skip
    return path


@pytest.mark.parametrize(("kind", "message"), [
    ("empty", "bad.txt: the file is empty"),
    ("blank", "bad.txt: the file is empty"),
    ("latin-1", r"bad.txt: the file is not utf-8: byte 0xe9 .*line 31.* --encoding cp1252"),
    ("comma", r"bad.txt: line 1 has 1 fields when cut at \|; Freddie Mac delivers"),
    ("width", r"bad.txt: line 1 has 34 fields"),
    ("other", "bad.txt: no loan sequence number"),
    ("garbage", "30 of 30 rows cannot be used, line 1 first: monthly_reporting_period 'x201901': not a month"),
    ("gz", "bad.txt.gz: the gzip file is truncated"),
    ("zip", "bad.zip: the zip file is truncated or damaged"),
])  # fmt: skip
def test_a_bad_file_ends_in_one_line_and_changes_nothing(
    former: HistoryResult, tmp_path: Path, kind: str, message: str
) -> None:
    workspace = former.portfolio.root.parent
    before = listing(workspace)
    good = written.write_freddie(tmp_path / "in")
    with pytest.raises(HypothecError, match=message):
        ingest_freddie(workspace, [*good, bad_file(kind, tmp_path)], name="book")
    assert listing(workspace) == before
    assert not list(workspace.glob(".building-*"))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("take", "message"), [
    (0, "the files hold no months"),
    (1, "the files hold no loans"),
])  # fmt: skip
def test_half_a_delivery_is_refused(tmp_path: Path, take: int, message: str) -> None:
    files = written.write_freddie(tmp_path / "in")
    with pytest.raises(HypothecError, match=message):
        ingest_freddie(tmp_path / "ws", [files[take]], name="book")
    with pytest.raises(HypothecError, match="there is no such file"):
        ingest_freddie(tmp_path / "ws", [tmp_path / "nowhere*.txt"], name="book")
    assert not (tmp_path / "ws" / "book").exists()


def test_loans_that_no_file_holds_are_asked_for(tmp_path: Path) -> None:
    written.write_freddie(tmp_path / "in")
    written.write_lines(tmp_path / "in" / "orig.txt", [written.freddie_origination(written.BOOK[5])])
    with pytest.raises(HypothecError, match="months belong to 5 loans that no file of loans holds"):
        ingest_freddie(tmp_path / "ws", [tmp_path / "in"], name="book")


def test_another_portfolio_is_not_replaced(former: HistoryResult, tmp_path: Path) -> None:
    from portfolio.sources.fannie import ingest_fannie

    file = written.write_lines(tmp_path / "f.txt", written.fannie_months(written.BOOK[0]))
    with pytest.raises(HypothecError, match="is not one of `ingest fannie`"):
        ingest_fannie(former.portfolio.root.parent, [file], name="book")
