import datetime

import numpy as np
import pandas as pd
import pytest

from analytics.outcomes import compute_largest, compute_outcomes
from analytics.proportions import compute_jeffreys_interval

EARLY, LATE = datetime.date(2024, 3, 31), datetime.date(2025, 3, 31)


@pytest.fixture
def snapshots(database):
    return database.table(
        pd.DataFrame(
            {
                "observation_date": [EARLY] * 4 + [LATE] * 2,
                "label_mature": [True] * 4 + [False] * 2,
                "region": ["N", "N", "S", None, "N", "S"],
                "default_12m": pd.array([1, 0, 0, None, 1, None], dtype="Int64"),
                "balance": [100.0, 300.0, 100.0, 500.0, 100.0, 100.0],
                "current_ltv": [0.9, 0.5, None, 0.6, 0.7, 0.8],
            }
        )
    )


def test_by_date_by_hand(snapshots, database):
    found = compute_outcomes(
        snapshots, database.fetch, by=["observation_date"], target="default_12m", exposure="balance",
        averages=["current_ltv"],
    )  # fmt: skip
    assert database.queries == 1
    assert list(found["loans"]) == [4, 2]
    assert list(found["exposure"]) == [1000.0, 200.0]
    assert list(found["n"]) == [3, 0]  # one unknown; the late date's 1 is not mature and does not count
    assert list(found["events"]) == [1, 0]
    assert found["default_rate"].iloc[0] == pytest.approx(1 / 3)
    assert np.isnan(found["default_rate"].iloc[1])
    low, high = compute_jeffreys_interval(1, 3)
    assert found["default_rate_low"].iloc[0] == pytest.approx(float(low))
    assert found["default_rate_high"].iloc[0] == pytest.approx(float(high))
    # (.9·100 + .5·300 + .6·500)/900, the missing one left out of both sums; (.7 + .8)/2.
    np.testing.assert_allclose(found["current_ltv"], [540 / 900, 0.75])


def test_a_plain_table_has_rows_and_a_rate_only(snapshots, database):
    found = compute_outcomes(snapshots.drop("label_mature", "balance", "observation_date"), database.fetch,
                             target="default_12m", averages=["current_ltv"])  # fmt: skip
    assert len(found) == 1
    assert found["loans"].iloc[0] == 6
    assert found["n"].iloc[0] == 4
    assert found["default_rate"].iloc[0] == 0.5
    assert np.isnan(found["exposure"].iloc[0])
    assert found["current_ltv"].iloc[0] == pytest.approx(np.mean([0.9, 0.5, 0.6, 0.7, 0.8]))


def test_without_target_there_is_no_rate(snapshots, database):
    found = compute_outcomes(snapshots, database.fetch, by=["region"])
    assert list(found["n"]) == [0, 0, 0]
    assert found["default_rate"].isna().all()
    assert found["region"].isna().tolist() == [False, False, True]  # what is not known is last, and kept


@pytest.mark.parametrize("name", ["loans", "n", "events", "key_0", "mean_0", 'o"dd; DROP', "größe 🏠"])
def test_any_column_name_works(database, name):
    table = database.table(pd.DataFrame({name: ["a", "b", "a"], "y": [1, 0, 0], "x": [1.0, 2.0, 4.0]}))
    found = compute_outcomes(table, database.fetch, by=[name], target="y", averages=["x"])
    assert found["x"].tolist() == [2.5, 2.0]
    assert found["default_rate"].tolist() == [0.5, 0.0]


def test_a_missing_column_is_named(snapshots, database):
    with pytest.raises(ValueError, match="no column ltv; it has observation_date"):
        compute_outcomes(snapshots, database.fetch, averages=["ltv"])


def test_an_empty_selection(snapshots, database):
    empty = snapshots.filter(snapshots.region == "nowhere")
    whole = compute_outcomes(empty, database.fetch, target="default_12m", exposure="balance", averages=["current_ltv"])
    assert whole["loans"].tolist() == [0]
    assert whole[["default_rate", "current_ltv"]].isna().all(axis=None)
    assert compute_outcomes(empty, database.fetch, by=["region"], target="default_12m").empty


def test_the_largest_keep_the_total(database):
    table = database.table(pd.DataFrame({"c": list("aaabbcd"), "y": [1, 0, 0, 1, 0, 1, 0], "e": [1.0] * 7}))
    frame = compute_outcomes(table, database.fetch, by=["c"], target="y", exposure="e")
    found = compute_largest(frame, "c", top=2)
    assert found["c"].tolist() == ["a", "b", "other (2)"]
    assert found["loans"].tolist() == [3, 2, 2]
    assert found["events"].tolist() == [1, 1, 1]
    assert found["default_rate"].tolist() == [pytest.approx(1 / 3), 0.5, 0.5]
    assert found["exposure"].sum() == 7
    assert compute_largest(frame, "c", top=10)["c"].tolist() == ["a", "b", "c", "d"]
