"""What drives a model's log-odds: importance, dependence and one loan's waterfall, from stored attributions.

A score table holds base and one column phi_<feature> per feature; base + Σ phi = log-odds of the PD.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from analytics.book import Fetch
from analytics.words import format_value

PHI = "phi_"


def list_explained(scores: ir.Table) -> list[str]:
    """Return the features that a score table holds attributions of."""
    return [name.removeprefix(PHI) for name in scores.columns if name.startswith(PHI)]


def compute_importance(
    scores: ir.Table,
    fetch: Fetch,
    *,
    features: Sequence[str] | None = None,
    groups: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Return feature, importance (mean |φ| in log-odds), share (of the total), mean (of φ) and n, largest first.

    One aggregate query over all rows. Features that `groups` gives the same name are added up loan by
    loan before their size is taken: correlated fields that cancel out are not important. Raises ValueError
    for a feature without attributions.
    """
    wanted = list_explained(scores) if features is None else list(features)
    columns = {name: _phi(scores, name) for name in wanted}
    members: dict[str, list[str]] = {}
    for name in wanted:
        members.setdefault((groups or {}).get(name) or name, []).append(name)
    aggregates: dict[str, ir.Value] = {"n": scores.count()}
    for place, names in enumerate(members.values()):
        total = sum((columns[name] for name in names[1:]), columns[names[0]])
        aggregates |= {f"size_{place}": total.abs().mean(), f"mean_{place}": total.mean()}
    row = fetch(scores.aggregate(**aggregates)).iloc[0]
    sizes, means = (
        row[[f"{kind}_{i}" for i in range(len(members))]].to_numpy(dtype=float) for kind in ("size", "mean")
    )
    total = float(np.nansum(sizes))
    share = sizes / total if total else np.full(sizes.size, np.nan)
    frame = pd.DataFrame({"feature": list(members), "importance": sizes, "share": share, "mean": means})
    frame = frame.assign(n=int(row["n"]))
    return frame.sort_values(["importance", "feature"], ascending=[False, True], ignore_index=True)


def _phi(scores: ir.Table, feature: str) -> ir.NumericColumn:
    if f"{PHI}{feature}" not in scores.columns:
        known = ", ".join(list_explained(scores)) or "none"
        raise ValueError(f"no attributions of {feature!r} are stored; there are {known}")
    return scores[f"{PHI}{feature}"]


def group_contributions(phi: pd.Series, groups: Mapping[str, str]) -> pd.Series:
    """Return one loan's attributions added up by group, in the order in which the groups first appear.

    `phi` holds φ by feature and `groups` a group's name by feature; a feature without one stands for itself. Each sum
    is rounded once (math.fsum), so the groups add up to what the features do. Raises ValueError where a group bears
    the name of a feature outside it: the two could not be told apart.
    """
    members: dict[str, list[str]] = {}
    for name in map(str, phi.index):
        group = groups.get(name) or name
        if group != name and group in phi.index and groups.get(group) != group:
            raise ValueError(f"a group is called {group!r}, like a feature that is not in it; rename the group")
        members.setdefault(group, []).append(name)
    return pd.Series({group: math.fsum(phi[names]) for group, names in members.items()}, dtype=float)


@dataclass(frozen=True)
class Dependence:
    """How a feature's attribution depends on its value.

    `points` is a sample of loans: value, phi. `medians` covers all rows, one row per bin (or category):
    value (the bin's median, or the category), phi (median), phi_low and phi_high (quartiles), n; the rows
    without a value are one row with value missing, last. `is_number` says which of both it is.
    """

    points: pd.DataFrame
    medians: pd.DataFrame
    is_number: bool


