import datetime
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.attributions import (
    compute_dependence,
    compute_importance,
    compute_waterfall,
    group_contributions,
    list_explained,
)

KEYS = ["loan_id", "observation_date"]


def scored(n=3000, seed=0):
    rng = np.random.default_rng(seed)
    ltv = np.round(rng.uniform(0.2, 1.2, n), 3)
    work = rng.choice(["permanent", "temporary"], n)
    frame = pd.DataFrame({"loan_id": [f"L{k}" for k in range(n)], "observation_date": datetime.date(2026, 6, 30),
                          "ltv": ltv, "work": work, "base": -4.0})  # fmt: skip
    frame.loc[::10, "ltv"] = np.nan
    frame.loc[5::100, "work"] = None
    frame["phi_ltv"] = np.where(frame["ltv"].isna(), 0.25, 2 * (frame["ltv"] - 0.7))
    frame["phi_work"] = np.where(frame["work"] == "temporary", 0.5, -0.1)
    frame["phi_rate"] = -frame["phi_work"]
    return frame


def test_importance_by_hand(database):
    table = database.table(pd.DataFrame({"phi_a": [1.0, -3.0], "phi_b": [1.0, 1.0], "phi_c": [0.0, 0.0], "pd": 0.1}))
    assert list_explained(table) == ["a", "b", "c"]
    found = compute_importance(table, database.fetch)
    assert database.queries == 1
    assert found["feature"].tolist() == ["a", "b", "c"]
    assert found["importance"].tolist() == [2.0, 1.0, 0.0]
    assert found["mean"].tolist() == [-1.0, 1.0, 0.0]
    np.testing.assert_allclose(found["share"], [2 / 3, 1 / 3, 0])
    assert found["n"].tolist() == [2, 2, 2]


def test_groups_are_summed_before_ranking(database):
    """phi_rate = −phi_work for every loan: together they move nothing, though each alone is large."""
    table = database.table(scored())
    found = compute_importance(table, database.fetch, groups={"work": "job", "rate": "job"}).set_index("feature")
    assert found.loc["job", "importance"] == pytest.approx(0, abs=1e-12)
    assert set(found.index) == {"ltv", "job"}
    alone = compute_importance(table, database.fetch, features=["work"]).set_index("feature")
    assert alone.loc["work", "importance"] > 0.2


def test_unknown_features_are_named(database):
    table = database.table(scored(20))
    with pytest.raises(ValueError, match="no attributions of 'income' are stored; there are ltv, work, rate"):
        compute_importance(table, database.fetch, features=["income"])
    with pytest.raises(ValueError, match="no column 'loan'"):
        compute_dependence(table, "ltv", database.fetch, keys=["loan"])


def test_dependence_on_a_number(database):
    frame = scored()
    found = compute_dependence(database.table(frame), "ltv", database.fetch, keys=KEYS, points=500, bins=10)
    assert found.is_number
    assert len(found.points) == 500
    np.testing.assert_allclose(found.points["phi"], 2 * (found.points["value"] - 0.7))
    known = found.medians.dropna(subset=["value"])
    assert len(known) == 10
    assert found.medians["n"].sum() == len(frame)
    np.testing.assert_allclose(known["phi"], 2 * (known["value"] - 0.7), atol=1e-9)
    assert known["value"].is_monotonic_increasing
    assert known["n"].between(240, 300).all()  # 2,700 known values in ten bins
    missing = found.medians.iloc[-1]
    assert np.isnan(missing["value"])
    assert missing["phi"] == 0.25
    assert missing["n"] == 300


def test_dependence_on_a_category(database):
    found = compute_dependence(database.table(scored()), "work", database.fetch, keys=KEYS)
    assert not found.is_number
    assert found.medians["value"].isna().tolist() == [False, False, True]
    assert found.medians["value"].tolist()[:2] == ["permanent", "temporary"]
    assert found.medians["phi"].tolist() == [-0.1, 0.5, -0.1]
    assert found.medians["n"].sum() == 3000


