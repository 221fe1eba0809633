"""Pairwise interactions of a model: exact where its family can give them, none where it is additive."""

from typing import Any, Literal

import pandas as pd

from models.base import PdModel
from models.encoding import Matrix
from models.families import NETWORKS
from models.trees import MAX_PAIR_VALUES

Method = Literal["additive", "exact", "left over"]
ADDITIVE = ("scorecard", "logistic")
INEXACT = ("neural", *NETWORKS)  # told without loading the network, whose libraries take seconds


def find_method(family: str, load: Any) -> Method:
    """Return how interactions of a model are found; `load` returns the model and is called only where that decides."""
    if family in ADDITIVE:
        return "additive"
    if family in INEXACT:
        return "left over"
    return "exact" if hasattr(load(), "explain_interactions") else "left over"


def explain_pairs_of(model: PdModel, X: pd.DataFrame, background: pd.DataFrame, *, rows: int) -> Matrix:
    """Return the calibrated log-odds' interaction values of the first `rows` loans, shape (rows, features, features).

    Fewer where the model has so many features that they would not fit in memory.
    """
    names = [item.name for item in model.features]
    most = max(1, min(rows, MAX_PAIR_VALUES // len(names) ** 2))
    exact: Any = model
    values: Matrix = exact.explain_interactions(X[names].head(most), background[names])
    return values
