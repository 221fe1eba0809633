"""Attributions of LightGBM's and XGBoost's trees against enumeration and against the libraries' own.

Enumeration asks the library itself for its margins. XGBoost gives them in float32, so there the attributions, sums of
the same leaves in float64, may differ by some 1e-6.
"""

import lightgbm
import numpy as np
import pytest
import shap
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from models.foreign_trees import LIGHTGBM_ZERO, read_lightgbm, read_xgboost
from models.trees import explain_pairs, explain_rows, fold_background
from portfolio.errors import HypothecError
from tests.models.shapley import coalition_worths, enumerate_pairs, enumerate_shapley, make_rows

FLOAT32 = 5e-6  # a few trees' leaves, each below 2, summed in float32


def make_data(seed, features, categories, rows=300):
    draw = np.random.default_rng(seed)
    X = make_rows(draw, rows, features, categories)
    filled = np.nan_to_num(X, nan=1.5)
    signal = filled[:, 0] % 3 - 1 + filled[:, -1] * filled[:, -2] + np.isnan(X[:, -1])
    return X, (signal + draw.normal(size=rows) > np.median(signal)).astype(int)


def fit_lightgbm(seed, features=4, categories=1, zeros=False, missing=True, **options):
    X, y = make_data(seed, features, categories)
    X = X if missing else np.nan_to_num(X)
    options = {"n_estimators": 5, "learning_rate": 0.5, "num_leaves": 8, "min_child_samples": 5} | options
    model = lightgbm.LGBMClassifier(
        min_data_per_group=5, cat_smooth=1, zero_as_missing=zeros, use_missing=missing, verbose=-1, n_jobs=1,
        random_state=seed, **options,
    )  # fmt: skip
    return model.fit(X, y, categorical_feature=list(range(categories))), X


def fit_xgboost(seed, features=4, categories=1, **options):
    X, y = make_data(seed, features, categories)
    options = {"n_estimators": 5, "learning_rate": 0.5, "max_depth": 3} | options
    kinds = ["c"] * categories + ["q"] * (features - categories)
    model = xgboost.XGBClassifier(
        enable_categorical=categories > 0, feature_types=kinds, n_jobs=1, random_state=seed, **options
    )
    return model.fit(X, y), X


def lightgbm_margin(model):
    return lambda X: model.predict(X, raw_score=True)


def xgboost_margin(model):
    return lambda X: model.predict(X, output_margin=True).astype(float)


def hard_rows(draw, features, categories, seed):
    """Rows on thresholds and zeros, with missing and unknown categories."""
    rows = make_rows(draw, 5, features, categories)
    rows[:, :categories] += draw.integers(0, 3)
    rows[0], rows[1, categories:] = np.nan, 0.0
    rows[2, categories:] = draw.choice([LIGHTGBM_ZERO, -LIGHTGBM_ZERO, 2 * LIGHTGBM_ZERO], features - categories)
    return rows


def check(forest, value, rows, background, tolerance):
    features = rows.shape[1]
    tables = fold_background(forest, background)
    worth = coalition_worths(value, rows, background)
    single = explain_rows(tables, rows)
    np.testing.assert_allclose(single, enumerate_shapley(worth, features), atol=tolerance)
    np.testing.assert_allclose(single.sum(axis=1), value(rows) - value(background).mean(), atol=tolerance)
    np.testing.assert_allclose(explain_pairs(tables, rows), enumerate_pairs(worth, features), atol=tolerance)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    features=st.integers(2, 5),
    categories=st.integers(0, 2),
    zeros=st.booleans(),
    missing=st.booleans(),
)
def test_lightgbm_is_equal_to_enumeration(seed, features, categories, zeros, missing):
    model, X = fit_lightgbm(seed, features, categories, zeros, missing)
    draw = np.random.default_rng(seed + 1)
    rows = hard_rows(draw, features, categories, seed)
    check(read_lightgbm(model.booster_), lightgbm_margin(model), rows, X[: draw.integers(1, 40)], 1e-12)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    features=st.integers(2, 5),
    categories=st.integers(0, 2),
    onehot=st.sampled_from([1, 10]),
    method=st.sampled_from(["hist", "exact"]),
)
def test_xgboost_is_equal_to_enumeration(seed, features, categories, onehot, method):
    method = "hist" if categories else method  # exact takes no categories
    model, X = fit_xgboost(seed, features, categories, max_cat_to_onehot=onehot, tree_method=method)
    draw = np.random.default_rng(seed + 1)
    rows = hard_rows(draw, features, categories, seed)
    check(read_xgboost(model.get_booster()), xgboost_margin(model), rows, X[: draw.integers(1, 40)], FLOAT32)


def test_thresholds_are_the_libraries_own():
    # Rows just at, below and above each threshold, in the precision in which the library compares.
    model, X = fit_lightgbm(3, categories=0, n_estimators=20)
    forest = read_lightgbm(model.booster_)
    for feature in range(4):
        edges = forest.edges[forest.edge_start[feature] : forest.edge_start[feature + 1]]
        rows = np.repeat(X[:1], 3 * len(edges), axis=0)
        rows[:, feature] = np.r_[edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf)]
        assert_margins(forest, lightgbm_margin(model), rows, X, 1e-12)
    model, X = fit_xgboost(3, categories=0, n_estimators=20)
    forest = read_xgboost(model.get_booster())
    for feature in range(4):
        edges = forest.edges[forest.edge_start[feature] : forest.edge_start[feature + 1]].astype(np.float32)
        rows = np.repeat(X[:1], 4 * len(edges), axis=0)
        above = np.nextafter(edges, np.float32(np.inf))
        # The last are no float32 numbers: XGBoost rounds them, to either side.
        rows[:, feature] = np.r_[edges, np.nextafter(edges, np.float32(-np.inf)), above, edges + 0.6 * (above - edges)]
        assert_margins(forest, xgboost_margin(model), rows, X, FLOAT32)


