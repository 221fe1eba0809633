"""How likely each ending is by a given age: Aalen–Johansen cumulative incidence from counts, with intervals.

A loan can default, be prepaid or mature, and each ends the chance of the others. With n_t loans at risk in
month t on book and d_kt endings by cause k, the share not yet ended is S_t = Π_{u≤t} (1 − Σ_k d_ku / n_u)
and the cumulative incidence F_k(t) = Σ_{u≤t} S_{u−1} d_ku / n_u. Loans first seen later than month 0 (left
truncation) count among those at risk only from then on; loans still on the book at the last month seen stop
counting then. 1 − Kaplan–Meier of one cause, with the others as censoring, would overstate it.

Variance: Aalen (1978), as in Pintilie (2006), "Competing Risks: A Practical Perspective", eq. 4.5. Interval:
log(−log F), which stays between 0 and 1; where nothing has happened yet, from 0 to the Jeffreys upper end
of 0 of the loans at risk.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from analytics.odds import Floats
from analytics.proportions import SMALL_EVENTS, SMALL_N, compute_jeffreys_interval

AGE, AT_RISK = "months_on_book", "at_risk"
CAUSES: dict[str, tuple[str, ...]] = {
    # A loan written off without a default on record has defaulted all the same.
    "default": ("first_defaults", "written_off"),
    "prepaid": ("prepaid",),
    "matured": ("matured",),
}


def compute_incidence(
    counts: pd.DataFrame,
    *,
    by: Sequence[str] = (),
    causes: Mapping[str, Sequence[str]] = CAUSES,
    minimum: int = 1,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return the cumulative incidence of every cause by months on book, per group `by`.

    `counts` has one row per group and months_on_book with at_risk and the columns that `causes` sums. Columns out:
    [by], cause, months_on_book, at_risk, events (cumulative), incidence, incidence_low, incidence_high,
    standard_error, remaining (share on the book without any ending), start (age at which the curve begins) and
    small (fewer than 30 at risk). A curve begins at the first age with `minimum` loans at risk and is conditional
    on having got that far; groups that never have as many are left out. Raises ValueError for counts that cannot be.
    """
    groups: Any = (
        counts.sort_values([*by, AGE]).groupby(list(by), dropna=False) if by else [((), counts.sort_values(AGE))]
    )
    parts: list[dict[str, Any]] = []
    for key, group in groups:
        rows = _begin(group, minimum)
        if len(rows):
            parts += [{**dict(zip(by, key, strict=True)), **part} for part in _incidence(rows, causes)]
    columns = [*by, "cause", AGE, AT_RISK, "events", "incidence", "incidence_low", "incidence_high",
               "standard_error", "remaining", "start", "small"]  # fmt: skip
    if not parts:
        return pd.DataFrame(columns=columns)
    lengths = [len(part["incidence"]) for part in parts]
    frame = pd.DataFrame({name: _lay_out([part[name] for part in parts], lengths) for name in parts[0]})
    fewest = frame.pop("fewest").to_numpy(dtype=float)
    low, high = _interval(frame["incidence"].to_numpy(), frame["standard_error"].to_numpy(), fewest, level)
    frame = frame.assign(incidence_low=low, incidence_high=high, small=frame[AT_RISK] < SMALL_N)
    return frame.astype({AT_RISK: "int64", "events": "int64"})[columns]


def _lay_out(parts: Sequence[Any], lengths: list[int]) -> Any:
    """Return the parts one after the other; a single value is repeated for its part."""
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    return pd.Series(list(parts)).repeat(lengths).reset_index(drop=True)


