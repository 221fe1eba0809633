"""Yes-or-no columns and columns of numbers, checked: of the right length, without gaps, nothing but what they may hold.

Unlike `check_labelled`, all yes or all no is fine: a grade without a default is a finding, not an error.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analytics.odds import Floats


def check_flags(values: ArrayLike, name: str, n: int | None = None) -> NDArray[np.bool_]:
    """Return 0/1 or true/false values as booleans.

    Raises ValueError naming the column when it is not 0/1, has gaps, or is not of length `n`.

    >>> [bool(flag) for flag in check_flags([0, 1, True], "default")]
    [False, True, True]
    """
    numbers = _check_length(pd.to_numeric(to_series(values)).to_numpy(dtype=float, na_value=np.nan), name, n)
    unknown = int(np.isnan(numbers).sum())
    if unknown:
        raise ValueError(f"{name} must be known: {unknown} of {numbers.size} are missing")
    if not np.isin(numbers, (0.0, 1.0)).all():
        raise ValueError(f"{name} must be 0 or 1, got other values")
    return np.asarray(numbers == 1, dtype=bool)


def check_numbers(
    values: ArrayLike, name: str, n: int | None = None, *, low: float = -np.inf, high: float = np.inf
) -> Floats:
    """Return finite numbers between `low` and `high` (both allowed) as floats.

    Raises ValueError naming the column when a number is missing, infinite or outside, or the length is not `n`.
    """
    numbers = _check_length(pd.to_numeric(to_series(values)).to_numpy(dtype=float, na_value=np.nan), name, n)
    wrong = int((~np.isfinite(numbers)).sum())
    if wrong:
        raise ValueError(f"{name} must be finite numbers: {wrong} of {numbers.size} are not")
    if numbers.size and (numbers.min() < low or numbers.max() > high):
        raise ValueError(f"{name} must lie in [{low:g}, {high:g}], got {numbers.min():g} to {numbers.max():g}")
    return numbers


def to_series(values: ArrayLike) -> pd.Series:
    """Return one column of values, with the places 0 … n − 1 as its index, whatever index it came with."""
    if isinstance(values, pd.Series):
        return values.reset_index(drop=True)
    array = values if isinstance(values, pd.api.extensions.ExtensionArray) else np.asarray(values).ravel()
    return pd.Series(array)


def _check_length(numbers: Floats, name: str, n: int | None) -> Floats:
    if n is not None and numbers.size != n:
        raise ValueError(f"{name} must have one value per row: {n} rows, {numbers.size} values")
    return numbers
