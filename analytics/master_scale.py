"""The master scale: which PDs make a grade, built so that grades rise and neighbours differ, or as policy gives it.

Built: geometric bounds (each grade's width is the same ratio of PDs), then neighbours are merged while they are not
different. *Different* is a one-sided test of two proportions, pooled variance: z = (r₂ − r₁)/√(r(1 − r)(1/n₁ + 1/n₂))
≥ Φ⁻¹(1 − level). The pair with the smallest z is merged first (the lower pair of equals). What is left rises strictly.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from analytics.flags import check_flags, check_numbers
from analytics.odds import Floats, clip_pd

FEWEST, MOST = 10, 20
_TAIL = 0.01  # share of loans at each end left to the first and last grade: bounds do not chase one odd PD


@dataclass(frozen=True)
class MasterScale:
    """Grades 1 (best) to K: grade k holds PDs (fractions) from bounds[k − 2] (the first from 0) to below bounds[k − 1].

    `pds` are the grades' PDs: the mean PD of the grade's loans, the geometric middle of its bounds where it has none.
    `n` and `defaults` count the loans that it was built or read on; `rule` says how it came about, `notes` what it
    does not fulfil (fewer grades than usual, neighbours not different), empty where all is well.
    """

    bounds: tuple[float, ...]
    pds: tuple[float, ...]
    n: tuple[int, ...]
    defaults: tuple[int, ...]
    level: float
    rule: str
    notes: tuple[str, ...]

    @property
    def grades(self) -> tuple[int, ...]:
        """The grades' numbers, from best to worst."""
        return tuple(range(1, len(self.pds) + 1))


def build_master_scale(
    pds: ArrayLike,
    outcomes: ArrayLike,
    *,
    grades: int = 15,
    bounds: Sequence[float] | None = None,
    level: float = 0.05,
) -> MasterScale:
    """Return the scale for PDs (fractions) with one-year outcomes (0/1), one row per loan and year.

    Without `bounds`: `grades` (10–20) geometric grades from the 1 % to the 99 % quantile of the PDs, merged as the
    module says; so there can be fewer, which `notes` tell. With `bounds` (the K − 1 inner ones, rising, in (0, 1)):
    these, unmerged: policy is policy, and `notes` say where it is not fulfilled by these loans. Raises ValueError for
    bad input: gaps, PDs outside [0, 1], no loans; without bounds also for a constant PD, or no default at all.

    >>> scale = build_master_scale([0.01, 0.02, 0.2], [0, 0, 1], bounds=[0.015, 0.1])
    >>> scale.pds, scale.defaults
    ((0.01, 0.02, 0.2), (0, 0, 1))
    """
    p = check_numbers(pds, "PDs", low=0, high=1)
    y = check_flags(outcomes, "outcomes", p.size)
    if not p.size:
        raise ValueError("a master scale needs loans, got none")
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, got {level}")
    if bounds is not None:
        return _describe(p, y, _check_bounds(bounds), level, "bounds given by policy")
    if not FEWEST <= grades <= MOST:
        raise ValueError(f"a master scale is built with {FEWEST} to {MOST} grades, got {grades}")
    if not y.any() or y.all():
        raise ValueError("a master scale is built on loans with and without default; give bounds instead")
    merged = _merge(p, y, _space(p, grades), level)
    rule = f"{grades} geometric grades, neighbours merged while not different (one-sided z-test, {level:.0%})"
    return _describe(p, y, merged, level, rule)


def _check_bounds(bounds: Sequence[float]) -> Floats:
    edges = check_numbers(bounds, "bounds")
    if not edges.size or edges[0] <= 0 or edges[-1] >= 1 or (np.diff(edges) <= 0).any():
        raise ValueError("bounds of a master scale rise strictly within (0, 1), at least one of them")
    return edges


