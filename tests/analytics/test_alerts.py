"""Alerts: they fire on what is planted and stay silent on a stable book, at a stated rate of false alarms."""

import datetime

import numpy as np
import pandas as pd
import pytest

from analytics.alerts import Limits, judge_age, judge_calibration, judge_change, judge_level, judge_limit
from analytics.rate_change import compute_change

LIMITS = Limits()


def months(events, n=20_000):
    return pd.DataFrame({"late": events, "loans": n})


def judged(events, n=20_000):
    return judge_level(months(events, n), events="late", n="loans", limits=LIMITS)


def test_a_planted_rise_fires_and_a_large_one_asks_to_act():
    rng = np.random.default_rng(1)
    calm = list(rng.binomial(20_000, 0.01, 30))
    assert judged([*calm, 290]).level == "watch"
    assert judged([*calm, 330]).level == "act"
    assert judged([*calm, 200]).level == ""
    assert judged([*calm, 100]).level == ""  # a fall is no alert


def test_the_range_is_that_of_the_two_years_before():
    # 290 was usual three years ago; the last 24 months hold 200: it is an alert all the same.
    assert judged([290] * 20 + [198, 202] * 12 + [290]).reference == pytest.approx(0.01)
    assert judged([290] * 20 + [198, 202] * 12 + [290]).level == "watch"


def test_less_than_a_year_before_it_cannot_be_judged():
    assert judged([200] * 12) is None
    assert judged([200] * 13).level == ""


def test_false_alarms_of_a_stable_book_are_rare():
    rng = np.random.default_rng(2)
    fired = sum(judged(rng.binomial(20_000, 0.01, 25)).level != "" for _ in range(600))
    assert fired <= 6  # 1 % of months; for arrears that persist see the next


def test_false_alarms_of_arrears_that_persist_are_rare():
    """Loans stay in arrears: of 20,000, 30 % of last month's late loans recover, and as many others come in."""
    rng, fired, held = np.random.default_rng(3), 0, []
    late = 200
    for _ in range(3000):
        late = rng.binomial(late, 0.7) + rng.poisson(60)
        held.append(late)
    ends = range(25, 3000, 4)
    for end in ends:
        fired += judged(held[end - 25 : end]).level != ""
    assert fired <= 0.015 * len(ends)


def two(events_before, events_after, n=20_000):
    frames = [
        pd.DataFrame({"field": "f", "value": "a", "n": [n], "events": [e]}) for e in (events_before, events_after)
    ]
    return compute_change(*frames, events="events", n="n")


def test_a_rise_of_the_default_rate():
    assert judge_change(two(200, 260), limits=LIMITS).level == "watch"  # 1.0 to 1.3 %
    assert judge_change(two(200, 320), limits=LIMITS).level == "act"  # 1.6 times
    assert judge_change(two(200, 215), limits=LIMITS).level == ""
    assert judge_change(two(260, 200), limits=LIMITS).level == ""
    assert judge_change(two(2, 4), limits=LIMITS).level == ""  # too few to judge


def test_false_alarms_of_a_stable_default_rate():
    rng = np.random.default_rng(4)
    pairs = rng.binomial(20_000, 0.01, (250, 2))
    fired = sum(judge_change(two(*pair), limits=LIMITS).level != "" for pair in pairs)
    assert fired <= 14  # one-sided 2.5 %, 6 of 250, and three standard errors


def test_calibration_off_and_on():
    # 200 of 20,000 expected. O/E = 1.6 acts, 1.3 watches, 1.1 is within a fifth, 0.6 is too high a PD.
    levels = [judge_calibration(d, 200, 20_000, limits=LIMITS).level for d in (330, 260, 220, 120)]
    assert levels == ["act", "watch", "", "watch"]
    assert judge_calibration(2, 1.0, 100, limits=LIMITS).level == ""  # twice as much, of two defaults
    assert judge_calibration(0, 0.0, 0, limits=LIMITS) is None
    found = judge_calibration(260, 200, 20_000, limits=LIMITS)
    assert found.value == pytest.approx(1.3)
    assert found.low < 1.3 < found.high


def test_limits_and_age():
    assert [judge_limit(share, 0.2).level for share in (0.19, 0.2, 0.21, 0.31, np.nan)] == ["", "", "watch", "act", ""]
    day = datetime.date(2026, 6, 30)
    assert judge_age(day, day + datetime.timedelta(100), limits=LIMITS).level == ""
    assert judge_age(day, day + datetime.timedelta(101), limits=LIMITS).level == "watch"
