"""A parameter-efficient ensemble: submodels that share all weight matrices and differ by rank-one factors (TabM)."""

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from models.base import Labels
from models.encoding import Feature, Matrix
from models.networks.backend import import_keras
from models.networks.tabular import Embedding, Tabular


class TabM(Tabular):
    """`submodels` networks in one, each with its own factors, biases and head; the PD is the mean of theirs.

    They are trained at once on the mean of their losses (not on the loss of their mean), which keeps them different
    (Gorishniy, Kotelnikov and Babenko 2025). The saved network gives the logit of each submodel.
    """

    family: ClassVar[str] = "tabm"
    title: ClassVar[str] = "TabM"
    rows_at_once: int = 2048  # of every submodel at once: more would not fit the processor's cache

    def __init__(
        self,
        features: tuple[Feature, ...] = (),
        random_state: int = 0,
        submodels: int = 16,
        embedding: Embedding = "piecewise",
        hidden: tuple[int, ...] = (48, 32),
        dropout: float = 0.1,
        epochs: int = 12,
        batch_size: int = 1024,
        learning_rate: float = 0.003,
        patience: int = 2,
        members: int = 1,
        positive_weight: float = 1.0,
    ) -> None:
        super().__init__(features, random_state, epochs, batch_size, learning_rate, patience, members, positive_weight)
        self.submodels = submodels
        self.embedding = embedding
        self.hidden = hidden
        self.dropout = dropout

    def _build(self, X: Matrix, start: float, seed: int) -> Any:
        from models.networks.layers import GroupedDense, MemberDense

        keras = import_keras()
        inputs, vectors = self._embed(X)
        flow = keras.layers.Flatten()(vectors)
        for depth, units in enumerate(self.hidden):
            flow = MemberDense(units, self.submodels, "relu", signs=depth == 0, name=f"shared_{depth + 1}")(flow)
            flow = keras.layers.Dropout(self.dropout, seed=seed + depth)(flow)
        heads = GroupedDense(1, start=start, name="heads")(flow)
        return keras.Model(inputs, keras.layers.Reshape((self.submodels,), name="logits")(heads))

    def _targets(self, y: Labels) -> npt.NDArray[np.float32]:
        return np.broadcast_to(y.astype(np.float32)[:, None], (len(y), self.submodels))

    def _log_odds(self, outputs: Matrix) -> Matrix:
        logits = outputs - np.log(self.positive_weight)
        # Both means, rather than 1 − one of them: a PD near 1 keeps its digits.
        return np.asarray(np.log(expit(logits).mean(axis=1)) - np.log(expit(-logits).mean(axis=1)))

    def parts(self) -> dict[str, int]:
        """Return the networks, where there are several, the submodels of each and all weights."""
        found = super().parts()
        weights = found.pop("weights")
        return {**found, "submodels": self.submodels, "weights": weights}
