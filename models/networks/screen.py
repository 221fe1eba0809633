"""Which pairs of features act together: a quick screen on what their own effects leave unexplained."""

import itertools

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from models.base import Labels
from models.encoding import Matrix

BINS = 8  # of a number, and most categories told apart, missing aside
ROWS = 100_000
FEWEST_Z = 3.0

Pairs = list[tuple[int, int]]


def screen_pairs(X: Matrix, y: Labels, *, most: int, numbers: list[int], seed: int) -> Pairs:
    """Return at most `most` pairs of columns (i < j), the strongest first, that act on the outcome together.

    A logistic regression on bins of each column leaves residuals r with variances v = p (1 − p). For a pair, the
    score statistic over the cells of both columns' bins, Σ (Σ r)² / Σ v, is about χ² with (a − 1)(b − 1) degrees of
    freedom where nothing is left; pairs are ordered by its standardised excess (χ² − df) / √(2 df), and those under
    FEWEST_Z are left out. At most ROWS rows, drawn with `seed`, are looked at.
    """
    if len(y) > ROWS:
        chosen = np.random.default_rng(seed).choice(len(y), ROWS, replace=False)
        X, y = X[chosen], y[chosen]
    codes = [bin_column(X[:, i], is_number=i in numbers) for i in range(X.shape[1])]
    counts = [int(column.max()) + 1 for column in codes]
    residual, variance = _residuals(codes, counts, y)
    found = []
    for i, j in itertools.combinations(range(len(codes)), 2):
        freedom = (counts[i] - 1) * (counts[j] - 1)
        if not freedom:
            continue
        cell = codes[i] * counts[j] + codes[j]
        total, spread = (np.bincount(cell, part, counts[i] * counts[j]) for part in (residual, variance))
        chi2 = float((total[spread > 0] ** 2 / spread[spread > 0]).sum())
        found.append(((chi2 - freedom) / np.sqrt(2 * freedom), (i, j)))
    return [pair for z, pair in sorted(found, reverse=True)[:most] if z >= FEWEST_Z]


def bin_column(column: Matrix, *, is_number: bool) -> npt.NDArray[np.int64]:
    """Return the bin of each value, 0, 1, 2, … without gaps: missing has one, numbers are cut at their quantiles.

    >>> bin_column(np.array([1.0, 2.0, np.nan, 3.0]), is_number=False)
    array([1, 2, 0, 3])
    """
    known = ~np.isnan(column)
    codes = np.zeros(len(column), dtype=np.int64)
    if is_number:
        edges = np.unique(np.quantile(column[known], np.linspace(0, 1, BINS + 1)[1:-1]))
        codes[known] = 1 + np.searchsorted(edges, column[known])
    else:
        codes[known] = 1 + np.minimum(column[known], BINS - 1).astype(np.int64)
    found: npt.NDArray[np.int64] = np.unique(codes, return_inverse=True)[1]
    return found


def _residuals(codes: list[npt.NDArray[np.int64]], counts: list[int], y: Labels) -> tuple[Matrix, Matrix]:
    """Return y − p and p (1 − p) of a logistic regression on the bins of every column."""
    starts = np.cumsum([0, *counts[:-1]])
    places = np.column_stack([column + start for column, start in zip(codes, starts, strict=True)])
    rows, columns = places.shape
    one_hot = sparse.csr_matrix(
        (np.ones(places.size), places.ravel(), np.arange(0, places.size + 1, columns)), (rows, sum(counts))
    )
    p = LogisticRegression(C=10.0, max_iter=300).fit(one_hot, y).predict_proba(one_hot)[:, 1]
    return y - p, p * (1 - p)
