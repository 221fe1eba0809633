"""The demo against DATA section 3 of the design notes: S&P's European RMBS index, 2022 Q1 to 2023 Q1, and origination.

"Arrears" is the share of loans on book, by number, that are 30 days past due or more, averaged over
the months; "prepayment" is 12 × the monthly share of loans repaid in full, by calendar year.
"""

import datetime
from pathlib import Path

import duckdb
import ibis
import numpy as np
import pandas as pd
import pytest

from portfolio.demo.generate import generate_history
from portfolio.demo.schema import make_schema
from portfolio.snapshots import History, snapshot

SEED = 20260630
ARREARS = {"Netherlands": (0.003, 0.004), "Belgium": (0.004, 0.005), "Italy": (0.015, 0.017)}  # S&P, 230515
PREPAYMENT = {"Netherlands": (0.07, 0.13), "Belgium": (0.045, 0.09), "Italy": (0.034, 0.05)}  # the same


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    generate_history(folder, loans=50_000, months=150, seed=SEED)
    return folder


@pytest.fixture(scope="module")
def loans(book: Path) -> pd.DataFrame:
    return pd.read_parquet(book / "loans.parquet")


def ask(folder: Path, sql: str) -> pd.DataFrame:
    """Run `sql` over `m`: the performance rows joined with their loans."""
    connection = duckdb.connect()
    files = f"'{folder}/performance/*/*.parquet', hive_partitioning=false"
    connection.execute(f"create view p as from read_parquet({files})")
    connection.execute(f"create view l as from '{folder}/loans.parquet'")
    connection.execute(
        "create view m as select p.*, l.country, l.region, l.rate_type, l.channel, l.origination_date "
        "from p join l using (loan_id)"
    )
    return connection.sql(sql).df()


INDEX_MONTHS = "month between date '2022-01-31' and date '2023-03-31'"


def test_arrears_of_the_default_seed_lie_in_the_index_ranges(book: Path) -> None:
    found = ask(book, f"select country, avg((days_past_due >= 30)::int) a from m where {INDEX_MONTHS} group by all")
    for country, share in found.itertuples(index=False):
        low, high = ARREARS[country]
        assert low <= share <= high, (country, share)


def test_arrears_of_another_seed_lie_in_the_index_ranges_within_monte_carlo_error(tmp_path: Path) -> None:
    # A loan's months are dependent, loans are not (nearly): the standard error of the ratio r = Σa/Σn over
    # loans is sqrt(Σ(a − r·n)²) / Σn, a = months in arrears and n = months on book of a loan. Three of them.
    generate_history(tmp_path, loans=20_000, months=150, seed=7)
    sql = "select country, loan_id, sum((days_past_due >= 30)::int) a, count(*) n from m where " + INDEX_MONTHS
    by_loan = ask(tmp_path, sql + " group by all")
    for country, rows in by_loan.groupby("country"):
        share = rows.a.sum() / rows.n.sum()
        error = np.sqrt(((rows.a - share * rows.n) ** 2).sum()) / rows.n.sum()
        low, high = ARREARS[str(country)]
        assert low - 3 * error <= share <= high + 3 * error, (country, share, error)
        assert error < 0.2 * high  # or the test would accept anything


def test_prepayment_lies_in_the_index_ranges_in_every_year(book: Path) -> None:
    sql = "select country, year(month) y, 12 * avg((event = 'prepaid')::int) p from m where y between 2015 and 2024"
    for country, year, rate in ask(book, sql + " group by all").itertuples(index=False):
        low, high = PREPAYMENT[country]
        assert low <= rate <= high, (country, year, rate)


def test_prepayment_fell_as_rates_rose(book: Path) -> None:
    sql = "select country, 12 * avg((event = 'prepaid')::int) filter (year(month) = 2021) before, "
    found = ask(book, sql + "12 * avg((event = 'prepaid')::int) filter (year(month) = 2023) after from m group by all")
    rates = found.set_index("country")
    # The index fell from 12.8 to 7.4 (Netherlands) and from 8.9 to 4.5 (France and Belgium): by over 40 %.
    for country in ("Netherlands", "Belgium"):
        assert rates.after[country] < 0.8 * rates.before[country]


def test_yearly_default_flow_is_what_the_arrears_stock_needs(book: Path) -> None:
    # stock of defaults = flow × months in default / 12; the index leaves about half of arrears to defaults
    sql = "select country, 12 * avg((days_past_due = 90)::int) d from m where month >= date '2018-01-31' group by all"
    flow = ask(book, sql).set_index("country").d
    assert 0.0018 < flow["Netherlands"] < 0.0035
    assert 0.0022 < flow["Belgium"] < 0.0045
    assert 0.010 < flow["Italy"] < 0.018


def test_a_default_lasts_seven_to_eight_months_on_average(book: Path) -> None:
    sql = "select count(*) filter (days_past_due >= 90) / count(*) filter (days_past_due = 90) from m"
    assert 6 <= ask(book, sql).iloc[0, 0] <= 9


def test_the_share_of_countries(loans: pd.DataFrame) -> None:
    share = loans.country.value_counts(normalize=True)
    assert share["Netherlands"] == pytest.approx(0.40, abs=0.02)
    assert share["Belgium"] == pytest.approx(0.25, abs=0.02)
    assert share["Italy"] == pytest.approx(0.35, abs=0.02)


def test_dutch_loans_at_origination(loans: pd.DataFrame) -> None:
    dutch = loans[loans.country == "Netherlands"]
    assert dutch.original_ltv.mean() == pytest.approx(0.81, abs=0.02)
    assert 1.03 < dutch.original_ltv.max() <= 1.06
    assert dutch.loan_to_income.mean() == pytest.approx(3.8, abs=0.1)
    fixed = dutch[dutch.rate_type == "fixed"]
    assert (fixed.fixed_period_months >= 120).mean() > 0.85
    assert (dutch.guarantee == "NHG").mean() > 0.25
    assert (loans[loans.country != "Netherlands"].guarantee == "none").all()


