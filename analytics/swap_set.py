"""Which loans change sides when a challenger decides as many as the champion did, and whether that pays.

Both models approve the same number of loans, those with their lowest PDs. What an outcome tells is limited to the
loans that were granted: a loan that neither the champion nor a person granted has none, so the default
rate of the swapped-in rests on those that were granted anyway.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.cohorts import compute_comparison, find_clusters
from analytics.observed_expected import compute_design_effects
from analytics.odds import Floats
from analytics.proportions import add_rate, compute_jeffreys_interval
from analytics.two_samples import compare_categories

CELLS = ("approved by both", "swapped in", "swapped out", "declined by both")
APPROVED = {"champion": (0, 2), "challenger": (0, 1)}
_MEANING = pd.DataFrame({
    "cell": CELLS, "champion": ["approved", "declined", "approved", "declined"],
    "challenger": ["approved", "approved", "declined", "declined"],
})  # fmt: skip


@dataclass(frozen=True)
class SwapSet:
    """Decisions of two models at the same number of approvals.

    `cell` holds each row's place in CELLS. `cells` has one row a cell (cell, champion, challenger, loans, share, the
    amounts, known, events, rate, rate_low, rate_high, small), `totals` one row a model with what it approves
    (model, cutoff, tied, loans, share, the amounts, known, …). `cutoff` is the highest PD approved; `tied` is how many
    rows at that PD the tie rule parted, 0 where none was: many mean that the rule and not the model decides.
    """

    cell: NDArray[np.int8]
    cells: pd.DataFrame
    totals: pd.DataFrame

    def rows(self, cell: str) -> NDArray[np.bool_]:
        """Return which rows lie in a cell, as a mask."""
        return np.asarray(self.cell == CELLS.index(cell))


def compute_swap_set(
    frame: pd.DataFrame,
    *,
    champion: str,
    challenger: str,
    approval_rate: float,
    tie: Sequence[str],
    outcome: str | None = None,
    amounts: Sequence[str] = (),
    loan: str | None = None,
    level: float = 0.95,
) -> SwapSet:
    """Return the swap set of two columns of PDs (fractions) at one approval rate.

    Each model approves the same k = ⌊rate · rows + ½⌋ rows: its lowest PDs, and among equal PDs the first by the
    columns `tie` in rising order (a loan's number, and its date where loans repeat), which must tell all rows
    apart. `outcome` holds 0, 1 or missing where unknown; rates are of the known, with Jeffreys intervals, on the
    effective number of rows (Kish 1965) where `loan` names the column of loans that may come more than once. `amounts`
    are summed (exposure; expected loss = PD · LGD · EAD in the book's currency, with whose PD is the caller's choice);
    a missing amount makes its cell's sum blank. Raises ValueError for an approval rate outside (0, 1), PDs that
    are missing or outside [0, 1], outcomes other than 0 and 1, and ties that `tie` cannot part.
    """
    if not 0 < approval_rate < 1:
        raise ValueError(f"an approval rate lies between 0 and 1, got {approval_rate}")
    if frame.duplicated(list(tie)).any() or frame[list(tie)].isna().any(axis=None):
        raise ValueError(f"{' and '.join(tie)} must tell all rows apart, to decide between equal PDs the same way")
    approvals = int(np.floor(approval_rate * len(frame) + 0.5))
    approved, cutoffs = {}, {}
    for role, column in (("champion", champion), ("challenger", challenger)):
        _check_pds(frame, column)
        approved[role], *cutoffs[role] = _approve(frame, column, tie, approvals)
    cell = np.select(
        [approved["champion"] & approved["challenger"], approved["challenger"], approved["champion"]], [0, 1, 2], 3
    ).astype(np.int8)
    sums = _sum_cells(frame, cell, outcome, amounts)
    cells = _finish(pd.concat([_MEANING, sums], axis=1), len(frame), level)
    totals = pd.DataFrame([{"model": role, **sums.loc[list(at)].sum(skipna=False)} for role, at in APPROVED.items()])
    totals.insert(1, "cutoff", [cutoffs[role][0] for role in APPROVED])
    totals.insert(2, "tied", [cutoffs[role][1] for role in APPROVED])
    totals = _finish(totals, len(frame), level)
    if loan is not None and outcome is not None:
        known, loans = _check_outcome(frame, outcome), pd.factorize(frame[loan])[0]
        cells = _widen(cells, [cell == place for place in range(len(CELLS))], known, loans, level)
        totals = _widen(totals, [np.isin(cell, at) for at in APPROVED.values()], known, loans, level)
    return SwapSet(cell, cells, totals)


def _widen(
    table: pd.DataFrame, masks: list[NDArray[np.bool_]], known: Floats, loans: NDArray[np.intp], level: float
) -> pd.DataFrame:
    """Return the table with intervals that take several rows of one loan for less than as many loans."""
    shrink = np.ones(len(table))
    for place, mask in enumerate(masks):
        rows = mask & ~np.isnan(known)
        if rows.any():
            residual = known[rows] - known[rows].mean()
            shrink[place] /= compute_design_effects(residual, np.zeros(residual.size, np.intp), loans[rows], 1)[0]
    low, high = compute_jeffreys_interval(table["events"] * shrink, table["known"] * shrink, level=level)
    return table.assign(rate_low=low, rate_high=high)


def _check_pds(frame: pd.DataFrame, column: str) -> None:
    pds = frame[column].to_numpy(dtype=float)
    if not pds.size:
        raise ValueError("a swap set needs loans, got none")
    if not np.isfinite(pds).all() or pds.min() < 0 or pds.max() > 1:
        raise ValueError(f"{column} must hold PDs in [0, 1] without gaps; take the loans that both models have scored")


def _approve(
    frame: pd.DataFrame, column: str, tie: Sequence[str], approvals: int
) -> tuple[NDArray[np.bool_], float, int]:
    """Return which rows are approved, the highest PD among them, and how many rows at that PD the tie rule parted."""
    pds = frame[column].to_numpy(dtype=float)
    places = frame[list(tie)].assign(place=np.arange(len(frame)), pd=pds).sort_values(["pd", *tie])["place"].to_numpy()
    approved = np.zeros(len(frame), dtype=bool)
    approved[places[:approvals]] = True
    if not approvals:
        return approved, np.nan, 0
    cutoff = float(pds[places[approvals - 1]])
    at_cutoff = pds == cutoff
    return approved, cutoff, int(at_cutoff.sum()) if (at_cutoff & ~approved).any() else 0


def _sum_cells(
    frame: pd.DataFrame, cell: NDArray[np.int8], outcome: str | None, amounts: Sequence[str]
) -> pd.DataFrame:
    table = pd.DataFrame({"loans": 1.0}, index=np.arange(len(frame)))
    for name in amounts:
        table[name] = frame[name].to_numpy(dtype=float)
    known = np.full(len(frame), np.nan) if outcome is None else _check_outcome(frame, outcome)
    table["known"], table["events"] = np.isfinite(known).astype(float), np.nan_to_num(known)
    sums = table.groupby(cell).sum(skipna=False).reindex(range(len(CELLS)), fill_value=0.0)
    return sums.reset_index(drop=True)


def _check_outcome(frame: pd.DataFrame, outcome: str) -> NDArray[np.float64]:
    values = pd.to_numeric(frame[outcome]).to_numpy(dtype=float, na_value=np.nan)
    if not np.isin(values[~np.isnan(values)], (0.0, 1.0)).all():
        raise ValueError(f"{outcome} must be 0, 1 or missing, got other values")
    return np.asarray(values)


def _finish(sums: pd.DataFrame, n: int, level: float) -> pd.DataFrame:
    whole = dict.fromkeys(("loans", "known", "events"), np.int64)
    table = add_rate(sums, events="events", n="known", level=level).astype(whole)
    table.insert(int(np.flatnonzero(table.columns == "loans")[0]) + 1, "share", table["loans"] / n)
    return table


@dataclass(frozen=True)
class SwapTests:
    """Whether the swap pays, on swapped loans with a known outcome.

    `difference` is the default rate of the swapped-in less that of the swapped-out (below 0: the challenger is
    right), with its interval of 95 % and `p_value` by `test`. McNemar's counts are swapped loans that only one model
    decided rightly (approved without default, or declined with); blank where loans repeat.
    """

    only_challenger_right: int = 0
    only_champion_right: int = 0
    mcnemar_p: float = np.nan
    difference: float = np.nan
    low: float = np.nan
    high: float = np.nan
    p_value: float = np.nan
    test: str = ""
    reason: str = ""


def compute_swap_tests(frame: pd.DataFrame, found: SwapSet, *, outcome: str, loan: str | None = None) -> SwapTests:
    """Return the tests of a swap set of `frame`; `loan` names the column of loans where a loan may come more than once.

    The difference of default rates is tested by χ², by Fisher where expected counts are below 5, or clustered
    (`two_samples.compare_categories`). McNemar's exact test (1947, Psychometrika 12) asks whether right decisions are
    equally many, two-sided binomial. At equal approvals as many swap in as out, so on the decisions themselves it would
    always give p = 1, and on right decisions it takes for chance what the equal numbers fix: its p is too large where
    defaults are rare. Judge by the difference of rates. Without known outcomes on both sides all is blank, with a
    reason.
    """
    values = _check_outcome(frame, outcome)
    sides = [frame.loc[found.rows(cell) & ~np.isnan(values)] for cell in ("swapped in", "swapped out")]
    events = [int(side[outcome].astype(float).sum()) for side in sides]
    n_in, n_out = (len(side) for side in sides)
    if not n_in or not n_out:
        reason = f"outcomes are known of {n_in} loans swapped in and {n_out} swapped out: both are needed"
        return SwapTests(reason=reason)
    challenger, champion = (n_in - events[0]) + events[1], events[0] + (n_out - events[1])
    cluster = find_clusters(sides[0], sides[1], loan)
    mcnemar = _test_mcnemar(challenger, champion) if cluster is None else np.nan
    words = [side[outcome].astype(float).map({1.0: "event", 0.0: "none"}) for side in sides]
    rates = compare_categories(words[0], words[1], cluster)
    if rates is None:
        reason = "the swapped loans all had the same outcome: their default rates do not differ"
        return SwapTests(challenger, champion, mcnemar, 0.0, reason=reason)
    sign = 1 if rates.value == "event" else -1
    low, high = sorted((sign * rates.low, sign * rates.high))
    return SwapTests(challenger, champion, mcnemar, sign * rates.difference, low, high, rates.p, rates.test)


def _test_mcnemar(first: int, second: int) -> float:
    from scipy.stats import binomtest

    return float(binomtest(first, first + second, 0.5).pvalue)


def compute_swap_drivers(
    frame: pd.DataFrame, found: SwapSet, *, numbers: Sequence[str], categories: Sequence[str], loan: str | None = None
) -> pd.DataFrame:
    """Return in which fields the swapped-in (A) differ from the swapped-out (B), largest effect first.

    Columns as `cohorts.compute_comparison`. Raises ValueError where no loan changes sides.
    """
    sides = [frame.loc[found.rows(cell)] for cell in ("swapped in", "swapped out")]
    if not len(sides[0]):
        raise ValueError("no loan changes sides at this approval rate: both models approve the same loans")
    return compute_comparison(sides[0], sides[1], numbers=numbers, categories=categories, loan=loan)
