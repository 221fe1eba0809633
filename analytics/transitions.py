"""How loans move between states from one reporting date to the next: roll and cure rates, transition matrices.

Everything starts from the flows: one row per month × state_before × state with the number of loans and their balance
at the reporting date before (a month earlier, or a quarter in a book delivered quarterly). A rate is the share of the
loans in `state_before` that are found in `state` at the next date. Loans without a row at the reporting date before
("new") came from no state and are left out of the rates. Intervals are Jeffreys',
which take the moves as independent; exposure-weighted shares carry none, because the flows hold no single balances.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from analytics.book import Fetch
from analytics.odds import Floats
from analytics.proportions import add_rate, compute_jeffreys_interval, flag_small

STATES = ("current", "30", "60", "default", "prepaid", "matured", "written off")
LIVE = ("current", "30", "60", "default")
ROLLS = (("current", "30"), ("30", "60"), ("60", "default"))
CURES = (("30", "current"), ("60", "current"), ("default", "current"))
KEY = ["state_before", "state"]
SUMS = ("loans", "exposure_before")
STATE_LABELS = {"current": "Current", "30": "30–59 days late", "60": "60–89 days late", "default": "Default",
                "prepaid": "Prepaid", "matured": "Matured", "written off": "Written off"}  # fmt: skip
PERIODS = {"month": "M", "quarter": "Q", "year": "Y"}


def compute_flows(flows: ir.Table, fetch: Fetch) -> pd.DataFrame:
    """Return month (timestamp), state_before, state, loans, exposure_before, summed over segments, in time order."""
    sums = {name: flows[name].sum().fill_null(0) for name in SUMS}
    frame = fetch(flows.group_by(["month", *KEY]).aggregate(**sums))
    frame = frame.assign(month=pd.to_datetime(frame["month"])).astype({"loans": "int64", "exposure_before": "float64"})
    unknown = sorted((set(frame["state"]) | set(frame["state_before"])) - {*STATES, "new"})
    if unknown:
        raise ValueError(f"a state is one of {', '.join(STATES)}, got {', '.join(map(str, unknown))}")
    return frame.sort_values(["month", *KEY], ignore_index=True)


def add_period(flows: pd.DataFrame, period: str) -> pd.DataFrame:
    """Return the flows with `period` ("2026-06", "2026 Q2" or "2026") and its first day `period_start`."""
    if period not in PERIODS:
        raise ValueError(f"a period is one of {', '.join(PERIODS)}, got {period!r}")
    periods = flows["month"].dt.to_period(PERIODS[period])
    names = periods.astype(str).str.replace("Q", " Q") if period == "quarter" else periods.astype(str)
    return flows.assign(period=names, period_start=periods.dt.start_time)


def list_periods(flows: pd.DataFrame, period: str) -> list[str]:
    """Return the periods in which loans moved (the first month of a history has only new loans), earliest first."""
    moved = add_period(flows[flows["state_before"] != "new"], period)
    return sorted(moved["period"].unique())


def find_step(flows: pd.DataFrame) -> int:
    """Return the months from one reporting date to the next: the most frequent distance, 1 where there are not two."""
    months = (flows["month"].dt.year * 12 + flows["month"].dt.month).drop_duplicates().sort_values()
    return int(months.diff().dropna().mode().min()) if len(months) > 1 else 1


def last_months(flows: pd.DataFrame, count: int = 12, *, skip: int = 0) -> pd.DataFrame:
    """Return the flows of `count` months up to the last, or up to `skip` months before it."""
    months = flows["month"].dt.year * 12 + flows["month"].dt.month
    last = months.max() - skip
    kept: pd.DataFrame = flows[(months <= last) & (months > last - count)]
    return kept


def compute_matrix(flows: pd.DataFrame) -> pd.DataFrame:
    """Return the transition matrix of all flows given, as rows: every live state before × every state after.

    Columns: state_before, state, loans (moves), n (moves from state_before), share with share_low, share_high and
    small (n < 30 or fewer than 5 moves), exposure_before, share_exposure (of the balance before; NaN without any).
    """
    moved = flows[flows["state_before"].isin(LIVE)]
    every = pd.MultiIndex.from_product([LIVE, STATES], names=KEY)
    cells = moved.groupby(KEY)[list(SUMS)].sum().reindex(every, fill_value=0).reset_index()
    return _add_shares(cells.astype({"loans": "int64"}), ["state_before"])


def _add_shares(cells: pd.DataFrame, within: Sequence[str]) -> pd.DataFrame:
    """Add n, share with its interval, small and share_exposure; rows that share `within` make up one whole."""
    totals = cells.groupby(list(within))[list(SUMS)].transform("sum")
    cells = add_rate(cells.assign(n=totals["loans"]), events="loans", n="n", name="share")
    exposure = totals["exposure_before"].to_numpy(dtype=float)
    known = np.where(exposure > 0, exposure, np.nan)
    return cells.assign(share_exposure=cells["exposure_before"].to_numpy(dtype=float) / known)


def compute_rates(flows: pd.DataFrame, period: str = "month") -> pd.DataFrame:
    """Return roll and cure rates by period ("month", "quarter", "year"): one row per period and rate.

    Columns: period, period_start, kind ("roll" or "cure"), state_before, state, loans, n, share, share_low, share_high,
    small, exposure_before, share_exposure. A period of several months sums the monthly moves.
    """
    moved = add_period(flows[flows["state_before"].isin(LIVE)], period)
    summed = moved.groupby(["period", "period_start", *KEY])[list(SUMS)].sum()
    wanted = [*ROLLS, *CURES]
    periods = moved[["period", "period_start"]].drop_duplicates().sort_values("period_start")
    every = pd.MultiIndex.from_tuples(
        [(*key, before, after) for key in periods.to_numpy().tolist() for before in LIVE for after in STATES],
        names=["period", "period_start", *KEY],
    )
    cells = _add_shares(summed.reindex(every, fill_value=0).reset_index(), ["period", "state_before"])
    pairs = pd.Series(list(zip(cells["state_before"], cells["state"], strict=True)), index=cells.index)
    kept = cells[pairs.isin(wanted)]
    kind = np.where(pairs[kept.index].isin(ROLLS), "roll", "cure")
    return kept.assign(kind=kind).astype({"loans": "int64", "n": "int64"}).reset_index(drop=True)


def add_position(rates: pd.DataFrame, value: str) -> pd.DataFrame:
    """Return the rates with `position`: where `value` lies between its rate's lowest (0) and highest (1) period.

    Rates differ by a factor of a hundred, so a heat map compares each with its own past. Small cells have no
    position and do not set the ends.
    """
    known = rates[value].where(~rates["small"])
    ends = known.groupby([rates["state_before"], rates["state"]])
    low, high = ends.transform("min"), ends.transform("max")
    width = (high - low).where(high > low)
    return rates.assign(position=((known - low) / width).fillna(0.5).where(known.notna()))


def compute_difference(after: pd.DataFrame, before: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Return how two transition matrices differ: after − before, cell by cell.

    Columns: state_before, state, share (after), share_reference (before), n, n_reference, difference, difference_low,
    difference_high, differs, small (in either), difference_exposure. The interval joins both Jeffreys intervals (Zou
    and Donner's MOVER, 2008: d − √((p₁−l₁)² + (u₂−p₂)²)) at a level adjusted by Bonferroni for the cells
    with 5 moves on either side; `differs` says that it leaves out 0.
    """
    joined = after.merge(before, on=KEY, suffixes=("", "_reference"))
    tested = np.maximum(joined["loans"], joined["loans_reference"]) >= 5
    adjusted = 1 - (1 - level) / max(1, int(tested.sum()))
    difference = joined["share"].to_numpy(dtype=float) - joined["share_reference"].to_numpy(dtype=float)
    low, high = _difference_interval(joined, adjusted)
    most, fewest = np.maximum(joined["loans"], joined["loans_reference"]), joined[["n", "n_reference"]].min(axis=1)
    few = flag_small(most, fewest)
    with np.errstate(invalid="ignore"):
        differs = tested & ~few & ((low > 0) | (high < 0))
    exposure = joined["share_exposure"] - joined["share_exposure_reference"]
    frame = joined[[*KEY, "share", "share_reference", "n", "n_reference"]]
    return frame.assign(difference=difference, difference_low=low, difference_high=high, differs=differs, small=few,
                        difference_exposure=exposure)  # fmt: skip