def _space(p: Floats, grades: int) -> Floats:
    low, high = np.quantile(clip_pd(p), (_TAIL, 1 - _TAIL))
    if high / low < 1 + 1e-9:
        low, high = clip_pd(p).min(), clip_pd(p).max()
    if high / low < 1 + 1e-9:
        raise ValueError(f"a master scale needs PDs that differ, all are {p[0]:g}")
    return np.asarray(np.geomspace(low, high, grades + 1)[1:-1], dtype=float)


def _merge(p: Floats, y: NDArray[np.bool_], bounds: Floats, level: float) -> Floats:
    limit = ndtri(1 - level)
    n, d = _count(p, y, bounds)
    while bounds.size:
        z = _compare_neighbours(n, d)
        worst = int(np.argmin(z))
        if z[worst] >= limit:
            break
        bounds = np.delete(bounds, worst)
        n[worst + 1] += n[worst]
        d[worst + 1] += d[worst]
        n, d = np.delete(n, worst), np.delete(d, worst)
    return bounds


def _count(p: Floats, y: NDArray[np.bool_], bounds: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    place = np.searchsorted(bounds, p, side="right")
    size = bounds.size + 1
    return np.bincount(place, minlength=size), np.bincount(place[y], minlength=size)


def _compare_neighbours(n: NDArray[np.int64], d: NDArray[np.int64]) -> Floats:
    """Return z of each grade against the one before; −∞ where one of the two is empty, 0 where no rate can differ."""
    n1, n2, d1, d2 = n[:-1].astype(float), n[1:].astype(float), d[:-1], d[1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        pooled = (d1 + d2) / (n1 + n2)
        spread = np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
        z = np.where(spread > 0, (d2 / n2 - d1 / n1) / spread, 0.0)
    return np.where((n1 == 0) | (n2 == 0), -np.inf, z)


def _describe(p: Floats, y: NDArray[np.bool_], bounds: Floats, level: float, rule: str) -> MasterScale:
    n, d = _count(p, y, bounds)
    place = np.searchsorted(bounds, p, side="right")
    ends = np.r_[clip_pd(0.0), bounds, 1.0]
    middle = np.sqrt(ends[:-1] * ends[1:])
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(n > 0, np.bincount(place, weights=p, minlength=n.size) / n, middle)
    return MasterScale(
        tuple(bounds.tolist()), tuple(mean.tolist()), tuple(n.tolist()), tuple(d.tolist()), level, rule,
        _take_notes(n, d, level),
    )  # fmt: skip


def _take_notes(n: NDArray[np.int64], d: NDArray[np.int64], level: float) -> tuple[str, ...]:
    notes = []
    if not FEWEST <= n.size <= MOST:
        kind = "fewer" if n.size < FEWEST else "more"
        notes.append(f"{n.size} grades, {kind} than the usual {FEWEST} to {MOST}")
    if empty := [str(k + 1) for k in np.flatnonzero(n == 0)]:
        notes.append(f"no loan in grade {', '.join(empty)}")
    z = _compare_neighbours(n, d)
    alike = [k for k in np.flatnonzero(z < ndtri(1 - level)) if n[k] and n[k + 1]]
    for word, chosen in (
        ("the observed default rate does not rise", [k for k in alike if z[k] <= 0]),
        (f"the observed default rate rises, but not at the {level:.0%} level", [k for k in alike if z[k] > 0]),
    ):
        if chosen:
            notes.append(f"{word} between grades {', '.join(f'{k + 1} and {k + 2}' for k in chosen)}")
    return tuple(notes)


def assign_grades(pds: ArrayLike, scale: MasterScale) -> NDArray[np.int64]:
    """Return each PD's grade, 1 (best) to K; a PD on a bound belongs to the worse grade.

    Raises ValueError for PDs that are missing or outside [0, 1].
    """
    p = check_numbers(pds, "PDs", low=0, high=1)
    return np.asarray(np.searchsorted(scale.bounds, p, side="right") + 1, dtype=np.int64)
