"""Log-odds and PDs: the two scales on which a model's opinion is told.

log-odds = ln(PD / (1 − PD)). A PD of 0 or 1 has no finite log-odds, so PDs are clipped to
[CLIP, 1 − CLIP] first; one in a million is far below any PD a bank may apply (the floor in
Regulation (EU) 575/2013, Article 160, is 0.05 %) and keeps one absurd forecast from ruling an average.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

Floats = NDArray[np.float64]

CLIP = 1e-6


def clip_pd(pd: ArrayLike) -> Floats:
    """Return PDs (fractions) moved into [CLIP, 1 − CLIP].

    >>> [float(value) for value in clip_pd([0.0, 0.2, 1.0])]
    [1e-06, 0.2, 0.999999]
    """
    return np.asarray(np.clip(np.asarray(pd, dtype=float), CLIP, 1 - CLIP), dtype=float)


def to_log_odds(pd: ArrayLike) -> Floats:
    """Return the log-odds of PDs (fractions), clipped as `clip_pd` says.

    >>> float(to_log_odds(0.5))
    0.0
    """
    clipped = clip_pd(pd)
    return np.asarray(np.log(clipped / (1 - clipped)), dtype=float)


def to_pd(log_odds: ArrayLike) -> Floats:
    """Return the PDs (fractions) of log-odds.

    >>> float(to_pd(0.0))
    0.5
    """
    return np.asarray(expit(np.asarray(log_odds, dtype=float)), dtype=float)


def to_factor(contribution: Any) -> float:
    """Return by how much a contribution to the log-odds multiplies the odds.

    >>> round(to_factor(0.6931471805599453), 9)
    2.0
    """
    return float(np.exp(float(contribution)))
