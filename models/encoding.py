"""Features as one float64 matrix, the same for every family.

Numbers stay numbers (NaN where missing); a sequence takes one column a month and channel; categories become codes
0, 1, 2, … in the order of their frequency at training. Rare categories share one code, so ten thousand of them harm
no family; a category never seen in training is treated as missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from portfolio.errors import HypothecError
from portfolio.histories import MONTHS
from portfolio.schema import Field, Schema

Matrix = npt.NDArray[np.float64]
OTHER = "(other)"
MAX_CATEGORIES = 60
MIN_ROWS = 30


@dataclass(frozen=True)
class Feature:
    """What a model needs to know of a column. `sign` is +1 where higher means riskier, -1, or 0 unknown.

    A sequence's cells are lists of months × `channels` numbers, month by month (see portfolio.histories).
    """

    name: str
    kind: Literal["number", "category", "sequence"]
    sign: int = 0
    channels: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """How many columns of the matrix it takes."""
        return MONTHS * len(self.channels) if self.kind == "sequence" else 1


def model_features(schema: Schema) -> tuple[Feature, ...]:
    """Return the schema's features for a model; dates and protected fields are never among them."""
    return features_of(schema, [item.name for item in schema.with_role("feature") if item.kind != "date"])


def features_of(schema: Schema, names: Sequence[str]) -> tuple[Feature, ...]:
    """Return the named columns as features; protected, outcome, id and ignored fields are refused by name."""
    fields = [schema.get(name) for name in names]
    for item in fields:
        refuse_as_feature(schema, item)
    return tuple(
        Feature(item.name, "number" if item.kind == "number" else "category", item.expected_sign) for item in fields
    )


def refuse_as_feature(schema: Schema, item: Field) -> None:
    """Raise if `item` may not reach a model."""
    if "feature" not in item.roles:
        barred = ("protected", "target", "id", "score", "ignore")
        why = next((role for role in barred if role in item.roles), "not a feature")
        raise HypothecError(
            f"{item.name!r} is {why} in the schema of {schema.title!r} and cannot be a model's "
            "feature; models take fields with the role feature only"
        )


@dataclass(frozen=True)
class Encoder:
    """The fitted coding: for each category feature, its categories in code order."""

    features: tuple[Feature, ...]
    categories: dict[str, tuple[str, ...]]

    @classmethod
    def fit(cls, X: pd.DataFrame, features: Sequence[Feature]) -> "Encoder":
        """Learn the categories of `X`: the most frequent ones, and one code for all the rare."""
        check_columns(X, features)
        coded = {item.name: _frequent(X[item.name]) for item in features if item.kind == "category"}
        return cls(tuple(features), coded)

    @property
    def names(self) -> list[str]:
        """The features' names in matrix order."""
        return [item.name for item in self.features]

    def transform(self, X: pd.DataFrame) -> Matrix:
        """Return `X` as a matrix of shape (rows, features); a sequence takes as many columns as it is wide."""
        check_columns(X, self.features)
        out = np.empty((len(X), sum(item.width for item in self.features)))
        for item, place in zip(self.features, self.places(), strict=True):
            column = X[item.name]
            if item.kind == "sequence":
                out[:, place] = _sequences(item, column)
            else:
                known = self._codes(item.name, column) if item.kind == "category" else _numbers(item.name, column)
                out[:, place.start] = known
        return out

    def places(self) -> list[slice]:
        """Return each feature's columns of the matrix."""
        ends = np.cumsum([item.width for item in self.features]).tolist()
        return [slice(end - item.width, end) for item, end in zip(self.features, ends, strict=True)]

    def _codes(self, name: str, column: pd.Series) -> Matrix:
        categories = self.categories[name]
        words = _words(column)
        codes = pc.index_in(words, value_set=pa.array(categories, pa.string())).to_numpy(zero_copy_only=False)
        codes = codes.astype(np.float64)  # null, for missing and unknown, becomes NaN
        if OTHER in categories:
            codes[np.isnan(codes) & words.is_valid().to_numpy(zero_copy_only=False)] = categories.index(OTHER)
        return np.asarray(codes)

    def decode(self, matrix: Matrix) -> pd.DataFrame:
        """Return the frame that `transform` would turn into `matrix` (rare categories as "(other)")."""
        columns: dict[str, Any] = {}
        for item, place in zip(self.features, self.places(), strict=True):
            values = matrix[:, place.start]
            if item.kind == "sequence":
                columns[item.name] = list(matrix[:, place].astype(np.float32))
            elif item.kind == "category":
                lookup = np.array([*self.categories[item.name], None], dtype=object)
                columns[item.name] = lookup[np.where(np.isnan(values), len(lookup) - 1, values).astype(int)]
            else:
                columns[item.name] = values
        return pd.DataFrame(columns)

    def to_json(self) -> dict[str, Any]:
        """Return the encoder as plain data."""
        return {
            "features": [asdict(item) for item in self.features],
            "categories": {name: list(values) for name, values in self.categories.items()},
        }

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> "Encoder":
        """Build the encoder from what `to_json` gave."""
        return cls(
            tuple(feature_from(item) for item in body["features"]),
            {name: tuple(values) for name, values in body["categories"].items()},
        )


def feature_from(body: Mapping[str, Any]) -> Feature:
    """Return the feature that `asdict` wrote as `body` (JSON knows no tuples)."""
    return Feature(**{**body, "channels": tuple(body.get("channels", ()))})


def check_columns(X: pd.DataFrame, features: Sequence[Feature]) -> None:
    """Refuse a frame that lacks a feature, naming what is missing."""
    missing = [item.name for item in features if item.name not in X.columns]
    if missing:
        raise HypothecError(
            f"the model needs the column{'s' * (len(missing) > 1)} {', '.join(map(repr, missing))}; "
            f"the table has {', '.join(map(repr, X.columns[:40]))}"
        )


def _words(column: pd.Series) -> "pa.Array":
    """Return a column as Arrow text: looking words up there is many times faster than in pandas objects."""
    values = pa.array(column, from_pandas=True)
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return values if pa.types.is_string(values.type) else values.cast(pa.string())


def _frequent(column: pd.Series) -> tuple[str, ...]:
    counts = _words(column).drop_null().to_pandas().astype(str).value_counts()
    counts = counts.sort_index().sort_values(ascending=False, kind="stable")  # equal counts: alphabetical, not by row
    kept = counts.index[(counts >= min(MIN_ROWS, len(column) // 20 + 1)) & (np.arange(len(counts)) < MAX_CATEGORIES)]
    return tuple(kept) if len(kept) == len(counts) else (*kept, OTHER)


def _sequences(item: Feature, column: pd.Series) -> Matrix:
    """Return a column of lists as a matrix; every list must have a number for each month and channel."""
    if not len(column):
        return np.zeros((0, item.width))
    try:
        values = np.stack([np.asarray(cell, dtype=np.float64) for cell in column])
    except (TypeError, ValueError):
        values = np.zeros((len(column), 0))
    if values.shape != (len(column), item.width) or not np.isfinite(values).all():
        raise HypothecError(
            f"column {item.name!r} must hold {MONTHS} months of {len(item.channels)} numbers "
            f"({', '.join(item.channels)}) in every row"
        )
    return values


def _numbers(name: str, column: pd.Series) -> Matrix:
    try:
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        raise HypothecError(
            f"column {name!r} must hold numbers, got {column.dtype} such as {column.dropna().iloc[0]!r}"
        ) from None
    values = values.copy()
    values[np.isinf(values)] = np.nan
    return values
