"""What all Keras families share: training with a guard, seeds, the class prior, ensembles, saving and loading.

How to add a family (`models/networks/mlp.py` is a short example):

1. Subclass `Network` (or `tabular.Tabular` where the inputs are a loan's fields) and set `family`, `title` and
   `additivity_limit`. List every parameter in `__init__` (scikit-learn reads it), pass the shared ones to `super()`.
2. `_learn_inputs(X, y)` keeps what inputs need to know of the training rows in attributes ending in "_" that
   `_state()` returns as plain data and `_restore(state)` sets again. `_inputs(X)` turns encoded rows into the
   named float32 and int32 arrays the network takes; NaN is a missing value, and must not reach the network.
3. `_build(X, start, seed)` returns the untrained `keras.Model`. Its outputs are logits; a last bias that starts at
   `start` (the class prior) saves the first epochs. Own layers go into `models/networks/layers.py`: written with
   `keras.ops` only and registered, so that the saved file also loads under another backend.
4. Where the outputs are not one logit a row: `_targets(y)` (what the loss compares them with), `_loss()` and
   `_log_odds(outputs)` (outputs → log-odds of the event). Where 0 and 1 do not say all (times, competing events),
   override `_fit` and call `_train` with your own `Batch`.
5. `_raw_explain(X, background)` only where the architecture has something better than the general walk.
6. Name it in `models/families.py` and in `tests/models/test_contract.py`.
"""

import json
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from models.base import Labels, PdModel
from models.encoding import Encoder, Feature, Matrix
from models.networks.backend import BATCH, import_keras, pad_rows
from models.networks.guard import make_guard
from models.walks import Sampled, explain_batched
from portfolio.atomic import write_text
from portfolio.errors import HypothecError

FEW_ROWS = 50_000  # up to here a table gets smaller batches and more passes


@dataclass(frozen=True)
class Batch:
    """What Keras fits on or validates with: inputs, targets and weights of the rows (None where all count the same)."""

    inputs: dict[str, Any]
    targets: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32] | None = None

    def as_tuple(self) -> tuple[Any, ...]:
        """Return (inputs, targets) or (inputs, targets, weights), as Keras takes validation data."""
        return (self.inputs, self.targets) if self.weights is None else (self.inputs, self.targets, self.weights)


