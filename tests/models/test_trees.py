"""Exact tree attributions and interactions against brute-force Shapley enumeration, the axioms and shap."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from models import leaf_groups
from models import trees as trees_module
from models.boosting import Boosting
from models.forest import read_forest
from models.trees import explain_pairs, explain_rows, fold_background, interaction_weights, shapley_weights
from portfolio.errors import HypothecError
from tests.models.shapley import coalition_worths, enumerate_pairs, enumerate_shapley, explain, fit_trees, make_rows
from tests.models.toy import FEATURES


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small trees on few rows: scikit-learn's own threads would wait for each other longer than they work."""
    with threadpool_limits(1, "openmp"):
        yield


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    features=st.integers(2, 5),
    categories=st.integers(0, 2),
    max_depth=st.sampled_from([1, 2, 3, None]),
    merged=st.sampled_from([1, 8, 512]),
    most=st.sampled_from([0, 1, 2, 12]),
)
def test_equal_to_enumeration(seed, features, categories, max_depth, merged, most):
    # `merged` and `most` run all three ways: a table a leaf, a table a group, no table (the walk).
    trees, X = fit_trees(seed, features, categories, max_depth=max_depth, max_bins=32)
    draw = np.random.default_rng(seed + 1)
    rows = make_rows(draw, 4, features, categories)
    rows[:, :categories] += draw.integers(0, 3)  # categories that training never saw
    rows[0] = np.nan
    background = X[: draw.integers(1, 40)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leaf_groups, "MAX_MERGED_CELLS", merged)
        patch.setattr(leaf_groups, "MAX_TABLE_FEATURES", most)
        tables = fold_background(read_forest(trees), background)
    value = trees.decision_function
    single, pairs = explain_rows(tables, rows), explain_pairs(tables, rows)
    worth = coalition_worths(value, rows, background)
    np.testing.assert_allclose(single, enumerate_shapley(worth, features), atol=1e-12)
    np.testing.assert_allclose(pairs, enumerate_pairs(worth, features), atol=1e-12)
    np.testing.assert_allclose(single.sum(axis=1), value(rows) - value(background).mean(), atol=1e-12)  # efficiency


@pytest.mark.parametrize("seed", range(3))
def test_the_family_is_equal_to_enumeration_with_missing_values_and_categories(loans, seed):
    model = Boosting(FEATURES, seed, iterations=25).fit(*loans)
    X = model.encoder_.transform(loans[0])
    draw = np.random.default_rng(seed)
    X[draw.random(X.shape) < 0.05] = np.nan  # missing where training had none, too
    background, rows = X[:30], X[100:110]
    expected = enumerate_shapley(coalition_worths(model._raw_log_odds, rows, background), 4)
    np.testing.assert_allclose(model._raw_explain(rows, background), expected, atol=1e-12)


def test_one_split_by_hand():
    # One stump on x at 0.5 with values a (left) and b (right): against a background wholly on the left,
    # a loan on the right gets b - a, one on the left nothing.
    x = np.r_[np.zeros(50), np.ones(50)][:, None]
    trees = HistGradientBoostingClassifier(max_iter=1, max_leaf_nodes=2, min_samples_leaf=1, learning_rate=1.0)
    trees.fit(x, np.r_[np.zeros(45), np.ones(5), np.zeros(5), np.ones(45)])
    right, left = trees.decision_function([[1.0], [0.0]])
    np.testing.assert_allclose(explain(trees, np.array([[1.0], [0.0]]), np.zeros((3, 1))), [[right - left], [0.0]])


def test_weights_by_hand():
    # One feature only: it gets everything. Two in A, none in B: (2-1)! 0! / 2! = 1/2 each.
    weights = shapley_weights(3)
    assert weights[0, 1, 0] == 1
    assert weights[0, 2, 0] == 0.5
    assert weights[1, 0, 1] == -1
    # One in A and two in B: A gets 0! 2! / 3! = 1/3, each of B -1! 1! / 3! = -1/6; they cancel.
    assert weights[0, 1, 2] + 2 * weights[1, 1, 2] == pytest.approx(0)
    # v = 1 only where both are there: I = v(12) - v(1) - v(2) + v() = 1. v = 1 where 1 is and 2 is not: I = -1.
    # v = 1 where neither is: I = 0 - 0 - 0 + 1.
    pairs = interaction_weights(3)
    assert (pairs[0, 2, 0], pairs[1, 1, 1], pairs[2, 0, 2]) == (1, -1, 1)


