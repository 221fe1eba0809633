"""Are LGD (or CCF) estimates high enough? The t-test and the loss shortfall, by segment and for all.

ECB, Instructions for reporting the validation results of internal models, February 2019, section 2.6.2.1 (LGD; the
same for CCF): T = √N·mean(R − E)/s, p = 1 − t_{N−1}(T), R realised, E estimated, each facility once, s² the unbiased
variance of R − E. H0: estimates are at least what is realised; a small p says that they are too low. Loss shortfall
= 1 − Σ E·EAD/Σ R·EAD (Li, Bhariok, Keenan and Santilli 2009, Journal of Risk Model Validation 3): the share of the
realised loss in money that was not estimated; below 0 where more was estimated than lost.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import stdtr

from analytics.flags import check_numbers, to_series
from analytics.generalised_auc import SEGMENTS, assign_segments
from analytics.odds import Floats
from analytics.stability import Stability, compute_psi
from analytics.words import MISSING

ALL = "all"


def compute_loss_t(realised: ArrayLike, estimated: ArrayLike) -> tuple[float, float, float]:
    """Return T, p and s² of realised against estimated fractions; NaN where there is no variance to be had.

    >>> t, p, s2 = compute_loss_t([0.10, 0.25, 0.05, 0.40, 0.30], [0.15, 0.20, 0.10, 0.25, 0.25])
    >>> round(t, 10), round(p, 10), round(s2, 10)
    (0.8017837257, 0.2338023773, 0.007)
    """
    seen = check_numbers(realised, "realised values")
    error = seen - check_numbers(estimated, "estimates", seen.size)
    if error.size < 2:
        return np.nan, np.nan, np.nan
    s2 = float(error.var(ddof=1))
    # Differences equal but for rounding have no variance, though the computer finds 1e-34.
    if s2 <= (1e-12 * max(1.0, float(np.abs(error).max()))) ** 2:
        return np.nan, np.nan, 0.0
    t = float(np.sqrt(error.size) * error.mean() / np.sqrt(s2))
    return t, float(stdtr(error.size - 1, -t)), s2


def compute_loss_tests(
    realised: ArrayLike,
    estimated: ArrayLike,
    *,
    exposure: ArrayLike | None = None,
    segment: ArrayLike | None = None,
) -> pd.DataFrame:
    """Return the t-test and the loss shortfall by segment and, last, for all.

    `realised` and `estimated` are fractions of one facility a row, `exposure` its amount at default (money, same
    currency), `segment` its group (missing: "not known"). Columns: segment, n, realised, estimated (means by number),
    difference, s2, t, p, exposure, loss, loss_estimated (money), shortfall, reason (of the first blank). Raises
    ValueError for gaps, unequal lengths, negative exposure or no facilities.
    """
    seen = check_numbers(realised, "realised values")
    guess = check_numbers(estimated, "estimates", seen.size)
    if not seen.size:
        raise ValueError("a test of losses needs facilities, got none")
    amount = None if exposure is None else check_numbers(exposure, "exposure", seen.size, low=0)
    rows = []
    if segment is not None:
        group = to_series(segment)
        if len(group) != seen.size:
            raise ValueError(f"every facility needs a segment: {seen.size} facilities, {len(group)} segments")
        group = group.astype(object).where(group.notna(), MISSING)
        for name, places in group.groupby(group, sort=True).indices.items():
            part = None if amount is None else amount[places]
            rows.append({"segment": name, **_test(seen[places], guess[places], part)})
    return pd.DataFrame([*rows, {"segment": ALL, **_test(seen, guess, amount)}])


def _test(seen: Floats, guess: Floats, amount: Floats | None) -> dict[str, object]:
    t, p, s2 = compute_loss_t(seen, guess)
    reasons = []
    if np.isnan(t):
        reasons.append(
            "no variance: fewer than two facilities" if seen.size < 2 else "no variance: all errors are equal"
        )
    lost = estimated = total = shortfall = np.nan
    if amount is None:
        reasons.append("no shortfall: no exposure given")
    else:
        total, lost, estimated = float(amount.sum()), float(seen @ amount), float(guess @ amount)
        shortfall = 1 - estimated / lost if lost > 0 else np.nan
        if not lost > 0:
            reasons.append("no shortfall: nothing was lost")
    return {
        "n": int(seen.size), "realised": float(seen.mean()), "estimated": float(guess.mean()),
        "difference": float((seen - guess).mean()), "s2": s2, "t": t, "p": p, "exposure": total, "loss": lost,
        "loss_estimated": estimated, "shortfall": shortfall, "reason": reasons[0] if reasons else "",
    }  # fmt: skip


def compute_loss_psi(reference: ArrayLike, current: ArrayLike, *, level: float = 0.05) -> Stability:
    """Return the PSI of estimates (fractions) now against the reference, over the twelve segments (ECB 2.6.4.2).

    Grades of the bank's own are compared by `analytics.stability.compute_psi` on their counts.
    """
    counts = [np.bincount(assign_segments(values), minlength=len(SEGMENTS)) for values in (reference, current)]
    return compute_psi(*counts, level=level)
