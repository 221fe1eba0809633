"""Attributions of any log-odds function by antithetic permutation walks, with a measured error of each.

From a background row to the loan, players (features, or groups of them) are switched one by one in a random order,
and once more in the reverse order; each switch's change of the log-odds goes to its player (Castro et al. 2009;
Mitchell et al. 2022). A pair of such walks is exact where players act alone or in twos: only higher interactions are
sampled. Every walk telescopes to f(loan) - f(background row) and every background row is walked, so the attributions
add up to f(loan) - mean f(background) whatever the orders; what is sampled only spreads credit between players.

**The error.** Rows of the background differ, and that is no error: all of them are walked. So the pairs of different
rows are never compared. From every row go two pairs with independent orders, whose attributions g1 and g2 have the
same mean and variance s². (g1 - g2)² / 4 has the expectation s² / 2, the variance of (g1 + g2) / 2; the attribution is
the mean over B rows, whose orders are independent, so the sum over rows divided by B² estimates its variance without
bias, and the root of it is the standard error. Against few background rows it is itself uncertain: intervals of
1.96 errors held the enumerated value of a function with strong threefold interactions in 82 % of cases with 12 rows,
90 % with 30 and 93 % with 100.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.encoding import Matrix
from portfolio.errors import HypothecError

PAIRS = 2  # independent pairs of walks from each background row; the error is measured between the two
BATCH = 65_536  # rows that the function is asked for at once

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Sampled:
    """Attributions and the standard error of each that the sampling of orders leaves, both (rows, players)."""

    values: Matrix
    error: Matrix

    @property
    def noise(self) -> Matrix:
        """The largest standard error of each row."""
        return np.asarray(self.error.max(axis=1, initial=0.0))


def draw_places(count: int, players: int, seed: int) -> Places:
    """Return the place of each player in the forward walks of `count` background rows: (count, PAIRS, players)."""
    draw = np.random.default_rng(seed)
    return draw.permuted(np.tile(np.arange(players), (count, PAIRS, 1)), axis=2)


def explain_batched(
    f: Callable[[Matrix], Matrix],
    X: Matrix,
    background: Matrix,
    *,
    seed: int,
    groups: Sequence[Sequence[int]] | None = None,
) -> Sampled:
    """Return attributions of `f`, which gives the log-odds of encoded rows, one number a row.

    `groups` are the players: lists of columns, each column in one of them; without it every column is a player.
    `f` is called 4 (players - 1) times for each loan and background row, in batches of up to about `BATCH` rows.
    """
    members = _members(X.shape[1], groups)
    players, (count, _) = len(members), background.shape
    if not count:
        raise HypothecError("attributions are made against a background of at least one row, got none")
    places = draw_places(count, players, seed)
    ends, starts = f(X), f(background)
    each = 2 * PAIRS * max(players - 1, 1)
    rows, refs = max(1, BATCH // (each * count)), max(1, BATCH // each)
    values, variance = np.zeros((len(X), players)), np.zeros((len(X), players))
    for row in range(0, len(X), rows):
        some = slice(row, row + rows)
        for ref in range(0, count, refs):
            part = slice(ref, ref + refs)
            steps = _walk(f, X[some], background[part], places[part], members, ends[some], starts[part])
            values[some] += steps.mean(axis=2).sum(axis=1)
            variance[some] += ((steps[:, :, 0] - steps[:, :, 1]) ** 2 / 4).sum(axis=1)
    return Sampled(values / count, np.sqrt(variance) / count)


def _walk(
    f: Callable[[Matrix], Matrix],
    X: Matrix,
    background: Matrix,
    places: Places,
    members: npt.NDArray[np.bool_],
    ends: Matrix,
    starts: Matrix,
) -> Matrix:
    """Return each pair's attributions, (rows, background rows, PAIRS, players).

    What the reverse walk has switched at a stop is what the forward walk has not, at the stop as far from its end.
    """
    players = len(members)
    if players == 1:
        return np.broadcast_to((ends[:, None] - starts)[:, :, None, None], (len(X), len(background), PAIRS, 1))
    switched = places[:, :, None, :] < np.arange(1, players)[:, None]  # (background rows, pairs, stops, players)
    inside = (switched[..., None] & members).any(axis=-2)
    both = np.stack([inside, ~inside])[:, None]  # (2, 1, background rows, pairs, stops, columns)
    mixed = np.where(both, X[None, :, None, None, None, :], background[None, None, :, None, None, :])
    forward, backward = f(mixed.reshape(-1, X.shape[1])).reshape(mixed.shape[:-1])
    whole = np.broadcast_to((ends[:, None] - starts)[:, :, None, None], (*forward.shape[:-1], 1))
    steps = np.diff(np.concatenate([-whole, forward - backward, whole], axis=-1), axis=-1) / 2
    return np.take_along_axis(steps, places[None], axis=-1)


def _members(columns: int, groups: Sequence[Sequence[int]] | None) -> npt.NDArray[np.bool_]:
    """Return which columns each player has, (players, columns)."""
    players = [[column] for column in range(columns)] if groups is None else groups
    members = np.zeros((len(players), columns), dtype=bool)
    for place, group in enumerate(players):
        members[place, list(group)] = True
    if sorted(column for group in players for column in group) != list(range(columns)):
        raise HypothecError(
            f"the groups of columns that are switched together must have each of {columns} columns once, "
            f"got {[list(group) for group in players]}"
        )
    return members
