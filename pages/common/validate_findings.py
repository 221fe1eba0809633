"""From tests to lights, by the bank's limits, and from lights to the opinion that the validate page proposes."""

from collections.abc import Callable, Mapping

import numpy as np

from analytics.grade_tests import ALL
from analytics.lights import Limits, Outcome, judge_high, judge_low
from analytics.migrations import compute_bandwidth, compute_neighbour_tests
from analytics.multiplicity import adjust_p_values
from analytics.opinion import Finding, Opinion, OpinionPolicy, propose_opinion
from analytics.words import format_factor, format_number, format_p_value, format_share
from pages.common import cached, validate_losses, validate_tests
from pages.common.cached import remember
from pages.common.overview_data import LTV_BAND
from pages.common.validate_data import Asked, policy, scale
from portfolio.policy import Lights, OpinionRule
from portfolio.selection import Selection

LABELS = {
    "portfolio_pd": "PD of the portfolio (Jeffreys)",
    "grade_pds": "PDs by grade (Jeffreys)",
    "hosmer_lemeshow": "Hosmer-Lemeshow over grades",
    "discrimination": "AUC against initial validation",
    "bandwidth": "Migration bandwidth",
    "neighbours": "Migrations against neighbours (z)",
    "concentration": "Concentration against initial (CV)",
    "concentration_index": "Concentration index (HI)",
    "psi": "Stability of grades (PSI)",
    "long_run": "Mean PD against long-run average",
    "lgd_level": "LGD level (t-test)",
    "lgd_shortfall": "LGD loss shortfall",
    "lgd_ranking": "LGD ranking (generalised AUC)",
    "ccf": "Credit conversion factor",
}
NO_CCF = "no undrawn amounts: an amortising loan has no credit line to draw on"
_Said = tuple[Outcome, str]


def _portfolio_pd(asked: Asked, lights: Lights) -> _Said:
    row = validate_tests.grades(*_args(asked)).iloc[-1]
    said = f"PD {format_share(row['pd'])}, observed {format_share(row['rate'])}, {format_p_value(row['p_jeffreys'])}"
    return judge_low(row["p_jeffreys"], Limits(*lights.portfolio_pd)), row["reason"] or said


def _grade_pds(asked: Asked, lights: Lights) -> _Said:
    table = validate_tests.grades(*_args(asked))
    each = table[(table["grade"] != ALL) & table["p_jeffreys"].notna()]
    if each.empty:
        return "not run", "no grade can be tested"
    raw = each["p_jeffreys"].to_numpy(dtype=float)
    adjusted = adjust_p_values(raw, "holm")
    worst = int(np.argmin(raw))
    low = int((raw < lights.grade_p[0]).sum())
    said = (
        f"smallest {format_p_value(float(adjusted[worst]))} (grade {each['grade'].iloc[worst]}, adjusted for "
        f"{len(each)} grades); {low} below {lights.grade_p[0]:g} before"
    )
    return judge_low(float(adjusted[worst]), Limits(*lights.grade_pds)), said


def _hosmer_lemeshow(asked: Asked, lights: Lights) -> _Said:
    test = validate_tests.hosmer_lemeshow(asked)
    said = f"χ² {format_number(test.statistic)} with {test.df} df, {format_p_value(test.p_value)}"
    return judge_low(test.p_value, Limits(*lights.hosmer_lemeshow)), test.reason or said


def _discrimination(asked: Asked, lights: Lights) -> _Said:
    test = validate_tests.discrimination(*_args(asked))
    pooled = f", {test.years} years pooled" if test.years > 1 else ""
    said = f"AUC {test.auc:.3f}, initial {test.auc_initial:.3f}, {format_p_value(test.p)}{pooled}"
    return judge_low(test.p, Limits(*lights.discrimination)), test.reason or said


def _bandwidth(asked: Asked, lights: Lights) -> _Said:
    wide = compute_bandwidth(validate_tests.migrations(*_args(asked)))
    said = (
        f"upper {format_number(wide.upper, 2)} ({wide.moved_upper:,} moved to worse grades), "
        f"lower {format_number(wide.lower, 2)} ({wide.moved_lower:,} to better)"
    )
    return judge_high(max(wide.upper, wide.lower), Limits(*lights.bandwidth)), said


def _neighbours(asked: Asked, lights: Lights) -> _Said:
    table = compute_neighbour_tests(validate_tests.migrations(*_args(asked)))
    known = table.dropna(subset=["p"])
    if known.empty:
        return "not run", "no cell can be tested"
    level = policy(asked.selection).validation.neighbour_level
    odd = int((known["p"] < level).sum())
    said = f"{odd} of {len(known)} cells more frequent than their neighbour nearer the diagonal, at {level:.0%}"
    return judge_high(odd / len(known), Limits(*lights.neighbours)), said


