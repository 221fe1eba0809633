"""The competing-risks network: chances sum to one, and without features they are the Aalen-Johansen estimate."""

import numpy as np
import pandas as pd
import pytest
from sksurv.nonparametric import cumulative_incidence_competing_risks

from models.encoding import Feature
from models.networks.competing import CompetingRisks, incidence
from portfolio.errors import HypothecError
from portfolio.outcomes import DEFAULT, ENDED
from portfolio.snapshots import HORIZON

GROUP = (Feature("group", "category"),)
PLAIN = {"hidden": (8,), "dropout": 0.0, "epochs": 6, "learning_rate": 0.01, "batch_size": 256}


def make_courses(rows: int = 4000, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame]:
    """Two groups: chances a month of default 1 and 3 %, of repayment 2 and 1 %; a tenth is watched for 6 months."""
    draw = np.random.default_rng(seed)
    group = draw.choice(["A", "B"], rows)
    defaults, ends = np.where(group == "A", 0.01, 0.03), np.where(group == "A", 0.02, 0.01)
    watched = np.where(draw.random(rows) < 0.1, 6, HORIZON)
    event, months = np.zeros(rows, dtype=int), watched.copy()
    for month in range(HORIZON, 0, -1):
        chance = draw.random(rows)
        here = month <= watched
        event = np.where(here & (chance < defaults), DEFAULT, np.where(here & (chance < defaults + ends), ENDED, event))
        months = np.where(here & (chance < defaults + ends), month, months)
    return (pd.DataFrame({"group": group}), (event == DEFAULT).astype(int),
            pd.DataFrame({"event": event, "months": months}))  # fmt: skip


@pytest.fixture(scope="module")
def courses() -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame]:
    return make_courses()


@pytest.fixture(scope="module")
def fitted(courses: tuple[pd.DataFrame, np.ndarray, pd.DataFrame]) -> CompetingRisks:
    frame, y, course = courses
    return CompetingRisks(GROUP, **PLAIN).fit(frame, y, course=course)


def test_the_chances_sum_to_one_and_only_staying_falls(fitted: CompetingRisks, courses: tuple) -> None:
    course = fitted.predict_course(courses[0][:50])
    assert course.shape == (50, HORIZON, 3)
    np.testing.assert_allclose(course.sum(axis=2), 1, atol=1e-12)
    assert (np.diff(course[..., 0], axis=1) <= 0).all()
    assert (np.diff(course[..., 1:], axis=1) >= 0).all()


def test_months_in_which_no_loan_was_watched_start_without_hazards(courses: tuple) -> None:
    frame, y, course = courses
    half = course.assign(event=course["event"].where(course["months"] <= 6, 0), months=course["months"].clip(upper=6))
    model = CompetingRisks(GROUP, **{**PLAIN, "epochs": 1, "learning_rate": 1e-6}).fit(frame, y, course=half)
    found = model.predict_course(frame[:1])[0]
    assert found[5, DEFAULT] > 0.05
    np.testing.assert_allclose(found[6:], found[5:6].repeat(6, axis=0), atol=1e-4)


def test_without_features_it_is_the_aalen_johansen_estimate(courses: tuple) -> None:
    frame, y, course = courses
    alone = frame.assign(group="everyone")
    model = CompetingRisks(GROUP, **{**PLAIN, "epochs": 3, "learning_rate": 1e-4}).fit(alone, y, course=course)
    found = model.predict_course(alone[:1])[0]
    times, curves = cumulative_incidence_competing_risks(course["event"].to_numpy(), course["months"].to_numpy())
    np.testing.assert_array_equal(times[-HORIZON:], np.arange(1, HORIZON + 1))
    np.testing.assert_allclose(found[:, DEFAULT], curves[1][-HORIZON:], atol=2e-3)  # float32 steps around the optimum
    np.testing.assert_allclose(found[:, ENDED], curves[2][-HORIZON:], atol=2e-3)


def test_it_learns_the_groups_hazards(fitted: CompetingRisks) -> None:
    course = fitted.predict_course(pd.DataFrame({"group": ["A", "B"]}))
    for place, (default, end) in enumerate([(0.01, 0.02), (0.03, 0.01)]):
        stayed = (1 - default - end) ** np.arange(HORIZON)  # closed form: F_d(m) = h_d Σ (1 − h_d − h_e)^(t − 1)
        assert course[place, -1, DEFAULT] == pytest.approx(default * stayed.sum(), rel=0.15)
        assert course[place, -1, ENDED] == pytest.approx(end * stayed.sum(), rel=0.2)


def test_the_pd_grows_with_the_horizon_and_ends_at_the_models_own(fitted: CompetingRisks, courses: tuple) -> None:
    frame = courses[0][:20]
    fitted.calibrate(courses[0], courses[1])
    by_month = np.column_stack([fitted.predict_pd(frame, months) for months in range(1, HORIZON + 1)])
    assert (np.diff(by_month, axis=1) > 0).all()
    np.testing.assert_allclose(by_month[:, -1], fitted.predict_proba(frame)[:, 1])
    for months in (0, HORIZON + 1):
        with pytest.raises(HypothecError, match="a PD is given for 1 to 12 months"):
            fitted.predict_pd(frame, months)


def test_watched_in_part_counts_in_part(courses: tuple) -> None:
    # All loans watched for six months with a monthly chance of 3 % in B: treating them as twelve would halve it.
    frame, _, course = make_courses(6000, seed=2)
    short = course["months"].clip(upper=6)
    event = course["event"].where(course["months"] <= 6, 0)
    seen = pd.DataFrame({"event": event, "months": short})
    model = CompetingRisks(GROUP, **PLAIN).fit(frame, (event == DEFAULT).astype(int), course=seen)
    six = model.predict_course(pd.DataFrame({"group": ["B"]}))[0, 5, DEFAULT]
    assert six == pytest.approx(0.03 * (0.96 ** np.arange(6)).sum(), rel=0.2)


def test_without_a_course_the_twelve_month_pd_is_right(courses: tuple) -> None:
    frame, y, _ = courses
    model = CompetingRisks(GROUP, **PLAIN).fit(frame, y)
    for group in ("A", "B"):
        here = (frame["group"] == group).to_numpy()
        assert model.predict_proba(frame[here][:1])[0, 1] == pytest.approx(y[here].mean(), rel=0.15)


@pytest.mark.parametrize(("change", "message"), [
    ({"event": 3}, "an event 0, 1 or 2"), ({"months": 13}, "lie in 1 to 12, got 13"),
    ({"event": 1, "months": 0}, "lie in 1 to 12, got 0"),
])  # fmt: skip
def test_an_impossible_course_is_refused(courses: tuple, change: dict, message: str) -> None:
    frame, y, course = courses
    wrong = course.copy()
    for name, value in change.items():
        wrong.loc[3, name] = value
    with pytest.raises(HypothecError, match=message):
        CompetingRisks(GROUP, **PLAIN).fit(frame, y, course=wrong)


def test_incidence_by_hand() -> None:
    # two months: 10 % default, 20 % end; then 50 % default of the 70 % that stayed
    steps = np.log(np.array([[[0.7, 0.1, 0.2], [0.5, 0.5, 1e-300]]]))
    np.testing.assert_allclose(incidence(steps)[0], [[0.7, 0.1, 0.2], [0.35, 0.45, 0.2]], atol=1e-12)
