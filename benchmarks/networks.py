"""The networks: training rows a second and scored loans a second, frame to PD, on the benchmark's book."""

import time

import numpy as np
import pandas as pd
from attributions import NUMBERS, WORDS, make_book
from common import Row, median

from models.encoding import Feature
from models.families import family_class
from models.networks.base import Batch, Network
from models.networks.competing import CompetingRisks
from models.networks.sequence import Sequence

TRAINING, SCORED, BATCH, BAR = 204_800, 200_000, 1024, 100_000
SEQUENCE_BAR = 10_000
FAMILIES = ("neural", "mlp", "tabm", "additive", "competing")
READERS = ("gru", "transformer")
HISTORY = Feature("payment_history", "sequence", channels=("present", "behind", "balance", "service", "rate", "extra"))


def _seconds_of_a_pass(model: Network, frame: pd.DataFrame, outcome: np.ndarray) -> float:
    """Return how long one more pass over the training rows takes, compiled already."""
    X = model.encoder_.transform(frame)
    steps = isinstance(model, CompetingRisks)  # learns month by month
    given = Batch(model._inputs(X), model._steps(outcome, None)) if steps else model._batch(X, outcome)
    times = []
    for _ in range(3):
        started = time.perf_counter()
        model.network_.fit(given.inputs, given.targets, batch_size=BATCH, epochs=1, verbose=0)
        times.append(time.perf_counter() - started)
    return median(times)


def _seconds_of_scoring(model: Network, book: pd.DataFrame) -> float:
    """Return how long PDs take, from the frame of a book."""
    times = []
    for _ in range(4):
        started = time.perf_counter()
        scores = model.predict_proba(book)
        times.append(time.perf_counter() - started)
        if not np.isfinite(scores).all():
            raise SystemExit(f"{model.family}: not every loan got a PD")
    return median(times[1:])  # the first compiles


def measure() -> list[Row]:
    frame, outcome = make_book(TRAINING, missing=True)
    book, _ = make_book(SCORED, seed=1, missing=True)
    rows = []
    for family in FAMILIES:
        model = family_class(family)((*NUMBERS, *WORDS), epochs=1, batch_size=BATCH).fit(frame, outcome)
        rows += _rows(family, model, (frame, outcome), book, BAR)
    months = np.random.default_rng(2).normal(size=(TRAINING, HISTORY.width)).astype(np.float32)
    long, long_book = frame.assign(payment_history=list(months)), book.assign(payment_history=list(months[:SCORED]))
    for reader in READERS:
        sequence = Sequence((*NUMBERS, *WORDS, HISTORY), reader=reader, epochs=1, batch_size=BATCH).fit(long, outcome)
        rows += _rows(f"sequence, {reader}", sequence, (long, outcome), long_book, SEQUENCE_BAR)
    return rows


def _rows(
    name: str, model: Network, training: tuple[pd.DataFrame, np.ndarray], book: pd.DataFrame, bar: int
) -> list[Row]:
    """Return the lines of one architecture."""
    scored = SCORED / _seconds_of_scoring(model, book)
    trained = f"{TRAINING / _seconds_of_a_pass(model, *training):,.0f} rows/s"
    return [Row(f"{name}: scoring, frame to PD", f"{scored:,.0f} loans/s", f"≥ {bar:,} loans/s", scored >= bar),
            Row(f"… training, a pass, {model.complexity():,} weights", trained, "—", None)]  # fmt: skip


if __name__ == "__main__":
    print(*measure(), sep="\n")
