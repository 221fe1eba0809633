"""Why two models' PDs differ: the difference of their log-odds, feature by feature, over any loans.

log-odds(challenger) − log-odds(champion) = (base difference) + Σ_f (φ_challenger,f − φ_champion,f). That is exact where
both models are explained against the same background. A feature that a model does not use moves it by nothing: its φ
there is 0.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy.special import stdtrit

from analytics.attributions import list_explained
from analytics.book import Fetch
from analytics.proportions import SMALL_N
from analytics.words import format_value

LOAN = "_loan"
CHAMPION, CHALLENGER = 0, 1
BASE, REMAINDER = "base", "remainder"
VISIBLE = 1e-3  # log-odds: a remainder below this has no step of its own in a waterfall


class NoLoansError(ValueError):
    """There is no loan that both models have explained."""


@dataclass(frozen=True)
class Pair:
    """Loans that two models have explained.

    `table` has a row a loan: the fields of the loan as they are called, LOAN (its id as text), and for the sides 0
    (champion) and 1 (challenger) `_pd_<side>`, `_odds_<side>`, `_base_<side>` and `_phi_<side>_<place of the feature>`.
    `only` says which of `features` only the champion, or only the challenger, uses.
    """

    table: ir.Table
    features: tuple[str, ...]
    only: tuple[tuple[str, ...], tuple[str, ...]]

    def phi(self, side: int, place: int) -> ir.NumericColumn:
        """Return a feature's attributions by one side (0 champion, 1 challenger)."""
        return self.table[f"_phi_{side}_{place}"]

    def gap(self) -> ir.NumericColumn:
        """Return challenger's − champion's log-odds."""
        return self.table["_odds_1"] - self.table["_odds_0"]

    def on(self, table: ir.Table) -> "Pair":
        """Return the same pair on other rows of its table."""
        return dataclasses.replace(self, table=table)


@dataclass(frozen=True)
class Difference:
    """The mean difference of the log-odds over `n` loans, and what it is made of.

    `terms` has a row for the base (kind "base"), each feature ("feature") and what the explanations leave over
    ("remainder"): kind, feature, mean, sd (of the loans' differences), low, high (of the mean) and only ("champion" or
    "challenger" where one model alone uses the feature). Their means add up to end − start, the mean log-odds of
    the challenger less those of the champion. `total` has mean, sd, low and high of that. `left_over` is the largest
    remainder of any loan.
    """

    terms: pd.DataFrame
    total: pd.Series
    start: float
    end: float
    n: int
    left_over: float

    @property
    def small(self) -> bool:
        """Whether the loans are too few to speak for others."""
        return self.n < SMALL_N


def pair_models(rows: ir.Table, champion: ir.Table, challenger: ir.Table, fetch: Fetch, *, id_name: str) -> Pair:
    """Return the loans of `rows` that both score tables explain (base not null), joined on `id_name`.

    A score table has the id, pd, log_odds, base and phi_<feature>. A model uses a feature where any φ of its whole
    table differs from 0. Raises ValueError where neither holds attributions.
    """
    sides = (champion, challenger)
    own = [list_explained(side) for side in sides]
    features = tuple(dict.fromkeys([*own[0], *own[1]]))
    if not features:
        raise ValueError("neither model's scores hold attributions: score the snapshot with attributions first")
    table = rows.mutate(**{LOAN: rows[id_name].cast("string")})
    for side, scores in enumerate(sides):
        known = scores.filter(scores["base"].notnull())
        phi = {
            f"_phi_{side}_{place}": known[f"phi_{name}"] if name in own[side] else ibis.literal(0.0)
            for place, name in enumerate(features)
        }
        part = known.select(
            **{LOAN: known[id_name].cast("string"), f"_pd_{side}": known["pd"], f"_odds_{side}": known["log_odds"],
               f"_base_{side}": known["base"], **phi}
        )  # fmt: skip
        table = table.inner_join(part, LOAN)
    used = [_list_used(scores, names, fetch) for scores, names in zip(sides, own, strict=True)]
    alone = [tuple(name for name in features if name in used[side] - used[1 - side]) for side in (CHAMPION, CHALLENGER)]
    return Pair(table, features, (alone[0], alone[1]))


