"""Loans that look odd: isolation forest on their fields, with the reasons for each.

Liu, Ting and Zhou (2008), "Isolation forest", ICDM: a row that few random splits set apart from all others is odd.
A reason is what happens when the loan's value is replaced by the typical one (median, most frequent word) and the loan
is scored again: how much of the oddity goes. Replaced one at a time, reasons need not add up to the whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.odds import Floats

Singles = NDArray[np.float32]  # what the forest is fitted on

TREES = 150
RARE = 0.005  # a word on fewer rows than this is one of the rare words
TOP = 50
REASONS = 3
SEED = 20260630


@dataclass(frozen=True)
class Outliers:
    """The oddest rows: id, score (0 to 1; about 0.5 is usual) and reasons, and what is typical of each field.

    `reasons` has one row a reason: id, field, value, typical (as they stand in the data), and drop, the part of the
    score that goes when the value is replaced. `rows` is how many were scored.
    """

    top: pd.DataFrame
    reasons: pd.DataFrame
    typical: dict[str, object]
    rows: int


def find_outliers(frame: pd.DataFrame, *, key: str, fields: Sequence[str], top: int = TOP) -> Outliers:
    """Return the `top` oddest rows of `frame`, judged by `fields` (numbers or words).

    Numbers that are positive and skewed are taken as logarithms; missing numbers become the median and a flag;
    words become their frequency's logarithm, so that a rare word is far away. Fields with one value are left out.
    Raises ValueError where fewer than 50 rows or two fields remain.
    """
    from sklearn.ensemble import IsolationForest

    coded = {name: _code(frame[name]) for name in fields}
    used = [name for name, values in coded.items() if np.ptp(values) > 0]
    if len(frame) < 50 or len(used) < 2:
        raise ValueError(
            f"odd loans need 50 rows and two fields that vary, got {len(frame)} rows and {len(used)} fields"
        )
    matrix = np.column_stack([coded[name] for name in used]).astype(np.float32)
    forest = IsolationForest(n_estimators=TREES, max_samples=min(512, len(frame)), random_state=SEED, n_jobs=1)
    forest.fit(matrix)
    score = -forest.score_samples(matrix)
    order = np.argsort(-score, kind="stable")[:top]
    usual = {name: _usual(frame[name]) for name in used}
    middle = np.array([_code_usual(coded[name], frame[name], usual[name]) for name in used], dtype=np.float32)
    drops = _measure_drops(forest, matrix[order], middle, score[order])
    found = frame.iloc[order]
    table = found[[key]].assign(score=score[order]).reset_index(drop=True)
    return Outliers(table, _reasons(found, drops, key, used, usual), usual, len(frame))


def _code(values: pd.Series) -> Floats:
    """Return a field as numbers in which far means unusual."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        numbers = np.where(np.isfinite(numbers), numbers, np.nan)
        if not np.isfinite(numbers).any():
            return np.zeros(len(numbers))
        known = numbers[np.isfinite(numbers)]
        if known.min() > 0 and float(np.mean(((known - known.mean()) / (known.std() or 1)) ** 3)) > 1:
            numbers = np.log(numbers)
        return np.where(np.isnan(numbers), np.nanmedian(numbers), numbers)
    words = values.astype(object).where(values.notna(), "").astype(str)
    share = words.map(words.value_counts(normalize=True)).to_numpy(dtype=float)
    return np.asarray(np.log(np.maximum(share, RARE)), dtype=float)


def _usual(values: pd.Series) -> object:
    known = values.dropna()
    if not len(known):
        return None
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return float(known.median())
    return known.mode().iloc[0]


def _code_usual(codes: Floats, values: pd.Series, usual: object) -> float:
    """Return the code of the typical value: the median of a number's codes, the code of the most frequent word."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return float(np.median(codes))
    return float(codes[(values == usual).to_numpy(dtype=bool, na_value=False)][0])


def _measure_drops(forest: Any, rows: Singles, middle: Singles, score: Floats) -> Floats:
    """Return by how much each row's score falls when each field's value is replaced by the typical one."""
    count, fields = rows.shape
    replaced = np.repeat(rows, fields, axis=0)
    place = np.tile(np.arange(fields), count)
    replaced[np.arange(len(replaced)), place] = middle[place]
    again = -forest.score_samples(replaced)
    return np.asarray(score[:, None] - again.reshape(count, fields), dtype=float)


def _reasons(
    found: pd.DataFrame, drops: Floats, key: str, used: Sequence[str], usual: dict[str, object]
) -> pd.DataFrame:
    rows = []
    for place in range(len(found)):
        row = found.iloc[place]
        for field in np.argsort(-drops[place], kind="stable")[:REASONS]:
            if drops[place, field] > 0:
                name = used[field]
                rows.append({key: row[key], "field": name, "value": row[name], "typical": usual[name],
                             "drop": float(drops[place, field])})  # fmt: skip
    return pd.DataFrame(rows, columns=[key, "field", "value", "typical", "drop"])
