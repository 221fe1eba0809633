"""Keras on JAX: loading it, and arrays as it takes them."""

import os
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from models.encoding import Matrix

BATCH = 8192  # rows a prediction computes at once


def import_keras() -> Any:
    """Return Keras on JAX; JAX is told once to stay on the CPU and not to look for accelerators.

    A backend that the environment already names stays.
    """
    os.environ.setdefault("KERAS_BACKEND", "jax")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    # Loaded after Keras, the solver behind optbinning's bins takes the whole process down; loaded before it, it works.
    import_module("ortools.sat.python.cp_model")
    import keras  # seconds to import: only where a network is used

    return keras


def to_float32(values: Matrix) -> npt.NDArray[np.float32]:
    """Return `values` as a network takes them; what float32 cannot hold becomes its largest number, not infinite."""
    limit = float(np.finfo(np.float32).max)
    return np.clip(values, -limit, limit).astype(np.float32)


def pad_rows(X: Matrix) -> Matrix:
    """Return `X` with its first row repeated up to a usual length, so that JAX compiles for few shapes only."""
    wanted = 2 ** int(np.ceil(np.log2(max(len(X), 64)))) if len(X) < BATCH else -(-len(X) // BATCH) * BATCH
    return np.concatenate([X, np.repeat(X[:1], wanted - len(X), axis=0)])
