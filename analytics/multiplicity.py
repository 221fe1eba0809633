"""Many tests at once: p-values adjusted so that chance findings stay rare among the findings."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from analytics.odds import Floats

Method = Literal["benjamini-hochberg", "holm"]


def adjust_p_values(p: ArrayLike, method: Method = "benjamini-hochberg") -> Floats:
    """Return adjusted p-values in the order given; NaN (a test that was not made) stays NaN and does not count.

    Benjamini-Hochberg: kept below q, at most a share q of the findings is false on average (J. R. Stat. Soc. B
    57, 1995; independent or positively dependent tests). Holm: kept below α, any false finding has at most
    probability α (Scand. J. Stat. 6, 1979; any dependence). Raises ValueError for p outside [0, 1].

    >>> [round(float(q), 3) for q in adjust_p_values([0.01, 0.04, 0.03, 0.005])]
    [0.02, 0.04, 0.04, 0.02]
    >>> [round(float(q), 3) for q in adjust_p_values([0.01, 0.04, 0.03, 0.005], "holm")]
    [0.03, 0.06, 0.06, 0.02]
    """
    values = np.asarray(p, dtype=float)
    known = ~np.isnan(values)
    if (values[known] < 0).any() or (values[known] > 1).any():
        raise ValueError("p-values lie between 0 and 1")
    adjusted = np.full(values.shape, np.nan)
    if known.any():
        adjusted[known] = _adjust_holm(values[known]) if method == "holm" else _adjust_bh(values[known])
    return adjusted


def _adjust_bh(p: Floats) -> Floats:
    from scipy.stats import false_discovery_control

    return np.asarray(false_discovery_control(p, method="bh"), dtype=float)


def _adjust_holm(p: Floats) -> Floats:
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted
