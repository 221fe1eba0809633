"""Attributions of a network by antithetic permutation walks, batched under JAX.

From every background row to the loan, features are switched one by one in a random order and once more in the
reverse order; each switch's change of the logit goes to its feature (Castro et al. 2009; Mitchell et al. 2022). The
pair of walks is exact where features act alone or in twos, so only higher interactions are sampled.
Every walk telescopes to f(loan) - f(background row) and every background row is walked, so the attributions
add up to f(loan) - mean f(background) whatever the orders; the orders' sampling only spreads credit between features.
The first layer is linear in the embeddings, so a switch is an addition to its input.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from models.encoding import Matrix

if TYPE_CHECKING:
    from models.neural import Neural

ROWS = 256  # loans a compiled call


def explain_network(model: "Neural", X: Matrix, background: Matrix, *, seed: int) -> Matrix:
    """Return attributions of the raw log-odds, shape (rows, features)."""
    head = model.head_weights()
    reference = model.first_layer_parts(background)
    orders = antithetic_orders(len(background), X.shape[1], seed)
    walk = _compiled_walk()
    out = np.zeros(X.shape)
    for start in range(0, len(X), ROWS * 16):
        parts = model.first_layer_parts(X[start : start + ROWS * 16])
        for offset in range(0, len(parts), ROWS):
            block = parts[offset : offset + ROWS]
            padded = np.pad(block, ((0, ROWS - len(block)), (0, 0), (0, 0)))  # one shape, one compilation
            phi = np.asarray(walk(padded, reference, orders, head), dtype=np.float64)
            out[start + offset : start + offset + len(block)] = phi[: len(block)]
    return out


def antithetic_orders(count: int, features: int, seed: int) -> Any:
    """Return for each of `count` background rows an order of the features and its reverse: (count, 2, features)."""
    draw = np.random.default_rng(seed)
    forward = np.array([draw.permutation(features) for _ in range(count)])
    return np.stack([forward, forward[:, ::-1]], axis=1)


def _compiled_walk() -> Any:
    import jax
    import jax.numpy as jnp

    def walk(rows: Any, reference: Any, orders: Any, head: tuple[Any, ...]) -> Any:
        bias1, kernel2, bias2, kernel3, bias3 = head
        features = jnp.arange(orders.shape[-1])
        stops = jnp.arange(orders.shape[-1] + 1)
        by_feature = jnp.swapaxes(rows, 0, 1)  # (features, rows, units)

        def one_walk(total: Any, step: Any) -> tuple[Any, None]:
            start, place = step  # (features, units); the place of each feature in this walk's order
            # Row j of `switched` has a 1 for the features switched by stop j: a matrix product is far
            # quicker here than gathering, summing up and scattering.
            switched = (place[None, :] < stops[:, None]).astype(rows.dtype)
            path = jnp.tensordot(switched, by_feature - start[:, None, :], axes=1) + start.sum(axis=0) + bias1
            hidden = jax.nn.relu(jax.nn.relu(path) @ kernel2 + bias2)
            logits = (hidden @ kernel3 + bias3)[..., 0]  # (stops, rows)
            credit = (place[:, None] == features[None, :]).astype(rows.dtype)
            return total + credit @ jnp.diff(logits, axis=0), None

        steps = (jnp.repeat(reference, 2, axis=0), jnp.argsort(orders.reshape(-1, orders.shape[-1]), axis=1))
        total, _ = jax.lax.scan(one_walk, jnp.zeros((rows.shape[1], rows.shape[0])), steps)
        return total.T / len(steps[0])

    return jax.jit(walk)
