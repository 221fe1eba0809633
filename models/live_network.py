"""A trained network in NumPy: PDs and attributions of a few loans at once, without waiting for a compiler.

Keras on JAX compiles for each shape and model; for the handful of loans that a slider asks about, that costs a hundred
times the arithmetic. The weights are the network's own, computed in float64.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from models.encoding import Matrix
from models.walks import PAIRS, draw_places

if TYPE_CHECKING:
    from models.neural import Neural


class LiveNetwork:
    """What a Neural computes, from its weights; see `models.permutation` for the attributions."""

    def __init__(self, model: "Neural") -> None:
        self.model = model
        get = model.network_.get_layer
        # A piece reads one number, so its column of the kernel has one entry; float32, as the network computes it.
        kernel, bias = get("pieces").get_weights() if self._has("number") else (np.zeros((1, 0)), np.zeros(0))
        self.pieces = (np.asarray(kernel, dtype=np.float32).sum(axis=0), np.asarray(bias, dtype=np.float32))
        self.segments = len(self.pieces[0]) // max(1, len(model._columns("number")))
        count = len(model._category_counts())
        self.tables = [np.asarray(get(f"embedding_{i}").get_weights()[0], dtype=float) for i in range(count)]
        self.first = np.asarray(get("first").kernel, dtype=float)
        self.columns = model._embedded_columns()
        self.head = tuple(np.asarray(part, dtype=float) for part in model.head_weights())

    def _has(self, kind: str) -> bool:
        return bool(self.model._columns(kind))

    def _embed(self, X: Matrix) -> Matrix:
        """Return the concatenated embeddings of encoded rows."""
        given: dict[str, Any] = self.model._inputs(X)
        joined = []
        if self._has("number"):
            slope, start = self.pieces
            joined = [
                np.clip(np.repeat(given["numbers"], self.segments, axis=1) * slope + start, 0, 1),
                given["missing"],
            ]
        joined += [table[given["codes"][:, place]] for place, table in enumerate(self.tables)]
        return np.concatenate(joined, axis=1).astype(float)

    def parts(self, X: Matrix) -> Matrix:
        """Return what each feature adds to the first hidden layer, shape (rows, features, units), without the bias."""
        embedded = self._embed(X)
        out = np.empty((len(X), len(self.columns), self.first.shape[1]))
        for place, own in enumerate(self.columns):
            out[:, place] = embedded[:, own] @ self.first[own]
        return out

    def _logits(self, inputs: Matrix) -> Matrix:
        """Return the logit of inputs to the first hidden layer, whose last axis is its units."""
        bias1, kernel2, bias2, kernel3, bias3 = self.head
        hidden = np.maximum(inputs + bias1, 0) @ kernel2 + bias2
        return np.asarray((np.maximum(hidden, 0) @ kernel3 + bias3)[..., 0])

    def log_odds(self, X: Matrix) -> Matrix:
        """Return the calibrated log-odds of encoded rows."""
        intercept, slope = self.model.calibration_
        return np.asarray(intercept + slope * self._logits(self._embed(X) @ self.first))

    def explain(self, X: Matrix, background: Matrix, *, seed: int) -> Matrix:
        """Return attributions of the calibrated log-odds: antithetic walks from every background row to each loan.

        All loans walk the same orders, those of the stored attributions (`models.permutation`) where the seed is the
        same, so differences between loans are not blurred by their sampling. The sum over features is the log-odds
        less the background's mean, whatever the orders.
        """
        reference, rows = self.parts(background), self.parts(X)
        count, features, _ = reference.shape
        places = draw_places(count, features, seed)
        out = np.zeros((len(X), features))
        for pair in range(PAIRS):
            forward = np.argsort(places[:, pair], axis=1)
            for orders in (forward, forward[:, ::-1]):
                out += self._walk(rows, reference, orders)
        return np.asarray(self.model.calibration_[1] * out / (2 * PAIRS * count))

    def _walk(self, rows: Matrix, reference: Matrix, orders: Any) -> Matrix:
        """Return the sum over background rows of each feature's change of the logit, switched in its order."""
        places = np.arange(len(reference))[:, None]
        out = np.zeros((len(rows), reference.shape[1]))
        start = reference.sum(axis=1)[:, None]
        ordered = reference[places, orders]
        for place, row in enumerate(rows):
            path = start + np.cumsum(row[orders] - ordered, axis=1)
            steps = np.diff(self._logits(np.concatenate([start, path], axis=1)), axis=1)
            np.add.at(out[place], orders.ravel(), steps.ravel())
        return out
