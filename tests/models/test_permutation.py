"""The network's attributions against enumeration, and what they promise."""

import numpy as np
import pytest

from models.neural import Neural, piecewise_weights
from models.permutation import antithetic_orders
from tests.models.shapley import coalition_worths, enumerate_shapley
from tests.models.toy import FEATURES, make_loans


@pytest.fixture(scope="module")
def network():
    frame, outcome = make_loans()
    return Neural(FEATURES).fit(frame, outcome)


def test_close_to_enumeration(network, loans):
    # Only the orders are sampled, in antithetic pairs: what remains is interactions of three and more features.
    X = network.encoder_.transform(loans[0])
    background, rows = X[:100], X[200:208]
    expected = enumerate_shapley(coalition_worths(network._raw_log_odds, rows, background), X.shape[1])
    got = network._raw_explain(rows, background)
    assert np.abs(got - expected).max() < 0.08
    assert np.corrcoef(got.ravel(), expected.ravel())[0, 1] > 0.999


def test_first_layer_parts_add_up_to_the_network(network, loans):
    X = network.encoder_.transform(loans[0][:50])
    bias1, kernel2, bias2, kernel3, bias3 = network.head_weights()
    first = np.maximum(network.first_layer_parts(X).sum(axis=1) + bias1, 0)
    logit = np.maximum(first @ kernel2 + bias2, 0) @ kernel3 + bias3
    np.testing.assert_allclose(logit[:, 0], network._raw_log_odds(X), atol=1e-5)


def test_orders_come_in_reversed_pairs():
    orders = antithetic_orders(5, 4, seed=1)
    assert orders.shape == (5, 2, 4)
    np.testing.assert_array_equal(orders[:, 1], orders[:, 0, ::-1])
    np.testing.assert_array_equal(np.sort(orders[:, 0], axis=1), np.tile(np.arange(4), (5, 1)))


def test_piecewise_embedding_by_hand():
    # Evenly spread values: the pieces are equally wide; a value one and a half pieces in is 1, 0.5, 0, …
    kernel, bias = piecewise_weights([np.linspace(0, 1, 100_001)])
    edges = np.linspace(0.005, 0.995, 11)
    pieces = np.clip(np.array([[edges[1] + 0.5 * (edges[2] - edges[1])]]) @ kernel + bias, 0, 1)
    np.testing.assert_allclose(pieces[0], [1, 0.5] + [0] * 8, atol=1e-3)
