"""Why two cohorts get different PDs: the difference of their means, feature by feature, exactly.

Within one model and one base, base + Σ_f φ_f is a loan's log-odds (or PD, see driver_points), and means add up:

    mean(A) − mean(B) = Σ_f [mean(φ_f | A) − mean(φ_f | B)].

Intervals are Welch's (1947, "The generalization of Student's problem when several different population variances are
involved", Biometrika 34), with one row a loan. Loans in both cohorts count in both: with n_AB of them the covariance
Σ_AB (x − m_A)(x − m_B) / √(n_A (n_A − 1) n_B (n_B − 1)) is taken off twice, so that a cohort differs from itself by
exactly nothing; degrees of freedom are Welch–Satterthwaite's, as without them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from analytics.attributions import PHI, list_explained
from analytics.book import Fetch
from analytics.odds import Floats
from analytics.proportions import SMALL_N

TOTAL = "log_odds"


@dataclass(frozen=True)
class Gap:
    """Two cohorts' difference and what it is made of.

    `features`: feature, mean_a, mean_b, difference, low, high, small; largest difference first. `total`: the same for
    the whole (feature ""). `n` rows of A, of B and of both.
    """

    features: pd.DataFrame
    total: pd.Series
    n: tuple[int, int, int]


def compute_gap(
    scored: ir.Table,
    in_a: ir.BooleanValue,
    in_b: ir.BooleanValue,
    fetch: Fetch,
    *,
    total: str = TOTAL,
    groups: Mapping[str, str] | None = None,
    level: float = 0.95,
) -> Gap:
    """Return how A's mean of the column `total` differs from B's, feature by feature, in the unit of `scored`.

    `in_a` and `in_b` are conditions on `scored`; unknown is outside. Features that `groups` gives the same name are
    added up loan by loan first. One query: means and variances of the rows in A only, in B only and in both. Raises
    ValueError where a cohort is empty.
    """
    members = list_groups(list_explained(scored), groups)
    columns = {"total": scored[total]}
    for place, names in enumerate(members.values()):
        columns[f"f{place}"] = _add(scored, names)
    known = scored.select(a=in_a.fill_null(False), b=in_b.fill_null(False), **columns)
    known = known.filter(known.a | known.b)
    wanted = {f"m_{name}": ibis._[name].mean() for name in columns} | {
        f"v_{name}": ibis._[name].var() for name in columns
    }
    cells = fetch(known.group_by("a", "b").agg(n=ibis._.count(), **wanted)).set_index(["a", "b"])
    cells = cells.reindex([(True, False), (False, True), (True, True)])
    n = cells["n"].fillna(0).to_numpy(dtype=float)
    if not n[0] + n[2] or not n[1] + n[2]:
        raise ValueError(f"both cohorts need rows; A has {int(n[0] + n[2])}, B {int(n[1] + n[2])}")
    means, variances = (
        cells[[f"{kind}_{name}" for name in columns]].fillna(0.0).to_numpy(dtype=float) for kind in ("m", "v")
    )
    found = _compare(n, means, variances, level).assign(feature=["", *members])
    total_row, features = found.iloc[0], found.iloc[1:]
    order = features["difference"].abs().sort_values(ascending=False, kind="stable").index
    counts = (int(n[0] + n[2]), int(n[1] + n[2]), int(n[2]))
    return Gap(features.loc[order].reset_index(drop=True), total_row, counts)


def list_groups(features: list[str], groups: Mapping[str, str] | None) -> dict[str, list[str]]:
    """Return the features of each group; a feature without one is its own.

    >>> list_groups(["ltv", "income", "rate"], {"ltv": "equity", "income": ""})
    {'equity': ['ltv'], 'income': ['income'], 'rate': ['rate']}
    """
    members: dict[str, list[str]] = {}
    for name in features:
        members.setdefault((groups or {}).get(name) or name, []).append(name)
    return members


def _add(scored: ir.Table, names: list[str]) -> ir.NumericValue:
    columns = [scored[f"{PHI}{name}"] for name in names]
    return sum(columns[1:], columns[0])


def _compare(n: Floats, means: Floats, variances: Floats, level: float) -> pd.DataFrame:
    """Return mean_a, mean_b, difference and interval from cells (A only, B only, both) × columns."""
    from scipy.special import stdtrit

    (n_a, mean_a, var_a), (n_b, mean_b, var_b) = (
        _pool(n[[own, 2]], means[[own, 2]], variances[[own, 2]]) for own in (0, 1)
    )
    shared = max(n[2] - 1, 0) * variances[2] + n[2] * (means[2] - mean_a) * (means[2] - mean_b)
    part_a, part_b = var_a / n_a, var_b / n_b
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = (part_a + part_b) ** 2 / (part_a**2 / (n_a - 1) + part_b**2 / (n_b - 1))
        both = shared / math.sqrt(max(n_a * (n_a - 1) * n_b * (n_b - 1), 1.0))
        error = np.sqrt(np.maximum(part_a + part_b - 2 * both, 0.0))
        reach = np.where(error > 0, stdtrit(freedom, (1 + level) / 2) * error, 0.0)
    if min(n_a, n_b) < 2:
        reach = np.full(reach.shape, np.nan)
    gap = mean_a - mean_b
    return pd.DataFrame(
        {"mean_a": mean_a, "mean_b": mean_b, "difference": gap, "low": gap - reach, "high": gap + reach,
         "small": min(n_a, n_b) < SMALL_N}
    )  # fmt: skip


def _pool(n: Floats, means: Floats, variances: Floats) -> tuple[float, Floats, Floats]:
    """Return rows, mean and variance of two cells together (Chan, Golub and LeVeque 1983)."""
    size = float(n.sum())
    mean = (n[:, None] * means).sum(axis=0) / size
    squares = (np.maximum(n - 1, 0)[:, None] * variances + n[:, None] * (means - mean) ** 2).sum(axis=0)
    return size, mean, squares / max(size - 1, 1)


def list_gap_rows(gap: Gap, top: int) -> pd.DataFrame:
    """Return the rows to draw: kind, feature, difference, low, high, small.

    The `top` features by size, one row of kind "other" with what the rest adds up to (its interval is not known from
    the features' own), and the "total".
    """
    head = gap.features if len(gap.features) <= top + 1 else gap.features.iloc[:top]
    rest = gap.features.iloc[len(head) :]
    parts = [head.assign(kind="feature")]
    if len(rest):
        other = {"kind": "other", "feature": f"{len(rest)} others", "difference": math.fsum(rest["difference"]),
                 "low": np.nan, "high": np.nan, "small": bool(gap.total["small"])}  # fmt: skip
        parts.append(pd.DataFrame([other]))
    parts.append(pd.DataFrame([{**gap.total.to_dict(), "kind": "total", "feature": "All together"}]))
    columns = ["kind", "feature", "difference", "low", "high", "small"]
    return pd.concat([part[columns] for part in parts], ignore_index=True)