def _difference_interval(joined: pd.DataFrame, level: float) -> tuple[Floats, Floats]:
    """Return the ends of the interval of share − share_reference from the two Jeffreys intervals."""
    p1, p2 = (joined[name].to_numpy(dtype=float) for name in ("share", "share_reference"))
    l1, u1 = compute_jeffreys_interval(joined["loans"], joined["n"], level=level)
    l2, u2 = compute_jeffreys_interval(joined["loans_reference"], joined["n_reference"], level=level)
    return p1 - p2 - np.hypot(p1 - l1, u2 - p2), p1 - p2 + np.hypot(u1 - p1, p2 - l2)


@dataclass(frozen=True)
class Cell:
    """One cell of a transition matrix: its share by number with interval and by exposure, n, whether it is small."""

    share: float
    low: float
    high: float
    share_exposure: float
    n: int
    small: bool


def find_cell(matrix: pd.DataFrame, state_before: str, state: str) -> Cell:
    """Return the cell of a matrix that says how many went from `state_before` to `state`."""
    rows = matrix[(matrix["state_before"] == state_before) & (matrix["state"] == state)]
    if len(rows) != 1:
        raise ValueError(f"a matrix has one cell from {state_before!r} to {state!r}, got {len(rows)}")
    share, low, high, exposure = (
        float(rows[name].iloc[0]) for name in ("share", "share_low", "share_high", "share_exposure")
    )
    return Cell(share, low, high, exposure, int(rows["n"].iloc[0]), bool(rows["small"].iloc[0]))


@dataclass(frozen=True)
class Change:
    """The cell of two matrices that moved furthest relative to its noise, and from what to what."""

    state_before: str
    state: str
    share: float
    share_reference: float


def find_change(difference: pd.DataFrame) -> Change | None:
    """Return the move whose difference stands furthest out of its noise; None where none can be told from chance."""
    told = difference[difference["differs"]]
    if told.empty:
        return None
    half = (told["difference_high"] - told["difference_low"]) / 2
    row = told.iloc[int(np.argmax(told["difference"].abs() / half))]
    return Change(str(row["state_before"]), str(row["state"]), float(row["share"]), float(row["share_reference"]))


def compute_arrears_flows(flows: pd.DataFrame) -> pd.DataFrame:
    """Return the flows of a Sankey of arrears: from each state before to the state a month later, current loans that
    stay current or end left out.

    Columns: state_before, state, loans, n (all moves from state_before), share (of n), exposure_before,
    share_exposure; only flows that happened, states in order of severity.
    """
    matrix = compute_matrix(flows)
    sound = (matrix["state_before"] == "current") & ~matrix["state"].isin(["30", "60", "default"])
    kept = matrix[~sound & (matrix["loans"] > 0)]
    return kept.drop(columns=["share_low", "share_high", "small"]).reset_index(drop=True)
