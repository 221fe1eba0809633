"""How loans move between grades in a year: the migration matrix, its bandwidths, and a test between neighbours.

ECB, Instructions for reporting the validation results of internal models, February 2019, sections 2.5.5.1 and 2.5.5.2.
The matrix is K × (K + 3): grades at the end of the year, then default, another model, ended. A loan that defaulted
counts as a default whatever else it did, then one rated by another model, then one that ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from analytics.flags import check_flags, to_series
from analytics.odds import Floats

ENDS = ("default", "other model", "ended")


@dataclass(frozen=True)
class Bandwidth:
    """How far loans moved of how far they could: to worse grades (upper) and to better ones (lower), 0 to 1.

    Both are 0 where no loan moved that way; `moved_upper` and `moved_lower` count the loans that did, so that
    none moved and all moved little can be told apart.
    """

    upper: float
    lower: float
    moved_upper: int
    moved_lower: int


def compute_migrations(
    start: ArrayLike,
    end: ArrayLike,
    *,
    default: ArrayLike,
    grades: Sequence[Any],
    other_model: ArrayLike | None = None,
    ended: ArrayLike | None = None,
) -> pd.DataFrame:
    """Return counts of loans by grade at the start (rows) and at the end or what became of them (columns).

    `grades` lists all grades from best to worst; `end` may be missing where a flag says what became of the loan. A flag
    that is not given leaves its column blank (NaN): not recorded is not 0. Raises ValueError for a grade outside
    `grades`, a loan without a grade at the start, or one of which nothing is known at the end.
    """
    first, last = to_series(start), to_series(end)
    if len(first) != len(last):
        raise ValueError(f"a migration needs a start and an end per loan: {len(first)} starts, {len(last)} ends")
    flags = {"default": default, "other model": other_model, "ended": ended}
    place = _place_ends(last, flags, grades)
    row = _find(first, grades, "at the start")
    if (row < 0).any():
        raise ValueError(f"{int((row < 0).sum())} of {len(row)} loans have no grade at the start")
    if (place < 0).any():
        raise ValueError(
            f"{int((place < 0).sum())} of {len(place)} loans have no grade at the end and no flag says why"
        )
    size = len(grades) + len(ENDS)
    counts = np.bincount(row * size + place, minlength=len(grades) * size).reshape(len(grades), size)
    matrix = pd.DataFrame(counts.astype(float), index=pd.Index(grades, name="start"), columns=[*grades, *ENDS])
    for name, flag in flags.items():
        if flag is None:
            matrix[name] = np.nan
    return matrix


def _find(values: pd.Series, grades: Sequence[Any], when: str) -> NDArray[np.intp]:
    """Return each value's place in the scale, −1 where it is missing."""
    index = pd.Index(grades)
    if index.size < 2 or not index.is_unique:
        raise ValueError(f"a migration matrix needs two different grades or more, got {index.size}")
    place = np.asarray(index.get_indexer(pd.Index(values)))
    strange = values[(place < 0) & values.notna().to_numpy()]
    if len(strange):
        raise ValueError(f"{len(strange)} loans have a grade {when} outside the scale, such as {strange.iloc[0]!r}")
    return place


def _place_ends(last: pd.Series, flags: dict[str, ArrayLike | None], grades: Sequence[Any]) -> NDArray[np.intp]:
    place = _find(last, grades, "at the end")
    for offset, name in reversed(list(enumerate(ENDS))):  # the first of ENDS is written last and so wins
        flag = flags[name]
        if flag is not None:
            place = np.where(check_flags(flag, name, len(last)), len(grades) + offset, place)
    return place