def _list_used(scores: ir.Table, names: list[str], fetch: Fetch) -> set[str]:
    if not names:
        return set()
    row = fetch(scores.aggregate(**{f"max_{i}": scores[f"phi_{name}"].abs().max() for i, name in enumerate(names)}))
    return {name for i, name in enumerate(names) if row[f"max_{i}"].iloc[0] > 0}


def compute_difference(pair: Pair, fetch: Fetch, *, level: float = 0.95) -> Difference:
    """Return the mean difference over the pair's loans and its terms, as one aggregate query.

    Intervals are mean ± t(n − 1) · sd / √n, blank for a single loan: what such loans in general would give. Raises
    NoLoansError where there is none.
    """
    terms = _list_terms(pair)
    gap = pair.gap()
    left = gap - sum((value for value in terms.values()), ibis.literal(0.0))
    values = {**terms, (REMAINDER, ""): left, ("total", ""): gap}
    asked: dict[str, ir.Value] = {"n": pair.table.count(), "left": left.abs().max()}
    for place, value in enumerate(values.values()):
        asked |= {f"mean_{place}": value.mean(), f"sd_{place}": value.std(how="sample")}
    for side in (CHAMPION, CHALLENGER):
        asked[f"odds_{side}"] = pair.table[f"_odds_{side}"].mean()
    row = fetch(pair.table.aggregate(**asked)).iloc[0]
    n = int(row["n"])
    if not n:
        raise NoLoansError("a difference needs loans that both models have explained, got none")
    frame = pd.DataFrame(list(values), columns=["kind", "feature"])
    for name in ("mean", "sd"):
        frame[name] = [float(row[f"{name}_{place}"]) for place in range(len(frame))]
    half = _half_widths(frame["sd"], n, level)
    frame = frame.assign(low=frame["mean"] - half, high=frame["mean"] + half)
    frame["only"] = [_only(pair, name) for name in frame["feature"]]
    total = frame.iloc[-1][["mean", "sd", "low", "high"]].astype(float)
    start, end = float(row["odds_0"]), float(row["odds_1"])
    return Difference(frame.iloc[:-1].reset_index(drop=True), total, start, end, n, float(row["left"]))


def _list_terms(pair: Pair) -> dict[tuple[str, str], ir.NumericValue]:
    terms = {(BASE, ""): pair.table["_base_1"] - pair.table["_base_0"]}
    for place, name in enumerate(pair.features):
        terms["feature", name] = pair.phi(CHALLENGER, place) - pair.phi(CHAMPION, place)
    return terms


def _half_widths(sd: pd.Series, n: int, level: float) -> pd.Series:
    if n < 2:
        return sd * np.nan
    return sd * float(stdtrit(n - 1, 0.5 + level / 2)) / math.sqrt(n)


def _only(pair: Pair, feature: str) -> str:
    return next((side for side, names in zip(("champion", "challenger"), pair.only, strict=True) if feature in names),
                "")  # fmt: skip


def name_main_feature(difference: Difference) -> str:
    """Return the feature that moves the mean farthest in the direction of the whole difference; "" where none does."""
    features = difference.terms[difference.terms["kind"] == "feature"]
    towards = features["mean"] * (1 if difference.total["mean"] >= 0 else -1)
    return str(features["feature"].iloc[int(towards.argmax())]) if len(towards) and towards.max() > 0 else ""


