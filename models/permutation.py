"""Attributions of a network by the walks of `models.walks`, batched under JAX.

The first layer is linear in the embeddings, so switching a feature is an addition to that layer's input, and the input
at a stop of the reverse walk is what the forward walk's stop leaves of the whole: one matrix product serves both.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from models.encoding import Matrix
from models.walks import Sampled, draw_places

if TYPE_CHECKING:
    from models.neural import Neural

ROWS = 256  # loans a compiled call


def explain_network(model: "Neural", X: Matrix, background: Matrix, *, seed: int) -> Sampled:
    """Return attributions of the raw log-odds and their standard errors, each (rows, features).

    The network computes in float32: sums miss the log-odds by some 1e-6, which `PdModel.explain` measures per loan.
    """
    head = model.head_weights()
    reference = model.first_layer_parts(background)
    places = draw_places(len(background), X.shape[1], seed)
    walk = _compiled_walk()
    out = np.zeros((2, *X.shape))
    for start in range(0, len(X), ROWS * 16):
        parts = model.first_layer_parts(X[start : start + ROWS * 16])
        for offset in range(0, len(parts), ROWS):
            block = parts[offset : offset + ROWS]
            padded = np.pad(block, ((0, ROWS - len(block)), (0, 0), (0, 0)))  # one shape, one compilation
            found = np.asarray(walk(padded, reference, places, head), dtype=np.float64)
            out[:, start + offset : start + offset + len(block)] = found[:, : len(block)]
    return Sampled(out[0], np.sqrt(out[1]))


@cache
def _compiled_walk() -> Any:
    """Return the compiled function of loans' parts, background's parts, places and weights: (2, rows, features).

    First the attributions, then their variances.
    """
    import jax
    import jax.numpy as jnp

    def walk(rows: Any, reference: Any, places: Any, head: tuple[Any, ...]) -> Any:
        bias1, kernel2, bias2, kernel3, bias3 = head
        features = jnp.arange(rows.shape[1])
        by_feature = jnp.swapaxes(rows, 0, 1)  # (features, rows, units)
        loan = by_feature.sum(axis=0) + bias1

        def logit(inputs: Any) -> Any:
            hidden = jax.nn.relu(jax.nn.relu(inputs) @ kernel2 + bias2)
            return (hidden @ kernel3 + bias3)[..., 0]

        ends = logit(loan)

        def pair(start: Any, place: Any) -> Any:
            # Row j of `switched` has a 1 for the features switched by stop j + 1: a matrix product is far
            # quicker here than gathering, summing up and scattering.
            switched = (place[None, :] <= features[:-1, None]).astype(rows.dtype)
            moved = jnp.tensordot(switched, by_feature, axes=1) - (switched @ start)[:, None, :]
            first = start.sum(axis=0) + bias1
            whole = (ends - logit(first))[None]
            stops = jnp.concatenate([-whole, logit(first + moved) - logit(loan - moved), whole])
            credit = (place[:, None] == features[None, :]).astype(rows.dtype)
            return credit @ jnp.diff(stops, axis=0) / 2

        def both_pairs(total: Any, step: Any) -> tuple[Any, None]:
            start, (one, two) = step  # (features, units); the place of each feature in the orders of two walks
            one, two = pair(start, one), pair(start, two)
            return total + jnp.stack([(one + two) / 2, (one - two) ** 2 / 4]), None

        total, _ = jax.lax.scan(both_pairs, jnp.zeros((2, *by_feature.shape[:2])), (reference, places))
        scale = jnp.array([len(reference), len(reference) ** 2], dtype=rows.dtype)
        return jnp.swapaxes(total, 1, 2) / scale[:, None, None]

    return jax.jit(walk)
