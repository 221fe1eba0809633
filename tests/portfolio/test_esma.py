"""ESMA Annex 2: pairs of files joined, no-data codes kept as reasons, later deliveries, names and headers refused."""

import datetime
import random
from pathlib import Path

import pandas as pd
import pytest

from portfolio.errors import HypothecError
from portfolio.quality import load_quarantine
from portfolio.sources.esma import ingest_esma
from portfolio.sources.history import HistoryResult
from tests.portfolio import written_from_layouts as written

YEAR = written.MONTHS[8:24]  # sixteen months are enough for two snapshots


def months(result: HistoryResult) -> pd.DataFrame:
    files = sorted(result.portfolio.performance.glob("*/*.parquet"))
    frame = pd.concat(pd.read_parquet(path) for path in files)
    return frame.sort_values(["loan_id", "month"]).reset_index(drop=True)


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> HistoryResult:
    folder = tmp_path_factory.mktemp("pool")
    files = written.write_esma(folder / "in", months=YEAR)
    random.Random(0).shuffle(files)  # noqa: S311  # noqa: S311
    return ingest_esma(folder / "ws", files, name="pool")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what is worked out of a history: these tests are about the history itself."""
    monkeypatch.setattr("portfolio.sources.history.build_derived", lambda *_, **__: None)


def test_the_loans_exactly(pool: HistoryResult) -> None:
    loans = pd.read_parquet(pool.portfolio.loans).set_index("loan_id")
    first = loans.loc["F19Q10000001"]
    assert first.drop(["debt_to_income"]).to_dict() == {
        "borrower_id": "BF19Q10000001", "origination_date": datetime.date(2018, 12, 15),
        "maturity_date": datetime.date(2048, 12, 31), "term_months": 360, "original_balance": 200_000,
        "property_value": 250_000, "original_ltv": 0.80, "income": 60_000, "country": "Netherlands",
        "region": "NL32", "nuts": "NL329", "channel": "broker", "occupancy": "owner-occupied",
        "property_type": "house", "purpose": "purchase", "rate_type": "fixed", "amortisation": "annuity",
        "energy_label": "B", "guarantee": "NHG", "employment": "employed, private", "seller": 'Bank, "N.V."',
        "pool": "RMBMNL000001"}  # fmt: skip
    assert loans.debt_to_income.isna().all()  # ND1
    assert pd.isna(loans.loc["F19Q10000003", "income"])  # ND2


def test_the_months_exactly(pool: HistoryResult) -> None:
    frame = months(pool)
    names = ["balance", "rate", "payment", "days_past_due", "status", "event", "current_ltv"]
    second = frame[frame.loan_id == "F19Q10000002"].set_index("month")
    assert second.loc[datetime.date(2020, 3, 31) : datetime.date(2020, 6, 30), names].to_numpy().tolist() == [
        [192_500, 0.045, 1013.37, 30, "arrears", "", 0.755], [192_000, 0.045, 1013.37, 60, "arrears", "", 0.755],
        [191_500, 0.045, 1013.37, 90, "default", "", 0.755], [191_000, 0.045, 1013.37, 0, "performing", "cured", 0.755],
    ]  # fmt: skip
    assert second.months_on_book.iloc[0] == 9  # December 2018 to September 2019


def test_how_loans_end(pool: HistoryResult) -> None:
    ends = months(pool).groupby("loan_id").tail(1).set_index("loan_id")
    paid = ends.loc["F19Q10000003"]
    # the template has no amount prepaid: what was owed the month before, 200,000 − 18 × 500
    assert (paid.event, paid.balance, paid.prepaid_amount) == ("prepaid", 0, 191_000)
    lost = ends.loc["F19Q10000004"]
    assert (lost.event, lost.status, lost.loss) == ("written off", "default", 65_000)
    assert lost.recovered_share == pytest.approx(1 - 65_000 / 290_000)
    assert ends.loc["F19Q10000006"].month == datetime.date(2020, 1, 31)  # REBR in February


def test_no_data_codes_are_kept_as_reasons(pool: HistoryResult) -> None:
    lacking = pd.read_parquet(pool.portfolio.quality / "missing.parquet")
    first = lacking[lacking.month == datetime.date(2019, 9, 30)]
    assert first[["table", "field", "code", "reason", "n", "source"]].to_numpy().tolist() == [
        ["loans", "debt_to_income", "ND1", "not collected: the lending criteria did not require it", 6, "RREL40"],
        ["loans", "income", "ND2", "collected at application, not loaded into the reporting system", 1, "RREL16"],
        ["loans", "income", "ND5", "not applicable", 6, "RREL20"],
    ]


def test_the_portfolio_opens_and_its_labels_are_right(pool: HistoryResult) -> None:
    schema = pool.portfolio.schema
    assert (schema.currency, schema.kind) == ("EUR", "history")
    assert {"payment_change_12m", "debt_service", "loan_to_income", "current_ltv"} <= set(schema.names("feature"))
    assert schema.get("borrower_id").roles == schema.get("nuts").roles == ("ignore",)
    assert pool.portfolio.snapshot_keys() == ["2020-09-30", "2020-12-31"]
    frame = pd.read_parquet(pool.portfolio.snapshot_file("2020-09-30")).set_index("loan_id")
    assert set(frame.index) == {"F19Q10000001", "F19Q10000002", "F19Q10000005"}
    row = frame.loc["F19Q10000002"]
    assert (row.worst_arrears_12m, row.months_in_arrears_12m) == (90, 3)
    assert row.debt_service == pytest.approx(12 * 1013.37 / 60_000)
    assert row.loan_to_income == pytest.approx(189_500 / 60_000)


@pytest.mark.usefixtures("quick")
def test_a_pair_delivered_again_replaces_the_former(tmp_path: Path) -> None:
    book = (written.Loan("A1"),)
    files = written.write_esma(tmp_path / "in", book, YEAR)
    corrected = (written.Loan("A1", months={"2020-05": {"balance": 1, "status": 1}}),)
    files += written.write_esma(tmp_path / "in", corrected, ["2020-05"], number=2)
    result = ingest_esma(tmp_path / "ws", files[::-1], name="pool")
    frame = months(result).set_index("month")
    assert list(frame.loc[datetime.date(2020, 5, 31), ["balance", "days_past_due"]]) == [1, 30]
    assert len(frame) == len(YEAR)
    assert result.notes[0] == (
        "2020-05 was delivered twice: 1 rows of 1_RMB_UE_RMBMNL000001_2020-05-31_1.csv are replaced by those of "
        "1_RMB_UE_RMBMNL000001_2020-05-31_2.csv"
    )


@pytest.mark.usefixtures("quick")
def test_collateral_is_found_by_the_new_number_and_the_first_lien_counts(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for month in YEAR:
        exposure, collateral = written.esma_rows(written.Loan("OLD"), month) or ({}, {})
        date = exposure["RREL6"]
        exposure |= {"RREL3": "NEW"}
        second = collateral | {"RREC2": "NEW", "RREC8": 2, "RREC10": "EPCG", "RREC17": 999_999}
        written.write_csv(folder / f"1_RMB_UE_P_{date}_1.csv", [exposure])
        written.write_csv(folder / f"1_RMB_Collateral_P_{date}_1.csv", [second, collateral | {"RREC2": "NEW"}])
    result = ingest_esma(tmp_path / "ws", [folder], name="pool")
    loan = pd.read_parquet(result.portfolio.loans).iloc[0]
    assert (loan.loan_id, loan.energy_label, loan.property_value) == ("OLD", "B", 250_000)


@pytest.mark.usefixtures("quick")
def test_loans_reported_after_their_end_end_once_and_lone_files_are_told(tmp_path: Path) -> None:
    book = (written.Loan("A1"), written.Loan("A2", months={
        month: {"balance": 0, "zero": "01"} for month in YEAR[5:]}))  # fmt: skip
    files = [path for path in written.write_esma(tmp_path / "in", book, YEAR) if "Collateral" not in path.name]
    result = ingest_esma(tmp_path / "ws", files, name="pool")
    frame = months(result)
    assert frame.groupby("loan_id").size().to_dict() == {"A1": 16, "A2": 6}
    assert (frame.event == "prepaid").sum() == 1
    assert sum("has no Collateral file beside it" in note for note in result.notes) == 16
    assert "current_ltv" not in [item.name for item in result.portfolio.schema.fields]


@pytest.mark.usefixtures("quick")
def test_bad_rows_are_named_by_the_line_they_start_on(tmp_path: Path) -> None:
    files = written.write_esma(tmp_path / "in", months=YEAR)
    exposures = files[4]
    lines = exposures.read_text().splitlines()
    quoted = lines[1].replace('"Bank, ""N.V."""', '"Bank\nof two lines"')
    assert quoted != lines[1]
    broken = lines[3].replace(",PERF,", ",,").replace("2019-11-30", "2019-11-31", 1)
    exposures.write_text("\n".join([lines[0], quoted, lines[2], broken, lines[4] + ",x", *lines[5:]]) + "\n")
    result = ingest_esma(tmp_path / "ws", files, name="pool")
    found = load_quarantine(result.portfolio).sort_values(["line", "rule"])
    assert set(found.file) == {exposures.name}
    # the first row takes lines 2 and 3, so the third row stands on line 5
    named = found[["line", "rule", "column", "value"]].astype(object)
    assert named.where(named.notna(), None).to_numpy().tolist() == [
        [5, "date", "RREL6", "2019-11-31"], [5, "status", "RREL69", None], [6, "width", None, None]]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "message"), [
    ("exposures.csv", "RREL2\n1\n", "exposures.csv: the name does not say what the file is"),
    ("1_RMB_UE_P_2020-01-31_1.csv", "RREL2,RREL6\n1,2\n", "line 1 lacks RREL30, RREL68, RREL69"),
    ("1_RMB_UE_P_2020-01-31_1.csv", "", "the file is empty"),
    ("1_RMB_UE_P_2020-01-31_1.csv", "RREL2,RREL6,RREL30,RREL68,RREL69\n", "the file has no rows"),
    ("1_RMB_UE_P_2020-01-31_1.csv", 'RREL2,RREL6,RREL30,RREL68,RREL69\n"1,2,3\n', "line 2: a quote is opened"),
    ("1_RMB_UE_P_2020-01-31_1.csv", "RREL2,RREL2,RREL6,RREL30,RREL68,RREL69\n1\n", "has RREL2 more than once"),
    ("1_RMB_Collateral_P_2020-01-31_1.csv", "RREC2\n1\n", "there is no UE file beside"),
])  # fmt: skip
def test_files_that_cannot_be_used_are_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(HypothecError, match=message):
        ingest_esma(tmp_path / "ws", [tmp_path / name], name="pool")
    assert not (tmp_path / "ws" / "pool").exists()


@pytest.mark.usefixtures("quick")
def test_latin_1_is_read_when_it_is_named(tmp_path: Path) -> None:
    rows = [written.esma_rows(written.Loan("A1"), month) for month in YEAR]
    files = [
        written.write_csv(tmp_path / f"1_RMB_UE_P_{row[0]['RREL6']}_1.csv", [row[0] | {"RREL82": "Crédit"}], "latin-1")
        for row in rows if row
    ]  # fmt: skip
    with pytest.raises(HypothecError, match=r"_2019-09-30_1.csv: the file is not utf-8.*--encoding cp1252"):
        ingest_esma(tmp_path / "ws", files, name="pool")
    result = ingest_esma(tmp_path / "ws", files, name="pool", encoding="latin-1")
    assert pd.read_parquet(result.portfolio.loans).seller.tolist() == ["Crédit"]
