import numpy as np
import pandas as pd
import pytest

from analytics.long_run import compute_long_run


def windows(dates, n, defaults):
    return pd.DataFrame({"date": pd.to_datetime(dates), "n": n, "defaults": defaults})


def test_it_is_the_mean_of_rates_not_the_rate_of_all():
    # 1 %, 3 %, 5 %: mean 3 %; the pooled rate would be 58/1300 = 4.5 %.
    found = compute_long_run(windows(["2018-12-31", "2019-12-31", "2020-12-31"], [100, 200, 1000], [1, 6, 50]))
    assert found.rate == pytest.approx(0.03)
    assert (found.low, found.high, found.windows) == (pytest.approx(0.01), pytest.approx(0.05), 3)
    assert not found.overlapping
    assert found.separate == found.rate
    assert found.sentence == "3.0 %, the mean of 3 one-year rates from December 2018 to December 2020"


def test_overlap_is_said():
    dates = pd.date_range("2019-03-31", periods=9, freq="QE")  # 2019-03-31 … 2021-03-31
    rates = np.arange(1, 10)
    found = compute_long_run(windows(dates, 100, rates))
    assert found.overlapping
    # From the last back by whole years: 2021-03-31, 2020-03-31, 2019-03-31, so rates 9, 5, 1 %.
    assert (found.separate_windows, found.separate) == (3, pytest.approx(0.05))
    assert found.rate == pytest.approx(0.05)
    assert found.sentence.endswith("; windows overlap, those of 3 that do not give 5.0 %")


def test_windows_that_all_overlap():
    found = compute_long_run(windows(["2020-01-31", "2020-06-30"], 100, [1, 3]))
    assert found.sentence.endswith("; all windows overlap")
    assert found.separate == pytest.approx(0.03)


def test_order_and_empty_windows_do_not_matter():
    found = compute_long_run(windows(["2021-01-01", "2019-01-01", "2020-01-01"], [100, 50, 0], [2, 2, 0]))
    assert found.rate == pytest.approx(0.03)
    assert (found.skipped, found.windows) == (1, 2)
    assert found.first == pd.Timestamp("2019-01-01")


def test_leap_years_do_not_overlap():
    found = compute_long_run(windows(["2019-02-28", "2020-02-29", "2021-02-28"], 100, 1))
    # 2020-02-29 and 2021-02-28 are a year apart, as the calendar has it.
    assert not found.overlapping


@pytest.mark.parametrize(("frame", "message"), [
    (windows(["2020-01-01"], [0], [0]), "at least one window"), (windows([], [], []), "at least one window"),
    (windows(["2020-01-01"], [5], [6]), "more defaults than loans"),
    (windows(["2020-01-01", "2020-01-01"], [5, 5], [1, 1]), "date of its own"),
    (windows(["2020-01-01", None], [5, 5], [1, 1]), "date of its own"),
    (windows(["2020-01-01"], [np.nan], [1]), "must be finite"),
])  # fmt: skip
def test_bad_windows_are_refused(frame, message):
    with pytest.raises(ValueError, match=message):
        compute_long_run(frame)
