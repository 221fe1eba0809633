"""The H-measure: how much loss a ranking saves when the costs of the two errors are uncertain.

Hand 2009 (Machine Learning 77): the AUC weighs the costs of errors differently for every model; the H-measure
weighs them by one distribution for all. The distribution here is that of the authors' package hmeasure (Anagnostopoulos
and Hand 2012), with its peak at the severity ratio, by default events over non-events. Hand and Anagnostopoulos
2014 (Pattern Recognition Letters 40) propose Beta(1 + π₁, 1 + π₀), which has the same peak and is wider: the two
give different numbers, so name the one used.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import betainc

from analytics.labelled import Scores, check_labelled, check_scores
from analytics.odds import Floats
from analytics.roc_hull import RocHull, find_roc_hull


def compute_h_measure(y: ArrayLike, scores: Scores, *, severity_ratio: float | None = None) -> pd.DataFrame:
    """Return one row per model: model, h, loss, worst_loss, severity_ratio, alpha, beta, n, events.

    `severity_ratio` SR is the cost of flagging a non-event over that of missing an event (below 1 where a missed
    default is the dearer error); without it events / non-events, so that each class weighs the same. The cost
    share c of a false alarm is Beta(2, 1 + 1/SR), with its peak at SR/(1 + SR). At each c the best cut-off is taken:
    loss L = ∫ min over t [c·π₀·FPR(t) + (1 − c)·π₁·(1 − TPR(t))] w(c) dc, worst_loss that of the better
    of flagging all or none, and H = 1 − L / worst_loss: 0 for a ranking without use, 1 for a perfect one.
    A ranking the wrong way round gives 0 (the package would turn it). Raises ValueError for input
    that cannot be judged and for SR ≤ 0.

    >>> float(compute_h_measure([1, 1, 0, 0], {"m": [0.8, 0.6, 0.4, 0.2]})["h"].iloc[0])
    1.0
    """
    data = check_labelled(y)
    pds = check_scores(scores, data.n)
    ratio = data.events / (data.n - data.events) if severity_ratio is None else severity_ratio
    if not 0 < ratio < np.inf:
        raise ValueError(f"a severity ratio is a positive number, got {ratio}")
    alpha, beta = 2.0, 1 + 1 / ratio
    rows = []
    for model, pd_ in pds.items():
        hull = find_roc_hull(data, pd_)
        loss = _integrate_loss(hull, alpha, beta)
        trivial = RocHull(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.array([np.inf, 0.0]),
                          np.array([hull.prevalence]), hull.prevalence)  # fmt: skip
        worst = _integrate_loss(trivial, alpha, beta)
        rows.append((model, max(0.0, 1 - loss / worst), loss, worst, ratio, alpha, beta, data.n, data.events))
    columns = ["model", "h", "loss", "worst_loss", "severity_ratio", "alpha", "beta", "n", "events"]
    return pd.DataFrame(rows, columns=columns)


def _integrate_loss(hull: RocHull, alpha: float, beta: float) -> float:
    """Return the loss when each corner is used for the cost shares between the rates of its two edges."""
    edges = np.r_[1.0, hull.rate, 0.0]
    false_alarm = -np.diff(_integrate_share(edges, alpha, beta))
    missed = np.diff(_integrate_share(1 - edges, beta, alpha))
    rest = (1 - hull.prevalence) * hull.fpr @ false_alarm
    return float(rest + hull.prevalence * (1 - hull.tpr) @ missed)


def _integrate_share(x: Floats, alpha: float, beta: float) -> Floats:
    """Return ∫ from 0 to x of c·w(c) dc for the density w of Beta(α, β): α/(α + β) · I_x(α + 1, β)."""
    return np.asarray(alpha / (alpha + beta) * betainc(alpha + 1, beta, x), dtype=float)