def _split(matrix: pd.DataFrame | ArrayLike) -> tuple[Floats, Floats]:
    """Return the K × K counts between grades and each grade's number at the start, all columns counted."""
    counts = np.asarray(matrix, dtype=float)
    if counts.ndim != 2 or counts.shape[0] < 2 or counts.shape[1] not in (counts.shape[0], counts.shape[0] + len(ENDS)):
        raise ValueError(f"a migration matrix is K x K or K x (K + 3) with K of 2 or more, got {counts.shape}")
    size = counts.shape[0]
    inner = counts[:, :size]
    if np.isnan(inner).any() or (np.nan_to_num(counts) < 0).any():
        raise ValueError("a migration matrix holds counts of 0 or more between all grades")
    return inner, np.nansum(counts, axis=1)


def compute_bandwidth(matrix: pd.DataFrame | ArrayLike) -> Bandwidth:
    """Return the matrix-weighted bandwidths of counts between K grades (best to worst); further columns do not count.

    upper = Σ_{i<j} |i − j|·N_ij / Σ_i max(|i − K|, |i − 1|)·Σ_{j>i} N_ij; lower likewise for j < i.

    >>> compute_bandwidth([[2, 1, 1], [1, 2, 1], [1, 1, 2]])
    Bandwidth(upper=0.8, lower=0.8, moved_upper=3, moved_lower=3)
    """
    counts, _ = _split(matrix)
    place = np.arange(counts.shape[0])
    far = np.maximum(place, place[::-1]).astype(float)
    moved = np.abs(place[:, None] - place[None, :]) * counts
    found = []
    for part in (np.triu, np.tril):
        side = part(counts, 1 if part is np.triu else -1)
        most = float(far @ side.sum(axis=1))
        found.append((float(part(moved).sum()) / most if most > 0 else 0.0, int(side.sum())))
    return Bandwidth(found[0][0], found[1][0], found[0][1], found[1][1])


def compute_neighbour_tests(matrix: pd.DataFrame) -> pd.DataFrame:
    """Return for each cell whether it is rarer than its neighbour nearer the diagonal, as it should be.

    p_ij = N_ij/N_i with N_i all loans of grade i at the start. For j < i
    z = (p_{i,j+1} − p_ij)/√{[p_ij(1 − p_ij) + p_{i,j+1}(1 − p_{i,j+1}) + 2·p_ij·p_{i,j+1}]/N_i}, for j > i with
    p_{i,j−1}; p = Φ(z). H0: the cell is not more frequent than that neighbour; a small p says that it is.

    `matrix` as `compute_migrations` gives it, or any frame of counts K × K or K × (K + 3). Columns: start, end, n
    (loans in the cell), share (of N_i), z, p, reason. z and p are blank where undefined: on the diagonal, in an empty
    row, where both cells are empty, or where one of the two holds the whole row.
    """
    counts, total = _split(matrix)
    size = counts.shape[0]
    row, column = (grid.ravel() for grid in np.indices(counts.shape))
    nearer = column + np.sign(row - column)
    cell, beside, base = counts[row, column], counts[row, nearer], total[row]
    with np.errstate(invalid="ignore", divide="ignore"):
        # The variance in counts: N·[p(1−p) + q(1−q) + 2pq] = a + b − (a − b)²/N, exact where it is 0.
        variance = cell + beside - (cell - beside) ** 2 / base
        z = (beside - cell) / np.sqrt(variance)
        defined = (row != column) & (base > 0) & (variance > 0)
        share = np.where(base > 0, cell / base, np.nan)
    reasons = [
        (row == column, "on the diagonal"),
        (base == 0, "no loan in this grade at the start"),
        (cell + beside == 0, "no loan in either cell"),
        (~defined, "one of the two cells holds the whole row"),
    ]
    z = np.where(defined, z, np.nan)
    names = list(matrix.index)
    return pd.DataFrame(
        {
            "start": [names[i] for i in row],
            "end": [list(matrix.columns)[:size][j] for j in column],
            "n": cell.astype("int64"),
            "share": share,
            "z": z,
            "p": ndtr(z),
            "reason": np.select([test for test, _ in reasons], [word for _, word in reasons], ""),
        }
    )
