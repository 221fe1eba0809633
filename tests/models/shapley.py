"""Shapley values and interactions by their definitions, and small forests to hold them against."""

import itertools
import math

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from models.forest import read_forest
from models.trees import explain_rows, fold_background


def coalition_worths(value, rows, background):
    """v(S) of each row for every S: the mean of `value` over the background with the features of S as in the row."""
    subsets = list(itertools.product([False, True], repeat=rows.shape[1]))
    mixed = np.where(np.array(subsets)[:, None, None, :], rows[None, :, None, :], background)
    means = value(mixed.reshape(-1, rows.shape[1])).reshape(mixed.shape[:3]).mean(axis=2)
    return {frozenset(np.flatnonzero(inside)): mean for inside, mean in zip(subsets, means, strict=True)}


def enumerate_shapley(worth, d):
    """Shapley values by their definition: the weighted sum over all coalitions' marginal contributions."""
    phi = np.zeros((len(worth[frozenset()]), d))
    for j, coalition in itertools.product(range(d), worth):
        if j not in coalition:
            size = len(coalition)
            weight = math.factorial(size) * math.factorial(d - size - 1) / math.factorial(d)
            phi[:, j] += weight * (worth[coalition | {j}] - worth[coalition])
    return phi


def enumerate_pairs(worth, d):
    """Off the diagonal half the Shapley interaction index by its definition (Grabisch and Roubens 1999)."""
    out = np.zeros((len(worth[frozenset()]), d, d))
    for i, j in itertools.permutations(range(d), 2):
        for coalition in worth:
            if not coalition & {i, j}:
                size = len(coalition)
                weight = math.factorial(size) * math.factorial(d - size - 2) / math.factorial(d - 1)
                both = worth[coalition | {i, j}] - worth[coalition | {i}] - worth[coalition | {j}] + worth[coalition]
                out[:, i, j] += weight * both / 2
    diagonal = np.arange(d)
    out[:, diagonal, diagonal] = enumerate_shapley(worth, d) - out.sum(axis=2)
    return out


def make_rows(draw, rows, features, categories):
    """Numbers on a coarse grid (so that rows fall on thresholds), `categories` columns of codes, 10 % missing."""
    X = np.round(draw.normal(size=(rows, features)), 1)
    X[:, :categories] = draw.integers(0, 6, size=(rows, categories))
    X[draw.random(X.shape) < 0.1] = np.nan
    return X


def fit_trees(seed, features=4, categories=1, **options):
    """A few trees on an outcome with interactions, and the rows that they were fitted on."""
    draw = np.random.default_rng(seed)
    X = make_rows(draw, 400, features, categories)
    filled = np.nan_to_num(X, nan=1.5)
    signal = filled[:, 0] % 3 - 1 + filled[:, -1] * filled[:, -2] + np.isnan(X[:, -1])
    y = signal + draw.normal(size=len(X)) > np.median(signal)
    options = {"max_iter": 5, "learning_rate": 0.5, "min_samples_leaf": 5, "random_state": seed} | options
    mask = np.arange(features) < categories
    return HistGradientBoostingClassifier(categorical_features=mask, **options).fit(X, y), X


def explain(trees, X, background):
    return explain_rows(fold_background(read_forest(trees), background), X)


def assert_adds_up(trees, rows, background):
    total = explain(trees, rows, background).sum(axis=1)
    gap = total + trees.decision_function(background).mean() - trees.decision_function(rows)
    assert np.abs(gap).max() < 1e-11  # 1e-9 is promised
