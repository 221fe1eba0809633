"""A multilayer perceptron on the embeddings of a loan's fields: two hidden layers, one logit."""

from typing import Any, ClassVar

from models.encoding import Feature, Matrix
from models.networks.backend import import_keras
from models.networks.tabular import WIDTH, Embedding, Tabular
from models.networks.two_layers import TwoLayers


class Mlp(TwoLayers, Tabular):
    """Piecewise-linear, periodic or no embeddings of numbers, learnt ones of categories, and two hidden layers."""

    family: ClassVar[str] = "mlp"
    title: ClassVar[str] = "MLP"

    def __init__(
        self,
        features: tuple[Feature, ...] = (),
        random_state: int = 0,
        embedding: Embedding = "piecewise",
        hidden: tuple[int, int] = (64, 32),
        dropout: float = 0.1,
        epochs: int = 12,
        batch_size: int = 1024,
        learning_rate: float = 0.003,
        patience: int = 2,
        members: int = 1,
        positive_weight: float = 1.0,
    ) -> None:
        super().__init__(features, random_state, epochs, batch_size, learning_rate, patience, members, positive_weight)
        self.embedding = embedding
        self.hidden = hidden
        self.dropout = dropout

    def _build(self, X: Matrix, start: float, seed: int) -> Any:
        keras = import_keras()
        inputs, vectors = self._embed(X)
        return keras.Model(inputs, self._stack(keras.layers.Flatten()(vectors), start, seed))

    def _embedded_columns(self) -> list[list[int]]:
        place = {feature: i for i, feature in enumerate(self._order())}
        return [list(range(place[i] * WIDTH, (place[i] + 1) * WIDTH)) for i in range(len(self.features))]