def _concentration(asked: Asked, lights: Lights) -> _Said:
    row = validate_tests.concentration(*_args(asked)).iloc[0]
    _, source = validate_tests.initial_cv(asked)
    if np.isnan(row["cv_initial"]):
        return "not run", source
    said = f"CV {row['cv']:.2f}, initial {row['cv_initial']:.2f} ({source}), {format_p_value(row['p'])}"
    return judge_low(row["p"], Limits(*lights.concentration)), row["reason"] or said


def _concentration_index(asked: Asked, lights: Lights) -> _Said:
    row = validate_tests.concentration(*_args(asked)).iloc[0]
    return judge_high(row["hi"], Limits(*lights.concentration_index)), f"HI {row['hi']:.2f} by number, 1 is one grade"


def _psi(asked: Asked, lights: Lights) -> _Said:
    table = validate_tests.psi(*_args(asked))
    row = table[table["date"] == asked.key].iloc[0] if (table["date"] == asked.key).any() else table.iloc[0]
    if row["reason"]:
        return "not run", row["reason"]
    said = f"PSI {format_number(row['psi'], 3)} on {row['date']}, critical value {format_number(row['critical'], 3)}"
    within = row["psi"] <= row["critical"]  # no more than chance, whatever the convention says
    return "green" if within else judge_high(row["psi"], Limits(*lights.psi)), said


def _long_run(asked: Asked, lights: Lights) -> _Said:
    table, average = validate_tests.long_run(*_args(asked))
    if average.windows < 2:
        return "not run", f"one year is no long run: {average.sentence}"
    if average.rate <= 0:
        return "not run", f"no {cached.portfolio(asked.selection).schema.event} in any year"
    mean = float(table["pd"].iloc[-1])
    ratio = mean / average.rate
    said = f"mean PD {format_share(mean)}, {format_factor(ratio)} times the long-run average {average.sentence}"
    return judge_low(ratio, Limits(*lights.long_run)), said


def _lgd_level(asked: Asked, lights: Lights) -> _Said:
    row = validate_losses.tests(asked.selection, LTV_BAND).iloc[-1]
    said = (
        f"realised {format_share(row['realised'])}, estimated {format_share(row['estimated'])} of "
        f"{row['n']:,} defaults, {format_p_value(row['p'])}"
    )
    return judge_low(row["p"], Limits(*lights.lgd_level)), said if np.isfinite(row["p"]) else row["reason"]


def _lgd_shortfall(asked: Asked, lights: Lights) -> _Said:
    row = validate_losses.tests(asked.selection, LTV_BAND).iloc[-1]
    if np.isnan(row["shortfall"]):
        return "not run", row["reason"]
    said = f"{format_share(row['shortfall'])} of the loss was not estimated"
    return judge_high(row["shortfall"], Limits(*lights.lgd_shortfall)), said


def _lgd_ranking(asked: Asked, lights: Lights) -> _Said:
    test = validate_losses.ranking(asked.selection)
    said = f"generalised AUC {test.gauc:.3f}, s {test.s:.3f}"
    if test.reason:
        return "not run", f"{test.reason}; {said}"
    return judge_low(
        test.p, Limits(*lights.lgd_ranking)
    ), f"{said}, initial {test.initial:.3f}, {format_p_value(test.p)}"


def _ccf(_asked: Asked, _lights: Lights) -> _Said:
    return "not run", NO_CCF


_JUDGES: Mapping[str, Callable[[Asked, Lights], _Said]] = {
    "portfolio_pd": _portfolio_pd,
    "grade_pds": _grade_pds,
    "hosmer_lemeshow": _hosmer_lemeshow,
    "discrimination": _discrimination,
    "bandwidth": _bandwidth,
    "neighbours": _neighbours,
    "concentration": _concentration,
    "concentration_index": _concentration_index,
    "psi": _psi,
    "long_run": _long_run,
    "lgd_level": _lgd_level,
    "lgd_shortfall": _lgd_shortfall,
    "lgd_ranking": _lgd_ranking,
    "ccf": _ccf,
}


def _args(asked: Asked) -> tuple[Selection, str, str]:
    return asked.selection, asked.ref, asked.key


@remember
def opinion(selection: Selection, ref: str, key: str) -> Opinion:
    """Return the opinion that the policy makes of all tests; a test that cannot be run says why."""
    asked, criteria = Asked(selection, ref, key), policy(selection)
    scale(asked)  # without a master scale there is nothing to say: its ValueError is the page's
    found = []
    for name, judge in _JUDGES.items():
        try:
            outcome, reason = judge(asked, criteria.lights)
        except ValueError as error:
            outcome, reason = "not run", str(error)
        found.append(Finding(LABELS[name], outcome, reason))
    return propose_opinion(found, _rule(criteria.opinion))


def _rule(rule: OpinionRule) -> OpinionPolicy:
    """Return the policy's rule with the tests' names as the page calls them."""
    return OpinionPolicy(
        minor=rule.minor,
        major=rule.major,
        severe=rule.severe,
        amber=rule.amber,
        red=rule.red,
        weights={LABELS[name]: weight for name, weight in rule.weights.items()},
        key=frozenset(LABELS[name] for name in rule.key),
        required=frozenset(LABELS[name] for name in rule.required),
    )
