"""The demo's history: same seed same bytes, chunks in bounded memory, and accounts that close."""

import hashlib
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from portfolio.demo.book import annuity, draw_book
from portfolio.demo.generate import generate_history
from portfolio.demo.macro import MONTHS, make_macro, month_end, month_number
from portfolio.errors import HypothecError

LOANS = 3_000


def digest(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def generate(folder: Path, **changes: int) -> Path:
    folder.mkdir()
    generate_history(folder, **{"loans": LOANS, "months": 60, "seed": 11, "chunk": 1_000, **changes})
    return folder


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(tmp_path_factory.mktemp("demo") / "a")


@pytest.fixture(scope="module")
def rows(history: Path) -> pd.DataFrame:
    sql = f"from read_parquet('{history}/performance/*/*.parquet', hive_partitioning=false) order by loan_id, month"
    return duckdb.connect().sql(sql).df()


def test_the_same_seed_gives_the_same_bytes(history: Path, tmp_path: Path) -> None:
    assert digest(generate(tmp_path / "b")) == digest(history)


def test_another_seed_gives_other_loans(history: Path, tmp_path: Path) -> None:
    other = digest(generate(tmp_path / "c", seed=12))
    assert all(other[name] != value for name, value in digest(history).items())


def test_a_chunk_depends_on_seed_and_chunk_size_only(history: Path, tmp_path: Path) -> None:
    # the first two chunks of a book of 3,000 loans are those of a book of 2,000
    smaller = generate(tmp_path / "d", loans=2_000)
    first = {name: value for name, value in digest(smaller).items() if "part-" in name}
    assert len(first) == 2 * 6  # two chunks, July 2021 to June 2026: six calendar years
    assert first.items() <= digest(history).items()


def test_no_file_holds_more_than_a_year_of_a_chunk(history: Path) -> None:
    files = sorted((history / "performance").rglob("*.parquet"))
    assert max(pq.read_metadata(path).num_rows for path in files) <= 12 * 1_000


def test_a_last_chunk_may_be_smaller(tmp_path: Path) -> None:
    folder = generate(tmp_path / "e", loans=1_250, chunk=500)
    loans = pd.read_parquet(folder / "loans.parquet")
    assert len(loans) == 1_250
    assert loans.loan_id.is_unique
    assert loans.loan_id.iloc[-1] == "L00001250"


@pytest.mark.parametrize("wrong", [{"loans": 0}, {"months": 12}, {"months": 1_000}, {"chunk": 0}])
def test_a_book_that_cannot_be_is_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(HypothecError, match="the demo needs at least 1 loan"):
        generate_history(tmp_path, **{"loans": 10, "months": 60, "seed": 1, **wrong})


def test_the_months_are_the_window(rows: pd.DataFrame) -> None:
    months = sorted(rows.month.unique())
    assert len(months) == 60
    assert str(months[0])[:10] == "2021-07-31"
    assert str(months[-1])[:10] == "2026-06-30"


def test_every_loan_has_rows_and_they_have_no_gap(rows: pd.DataFrame) -> None:
    assert rows.loan_id.nunique() == LOANS
    month = rows.month.dt.year * 12 + rows.month.dt.month
    step = month.diff()[rows.loan_id == rows.loan_id.shift()]
    assert (step == 1).all()
    assert (rows.months_on_book.diff()[rows.loan_id == rows.loan_id.shift()] == 1).all()


def test_a_loan_ends_at_most_once_and_then_has_no_rows(rows: pd.DataFrame) -> None:
    ended = rows.event.isin(["prepaid", "matured", "written off"])
    assert rows[ended].groupby("loan_id").size().max() == 1
    last = rows.groupby("loan_id").month.transform("max")
    assert (rows.month[ended] == last[ended]).all()
    gone = set(rows.loan_id[ended])
    still = set(rows.loan_id[rows.month == rows.month.max()])
    assert gone | still == set(rows.loan_id)  # whoever has not ended is there at the end


def test_balances_are_never_negative_and_nothing_is_owed_after_the_end(rows: pd.DataFrame) -> None:
    ended = rows.event.isin(["prepaid", "matured", "written off"])
    assert (rows.balance >= 0).all()
    assert (rows.balance[ended] == 0).all()
    assert (rows.balance[~ended] > 0).all()


def test_days_past_due_move_by_thirty_or_back_to_none(rows: pd.DataFrame) -> None:
    same = rows.loan_id == rows.loan_id.shift()
    step = rows.days_past_due.diff()[same]
    assert set(step.unique()) - {0, 30} <= {-value for value in rows.days_past_due.unique()}
    assert (rows.days_past_due[same][step < 0] == 0).all()


def test_status_says_what_the_days_say(rows: pd.DataFrame) -> None:
    expected = np.select([rows.days_past_due >= 90, rows.days_past_due > 0], ["default", "arrears"], "performing")
    assert (rows.status == expected).all()


def test_cures_and_write_offs_come_from_default_only(rows: pd.DataFrame) -> None:
    before = rows.status.shift().where(rows.loan_id == rows.loan_id.shift())
    known = before.notna()
    assert (before[known & rows.event.isin(["cured", "written off"])] == "default").all()
    left = known & (before == "default") & (rows.status != "default")
    assert rows.event[left].isin(["cured", "matured"]).all()
    assert (before[known & (rows.event == "prepaid")] == "performing").all()


def test_a_write_off_says_what_was_recovered_and_lost(rows: pd.DataFrame) -> None:
    written = rows.event == "written off"
    assert written.sum() > 5
    owed = rows.balance.shift()[written]
    found = rows[written]
    assert found.recovered_share.between(0, 1).all()
    np.testing.assert_allclose(found.loss, owed * (1 - found.recovered_share), rtol=1e-3)
    assert rows.recovered_share[~written].isna().all()
    assert (rows.loss[~written] == 0).all()


def test_balances_follow_the_payments(rows: pd.DataFrame) -> None:
    # a paying loan: balance now = balance before − (payment − balance before × rate / 12) − curtailment
    same = (rows.loan_id == rows.loan_id.shift()) & (rows.event == "") & (rows.days_past_due == 0)
    same &= rows.days_past_due.shift() == 0
    before = rows.balance.shift()
    expected = before - (rows.payment - before * rows.rate / 12) - rows.curtailment
    # a curtailed loan's payment is renewed after the month, so the row's payment is still the one it made
    np.testing.assert_allclose(rows.balance[same], expected[same], rtol=1e-4, atol=1.0)


def test_full_prepayment_is_what_was_owed(rows: pd.DataFrame) -> None:
    prepaid = (rows.event == "prepaid") & (rows.loan_id == rows.loan_id.shift())
    before = rows.balance.shift()
    expected = before - (rows.payment - before * rows.rate / 12)
    np.testing.assert_allclose(rows.prepaid_amount[prepaid], expected[prepaid], rtol=1e-4, atol=1.0)
    other = rows.event != "prepaid"
    assert (rows.prepaid_amount[other] == rows.curtailment[other]).all()


def test_second_loans_belong_to_one_borrower(history: Path) -> None:
    loans = pd.read_parquet(history / "loans.parquet")
    twice = loans[loans.borrower_id.duplicated(keep=False)].groupby("borrower_id")
    assert len(twice) > 20
    for column in ("country", "region", "gender", "nationality_group"):
        assert twice[column].nunique().max() == 1
    chunk = loans.loan_id.str[1:].astype(int).sub(1) // 1_000
    assert chunk.groupby(loans.borrower_id).nunique().max() == 1  # borrowers are local to a chunk


def test_loans_are_consistent(history: Path) -> None:
    loans = pd.read_parquet(history / "loans.parquet")
    np.testing.assert_allclose(loans.original_ltv, loans.original_balance / loans.property_value, atol=5e-5)
    start, end = pd.to_datetime(loans.origination_date), pd.to_datetime(loans.maturity_date)
    months = (end.dt.year - start.dt.year) * 12 + end.dt.month - start.dt.month
    assert (months == loans.term_months).all()
    assert (end == end + pd.offsets.MonthEnd(0)).all()
    assert (loans.fixed_period_months[loans.rate_type == "variable"] == 0).all()
    assert (loans.fixed_period_months[loans.rate_type == "fixed"] >= 60).all()


def test_annuity_repays_to_zero() -> None:
    payment = float(annuity(np.array([100_000.0]), np.array([0.04]), np.array([120]))[0])
    balance = 100_000.0
    for _ in range(120):
        balance += balance * 0.04 / 12 - payment
    assert balance == pytest.approx(0, abs=1e-6)


def test_annuity_without_interest_is_an_equal_share() -> None:
    assert annuity(np.array([1_200.0]), np.array([0.0]), np.array([12]))[0] == pytest.approx(100, rel=1e-4)


def test_the_economy_resembles_what_happened() -> None:
    macro = make_macro(1)
    rate, short = macro.market_rate, macro.reference_rate
    trough, peak = month_number(2021, 9), month_number(2023, 10)
    assert ((rate[peak] - rate[trough] > 0.02) & (rate[peak] - rate[trough] < 0.035)).all()  # "about three points"
    assert (rate[-1] < rate[peak]).all()  # "easing slightly later"
    assert short[peak] - short[trough] > 0.035
    country = np.array([0] * 12 + [1] * 11 + [2] * 20)  # provinces and regions: 12, 10 + Brussels, 20
    for number, first, last in ((0, 0.074, 0.038), (1, 0.085, 0.058), (2, 0.126, 0.063)):
        path = macro.unemployment[:, country == number].mean(axis=1)
        assert path[month_number(2014, 3)] == pytest.approx(first, rel=0.15)
        assert path[-1] == pytest.approx(last, rel=0.15)
        assert path[month_number(2020, 8)] > path[month_number(2020, 1)]  # the shock of 2020


def test_month_ends_count_from_january_2000() -> None:
    assert month_end(1).isoformat() == "2000-02-29"  # a leap year
    assert month_end(month_number(2026, 6)).isoformat() == "2026-06-30"
    assert month_number(2026, 6) == MONTHS - 1


def test_draws_are_reproducible() -> None:
    macro = make_macro(1)
    books = [draw_book(np.random.default_rng(3), macro, first_number=0, loans=200, months=60) for _ in range(2)]
    np.testing.assert_array_equal(books[0].original_balance, books[1].original_balance)
    np.testing.assert_array_equal(books[0].borrowers.frailty, books[1].borrowers.frailty)
