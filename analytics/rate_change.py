"""Why a rate changed: what the book's mix did, what happened within its segments, and which segments drove it.

With shares w and rates r of the segments of one field before (0) and after (1), w̄ and r̄ their means of the two
and R̄ the mean of the two whole rates, the change of the rate is exactly

    R1 − R0 = Σ (w1 − w0)·(r̄ − R̄)  [mix]  +  Σ w̄·(r1 − r0)  [within]

(Kitagawa 1955, "Components of a difference between two rates", JASA 50; a constant such as R̄ leaves the sum of the
mix as it is, and makes a growing segment count as a rise only where its rate is above the book's). A
segment's *excess* is w̄·(r1 − r0 − W), W the whole within effect: what it moved more than the book did. A large
segment has a large within effect without being special; excess is what makes one news.

Intervals are those of the delta method. The shares are what the book is, not estimates; each row's outcome is
random and independent of the others, also of the same loan's at the other date. Where the two
are alike (arrears that last) that makes the interval too wide, not too narrow.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.odds import Floats
from analytics.proportions import SMALL_N, compute_jeffreys_interval, flag_small

EFFECTS = ("within", "excess")


@dataclass(frozen=True)
class Change:
    """A rate before and after, and `segments`: one row a field and value, as `compute_change` says."""

    events_before: float
    n_before: float
    events_after: float
    n_after: float
    low: float
    high: float
    segments: pd.DataFrame

    @property
    def before(self) -> float:
        """The rate before."""
        return self.events_before / self.n_before

    @property
    def after(self) -> float:
        """The rate after."""
        return self.events_after / self.n_after

    @property
    def difference(self) -> float:
        """The rate after less the rate before."""
        return self.after - self.before

    @property
    def sampled(self) -> bool:
        """Whether the rate counts random outcomes, so that the change has an interval."""
        return bool(np.isfinite(self.low))

    @property
    def small(self) -> bool:
        """Whether there are too few rows or events at one of the two to read the change."""
        return self.sampled and bool(
            flag_small([self.events_before, self.events_after], [self.n_before, self.n_after]).any()
        )

    @property
    def clear(self) -> bool:
        """Whether the change can be told from none: its interval leaves 0 out, or it has none because it is exact."""
        return not self.small and (not self.sampled or self.low > 0 or self.high < 0)

    def of(self, field: str) -> pd.DataFrame:
        """Return the segments of one field."""
        return self.segments[self.segments["field"] == field]

    def mix(self, field: str) -> float:
        """Return the part of the change that the field's mix explains; the rest is within its segments."""
        return float(self.of(field)["mix"].sum())


def compute_change(
    before: pd.DataFrame, after: pd.DataFrame, *, events: str, n: str, sampled: bool = True, level: float = 0.95
) -> Change:
    """Return the change of the rate `events` / `n` between two tables of `cells.sum_by_field`, by each field.

    `sampled` says that `events` counts random outcomes of `n` rows; without it (a mean PD, a loss in euros) the
    change is exact and has no interval. The segments' columns: field, value, n_before, n_after, events_before,
    events_after, share_before, share_after, rate_before, rate_after, mix, within with within_low, within_high,
    excess with excess_low, excess_high, p (excess against none, two-sided), p_adjusted (Holm over all readable
    segments of all fields) and small (n < 30, or < 5 events where they are sampled, at either date). A segment that
    is empty at one date has the same rate at both: it is all mix. Raises ValueError where a date has no rows, or fields
    do not hold the same rows.
    """
    table = _join(before, after, events, n)
    totals = table.groupby("field")[["n_before", "events_before", "n_after", "events_after"]].sum()
    if totals.empty or (totals[["n_before", "n_after"]] <= 0).any(axis=None):
        raise ValueError("a change needs rows at both dates")
    if not np.allclose(totals.to_numpy(), totals.iloc[0].to_numpy()):
        raise ValueError("the fields of one table need the same rows: their totals differ")
    whole = totals.iloc[0]
    parts = [_decompose(part, sampled, level) for _, part in table.groupby("field", sort=False)]
    segments = pd.concat(parts, ignore_index=True)
    segments["p_adjusted"] = _adjust(segments["p"].where(~segments["small"]).to_numpy(dtype=float))
    low, high = _total_interval(whole, level) if sampled else (np.nan, np.nan)
    return Change(
        float(whole["events_before"]), float(whole["n_before"]), float(whole["events_after"]), float(whole["n_after"]),
        low, high, segments,
    )  # fmt: skip


def _join(before: pd.DataFrame, after: pd.DataFrame, events: str, n: str) -> pd.DataFrame:
    sides = [
        frame[["field", "value", n, events]].rename(columns={n: f"n_{side}", events: f"events_{side}"})
        for side, frame in (("before", before), ("after", after))
    ]
    joined = sides[0].merge(sides[1], on=["field", "value"], how="outer", sort=False)
    counts = ["n_before", "n_after", "events_before", "events_after"]
    return joined.fillna(dict.fromkeys(counts, 0.0)).astype(dict.fromkeys(counts, float))


def _decompose(part: pd.DataFrame, sampled: bool, level: float) -> pd.DataFrame:
    n0, n1, d0, d1 = (part[name].to_numpy() for name in ("n_before", "n_after", "events_before", "events_after"))
    w0, w1 = n0 / n0.sum(), n1 / n1.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        r0, r1 = d0 / n0, d1 / n1
    r0, r1 = (np.nan_to_num(np.where(own_n > 0, own, other)) for own_n, own, other in ((n0, r0, r1), (n1, r1, r0)))
    w, r = (w0 + w1) / 2, (r0 + r1) / 2
    mean = (d0.sum() / n0.sum() + d1.sum() / n1.sum()) / 2
    within = w * (r1 - r0)
    table = part.assign(
        share_before=w0, share_after=w1, rate_before=r0, rate_after=r1,
        mix=(w1 - w0) * (r - mean), within=within, excess=within - w * within.sum(),
        small=flag_small(d0, n0) | flag_small(d1, n1) if sampled else (n0 < SMALL_N) | (n1 < SMALL_N),
    )  # fmt: skip
    return _add_intervals(table, w, level) if sampled else table.assign(**_no_intervals())


