import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.opinion import Finding, OpinionPolicy, propose_opinion

POLICY = OpinionPolicy(minor=1, major=3, severe=6)


def findings(*outcomes):
    return [Finding(f"test {place}", outcome, "p 0.02") for place, outcome in enumerate(outcomes)]


@pytest.mark.parametrize(("outcomes", "level"), [
    (["green", "green"], 1), (["amber", "green"], 2), (["amber", "amber"], 2), (["amber"] * 3, 3), (["red"], 3),
    (["red", "amber", "amber"], 3), (["red", "red"], 4), (["green", "not run"], 1),
])  # fmt: skip
def test_the_sum_by_hand(outcomes, level):
    # Amber 1 point, red 3; minor from 1, major from 3, severe from 6.
    assert propose_opinion(findings(*outcomes), POLICY).level == level


def test_reasons_redo_the_sum():
    policy = OpinionPolicy(minor=1, major=3, severe=6, weights={"PSI": 0.5, "Jeffreys": 2})
    found = propose_opinion(
        [Finding("PSI", "amber", "0.12"), Finding("Jeffreys", "red", "p 0.001"), Finding("AUC", "green", "p 0.4")],
        policy,
    )
    assert (found.points, found.level, found.word) == (6.5, 4, "severe deficiencies")
    assert found.reasons == (
        "3 tests run, 6.5 points: severe deficiencies by the sum",
        "Jeffreys: red, 6 points (p 0.001)",
        "PSI: amber, 0.50 points (0.12)",
    )


def test_red_in_a_key_test_is_at_least_major():
    policy = OpinionPolicy(minor=5, major=50, severe=60, key=frozenset({"AUC"}))
    assert propose_opinion([Finding("AUC", "red", "fell")], policy).level == 3
    assert propose_opinion([Finding("AUC", "amber", "fell")], policy).level == 1
    assert propose_opinion([Finding("PSI", "red", "moved")], policy).level == 1
    assert propose_opinion([Finding("AUC", "red", "fell")], policy).reasons[-1].startswith("AUC is a key test")


def test_a_required_test_that_was_not_run_is_at_least_minor():
    policy = OpinionPolicy(minor=1, major=3, severe=6, required=frozenset({"AUC", "LGD"}))
    found = propose_opinion([Finding("PSI", "green", "0.01"), Finding("AUC", "not run", "one default")], policy)
    assert found.level == 2
    assert [one.test for one in found.not_run] == ["AUC"]
    assert found.reasons[-2:] == (
        "AUC is required and was not run (one default): at least a minor deficiency",
        "LGD is required and was not run (not in the list): at least a minor deficiency",
    )


@pytest.mark.parametrize("given_findings", [[], findings("not run")])
def test_no_test_gives_no_opinion_rather_than_a_good_one(given_findings):
    found = propose_opinion(given_findings, POLICY)
    assert (found.level, found.word) == (None, "no opinion")
    assert found.reasons[0] == "no test was run"


OUTCOMES = st.lists(st.sampled_from(["green", "amber", "red"]), min_size=1, max_size=8)


@given(OUTCOMES, st.integers(0, 7))
def test_a_worse_outcome_never_betters_the_opinion(outcomes, place):
    place %= len(outcomes)
    worse = list(outcomes)
    worse[place] = {"green": "amber", "amber": "red", "red": "red"}[worse[place]]
    before, after = (propose_opinion(findings(*one), POLICY) for one in (outcomes, worse))
    assert after.level >= before.level
    shuffled = propose_opinion(findings(*outcomes)[::-1], POLICY)
    assert (shuffled.level, shuffled.points) == (before.level, before.points)


@pytest.mark.parametrize(("policy", "message"), [
    (OpinionPolicy(minor=3, major=1, severe=6), "limits of the opinion"),
    (OpinionPolicy(minor=0, major=1, severe=6), "limits of the opinion"),
    (OpinionPolicy(minor=1, major=3, severe=6, amber=4), "red counts at least"),
    (OpinionPolicy(minor=1, major=3, severe=6, weights={"PSI": -1}), "0 or more"),
])  # fmt: skip
def test_bad_policies_are_refused(policy, message):
    with pytest.raises(ValueError, match=message):
        propose_opinion(findings("green"), policy)


def test_bad_findings_are_refused():
    with pytest.raises(ValueError, match="several for AUC"):
        propose_opinion([Finding("AUC", "red", ""), Finding("AUC", "green", "")], POLICY)
    with pytest.raises(ValueError, match="got 'blue'"):
        propose_opinion([Finding("AUC", "blue", "")], POLICY)