def compute_dependence(
    scored: ir.Table,
    feature: str,
    fetch: Fetch,
    *,
    keys: Sequence[str],
    points: int = 2000,
    bins: int = 20,
) -> Dependence:
    """Return the dependence of phi_<feature> on <feature>, both columns of `scored` (snapshot joined with scores).

    `keys` identify a row (loan, observation date): the sample is the `points` rows whose MD5 of the keys is
    smallest, so the same on every machine and visit. Bins hold about equally many rows and equal values share
    one. Raises ValueError for a feature without attributions or a key that the table lacks.
    """
    phi, value = _phi(scored, feature), _column(scored, feature)
    number = bool(value.type().is_numeric())
    value = value.cast("float64") if number else value.cast("string")
    keyed = [_column(scored, name).cast("string").fill_null("") for name in keys]
    order = ibis.literal("|").join(keyed).hexdigest("md5")
    table = scored.select(value=value, phi=phi, order=order).filter(ibis._.phi.notnull())
    sample = table.filter(table.value.notnull()).order_by("order", "value", "phi").limit(points)
    edges = _edges(table, fetch, bins) if number else None
    return Dependence(fetch(sample.drop("order")), _medians(table, fetch, edges), number)


def _column(table: ir.Table, name: str) -> ir.Column:
    if name not in table.columns:
        raise ValueError(f"the table has no column {name!r}; it has {', '.join(table.columns)}")
    return table[name]


def _edges(table: ir.Table, fetch: Fetch, bins: int) -> list[float]:
    """Return the values that end the bins, without repeats."""
    ends = {f"q{i}": table.value.quantile(i / bins) for i in range(1, bins)}
    row = fetch(table.aggregate(**ends)).iloc[0].to_numpy(dtype=float)
    return [float(edge) for edge in np.unique(row[np.isfinite(row)])]


def _medians(table: ir.Table, fetch: Fetch, edges: list[float] | None) -> pd.DataFrame:
    """Aggregate phi by bin: a value's bin is the number of edges below it."""
    if edges is None:
        grouped, shown = table.group_by(bin=table.value), {}
    else:
        below = sum(((table.value > edge).ifelse(1, 0) for edge in edges), ibis.literal(0))
        grouped, shown = table.group_by(bin=table.value.isnull().ifelse(None, below)), {"value": table.value.median()}
    quartiles = {"phi_low": table.phi.quantile(0.25), "phi_high": table.phi.quantile(0.75)}
    frame = fetch(grouped.aggregate(**shown, phi=table.phi.median(), **quartiles, n=table.count()))
    frame = frame.sort_values("bin", na_position="last", ignore_index=True)
    return frame.rename(columns={"bin": "value"}) if edges is None else frame.drop(columns="bin")


def compute_waterfall(
    base: float,
    contributions: pd.Series,
    *,
    values: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    top: int = 8,
) -> pd.DataFrame:
    """Return the steps from `base` to the loan's log-odds: kind, feature, label, value, contribution, start, end.

    `contributions` holds φ by feature. The `top` largest come first, by size; the others are one row of
    kind "other". Kinds: "base", "feature", "other", "total". Every end is the exactly rounded sum
    (math.fsum) of base and what came before, so the total's end is base + Σφ to the last bit.
    """
    phi = contributions.astype(float)
    ordered = phi.loc[phi.abs().sort_values(ascending=False, kind="stable").index]
    head = ordered if len(ordered) <= top + 1 else ordered.iloc[:top]
    rest = ordered.iloc[len(head) :]
    steps = [("base", "", "Background", "", float(base))]
    for name, size in head.items():
        value = "" if values is None else format_value(values.get(str(name)), (units or {}).get(str(name), ""))
        steps.append(("feature", str(name), (labels or {}).get(str(name), str(name)), value, float(size)))
    if len(rest):
        steps.append(("other", "", f"{len(rest)} other features", "", math.fsum(rest)))
    frame = pd.DataFrame(steps, columns=["kind", "feature", "label", "value", "contribution"])
    summed = [math.fsum([base, *ordered.iloc[:count]]) for count in range(len(head) + 1)]
    ends = summed + [math.fsum([base, *ordered])] * (len(frame) - len(summed))
    frame = frame.assign(start=[0.0, *ends[:-1]], end=ends)
    total = {"kind": "total", "feature": "", "label": "This loan", "value": "", "contribution": ends[-1]}
    return pd.concat([frame, pd.DataFrame([{**total, "start": 0.0, "end": ends[-1]}])], ignore_index=True)
