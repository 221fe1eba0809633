import datetime

import numpy as np
import pandas as pd
import pytest

from analytics.driver_time import Move, compute_driver_course, find_moves, select_top

DAYS = [datetime.date(2025, 6, 30), datetime.date(2025, 12, 31), datetime.date(2026, 6, 30)]


def test_course_by_hand(database):
    """a is ±1 at the first date and ±3 at the second; b is always +1."""
    frame = pd.DataFrame({"observation_date": [DAYS[0]] * 2 + [DAYS[1]] * 2, "phi_a": [1.0, -1.0, 3.0, -3.0],
                          "phi_b": [1.0, 1.0, 1.0, 1.0]})  # fmt: skip
    found = compute_driver_course(database.table(frame), database.fetch)
    assert database.queries == 1
    keyed = found.set_index(["feature", found["date"].astype(str).str[:10]])
    assert keyed.loc[("a", "2025-06-30"), ["importance", "share", "mean", "n"]].tolist() == [1.0, 0.5, 0.0, 2]
    assert keyed.loc[("a", "2025-12-31"), ["importance", "share", "mean", "n"]].tolist() == [3.0, 0.75, 0.0, 2]
    assert keyed.loc[("b", "2025-12-31"), ["importance", "share", "mean"]].tolist() == [1.0, 0.25, 1.0]
    moves = find_moves(found, "share")
    assert moves == [Move("a", 0.5, 0.75), Move("b", 0.5, 0.25)]
    assert moves[0].change == 0.25


def planted():
    """Unemployment climbs for everyone (mean effect −1 → 0 → 1); LTV matters as much at every date."""
    rng = np.random.default_rng(5)
    parts = [pd.DataFrame({"observation_date": day, "phi_ltv": rng.normal(0, 1, 800),
                           "phi_unemployment": place - 1 + rng.normal(0, 0.1, 800),
                           "phi_tiny": rng.normal(0, 0.01, 800)}) for place, day in enumerate(DAYS)]  # fmt: skip
    return pd.concat(parts, ignore_index=True).assign(base=-4.0)


def test_the_planted_driver_moved_most(database):
    frame = planted()
    course = compute_driver_course(database.table(frame), database.fetch)
    move = find_moves(course, "mean")[0]
    assert move.feature == "unemployment"
    assert move.change == pytest.approx(2, abs=0.02)
    assert select_top(course, "importance", 2) == ["unemployment", "ltv"]  # mean sizes 1.0 and 0.8
    total = frame.assign(z=frame.filter(like="phi_").sum(axis=1)).groupby("observation_date")["z"].mean()
    moved = sum(item.change for item in find_moves(course, "mean"))
    assert moved == pytest.approx(total[DAYS[2]] - total[DAYS[0]], abs=1e-12)


def test_groups_are_added_up_row_by_row(database):
    frame = planted().assign(phi_other=lambda f: -f["phi_ltv"])
    course = compute_driver_course(database.table(frame), database.fetch, groups={"ltv": "value", "other": "value"})
    assert course.loc[course["feature"] == "value", "importance"].max() == pytest.approx(0, abs=1e-15)
    np.testing.assert_allclose(course.groupby("date")["share"].sum(), 1)


def test_a_model_that_uses_nothing_has_no_shares(database):
    frame = pd.DataFrame({"observation_date": DAYS[:1] * 3, "phi_a": 0.0, "phi_b": 0.0})
    course = compute_driver_course(database.table(frame), database.fetch)
    assert course["share"].isna().all()
    assert course["importance"].eq(0).all()
