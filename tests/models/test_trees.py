"""Exact tree attributions against brute-force Shapley enumeration."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from models.boosting import Boosting
from models.encoding import Feature
from models.trees import explain_leaves, leaves_of, shapley_weights
from portfolio.errors import HypothecError
from tests.models.toy import FEATURES


def enumerate_shapley(value, x, background):
    """Shapley values by their definition: the mean over background rows of all coalitions' marginal contributions."""
    d = len(x)

    def worth(coalition):
        mixed = background.copy()
        mixed[:, list(coalition)] = x[list(coalition)]
        return value(mixed).mean()

    phi = np.zeros(d)
    for j in range(d):
        others = [k for k in range(d) if k != j]
        for size in range(d):
            weight = math.factorial(size) * math.factorial(d - size - 1) / math.factorial(d)
            for coalition in itertools.combinations(others, size):
                phi[j] += weight * (worth((*coalition, j)) - worth(coalition))
    return phi


@pytest.mark.parametrize("seed", range(3))
def test_equal_to_enumeration_with_missing_values_and_categories(loans, seed):
    model = Boosting(FEATURES, seed, iterations=25).fit(*loans)
    X = model.encoder_.transform(loans[0])
    draw = np.random.default_rng(seed)
    X[draw.random(X.shape) < 0.05] = np.nan  # missing where training had none, too
    background, rows = X[:30], X[100:110]
    expected = [enumerate_shapley(model._raw_log_odds, row, background) for row in rows]
    np.testing.assert_allclose(model._raw_explain(rows, background), expected, atol=1e-12)


def test_one_split_by_hand():
    # One stump on x at 0.5 with values a (left) and b (right): against a background wholly on the left,
    # a loan on the right gets b - a, one on the left nothing.
    x = np.r_[np.zeros(50), np.ones(50)][:, None]
    trees = HistGradientBoostingClassifier(max_iter=1, max_leaf_nodes=2, min_samples_leaf=1, learning_rate=1.0)
    trees.fit(x, np.r_[np.zeros(45), np.ones(5), np.zeros(5), np.ones(45)])
    leaves = leaves_of(trees)
    phi = explain_leaves(leaves, np.array([[1.0], [0.0]]), np.zeros((3, 1)))
    right, left = max(leaves.value), min(leaves.value)
    np.testing.assert_allclose(phi, [[right - left], [0.0]])


def test_weights_by_hand():
    # One feature only: it gets everything. Two in A, none in B: (2-1)! 0! / 2! = 1/2 each.
    weights = shapley_weights(3)
    assert weights[0, 1, 0] == 1
    assert weights[0, 2, 0] == 0.5
    assert weights[1, 0, 1] == -1
    # One in A and two in B: A gets 0! 2! / 3! = 1/3, each of B -1! 1! / 3! = -1/6; they cancel.
    assert weights[0, 1, 2] + 2 * weights[1, 1, 2] == pytest.approx(0)


def test_any_background_size(loans):
    model = Boosting(FEATURES, iterations=40).fit(*loans)
    for size in (1, 7, 3000):
        done = model.explain(loans[0][:50], loans[0][:size])
        assert done.error < 1e-9


def test_too_deep_trees_are_refused():
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(4000, 14)), columns=[f"x{i}" for i in range(14)])
    y = (frame.prod(axis=1) + draw.normal(size=4000) * 0.01 > 0).astype(int)
    features = tuple(Feature(name, "number") for name in frame)
    model = Boosting(features, max_depth=13, iterations=3, min_samples_leaf=2).fit(frame, y)
    with pytest.raises(HypothecError, match="max_depth"):
        model.explain(frame[:2], frame[:5])
