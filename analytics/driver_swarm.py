"""A beeswarm's points: a sample of loans, every top feature's attribution, and where each dot lies.

Dots are stacked, not jittered at random: loans with about the same attribution stand side by side, so a row is as
thick as there are many, and the same loans lie in the same place on every visit.
"""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from analytics.attributions import PHI, list_explained
from analytics.book import Fetch
from analytics.odds import Floats
from analytics.proportions import SMALL_N

REACH = 0.42  # of the distance between two rows
SLICES = 120


def compute_swarm(
    scored: ir.Table, features: Sequence[str], fetch: Fetch, *, keys: Sequence[str], points: int = 1500
) -> pd.DataFrame:
    """Return one row a feature a sampled loan: feature, phi, offset, level, value, word, is_number (of the feature).

    The sample is the `points` rows whose MD5 of the `keys` is smallest. `offset` lies within ±REACH of the feature's
    row: see `stack`. `level` is the value's rank among the sample's known values of the feature, 0 lowest to 1
    highest, equal values alike; NaN for missing values and for categories, which have no order. `value` is the number,
    `word` the category. A feature that is no column of `scored` (a history of months) has neither. Raises ValueError
    for a feature without attributions.
    """
    unknown = [name for name in features if name not in list_explained(scored)]
    if unknown:
        raise ValueError(f"no attributions of {', '.join(unknown)} are stored")
    keyed = [scored[name].cast("string").fill_null("") for name in keys]
    columns = {f"phi{place}": scored[f"{PHI}{name}"] for place, name in enumerate(features)}
    values = [scored[name] if name in scored.columns else ibis.null("string") for name in features]
    numbers = [value.type().is_numeric() or value.type().is_boolean() for value in values]
    for place, (value, number) in enumerate(zip(values, numbers, strict=True)):
        columns[f"x{place}"] = value.cast("float64" if number else "string")
    drawn = scored.select(order=ibis.literal("|").join(keyed).hexdigest("md5"), **columns)
    frame = fetch(drawn.order_by("order").limit(points)).sort_values("order", ignore_index=True)
    parts = [_shape(frame[f"phi{i}"], frame[f"x{i}"], name, numbers[i]) for i, name in enumerate(features)]
    return pd.concat(parts, ignore_index=True)


def _shape(phi: pd.Series, value: pd.Series, feature: str, number: bool) -> pd.DataFrame:
    known = value.astype(float) if number else pd.Series(np.nan, index=value.index)
    words = pd.Series(pd.NA, index=value.index, dtype="string") if number else value.astype("string")
    size = np.asarray(phi, dtype=np.float64)
    return pd.DataFrame(
        {"feature": feature, "phi": size, "offset": stack(size), "level": rank(np.asarray(known, dtype=np.float64)),
         "value": known, "word": words, "is_number": number}
    )  # fmt: skip


def rank(values: Floats) -> Floats:
    """Return each value's place among the known ones, 0 to 1, ties at their middle; a half where all are equal.

    >>> [float(place) for place in rank(np.array([10.0, 30.0, np.nan, 10.0]))]
    [0.25, 1.0, nan, 0.25]
    """
    places = pd.Series(values, dtype=float).rank(method="average")
    known = int(places.notna().sum())
    if known and places.nunique() == 1:
        return np.asarray(places.mask(places.notna(), 0.5), dtype=np.float64)
    return np.asarray((places - 1) / max(known - 1, 1), dtype=np.float64)


def stack(sizes: Floats) -> Floats:
    """Return offsets within ±REACH: values of one slice of the range stand at 0, +1, −1, +2 … steps of one width.

    The fullest slice fills the row; the others use the same steps, so thickness is density.

    >>> [round(float(offset), 2) for offset in stack(np.array([1.0, 1.0, 1.0, 5.0]))]
    [0.0, 0.42, -0.42, 0.0]
    """
    low, high = float(np.min(sizes, initial=np.inf)), float(np.max(sizes, initial=-np.inf))
    scaled = (sizes - low) / (high - low) if high > low else np.zeros(sizes.size)
    slices = pd.Series(np.minimum((scaled * SLICES).astype(int), SLICES - 1))
    place = slices.groupby(slices).cumcount().to_numpy()
    steps = np.where(place % 2 == 1, (place + 1) // 2, -(place // 2))
    return np.asarray(steps * REACH / max(int(np.abs(steps).max(initial=0)), 1), dtype=float)


def find_direction(swarm: pd.DataFrame, feature: str) -> float:
    """Return Spearman's correlation of a number's values with its attributions in a swarm; NaN where there is none."""
    own = swarm[(swarm["feature"] == feature) & swarm["level"].notna()]
    if own["level"].nunique() < 2 or own["phi"].nunique() < 2:
        return float("nan")
    return float(own["level"].corr(own["phi"].rank()))


def find_category(swarm: pd.DataFrame, feature: str) -> str:
    """Return the category whose attributions are highest on average in a swarm, among those of 30 loans or more."""
    own = swarm[(swarm["feature"] == feature) & swarm["word"].notna()]
    means = own.groupby("word")["phi"].agg(["mean", "size"])
    enough = means[means["size"] >= SMALL_N]
    return str(enough["mean"].idxmax()) if len(enough) else ""