def assert_margins(forest, value, rows, background, tolerance):
    total = explain_rows(fold_background(forest, background), rows).sum(axis=1)
    np.testing.assert_allclose(total, value(rows) - value(background).mean(), atol=tolerance)


def test_against_shap_and_the_libraries_own_sums():
    # pred_contrib is path-dependent, so it differs; but it sums to the margin, as ours do with the base. shap's
    # interventional TreeExplainer is right on numbers that float32 can hold.
    for model, forest, margin in fitted_without_categories():
        X = np.round(np.random.default_rng(1).normal(size=(60, 4)) * 8) / 8
        rows, background = X[:20], X[20:]
        ours = explain_rows(fold_background(forest, background), rows)
        masker = shap.maskers.Independent(background, max_samples=len(background))
        theirs = shap.TreeExplainer(model, masker, feature_perturbation="interventional").shap_values(rows)
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
        contributed = (
            model.predict(rows, pred_contrib=True)
            if isinstance(model, lightgbm.LGBMClassifier)
            else model.get_booster().predict(xgboost.DMatrix(rows), pred_contribs=True)
        )
        np.testing.assert_allclose(contributed.sum(axis=1), ours.sum(axis=1) + margin(background).mean(), atol=1e-5)


def fitted_without_categories():
    model, _ = fit_lightgbm(5, categories=0)
    yield model, read_lightgbm(model.booster_), lightgbm_margin(model)
    model, _ = fit_xgboost(5, categories=0)
    yield model, read_xgboost(model.get_booster()), xgboost_margin(model)


@pytest.mark.parametrize("options", [
    {"sigmoid": 2.0}, {"boosting_type": "rf", "subsample": 0.7, "subsample_freq": 1}, {"boosting_type": "dart"},
])  # fmt: skip
def test_lightgbm_variants_explain_the_log_odds(options):
    model, X = fit_lightgbm(7, **options)

    def log_odds(Z):
        proba = model.predict_proba(Z)[:, 1]
        return np.log(proba / (1 - proba))

    check(read_lightgbm(model.booster_), log_odds, X[:5], X[10:30], 1e-12)


@pytest.mark.parametrize("options", [{"booster": "dart", "rate_drop": 0.5}, {"num_parallel_tree": 3, "subsample": 0.5},
                                     {"base_score": 0.1}])  # fmt: skip
def test_xgboost_variants_explain_the_margin(options):
    model, X = fit_xgboost(7, **options)
    check(read_xgboost(model.get_booster()), xgboost_margin(model), X[:5], X[10:30], FLOAT32)


def test_a_number_may_stand_for_missing():
    X, y = make_data(8, 4, 0)
    marked = np.nan_to_num(X, nan=-999.0)
    model = xgboost.XGBClassifier(n_estimators=5, max_depth=3, missing=-999.0).fit(marked, y)
    forest = read_xgboost(model.get_booster(), missing=-999.0)
    check(forest, xgboost_margin(model), marked[:6], marked[10:40], FLOAT32)


def test_early_stopping_counts_the_best_trees():
    X, y = make_data(9, 4, 0)
    noise = np.random.default_rng(0).permutation(y[200:])
    model = lightgbm.LGBMClassifier(n_estimators=50, verbose=-1, early_stopping_rounds=3, min_child_samples=5)
    model.fit(X[:200], y[:200], eval_set=[(X[200:], noise)])
    assert model.best_iteration_ < 50
    check(read_lightgbm(model.booster_), lightgbm_margin(model), X[:4], X[10:30], 1e-12)


def test_linear_leaves_and_other_objectives_are_refused():
    X, y = make_data(10, 4, 0)
    linear = lightgbm.LGBMClassifier(n_estimators=2, linear_tree=True, verbose=-1).fit(np.nan_to_num(X), y)
    with pytest.raises(HypothecError, match="linear_tree"):
        read_lightgbm(linear.booster_)
    ranks = lightgbm.LGBMRegressor(n_estimators=2, verbose=-1).fit(X, y)
    with pytest.raises(HypothecError, match="objective binary"):
        read_lightgbm(ranks.booster_)
    lines = xgboost.XGBClassifier(n_estimators=2, booster="gblinear").fit(np.nan_to_num(X), y)
    with pytest.raises(HypothecError, match="gblinear"):
        read_xgboost(lines.get_booster())
    counts = xgboost.XGBRegressor(n_estimators=2).fit(X, y)
    with pytest.raises(HypothecError, match="binary:logistic"):
        read_xgboost(counts.get_booster())


def test_too_many_thresholds_are_refused(monkeypatch):
    model, _ = fit_lightgbm(11)
    monkeypatch.setattr("models.forest.MAX_CODES", 5)
    with pytest.raises(HypothecError, match="split a feature at"):
        read_lightgbm(model.booster_)


def test_a_model_that_never_splits_explains_nothing():
    X, y = make_data(12, 3, 0)
    model = lightgbm.LGBMClassifier(n_estimators=2, min_child_samples=1000, verbose=-1).fit(X, y)
    np.testing.assert_array_equal(explain_rows(fold_background(read_lightgbm(model.booster_), X), X[:4]), 0)
