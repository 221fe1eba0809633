"""How far PDs lie from true PDs that are known as shares of simulated lives: only a synthetic book has them."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import spearmanr


def compute_truth_distance(pds: ArrayLike, shares: ArrayLike, *, repeats: int, y: ArrayLike) -> dict[str, Any]:
    """Return rmse, bias, rank_correlation and n of `pds` against true PDs, and the Gini of the shares themselves.

    `shares` are means of `repeats` simulated outcomes m of each row, hence noisy: E(p − m)² = (p − π)² + π(1 − π)/R,
    and m(1 − m)/(R − 1) estimates the last term without bias, so it is taken off the mean square (which is held at 0).
    `ceiling_gini` is the Gini of `shares` on the outcomes `y`. Noise costs rank, so a model that knew all could expect
    more: where R · π is small, as for most mortgages, much more (most shares are then 0). It and `rank_correlation`
    are too low for that reason, and not corrected. Raises ValueError for fewer than two repeats or rows of different
    number.
    """
    p, m, outcome = (np.asarray(part, dtype=float) for part in (pds, shares, y))
    if not p.shape == m.shape == outcome.shape or p.ndim != 1 or not len(p):
        raise ValueError(f"one PD, share and outcome a row are needed, got {p.shape}, {m.shape} and {outcome.shape}")
    if repeats < 2:
        raise ValueError(f"the noise of the shares needs two repeats at least, got {repeats}")
    square = float(np.mean((p - m) ** 2) - np.mean(m * (1 - m)) / (repeats - 1))
    both = 0 < outcome.sum() < len(outcome)
    return {
        "rmse": float(np.sqrt(max(square, 0.0))),
        "bias": float(np.mean(p - m)),
        "rank_correlation": float(spearmanr(p, m).statistic) if np.ptp(p) > 0 and np.ptp(m) > 0 else None,
        "ceiling_gini": _gini(outcome, m) if both else None,
        "n": len(p),
    }


def _gini(y: "np.ndarray[Any, Any]", scores: "np.ndarray[Any, Any]") -> float:
    from sklearn.metrics import roc_auc_score

    return float(2 * roc_auc_score(y, scores) - 1)
