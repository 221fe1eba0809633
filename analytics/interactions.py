"""Which features act together: pairwise interaction values summed up, and what they leave in attributions without them.

Two measures, never mixed. Exact: the Shapley interaction index of a pair (Grabisch and Roubens 1999), where a model can
give it loan by loan. Left over: how far x_g tells apart the attributions φ_f of loans that have the same x_f; an
additive model leaves nothing, because there φ_f depends on x_f alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from analytics.attributions import PHI
from analytics.banding import Dimension
from analytics.book import Fetch
from analytics.odds import Floats
from analytics.pivot import Question, compute_pivot

FINE, COARSE = 20, 5  # bins that φ_f's own curve is taken out in, and bins of a pair's cells
ROUNDING = 1e-18  # mean squares of sums that cancel
TOGETHER = "_together"


def draw_explained(
    scored: ir.Table, fetch: Fetch, features: Sequence[str], *, keys: Sequence[str], size: int
) -> pd.DataFrame:
    """Return features and attributions (phi_<feature>) of the `size` rows whose MD5 of `keys` is smallest.

    `scored` is a snapshot joined with its scores; the same rows come back on every machine and visit.
    """
    missing = [name for name in (*features, *(f"{PHI}{name}" for name in features)) if name not in scored.columns]
    if missing:
        raise ValueError(f"features and their attributions are needed; the table has no {', '.join(missing)}")
    order = ibis.literal("|").join([scored[name].cast("string").fill_null("") for name in keys]).hexdigest("md5")
    named = {f"x_{place}": scored[name] for place, name in enumerate(features)}
    named |= {f"p_{place}": scored[f"{PHI}{name}"] for place, name in enumerate(features)}
    frame = fetch(scored.select(**named, _order=order).order_by("_order").limit(size).drop("_order"))
    frame.columns = [*features, *(f"{PHI}{name}" for name in features)]
    return frame


def compute_pair_strengths(values: Floats, features: Sequence[str]) -> pd.DataFrame:
    """Return feature, partner, strength, error and n of every pair, both ways round, strongest first.

    `values` are interaction values of loans, shape (loans, features, features): half the pair's interaction index
    stands on either side of the diagonal. strength = mean |both halves| in log-odds; error = its standard error over
    the loans.

    >>> compute_pair_strengths(np.array([[[0.0, 0.5], [0.5, 0.0]], [[0.0, -0.1], [-0.1, 0.0]]]), ["a", "b"])
      feature partner  strength  error  n
    0       a       b       0.6    0.4  2
    1       b       a       0.6    0.4  2
    """
    loans = len(values)
    one, two = np.nonzero(~np.eye(len(features), dtype=bool))
    sizes = np.abs(values[:, one, two] + values[:, two, one])
    deviation = sizes.std(axis=0, ddof=1) if loans > 1 else np.full(len(one), np.nan)
    names = np.asarray(features, dtype=object)
    frame = pd.DataFrame({"feature": names[one], "partner": names[two], "strength": sizes.mean(axis=0),
                          "error": deviation / np.sqrt(loans), "n": loans})  # fmt: skip
    return _ordered(frame)


def compute_left_over(X: pd.DataFrame, phi: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Return feature, partner, strength, error, share, clear and n of every ordered pair, strongest first.

    Of the attributions φ_f (log-odds, columns of `phi`) their own curve over x_f is taken out: a line within each of
    20 bins of equal size, a mean for each category. What is left, r, is predicted from the cells of 5 bins of x_f by 5
    of x_g: cell means of one half of the loans judge the other half, and the other way round. The gain r² − (r − r̂)²
    is averaged over the loans. share is the out-of-bin R² (gain over mean r²), strength = √gain in log-odds, error its
    standard error over the loans (delta method); strength and share are 0 where the gain is not above 0. clear: the
    gain is more than 3 of its standard errors, so that chance seldom passes among some dozens of partners. x_g may
    stand in for a feature that it moves with. Raises ValueError for columns or rows that differ.
    """
    if len(X) != len(phi) or list(X.columns) != list(phi.columns):
        raise ValueError("values and attributions must be of the same loans and features")
    names, half = list(X.columns), np.random.default_rng(seed).permutation(len(X)) % 2
    coarse = {name: to_bins(X[name], COARSE) for name in names}
    rows = []
    for name in names:
        left = _take_out(X[name], phi[name].to_numpy(dtype=float))
        total = float((left**2).mean()) if len(left) else 0.0
        for other in names:
            if other != name:
                rows.append((name, other, *_judge(left, coarse[name], coarse[other], half, total), len(X)))
    return _ordered(pd.DataFrame(rows, columns=["feature", "partner", "strength", "error", "share", "clear", "n"]))


def _judge(left: Floats, own: Any, other: Any, half: Any, total: float) -> tuple[float, float, float, bool]:
    """Return strength, its standard error, share and whether it is clear of chance."""
    gains = _gains(left, own, other, half)
    gain, error = float(gains.mean()), float(gains.std(ddof=1) / np.sqrt(len(gains)))
    if total <= ROUNDING or gain <= 0:
        return 0.0, float("nan"), 0.0, False
    return float(np.sqrt(gain)), error / (2 * float(np.sqrt(gain))), gain / total, gain > 3 * error


