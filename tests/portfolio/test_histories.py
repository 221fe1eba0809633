"""Sequences, outcomes and true PDs of loans followed by hand."""

import datetime
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from portfolio.demo.build import build_demo
from portfolio.demo.truth import compute_true_pds
from portfolio.errors import HypothecError
from portfolio.histories import MONTHS, SEQUENCES, available_channels, ensure_histories
from portfolio.outcomes import DEFAULT, ENDED, NONE, ensure_outcomes
from portfolio.workspace import Portfolio

KEY = "2024-03-31"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Portfolio:
    return build_demo(tmp_path_factory.mktemp("workspace"), loans=1_500, months=60, seed=5)


def load(portfolio: Portfolio, name: str) -> dict[str, np.ndarray]:
    """Return each loan's months × channels of a sequence."""
    frame = pd.read_parquet(portfolio.histories / f"{KEY}.parquet")
    width = len(available_channels(portfolio, name))
    return {loan: np.asarray(cell).reshape(MONTHS, width) for loan, cell in zip(frame["loan_id"], frame[name],
                                                                              strict=True)}  # fmt: skip


def rows_of(portfolio: Portfolio, sql: str) -> pd.DataFrame:
    return duckdb.connect().sql(
        f"from read_parquet('{portfolio.performance}/*/*.parquet', hive_partitioning=false) {sql}"
    ).df()  # fmt: skip


def test_a_history_is_the_loans_own_months(demo: Portfolio) -> None:
    ensure_histories(demo, [KEY], list(SEQUENCES))
    found = load(demo, "payment_history")
    assert set(found) == set(pd.read_parquet(demo.snapshot_file(KEY))["loan_id"])
    rows = rows_of(demo, f"where month <= '{KEY}' and month > '2022-03-31' order by loan_id, month")
    rows["place"] = (rows["month"].dt.year - 2022) * 12 + rows["month"].dt.month - 4
    behind = available_channels(demo, "payment_history").index("months_behind")
    for loan in ("L00000001", *rows.loc[rows["days_past_due"] >= 60, "loan_id"].unique()[:5]):
        if loan not in found:
            continue
        own = rows[rows["loan_id"] == loan]
        months = found[loan]
        assert months[:, 0].sum() == len(own)  # `present` counts the rows
        np.testing.assert_allclose(months[own["place"], behind], np.minimum(own["days_past_due"] / 30, 6))
        balance = own["balance"].to_numpy() / own["balance"].iloc[-1]
        np.testing.assert_allclose(months[own["place"], 2], np.minimum(balance, 5), rtol=1e-5)


def test_a_shorter_history_and_a_gap_are_months_not_present(demo: Portfolio, tmp_path: Path) -> None:
    shutil.copytree(demo.root, tmp_path / "gaps", ignore=shutil.ignore_patterns("histories"))
    gaps = Portfolio(tmp_path / "gaps")
    for path in gaps.performance.rglob("*.parquet"):
        kept = "select * from rows where month <> '2023-06-30'"
        connection = duckdb.connect()
        connection.execute(f"create table rows as from read_parquet('{path}', hive_partitioning=false)")
        connection.execute(f"copy ({kept}) to '{path}' (format parquet)")
    ensure_histories(gaps, [KEY], ["payment_history"])
    for loan, months in load(gaps, "payment_history").items():
        present = months[:, 0]
        assert set(np.unique(present)) <= {0.0, 1.0}
        assert present[14] == 0  # June 2023: the 15th of the 24 months from April 2022
        assert not months[present == 0].any(), loan
        assert present[-1] == 1


def test_later_rows_change_no_history(demo: Portfolio, tmp_path: Path) -> None:
    ensure_histories(demo, [KEY], list(SEQUENCES))
    shutil.copytree(demo.root, tmp_path / "false", ignore=shutil.ignore_patterns("histories"))
    false = Portfolio(tmp_path / "false")
    for path in [*false.performance.rglob("*.parquet"), false.macro]:
        columns = "days_past_due" if path != false.macro else "unemployment"
        connection = duckdb.connect()
        connection.execute(f"create table rows as from read_parquet('{path}', hive_partitioning=false)")
        connection.execute(f"copy (select * replace (if(month > '{KEY}', 99, {columns}) as {columns}) from rows) "
                           f"to '{path}' (format parquet)")  # fmt: skip
    ensure_histories(false, [KEY], list(SEQUENCES))
    for name in SEQUENCES:
        mine, theirs = load(demo, name), load(false, name)
        for loan in mine:
            np.testing.assert_array_equal(mine[loan], theirs[loan])


