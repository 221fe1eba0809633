"""The multilayer perceptron's attributions against enumeration."""

import numpy as np
import pytest

from models.networks.mlp import Mlp
from tests.models.shapley import coalition_worths, enumerate_shapley
from tests.models.toy import FEATURES


@pytest.mark.parametrize("embedding", ["piecewise", "periodic"])
def test_attributions_are_close_to_enumeration(embedding, loans):
    model = Mlp(FEATURES, embedding=embedding, epochs=2).fit(*loans)
    X = model.encoder_.transform(loans[0])
    background, rows = X[:60], X[200:206]
    expected = enumerate_shapley(coalition_worths(model._raw_log_odds, rows, background), X.shape[1])
    got = model._raw_explain(rows, background)
    assert np.abs(got.values - expected).max() < 0.08
    assert np.corrcoef(got.values.ravel(), expected.ravel())[0, 1] > 0.999


def test_first_layer_parts_add_up_to_the_network(loans):
    # Columns out of order on purpose: the category stands between the numbers.
    model = Mlp(FEATURES, epochs=1).fit(*loans)
    X = model.encoder_.transform(loans[0][:50])
    bias1, kernel2, bias2, kernel3, bias3 = model.head_weights()
    first = np.maximum(model.first_layer_parts(X).sum(axis=1) + bias1, 0)
    logit = np.maximum(first @ kernel2 + bias2, 0) @ kernel3 + bias3
    np.testing.assert_allclose(logit[:, 0], model._raw_log_odds(X), atol=1e-5)
