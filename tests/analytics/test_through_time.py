import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from analytics.performance import compute_metrics
from analytics.through_time import compute_metrics_by_period, to_period


@pytest.fixture
def book():
    rng = np.random.default_rng(0)
    n = 3000
    x = rng.normal(-2, 1, n)
    day = pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 366, n), unit="D"))
    scores = {"a": expit(x), "b": expit(x + rng.normal(0, 1, n))}
    return (rng.random(n) < expit(x)).astype(float), scores, day, rng.integers(0, 1200, n)


def test_each_period_is_judged_by_its_own_rows(book):
    y, scores, day, cluster = book
    quarter = to_period(day, "quarter")
    found = compute_metrics_by_period(y, scores, quarter, cluster=cluster)
    inside = (quarter == "2024-04-01").to_numpy()
    part = {name: pds[inside] for name, pds in scores.items()}
    wanted = compute_metrics(y[inside], part, cluster=cluster[inside])
    own = found[found["period"] == "2024-04-01"].reset_index(drop=True)
    pd.testing.assert_frame_equal(own[wanted.columns], wanted, check_dtype=False)
    assert found["period"].nunique() == 4
    assert found["period"].is_monotonic_increasing
    assert found["mature"].all()


def test_open_outcome_windows_are_marked_and_not_judged(book):
    y, scores, day, _ = book
    quarter = to_period(day, "quarter")
    known = np.where(day >= "2024-09-01", np.nan, y)
    found = compute_metrics_by_period(known, scores, quarter, metrics=["gini"]).query("model == 'a'")
    assert list(found["mature"]) == [True, True, False, False]
    third, last = found.iloc[2], found.iloc[3]
    assert third["n"] == ((quarter == "2024-07-01") & (day < "2024-09-01")).sum()
    assert third["mature_share"] == pytest.approx(third["n"] / third["rows"])
    assert np.isnan(last["estimate"])
    assert (last["n"], last["reason"]) == (0, "no mature outcome")
    # A known but not yet final outcome is left out too.
    flagged = compute_metrics_by_period(y, scores, quarter, metrics=["gini"], mature=day < "2024-09-01")
    pd.testing.assert_frame_equal(flagged.query("model == 'a'"), found)


def test_periods_without_events_say_so(book):
    y, scores, day, _ = book
    quarter = to_period(day, "quarter")
    y = np.where(quarter == "2024-01-01", 0, y)
    found = compute_metrics_by_period(y, {"a": scores["a"]}, quarter, metrics=["gini", "brier"])
    assert list(found["reason"]) == ["no events"] * 2 + [""] * 6
    assert found["estimate"].notna().sum() == 6
    assert found["small"].iloc[0]


def test_nothing_mature_is_all_blank_with_reasons(book):
    _, scores, day, _ = book
    found = compute_metrics_by_period(np.full(3000, np.nan), scores, to_period(day, "year"), metrics=["gini"])
    assert (found["reason"] == "no mature outcome").all()
    assert len(found) == 2


def test_periods_are_first_days():
    days = pd.Series(["2024-02-29", "2024-12-31", None])
    assert list(to_period(days, "month").dropna()) == [pd.Timestamp("2024-02-01"), pd.Timestamp("2024-12-01")]
    assert to_period(days, "year").iloc[1] == pd.Timestamp("2024-01-01")
    assert to_period(days, "quarter").isna().iloc[2]
    with pytest.raises(ValueError, match="grain"):
        to_period(days, "week")


def test_vintages_may_be_words(book):
    y, scores, day, _ = book
    found = compute_metrics_by_period(y, scores, day.dt.year.astype(str).where(day.dt.month < 6), metrics=["auc"])
    assert set(found["period"]) == {"2024"}
    assert found["rows"].iloc[0] == (day.dt.month < 6).sum()


def test_wrong_use_is_refused(book):
    y, scores, day, _ = book
    with pytest.raises(ValueError, match="unknown metric profit"):
        compute_metrics_by_period(y, scores, day, metrics=["profit"])
    with pytest.raises(ValueError, match="0 or 1"):
        compute_metrics_by_period(y + 1, scores, day)
    with pytest.raises(ValueError, match="every row's period is missing"):
        compute_metrics_by_period(y, scores, [None] * 3000)