def test_an_exclusive_or_by_hand():
    # f = s where x and y differ, else -s, exactly: a tree of two levels. Against a background at (0, 0), where f = -s,
    # a loan at (1, 1) has f = -s, too, and each change alone gives 2s: v = (0, 2s, 2s, 0), both get (2s - 2s)/2 = 0,
    # the interaction index is 0 - 2s - 2s + 0 = -4s, half of it on each side, and the diagonal 0 + 2s.
    X = np.array(list(itertools.product([0.0, 1.0], repeat=2)) * 20)
    weights = np.r_[1.001, np.ones(79)]  # a hair's breadth of asymmetry, or no first split gains anything
    trees = HistGradientBoostingClassifier(max_iter=1, min_samples_leaf=1).fit(X, X[:, 0] != X[:, 1], weights)
    f = trees.decision_function(X[:4])
    tables = fold_background(read_forest(trees), X[:1])
    pairs = explain_pairs(tables, X[3:4])[0]
    index = f[3] - f[1] - f[2] + f[0]
    assert index == pytest.approx(-2 * (f[1] - f[0]), rel=0.05)
    assert pairs[0, 1] == pairs[1, 0] == pytest.approx(index / 2, abs=1e-12)
    np.testing.assert_allclose(pairs.sum(axis=0), explain_rows(tables, X[3:4])[0], atol=1e-12)


class TestAxioms:
    def test_symmetry(self):
        # Two copies of a feature, one tree that uses the one and one the other in the same way: swapping the columns of
        # rows and background swaps the attributions.
        trees, X = fit_trees(3, features=4, categories=0)
        swapped = fit_swapped(X, trees, [1, 0, 2, 3])
        one, two = explain(trees, X[:50], X[:20]), explain(swapped, X[:50][:, [1, 0, 2, 3]], X[:20][:, [1, 0, 2, 3]])
        np.testing.assert_allclose(two[:, [1, 0, 2, 3]], one, atol=1e-12)

    def test_interchangeable_features_get_the_same(self):
        # f depends on x + y only through a symmetric table: the exclusive or of above, a loan at (1, 1).
        X = np.array(list(itertools.product([0.0, 1.0], repeat=2)) * 20)
        trees = HistGradientBoostingClassifier(max_iter=1, min_samples_leaf=1, max_depth=2)
        trees.fit(X, (X.sum(axis=1) == 2).astype(int))  # a logical and: symmetric and learnt at once
        phi = explain(trees, X[3:4], X[:1])
        assert phi[0, 0] == pytest.approx(phi[0, 1], abs=1e-12)
        assert phi[0, 0] > 0

    def test_dummy(self):
        trees, X = fit_trees(4)
        constant = np.column_stack([X, np.zeros(len(X))])  # never split on
        more = HistGradientBoostingClassifier(max_iter=5, categorical_features=[0], random_state=0)
        more.fit(constant, trees.predict(X))
        tables = fold_background(read_forest(more), constant[:30])
        rows = np.column_stack([X[:50], np.random.default_rng(0).normal(size=50)])
        assert not explain_rows(tables, rows)[:, 4].any()
        assert not explain_pairs(tables, rows)[:, 4].any()

    def test_linearity(self):
        # A forest of ten trees is the sum of its first four and its last six.
        trees, X = fit_trees(5, max_iter=10)
        parts = [clone(trees).fit(X, np.arange(len(X)) % 2) for _ in range(2)]
        for part, span in zip(parts, (slice(0, 4), slice(4, 10)), strict=True):
            part._bin_mapper, part._preprocessor = trees._bin_mapper, trees._preprocessor
            part._predictors = trees._predictors[span]
        whole, background = explain(trees, X[:60], X), X
        np.testing.assert_allclose(sum(explain(part, X[:60], background) for part in parts), whole, atol=1e-12)

    def test_the_background_is_averaged(self):
        trees, X = fit_trees(6)
        singly = [explain(trees, X[:20], X[i : i + 1]) for i in range(100, 130)]
        np.testing.assert_allclose(explain(trees, X[:20], X[100:130]), np.mean(singly, axis=0), atol=1e-12)