def _begin(rows: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """Return the rows with loans at risk, from the first age with `minimum` of them on."""
    if rows[AGE].duplicated().any():
        raise ValueError(f"one row per group and {AGE} is needed; sum the counts first")
    alive = rows[rows[AT_RISK] > 0]
    enough = alive[alive[AT_RISK] >= minimum]
    return alive[alive[AGE] >= enough[AGE].min()] if len(enough) else alive.iloc[:0]


def _incidence(rows: pd.DataFrame, causes: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Return one group's estimate and standard error by cause, as arrays over the ages of `rows`."""
    n, age = rows[AT_RISK].to_numpy(dtype=float), rows[AGE].to_numpy()
    by_cause = {name: rows[list(columns)].to_numpy(dtype=float).sum(axis=1) for name, columns in causes.items()}
    ended: Floats = np.sum(list(by_cause.values()), axis=0)
    if (ended > n).any() or min(map(np.min, by_cause.values())) < 0:
        worst = int(age[int(np.argmax(ended - n))])
        raise ValueError(f"endings lie between 0 and the loans at risk, not so in month {worst} on book")
    after = np.cumprod(1 - ended / n)
    before = np.concatenate([[1.0], after[:-1]])
    parts = []
    for name, events in by_cause.items():
        incidence = np.cumsum(before * events / n)
        error = np.sqrt(_aalen_variance(events, ended, n, before, incidence))
        parts.append({"cause": name, AGE: age, AT_RISK: n, "events": np.cumsum(events), "incidence": incidence,
                      "standard_error": error, "remaining": after, "start": int(age[0]),
                      "fewest": np.minimum.accumulate(n)})  # fmt: skip
    return parts


def _aalen_variance(events: Floats, ended: Floats, n: Floats, before: Floats, incidence: Floats) -> Floats:
    """Return Aalen's variance at every age; sums over u ≤ t of (F_t − F_u)^p are expanded, so that cost is linear."""
    a = _ratio(ended, (n - 1) * (n - ended))
    b = _ratio((n - events) * events * before**2, (n - 1) * n**2)
    c = _ratio(events * (n - events) * before, n * (n - ended) * (n - 1))
    first = incidence**2 * np.cumsum(a) - 2 * incidence * np.cumsum(incidence * a) + np.cumsum(incidence**2 * a)
    third = incidence * np.cumsum(c) - np.cumsum(incidence * c)
    return np.maximum(first + np.cumsum(b) - 2 * third, 0.0)


def _ratio(above: Floats, below: Floats) -> Floats:
    """Return above / below, 0 where the last loan at risk leaves nothing to divide by."""
    result: Floats = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
    return result


def _interval(incidence: Floats, error: Floats, fewest: Floats, level: float) -> tuple[Floats, Floats]:
    """Return the ends of the log(−log) interval; from nothing to Jeffreys' upper end where nothing has happened.

    `fewest` is the smallest number at risk up to each age. Where all have ended the same way the upper end is 1.
    """
    low, high = np.zeros_like(incidence), np.ones_like(incidence)
    inside = (incidence > 0) & (incidence < 1)
    share = incidence[inside]
    width = ndtri(0.5 + level / 2) * error[inside] / (share * np.log(share))  # negative, as log F is
    low[inside], high[inside] = share ** np.exp(-width), share ** np.exp(width)
    none = incidence == 0
    high[none] = compute_jeffreys_interval(np.zeros(none.sum()), fewest[none], level=level)[1]
    low[incidence >= 1] = np.nan
    return low, high


@dataclass(frozen=True)
class Contrast:
    """The highest and the lowest of several groups' incidences at one age, and whether they differ.

    `factor` is the highest over the lowest, with the interval `factor_low` to `factor_high`, simultaneous over all
    `pairs` of groups by Bonferroni's rule; `differ` says that the interval leaves out 1.
    """

    high: str
    low: str
    age: int
    high_incidence: float
    low_incidence: float
    factor: float
    factor_low: float
    factor_high: float
    pairs: int

    @property
    def differ(self) -> bool:
        """Whether the highest and the lowest can be told apart."""
        return self.factor_low > 1


def compute_contrast(
    incidence: pd.DataFrame, group: str, *, age: int, cause: str = "default", level: float = 0.95
) -> Contrast | None:
    """Return the contrast of the highest and the lowest group at `age`; None where fewer than two can be compared.

    A group is compared if its curve reaches the age with 30 loans at risk and has at least 5 events by then. The
    interval is that of log F₁ − log F₂ with variance se₁²/F₁² + se₂²/F₂² (delta method; groups independent).
    """
    rows = at_age(incidence, group, age=age, cause=cause)
    rows = rows[~rows["small"]].sort_values("incidence", kind="stable")
    if len(rows) < 2:
        return None
    low, high = rows.iloc[0], rows.iloc[-1]
    pairs = len(rows) * (len(rows) - 1) // 2
    factor = float(high["incidence"] / low["incidence"])
    first, second = (float(row["standard_error"] / row["incidence"]) for row in (low, high))
    error = np.hypot(first, second)
    spread = float(np.exp(ndtri(1 - (1 - level) / 2 / pairs) * error))
    values = (float(high["incidence"]), float(low["incidence"]))
    return Contrast(str(high[group]), str(low[group]), age, *values, factor, factor / spread, factor * spread, pairs)


def at_age(incidence: pd.DataFrame, group: str, *, age: int, cause: str) -> pd.DataFrame:
    """Return each group's row at `age`, where its curve reaches it; small: < 30 at risk or < 5 events until then."""
    rows = incidence[(incidence["cause"] == cause) & (incidence[AGE] <= age)]
    rows = rows.sort_values(AGE).groupby(group, sort=False, as_index=False).tail(1)
    reached = rows[rows[AGE] == age]
    return reached.assign(small=(reached[AT_RISK] < SMALL_N) | (reached["events"] < SMALL_EVENTS))
