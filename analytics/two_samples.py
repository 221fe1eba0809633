"""Do two groups differ in one field: tests, effect sizes and intervals for numbers and for categories.

Where a loan stands in both groups, or several times in one, its rows are not independent: given `cluster`
(codes of loans, first of group A, then of group B), variances are those of sums over loans of each row's
influence on the estimate, and p-values come from these (for the probability of superiority: Obuchowski 1997,
Biometrics 53; without repeats it is DeLong's). Large samples of loans are taken for granted then.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.associations import compute_cramers_v
from analytics.odds import Floats
from analytics.proportions import compute_jeffreys_interval

LEVEL = 0.95
FEW_EXPECTED = 5
# Cliff's delta: Romano et al. (2006). Cramér's V between two groups is Cohen's w (1988).
NUMBER_STEPS = (0.147, 0.33, 0.474)
CATEGORY_STEPS = (0.1, 0.3, 0.5)
STRENGTHS = ("negligible", "small", "medium", "large")


@dataclass(frozen=True)
class Difference:
    """How two groups differ in one field.

    `difference` is A less B: of means, or for categories of the shares of `value`, the category with the
    largest gap; `low` and `high` its 95 % interval. `p` is the test that the ranking uses (Mann-Whitney, χ²,
    Fisher or clustered), `p_mean` Welch's. `effect` is on one scale for all fields, 0 to 1 in size: Cliff's
    delta with its sign, or Cramér's V with both groups given the same weight (bias-corrected), because the plain
    V shrinks when one group is small. `superiority` is P(A > B) + ½ P(A = B).
    """

    test: str
    p: float
    a: float
    b: float
    difference: float
    low: float
    high: float
    effect: float
    strength: str
    p_mean: float = np.nan
    superiority: float = np.nan
    hedges_g: float = np.nan
    cramers_v: float = np.nan
    value: str = ""
    pooled: int = 0


def judge_strength(effect: float, steps: tuple[float, ...]) -> str:
    """Return the word for an effect's size.

    >>> judge_strength(-0.2, NUMBER_STEPS), judge_strength(0.5, CATEGORY_STEPS)
    ('small', 'large')
    """
    return STRENGTHS[int(np.searchsorted(steps, abs(effect), side="right"))] if np.isfinite(effect) else "not known"


def compare_numbers(a: Floats, b: Floats, cluster: np.ndarray | None = None) -> Difference | None:
    """Return how two groups of numbers differ, or None where a group has fewer than two or nothing varies.

    Welch's t for the means, Mann-Whitney's U for the ranks, Cliff's delta = 2 P(A > B) + P(A = B) − 1, Hedges' g.
    Missing values are left out.
    """
    known_a, known_b = ~np.isnan(a), ~np.isnan(b)
    x, y = a[known_a], b[known_b]
    if min(x.size, y.size) < 2 or (np.ptp(x) == 0 and np.ptp(y) == 0 and x[0] == y[0]):
        return None
    loans = None if cluster is None else cluster[np.concatenate([known_a, known_b])]
    superiority, influence = _place(x, y)
    if loans is None:
        test, p, p_mean, low, high = _test_numbers(x, y)
    else:
        test, p, p_mean, low, high = _test_numbers_clustered(x, y, superiority, influence, loans)
    effect = 2 * superiority - 1
    return Difference(
        test, p, float(x.mean()), float(y.mean()), float(x.mean() - y.mean()), low, high, effect,
        judge_strength(effect, NUMBER_STEPS), p_mean=p_mean, superiority=superiority, hedges_g=_hedges_g(x, y),
    )  # fmt: skip


def _place(x: Floats, y: Floats) -> tuple[float, Floats]:
    """Return P(A > B) + ½ P(A = B) and each row's influence on it: DeLong's placements, centred."""
    from scipy.stats import rankdata

    joint = rankdata(np.concatenate([x, y]))
    above = (joint[: x.size] - rankdata(x)) / y.size  # share of B below each of A
    below = 1 - (joint[x.size :] - rankdata(y)) / x.size  # share of A above each of B
    superiority = float(above.mean())
    return superiority, np.concatenate([(above - superiority) / x.size, (below - superiority) / y.size])


def _test_numbers(x: Floats, y: Floats) -> tuple[str, float, float, float, float]:
    from scipy.stats import mannwhitneyu, ttest_ind

    p = float(mannwhitneyu(x, y).pvalue)
    if np.ptp(x) == 0 and np.ptp(y) == 0:  # two different constants: no variance to judge the means by
        return "Mann–Whitney", p, np.nan, np.nan, np.nan
    welch = ttest_ind(x, y, equal_var=False)
    interval = welch.confidence_interval(LEVEL)
    return "Mann–Whitney", p, float(welch.pvalue), float(interval.low), float(interval.high)


def _test_numbers_clustered(
    x: Floats, y: Floats, superiority: float, influence: Floats, loans: np.ndarray
) -> tuple[str, float, float, float, float]:
    from scipy.stats import t

    difference = float(x.mean() - y.mean())
    means = np.concatenate([(x - x.mean()) / x.size, -(y - y.mean()) / y.size])
    sums, freedom = _sum_by_loan(np.column_stack([means, influence]), loans)
    errors = np.sqrt((sums**2).sum(axis=0) * (freedom + 1) / max(freedom, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        p_mean, p = 2 * t.sf(np.abs(np.array([difference, superiority - 0.5]) / errors), max(freedom, 1))
    margin = float(t.ppf((1 + LEVEL) / 2, max(freedom, 1)) * errors[0])
    return "ranks, clustered by loan", float(p), float(p_mean), difference - margin, difference + margin


def _sum_by_loan(influence: Floats, loans: np.ndarray) -> tuple[Floats, int]:
    """Return each column's sums over the rows of a loan, and the loans less one."""
    codes, _ = pd.factorize(loans)
    size = int(codes.max()) + 1
    sums = [np.bincount(codes, weights=column, minlength=size) for column in influence.T]
    return np.column_stack(sums), size - 1


