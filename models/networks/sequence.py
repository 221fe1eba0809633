"""A sequence network: the last 24 months read in their order, by recurrence or attention, beside the fields."""

from typing import Any, ClassVar, Literal

import numpy as np

from models.encoding import Feature, Matrix
from models.networks.backend import import_keras
from models.networks.tabular import Embedding, Tabular
from models.walks import Sampled, explain_batched
from portfolio.errors import HypothecError
from portfolio.histories import MONTHS

Reader = Literal["gru", "transformer"]
HEADS = 2


class Sequence(Tabular):
    """Months are read by a `reader` into one vector, which joins the embeddings of the fields before a hidden layer.

    "gru" is a gated recurrent unit (Cho et al. 2014); "transformer" is one encoder block with learnt places (Vaswani
    et al. 2017) whose output is averaged over the months and joined with the last. A month without a row comes with
    `present` 0: a history shorter than 24 months, or with gaps, needs no more. A sequence is one player in
    explanations: its attribution is that of all its months together.
    """

    family: ClassVar[str] = "sequence"
    title: ClassVar[str] = "Sequence network"
    reads_sequences: ClassVar[bool] = True
    explains_all_rows: bool = False

    def __init__(
        self,
        features: tuple[Feature, ...] = (),
        random_state: int = 0,
        reader: Reader = "gru",
        units: int = 32,
        hidden: int = 32,
        embedding: Embedding = "piecewise",
        dropout: float = 0.1,
        epochs: int = 12,
        batch_size: int = 1024,
        learning_rate: float = 0.003,
        patience: int = 2,
        members: int = 1,
        positive_weight: float = 1.0,
    ) -> None:
        super().__init__(features, random_state, epochs, batch_size, learning_rate, patience, members, positive_weight)
        self.reader = reader
        self.units = units
        self.hidden = hidden
        self.embedding = embedding
        self.dropout = dropout

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.reader not in ("gru", "transformer"):
            raise HypothecError(f'reader is "gru" or "transformer"; got {self.reader!r}')
        kinds = [item.kind == "sequence" for item in self.features]
        if not any(kinds):
            raise HypothecError("the sequence family needs a sequence among its features, such as payment_history")
        if kinds != sorted(kinds):
            raise HypothecError("sequences come last among the features of the sequence family")

    def _months(self, X: Matrix) -> Matrix:
        """Return the sequences of encoded rows as one, (rows, months, channels of all)."""
        places = zip(self.features, self.encoder_.places(), strict=True)
        parts = [X[:, place].reshape(len(X), MONTHS, -1) for item, place in places if item.kind == "sequence"]
        return np.concatenate(parts, axis=2)

    def _inputs(self, X: Matrix) -> dict[str, Any]:
        return {**super()._inputs(X), "months": self._months(X).astype(np.float32)}

    def _build(self, X: Matrix, start: float, seed: int) -> Any:
        keras = import_keras()
        layers = keras.layers
        channels = sum(len(item.channels) for item in self.features)
        months = keras.Input((MONTHS, channels), name="months")
        inputs: dict[str, Any] = {}
        parts = [self._read(months)]
        if any(item.kind != "sequence" for item in self.features):
            inputs, vectors = self._embed(X)
            parts.append(layers.Flatten()(vectors))
        joined = layers.Concatenate(name="features")(parts) if len(parts) > 1 else parts[0]
        hidden = layers.Dense(self.hidden, activation="relu", name="hidden")(joined)
        hidden = layers.Dropout(self.dropout, seed=seed)(hidden)
        logit = layers.Dense(1, bias_initializer=keras.initializers.Constant(start), name="logit")(hidden)
        return keras.Model({**inputs, "months": months}, logit)

    def _read(self, months: Any) -> Any:
        """Return the vector that the reader makes of the months."""
        from models.networks.layers import Places

        layers = import_keras().layers
        if self.reader == "gru":
            return layers.GRU(self.units, name="reader")(months)
        flow = Places(name="places")(layers.Dense(self.units, name="steps")(months))
        seen = layers.MultiHeadAttention(HEADS, max(1, self.units // HEADS), name="attention")(flow, flow)
        flow = layers.LayerNormalization(name="attention_norm")(layers.Add()([flow, seen]))
        wide = layers.Dense(self.units, name="narrow")(layers.Dense(2 * self.units, activation="relu")(flow))
        flow = layers.LayerNormalization(name="dense_norm")(layers.Add()([flow, wide]))
        last = layers.Cropping1D((MONTHS - 1, 0))(flow)
        return layers.Concatenate()([layers.GlobalAveragePooling1D()(flow), layers.Flatten()(last)])

    def _raw_explain(self, X: Matrix, background: Matrix) -> Matrix | Sampled:
        players = [list(range(place.start, place.stop)) for place in self.encoder_.places()]
        return explain_batched(self._raw_log_odds, X, background, seed=self.random_state, groups=players)