def _no_intervals() -> dict[str, float]:
    return {**{f"{name}_{end}": np.nan for name in EFFECTS for end in ("low", "high")}, "p": np.nan}


def _add_intervals(table: pd.DataFrame, w: Floats, level: float) -> pd.DataFrame:
    """Add the delta-method intervals: both effects are sums of w̄ times the segments' changes of rate."""
    from scipy.special import ndtr, ndtri

    variance = np.zeros(len(table))
    for side in ("before", "after"):
        n, events = table[f"n_{side}"].to_numpy(), table[f"events_{side}"].to_numpy()
        smooth = (events + 0.5) / (n + 1)  # a cell without events is not free of doubt
        with np.errstate(invalid="ignore", divide="ignore"):
            variance += np.where(n > 0, smooth * (1 - smooth) / n, 0.0)
    # excess_i = w_i·Σ_s (1[i = s] − w_s)·Δr_s, so its variance takes the squares of those weights.
    weights = {"within": np.diag(w), "excess": w[:, None] * (np.eye(len(w)) - w[None, :])}
    z = float(ndtri(0.5 + level / 2))
    found: dict[str, pd.Series] = {}
    for name, weight in weights.items():
        error = np.sqrt(weight**2 @ variance)
        found |= {f"{name}_low": table[name] - z * error, f"{name}_high": table[name] + z * error}
    with np.errstate(invalid="ignore", divide="ignore"):
        p = np.where(error > 0, 2 * ndtr(-np.abs(table["excess"].to_numpy()) / error), 1.0)
    return table.assign(**found, p=p)


def _total_interval(whole: pd.Series, level: float) -> tuple[float, float]:
    """Return the interval of the difference of two rates: MOVER (Newcombe 1998, method 10) with Jeffreys' ends."""
    events, n = whole[["events_before", "events_after"]].to_numpy(), whole[["n_before", "n_after"]].to_numpy()
    (low0, low1), (high0, high1) = compute_jeffreys_interval(events, n, level=level)
    r0, r1 = events / n
    gap = r1 - r0
    return float(gap - np.hypot(r1 - low1, high0 - r0)), float(gap + np.hypot(high1 - r1, r0 - low0))


def _adjust(p: Floats) -> Floats:
    """Return p-values adjusted by Holm (1979); NaN takes no part."""
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps)) if len(order) else []
    return adjusted


def compute_steps(change: Change, field: str, *, top: int = 5) -> pd.DataFrame:
    """Return the waterfall of a change by one field: from the rate before over mix and segments to the rate after.

    Columns: step ("before", "mix", a segment's value, "other (k)" or "after"), kind ("total", "mix", "segment" or
    "other"), effect, start, end (rates), share and n (after), clear (whether the effect can be told from 0) and
    small. The `top` segments are those with the largest within effects; the rest are one step.
    """
    own = _largest(change.of(field), "within")
    parts = [
        _step("before", "total", change.before, 1.0, change.n_before),
        _step("mix", "mix", change.mix(field), 1.0, change.n_after),
        own.iloc[:top]
        .assign(kind="segment", clear=(own["within_low"] > 0) | (own["within_high"] < 0) | (not change.sampled))
        .rename(columns={"value": "step", "within": "effect", "share_after": "share", "n_after": "n"}),
    ]
    if len(rest := own.iloc[top:]):
        sums = rest[["within", "share_after", "n_after"]].sum()
        reach = np.hypot.reduce((rest["within_high"] - rest["within"]).to_numpy(dtype=float))  # cells are independent
        clear = not change.sampled or bool(abs(sums["within"]) > reach)
        parts.append(_step(f"other ({len(rest)})", "other", *sums, clear=clear))
    parts.append(_step("after", "total", change.after, 1.0, change.n_after))
    frame = pd.concat(parts, ignore_index=True)[["step", "kind", "effect", "share", "n", "clear", "small"]]
    totals = frame["kind"] == "total"
    end = change.before + frame["effect"].mask(totals, 0.0).cumsum()
    start = (end - frame["effect"]).mask(totals, 0.0)
    return frame.assign(start=start, end=end.mask(totals, frame["effect"]))


def _step(step: str, kind: str, effect: float, share: float, n: float, *, clear: bool = True) -> pd.DataFrame:
    row = {"step": step, "kind": kind, "effect": effect, "share": share, "n": n, "clear": clear, "small": False}
    return pd.DataFrame([row])


def _largest(table: pd.DataFrame, column: str) -> pd.DataFrame:
    order = table[column].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order]


def find_drivers(change: Change, *, level: float = 0.05) -> pd.DataFrame:
    """Return the segments that moved more than the book by more than chance, the clearest first.

    Those of `change.segments` that are readable with p_adjusted < `level`; where the whole changed clearly, only
    those that moved further the same way. Where the rate is exact there is no chance in it: then all, by size.
    """
    readable = ~change.segments["small"].astype(bool)
    same_way = change.segments["excess"] * np.sign(change.difference) > 0
    table: pd.DataFrame = change.segments[readable & (same_way | (not change.clear))]
    if not change.sampled:
        return _largest(table, "excess")
    clear: pd.DataFrame = table[table["p_adjusted"] < level].sort_values(["p_adjusted", "p"], kind="stable")
    return clear
