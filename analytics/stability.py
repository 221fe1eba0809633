"""Has a distribution moved? The population stability index with its critical value.

PSI = Σ (p₂ − p₁)·ln(p₂/p₁) over bins, p₁ the reference's shares, p₂ the current ones (Siddiqi 2006). Where both are
samples of one distribution, PSI/(1/n₁ + 1/n₂) is asymptotically χ² with B − 1 degrees of freedom (Yurdakul 2018,
"Statistical Properties of Population Stability Index"; Yurdakul and Naranjo 2020). 0.10 and 0.25 are conventions
that know nothing of n: show the critical value beside them.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import chdtrc, chdtri

from analytics.flags import check_numbers
from analytics.odds import Floats

EMPTY_RULE = "A bin empty in both samples is left out; a bin empty in one of them counts as half an observation there."
_HALF = 0.5


@dataclass(frozen=True)
class Stability:
    """PSI, its critical value at `level`, p, the two sample sizes, bins counted and how many were empty in one sample.

    Where it cannot be had, psi, critical and p are NaN and `reason` says why.
    """

    psi: float
    critical: float
    p: float
    level: float
    n_reference: int
    n: int
    bins: int
    empty: int
    reason: str


def compute_psi_critical(bins: int, n_reference: int, n: int, *, level: float = 0.05) -> float:
    """Return χ²_{1−level, bins−1}·(1/n₁ + 1/n₂) (Yurdakul 2018), above which a PSI is more than chance.

    >>> round(compute_psi_critical(10, 1000, 1000), 5)
    0.03384
    """
    if bins < 2 or n_reference < 1 or n < 1 or not 0 < level < 1:
        raise ValueError(
            f"a critical PSI needs at least two bins, one observation in each sample and a level in (0, 1), "
            f"got {bins} bins, {n_reference} and {n} observations, level {level}"
        )
    return float(chdtri(bins - 1, level) * (1 / n_reference + 1 / n))


def compute_psi_parts(reference: ArrayLike, current: ArrayLike) -> pd.DataFrame:
    """Return each bin's part of the PSI from two lists of counts in the same bins, empty bins by `EMPTY_RULE`.

    Columns: n_reference, n, share_reference, share (as counted, 0 stays 0), part (NaN where left out). Raises
    ValueError for counts that are negative or missing, of unequal lengths, or all 0.

    >>> compute_psi_parts([25, 25, 25, 25], [10, 20, 30, 40])["part"].round(4).tolist()
    [0.1374, 0.0112, 0.0091, 0.0705]
    """
    n1 = check_numbers(reference, "counts of the reference", low=0)
    n2 = check_numbers(current, "current counts", n1.size, low=0)
    if not n1.sum() or not n2.sum():
        raise ValueError("a PSI needs observations in both samples, got none in one of them")
    p1, p2 = (np.maximum(counts, _HALF) / counts.sum() for counts in (n1, n2))
    part = np.where((n1 == 0) & (n2 == 0), np.nan, (p2 - p1) * np.log(p2 / p1))
    return pd.DataFrame(
        {"n_reference": n1, "n": n2, "share_reference": n1 / n1.sum(), "share": n2 / n2.sum(), "part": part}
    )


def compute_psi(reference: ArrayLike, current: ArrayLike, *, level: float = 0.05) -> Stability:
    """Return the PSI of two lists of counts in the same bins, with critical value and p.

    Errors as in `compute_psi_parts`; a single bin with observations gives a blank with a reason.

    >>> round(compute_psi([25, 25, 25, 25], [10, 20, 30, 40]).psi, 11)
    0.22821740957
    """
    parts = compute_psi_parts(reference, current)
    n1, n2 = (round(float(parts[name].sum())) for name in ("n_reference", "n"))
    used = parts.dropna(subset=["part"])
    empty = int(((used["n_reference"] == 0) | (used["n"] == 0)).sum())
    if len(used) < 2:
        return Stability(np.nan, np.nan, np.nan, level, n1, n2, len(used), empty, "one bin holds all observations")
    psi = float(used["part"].sum())
    critical = compute_psi_critical(len(used), n1, n2, level=level)
    p = float(chdtrc(len(used) - 1, psi / (1 / n1 + 1 / n2)))
    return Stability(psi, critical, p, level, n1, n2, len(used), empty, "")


def count_values(values: ArrayLike, order: ArrayLike) -> Floats:
    """Return how often each of `order` occurs in `values`; ValueError where a value is none of them.

    >>> count_values(["b", "a", "b"], ["a", "b", "c"]).tolist()
    [1.0, 2.0, 0.0]
    """
    names = pd.Index(np.asarray(order))
    place = names.get_indexer(pd.Index(np.asarray(values)))
    if (place < 0).any():
        raise ValueError(f"{int((place < 0).sum())} values are in none of the {len(names)} bins")
    return np.bincount(place, minlength=len(names)).astype(float)
