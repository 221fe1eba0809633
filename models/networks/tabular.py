"""Networks on a loan's fields: each number and each category becomes a short vector, all of the same width."""

import itertools
from typing import Any, Literal, get_args

import numpy as np

from models.base import Labels
from models.encoding import Matrix
from models.networks.backend import import_keras, to_float32
from models.networks.base import Network
from portfolio.errors import HypothecError

SEGMENTS = 12  # pieces of the piecewise-linear code of a number
FREQUENCIES, SIGMA = 8, 0.3  # of the periodic code
WIDTH = 8  # of an embedding

Embedding = Literal["piecewise", "periodic", "plain"]


class Tabular(Network):
    """What networks on a loan's fields share: inputs and embeddings.

    `embedding` is how a number is coded before its own dense layer with a rectifier makes the vector of it: by its
    pieces, by sines and cosines of its place among the training values ("PLE" and "PLR" of Gorishniy et al. 2022),
    or not at all: "plain" takes that place as it is. A missing number is the training median and a flag. A category
    has a vector; missing and never seen share one. A number that was constant in training has no pieces: whatever it
    is later, it changes nothing.
    """

    embedding: Embedding

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.embedding not in get_args(Embedding):
            raise HypothecError(f"embedding is one of {', '.join(get_args(Embedding))}; got {self.embedding!r}")

    def _learn_inputs(self, X: Matrix, y: Labels) -> None:  # noqa: ARG002
        self.fill_ = np.nanmedian(X, axis=0)

    def _state(self) -> dict[str, Any]:
        return {"fill": self.fill_.tolist()}

    def _restore(self, state: dict[str, Any]) -> None:
        self.fill_ = np.array(state["fill"])

    def _inputs(self, X: Matrix) -> dict[str, Any]:
        numbers, words = self._columns("number"), self._columns("category")
        given = {}
        if numbers:
            missing = np.isnan(X[:, numbers])
            given["numbers"] = to_float32(np.where(missing, self.fill_[numbers], X[:, numbers]))
            given["missing"] = missing.astype(np.float32)
        if words:
            # One table for all features: each has its own codes, the first of them for missing.
            starts = np.cumsum([0, *self._category_sizes()[:-1]])
            given["codes"] = (np.nan_to_num(X[:, words] + 1, nan=0) + starts).astype(np.int32)
        return given

    def _embed(self, X: Matrix) -> tuple[dict[str, Any], Any]:
        """Return the network's inputs and the embeddings of all features, (rows, features, WIDTH), as `_order` says."""
        from models.networks.layers import GroupedDense

        keras, inputs, parts = import_keras(), {}, []
        if numbers := self._columns("number"):
            inputs["numbers"] = keras.Input((len(numbers),), name="numbers")
            inputs["missing"] = keras.Input((len(numbers),), name="missing")
            coded = self._code_numbers(inputs["numbers"], X[:, numbers])
            flag = keras.layers.Reshape((len(numbers), 1))(inputs["missing"])
            both = keras.layers.Concatenate()([coded, flag])
            parts.append(GroupedDense(WIDTH, "relu", name="number_vectors")(both))
        if words := self._columns("category"):
            inputs["codes"] = keras.Input((len(words),), dtype="int32", name="codes")
            table = keras.layers.Embedding(sum(self._category_sizes()), WIDTH, name="category_vectors")
            parts.append(table(inputs["codes"]))
        return inputs, keras.layers.Concatenate(axis=1, name="vectors")(parts) if len(parts) > 1 else parts[0]

    def _code_numbers(self, given: Any, training: Matrix) -> Any:
        from models.networks.layers import Periodic, Pieces

        layers = import_keras().layers
        pieces = Pieces(SEGMENTS, name="pieces")
        coded = pieces(given)
        pieces.set_weights(piece_weights(training))
        if self.embedding == "piecewise":
            return coded
        # Summed up, the pieces are a number's place among the training values, here from −√3 to √3: variance 1.
        place = layers.GlobalAveragePooling1D(data_format="channels_first", name="place")
        standard = layers.Rescaling(2 * np.sqrt(3.0), -np.sqrt(3.0))(place(coded))
        if self.embedding == "plain":
            return layers.Reshape((training.shape[1], 1))(standard)
        return Periodic(FREQUENCIES, SIGMA, name="periodic")(standard)

    def _columns(self, kind: str) -> list[int]:
        return [i for i, item in enumerate(self.features) if item.kind == kind]

    def _order(self) -> list[int]:
        """Return the positions of the features in the order of their embeddings: numbers, then categories."""
        return self._columns("number") + self._columns("category")

    def _category_sizes(self) -> list[int]:
        return [1 + len(self.encoder_.categories[self.features[i].name]) for i in self._columns("category")]


def piece_weights(training: Matrix) -> list[Any]:
    """Return the lower ends of the pieces of each column and one over their widths, both (columns, SEGMENTS).

    Pieces lie between quantiles of the known values, 0.5 % to 99.5 %: a value beyond the training range is held at
    its edge.

    >>> low, per_width = piece_weights(np.column_stack([np.linspace(0, 1, 1001), np.ones(1001)]))
    >>> round(float(1 / per_width[0, 0]), 4)  # 99 % of the range in 12 pieces
    0.0825
    >>> float(abs(per_width[1]).max())  # a constant says nothing
    0.0
    """
    low, per_width = np.zeros((2, training.shape[1], SEGMENTS))
    for i, column in enumerate(training.T):
        values = column[~np.isnan(column)]
        if values.min() == values.max():
            continue
        edges = np.quantile(values, np.linspace(0.005, 0.995, SEGMENTS + 1))
        for t, (start, end) in enumerate(itertools.pairwise(edges)):
            # An empty piece (many equal values) becomes a step at its edge, one thousandth of the spread wide.
            low[i, t], per_width[i, t] = start, 1 / (end - start if end > start else values.std() / 1000)
    return [low.astype(np.float32), per_width.astype(np.float32)]