def test_belgian_loans_at_origination(loans: pd.DataFrame) -> None:
    belgian = loans[loans.country == "Belgium"]
    early = belgian[belgian.origination_date < pd.Timestamp("2020-01-01").date()]
    assert (early.original_ltv > 0.9).mean() > 1 / 3
    assert (belgian.rate_type == "fixed").mean() > 0.9
    assert (belgian.term_months > 240).mean() == pytest.approx(1 / 3, abs=0.04)


def test_a_quarter_of_belgian_loans_starts_above_half_of_income(book: Path) -> None:
    # "a quarter": between a fifth and three tenths
    sql = "select avg((12 * payment / income > 0.5)::int) from m where country = 'Belgium' and months_on_book = 0"
    assert 0.17 < ask(book, sql).iloc[0, 0] < 0.30


def test_italian_loans_at_origination(loans: pd.DataFrame) -> None:
    italian = loans[loans.country == "Italy"]
    assert (italian.original_ltv <= 0.8).mean() > 0.85
    assert (italian.rate_type == "variable").mean() == pytest.approx(1 / 3, abs=0.04)


def test_the_active_book_grows_gently(book: Path) -> None:
    size = ask(book, "select month, count(*) n from p group by all order by 1").n.to_numpy()
    yearly = (size[-1] / size[0]) ** (12 / (len(size) - 1)) - 1
    assert 0 < yearly < 0.03
    assert np.abs(np.diff(size) / size[:-1]).max() < 0.01


def test_the_shock_of_2022_shows_in_payments_and_arrears_of_variable_rates(book: Path) -> None:
    sql = """select rate_type, avg((days_past_due >= 30)::int) filter (year(month) = 2021) before,
             avg((days_past_due >= 30)::int) filter (month between date '2023-03-01' and date '2024-06-30') after,
             median(payment) filter (month = date '2021-12-31') paid,
             median(payment) filter (month = date '2023-12-31') pays
             from m where country = 'Italy' group by all"""
    rates = ask(book, sql).set_index("rate_type")
    assert rates.after["variable"] > 1.5 * rates.before["variable"]
    assert rates.after["fixed"] < 1.4 * rates.before["fixed"]
    # 2.5 to 4 points on some fifteen years left: a payment of about a quarter more
    assert 1.10 < rates.pays["variable"] / rates.paid["variable"] < 1.5


@pytest.fixture(scope="module")
def performing(book: Path) -> pd.DataFrame:
    """Snapshots of eight year ends, enough to see what default rises with."""
    backend = ibis.duckdb.connect()
    rows = backend.read_parquet(str(book / "performance" / "*" / "*.parquet"), hive_partitioning=False)
    tables = History(
        backend.read_parquet(book / "loans.parquet"),
        rows,
        backend.read_parquet(book / "macro.parquet"),
        datetime.date(2026, 6, 30),
    )
    years = [datetime.date(year, 12, 31) for year in range(2014, 2025)]
    frames = [snapshot(tables, make_schema(150), date).to_pandas() for date in years]
    backend.disconnect()
    return pd.concat(frames, ignore_index=True)


def rate_by_band(rows: pd.DataFrame, column: str, edges: list[float]) -> list[float]:
    """Return the default rate by band of `column`, directly standardised to the rows' mix of countries."""
    band = pd.cut(rows[column], edges)
    rates = rows.groupby([band, "country"], observed=True).default_12m.mean().unstack()
    weights = rows.country.value_counts(normalize=True)
    return list((rates * weights).sum(axis=1))


@pytest.mark.parametrize(("column", "edges"), [
    ("current_ltv", [0, 0.4, 0.65, 1.5]),
    ("debt_service", [0, 0.2, 0.35, 2.0]),
    ("worst_arrears_12m", [-1, 0, 30, 2000]),
    ("days_past_due", [-1, 0, 30, 60]),
])  # fmt: skip
def test_default_rises_with(performing: pd.DataFrame, column: str, edges: list[float]) -> None:
    rates = rate_by_band(performing, column, edges)
    assert rates == sorted(rates)
    assert rates[-1] > 1.5 * rates[0]


def test_default_rises_strongly_with_past_arrears_of_loans_in_order_today(performing: pd.DataFrame) -> None:
    in_order = performing[performing.days_past_due == 0]
    rates = rate_by_band(in_order, "worst_arrears_12m", [-1, 0, 60, 2000])
    assert rates[1] > 3 * rates[0]
    assert rates[2] > 6 * rates[0]


def test_default_rises_with_unemployment_within_italy(performing: pd.DataFrame) -> None:
    # fixed rates only: the shock of 2022 came when unemployment was low
    rows = performing[(performing.country == "Italy") & (performing.rate_type == "fixed")]
    rates = rate_by_band(rows, "unemployment", [0, 0.08, 0.14, 0.4])
    assert rates == sorted(rates)


def test_loan_to_value_matters_more_where_unemployment_is_high(performing: pd.DataFrame) -> None:
    rows = performing[(performing.country == "Italy") & (performing.days_past_due == 0)]
    thin = rows.current_ltv > 0.6

    def lift(part: pd.DataFrame) -> float:
        high = part.default_12m[thin.loc[part.index]].mean()
        return float(high - part.default_12m[~thin.loc[part.index]].mean())

    assert lift(rows[rows.unemployment > 0.12]) > 1.3 * lift(rows[rows.unemployment < 0.07])
