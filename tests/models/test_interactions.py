"""Pairwise interactions of fitted models: one is planted, and the exact matrix finds it and adds up."""

import numpy as np
import pandas as pd
import pytest

from analytics.effects import compute_ice, to_scale
from analytics.interactions import compute_pair_strengths, find_partner, rank_pairs
from models.base import PdModel
from models.boosting import Boosting
from models.encoding import Feature
from models.interactions import explain_pairs_of, find_method
from models.quick import QuickClassifier
from models.scorecard import Scorecard
from models.what_if import LiveModel

NAMES = ("a", "b", "c", "d", "k")
FEATURES = tuple(Feature(name, "category" if name == "k" else "number") for name in NAMES)


@pytest.fixture(scope="module")
def planted():
    """Loans of log-odds −1 + a + b² + 2·c·d + [k = "x"]: c and d act together, nothing else does."""
    draw = np.random.default_rng(0)
    X = pd.DataFrame({name: draw.uniform(-1, 1, 20_000) for name in "abcd"})
    X["k"] = draw.choice(["x", "y", "z"], len(X))
    log_odds = -1 + X["a"] + X["b"] ** 2 + 2 * X["c"] * X["d"] + (X["k"] == "x")
    y = (draw.random(len(X)) < 1 / (1 + np.exp(-log_odds))).astype(int)
    return X, y.to_numpy()


@pytest.fixture(scope="module")
def boosting(planted):
    return Boosting(FEATURES).fit(*planted)


def test_the_planted_pair_comes_out_on_top(boosting, planted):
    X = planted[0]
    values = explain_pairs_of(boosting, X, X.tail(100), rows=500)
    assert values.shape == (500, 5, 5)
    found = compute_pair_strengths(values, list(NAMES))
    pairs = rank_pairs(found)
    assert {pairs[0].feature, pairs[0].partner} == {"c", "d"}
    assert pairs[0].strength > 4 * pairs[1].strength
    assert find_partner(found, "c").partner == "d"
    # Background means near 0: I_cd = 2·c·d, whose mean size is 2·E|c|·E|d| = 0.5; trees smooth it.
    assert pairs[0].strength == pytest.approx(0.5, abs=0.12)


def test_pairs_add_up_to_attributions_of_the_same_loans(boosting, planted):
    X = planted[0]
    values = explain_pairs_of(boosting, X.sample(50, random_state=1), X.tail(100), rows=50)
    own = boosting.explain(X.sample(50, random_state=1), X.tail(100)).values
    assert np.abs(values.sum(axis=2) - own.to_numpy()).max() < 1e-9


def test_so_many_features_that_fewer_loans_fit(boosting, planted, monkeypatch):
    monkeypatch.setattr("models.interactions.MAX_PAIR_VALUES", 5 * 5 * 7)
    assert len(explain_pairs_of(boosting, planted[0], planted[0].tail(10), rows=500)) == 7


def test_how_interactions_are_found(boosting):
    def refuse():
        raise AssertionError("not loaded")

    assert find_method("scorecard", refuse) == "additive"
    assert find_method("neural", refuse) == "left over"
    assert find_method("boosting", lambda: boosting) == "exact"
    assert find_method("external", PdModel) == "left over"


@pytest.mark.parametrize("family", [Scorecard, Boosting])
def test_a_quick_classifier_gives_the_models_own_pds(planted, family):
    X, y = planted
    model = family(FEATURES).fit(X.head(4000), y[:4000])
    found = compute_ice(QuickClassifier(LiveModel(model)), X.head(40), "c", [-0.5, 0.5])
    for place, value in enumerate((-0.5, 0.5)):
        own = model.predict_proba(X.head(40).assign(c=value))[:, 1]
        np.testing.assert_allclose(found[:, place], own, atol=1e-12)
    moved = np.diff(to_scale(found, "log-odds"), axis=1).ravel()
    assert (np.ptp(moved) < 1e-9) == (family is Scorecard)  # additive: the same step for every loan
