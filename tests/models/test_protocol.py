"""Who sees which rows: folds are later periods after an embargo, and out-of-time rows are out of reach."""

import datetime

import numpy as np
import pandas as pd
import pytest

from models.data import Labelled
from models.protocol import describe, develop, rolling_folds
from portfolio.errors import HypothecError


def make_rows(loans: int = 300, first: str = "2015-03-31", quarters: int = 24, *, dated: bool = True) -> Labelled:
    """Every loan at every quarter end; the last four are out-of-time, a fifth of the loans is held out."""
    dates = pd.date_range(first, periods=quarters, freq="QE")
    grid = pd.MultiIndex.from_product([range(loans), dates]).to_frame(index=False)
    late = grid[1] >= dates[-4]
    sample = np.where(late, "out-of-time", np.where(grid[0] % 5 == 0, "out-of-sample", "development"))
    y = (np.random.default_rng(0).random(len(grid)) < 0.1).astype(int)
    date = grid[1] if dated else pd.Series(pd.NaT, index=grid.index)
    return Labelled(pd.DataFrame({"x": np.arange(len(grid))}), y, grid[0].map("L{}".format), date, pd.Series(sample))


def test_only_development_rows_are_ever_handed_out() -> None:
    rows = make_rows()
    kept = develop(rows)
    assert set(kept.sample) == {"development"}
    for fold in rolling_folds(kept, folds=3, embargo_months=12):
        assert fold.later.date.max() < rows.date[rows.sample == "out-of-time"].min()


def test_each_later_period_comes_a_year_after_its_fitting_rows() -> None:
    folds = rolling_folds(develop(make_rows()), folds=2, embargo_months=12)
    assert len(folds) == 2
    # 20 development quarters, blocks of 20 // 6 = 3: the last fold judges quarters 18 to 20 (2019-06-30 on)
    assert folds[1].meaning == "fit to 2018-06-30, judged 2019-06-30 to 2019-12-31"
    assert folds[0].meaning == "fit to 2017-09-30, judged 2018-09-30 to 2019-03-31"
    for fold in folds:
        gap = fold.later.date.min() - fold.fit.date.max()
        assert gap >= datetime.timedelta(days=360)


def test_without_dates_other_loans_judge() -> None:
    rows = make_rows(quarters=8, dated=False)
    (fold,) = rolling_folds(develop(rows), folds=3, embargo_months=12)
    assert not set(fold.fit.loan) & set(fold.later.loan)
    assert "other loans" in fold.meaning


def test_a_feature_that_begins_late_leaves_no_period_before_it_to_learn_from() -> None:
    rows = develop(make_rows())
    late = Labelled(rows.X.assign(late=np.where(rows.date >= "2019-03-31", 1.0, np.nan)), rows.y, rows.loan, rows.date,
                    rows.sample)  # fmt: skip
    (fold,) = rolling_folds(late, folds=2, embargo_months=12)
    assert "other loans" in fold.meaning
    nowhere = Labelled(rows.X.assign(empty=np.nan), rows.y, rows.loan, rows.date, rows.sample)
    assert len(rolling_folds(nowhere, folds=2, embargo_months=12)) == 2  # no fold could have what no row has


def test_shares_of_loans_are_nested_and_whole() -> None:
    rows = make_rows(loans=2000, quarters=8)
    small, large = (set(develop(rows, share=share).loan) for share in (0.05, 0.2))
    everyone = set(develop(rows).loan)
    assert small < large < everyone
    assert len(small) / len(everyone) == pytest.approx(0.05, abs=0.02)
    assert len(large) / len(everyone) == pytest.approx(0.2, abs=0.03)
    some = develop(rows, share=0.05)
    assert (some.loan.value_counts() == 4).all()  # all four development quarters of a loan, or none


def test_too_few_events_are_refused() -> None:
    rows = make_rows(loans=2, quarters=8)
    with pytest.raises(HypothecError, match="an experiment needs 10"):
        develop(rows)


def test_what_is_described_is_counted() -> None:
    rows = develop(make_rows())
    found = describe(rows)
    assert (found["rows"], found["loans"]) == (240 * 20, 240)
    assert (found["from"], found["until"]) == ("2015-03-31", "2019-12-31")