def test_histories_are_made_once_and_again_when_the_snapshot_is_newer(demo: Portfolio) -> None:
    ensure_histories(demo, [KEY], list(SEQUENCES))
    file = demo.histories / f"{KEY}.parquet"
    first = file.stat().st_mtime_ns
    ensure_histories(demo, [KEY], ["payment_history"])
    assert file.stat().st_mtime_ns == first
    demo.snapshot_file(KEY).touch()
    ensure_histories(demo, [KEY], list(SEQUENCES))
    assert file.stat().st_mtime_ns > first


def test_two_models_do_not_take_each_others_sequences_away(demo: Portfolio) -> None:
    ensure_histories(demo, [KEY], ["payment_history"])
    demo.snapshot_file(KEY).touch()
    ensure_histories(demo, [KEY], ["economy_history"])
    assert set(SEQUENCES) <= set(pd.read_parquet(demo.histories / f"{KEY}.parquet").columns)


def test_outcomes_agree_with_the_label_and_with_the_rows(demo: Portfolio) -> None:
    ensure_outcomes(demo, [KEY])
    course = pd.read_parquet(demo.outcomes / f"{KEY}.parquet").set_index("loan_id")
    label = pd.read_parquet(demo.snapshot_file(KEY)).set_index("loan_id")["default_12m"]
    # A default counts as such also after an early repayment only if it came first, and nothing follows a repayment.
    assert ((course["event"] == DEFAULT) == (label.loc[course.index] == 1)).all()
    assert set(course["event"]) == {NONE, DEFAULT, ENDED}
    after = rows_of(demo, f"where month > '{KEY}' and month <= '2025-03-31' order by loan_id, month")
    for loan in [*course.index[course["event"] == DEFAULT][:5], *course.index[course["event"] == ENDED][:5]]:
        own = after[after["loan_id"] == loan]
        happened = own[(own["days_past_due"] >= 90) | own["event"].isin(["prepaid", "matured", "written off"])].iloc[0]
        months = (happened["month"].year - 2024) * 12 + happened["month"].month - 3
        assert course.loc[loan, "months"] == months
    assert (course.loc[course["event"] == NONE, "months"] == 12).all()


def test_true_pds_belong_to_the_books_loans_and_rank_and_match_the_outcomes(demo: Portfolio) -> None:
    facts = demo.manifest
    truth = compute_true_pds(
        loans=facts["loans"], months=facts["months"], seed=facts["seed"], date=datetime.date.fromisoformat(KEY),
        repeats=60,
    )  # fmt: skip
    snapshot = pd.read_parquet(demo.snapshot_file(KEY))
    both = snapshot.merge(truth, on="loan_id")
    assert len(both) == len(snapshot) == len(truth)
    # The outcomes are one draw of the same lives: their number lies within 4 standard errors of its expectation.
    spread = np.sqrt((both["true_pd"] * (1 - both["true_pd"])).sum())
    assert abs(both["default_12m"].sum() - both["true_pd"].sum()) < 4 * max(spread, 1)
    late = both["days_past_due"] >= 30
    assert both.loc[late, "true_pd"].mean() > 10 * both.loc[~late, "true_pd"].mean()


@pytest.mark.parametrize("date", [datetime.date(2020, 1, 31), datetime.date(2025, 12, 31)])
def test_true_pds_need_a_year_to_live(date: datetime.date) -> None:
    with pytest.raises(HypothecError, match="12 months after it"):
        compute_true_pds(loans=500, months=60, seed=5, date=date)


def test_a_table_has_no_months(tmp_path: Path) -> None:
    (tmp_path / "schema.toml").write_text('[portfolio]\ntitle = "t"\nkind = "table"\n')
    table = Portfolio(tmp_path)
    with pytest.raises(HypothecError, match="is a table without months: it has no payment_history"):
        available_channels(table, "payment_history")
    with pytest.raises(HypothecError, match="when an event happened is not known"):
        ensure_outcomes(table, [])
    with pytest.raises(HypothecError, match=r"no sequence 'dreams'; there are payment_history"):
        available_channels(table, "dreams")