def _hedges_g(x: Floats, y: Floats) -> float:
    """Return the difference of means in pooled standard deviations, corrected for small samples."""
    freedom = x.size + y.size - 2
    pooled = ((x.size - 1) * x.var(ddof=1) + (y.size - 1) * y.var(ddof=1)) / freedom
    if pooled == 0:
        return np.nan
    return float((x.mean() - y.mean()) / np.sqrt(pooled) * (1 - 3 / (4 * freedom - 1)))


def compare_categories(a: pd.Series, b: pd.Series, cluster: np.ndarray | None = None) -> Difference | None:
    """Return how two groups differ in a category, or None where a group is empty or all rows have one value.

    χ² on the table of counts; for two categories Fisher's exact test where an expected count is below 5; of
    more categories those with an expected count below 5 are pooled first. Missing values are left out.
    """
    known = np.concatenate([a.notna().to_numpy(), b.notna().to_numpy()])
    joint = pd.concat([a, b], ignore_index=True)[known].astype(str)
    in_a = (np.arange(known.size) < len(a))[known]
    codes, values = pd.factorize(joint, sort=True)
    if len(values) < 2 or in_a.all() or not in_a.any():
        return None
    codes, names, pooled = _pool_few(codes, [str(value) for value in values], in_a)
    table = _count(codes, in_a, len(names))
    gap, shares = _gap(table)
    place = max(range(len(names)), key=lambda item: (round(abs(float(gap[item])), 12), float(gap[item])))
    if cluster is None:
        test, p = _test_table(table)
        low, high = _interval_of_gap(table, place)
    else:
        test, p, error = _test_table_clustered(codes, in_a, gap, cluster[known], place)
        low, high = gap[place] - 1.96 * error, gap[place] + 1.96 * error
    effect = _equal_weight_v(table)
    return Difference(
        test, p, float(shares[0, place]), float(shares[1, place]), float(gap[place]), float(low), float(high), effect,
        judge_strength(effect, CATEGORY_STEPS), cramers_v=compute_cramers_v(table), value=names[place], pooled=pooled,
    )  # fmt: skip