def test_the_sample_is_the_same_on_every_visit_and_any_order(database):
    frame = scored()
    shuffled = database.table(frame.sample(frac=1, random_state=4))
    first, second = (
        compute_dependence(table, "ltv", database.fetch, keys=KEYS, points=300).points
        for table in (database.table(frame), shuffled)
    )
    pd.testing.assert_frame_equal(first, second)


def test_few_values_make_few_bins(database):
    frame = scored(200).assign(ltv=lambda f: np.where(f["ltv"] > 0.7, 1.0, 0.0))
    found = compute_dependence(database.table(frame), "ltv", database.fetch, keys=KEYS, bins=20)
    assert found.medians["value"].tolist() == [0.0, 1.0]


PHI = st.lists(st.floats(-3, 3, allow_subnormal=False), min_size=1, max_size=25)


@given(st.floats(-8, 2), PHI, st.integers(1, 12))
def test_waterfall_ends_exactly_at_the_log_odds(base, sizes, top):
    phi = pd.Series(sizes, index=[f"f{k}" for k in range(len(sizes))])
    found = compute_waterfall(base, phi, top=top)
    assert found["end"].iloc[-1] == math.fsum([base, *phi])
    assert found["end"].iloc[-2] == found["end"].iloc[-1]
    steps = found[found["kind"].isin(["feature", "other"])]
    assert math.fsum([base, *steps["contribution"]]) == pytest.approx(found["end"].iloc[-1], abs=1e-12)
    np.testing.assert_allclose(steps["end"] - steps["start"], steps["contribution"], atol=1e-12)
    assert len(steps) <= top + 1
    assert (steps.loc[steps["kind"] == "feature", "contribution"].abs().diff().dropna() <= 0).all()


def test_waterfall_by_hand():
    phi = pd.Series({"work": -0.7, "ltv": 0.3, "a": 0.1, "b": 0.01, "c": 0.02})
    found = compute_waterfall(
        -4.0, phi, values={"ltv": 0.96, "work": None}, labels={"ltv": "Loan-to-value"}, units={"ltv": "share"}, top=2
    )
    assert found["kind"].tolist() == ["base", "feature", "feature", "other", "total"]
    assert found["label"].tolist() == ["Background", "work", "Loan-to-value", "3 other features", "This loan"]
    assert found["value"].tolist() == ["", "not known", "96 %", "", ""]
    np.testing.assert_allclose(found["end"], [-4, -4.7, -4.4, -4.27, -4.27])


def test_a_single_remaining_feature_is_shown_by_name():
    found = compute_waterfall(0.0, pd.Series({"a": 0.3, "b": 0.2, "c": 0.1}), top=2)
    assert found["feature"].tolist() == ["", "a", "b", "c", ""]


def test_contributions_of_a_group_are_added_up_by_hand():
    phi = pd.Series({"rate": 0.4, "ltv": -1.0, "income": 0.25, "rate_type": -0.1})
    found = group_contributions(phi, {"rate": "pricing", "rate_type": "pricing", "ltv": ""})
    assert found.index.tolist() == ["pricing", "ltv", "income"]  # in the order of their first members
    np.testing.assert_allclose(found, [0.3, -1.0, 0.25])


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.sampled_from(["", "a", "b", "c"])), min_size=1, max_size=30))
def test_groups_add_up_to_what_the_features_do(given_):
    phi = pd.Series({f"f{place}": size for place, (size, _) in enumerate(given_)})
    groups = {f"f{place}": group for place, (_, group) in enumerate(given_)}
    found = group_contributions(phi, groups)
    assert math.fsum(found) == pytest.approx(math.fsum(phi), abs=1e-9)
    assert len(found) == len({groups[name] or name for name in phi.index})


@pytest.mark.parametrize("groups", [{"a": "b"}, {"a": "b", "b": "other"}])
def test_a_group_called_like_another_feature_is_refused(groups):
    with pytest.raises(ValueError, match="a group is called 'b', like a feature that is not in it"):
        group_contributions(pd.Series({"a": 1.0, "b": 2.0}), groups)


def test_a_group_may_be_called_like_one_of_its_own():
    found = group_contributions(pd.Series({"rate": 1.0, "rate_type": 2.0}), {"rate": "rate", "rate_type": "rate"})
    assert found.to_dict() == {"rate": 3.0}
