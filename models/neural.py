"""A feed-forward network in Keras 3 on JAX: piecewise-linear embeddings for numbers, learnt ones for categories.

The saved `.keras` file uses standard layers only, so it also loads under another Keras backend.
"""

import itertools
from typing import Any, ClassVar

import numpy as np

from models.base import Labels
from models.encoding import Feature, Matrix
from models.networks.backend import import_keras, to_float32
from models.networks.two_layers import TwoLayers

SEGMENTS = 10  # pieces of the piecewise-linear embedding of a number


class Neural(TwoLayers):
    """Embeddings, two hidden layers, one logit; stops early on the validation data it is given."""

    family: ClassVar[str] = "neural"
    title: ClassVar[str] = "Neural network"

    def __init__(
        self,
        features: tuple[Feature, ...] = (),
        random_state: int = 0,
        hidden: tuple[int, int] = (32, 16),
        epochs: int = 8,
        batch_size: int = 1024,
        learning_rate: float = 0.004,
        dropout: float = 0.1,
        members: int = 1,
        positive_weight: float = 1.0,
        patience: int = 2,
    ) -> None:
        super().__init__(features, random_state, epochs, batch_size, learning_rate, patience, members, positive_weight)
        self.hidden = hidden
        self.dropout = dropout

    @property
    def is_plain(self) -> bool:
        """Whether it is a single network whose logit is its log-odds."""
        return self.members == 1 and self.positive_weight == 1

    def _learn_inputs(self, X: Matrix, y: Labels) -> None:  # noqa: ARG002
        self.fill_ = np.nanmedian(X, axis=0)

    def _state(self) -> dict[str, Any]:
        return {"fill": self.fill_.tolist()}

    def _restore(self, state: dict[str, Any]) -> None:
        self.fill_ = np.array(state["fill"])

    def _build(self, X: Matrix, start: float, seed: int) -> Any:
        keras = import_keras()
        numbers, present = self._numbers(X), ~np.isnan(X[:, self._columns("number")])
        columns = [column[here] for column, here in zip(numbers.T, present.T, strict=True)]
        layers, inputs, parts = keras.layers, {}, []
        if columns:
            inputs["numbers"] = keras.Input((len(columns),), name="numbers")
            inputs["missing"] = keras.Input((len(columns),), name="missing")
            pieces = layers.Dense(len(columns) * SEGMENTS, trainable=False, name="pieces")
            parts = [layers.ReLU(max_value=1.0)(pieces(inputs["numbers"])), inputs["missing"]]
            pieces.set_weights(piecewise_weights(columns))
        if self._columns("category"):
            inputs["codes"] = keras.Input((len(self._columns("category")),), dtype="int32", name="codes")
        for position, size in enumerate(self._category_counts()):
            table = layers.Embedding(size + 1, embedding_width(size), name=f"embedding_{position}")
            parts.append(table(inputs["codes"][:, position]))
        joined = layers.Concatenate(name="features")(parts) if len(parts) > 1 else parts[0]
        return keras.Model(inputs, self._stack(joined, start, seed))

    def _columns(self, kind: str) -> list[int]:
        return [i for i, item in enumerate(self.features) if item.kind == kind]

    def _category_counts(self) -> list[int]:
        return [len(self.encoder_.categories[self.features[i].name]) for i in self._columns("category")]

    def _embedded_columns(self) -> list[list[int]]:
        """Return, for each feature, its columns of the concatenated embedding."""
        numbers, found, end = len(self._columns("number")), {}, 0
        for place, i in enumerate(self._columns("number")):
            found[i] = [*range(place * SEGMENTS, (place + 1) * SEGMENTS), numbers * SEGMENTS + place]
        end = numbers * (SEGMENTS + 1)
        for i, size in zip(self._columns("category"), self._category_counts(), strict=True):
            found[i] = list(range(end, end + embedding_width(size)))
            end += embedding_width(size)
        return [found[i] for i in range(len(self.features))]

    def _numbers(self, X: Matrix) -> Matrix:
        columns = self._columns("number")
        return np.where(np.isnan(X[:, columns]), self.fill_[columns], X[:, columns])

    def _inputs(self, X: Matrix) -> dict[str, Any]:
        numbers, words = self._columns("number"), self._columns("category")
        codes = np.nan_to_num(X[:, words] + 1, nan=0).astype(np.int32)  # 0 stands for missing
        given = {
            "numbers": to_float32(self._numbers(X)) if numbers else None,
            "missing": np.isnan(X[:, numbers]).astype(np.float32) if numbers else None,
            "codes": codes if words else None,
        }
        return {name: values for name, values in given.items() if values is not None}


def embedding_width(categories: int) -> int:
    """Return how many numbers stand for a category: 2 to 8, growing with their count."""
    return int(np.clip(np.ceil(np.sqrt(categories)), 2, 8))


def piecewise_weights(columns: list[Matrix]) -> list[Any]:
    """Return kernel and bias of the fixed first layer: piece t of a number is (x - q_t) / (q_{t+1} - q_t).

    The q are quantiles of the training values (0.5 % to 99.5 %); a rectifier capped at 1 follows, so a value is as
    many full pieces as it has passed, and one beyond the training range is held at its edge (Gorishniy et al. 2022).
    """
    kernel = np.zeros((len(columns), len(columns) * SEGMENTS))
    bias = np.zeros(len(columns) * SEGMENTS)
    for i, values in enumerate(columns):
        if values.min() == values.max():
            continue  # a constant says nothing, so another value later changes nothing
        edges = np.quantile(values, np.linspace(0.005, 0.995, SEGMENTS + 1))
        for t, (low, high) in enumerate(itertools.pairwise(edges)):
            width = high - low
            # An empty piece (many equal values) becomes a step at its edge, one thousandth of the spread wide.
            width = width if width > 0 else max(float(values.std()), 1.0) / 1000
            kernel[i, i * SEGMENTS + t] = 1 / width
            bias[i * SEGMENTS + t] = -low / width
    return [kernel.astype(np.float32), bias.astype(np.float32)]
