"""How well LGD or CCF estimates rank what was realised: the generalised AUC with its standard error.

ECB, Instructions for reporting the validation results of internal models, February 2019, section 2.6.3 and Annex 3.2:
gAUC = (D(C|R) + 1)/2 with Somers' D = (P − Q)/w_r over a table of estimated (rows) by realised (columns) segments,
w_r = F² − Σ r_i², F the number of facilities, r_i the row sums: pairs of one estimate are left out, pairs of one
realised segment count ½. Somers 1962 (American Sociological Review 27);
the standard error is that of Goodman and Kruskal (1972), not the one under the null of no association.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analytics.flags import check_numbers
from analytics.initial_validation import compute_s_test
from analytics.odds import Floats

MOST_GRADES = 20
EDGES = (0.05, 0.10, 0.20, 0.30, 0.40, 0.50, 0.60, 0.70, 0.80, 0.90, 1.00)
SEGMENTS = (
    "0–5 %", "5–10 %", "10–20 %", "20–30 %", "30–40 %", "40–50 %", "50–60 %", "60–70 %", "70–80 %", "80–90 %",
    "90–100 %", "100 % and more",
)  # fmt: skip


@dataclass(frozen=True)
class GeneralisedAuc:
    """gAUC, Somers' D, the standard error s of gAUC, facilities, and how the rows were made ("grades", "segments").

    With an initial gAUC: the statistic S = (initial − now)/s and p = 1 − Φ(S), else NaN; `reason` says why not.
    """

    gauc: float
    d: float
    s: float
    n: int
    rows: str
    initial: float
    statistic: float
    p: float
    reason: str


def assign_segments(values: ArrayLike) -> NDArray[np.intp]:
    """Return the place (0 to 11) of fractions in the twelve `SEGMENTS`: [0, 5 %), [5, 10 %), ten-point steps, ≥ 100 %.

    A realised value below 0 (more recovered than was owed) falls into the first.

    >>> assign_segments([-0.1, 0.0, 0.05, 0.1, 0.999, 1.0, 1.3]).tolist()
    [0, 0, 1, 2, 10, 11, 11]
    """
    return np.asarray(
        np.searchsorted(EDGES, check_numbers(values, "fractions to segment"), side="right"), dtype=np.intp
    )


def compute_somers_d(table: ArrayLike) -> tuple[float, float]:
    """Return D(C|R) and its standard error from a table of counts, rows and columns in rising order.

    D = (P − Q)/w_r; error = (2/w_r²)·√Σ a_ij (w_r·d_ij − (P − Q)(F − r_i))², d_ij the concordant less the discordant
    facilities of a cell. Raises ValueError unless two rows or more hold facilities and counts are 0 or more.

    >>> d, error = compute_somers_d([[26, 26, 23, 18, 9], [6, 7, 9, 14, 23]])
    >>> round(d, 4), round(error / 2, 10)
    (0.4427, 0.0418668109)
    """
    counts = np.atleast_2d(np.asarray(table, dtype=float))
    if counts.ndim != 2 or not np.isfinite(counts).all() or (counts < 0).any():
        raise ValueError("a table of estimated by realised segments holds counts of 0 or more")
    total, by_row = counts.sum(), counts.sum(axis=1)
    pairs = total**2 - by_row @ by_row
    if np.count_nonzero(by_row) < 2:
        raise ValueError("estimates of one segment only rank nothing: two or more are needed")
    balance = _balance(counts)
    excess = float((counts * balance).sum())
    spread = counts * (pairs * balance - excess * (total - by_row)[:, None]) ** 2
    return float(excess / pairs), float(2 / pairs**2 * np.sqrt(spread.sum()))


def _balance(counts: Floats) -> Floats:
    """Return for each cell the facilities concordant with it less the discordant ones."""
    padded = np.zeros((counts.shape[0] + 1, counts.shape[1] + 1))
    padded[1:, 1:] = counts.cumsum(axis=0).cumsum(axis=1)
    total, above, left = padded[-1, -1], padded[:, -1], padded[-1, :]
    up, down = above[:-1, None], (total - above[1:])[:, None]
    # Sums over rows strictly above or below, columns strictly left or right of the cell.
    up_left, up_right = padded[:-1, :-1], up - padded[:-1, 1:]
    down_left = left[None, :-1] - padded[1:, :-1]
    down_right = down - (left[None, 1:] - padded[1:, 1:])
    return np.asarray(up_left + down_right - up_right - down_left, dtype=float)


def compute_generalised_auc(
    estimated: ArrayLike, realised: ArrayLike, *, initial: float | None = None
) -> GeneralisedAuc:
    """Return the gAUC of estimates (fractions) of facilities against realised values (fractions).

    Up to 20 distinct estimates are grades and make the rows; more are put into the twelve segments. Realised
    values are always put into the twelve segments. Raises ValueError for gaps, unequal lengths, no facilities, or
    estimates that are all in one row.
    """
    guess = check_numbers(estimated, "estimates")
    seen = assign_segments(check_numbers(realised, "realised values", guess.size))
    if not guess.size:
        raise ValueError("a generalised AUC needs facilities, got none")
    grades, place = np.unique(guess, return_inverse=True)
    rows = "grades" if grades.size <= MOST_GRADES else "segments"
    if rows == "segments":
        place = assign_segments(guess)
    table = pd.crosstab(place, seen).to_numpy()
    d, error = compute_somers_d(table)
    gauc, s = (d + 1) / 2, error / 2
    statistic, p, reason = np.nan, np.nan, "no initial validation to compare with"
    if initial is not None:
        statistic, p = compute_s_test(gauc, s, initial)
        reason = "" if s > 0 else "no variance: the estimates rank all facilities alike"
    known = np.nan if initial is None else float(initial)
    return GeneralisedAuc(gauc, d, s, int(guess.size), rows, known, statistic, p, reason)
