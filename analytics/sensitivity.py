"""How far a model's answers depend on what should not matter: its training's seed, a few per cent of its input."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri

from analytics.labelled import check_labelled, check_scores
from analytics.odds import Floats
from analytics.ranking import Ranking

FEWEST_SEEDS = 2


@dataclass(frozen=True)
class SeedSpread:
    """Gini by seed, its standard deviation `sd` with an interval, and the mean absolute PD difference of two seeds."""

    ginis: tuple[float, ...]
    sd: float
    low: float
    high: float
    pd_difference: float


@dataclass(frozen=True)
class Flips:
    """Loans whose decision changed: a share, split into those now refused and now approved; mean |ΔPD|; cut-off PD.

    `approved` is the share that was approved before: more than asked for where PDs are tied at the cut-off.
    """

    flipped: float
    now_refused: float
    now_approved: float
    pd_change: float
    cut_off: float
    approved: float


def compute_seed_spread(y: ArrayLike, pds: ArrayLike, *, level: float = 0.95) -> SeedSpread:
    """Return how trainings that differ in nothing but their seed differ in ranking and in PDs.

    `y` holds 0/1 outcomes, `pds` one row a seed of PDs (fractions) of the same loans. sd = √(Σ(Gᵢ − Ḡ)²/(s − 1)) over
    the s seeds' Ginis, with the interval of a normal sample's standard deviation, sd·√((s − 1)/χ²) at `level`: with
    five seeds it is wide. pd_difference = mean over loans and pairs of seeds of |PDᵢ − PDⱼ|. Raises ValueError for
    fewer than two seeds, one class, gaps or PDs outside [0, 1].

    >>> found = compute_seed_spread([0, 0, 1], [[0.1, 0.2, 0.3], [0.1, 0.3, 0.2]])
    >>> found.ginis, round(found.sd, 4), round(found.pd_difference, 4)
    ((1.0, 0.0), 0.7071, 0.0667)
    """
    table = np.atleast_2d(np.asarray(pds, dtype=float))
    if len(table) < FEWEST_SEEDS:
        raise ValueError(f"a spread over seeds needs at least {FEWEST_SEEDS} of them, got {len(table)}")
    data = check_labelled(y)
    checked = check_scores({f"seed {place}": row for place, row in enumerate(table)}, data.n)
    ginis = np.array([2 * Ranking(data, row).estimate_auc()[0] - 1 for row in checked.values()])
    free = len(ginis) - 1
    sd = float(ginis.std(ddof=1))
    tail = (1 - level) / 2
    low, high = (sd * float(np.sqrt(free / chdtri(free, share))) for share in (tail, 1 - tail))
    return SeedSpread(tuple(map(float, ginis)), sd, low, high, _mean_pair_difference(table))


def _mean_pair_difference(table: Floats) -> float:
    """Return the mean of |a − b| over pairs of rows and over columns: Σₖ k·(s − k)·(x₍ₖ₊₁₎ − x₍ₖ₎) of sorted values."""
    count = len(table)
    place = np.arange(1, count)
    gaps = np.diff(np.sort(table, axis=0), axis=0)
    return float((place * (count - place) @ gaps).mean() / (count * (count - 1) / 2))


def compute_flips(before: ArrayLike, after: ArrayLike, *, approved: float = 0.8) -> Flips:
    """Return how many decisions change when PDs move from `before` to `after`.

    The cut-off is the PD up to which the share `approved` of the loans is approved before; it stays where it is.
    Models that approve the same share are compared at the same volume of business. Raises ValueError for unequal
    lengths, gaps, PDs outside [0, 1] and a share outside (0, 1).

    >>> found = compute_flips([0.01, 0.02, 0.03, 0.04], [0.01, 0.03, 0.02, 0.04], approved=0.5)
    >>> found.flipped, found.now_refused, round(found.pd_change, 6), found.cut_off
    (0.5, 0.25, 0.005, 0.02)
    """
    if not 0 < approved < 1:
        raise ValueError(f"a share of approved loans lies between 0 and 1, got {approved}")
    first = np.asarray(before, dtype=float).ravel()
    if not first.size:
        raise ValueError("no loans: flips need at least one")
    pds = check_scores({"before": first, "after": after}, first.size)
    count = min(max(1, round(approved * first.size)), first.size)
    cut = float(np.partition(first, count - 1)[count - 1])
    was, stays = first <= cut, pds["after"] <= cut
    refused, granted = float((was & ~stays).mean()), float((~was & stays).mean())
    moved = float(np.abs(pds["after"] - first).mean())
    return Flips(refused + granted, refused, granted, moved, cut, float(was.mean()))