def fit_swapped(X, trees, order):
    """The same trees with their features renumbered."""
    again = clone(trees).fit(X, trees.predict(X))
    again._predictors = [[_renumber(predictor, order)] for (predictor,) in trees._predictors]
    return again


def _renumber(predictor, order):
    nodes = predictor.nodes.copy()
    nodes["feature_idx"] = np.array(order)[nodes["feature_idx"]]
    return type(predictor)(nodes, predictor.binned_left_cat_bitsets, predictor.raw_left_cat_bitsets)


def test_equal_to_shap_where_shap_is_right():
    # shap compares in float32 and knows neither categories of this classifier nor more than 100 background rows.
    shap = pytest.importorskip("shap")
    draw = np.random.default_rng(0)
    X = draw.normal(size=(2000, 6)).astype(np.float32).astype(np.float64)
    y = X[:, 0] * X[:, 1] + X[:, 2] + draw.normal(size=len(X)) > 0
    trees = HistGradientBoostingClassifier(max_iter=20).fit(X, y)
    # Thresholds lie between rows; were one equal in float32 to a row on its other side, shap would be wrong.
    explainer = shap.TreeExplainer(trees, X[:80], feature_perturbation="interventional")
    expected = explainer.shap_values(X[:200], check_additivity=False)
    np.testing.assert_allclose(explain(trees, X[:200], X[:80]), expected, atol=1e-6)


def test_any_background_size(loans):
    model = Boosting(FEATURES, iterations=40).fit(*loans)
    for size in (1, 7, 3000):
        done = model.explain(loans[0][:50], loans[0][:size])
        assert done.error < 1e-9


def test_blocks_and_chunks_do_not_matter(loans, monkeypatch):
    model = Boosting(FEATURES, iterations=10).fit(*loans)
    X = model.encoder_.transform(loans[0])
    whole = explain(model.trees_, X, X)
    monkeypatch.setattr(trees_module, "CHUNK", 700)
    monkeypatch.setattr(trees_module, "BLOCK", 64)
    np.testing.assert_array_equal(explain(model.trees_, X, X), whole)
    tables = fold_background(read_forest(model.trees_), X)
    pairs = explain_pairs(tables, X[:100])
    monkeypatch.setattr(trees_module, "PAIR_TABLE_BYTES", 1)
    np.testing.assert_allclose(explain_pairs(tables, X[:100]), pairs, atol=1e-14)


def test_another_background_or_fit_is_not_taken_from_the_last(loans):
    frame, outcome = loans
    model = Boosting(FEATURES, iterations=10).fit(frame, outcome)
    first = model.explain(frame[:20], frame[100:150]).values
    second = model.explain(frame[:20], frame[200:250]).values
    assert not np.allclose(first, second)
    pd.testing.assert_frame_equal(model.explain(frame[:20], frame[100:150]).values, first)
    assert model.fit(frame[:2000], outcome[:2000]).explain(frame[:20], frame[100:150]).error < 1e-9


def test_interactions_of_the_calibrated_log_odds(loans):
    frame, outcome = loans
    model = Boosting(FEATURES, iterations=40).fit(frame, outcome).calibrate(frame, outcome)
    pairs = model.explain_interactions(frame[:200], frame)
    np.testing.assert_array_equal(pairs, pairs.transpose(0, 2, 1))
    np.testing.assert_allclose(pairs.sum(axis=2), model.explain(frame[:200], frame).values, atol=1e-12)
    # Planted in tests/models/toy.py: LTV (0) acts with unemployment (3), and with nothing else.
    strength = np.abs(pairs).mean(axis=0)[np.triu_indices(4, 1)]
    assert strength.argmax() == 2  # pairs in the order 01, 02, 03, …
    assert strength[2] > 2 * np.delete(strength, 2).max()


def test_too_many_interactions_are_refused_with_how_many_rows_can_be_had(loans, monkeypatch):
    model = Boosting(FEATURES, iterations=5).fit(*loans)
    monkeypatch.setattr(trees_module, "MAX_PAIR_VALUES", 160)
    with pytest.raises(HypothecError, match="at most 10 rows"):
        model.explain_interactions(loans[0][:11], loans[0][:5])


def test_no_background_is_refused():
    trees, X = fit_trees(11)
    with pytest.raises(HypothecError, match="at least one row"):
        fold_background(read_forest(trees), X[:0])