def list_difference_steps(
    difference: Difference,
    *,
    labels: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
    units: Mapping[str, str] | None = None,
    names: tuple[str, str] = ("Champion", "Challenger"),
    top: int = 9,
) -> pd.DataFrame:
    """Return the steps from the champion's mean log-odds to the challenger's, ready for a waterfall.

    Columns: kind ("start", "base", "feature", "other", "remainder", "end"), feature, label, value (the loan's own,
    where `values` are given), only, contribution, low, high (blank for sums), start and end. The `top` features come
    first, by size; a remainder too small to see is counted with the others.
    """
    terms = difference.terms
    features = terms[terms["kind"] == "feature"]
    features = features.loc[features["mean"].abs().sort_values(ascending=False, kind="stable").index]
    head, rest = features.iloc[:top], features.iloc[top:]
    base, left = (terms[terms["kind"] == kind].iloc[0] for kind in (BASE, REMAINDER))
    rows = [_step(row, (labels or {}).get(row["feature"], row["feature"]), values, units) for _, row in head.iterrows()]
    seen = abs(left["mean"]) >= VISIBLE
    spare = math.fsum([*rest["mean"], *([] if seen else [left["mean"]])])
    if len(rest):
        rows.append({"kind": "other", "label": f"{len(rest)} other features", "contribution": spare})
    rows.append(_step(base, "Level of the background", None, None))
    if seen or not len(rest):
        rows.append(_step(left, "Left over by the explanations", None, None))
    rows = [row for row in rows if row["kind"] != REMAINDER or row["contribution"]]
    ends = [math.fsum([difference.start, *(row["contribution"] for row in rows[: place + 1])]) for place in
            range(len(rows))]  # fmt: skip
    steps = pd.DataFrame(rows).assign(start=[difference.start, *ends[:-1]], end=ends)
    edges = [
        {"kind": kind, "label": name, "contribution": value, "start": 0.0, "end": value}
        for kind, name, value in (("start", names[0], difference.start), ("end", names[1], difference.end))
    ]
    frame = pd.concat([pd.DataFrame(edges[:1]), steps, pd.DataFrame(edges[1:])], ignore_index=True)
    texts = ["feature", "value", "only"]
    columns = ["kind", "feature", "label", "value", "only", "contribution", "low", "high", "start", "end"]
    frame = frame.reindex(columns=columns)
    return frame.assign(**{name: frame[name].astype(object).fillna("") for name in texts})


def _step(
    row: pd.Series, label: str, values: Mapping[str, Any] | None, units: Mapping[str, str] | None
) -> dict[str, Any]:
    name = row["feature"]
    value = "" if values is None else format_value(values.get(name), (units or {}).get(name, ""))
    return {"kind": row["kind"], "feature": name, "label": label, "value": value, "only": row["only"],
            "contribution": float(row["mean"]), "low": float(row["low"]), "high": float(row["high"])}  # fmt: skip


def list_most_different(
    pair: Pair, fetch: Fetch, *, by: Literal["odds", "points"] = "odds", count: int = 100
) -> pd.DataFrame:
    """Return the `count` loans on which the models differ most: by |log-odds difference| or by |PD difference|.

    Columns: LOAN, pd_0, pd_1, gap (of the log-odds), points (pd_1 − pd_0), feature and part (the feature whose
    difference of attributions goes farthest in the gap's direction, and that difference; "" where none goes there),
    value (of the feature, "" where the loans have no such field). Equal ones are parted by the loan's id.
    """
    table = pair.table
    size = pair.gap().abs() if by == "odds" else (table["_pd_1"] - table["_pd_0"]).abs()
    wanted = table.mutate(_size=size).order_by([ibis.desc("_size"), LOAN]).limit(count)
    frame = fetch(wanted)
    phi = [frame[[f"_phi_{side}_{i}" for i in range(len(pair.features))]].to_numpy(dtype=float) for side in (0, 1)]
    gap = (frame["_odds_1"] - frame["_odds_0"]).to_numpy(dtype=float)
    parts = phi[1] - phi[0]
    towards = parts * np.where(gap >= 0, 1.0, -1.0)[:, None]
    main = towards.argmax(axis=1)
    part = parts[np.arange(len(frame)), main]
    feature = [pair.features[place] if size > 0 else "" for place, size in zip(main, towards.max(axis=1), strict=True)]
    known = [frame[name].iloc[row] if name in frame else "" for row, name in enumerate(feature)]
    return pd.DataFrame({
        LOAN: frame[LOAN], "pd_0": frame["_pd_0"], "pd_1": frame["_pd_1"], "gap": gap,
        "points": frame["_pd_1"] - frame["_pd_0"], "feature": pd.Series(feature, dtype=object),
        "part": part, "value": pd.Series(known, dtype=object),
    })  # fmt: skip
