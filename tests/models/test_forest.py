"""Every fitted HistGradientBoostingClassifier is read and explained as it predicts, whatever its options."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from models import leaf_groups
from models.forest import read_forest
from models.trees import explain_pairs, explain_rows, fold_background
from portfolio.errors import HypothecError
from tests.models.shapley import assert_adds_up, explain, fit_trees


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small trees on few rows: scikit-learn's own threads would wait for each other longer than they work."""
    with threadpool_limits(1, "openmp"):
        yield


class TestAnyClassifier:
    @pytest.mark.parametrize(
        "options",
        [
            {"monotonic_cst": [0, 1, -1, 0]},
            {"early_stopping": True, "max_iter": 30},
            {"max_leaf_nodes": 4},
            {"max_bins": 8},
            {"interaction_cst": "no_interactions"},
            {"class_weight": "balanced", "max_features": 0.5},
        ],
    )
    def test_options(self, options):
        trees, X = fit_trees(7, **options)
        assert_adds_up(trees, X, X)

    def test_categories_by_type_and_gaps_in_codes(self):
        # Words as a pandas category, and codes 3, 30 and 200, which the classifier renumbers.
        _, X = fit_trees(8)
        words = pd.Categorical.from_codes(np.nan_to_num(X[:, 0], nan=-1).astype(int), list("abcdef"))
        frame = pd.DataFrame({"number": X[:, 1], "word": words, "other": X[:, 2]})
        y = np.isin(words, ["b", "e"]) ^ (X[:, 1] > 0)
        trees = HistGradientBoostingClassifier(max_iter=10, categorical_features="from_dtype").fit(frame, y)
        assert_adds_up(trees, frame, frame[:100])
        phi = explain(trees, frame, frame[:100])
        assert np.abs(phi[:, 2]).mean() < np.abs(phi[:, :2]).mean(axis=0).min() / 3  # columns stand where they were
        gaps = np.column_stack([np.array([3.0, 30.0, 200.0])[np.arange(len(X)) % 3], X[:, 1]])
        other = HistGradientBoostingClassifier(max_iter=10, categorical_features=[True, False])
        other.fit(gaps, (gaps[:, 0] == 30) ^ (X[:, 1] > 0))
        assert_adds_up(other, np.r_[gaps, [[7.0, 0.0], [np.nan, 0.0], [-1.0, np.nan]]], gaps)

    def test_infinite_values_and_thresholds(self):
        # A split of missing from all other values has the threshold infinity.
        X = np.r_[np.full(100, np.nan), np.linspace(0, 1, 100), np.full(20, np.inf), np.full(20, -np.inf)][:, None]
        y = np.isnan(X[:, 0]) ^ (np.arange(len(X)) % 9 == 0)
        trees = HistGradientBoostingClassifier(max_iter=8, min_samples_leaf=2).fit(X, y)
        assert np.isinf(np.concatenate([tree.nodes for (tree,) in trees._predictors])["num_threshold"]).any()
        assert_adds_up(trees, X, X[::7])

    def test_a_warm_start_bins_anew(self):
        # Twice as many trees, the second half on other data, whose bins are other ones.
        trees, X = fit_trees(9, categories=0, features=3, warm_start=True, max_bins=255)
        draw = np.random.default_rng(0)
        more = draw.normal(size=(900, 3))
        trees.set_params(max_iter=10).fit(more, more[:, 0] * more[:, 1] > 0)
        assert_adds_up(trees, np.r_[X, more], more)

    def test_more_codes_than_a_byte_holds(self):
        draw = np.random.default_rng(0)
        trees = HistGradientBoostingClassifier(max_iter=40, warm_start=True, max_leaf_nodes=60, min_samples_leaf=2)
        for run in range(1, 4):
            X = draw.normal(size=(4000, 1)) + run
            trees.set_params(max_iter=40 * run).fit(X, np.sin(40 * X[:, 0]) > 0)
        assert read_forest(trees).encode(X).dtype == np.uint16
        assert_adds_up(trees, X, X[:500])

    def test_the_thresholds_are_the_models_own_bins(self):
        trees, X = fit_trees(10, categories=0, max_iter=20)
        forest = read_forest(trees)
        for f in range(4):
            own = forest.edges[forest.edge_start[f] : forest.edge_start[f + 1]]
            assert set(own) <= set(trees._bin_mapper.bin_thresholds_[f])
        # Rows in one bin have one code: the codes only join bins that no tree tells apart.
        bins, codes = trees._bin_mapper.transform(X), forest.encode(X)
        for f in range(4):
            assert pd.Series(codes[f]).groupby(bins[:, f]).nunique().max() == 1

    def test_one_leaf_gives_nothing(self):
        trees = HistGradientBoostingClassifier(max_iter=3).fit(np.zeros((50, 2)), np.arange(50) % 2)
        tables = fold_background(read_forest(trees), np.zeros((5, 2)))
        assert not explain_rows(tables, np.ones((4, 2))).any()
        assert not explain_pairs(tables, np.ones((4, 2))).any()

    def test_three_classes_are_refused(self):
        trees = HistGradientBoostingClassifier(max_iter=2).fit(np.arange(90.0)[:, None], np.arange(90) // 30)
        with pytest.raises(HypothecError, match="two classes"):
            read_forest(trees)


def make_deep():
    """Trees whose paths use more features than a table may have."""
    draw = np.random.default_rng(0)
    X = draw.normal(size=(4000, 16))
    y = X.prod(axis=1) + draw.normal(size=len(X)) * 0.01 > 0
    return HistGradientBoostingClassifier(max_iter=3, max_depth=15, max_leaf_nodes=None, min_samples_leaf=2).fit(
        X, y
    ), X


def test_leaves_too_deep_for_tables_are_walked(monkeypatch):
    trees, X = make_deep()
    with_tables = explain(trees, X[:20], X[:50])
    monkeypatch.setattr(leaf_groups, "MAX_TABLE_FEATURES", 10)
    forest = read_forest(trees)
    tabled = np.diff(forest.plan.condition_start)
    assert tabled.max() <= leaf_groups.MAX_TABLE_FEATURES < max(len(leaf.masks) for leaf in forest.plan.deep)
    assert_adds_up(trees, X[:20], X[:50])
    tables = fold_background(forest, X[:50])
    np.testing.assert_allclose(explain_rows(tables, X[:20]), with_tables, atol=1e-12)
    np.testing.assert_allclose(explain_pairs(tables, X[:5]).sum(axis=2), explain_rows(tables, X[:5]), atol=1e-12)


def test_tables_stay_within_their_memory(monkeypatch):
    trees, X = make_deep()
    phi = explain(trees, X[:20], X[:50])
    monkeypatch.setattr(leaf_groups, "TABLE_BYTES", 100_000)
    monkeypatch.setattr(leaf_groups, "MAX_MERGED_CELLS", 1)  # what merging adds is small and not in the budget
    forest = read_forest(trees)
    tables = fold_background(forest, X[:50])
    assert tables.table.nbytes <= 100_000
    np.testing.assert_allclose(explain_rows(tables, X[:20]), phi, atol=1e-12)


def test_an_impossible_number_of_features_is_refused(monkeypatch):
    trees, _ = make_deep()
    monkeypatch.setattr(leaf_groups, "MAX_TABLE_FEATURES", 10)
    monkeypatch.setattr("models.forest.MAX_WALKED_FEATURES", 10)
    with pytest.raises(HypothecError, match="max_depth"):
        read_forest(trees)


@pytest.mark.parametrize("most", [10, 16])
def test_sixteen_features_that_must_all_hold(most, monkeypatch):
    # f = b where all 16 features are 1, else a. Against a background of zeros a loan of ones gains b - a only when all
    # have changed: each feature gets a sixteenth of it, each pair's index is 14! 0! / 15! = 1/15, half on each side.
    monkeypatch.setattr(leaf_groups, "MAX_TABLE_FEATURES", most)
    X = np.repeat(np.r_[1 - np.eye(16), np.ones((1, 16))], 20, axis=0)
    trees = HistGradientBoostingClassifier(max_iter=1, max_depth=16, min_samples_leaf=1, max_leaf_nodes=None)
    trees.fit(X, X.all(axis=1))
    forest = read_forest(trees)
    sizes = [*np.diff(forest.plan.condition_start), *(len(leaf.masks) for leaf in forest.plan.deep)]
    assert max(sizes) == 16
    assert bool(forest.plan.deep) == (most < 16)
    tables = fold_background(forest, np.zeros((3, 16)))
    a, b = trees.decision_function([np.zeros(16), np.ones(16)])
    np.testing.assert_allclose(explain_rows(tables, np.ones((1, 16))), np.full((1, 16), (b - a) / 16), atol=1e-12)
    pairs = explain_pairs(tables, np.ones((1, 16)))[0]
    np.testing.assert_allclose(pairs[np.triu_indices(16, 1)], (b - a) / 30, atol=1e-12)
