"""What a model does along one feature: accumulated local effects, partial dependence and its curves loan by loan."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from analytics.odds import Floats, to_log_odds

Predict = Callable[[pd.DataFrame], Floats]
SCALES = ("log-odds", "PD")


def choose_grid(column: pd.Series, count: int = 21) -> list[Any]:
    """Return where a feature is tried: quantiles from 1 to 99 % of a number, every value where there are few.

    Categories come by how often they occur, at most 12 of them.

    >>> choose_grid(pd.Series([1.0, 0.0, 1.0, None])), choose_grid(pd.Series(["b", "a", "b", None]))
    ([0.0, 1.0], ['b', 'a'])
    """
    known = column.dropna()
    if not pd.api.types.is_numeric_dtype(column):
        counts = known.astype(str).value_counts().sort_index().sort_values(ascending=False, kind="stable")
        return [str(value) for value in counts.index[:12]]
    values = np.unique(known.to_numpy(dtype=float))
    if len(values) > count:
        values = np.unique(np.quantile(known.to_numpy(dtype=float), np.linspace(0.01, 0.99, count)))
    return [float(value) for value in values]


def compute_ale(predict: Predict, X: pd.DataFrame, feature: str, *, bins: int = 20) -> pd.DataFrame:
    """Return value, effect, low, high, n: the accumulated local effect of a number (Apley and Zhu 2020, first order).

    Bins (z_{k-1}, z_k] hold about equally many loans. In each, the loans' own feature is set to both ends and the
    differences of `predict` averaged; the averages add up from the left, and their mean over the loans is taken away:
    ALE(z_k) = Σ_{j≤k} mean over loans in bin j of [f(z_j, x_rest) − f(z_{j-1}, x_rest)] − c. A row is an end z_k; n is
    the number of loans in the bin that it closes (0 for the first); low and high are the 95 % interval of what has been
    added from the left, for these loans as a sample, before c. Loans without a value are left out. Raises ValueError
    for a feature that is no number or has fewer than two values.
    """
    column = X[feature]
    if not pd.api.types.is_numeric_dtype(column):
        raise ValueError(f"accumulated local effects need an ordered number; {feature!r} is {column.dtype}")
    known = X[column.notna().to_numpy()]
    x = known[feature].to_numpy(dtype=float)
    ends = np.unique(np.quantile(x, np.linspace(0, 1, bins + 1), method="inverted_cdf")) if x.size else np.zeros(0)
    if len(ends) < 2:
        raise ValueError(f"accumulated local effects need two values or more; {feature!r} has {len(ends)}")
    place = np.clip(np.searchsorted(ends, x, side="left"), 1, None) - 1
    both = pd.concat([known.assign(**{feature: ends[place + side]}) for side in (0, 1)], ignore_index=True)
    before, after = np.split(np.asarray(predict(both), dtype=float), 2)
    n = np.bincount(place, minlength=len(ends) - 1)
    step = np.bincount(place, after - before) / n
    variance = np.bincount(place, (after - before - step[place]) ** 2) / np.maximum(n - 1, 1) / n
    added = np.cumsum([0.0, *step])
    centre = float((n * (added[:-1] + added[1:]) / 2).sum() / n.sum())
    half = 1.959964 * np.sqrt(np.cumsum([0.0, *variance]))
    effect = added - centre
    return pd.DataFrame({"value": ends, "effect": effect, "low": effect - half, "high": effect + half, "n": [0, *n]})


def compute_ice(classifier: Any, X: pd.DataFrame, feature: str, grid: list[Any]) -> Floats:
    """Return each loan's PD with `feature` set to every value of `grid`, all else as it is: shape (loans, values).

    Made by scikit-learn's `partial_dependence` (brute force), so that `classifier` is any of its classifiers.
    """
    from sklearn.inspection import partial_dependence

    values = np.array(grid, dtype=float if pd.api.types.is_numeric_dtype(X[feature]) else object)
    found = partial_dependence(
        classifier, X, [feature], kind="individual", method="brute", response_method="predict_proba",
        custom_values={feature: values},
    )  # fmt: skip
    return np.asarray(found["individual"][0], dtype=float)


def to_scale(pds: Floats, scale: str) -> Floats:
    """Return PDs as they are or as log-odds."""
    if scale not in SCALES:
        raise ValueError(f"a scale is one of {', '.join(SCALES)}, got {scale!r}")
    return pds if scale == "PD" else to_log_odds(pds)


def compute_pdp(curves: Floats, grid: list[Any]) -> pd.DataFrame:
    """Return value, effect, low, high and n: the mean of the loans' curves at each value of `grid`, on their scale.

    low and high are the 95 % interval of the mean, for these loans as a sample.
    """
    n = len(curves)
    effect = curves.mean(axis=0)
    half = 1.959964 * (curves.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(len(grid), np.nan))
    return pd.DataFrame({"value": grid, "effect": effect, "low": effect - half, "high": effect + half, "n": n})


def centre(curves: Floats) -> Floats:
    """Return the loans' curves less their own start, so that all begin at 0."""
    return np.asarray(curves - curves[:, :1], dtype=float)


def find_companion(X: pd.DataFrame, feature: str) -> tuple[str, float] | None:
    """Return the other number that moves most with `feature` and their rank correlation (Spearman), or None."""
    if not pd.api.types.is_numeric_dtype(X[feature]):
        return None
    others = X.select_dtypes("number").drop(columns=feature)
    ranks = others.rank()
    found = ranks.corrwith(X[feature].rank()).dropna()
    if found.empty:
        return None
    name = str(found.abs().idxmax())
    return name, float(found[name])