class Network(PdModel):
    """A PD model made of `members` networks with seeds random_state, random_state + 1, …; log-odds are their mean.

    `positive_weight` is how many times an event counts in the loss. A network fitted so estimates the odds times
    that weight, hence its logarithm is taken off the logit again: PDs stay calibrated (King and Zeng 2001).
    """

    additivity_limit: float = 2e-4  # networks compute in float32
    rows_at_once: int = BATCH  # of a prediction
    exact_epochs: int | None = None  # passes to make whatever the rows: set by who has learnt it on a later period
    explainer_name: str = "permutation walks"
    explains_all_rows: bool = False

    def __init__(
        self,
        features: tuple[Feature, ...] = (),
        random_state: int = 0,
        epochs: int = 8,
        batch_size: int = 1024,
        learning_rate: float = 0.004,
        patience: int = 2,
        members: int = 1,
        positive_weight: float = 1.0,
    ) -> None:
        super().__init__(features, random_state)
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.patience = patience
        self.members = members
        self.positive_weight = positive_weight

    @property
    def network_(self) -> Any:
        """The first member's Keras model."""
        return self.networks_[0]

    @property
    def history_(self) -> dict[str, Any]:
        """The first member's losses by epoch, `best_epoch` and, where training was cut off, a `warning`."""
        return self.histories_[0]

    # What a family fills in

    def _learn_inputs(self, X: Matrix, y: Labels) -> None:
        """Learn from the training rows what `_inputs` needs."""
        raise NotImplementedError

    def _inputs(self, X: Matrix) -> dict[str, Any]:
        """Return the network's named inputs for encoded rows."""
        raise NotImplementedError

    def _build(self, X: Matrix, start: float, seed: int) -> Any:
        """Return the untrained network; `X` are the training rows, `start` the logit of the (weighted) event rate."""
        raise NotImplementedError

    def _state(self) -> dict[str, Any]:
        """Return what `_learn_inputs` learnt, as plain data."""
        raise NotImplementedError

    def _restore(self, state: dict[str, Any]) -> None:
        """Take back what `_state` gave."""
        raise NotImplementedError

    def _targets(self, y: Labels) -> npt.NDArray[np.float32]:
        """Return what the loss compares the outputs with."""
        return y.astype(np.float32)

    def _loss(self) -> Any:
        """Return the loss."""
        return import_keras().losses.BinaryCrossentropy(from_logits=True)

    def _log_odds(self, outputs: Matrix) -> Matrix:
        """Return the log-odds of the event from a network's outputs, shape (rows, outputs)."""
        return np.asarray(outputs[:, 0] - np.log(self.positive_weight))

    # What they share

    def _fit(self, X: Matrix, y: Labels, validation: tuple[Matrix, Labels] | None) -> None:
        self._check_parameters()
        self._learn_inputs(X, y)
        start = float(np.log(self.positive_weight * y.mean() / (1 - y.mean())))
        self._train(X, self._batch(X, y), validation and self._batch(*validation), start)

    def _check_parameters(self) -> None:
        if self.members < 1 or self.epochs < 1:
            raise HypothecError(f"members and epochs must be 1 or more; got {self.members} and {self.epochs}")
        if not 0 < self.positive_weight < np.inf:
            raise HypothecError(f"positive_weight must be a number above zero; got {self.positive_weight}")

    def _batch(self, X: Matrix, y: Labels) -> Batch:
        weights = None if self.positive_weight == 1 else np.where(y == 1, self.positive_weight, 1).astype(np.float32)
        return Batch(self._inputs(X), self._targets(y), weights)

    def _train(self, X: Matrix, given: Batch, later: Batch | None, start: float) -> None:
        """Build and fit every member; `later` is what they stop early on."""
        self.networks_: list[Any] = []
        self.histories_: list[dict[str, Any]] = []
        for seed in range(self.random_state, self.random_state + self.members):
            import_keras().utils.set_random_seed(seed)
            network = self._build(X, start, seed)
            self.histories_.append(self._train_one(network, given, later, seed))
            self.networks_.append(network)

    def _train_one(self, network: Any, given: Batch, later: Batch | None, seed: int) -> dict[str, Any]:
        """Fit one network in place and return its history; HypothecError if not even one epoch went well."""
        keras, rows = import_keras(), len(given.targets)
        network.compile(optimizer=keras.optimizers.Adam(self.learning_rate, clipnorm=1.0), loss=self._loss())
        guard = make_guard(keras, self.patience)
        fitted = network.fit(
            given.inputs,
            given.targets,
            sample_weight=given.weights,
            # A small table gets small batches and more passes: about the same number of steps at least.
            batch_size=min(self.batch_size, max(32, rows // 100)),
            epochs=self.exact_epochs or (self.epochs if rows > FEW_ROWS else self.epochs * 4),
            verbose=0,
            validation_data=later and later.as_tuple(),
            callbacks=[guard],
        )
        lower = f"train it with a smaller learning_rate than {self.learning_rate:g}"
        if guard.best_epoch is None:
            raise HypothecError(f"the {self.family} network with seed {seed} learnt nothing: {guard.warning}; {lower}")
        history: dict[str, Any] = {key: [float(v) for v in values] for key, values in fitted.history.items()}
        history["best_epoch"] = guard.best_epoch + 1
        if guard.warning:
            kept = f"the weights of epoch {guard.best_epoch + 1} were kept"
            history["warning"] = f"training was cut off: {guard.warning}; {kept}; {lower}"
        return history

    def _predict(self, network: Any, X: Matrix) -> Any:
        """Return a Keras model's outputs for encoded rows as float64, shape (rows, outputs); named ones as a dict."""
        outputs = network.predict(self._inputs(pad_rows(X)), batch_size=self.rows_at_once, verbose=0)
        if isinstance(outputs, dict):
            return {name: np.asarray(part, dtype=np.float64)[: len(X)] for name, part in outputs.items()}
        return np.asarray(outputs, dtype=np.float64)[: len(X)]

    def _raw_log_odds(self, X: Matrix) -> Matrix:
        found: Matrix = np.mean([self._log_odds(self._predict(network, X)) for network in self.networks_], axis=0)
        return found

    def _raw_explain(self, X: Matrix, background: Matrix) -> Matrix | Sampled:
        return explain_batched(self._raw_log_odds, X, background, seed=self.random_state)

    def complexity(self) -> int:
        """Return the number of trained weights, of all members together."""
        weights = [weight for network in self.networks_ for weight in network.trainable_weights]
        return int(sum(np.prod(weight.shape) for weight in weights))

    def parts(self) -> dict[str, int]:
        """Return the networks, where there are several, and their weights."""
        networks = {"networks": len(self.networks_)} if len(self.networks_) > 1 else {}
        return {**networks, "weights": self.complexity()}

    def _save(self, folder: Path) -> None:
        for place, network in enumerate(self.networks_):
            network.save(folder / network_file(place))
        more = {"histories": self.histories_} if len(self.histories_) > 1 else {}
        body = {
            "family": self.family,
            "params": self.get_params(deep=False) | {"features": None},
            "encoder": self.encoder_.to_json(),
            "calibration": self.calibration_,
            **self._state(),
            "history": self.history_,
            **more,
        }
        write_text(folder / f"{self.family}.json", json.dumps(body, indent=1, ensure_ascii=False))

    @classmethod
    def _load(cls, folder: Path) -> Self:
        keras = import_keras()
        import_module("models.networks.layers")  # registers our own layers, which the file names
        body = json.loads((folder / f"{cls.family}.json").read_text(encoding="utf-8"))
        encoder = Encoder.from_json(body["encoder"])
        params: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in body["params"].items()
        }
        params["features"] = encoder.features
        model = cls(**params)
        model.encoder_, model.classes_, model.n_features_in_ = encoder, np.array([0, 1]), len(encoder.features)
        model.calibration_ = tuple(body["calibration"])
        model._restore(body)
        model.histories_ = body.get("histories", [body["history"]])
        # safe_mode refuses files that carry Python code
        model.networks_ = [
            keras.saving.load_model(folder / network_file(place), compile=False, safe_mode=True)
            for place in range(len(model.histories_))
        ]
        return model


def network_file(place: int) -> str:
    """Return the file of a member: network.keras, network_2.keras, …."""
    return "network.keras" if place == 0 else f"network_{place + 1}.keras"
