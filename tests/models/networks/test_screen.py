"""The screen finds a planted pair and little else."""

import numpy as np

from models.networks.screen import screen_pairs


def draw_rows(rows=20_000, seed=0):
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(rows, 6))
    X[:, 5] = draw.integers(0, 4, rows)  # a category
    X[draw.random(X.shape) < 0.05] = np.nan
    return X, draw


def test_a_planted_pair_comes_first():
    X, draw = draw_rows()
    filled = np.nan_to_num(X)
    log_odds = -2 + filled[:, 0] + filled[:, 1] - 0.5 * filled[:, 2] + 0.8 * filled[:, 1] * filled[:, 3]
    log_odds += 0.8 * (filled[:, 5] == 2) * filled[:, 4]
    y = (draw.random(len(X)) < 1 / (1 + np.exp(-log_odds))).astype(np.int64)
    found = screen_pairs(X, y, most=10, numbers=[0, 1, 2, 3, 4], seed=0)
    assert set(found[:2]) == {(1, 3), (4, 5)}
    assert len(found) <= 4
    assert screen_pairs(X, y, most=1, numbers=[0, 1, 2, 3, 4], seed=0) == [(1, 3)]


def test_strong_effects_without_interaction_leave_no_pair():
    X, draw = draw_rows(seed=1)
    filled = np.nan_to_num(X)
    log_odds = -2 + 1.5 * filled[:, 0] + 1.5 * np.abs(filled[:, 1]) + (filled[:, 5] == 1)
    y = (draw.random(len(X)) < 1 / (1 + np.exp(-log_odds))).astype(np.int64)
    # 15 pairs at z ≥ 3, where chance alone gives about 0.02 (χ² has a longer tail than the normal).
    assert len(screen_pairs(X, y, most=10, numbers=[0, 1, 2, 3, 4], seed=0)) <= 1


def test_constants_and_none_wanted():
    X, draw = draw_rows(500, seed=2)
    X[:, 1] = 3.0
    y = draw.integers(0, 2, 500)
    assert screen_pairs(X, y, most=0, numbers=[0, 1, 2, 3, 4], seed=0) == []
    assert all(1 not in pair for pair in screen_pairs(X, y, most=15, numbers=[0, 1, 2, 3, 4], seed=0))
