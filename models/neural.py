"""A feed-forward network in Keras 3 on JAX: piecewise-linear embeddings for numbers, learnt ones for categories.

The saved `.keras` file uses standard layers only, so it also loads under another Keras backend.
"""

import itertools
import json
import os
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from models.base import Labels, PdModel
from models.encoding import Encoder, Feature, Matrix
from portfolio.atomic import write_text
from portfolio.errors import HypothecError

SEGMENTS = 10  # pieces of the piecewise-linear embedding of a number
BATCH = 8192


def import_keras() -> Any:
    """Return Keras on JAX; JAX is told once to stay on the CPU and not to look for accelerators."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import keras  # seconds to import: only where a network is used

    return keras


class Neural(PdModel):
    """Embeddings, two hidden layers, one logit; stops early on the validation data it is given."""

    family: ClassVar[str] = "neural"
    title: ClassVar[str] = "Neural network"
    additivity_limit: ClassVar[float] = 2e-4  # the network computes in float32

    def __init__(
        self,
        features: tuple[Feature, ...] = (),
        random_state: int = 0,
        hidden: tuple[int, int] = (32, 16),
        epochs: int = 8,
        batch_size: int = 1024,
        learning_rate: float = 0.004,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(features, random_state)
        self.hidden = hidden
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.dropout = dropout

    def _fit(self, X: Matrix, y: Labels, validation: tuple[Matrix, Labels] | None) -> None:
        keras = import_keras()
        keras.utils.set_random_seed(self.random_state)
        self.fill_ = np.nanmedian(X, axis=0)
        numbers, present = self._numbers(X), ~np.isnan(X[:, self._columns("number")])
        self.network_ = self._build(
            keras, [column[here] for column, here in zip(numbers.T, present.T, strict=True)], float(y.mean())
        )
        # A small table gets small batches and more passes: about the same number of steps at least.
        batch = min(self.batch_size, max(32, len(y) // 100))
        epochs = self.epochs if len(y) > 50_000 else self.epochs * 4
        self.network_.compile(
            optimizer=keras.optimizers.Adam(self.learning_rate, clipnorm=1.0),
            loss=keras.losses.BinaryCrossentropy(from_logits=True),
        )
        stop = [keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)] if validation else []
        history = self.network_.fit(
            self._inputs(X),
            y.astype(np.float32),
            batch_size=batch,
            epochs=epochs,
            verbose=0,
            validation_data=validation and (self._inputs(validation[0]), validation[1]),
            callbacks=[*stop, keras.callbacks.TerminateOnNaN()],
        )
        self.history_ = {key: [float(v) for v in values] for key, values in history.history.items()}
        if not all(np.isfinite(self.history_["loss"])):
            raise HypothecError("the network's loss became infinite; train it with a smaller learning_rate")

    def _build(self, keras: Any, columns: list[Matrix], rate: float) -> Any:
        """Return the untrained network; its last bias starts at the log-odds of the training rate."""
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
        first = layers.Dense(self.hidden[0], name="first")(joined)
        hidden = layers.Dropout(self.dropout, seed=self.random_state)(layers.ReLU(name="first_relu")(first))
        second = layers.Dense(self.hidden[1], activation="relu", name="second")(hidden)
        start = keras.initializers.Constant(float(np.log(rate / (1 - rate))))
        return keras.Model(inputs, layers.Dense(1, bias_initializer=start, name="logit")(second))

    def _raw_log_odds(self, X: Matrix) -> Matrix:
        logits = self.network_.predict(self._inputs(pad_rows(X)), batch_size=BATCH, verbose=0)
        return np.asarray(logits, dtype=np.float64)[: len(X), 0]

    def _raw_explain(self, X: Matrix, background: Matrix) -> Matrix:
        from models.permutation import explain_network

        return explain_network(self, X, background, seed=self.random_state)

    def first_layer_parts(self, X: Matrix) -> npt.NDArray[np.float32]:
        """Return what each feature adds to the first hidden layer, shape (rows, features, units), without the bias.

        The first layer is linear in the embeddings, so these parts and the bias add up to its input.
        """
        keras = import_keras()
        embed = keras.Model(self.network_.input, self.network_.get_layer("first").input)
        embedded = np.asarray(embed.predict(self._inputs(pad_rows(X)), batch_size=BATCH, verbose=0))[: len(X)]
        kernel = np.asarray(self.network_.get_layer("first").kernel)
        parts = np.empty((len(X), len(self.features), kernel.shape[1]), dtype=np.float32)
        for position, columns in enumerate(self._embedded_columns()):
            parts[:, position] = embedded[:, columns] @ kernel[columns]
        return parts

    def head_weights(self) -> tuple[Any, ...]:
        """Return first bias, second kernel and bias, logit kernel and bias as float32 arrays."""
        get = self.network_.get_layer
        return tuple(
            np.asarray(part) for part in (get("first").bias, *get("second").get_weights(), *get("logit").get_weights())
        )

    def complexity(self) -> int:
        """Return the number of trained weights."""
        return int(sum(np.prod(weight.shape) for weight in self.network_.trainable_weights))

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
            "numbers": self._numbers(X).astype(np.float32) if numbers else None,
            "missing": np.isnan(X[:, numbers]).astype(np.float32) if numbers else None,
            "codes": codes if words else None,
        }
        return {name: values for name, values in given.items() if values is not None}

    def _save(self, folder: Path) -> None:
        self.network_.save(folder / "network.keras")
        body = {
            "family": self.family,
            "params": self.get_params(deep=False) | {"features": None},
            "encoder": self.encoder_.to_json(),
            "calibration": self.calibration_,
            "fill": self.fill_.tolist(),
            "history": self.history_,
        }
        write_text(folder / "neural.json", json.dumps(body, indent=1, ensure_ascii=False))

    @classmethod
    def _load(cls, folder: Path) -> Self:
        keras = import_keras()
        body = json.loads((folder / "neural.json").read_text(encoding="utf-8"))
        encoder = Encoder.from_json(body["encoder"])
        params = body["params"] | {"features": encoder.features, "hidden": tuple(body["params"]["hidden"])}
        model = cls(**params)
        model.encoder_, model.classes_, model.n_features_in_ = encoder, np.array([0, 1]), len(encoder.features)
        model.calibration_, model.fill_ = tuple(body["calibration"]), np.array(body["fill"])
        model.history_ = body["history"]
        # safe_mode refuses files that carry Python code
        model.network_ = keras.saving.load_model(folder / "network.keras", compile=False, safe_mode=True)
        return model


def pad_rows(X: Matrix) -> Matrix:
    """Return `X` with its first row repeated up to a usual length, so that JAX compiles for few shapes only."""
    wanted = 2 ** int(np.ceil(np.log2(max(len(X), 64)))) if len(X) < BATCH else -(-len(X) // BATCH) * BATCH
    return np.concatenate([X, np.repeat(X[:1], wanted - len(X), axis=0)])


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
        edges = np.quantile(values, np.linspace(0.005, 0.995, SEGMENTS + 1))
        for t, (low, high) in enumerate(itertools.pairwise(edges)):
            width = high - low
            # An empty piece (many equal values) becomes a step at its edge, one thousandth of the spread wide.
            width = width if width > 0 else max(float(values.std()), 1.0) / 1000
            kernel[i, i * SEGMENTS + t] = 1 / width
            bias[i * SEGMENTS + t] = -low / width
    return [kernel.astype(np.float32), bias.astype(np.float32)]
