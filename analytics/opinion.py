"""The validation opinion, 1 to 4, proposed from the outcomes of tests by a rule of the bank's policy, with reasons.

The rule is a sum that can be redone on paper: every amber test counts `amber` points and every red one `red` points,
times the test's weight; the sum is read off against three limits. Two rules can only worsen it: red in a key
test is at least a major deficiency, and a required test that was not run at least a minor one. A person decides:
this is a proposal (scale: ECB, Instructions for reporting the validation results of internal models, February 2019).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from analytics.lights import Outcome
from analytics.words import format_number

WORDS = {1: "no deficiencies", 2: "minor deficiencies", 3: "major deficiencies", 4: "severe deficiencies"}


@dataclass(frozen=True)
class Finding:
    """What one test found: its name, the outcome as a traffic light (or "not run"), and the reason in a few words."""

    test: str
    outcome: Outcome
    reason: str


@dataclass(frozen=True)
class OpinionPolicy:
    """How outcomes become an opinion.

    `amber` and `red` are points of a test of weight 1; `weights` gives other weights by test; opinion 2, 3 and 4 begin
    at `minor`, `major` and `severe` points. `key` tests and `required` tests are told in the module.
    """

    minor: float
    major: float
    severe: float
    amber: float = 1.0
    red: float = 3.0
    weights: Mapping[str, float] = field(default_factory=dict)
    key: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Opinion:
    """The proposed level 1 to 4 (None where no test was run), its word, points and reasons, and what was not run."""

    level: int | None
    word: str
    points: float
    reasons: tuple[str, ...]
    not_run: tuple[Finding, ...]
    findings: tuple[Finding, ...]


def propose_opinion(findings: Sequence[Finding], policy: OpinionPolicy) -> Opinion:
    """Return the opinion that `policy` makes of `findings`, each test at most once.

    Raises ValueError for a test that is given twice, an outcome that is none, or a policy whose limits do not rise
    or whose points or weights are negative.

    >>> policy = OpinionPolicy(minor=1, major=3, severe=6)
    >>> propose_opinion([Finding("PSI", "amber", "0.12"), Finding("AUC", "green", "p 0.4")], policy).level
    2
    """
    _check(findings, policy)
    not_run = tuple(found for found in findings if found.outcome == "not run")
    run = [found for found in findings if found.outcome != "not run"]
    missing = _find_missing(findings, policy)
    if not run:
        return Opinion(None, "no opinion", 0.0, ("no test was run", *missing), not_run, tuple(findings))
    points = {found.test: _count(found, policy) for found in run}
    total = sum(points.values())
    level = 1 + sum(total >= limit for limit in (policy.minor, policy.major, policy.severe))
    reasons = [f"{len(run)} tests run, {_say_points(total)}: {WORDS[level]} by the sum"]
    worst = sorted((found for found in run if points[found.test] > 0), key=lambda found: -points[found.test])
    reasons += [f"{found.test}: {found.outcome}, {_say_points(points[found.test])} ({found.reason})" for found in worst]
    for found in run:
        if found.outcome == "red" and found.test in policy.key:
            reasons.append(f"{found.test} is a key test: red in it is at least a major deficiency")
            level = max(level, 3)
    if missing:
        reasons += missing
        level = max(level, 2)
    return Opinion(level, WORDS[level], total, tuple(reasons), not_run, tuple(findings))


def _check(findings: Sequence[Finding], policy: OpinionPolicy) -> None:
    names = [found.test for found in findings]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"each test gives one finding, got several for {', '.join(twice)}")
    if strange := [found.outcome for found in findings if found.outcome not in get_args(Outcome)]:
        raise ValueError(f"an outcome is green, amber, red or not run, got {strange[0]!r}")
    if not 0 < policy.minor <= policy.major <= policy.severe:
        raise ValueError(
            f"limits of the opinion rise from above 0: got {policy.minor:g}, {policy.major:g}, {policy.severe:g}"
        )
    if not 0 <= policy.amber <= policy.red or any(weight < 0 for weight in policy.weights.values()):
        raise ValueError("points and weights are 0 or more, and red counts at least as much as amber")


def _count(found: Finding, policy: OpinionPolicy) -> float:
    points = {"amber": policy.amber, "red": policy.red}.get(found.outcome, 0.0)
    return points * policy.weights.get(found.test, 1.0)


def _find_missing(findings: Sequence[Finding], policy: OpinionPolicy) -> list[str]:
    outcomes = {found.test: found.outcome for found in findings}
    reasons = {found.test: found.reason for found in findings}
    return [
        f"{test} is required and was not run ({reasons.get(test, 'not in the list')}): at least a minor deficiency"
        for test in sorted(policy.required)
        if outcomes.get(test, "not run") == "not run"
    ]


def _say_points(points: float) -> str:
    return f"{format_number(points)} point{'' if points == 1 else 's'}"
