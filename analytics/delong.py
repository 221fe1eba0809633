"""DeLong's test: how well models rank the same loans, with their covariances, and which pairs differ.

DeLong, DeLong and Clarke-Pearson 1988 (Biometrics 44): an AUC is a mean of placements, so the covariance of
several AUCs on the same loans is that of their placements. Sun and Xu 2014 (IEEE Signal Processing Letters 21)
get these from mid-ranks in O(n log n); `analytics.ranking` does that, one sort a model. With repeated loans the
placements are summed by loan first (Obuchowski 1997, Biometrics 53).
"""

from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from analytics.labelled import Labelled, Scores, check_labelled, check_scores
from analytics.odds import Floats
from analytics.ranking import Ranking

_TIED = "all PDs are equal: they rank nothing"
_PERFECT = "the PD separates events from the others completely: no variance to judge by"
_FEW = "a variance needs two loans with the event and two without"
_NO_VARIANCE = "neither AUC has a variance: each separates completely or ranks nothing"


@dataclass(frozen=True)
class DeLong:
    """AUCs of models on the same rows.

    `aucs` has one row a model: model, auc, standard_error, low, high, n, events, reason (why there is no
    interval, or empty). `covariance` is the matrix of the AUCs' covariances, models on both sides; its
    influences, one row a model and one column a loan, are kept for differences, which a
    matrix would round away between two models that are nearly the same.
    """

    aucs: pd.DataFrame
    covariance: pd.DataFrame
    influences: Floats = field(repr=False)


def compute_delong(y: ArrayLike, scores: Scores, *, cluster: ArrayLike | None = None, level: float = 0.95) -> DeLong:
    """Return each model's AUC, its interval, and the covariance matrix of all of them.

    `y` holds 0/1 outcomes, `scores` the PDs (fractions) by model, `cluster` the loan of each row. With V10 an
    event's placement (share of non-events below it, ties ½) and V01 a non-event's (share of events above it),
    cov(A, B) = cov(V10ᴬ, V10ᴮ)/events + cov(V01ᴬ, V01ᴮ)/non-events, covariances unbiased. Intervals are
    AUC ± z·√variance, cut to [0, 1]; blank with a reason where the variance is 0 or unknown. Raises ValueError for
    one class, gaps, unequal lengths, PDs outside [0, 1] and a level outside (0, 1).

    >>> found = compute_delong([1, 1, 0, 0, 0], {"m": [0.4, 0.8, 0.2, 0.4, 0.6]})
    >>> found.aucs[["auc", "standard_error"]].round(4).values.tolist()
    [[0.75, 0.2887]]
    """
    data = check_labelled(y, cluster)
    pds = check_scores(scores, data.n)
    half = _quantile(level)
    estimates, sums = [], []
    for pd_ in pds.values():
        auc, influence = Ranking(data, pd_).estimate_auc()
        estimates.append(auc)
        sums.append(data.sum_by_loan(influence))
    influences = np.vstack(sums)
    matrix: Floats = influences @ influences.T
    rows = [
        _describe(data, model, auc, float(variance), half)
        for model, auc, variance in zip(pds, estimates, np.diag(matrix), strict=True)
    ]
    columns = ["model", "auc", "standard_error", "low", "high", "n", "events", "reason"]
    covariance = pd.DataFrame(matrix, index=list(pds), columns=list(pds))
    return DeLong(pd.DataFrame(rows, columns=columns), covariance, influences)


def _describe(data: Labelled, model: str, auc: float, variance: float, quantile: float) -> tuple[object, ...]:
    error = float(np.sqrt(variance))
    if variance > 0:
        low, high = max(0.0, auc - quantile * error), min(1.0, auc + quantile * error)
        return model, auc, error, low, high, data.n, data.events, ""
    reason = _FEW if np.isnan(variance) else _TIED if auc == 0.5 else _PERFECT
    return model, auc, error, np.nan, np.nan, data.n, data.events, reason


def compute_delong_tests(found: DeLong, *, level: float = 0.95) -> pd.DataFrame:
    """Return one row per pair of models: is the second's AUC different from the first's.

    Columns: first, second, difference (second − first), standard_error, low, high, z, p_value (two-sided),
    reason. z = difference / √(s₁₁ + s₂₂ − 2·s₁₂). Two models that rank alike have difference 0, z 0 and p 1; a
    difference without a variance has a blank z, p and interval, and a reason. The test is
    made for models fitted on other loans than these: on their own training data, and for a model that
    only adds noise to another, it is conservative (Demler et al. 2012, Statistics in Medicine 31).
    """
    quantile = _quantile(level)
    aucs = found.aucs.set_index("model")["auc"]
    rows = []
    for (i, first), (j, second) in combinations(enumerate(aucs.index), 2):
        difference = float(aucs[second] - aucs[first])
        gap = found.influences[j] - found.influences[i]
        rows.append((first, second, difference, *_test(difference, float(np.sqrt(gap @ gap)), quantile)))
    columns = ["first", "second", "difference", "standard_error", "low", "high", "z", "p_value", "reason"]
    return pd.DataFrame(rows, columns=columns)


def _test(difference: float, error: float, quantile: float) -> tuple[float, float, float, float, float, str]:
    if np.isnan(error):
        return error, np.nan, np.nan, np.nan, np.nan, _FEW
    if error == 0 and difference != 0:
        return 0.0, np.nan, np.nan, np.nan, np.nan, _NO_VARIANCE
    z = difference / error if error else 0.0
    low, high = difference - quantile * error, difference + quantile * error
    return error, low, high, z, float(2 * ndtr(-abs(z))), ""


def _quantile(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, got {level}")
    return float(ndtri((1 + level) / 2))
