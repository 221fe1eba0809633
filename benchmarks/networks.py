"""The tabular networks: training rows a second and scored loans a second, frame to PD, on the benchmark's book."""

import time

import numpy as np
import pandas as pd
from attributions import NUMBERS, WORDS, make_book
from common import Row, median

from models.families import family_class
from models.networks.base import Network

TRAINING, SCORED, BATCH, BAR = 204_800, 200_000, 1024, 100_000
FAMILIES = ("neural", "mlp", "tabm", "additive")


def _seconds_of_a_pass(model: Network, frame: pd.DataFrame, outcome: np.ndarray) -> float:
    """Return how long one more pass over the training rows takes, compiled already."""
    given = model._batch(model.encoder_.transform(frame), outcome)
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
        scored = SCORED / _seconds_of_scoring(model, book)
        trained = f"{TRAINING / _seconds_of_a_pass(model, frame, outcome):,.0f} rows/s"
        rows += [Row(f"{family}: scoring, frame to PD", f"{scored:,.0f} loans/s", f"≥ {BAR:,} loans/s", scored >= BAR),
                 Row(f"… training, a pass, {model.complexity():,} weights", trained, "—", None)]  # fmt: skip
    return rows


if __name__ == "__main__":
    print(*measure(), sep="\n")
