import numpy as np
import pandas as pd
import pytest

from analytics.exclusions import compute_exclusions, flag_included, flag_outdated


def loans():
    # Ten loans by hand: 0, 1 outdated; 1, 2, 3 transferred (1 is both); 4 process. Left: 5 to 9 (N = 5).
    frame = pd.DataFrame(
        False, index=range(10), columns=["outdated", "transferred", "process", "override", "technical_default"]
    )
    frame.loc[[0, 1], "outdated"] = True
    frame.loc[[1, 2, 3], "transferred"] = True
    frame.loc[[4], "process"] = True
    frame.loc[[0, 5, 6], "override"] = True
    frame.loc[[9], "technical_default"] = True
    return frame.assign(defaults=[1, 0, 0, 0, 0, 0, 3, 0, 1, 0])


def test_the_waterfall_by_hand():
    found = compute_exclusions(loans()).set_index("name")
    assert found["step"].tolist() == ["start", *["exclusion"] * 3, "tested", *["told"] * 4]
    assert found.loc[["m", "outdated", "transferred", "process", "n"], "left"].tolist() == [10, 8, 6, 5, 5]
    assert found.loc[["outdated", "transferred", "process"], "n"].tolist() == [2, 3, 1]
    assert found.loc[["outdated", "transferred", "process"], "removed"].tolist() == [2, 2, 1]
    assert found.loc[["outdated", "transferred", "process", "n"], "share"].tolist() == [0.2, 0.3, 0.1, 0.5]
    # Of the five tested: loans 5 and 6 overridden (0 is excluded), 9 technical, 6 and 8 defaulted, 6 twice more.
    told = found[found["step"] == "told"]
    assert told["n"].tolist() == [2, 1, 2, 2]
    assert told["share"].tolist() == [0.4, 0.2, 0.4, 0.4]
    assert (told["base"] == 5).all()
    assert (found["reason"] == "").all()
    assert flag_included(loans()).tolist() == [False] * 5 + [True] * 5


@pytest.mark.parametrize("name", ["outdated", "transferred", "process", "override", "technical_default", "defaults"])
def test_a_column_that_is_not_there_is_not_zero(name):
    row = compute_exclusions(loans().drop(columns=name)).set_index("name").loc[name]
    assert row["reason"] == "not recorded"
    assert np.isnan(row["n"])
    assert np.isnan(row["share"])
    assert np.isnan(row["removed"])


def test_left_out_columns_exclude_nothing():
    found = compute_exclusions(pd.DataFrame({"loan": [1, 2, 3]})).set_index("name")
    assert found.loc["n", "n"] == 3
    assert found.loc["n", "reason"] == "no exclusion for what is not recorded: outdated, transferred, process"
    assert (found.loc[["outdated", "transferred", "process", "override", "repeated"], "reason"] == "not recorded").all()


def test_gaps_are_told():
    frame = loans().astype({"outdated": "boolean"})
    frame.loc[9, "outdated"] = pd.NA
    found = compute_exclusions(frame).set_index("name")
    assert found.loc["outdated", "reason"] == "not recorded for 1 of 10 loans"
    assert found.loc["outdated", "n"] == 2


def test_a_flag_cannot_say_how_often_a_loan_defaulted():
    found = compute_exclusions(loans().assign(defaults=lambda frame: frame["defaults"] > 0)).set_index("name")
    assert found.loc["defaults", "n"] == 2
    assert found.loc["repeated", "reason"] == "not recorded"


def test_removed_sum_to_m_less_n_whatever_the_overlap():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({name: rng.uniform(size=500) < 0.3 for name in ("outdated", "transferred", "process")})
    found = compute_exclusions(frame).set_index("name")
    assert 500 - found["removed"].sum() == found.loc["n", "n"] == (~frame.any(axis=1)).sum()
    order = frame.sample(frac=1, random_state=2)
    pd.testing.assert_frame_equal(compute_exclusions(order), compute_exclusions(frame))


def test_nothing_left_is_said():
    row = compute_exclusions(pd.DataFrame({"process": [True, True]})).set_index("name").loc["n"]
    assert (row["n"], row["reason"]) == (0, "no loan is left to test")


def test_twelve_months_to_the_day():
    rated = pd.Series(pd.to_datetime(["2023-06-30", "2023-06-29", "2024-06-30", None]))
    assert flag_outdated(rated, pd.Timestamp("2024-06-30")).tolist()[:3] == [False, True, False]
    assert pd.isna(flag_outdated(rated, pd.Timestamp("2024-06-30"))[3])


@pytest.mark.parametrize(("frame", "message"), [
    (pd.DataFrame({"process": []}), "at least one loan"), (pd.DataFrame({"process": ["yes"]}), "true or false"),
    (pd.DataFrame({"process": [2]}), "true or false"), (pd.DataFrame({"defaults": [-1]}), "0 or more"),
    (pd.DataFrame({"defaults": [0.5]}), "count the defaults"),
])  # fmt: skip
def test_bad_frames_are_refused(frame, message):
    with pytest.raises(ValueError, match=message):
        compute_exclusions(frame)
