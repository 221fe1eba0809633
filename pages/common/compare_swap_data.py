"""The tables behind Compare's swap set: what two models decide, what it costs, and what tells the decisions apart."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics import swap_set
from analytics.expected_loss import ALL
from pages.common import cached, cohort_data, explain_data, model_data, overview_data
from pages.common.cached import remember
from pages.common.compare_data import EXPOSURE, driving_fields, judged_fields, judged_rows
from portfolio.policy import load_policy
from portfolio.selection import Selection, select_rows

SIDE = 15_000  # swapped rows a side that drivers are tested on: effects are known to about 0.01 then
SHOWN = 200  # swapped loans in the table, by exposure
MOVE = "_move"
MOVES = ("swapped in", "swapped out")
AMOUNTS = (EXPOSURE, "loss", "loss_champion", "loss_challenger")


@dataclass(frozen=True)
class Lgd:
    """The loss given default that losses are counted with: by loan-to-value band, or one for all."""

    bands: pd.DataFrame | None
    fixed: float
    realised: bool  # whether the policy asks for the portfolio's own


@dataclass(frozen=True)
class Swap:
    """A swap set's tables and test: see `analytics.swap_set`. `moved` holds the rows that change sides."""

    cells: pd.DataFrame
    totals: pd.DataFrame
    tests: swap_set.SwapTests
    moved: pd.DataFrame
    clustered: bool


@dataclass(frozen=True)
class Drivers:
    """In which fields swapped-in and swapped-out differ, of how many of the rows that move."""

    table: pd.DataFrame
    used: tuple[int, ...]


def lgd(selection: Selection) -> Lgd:
    """Return the loss given default that the policy asks for: the portfolio's own, or the fixed one."""
    asked = load_policy(cached.portfolio(selection)).profit
    own = asked.lgd_source == "realised"
    bands = overview_data.lgd(Selection(selection.workspace, selection.portfolio)) if own else None
    return Lgd(bands, asked.lgd, own)


@remember
def dates(selection: Selection, sample: str) -> list[str]:
    """Return the observation dates of the judged rows; empty for a table without dates."""
    return sorted(set(judged_rows(selection, sample)["_date"].unique()) - {""})


@remember
def swap(
    selection: Selection, sample: str, champion: str, challenger: str, approved: float, date: str, given: float | None
) -> Swap:
    """Return the swap set of two models at one share of approvals, of one date or ("") of all.

    Amounts: exposure, `loss` = outcome · LGD · exposure, and each model's PD · LGD · exposure. `given` is the LGD of
    all loans; None takes the portfolio's own by band. NaN where no field is the exposure.
    """
    rows = judged_rows(selection, sample)
    rows = rows if not date else rows[rows["_date"] == date].reset_index(drop=True)
    frame = _price(selection, rows, champion, challenger, given)
    repeated = bool(frame["_loan"].duplicated().any())
    loan = "_loan" if repeated else None
    found = swap_set.compute_swap_set(
        frame, champion=champion, challenger=challenger, approval_rate=approved, tie=("_place",), outcome="_y",
        amounts=AMOUNTS, loan=loan, level=model_data.level(selection),
    )  # fmt: skip
    tests = swap_set.compute_swap_tests(frame, found, outcome="_y", loan=loan)
    moves = np.select([found.rows(move) for move in MOVES], list(MOVES), "")
    kept = ["_loan", "_date", "_y", champion, challenger, EXPOSURE]
    moved = frame[kept].assign(**{MOVE: moves})[moves != ""]
    moved = moved.sort_values([EXPOSURE, "_loan", "_date"], ascending=[False, True, True], ignore_index=True)
    return Swap(found.cells, found.totals, tests, moved, repeated)


def _price(
    selection: Selection, rows: pd.DataFrame, champion: str, challenger: str, given: float | None
) -> pd.DataFrame:
    exposure = rows[EXPOSURE] if EXPOSURE in rows else pd.Series(np.nan, rows.index)
    rate: float | pd.Series = np.nan if given is None else given
    bands = overview_data.lgd(Selection(selection.workspace, selection.portfolio)) if given is None else None
    if bands is not None:
        by_band = bands.set_index("band")["lgd"]
        rate = rows[overview_data.LTV_BAND].map(by_band) if overview_data.LTV_BAND in rows else by_band[ALL]
        rate = rate.fillna(by_band[ALL]) if isinstance(rate, pd.Series) else rate
    lost = rate * exposure
    # Rows are in the order of loan and date, so their place parts equal PDs the same way at every visit.
    return rows.assign(
        _place=np.arange(len(rows)), exposure=exposure, loss=rows["_y"] * lost,
        loss_champion=rows[champion] * lost, loss_challenger=rows[challenger] * lost,
    )  # fmt: skip


@remember
def drivers(
    selection: Selection, sample: str, champion: str, challenger: str, approved: float, date: str, given: float | None
) -> Drivers:
    """Return in which fields swapped-in and swapped-out loans differ, largest effect first."""
    moved = swap(selection, sample, champion, challenger, approved, date, given).moved
    known = moved[["_loan", "_date", MOVE]].merge(judged_fields(selection, sample), on=["_loan", "_date"])
    known = pd.concat([_cut(known[known[MOVE] == move]) for move in MOVES], ignore_index=True)
    used = tuple(int((known[MOVE] == move).sum()) for move in MOVES)
    if not all(used):
        return Drivers(pd.DataFrame(), used)
    cell = np.select([known[MOVE] == move for move in MOVES], [swap_set.CELLS.index(move) for move in MOVES])
    found = swap_set.SwapSet(cell.astype(np.int8), pd.DataFrame(), pd.DataFrame())
    fields = [item for item in driving_fields(selection) if known[item.name].notna().any()]
    categories = [item.name for item in fields if cohort_data.is_category(item)]
    numbers = [item.name for item in fields if not cohort_data.is_category(item)]
    table = swap_set.compute_swap_drivers(known, found, numbers=numbers, categories=categories, loan="_loan")
    return Drivers(table, used)


def _cut(side: pd.DataFrame) -> pd.DataFrame:
    return side if len(side) <= SIDE else side.sample(SIDE, random_state=0).sort_index()


@remember
def moved_loans(
    selection: Selection, sample: str, champion: str, challenger: str, approved: float, date: str, given: float | None
) -> pd.DataFrame:
    """Return the largest rows that change sides; `explained` says whether Explain has the loan."""
    moved = swap(selection, sample, champion, challenger, approved, date, given).moved.head(SHOWN)
    keys = explain_data.explained_keys(selection, champion)
    if not keys or moved.empty:
        return moved.assign(explained=False)
    rows = select_rows(cached.engine(selection).snapshots([keys[0]]), selection.where)
    name = rows[cached.portfolio(selection).schema.id.name].cast("string")
    there = cached.engine(selection).fetch(rows.filter(name.isin(list(moved["_loan"]))).select(loan=name))
    return moved.assign(explained=moved["_loan"].isin(there["loan"]))
