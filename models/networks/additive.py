"""An additive network: the log-odds are a sum of functions of one feature, and of chosen pairs; explained exactly."""

from typing import Any, ClassVar

import numpy as np

from models.base import Labels
from models.encoding import Feature, Matrix
from models.networks.backend import import_keras
from models.networks.screen import Pairs, screen_pairs
from models.networks.tabular import Embedding, Tabular

CELLS = 4_000_000  # loan × background row × unit computed at once


class Additive(Tabular):
    """One sub-network a feature and one for each of at most `pairs` pairs that a screen finds to act together.

    As neural additive models (Agarwal et al. 2021) with pairwise terms (GA2M: Lou et al. 2013). What a feature adds is
    exact: φ_f = g_f(x_f) − mean g_f over the background, and of each pair's term its Shapley value (`share_pair`).
    """

    family: ClassVar[str] = "additive"
    title: ClassVar[str] = "Additive network"
    additivity_limit: float = 1e-4
    explains_all_rows: bool = True
    explainer_name: str = "exact"

    def __init__(
        self,
        features: tuple[Feature, ...] = (),
        random_state: int = 0,
        pairs: int = 10,
        embedding: Embedding = "piecewise",
        units: int = 16,
        pair_units: int = 8,
        epochs: int = 12,
        batch_size: int = 1024,
        learning_rate: float = 0.004,
        patience: int = 2,
        members: int = 1,
        positive_weight: float = 1.0,
    ) -> None:
        super().__init__(features, random_state, epochs, batch_size, learning_rate, patience, members, positive_weight)
        self.pairs = pairs
        self.embedding = embedding
        self.units = units
        self.pair_units = pair_units

    def _learn_inputs(self, X: Matrix, y: Labels) -> None:
        super()._learn_inputs(X, y)
        numbers = self._columns("number")
        self.pairs_: Pairs = screen_pairs(X, y, most=self.pairs, numbers=numbers, seed=self.random_state)

    def _state(self) -> dict[str, Any]:
        return {**super()._state(), "pairs": self.pairs_}

    def _restore(self, state: dict[str, Any]) -> None:
        super()._restore(state)
        self.pairs_ = [(i, j) for i, j in state["pairs"]]

    def _build(self, X: Matrix, start: float, seed: int) -> Any:  # noqa: ARG002
        from models.networks.layers import GroupedDense, Total

        keras = import_keras()
        layers = keras.layers
        inputs, vectors = self._embed(X)
        hidden = GroupedDense(self.units, "relu", name="hidden")(vectors)
        terms = layers.Reshape((len(self.features),), name="terms")(GroupedDense(1, name="functions")(hidden))
        if self.pairs_:
            place = {feature: i for i, feature in enumerate(self._order())}
            left, right = (
                GroupedDense(self.pair_units, name=name)(
                    keras.ops.take(vectors, [place[pair[side]] for pair in self.pairs_], axis=1)
                )
                for side, name in enumerate(("left", "right"))
            )
            joined = layers.ReLU(name="joined")(layers.Add()([left, right]))
            both = layers.Reshape((len(self.pairs_),))(GroupedDense(1, name="pair_functions")(joined))
            terms = layers.Concatenate()([terms, both])
        return keras.Model(inputs, Total(start, name="logit")(terms))

    def _raw_explain(self, X: Matrix, background: Matrix) -> Matrix:
        found: Matrix = np.mean([self._explain(network, X, background) for network in self.networks_], axis=0)
        return found

    def _explain(self, network: Any, X: Matrix, background: Matrix) -> Matrix:
        """Return the exact attributions of one network's logit, (rows, features)."""
        keras = import_keras()
        names = ["terms", *(("left", "right") if self.pairs_ else ())]
        inner = keras.Model(network.input, {name: network.get_layer(name).output for name in names})
        rows, reference = self._predict(inner, X), self._predict(inner, background)
        out = np.empty(X.shape)
        out[:, self._order()] = rows["terms"] - reference["terms"].mean(axis=0)
        if self.pairs_:
            weights = np.asarray(network.get_layer("pair_functions").kernel, dtype=np.float64)[..., 0]
            for place, (i, j) in enumerate(self.pairs_):
                one, other = ((part["left"][:, place], part["right"][:, place]) for part in (rows, reference))
                for feature, shares in zip((i, j), share_pair(one, other, weights[place]), strict=True):
                    out[:, feature] += shares
        return out

    def parts(self) -> dict[str, int]:
        """Return the functions of one feature and of pairs, and all weights."""
        found = super().parts()
        weights = found.pop("weights")
        return {**found, "functions": len(self.features), "pairs": len(self.pairs_), "weights": weights}


def share_pair(row: tuple[Matrix, Matrix], reference: tuple[Matrix, Matrix], weights: Matrix) -> tuple[Matrix, Matrix]:
    """Return the Shapley values of the two features of h(l, r) = Σ weights · max(0, l + r) against a background.

    `row` and `reference` are what each feature adds to the units, (rows, units), of the loans and of the background.
    With v(ij) = h(x_i, x_j), v(i) = mean_b h(x_i, b_j), v(j) = mean_b h(b_i, x_j) and v() = mean_b h(b_i, b_j):
    φ_i = ½ (v(i) − v()) + ½ (v(ij) − v(j)), and φ_j the same with i and j changed over.

    >>> one = np.array([[3.0]])  # h = l + r where that is positive: additive, so each gets its own share
    >>> share_pair((one, 2 * one), (one * 0 + 1, one * 0 + 2), np.array([1.0]))
    (array([2.]), array([4.]))
    """
    (left, right), (left_b, right_b) = row, reference
    both = np.maximum(left + right, 0) @ weights
    nothing = float((np.maximum(left_b + right_b, 0) @ weights).mean())
    only_left, only_right = _mean_term(left, right_b, weights), _mean_term(right, left_b, weights)
    return (only_left - nothing + both - only_right) / 2, (only_right - nothing + both - only_left) / 2


def _mean_term(own: Matrix, others: Matrix, weights: Matrix) -> Matrix:
    """Return for each row of `own` the mean over the rows of `others` of Σ weights · max(0, own + other)."""
    out = np.empty(len(own))
    step = max(1, CELLS // max(1, others.size))
    for start in range(0, len(own), step):
        block = own[start : start + step, None, :] + others
        out[start : start + step] = np.maximum(block, 0, out=block).mean(axis=1) @ weights
    return out
