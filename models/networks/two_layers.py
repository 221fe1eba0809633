"""Two hidden layers on embeddings, and the attributions that use that the first is linear in them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from models.encoding import Matrix
from models.networks.backend import BATCH, import_keras, pad_rows
from models.networks.base import Network
from models.walks import Sampled

if TYPE_CHECKING:
    from models.neural import Neural

Floats = npt.NDArray[np.float32]


class TwoLayers(Network):
    """A network whose layers "first", "second" and "logit" follow the concatenated embeddings of the features."""

    explains_all_rows: bool = True
    hidden: tuple[int, int]
    dropout: float

    def _embedded_columns(self) -> list[list[int]]:
        """Return, for each feature, its columns of the concatenated embedding."""
        raise NotImplementedError

    def _stack(self, embedded: Any, start: float, seed: int) -> Any:
        """Return the logit of concatenated embeddings; its bias starts at `start`."""
        keras = import_keras()
        layers = keras.layers
        first = layers.Dense(self.hidden[0], name="first")(embedded)
        hidden = layers.Dropout(self.dropout, seed=seed)(layers.ReLU(name="first_relu")(first))
        second = layers.Dense(self.hidden[1], activation="relu", name="second")(hidden)
        return layers.Dense(1, bias_initializer=keras.initializers.Constant(start), name="logit")(second)

    def _raw_explain(self, X: Matrix, background: Matrix) -> Matrix | Sampled:
        from models.permutation import explain_network

        members = [cast("Neural", Member(self, network)) for network in self.networks_]
        found = [explain_network(member, X, background, seed=self.random_state) for member in members]
        # All members walk the same orders: the error of their mean is at most the mean of their errors.
        return Sampled(
            np.mean([item.values for item in found], axis=0), np.mean([item.error for item in found], axis=0)
        )

    def first_layer_parts(self, X: Matrix, network: Any = None) -> Floats:
        """Return what each feature adds to the first hidden layer, shape (rows, features, units), without the bias.

        The first layer is linear in the embeddings, so these parts and the bias add up to its input. `network` is
        one of the members, the first without it.
        """
        keras, network = import_keras(), network or self.network_
        embed = keras.Model(network.input, network.get_layer("first").input)
        embedded = np.asarray(embed.predict(self._inputs(pad_rows(X)), batch_size=BATCH, verbose=0))[: len(X)]
        kernel = np.asarray(network.get_layer("first").kernel)
        parts = np.empty((len(X), len(self.features), kernel.shape[1]), dtype=np.float32)
        for position, columns in enumerate(self._embedded_columns()):
            parts[:, position] = embedded[:, columns] @ kernel[columns]
        return parts

    def head_weights(self, network: Any = None) -> tuple[Any, ...]:
        """Return first bias, second kernel and bias, logit kernel and bias as float32 arrays."""
        get = (network or self.network_).get_layer
        return tuple(
            np.asarray(part) for part in (get("first").bias, *get("second").get_weights(), *get("logit").get_weights())
        )


@dataclass(frozen=True)
class Member:
    """One network of a model, as the walk that explains it wants to see it."""

    model: TwoLayers
    network: Any

    def first_layer_parts(self, X: Matrix) -> Floats:
        """Return what each feature adds to this network's first hidden layer."""
        return self.model.first_layer_parts(X, self.network)

    def head_weights(self) -> tuple[Any, ...]:
        """Return this network's weights after the first layer's kernel."""
        return self.model.head_weights(self.network)