def _ordered(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(
        ["strength", "feature", "partner"], ascending=[False, True, True], kind="stable", ignore_index=True
    )


def to_bins(column: pd.Series, count: int) -> Any:
    """Return each row's bin, 0, 1, …: numbers by quantile, the `count` commonest categories and the rest, missing."""
    missing = column.isna().to_numpy()
    if pd.api.types.is_numeric_dtype(column):
        numbers = column.to_numpy(dtype=float, na_value=np.nan)
        known = numbers[~missing]
        edges = np.unique(np.quantile(known, np.linspace(0, 1, count + 1)[1:-1])) if known.size else np.zeros(0)
        if len(found := np.unique(known)) <= count:
            edges = found[:-1]
        place = np.searchsorted(edges, np.where(missing, 0.0, numbers), side="left")
    else:
        words = column.astype(str)
        common = {value: place for place, value in enumerate(words[~missing].value_counts().index[:count])}
        place = words.map(common).fillna(len(common)).to_numpy(dtype=int)
    return np.unique(np.where(missing, place.max(initial=0) + 1, place), return_inverse=True)[1]


def _take_out(column: pd.Series, phi: Floats) -> Floats:
    """Return φ less its line (of a number) or mean (of a category) within each bin of the feature's own value."""
    number = pd.api.types.is_numeric_dtype(column)
    place = to_bins(column, FINE if number else len(column))
    counted = np.maximum(np.bincount(place), 1)
    left = phi - (np.bincount(place, phi) / counted)[place]
    if number:
        x = column.to_numpy(dtype=float, na_value=np.nan)
        x = np.where(np.isnan(x), 0.0, x)
        x = x - (np.bincount(place, x) / counted)[place]
        spread = np.bincount(place, x * x)
        with np.errstate(invalid="ignore", divide="ignore"):
            slope = np.where(spread > 0, np.bincount(place, x * left) / spread, 0.0)
        left = left - slope[place] * x
    return np.asarray(left, dtype=float)


def _gains(left: Floats, own: Any, other: Any, half: Any) -> Floats:
    """Return by how much each loan's square shrinks when the cells' means of the other half are taken away."""
    cell = own * (other.max(initial=0) + 1) + other
    cells, gains = int(cell.max(initial=0)) + 1, np.zeros(len(left))
    for side in (0, 1):
        train, judge = half != side, half == side
        n = np.bincount(cell[train], minlength=cells)
        mean = np.bincount(cell[train], left[train], cells) / np.maximum(n, 1)
        gains[judge] = left[judge] ** 2 - (left[judge] - mean[cell[judge]]) ** 2
    return gains


@dataclass(frozen=True)
class Pair:
    """Two features and how strongly they act together, in log-odds."""

    feature: str
    partner: str
    strength: float


def find_partner(frame: pd.DataFrame, feature: str) -> Pair | None:
    """Return the feature that acts most with `feature`; None where none stands out."""
    return next((pair for pair in _pairs(frame) if pair.feature == feature), None)


def rank_pairs(frame: pd.DataFrame) -> list[Pair]:
    """Return the pairs that stand out from chance, each once, the stronger way round, strongest first."""
    seen: dict[frozenset[str], Pair] = {}
    for pair in _pairs(frame):
        seen.setdefault(frozenset((pair.feature, pair.partner)), pair)
    return list(seen.values())


def _pairs(frame: pd.DataFrame) -> list[Pair]:
    clear = frame["clear"] if "clear" in frame.columns else True
    kept = frame[(frame["strength"] > 1e-9) & clear]
    columns = zip(kept["feature"], kept["partner"], kept["strength"], strict=True)
    return [Pair(str(one), str(two), float(size)) for one, two, size in columns]


def rank_features(frame: pd.DataFrame) -> list[str]:
    """Return the features by what all their pairs add up to, most first."""
    both = pd.concat([frame[["feature", "strength"]], frame[["partner", "strength"]].set_axis(["feature", "strength"],
                                                                                           axis=1)])  # fmt: skip
    total = both.groupby("feature")["strength"].sum().sort_index().sort_values(ascending=False, kind="stable")
    return [str(name) for name in total.index]


def to_square(frame: pd.DataFrame, features: Sequence[str]) -> pd.DataFrame:
    """Return the strengths as a square, a row a feature and a column a partner; the diagonal is missing."""
    wide = frame.pivot(index="feature", columns="partner", values="strength")
    return wide.reindex(index=list(features), columns=list(features))


def compute_pair_grid(
    scored: ir.Table, fetch: Fetch, pair: tuple[str, str], *, units: Mapping[str, str] | None = None, bins: int = 6
) -> pd.DataFrame:
    """Return the mean of φ_f + φ_g (log-odds) by bands of both features: row, column, loans, known, value, …, small.

    One query over all explained loans of `scored` (see `compute_pivot`); small: fewer than 30 loans. Raises ValueError
    for a feature that the table has no attributions of.
    """
    lacking = [name for name in pair if name not in scored.columns or f"{PHI}{name}" not in scored.columns]
    if lacking:
        raise ValueError(f"no attributions of {', '.join(lacking)} are stored")
    rows = scored.mutate(**{TOGETHER: scored[f"{PHI}{pair[0]}"] + scored[f"{PHI}{pair[1]}"]})
    row, column = (_dimension(scored, name, (units or {}).get(name, ""), bins) for name in pair)
    return compute_pivot(rows, fetch, Question("mean", of=TOGETHER, rows=row, columns=column))


def _dimension(scored: ir.Table, name: str, unit: str, bins: int) -> Dimension:
    number = bool(scored[name].type().is_numeric())
    return Dimension(name, "number" if number else "category", unit, bins)
