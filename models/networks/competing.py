"""A discrete-time network of competing risks: month by month the chances of default and of ending otherwise."""

from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.base import Labels
from models.encoding import Feature, Matrix
from models.networks.backend import import_keras
from models.networks.base import Batch
from models.networks.tabular import Embedding, Tabular
from portfolio.errors import HypothecError
from portfolio.outcomes import DEFAULT, ENDED
from portfolio.snapshots import HORIZON

STATES = 3  # stays, defaults, ends otherwise: the numbers of portfolio.outcomes
TINY = 1e-12


class CompetingRisks(Tabular):
    """For each of the twelve months after the date, a softmax over staying, defaulting and ending otherwise.

    With hazards h_d(t) and h_e(t) of month t among the loans that stayed so far, S(t) = Π (1 − h_d − h_e), and the PD
    at m months is the cumulative incidence F_d(m) = Σ_{t ≤ m} S(t − 1) h_d(t); F_d + F_e + S = 1. Without features it
    is the Aalen-Johansen estimate (Lee et al. 2018 train the same quantities). `fit` takes the `course` of each loan;
    a loan watched for part of the year counts for that part. Without a course the month of a default is not known
    and is drawn evenly; then nothing ends otherwise.
    """

    family: ClassVar[str] = "competing"
    title: ClassVar[str] = "Competing risks network"
    reads_course: ClassVar[bool] = True
    explains_all_rows: bool = False

    def __init__(
        self,
        features: tuple[Feature, ...] = (),
        random_state: int = 0,
        embedding: Embedding = "piecewise",
        hidden: tuple[int, ...] = (64, 32),
        dropout: float = 0.1,
        epochs: int = 12,
        batch_size: int = 1024,
        learning_rate: float = 0.003,
        patience: int = 2,
        members: int = 1,
    ) -> None:
        super().__init__(features, random_state, epochs, batch_size, learning_rate, patience, members)
        self.embedding = embedding
        self.hidden = hidden
        self.dropout = dropout

    def fit(
        self,
        X: pd.DataFrame,
        y: Any,
        *,
        validation: tuple[pd.DataFrame, Any] | None = None,
        course: pd.DataFrame | None = None,
        validation_course: pd.DataFrame | None = None,
    ) -> Self:
        """Fit; `course` has event and months of each row of `X` (see portfolio.outcomes), as `validation_course`."""
        self._courses = (course, validation_course)
        try:
            super().fit(X, y, validation=validation)
        finally:
            del self._courses
        return self

    def _fit(self, X: Matrix, y: Labels, validation: tuple[Matrix, Labels] | None) -> None:
        self._check_parameters()
        self._learn_inputs(X, y)
        course, later_course = self._courses
        targets = self._steps(y, course)
        later = validation and Batch(self._inputs(validation[0]), self._steps(validation[1], later_course))
        seen = targets.sum(axis=0)
        seen[seen.sum(axis=1) == 0, 0] = 1.0  # a month in which no loan was watched starts without hazards
        hazards = np.clip(seen / seen.sum(axis=1, keepdims=True), 1e-6, 1.0)
        self.start_ = np.log(hazards).ravel()  # a softmax of the logarithms gives the hazards back
        self._train(X, Batch(self._inputs(X), targets), later, 0.0)

    def _steps(self, y: Labels, course: pd.DataFrame | None) -> npt.NDArray[np.float32]:
        """Return for each row, month and state 1 where the row was watched and seen in it: (rows, HORIZON, STATES)."""
        if course is None:
            drawn = np.random.default_rng(self.random_state).integers(1, HORIZON + 1, len(y))
            event, months = np.where(y == 1, DEFAULT, 0), np.where(y == 1, drawn, HORIZON)
        else:
            event, months = (np.asarray(course[name], dtype=np.int64) for name in ("event", "months"))
            self._check_course(event, months, len(y))
        out = np.zeros((len(y), HORIZON, STATES), dtype=np.float32)
        month = np.arange(1, HORIZON + 1)
        happened = np.isin(event, (DEFAULT, ENDED))
        out[..., 0] = month <= np.where(happened, months - 1, months)[:, None]
        rows = np.flatnonzero(happened)
        out[rows, months[rows] - 1, event[rows]] = 1.0
        return out

    def _check_course(self, event: Any, months: Any, rows: int) -> None:
        if len(event) != rows or not np.isin(event, (0, DEFAULT, ENDED)).all():
            raise HypothecError(f"a course needs an event 0, 1 or 2 for each of {rows:,} rows, got {len(event):,}")
        wrong = (months < 0) | (months > HORIZON) | ((event > 0) & (months < 1))
        if wrong.any():
            raise HypothecError(f"a course's months lie in 1 to {HORIZON}, got {int(months[wrong][0])}")

    def _build(self, X: Matrix, start: float, seed: int) -> Any:  # noqa: ARG002
        keras = import_keras()
        layers = keras.layers
        inputs, vectors = self._embed(X)
        flow = layers.Flatten()(vectors)
        for depth, units in enumerate(self.hidden):
            flow = layers.Dense(units, activation="relu", name=f"hidden_{depth + 1}")(flow)
            flow = layers.Dropout(self.dropout, seed=seed + depth)(flow)
        out = layers.Dense(HORIZON * STATES, kernel_initializer="zeros", name="logits")
        logits = out(flow)
        out.set_weights([out.get_weights()[0], self.start_.astype(np.float32)])
        return keras.Model(inputs, layers.Reshape((HORIZON, STATES), name="steps")(logits))

    def _loss(self) -> Any:
        keras = import_keras()

        def likelihood(seen: Any, logits: Any) -> Any:
            return -keras.ops.sum(seen * keras.ops.log_softmax(logits, axis=-1), axis=(1, 2))

        return likelihood

    def _log_odds(self, outputs: Matrix) -> Matrix:
        defaulted = np.clip(incidence(outputs)[:, -1, DEFAULT], TINY, 1 - TINY)
        return np.asarray(np.log(defaulted / (1 - defaulted)))

    def predict_course(self, X: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return the chances of having stayed, defaulted or ended by each month: (rows, HORIZON, STATES), each sum 1.

        As the network gives them; the calibration of the twelve-month PD (`predict_pd`) is not in them.
        """
        matrix = self.encoder_.transform(X)
        if not len(matrix):
            return np.zeros((0, HORIZON, STATES))
        found: Matrix = np.mean([incidence(self._predict(network, matrix)) for network in self.networks_], axis=0)
        return found

    def predict_pd(self, X: pd.DataFrame, months: int) -> Matrix:
        """Return the PD within `months` (1 to HORIZON), calibrated as the twelve-month PD is; it grows with them."""
        if not 1 <= months <= HORIZON:
            raise HypothecError(f"a PD is given for 1 to {HORIZON} months, got {months}")
        matrix = self.encoder_.transform(X)
        raw = [np.clip(incidence(self._predict(network, matrix))[:, months - 1, DEFAULT], TINY, 1 - TINY)
               for network in self.networks_]  # fmt: skip
        intercept, slope = self.calibration_
        log_odds = np.mean([np.log(share / (1 - share)) for share in raw], axis=0)
        return np.asarray(1 / (1 + np.exp(-(intercept + slope * log_odds))))


def incidence(logits: Matrix) -> npt.NDArray[np.float64]:
    """Return the chance of each state by the end of each month, from a network's (rows, months, states) logits.

    >>> stay = np.log([[[0.9, 0.1, 0.0 + 1e-300], [0.5, 0.25, 0.25]]])
    >>> [[round(float(v), 4) for v in month] for month in incidence(stay)[0]]  # 0.9 · 0.5; 0.1 + 0.9 · 0.25; …
    [[0.9, 0.1, 0.0], [0.45, 0.325, 0.225]]
    """
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    chances = shifted / shifted.sum(axis=-1, keepdims=True)
    stayed = np.cumprod(chances[..., 0], axis=1)
    before = np.concatenate([np.ones((len(logits), 1)), stayed[:, :-1]], axis=1)
    gone = np.cumsum(before[..., None] * chances[..., 1:], axis=1)
    return np.concatenate([stayed[..., None], gone], axis=-1)
