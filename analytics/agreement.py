"""Do two models agree, and for the same reasons: order of the drivers, their directions, the log-odds themselves."""

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from analytics.odds import Floats
from analytics.proportions import SMALL_N, add_rate


def compute_loan_agreement(champion: Floats, challenger: Floats) -> pd.DataFrame:
    """Return one row per loan from two (loans × features) arrays of attributions: rank, same_top, opposite, silent.

    `rank` is Spearman's correlation of |φ| over the features, with mean ranks for equal sizes, blank where one model
    gives every feature the same size. `same_top` says whether the feature with the largest |φ| is the same;
    `opposite` whether either model's top feature has φ of opposite signs in the two models (0 has no sign); `silent`
    whether the other model gives either's top feature exactly 0, as it does where it does not use it. Raises
    ValueError for arrays of different shapes.
    """
    if champion.shape != challenger.shape or champion.ndim != 2 or not champion.shape[1]:
        raise ValueError(f"two arrays of loans by features are compared, got {champion.shape} and {challenger.shape}")
    rows = np.arange(len(champion))
    tops = [np.abs(side).argmax(axis=1) for side in (champion, challenger)]
    products = [champion[rows, top] * challenger[rows, top] for top in tops]
    opposite, silent = (products[0] < 0) | (products[1] < 0), (products[0] == 0) | (products[1] == 0)
    rank = _correlate_rows(_rank_rows(np.abs(champion)), _rank_rows(np.abs(challenger)))
    return pd.DataFrame({"rank": rank, "same_top": tops[0] == tops[1], "opposite": opposite, "silent": silent})


def _rank_rows(values: Floats) -> Floats:
    """Return the ranks 1, 2, … within each row, equal values sharing their mean rank."""
    from scipy.stats import rankdata  # importing scipy.stats takes half a second

    return np.asarray(rankdata(values, axis=1), dtype=float)


def _correlate_rows(a: Floats, b: Floats) -> Floats:
    """Return Pearson's correlation of each row of `a` with the same row of `b`; NaN where one does not vary."""
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    return np.asarray(found, dtype=float)


def compute_importance_agreement(champion: Floats, challenger: Floats) -> float:
    """Return Spearman's correlation of the features' mean |φ| in the two models; NaN where one does not vary."""
    sizes = [np.abs(side).mean(axis=0, keepdims=True) for side in (champion, challenger)]
    return float(_correlate_rows(_rank_rows(sizes[0]), _rank_rows(sizes[1]))[0])


def summarise_agreement(loans: pd.DataFrame, *, by: str | None = None, level: float = 0.95) -> pd.DataFrame:
    """Return one row per value of the column `by` (or one row in all), in the order of the values.

    `loans` has the columns of `compute_loan_agreement` and odds_0 and odds_1, the two models' log-odds. Columns:
    segment, n, events (loans with opposite signs), opposite (their share, Jeffreys interval), same_top and silent
    (shares), rank (mean over loans, t interval), correlation (Pearson's of the log-odds, Fisher's z interval), each
    with _low and _high, gap (mean |difference| of the log-odds), small (n < 30) and opposite_small (also: fewer than 5
    events). Missing values of `by` are a segment of their own, "not known".
    """
    keys = pd.Series("all", index=loans.index) if by is None else loans[by].astype("string").fillna("not known")
    rows = [_summarise(part, str(value), level) for value, part in loans.groupby(keys, sort=True)]
    frame = add_rate(pd.DataFrame(rows), events="events", n="n", name="opposite", level=level)
    return frame.rename(columns={"small": "opposite_small"}).assign(small=frame["n"] < SMALL_N)


def _summarise(part: pd.DataFrame, segment: str, level: float) -> dict[str, object]:
    n, ranks = len(part), part["rank"].dropna().to_numpy(dtype=float)
    odds = part[["odds_0", "odds_1"]].to_numpy(dtype=float)
    mean, half = _mean(ranks, level)
    correlation = float(_correlate_rows(odds[:, :1].T, odds[:, 1:].T)[0])
    low, high = _fisher(correlation, n, level)
    return {
        "segment": segment, "n": n, "events": int(part["opposite"].sum()), "same_top": float(part["same_top"].mean()),
        "silent": float(part["silent"].mean()),
        "rank": mean, "rank_low": mean - half, "rank_high": mean + half, "correlation": correlation,
        "correlation_low": low, "correlation_high": high, "gap": float(np.abs(odds[:, 1] - odds[:, 0]).mean()),
    }  # fmt: skip


def _mean(values: Floats, level: float) -> tuple[float, float]:
    if values.size < 2:
        return (float(values[0]) if values.size else np.nan), np.nan
    half = float(stdtrit(values.size - 1, 0.5 + level / 2)) * values.std(ddof=1) / np.sqrt(values.size)
    return float(values.mean()), float(half)


def _fisher(correlation: float, n: int, level: float) -> tuple[float, float]:
    """Return the interval of a correlation by Fisher's z (1921, Metron 1); NaN below four loans or at ±1."""
    if n < 4 or not abs(correlation) < 1:
        return np.nan, np.nan
    centre, half = np.arctanh(correlation), float(ndtri(0.5 + level / 2)) / np.sqrt(n - 3)
    return float(np.tanh(centre - half)), float(np.tanh(centre + half))
