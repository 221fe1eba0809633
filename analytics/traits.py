"""What a few loans have in common that the others do not have: the fields that set them apart, one line each."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analytics.cohorts import compute_comparison, to_words
from analytics.odds import Floats

COLUMNS = ["field", "kind", "value", "few", "others", "lift", "percentile", "n_few", "n_others", "effect", "q"]


def compute_traits(
    few: pd.DataFrame,
    others: pd.DataFrame,
    *,
    numbers: Sequence[str],
    categories: Sequence[str],
    top: int = 3,
    level: float = 0.05,
) -> pd.DataFrame:
    """Return the `top` fields in which `few` differ most from `others`, by the effect of `compute_comparison`.

    Only differences that chance alone does not explain (q ≤ `level`). Columns: field; kind; value; few and others (what
    the kind says); lift (few / others, for shares); percentile (for medians: the share of the others below the few's,
    half of equal values counted); n_few and n_others (rows known); effect (Cliff's delta or Cramér's V) and q. Kinds:
    "number" (few and others are medians); "above" and "below" (both medians are `value`: shares strictly above or
    below it); "category" (shares of `value`, the one that the few have more often by the largest difference) and
    "missing" (shares of missing values). Shares are fractions. An empty side gives no rows.
    """
    if not len(few) or not len(others):
        return pd.DataFrame(columns=COLUMNS)
    compared = compute_comparison(few, others, numbers=numbers, categories=categories)
    chosen = compared[compared["q"] <= level].head(top)
    rows = []
    for row in chosen.to_dict("records"):
        sides = [side[row["field"]] for side in (few, others)]
        told = (
            _tell_number(*sides) if row["kind"] == "number" else _tell_share(*sides, missing=row["kind"] == "missing")
        )
        rows.append({"kind": row["kind"], **told, "field": row["field"], "effect": row["effect"], "q": row["q"],
                     "n_few": int(row["n_a"]), "n_others": int(row["n_b"])})  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def _tell_number(few: pd.Series, others: pd.Series) -> dict[str, object]:
    known = others.dropna().to_numpy(dtype=float)
    medians = float(np.median(few.dropna().to_numpy(dtype=float))), float(np.median(known))
    if medians[0] == medians[1]:
        return _tell_tail(few.dropna().to_numpy(dtype=float), known, medians[0])
    below = float((known < medians[0]).mean() + 0.5 * (known == medians[0]).mean())
    return {"value": "", "few": medians[0], "others": medians[1], "lift": np.nan, "percentile": below}


def _tell_tail(few: Floats, others: Floats, middle: float) -> dict[str, object]:
    """Return on which side of their common median the few lie more often than the others."""
    above, below = (tuple(float((sign * side > sign * middle).mean()) for side in (few, others)) for sign in (1, -1))
    kind, shares = ("above", above) if above[0] - above[1] >= below[0] - below[1] else ("below", below)
    lift = shares[0] / shares[1] if shares[1] else np.inf
    return {"kind": kind, "value": middle, "few": shares[0], "others": shares[1], "lift": lift, "percentile": np.nan}


def _tell_share(few: pd.Series, others: pd.Series, *, missing: bool) -> dict[str, object]:
    if missing:
        value, shares = "missing", (float(few.isna().mean()), float(others.isna().mean()))
    else:
        words = to_words(pd.concat([few, others], ignore_index=True))
        counted = [
            side.dropna().value_counts(normalize=True) for side in (words.iloc[: len(few)], words.iloc[len(few) :])
        ]
        table = pd.concat(counted, axis=1, keys=["few", "others"]).fillna(0.0)
        value = str((table["few"] - table["others"]).idxmax())
        shares = float(table["few"].loc[value]), float(table["others"].loc[value])
    lift = shares[0] / shares[1] if shares[1] else np.inf
    return {"value": value, "few": shares[0], "others": shares[1], "lift": lift, "percentile": np.nan}
