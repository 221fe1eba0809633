"""The baseline against scikit-learn's own pipeline, and its attributions against arithmetic."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from models.encoding import Feature
from models.logistic import Logistic
from tests.models.toy import FEATURES, make_loans


def test_one_category_gives_the_groups_own_rates() -> None:
    group = np.repeat(["A", "B"], 3000)
    y = np.concatenate([np.arange(3000) % 20 == 0, np.arange(3000) % 4 == 0]).astype(int)
    frame = pd.DataFrame({"group": group})
    model = Logistic((Feature("group", "category"),), C=1e6).fit(frame, y)
    got = model.predict_log_odds(pd.DataFrame({"group": ["A", "B"]}))
    np.testing.assert_allclose(got, logit([1 / 20, 1 / 4]), atol=1e-3)  # a saturated model gives the rates back


def test_one_number_gives_back_its_slope() -> None:
    draw = np.random.default_rng(0)
    x = draw.uniform(-2, 2, 200_000)
    y = (draw.random(len(x)) < 1 / (1 + np.exp(-(-1 + 0.7 * x)))).astype(int)
    model = Logistic((Feature("x", "number"),), C=1e6).fit(pd.DataFrame({"x": x}), y)
    low, high = model.predict_log_odds(pd.DataFrame({"x": [0.0, 1.0]}))
    assert low == pytest.approx(-1, abs=0.03)
    assert high - low == pytest.approx(0.7, abs=0.03)


def test_an_outlier_is_held_at_the_edge_and_a_missing_number_has_its_own_weight() -> None:
    frame, y = make_loans()
    model = Logistic(FEATURES).fit(frame, y)
    rows = frame[:2].copy()
    rows["unemployment"] = [1e9, frame["unemployment"].quantile(0.999)]
    far, edge = model.predict_log_odds(rows.assign(ltv=0.7, debt_service=0.3, region="North"))
    assert far == pytest.approx(edge)
    assert np.isfinite(model.predict_log_odds(rows.assign(ltv=np.nan))).all()


def test_a_number_that_seldom_differs_keeps_its_say() -> None:
    late = np.where(np.arange(30_000) % 300 == 0, 60.0, 0.0)  # one loan in 300: beyond the edge at 99.5 %
    y = np.where(late > 0, np.arange(30_000) % 600 == 0, np.arange(30_000) % 50 == 1).astype(int)
    model = Logistic((Feature("late", "number"),), C=1e6).fit(pd.DataFrame({"late": late}), y)
    found = model.predict_log_odds(pd.DataFrame({"late": [0.0, 60.0]}))
    rates = [y[late == value].mean() for value in (0.0, 60.0)]  # 2 % of those in order, half of the late ones
    np.testing.assert_allclose(found, logit(rates), atol=1e-2)


def test_attributions_are_weight_times_distance_from_the_background() -> None:
    frame, y = make_loans()
    model = Logistic(FEATURES).fit(frame, y)
    background = frame[frame["ltv"].between(0.4, 1.0)][:50]  # none of it is held at an edge
    done = model.explain(frame[:5], background)
    moved = frame[:5].assign(ltv=background["ltv"].mean())
    # The model is linear in LTV within its edges: φ is what setting it to the background's mean takes away.
    np.testing.assert_allclose(
        done.values["ltv"], model.predict_log_odds(frame[:5]) - model.predict_log_odds(moved), atol=1e-9
    )
