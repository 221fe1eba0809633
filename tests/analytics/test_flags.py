import numpy as np
import pandas as pd
import pytest

from analytics.flags import check_flags, check_numbers, to_series


@pytest.mark.parametrize("values", [
    [0, 1, 1], [False, True, True], np.array([0.0, 1.0, 1.0]), pd.Series([0, 1, 1], index=[9, 9, 9]),
    pd.array([False, True, True], dtype="boolean"), ["0", "1", "1"],
])  # fmt: skip
def test_flags_of_every_kind(values):
    assert check_flags(values, "default", 3).tolist() == [False, True, True]


@pytest.mark.parametrize(("values", "message"), [
    ([0, 2], "default must be 0 or 1"), ([0, None], "1 of 2 are missing"), ([0, 1, 1], "2 rows, 3 values"),
    (pd.array([True, None], dtype="boolean"), "1 of 2 are missing"),
])  # fmt: skip
def test_bad_flags_are_named(values, message):
    with pytest.raises(ValueError, match=message):
        check_flags(values, "default", 2)


@pytest.mark.parametrize(("values", "message"), [
    ([0.5, np.nan], "1 of 2 are not"), ([0.5, np.inf], "1 of 2 are not"), ([0.5, 1.5], r"\[0, 1\], got 0.5 to 1.5"),
    ([0.5], "2 rows, 1 values"),
])  # fmt: skip
def test_bad_numbers_are_named(values, message):
    with pytest.raises(ValueError, match=message):
        check_numbers(values, "PDs", 2, low=0, high=1)


def test_all_no_is_fine_and_so_is_nothing():
    assert not check_flags([0, 0], "default").any()
    assert check_flags([], "default").size == 0


def test_an_index_is_left_behind():
    assert to_series(pd.Series(["a", "b"], index=[7, 7])).index.tolist() == [0, 1]
