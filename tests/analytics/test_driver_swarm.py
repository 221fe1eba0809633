import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.driver_swarm import REACH, compute_swarm, rank, stack


def scored(n=600, seed=2):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"loan_id": [f"L{k}" for k in range(n)], "ltv": rng.random(n), "flag": rng.random(n) < 0.5,
                          "work": rng.choice(["a", "b"], n)})  # fmt: skip
    frame["phi_ltv"], frame["phi_work"] = 2 * frame["ltv"] - 1, 0.0
    frame["phi_flag"] = frame["flag"].astype(float)
    frame.loc[::20, "ltv"] = np.nan
    return frame


def test_the_sample_is_the_same_whatever_the_order(database):
    frame = scored()
    tables = (database.table(part) for part in (frame, frame.sample(frac=1, random_state=1)))
    first, second = (
        compute_swarm(table, ["ltv", "work"], database.fetch, keys=["loan_id"], points=200) for table in tables
    )
    assert database.queries == 2
    pd.testing.assert_frame_equal(first, second)
    assert first.groupby("feature").size().tolist() == [200, 200]


def test_levels_are_ranks_and_categories_have_none(database):
    found = compute_swarm(
        database.table(scored()), ["ltv", "flag", "work"], database.fetch, keys=["loan_id"], points=600
    )
    ltv = found[found["feature"] == "ltv"]
    assert ltv["level"].isna().sum() == 30 == ltv["value"].isna().sum()
    known = ltv.dropna(subset=["level"]).sort_values("phi")
    np.testing.assert_allclose(known["level"], np.arange(570) / 569)  # φ grows with the value, so does the rank
    work = found[found["feature"] == "work"]
    assert work["level"].isna().all()
    assert set(work["word"]) == {"a", "b"}
    assert not work["is_number"].any()
    assert found.loc[found["feature"] == "flag", "level"].nunique() == 2


def test_ranks_by_hand():
    np.testing.assert_allclose(rank(np.array([5.0, 1.0, 5.0, 9.0])), [0.5, 0.0, 0.5, 1.0])
    np.testing.assert_allclose(rank(np.array([3.0, 3.0, np.nan])), [0.5, 0.5, np.nan])
    assert np.isnan(rank(np.array([np.nan]))).all()


def test_stacks_are_as_thick_as_they_are_dense():
    sizes = np.concatenate([np.zeros(11), np.full(3, 1.0), [0.5]])
    found = stack(sizes)
    assert np.ptp(found[:11]) == pytest.approx(2 * REACH)  # eleven: 0, ±1 … ±5 steps
    assert np.ptp(found[11:14]) == pytest.approx(2 * REACH / 5)  # three: 0, ±1
    assert found[14] == 0
    assert stack(np.array([])).size == 0


@given(st.lists(st.floats(-5, 5, allow_subnormal=False), min_size=1, max_size=200))
def test_no_two_dots_of_a_slice_lie_on_each_other(sizes):
    values = np.array(sizes)
    found = stack(values)
    assert (np.abs(found) <= REACH + 1e-12).all()
    for value in set(sizes):
        own = found[values == value]
        assert len(np.unique(np.round(own, 12))) == own.size


def test_unknown_features_are_named(database):
    with pytest.raises(ValueError, match="no attributions of age"):
        compute_swarm(database.table(scored(20)), ["age"], database.fetch, keys=["loan_id"])
