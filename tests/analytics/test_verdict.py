"""The verdict on planted challengers, on intervals set by hand, and on what cannot be judged."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import binom

from analytics.performance import compute_metrics, compute_paired_differences
from analytics.segments import compute_segment_differences
from analytics.verdict import CRITERIA, Rules, count_segments, judge_challenger

RULES = Rules()


def judged(y, champion, challenger, *, segments=None, rules=RULES, **given):
    """The verdict from outcomes and PDs, through the functions that the page uses."""
    scores = {"old": champion, "new": challenger}
    table = None
    if segments is not None:
        metric = rules.primary_metric
        table = compute_segment_differences(y, scores, "old", segments, metrics=(metric,),
                                            margins={metric: rules.margin})  # fmt: skip
    metrics = compute_metrics(y, {"new": challenger})
    return judge_challenger(compute_paired_differences(y, scores, "old"), metrics, rules, segments=table, **given)


def book(n=30_000, seed=5):
    """Outcomes with the log-odds that they were drawn from: about 7 in 100."""
    random = np.random.default_rng(seed)
    truth = -3.2 + 1.1 * random.normal(size=n)
    return random, truth, (random.random(n) < expit(truth)).astype(int)


def differences(low, high, *, metric="gini", n=1000, events=100):
    """One row of paired differences with the interval [low, high]."""
    row = {"metric": metric, "difference": (low + high) / 2, "low": low, "high": high, "p_value": 0.5, "n": n,
           "events": events}  # fmt: skip
    return pd.DataFrame([row])


def fitting(level=(0.9, 1.1), slope=(0.9, 1.1), n=1000, events=100):
    rows = [("o_e_ratio", *level), ("calibration_slope", *slope)]
    return pd.DataFrame(
        [{"metric": name, "estimate": (low + high) / 2, "low": low, "high": high, "n": n, "events": events}
         for name, low, high in rows]
    )  # fmt: skip


class TestPlanted:
    def test_a_truly_better_challenger(self):
        random, truth, y = book()
        old = expit(-2.9 + 0.75 * (truth + 3.2 + random.normal(size=truth.size)))
        verdict = judged(y, old, expit(truth), stability=0.002)
        assert verdict.decision == "better"
        assert verdict.with_outcome("passed") == ("superior", "no worse", "level", "slope", "stability")
        assert verdict.p_value < 0.001

    def test_two_truly_equal_models(self):
        # Both see the truth through noise of the same size: their Ginis are equal, their PDs are not.
        random, truth, y = book()
        noisy = [expit(truth + 0.15 * random.normal(size=truth.size)) for _ in range(2)]
        verdict = judged(y, *noisy)
        assert verdict.decision == "no worse"
        # The interval lies within ±0.01, so that any gain is smaller than the margin: superiority has failed.
        assert verdict.criterion("superior").passed is False
        assert verdict.criterion("no worse").passed is True

    def test_the_same_model_twice(self):
        _, truth, y = book(2000)
        verdict = judged(y, expit(truth), expit(truth), rules=Rules(margin=0.0))
        assert (verdict.decision, verdict.p_value) == ("no worse", 1.0)
        assert verdict.criterion("superior").value == 0

    def test_a_better_ranking_but_miscalibrated_challenger(self):
        random, truth, y = book()
        old = expit(-2.9 + 0.75 * (truth + 3.2 + random.normal(size=truth.size)))
        # Log-odds 0.7 too high: e^0.7 ≈ 2 times the odds, so about half of the expected events happen.
        verdict = judged(y, old, expit(truth + 0.7))
        assert verdict.decision == "mixed"
        assert verdict.criterion("superior").passed is True
        assert verdict.with_outcome("failed") == ("level",)
        assert 0.5 < verdict.criterion("level").value < 0.6

    def test_overconfident_pds_fail_on_the_slope(self):
        _, truth, y = book()
        verdict = judged(y, expit(truth), expit(2 * truth + 3.0))  # ranks alike; the slope of log-odds is a half
        assert verdict.decision == "mixed"
        assert verdict.criterion("slope").passed is False
        assert verdict.criterion("slope").value == pytest.approx(0.5, abs=0.05)

    def test_a_worse_challenger(self):
        random, truth, y = book()
        new = expit(-2.9 + 0.75 * (truth + 3.2 + random.normal(size=truth.size)))
        verdict = judged(y, expit(truth), new)
        assert verdict.decision == "worse"
        assert verdict.with_outcome("failed")[:2] == ("superior", "no worse")

    def test_worse_in_one_segment(self):
        random, truth, y = book(60_000)
        segment = random.choice(["owner-occupied", "buy-to-let"], truth.size)
        noise = random.normal(size=truth.size)
        spoilt = segment == "buy-to-let"
        old = expit(truth + np.where(spoilt, 0.0, 1.2 * noise))
        new = expit(truth + np.where(spoilt, 1.2 * noise, 0.0))
        verdict = judged(y, old, new, segments={"occupancy": segment})
        counts = verdict.segments
        assert (counts.judged, counts.worse_in, counts.better_in) == (
            2, (("occupancy", "buy-to-let"),), (("occupancy", "owner-occupied"),)
        )  # fmt: skip
        assert verdict.criterion("segments").passed is False

    def test_too_few_events_decide_nothing(self):
        random = np.random.default_rng(1)
        y = np.r_[np.ones(4, dtype=int), np.zeros(400, dtype=int)]
        verdict = judged(y, random.random(404), np.r_[np.full(4, 0.9), np.full(400, 0.1)])
        assert verdict.decision == "not clear"
        assert {verdict.criterion(name).outcome for name in ("superior", "no worse", "level")} == {"not clear"}
        assert "too few" in verdict.criterion("superior").reason

    def test_a_constant_score_is_worse_and_has_no_slope(self):
        _, truth, y = book(5000)
        verdict = judged(y, expit(truth), np.full(y.size, y.mean()))
        assert verdict.decision == "worse"
        slope = verdict.criterion("slope")
        assert (slope.outcome, np.isnan(slope.value)) == ("not run", True)
        assert "cannot be had" in slope.reason

    def test_equal_models_are_seldom_called_better(self):
        # One-sided at 2.5 %: of 300 null samples the 99.9 % point of the binomial is not passed.
        random = np.random.default_rng(8)
        better = 0
        for _ in range(300):
            truth = -2 + random.normal(size=1500)
            y = random.random(1500) < expit(truth)
            scores = {name: expit(truth + random.normal(size=1500)) for name in ("old", "new")}
            found = compute_paired_differences(y, scores, "old", metrics=("gini",))
            better += judge_challenger(found, fitting(), RULES).decision == "better"
        assert better <= binom.ppf(0.999, 300, 0.025)


@pytest.mark.parametrize(("low", "high", "superior", "no_worse", "decision"), [
    (0.001, 0.030, True, True, "better"),
    (-0.009, 0.030, None, True, "no worse"),  # above −0.01, holds 0, a gain above 0.01 is possible
    (-0.009, 0.009, False, True, "no worse"),  # any gain is below the margin
    (-0.009, -0.001, False, True, "no worse"),  # clearly lower, but within the margin
    (-0.020, -0.001, False, None, "worse"),
    (-0.030, -0.011, False, False, "worse"),
    (-0.020, 0.030, None, None, "not clear"),
    (np.nan, np.nan, None, None, "not clear"),
])  # fmt: skip
@pytest.mark.parametrize("metric", ["gini", "brier"])
def test_the_interval_against_zero_and_the_margin(low, high, superior, no_worse, decision, metric):
    if metric == "brier":  # lower is better: the same interval with its sign turned
        low, high = -high, -low
    verdict = judge_challenger(differences(low, high, metric=metric), fitting(), Rules(primary_metric=metric))
    found = (verdict.criterion("superior").passed, verdict.criterion("no worse").passed, verdict.decision)
    assert found == (superior, no_worse, decision)


@pytest.mark.parametrize(("interval", "outcome"), [
    ((0.9, 1.1), "passed"),
    ((0.7, 0.95), "passed"),  # estimate 0.825 in the band
    ((0.6, 0.9), "not clear"),  # estimate 0.75 outside, the interval reaches in
    ((0.5, 1.6), "not clear"),  # holds the whole band: says nothing
    ((0.6, 0.79), "failed"),
    ((1.26, 1.5), "failed"),
])  # fmt: skip
@pytest.mark.parametrize("name", ["level", "slope"])
def test_the_interval_against_the_band(interval, outcome, name):
    verdict = judge_challenger(differences(0.01, 0.03), fitting(**{name: interval}), RULES)
    assert verdict.criterion(name).outcome == outcome
    assert verdict.decision == ("mixed" if outcome == "failed" else "better")


def test_what_is_not_run_does_not_decide_and_says_why():
    verdict = judge_challenger(differences(0.01, 0.03), fitting(), RULES, stability_reason="no seeds yet")
    assert verdict.decision == "better"
    assert verdict.with_outcome("not run") == ("segments", "stability")
    assert verdict.criterion("stability").reason == "no seeds yet"
    assert tuple(item.name for item in verdict.criteria) == CRITERIA


@pytest.mark.parametrize(("deviation", "decision"), [(0.01, "better"), (0.0101, "mixed")])
def test_seeds_that_move_the_gini_too_much(deviation, decision):
    assert judge_challenger(differences(0.01, 0.03), fitting(), RULES, stability=deviation).decision == decision


def test_segments_are_counted_by_verdict():
    verdicts = ["better", "no worse", "no worse", "worse", "not clear", ""]
    rows = pd.DataFrame({"field": "f", "segment": list("abcdef"), "metric": "gini", "verdict": verdicts})
    other = rows.assign(metric="brier", verdict="worse")
    found = count_segments(pd.concat([rows, other]), "gini")
    assert (found.better, found.no_worse, found.worse, found.not_clear, found.small, found.judged) == (1, 2, 1, 1, 1, 5)
    assert found.worse_in == (("f", "d"),)


def test_segments_that_are_all_too_small_are_not_run():
    rows = pd.DataFrame({"field": ["f"], "segment": ["a"], "metric": ["gini"], "verdict": [""]})
    item = judge_challenger(differences(0.01, 0.03), fitting(), RULES, segments=rows).criterion("segments")
    assert (item.outcome, item.reason) == ("not run", "no segment is large enough to be judged")


def test_values_are_put_in_words_with_their_limits():
    verdict = judge_challenger(differences(0.031, 0.061), fitting(), RULES)
    assert verdict.criterion("superior").words == "Gini +0.046 [0.031, 0.061]"
    assert verdict.criterion("no worse").limit == "interval above −0.010"
    assert verdict.criterion("level").limit == "0.80 to 1.25"
    lower = judge_challenger(differences(-0.02, -0.01, metric="brier"), fitting(), Rules(primary_metric="brier"))
    assert lower.criterion("no worse").limit == "interval below +0.0100"


@pytest.mark.parametrize(("frames", "message"), [
    ((pd.concat([differences(0, 1)] * 2), fitting()), "one row for the metric 'gini'.*got 2"),
    ((differences(0, 1, metric="ks"), fitting()), "got 0"),
    ((differences(0, 1), fitting().iloc[:1]), "calibration_slope"),
])  # fmt: skip
def test_frames_that_cannot_be_judged_are_refused(frames, message):
    with pytest.raises(ValueError, match=message):
        judge_challenger(*frames, RULES)


def test_a_metric_without_a_direction_is_refused():
    with pytest.raises(ValueError, match="better direction"):
        judge_challenger(differences(0, 1, metric="o_e_ratio"), fitting(), Rules(primary_metric="o_e_ratio"))
