"""Attributions by walks against enumeration, what they promise, and whether their measured error is the true one."""

import itertools

import numpy as np
import pytest

from models.walks import BATCH, PAIRS, draw_places, explain_batched
from portfolio.errors import HypothecError
from tests.models.shapley import coalition_worths, enumerate_shapley

SEEDS = 300


def make_values(rows=6, count=12, columns=5, seed=0):
    draw = np.random.default_rng(seed)
    return draw.normal(size=(rows, columns)), draw.normal(size=(count, columns))


def threefold(X):
    """Interactions of three and more columns, which a pair of walks does not split exactly."""
    return X[:, 0] * X[:, 1] * X[:, 2] + np.tanh(X[:, 1] * X[:, 3] * X[:, 4]) + X[:, 4]


def group_worths(f, X, background, groups):
    """Enumerate over groups: each player's columns change together."""
    keys = np.arange(len(groups))

    worth = {}
    for inside in itertools.product([False, True], repeat=len(groups)):
        mask = np.zeros(X.shape[1], dtype=bool)
        for player in keys[list(inside)]:
            mask[groups[player]] = True
        mixed = np.where(mask, X[:, None, :], background[None])
        worth[frozenset(keys[list(inside)])] = f(mixed.reshape(-1, X.shape[1])).reshape(mixed.shape[:2]).mean(axis=1)
    return worth


def test_pairs_of_players_are_split_exactly():
    # One pair of walks is exact for interactions of two, so nothing is sampled and the error says so.
    X, background = make_values()

    def twofold(Z):
        return np.exp(Z[:, 0] * Z[:, 1]) + np.sin(Z[:, 2] + Z[:, 3]) + Z[:, 4] ** 2

    found = explain_batched(twofold, X, background, seed=1)
    expected = enumerate_shapley(coalition_worths(twofold, X, background), 5)
    np.testing.assert_allclose(found.values, expected, atol=1e-12)
    assert found.noise.max() < 1e-12


def test_adds_up_and_comes_close_to_enumeration():
    X, background = make_values(count=300)
    found = explain_batched(threefold, X, background, seed=2)
    np.testing.assert_allclose(found.values.sum(axis=1), threefold(X) - threefold(background).mean(), atol=1e-12)
    expected = enumerate_shapley(coalition_worths(threefold, X, background), 5)
    assert np.abs(found.values - expected).max() < 5 * found.error.max()
    assert found.error.max() < 0.1


def test_the_measured_error_is_the_true_one():
    # Over many seeds the mean of the squared standard errors is the variance around the enumerated value (a variance
    # from 300 seeds has a standard error of 8 % at least; all columns share the orders, so their sum is little surer),
    # and intervals of 1.96 errors hold it in about 95 % of cases, less a little for the error's own uncertainty.
    X, background = make_values(rows=3, count=100)
    truth = enumerate_shapley(coalition_worths(threefold, X, background), 5)
    runs = [explain_batched(threefold, X, background, seed=seed) for seed in range(SEEDS)]
    misses = np.array([run.values - truth for run in runs])
    errors = np.array([run.error for run in runs])
    assert (errors**2).sum() == pytest.approx((misses**2).sum(), rel=0.2)
    assert 0.90 < (np.abs(misses) <= 1.96 * errors).mean() < 0.97
    # The largest error of a loan's attributions covers any one of them.
    noise = np.array([run.noise for run in runs])[..., None]
    assert (np.abs(misses) <= 1.96 * noise).mean() > 0.95


def test_the_spread_of_the_background_is_no_error():
    # Rows that differ by hundreds, but whose attributions the pairs of walks split exactly: nothing is sampled.
    X, background = make_values(count=30)
    found = explain_batched(lambda Z: 100 * Z[:, 0] * Z[:, 1], X, 100 * background, seed=1)
    assert found.noise.max() < 1e-6


def test_groups_are_players():
    X, background = make_values(count=200)
    groups = [[0, 3], [1], [2, 4]]
    found = explain_batched(threefold, X, background, seed=3, groups=groups)
    expected = enumerate_shapley(group_worths(threefold, X, background, groups), 3)
    assert found.values.shape == (6, 3)
    assert (np.abs(found.values - expected) <= 4 * found.error + 1e-12).all()
    np.testing.assert_allclose(found.values.sum(axis=1), threefold(X) - threefold(background).mean(), atol=1e-12)


def test_two_groups_are_exact_and_one_gets_all():
    X, background = make_values()
    groups = [[0, 1], [2, 3, 4]]
    found = explain_batched(threefold, X, background, seed=4, groups=groups)
    expected = enumerate_shapley(group_worths(threefold, X, background, groups), 2)
    np.testing.assert_allclose(found.values, expected, atol=1e-12)
    assert found.noise.max() < 1e-12
    alone = explain_batched(threefold, X, background, seed=4, groups=[range(5)])
    np.testing.assert_allclose(alone.values[:, 0], threefold(X) - threefold(background).mean(), atol=1e-12)


@pytest.mark.parametrize("groups", [[[0, 1], [2, 3]], [[0, 1], [1, 2, 3, 4]], [[0, 1, 2, 3, 4, 5]]])
def test_groups_that_are_no_partition_are_refused(groups):
    X, background = make_values()
    with pytest.raises((HypothecError, IndexError)):
        explain_batched(threefold, X, background, seed=5, groups=groups)


def test_batches_do_not_matter(monkeypatch):
    X, background = make_values(rows=20)
    whole = explain_batched(threefold, X, background, seed=6)
    asked = []

    def counted(Z):
        asked.append(len(Z))
        return threefold(Z)

    for batch in (1, 100, 3000):
        monkeypatch.setattr("models.walks.BATCH", batch)
        some = explain_batched(counted, X, background, seed=6)
        np.testing.assert_allclose(some.values, whole.values, atol=1e-12)
        np.testing.assert_allclose(some.error, whole.error, atol=1e-12)
    assert max(asked) <= 3000 < BATCH


def test_a_column_that_does_not_matter_gets_nothing_and_no_loans_get_no_rows():
    X, background = make_values(columns=6)
    found = explain_batched(threefold, X, background, seed=7)
    assert np.abs(found.values[:, 5]).max() < 1e-12
    assert explain_batched(threefold, X[:0], background, seed=7).values.shape == (0, 6)
    with pytest.raises(HypothecError, match="at least one row"):
        explain_batched(threefold, X, background[:0], seed=7)


def test_places_are_orders_of_their_own():
    places = draw_places(500, 4, seed=8)
    assert places.shape == (500, PAIRS, 4)
    np.testing.assert_array_equal(np.sort(places, axis=2), np.broadcast_to(np.arange(4), places.shape))
    same = (places[:, 0] == places[:, 1]).all(axis=1).mean()
    assert 0.01 < same < 0.09  # 1 of 24 by chance
