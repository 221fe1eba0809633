"""The small tables behind the vintages page, remembered: counts by age, curves, flows, rates and matrices."""

import pandas as pd

from analytics import transitions, vintages
from analytics.competing_risks import Contrast, compute_incidence
from analytics.proportions import SMALL_N
from pages.common import cached
from pages.common.cached import remember
from portfolio.selection import Selection, select_rows

LAST, BEFORE = "last 12 months", "12 months before"


def has_cubes(selection: Selection) -> bool:
    """Whether the history has been counted, as building or ingesting it does."""
    return cached.portfolio(selection).cubes.exists()


def has_ages(selection: Selection) -> bool:
    """Whether the portfolio knows when its loans were granted, so that there are vintages."""
    return (cached.portfolio(selection).cubes / "ages.parquet").exists()


@remember
def ages(selection: Selection, by: tuple[str, ...]) -> pd.DataFrame:
    """Counts by vintage or segment and months on book."""
    here = cached.engine(selection)
    return vintages.compute_ages(select_rows(here.ages(), selection.where), here.fetch, by=by)


@remember
def curves(selection: Selection, width: str) -> pd.DataFrame:
    """Cumulative incidence by vintage, cause and months on book."""
    return vintages.compute_vintage_curves(ages(selection, ("vintage",)), width)


@remember
def latest(selection: Selection, width: str, cause: str, age: int) -> Contrast | None:
    """How the latest vintage compares with all earlier ones at an age."""
    return vintages.compute_latest(ages(selection, ("vintage",)), width, cause=cause, age=age)


@remember
def incidence(selection: Selection, by: tuple[str, ...] = ()) -> pd.DataFrame:
    """Cumulative incidence of every ending over all vintages, whole or by a segment."""
    counts = ages(selection, by or ("vintage",))
    if not by:
        counts = counts.drop(columns="vintage").groupby("months_on_book", as_index=False).sum()
    return compute_incidence(counts, by=by, minimum=SMALL_N)


@remember
def flows(selection: Selection) -> pd.DataFrame:
    """Moves by month, state before and state."""
    here = cached.engine(selection)
    return transitions.compute_flows(select_rows(here.flows(), selection.where), here.fetch)


@remember
def rates(selection: Selection, period: str) -> pd.DataFrame:
    """Roll and cure rates by month, quarter or year."""
    return transitions.compute_rates(flows(selection), period)


def flows_of(selection: Selection, period: str, name: str) -> pd.DataFrame:
    """Return the flows of one period: the last 12 months, the 12 before, or a year or quarter by name."""
    moves = flows(selection)
    if name in (LAST, BEFORE):
        return transitions.last_months(moves, skip=0 if name == LAST else 12)
    named = transitions.add_period(moves, period)
    return named[named["period"] == name]


@remember
def matrix(selection: Selection, period: str, name: str) -> pd.DataFrame:
    """The transition matrix of one period."""
    return transitions.compute_matrix(flows_of(selection, period, name))


@remember
def difference(selection: Selection, period: str, after: str, before: str) -> pd.DataFrame:
    """How the matrices of two periods differ."""
    return transitions.compute_difference(matrix(selection, period, after), matrix(selection, period, before))