def _count(codes: np.ndarray, in_a: np.ndarray, size: int) -> Floats:
    return np.vstack([np.bincount(codes[side], minlength=size) for side in (in_a, ~in_a)]).astype(float)


def _gap(table: Floats) -> tuple[Floats, Floats]:
    shares = table / table.sum(axis=1, keepdims=True)
    return shares[0] - shares[1], shares


def _pool_few(codes: np.ndarray, names: list[str], in_a: np.ndarray) -> tuple[np.ndarray, list[str], int]:
    """Join the categories whose expected count is below 5 in a group, all but the most frequent one at most.

    Two categories stay as they are.
    """
    counts = np.bincount(codes, minlength=len(names))
    rarer = min(in_a.sum(), (~in_a).sum()) / in_a.size
    few = counts * rarer < FEW_EXPECTED
    few[counts.argmax()] = False
    if len(names) == 2 or few.sum() < 2:
        return codes, names, 0
    kept = np.flatnonzero(~few)
    new = np.full(len(names), len(kept))
    new[kept] = np.arange(len(kept))
    return new[codes], [*(names[item] for item in kept), f"other ({int(few.sum())})"], int(few.sum())


def _test_table(table: Floats) -> tuple[str, float]:
    from scipy.stats import chi2_contingency, fisher_exact
    from scipy.stats.contingency import expected_freq

    if table.shape == (2, 2) and expected_freq(table).min() < FEW_EXPECTED:
        return "Fisher exact", float(fisher_exact(table.astype(int)).pvalue)
    return "χ²", float(chi2_contingency(table, correction=False).pvalue)


def _test_table_clustered(
    codes: np.ndarray, in_a: np.ndarray, gap: Floats, loans: np.ndarray, place: int
) -> tuple[str, float, float]:
    """Return Wald's test that all gaps are 0, with the covariance of sums over loans, and one gap's error."""
    from scipy.stats import chi2

    hot = np.eye(gap.size)[codes]
    centred = hot - np.where(in_a[:, None], hot[in_a].mean(axis=0), hot[~in_a].mean(axis=0))
    weight = np.where(in_a, 1 / in_a.sum(), -1 / (~in_a).sum())
    sums, _ = _sum_by_loan(centred * weight[:, None], loans)
    covariance: Floats = np.einsum("ik,il->kl", sums, sums)  # BLAS would wake every core for this little
    statistic = float(gap @ np.linalg.pinv(covariance, rcond=1e-10, hermitian=True) @ gap)
    return "Wald, clustered by loan", float(chi2.sf(statistic, gap.size - 1)), float(np.sqrt(covariance[place, place]))


def _interval_of_gap(table: Floats, place: int) -> tuple[float, float]:
    """Return the interval of a difference of two shares from the Jeffreys interval of each (Newcombe 1998)."""
    events, n = table[:, place], table.sum(axis=1)
    share = events / n
    low, high = compute_jeffreys_interval(events, n, level=LEVEL)
    gap = share[0] - share[1]
    down = np.hypot(share[0] - low[0], high[1] - share[1])
    up = np.hypot(high[0] - share[0], share[1] - low[1])
    return float(gap - down), float(gap + up)


def _equal_weight_v(table: Floats) -> float:
    """Return V of the groups as if equally large: V² = ½ Σ (p − q)² / (p + q), less what chance alone would give.

    Under equality each term has expectation (1 − p)(1/n + 1/m) / 4, which sums to (k − 1)(1/n + 1/m) / 4.
    """
    gap, shares = _gap(table)
    size = table.sum(axis=1)
    square = 0.5 * float((gap**2 / shares.sum(axis=0)).sum())
    chance = (table.shape[1] - 1) * float((1 / size).sum()) / 4
    return float(np.sqrt(max(0.0, square - chance)))
