"""Are the PDs of the grades high enough? Jeffreys and binomial test by grade and for the portfolio.

H0: the applied PD is at least the true one; a small p says that it is too low (ECB, Instructions for reporting the
validation results of internal models, February 2019, section 2.5.3.1). Both take defaults as independent.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import betainc

from analytics.flags import check_flags, check_numbers, to_series
from analytics.lights import Limits, judge_low, show_light
from analytics.odds import Floats
from analytics.proportions import add_rate

ALL = "all"


def compute_jeffreys_p(pd_: ArrayLike, n: ArrayLike, defaults: ArrayLike) -> Floats:
    """Return the one-sided Jeffreys p-value of PDs (fractions): BetaCDF(PD; D + ½, N − D + ½).

    The posterior probability, under the Jeffreys prior Beta(½, ½), that the true PD is below the applied one
    (ECB 2019, 2.5.3.1; Jeffreys 1946). NaN where N is 0 or the PD is exactly 0 or 1: such a PD is not a forecast
    that counts could contradict or confirm by degrees. Raises ValueError for PDs outside [0, 1] and impossible counts.

    >>> round(float(compute_jeffreys_p(0.10342906086898278, 406, 55)), 8)
    0.01995857
    """
    p, size, count = _check_counts(pd_, n, defaults)
    value = betainc(count + 0.5, size - count + 0.5, p)
    return np.where(_is_testable(p, size), value, np.nan)


def compute_binomial_p(pd_: ArrayLike, n: ArrayLike, defaults: ArrayLike) -> Floats:
    """Return the exact one-sided binomial p-value P(X ≥ D), X ~ Binomial(N, PD) (Clopper and Pearson 1934).

    NaN and errors as in `compute_jeffreys_p`.

    >>> round(float(compute_binomial_p(0.10342906086898278, 406, 55)), 8)
    0.02389227
    """
    p, size, count = _check_counts(pd_, n, defaults)
    # P(X >= D) = I_p(D, N - D + 1); the incomplete beta function has no value at D = 0, where the tail is everything.
    tail = betainc(np.maximum(count, 1), size - count + 1, p)
    return np.where(_is_testable(p, size), np.where(count == 0, 1.0, tail), np.nan)


def _check_counts(pd_: ArrayLike, n: ArrayLike, defaults: ArrayLike) -> tuple[Floats, Floats, Floats]:
    p, size, count = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (pd_, n, defaults)))
    if not (np.isfinite(size).all() and np.isfinite(count).all() and (count >= 0).all() and (count <= size).all()):
        raise ValueError("a test of PDs needs 0 <= defaults <= n in every grade")
    known = p[~np.isnan(p)]
    if (known < 0).any() or (known > 1).any():
        raise ValueError(f"PDs lie between 0 and 1, got {known.min():g} to {known.max():g}")
    return p, size, count


def _is_testable(p: Floats, size: Floats) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.asarray((size > 0) & (p > 0) & (p < 1))


def compute_grade_tests(
    grades: ArrayLike,
    pds: ArrayLike,
    outcomes: ArrayLike,
    *,
    limits: Limits,
    exposure: ArrayLike | None = None,
    order: Sequence[Any] | None = None,
    grade_pds: Mapping[Any, float] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return one row per grade and one for the portfolio ("all", last): PD, counts, rates, both p-values, the light.

    `pds` are the final applied PDs (fractions: floors, margins and overrides in), `outcomes` 1 for a default within
    the year. A grade's PD is the mean applied PD of its loans, or its own where `grade_pds` gives it; the portfolio's
    is the mean of these by number. `order` lists all grades from best to worst, also empty ones (default: sorted).

    Columns: grade, pd, n, defaults, exposure (NaN where not given), rate, rate_low, rate_high (Jeffreys), small,
    p_jeffreys, p_binomial, outcome, light (symbol and word, by `limits` on p_jeffreys), reason (of a blank, else "").
    """
    group = to_series(grades)
    if not len(group):
        raise ValueError("a test of PDs needs at least one loan, got none")
    if group.isna().any():
        raise ValueError(f"every loan needs a grade: {int(group.isna().sum())} of {len(group)} have none")
    rows = pd.DataFrame(
        {
            "grade": group,
            "pd": check_numbers(pds, "PDs", len(group), low=0, high=1),
            "defaults": check_flags(outcomes, "outcomes", len(group)).astype("int64"),
            "exposure": np.nan if exposure is None else check_numbers(exposure, "exposure", len(group), low=0),
        }
    )
    table = _sum_by_grade(rows, order)
    if grade_pds is not None:
        table["pd"] = _own_pds(table, grade_pds)
    table = pd.concat([table, _sum_all(table)], ignore_index=True)
    return _add_tests(add_rate(table, events="defaults", n="n", level=level), limits)


def _sum_by_grade(rows: pd.DataFrame, order: Sequence[Any] | None) -> pd.DataFrame:
    found = rows.groupby("grade", sort=True, observed=True).agg(
        pd=("pd", "mean"),
        n=("pd", "size"),
        defaults=("defaults", "sum"),
        exposure=("exposure", lambda values: values.sum(min_count=1)),
    )
    if order is not None:
        if strange := [grade for grade in found.index if grade not in set(order)]:
            raise ValueError(f"grades outside the scale: {', '.join(map(str, strange))}")
        found = found.reindex(list(order))
    known = rows["exposure"].notna().all()
    found = found.assign(exposure=found["exposure"].fillna(0.0) if known else np.nan)
    return found.fillna({"n": 0, "defaults": 0}).astype({"n": "int64", "defaults": "int64"}).reset_index(names="grade")


def _own_pds(table: pd.DataFrame, grade_pds: Mapping[Any, float]) -> Floats:
    if lacking := [grade for grade in table["grade"] if grade not in grade_pds]:
        raise ValueError(f"no PD given for the grades {', '.join(map(str, lacking))}")
    return check_numbers([grade_pds[grade] for grade in table["grade"]], "PDs of the grades", low=0, high=1)


def _sum_all(table: pd.DataFrame) -> pd.DataFrame:
    known = table[table["n"] > 0]
    return pd.DataFrame(
        {
            "grade": [ALL],
            "pd": [float(np.average(known["pd"], weights=known["n"]))],
            "n": [int(table["n"].sum())],
            "defaults": [int(table["defaults"].sum())],
            "exposure": [table["exposure"].sum(min_count=1)],
        }
    )


def _add_tests(table: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    numbers = [table[name].to_numpy(dtype=float) for name in ("pd", "n", "defaults")]
    jeffreys = compute_jeffreys_p(*numbers)
    outcome = [judge_low(float(p), limits) for p in jeffreys]
    return table.assign(
        p_jeffreys=jeffreys,
        p_binomial=compute_binomial_p(*numbers),
        outcome=outcome,
        light=[show_light(word) for word in outcome],
        reason=[_give_reason(p, n) for p, n in zip(table["pd"], table["n"], strict=True)],
    )


def _give_reason(p: float, n: int) -> str:
    if n == 0:
        return "no loan in this grade"
    return f"a PD of exactly {p:g} cannot be tested" if p in (0.0, 1.0) else ""
