"""What the Explore page asks the engine, remembered: answers, cells, rows and samples of a question."""

from dataclasses import replace

import ibis.expr.types as ir
import pandas as pd

from analytics import pivot
from analytics.pivot import Cell, Question
from pages.common import cached, explain_data, model_data
from pages.common.cached import remember
from portfolio.observed import PD, observed_rows
from portfolio.schema import OBSERVATION_DATE
from portfolio.selection import Selection
from portfolio.workspace import UNDATED

Keys = tuple[str, ...] | None


def snapshot_keys(selection: Selection) -> list[str]:
    """Return the dates of the portfolio's snapshots, or nothing for a table without dates."""
    return [key for key in cached.portfolio(selection).snapshot_keys() if key != UNDATED]


@remember
def columns(selection: Selection) -> tuple[str, ...]:
    """Return the columns that the snapshots have."""
    return tuple(cached.engine(selection).snapshots().columns)


@remember
def mature_keys(selection: Selection) -> list[str]:
    """Return the snapshots with known outcomes, whatever is filtered."""
    keys = snapshot_keys(selection)
    if not keys or not cached.portfolio(selection).schema.with_role("target"):
        return []
    bare = replace(selection, where=())
    dates = cached.outcomes_by(bare, (OBSERVATION_DATE,))
    known = {f"{pd.Timestamp(date):%Y-%m-%d}" for date in dates.loc[dates["n"] > 0, OBSERVATION_DATE]}
    return [key for key in keys if key in known]


def yearly_keys(keys: list[str]) -> list[str]:
    """Return the last key and those a whole number of years before it, so that outcome windows do not overlap.

    >>> yearly_keys(["2023-03-31", "2023-06-30", "2023-12-31", "2024-03-31", "2024-06-30"])
    ['2023-06-30', '2024-06-30']
    """
    return [key for key in keys if key[5:] == keys[-1][5:]]


def champion(selection: Selection) -> str:
    """Return the champion's reference where it has stored scores, else ""."""
    if not cached.portfolio(selection).schema.with_role("target"):
        return ""
    return next((view.ref for view in model_data.models(selection) if view.is_champion), "")


def uses_pd(question: Question, *fields: str) -> bool:
    """Whether a question, or one of `fields`, is about the champion's PD."""
    dimensions = [item.column for item in question.dimensions.values()]
    return PD in (question.of, *dimensions, *(item.column for item in question.filters), *fields)


def rows_of(selection: Selection, keys: Keys, question: Question, *fields: str) -> ir.Table:
    """Return the rows that a question is asked of (an Ibis table)."""
    ref = champion(selection) if uses_pd(question, *fields) else ""
    return observed_rows(cached.engine(selection), selection, keys, ref)


@remember
def resolved(selection: Selection, keys: Keys, question: Question) -> Question:
    """Return the question with its groups; bands are found on the whole of the latest snapshot asked for."""
    latest = None if keys is None else keys[-1:]
    reference = rows_of(replace(selection, where=()), latest, question)
    return pivot.resolve(
        rows_of(selection, keys, question), cached.engine(selection).fetch, question, reference=reference
    )


@remember
def answer(selection: Selection, keys: Keys, question: Question) -> pd.DataFrame:
    """Return the measure by group; the question is resolved."""
    return pivot.compute_pivot(rows_of(selection, keys, question), cached.engine(selection).fetch, question)


@remember
def cell(selection: Selection, keys: Keys, question: Question, chosen: Cell) -> pd.Series:
    """Return what the rows behind a cell add up to."""
    return pivot.compute_cell(rows_of(selection, keys, question), cached.engine(selection).fetch, question, chosen)


@remember
def cell_rows(
    selection: Selection, keys: Keys, question: Question, chosen: Cell, columns: tuple[str, ...]
) -> pd.DataFrame:
    """Return the largest loans behind a cell."""
    return pivot.load_rows(
        rows_of(selection, keys, question, *columns),
        cached.engine(selection).fetch,
        question,
        chosen,
        keys=row_keys(selection),
        columns=columns,
    )


@remember
def sample(selection: Selection, keys: Keys, question: Question, x: str, y: str) -> pd.DataFrame:
    """Return a thinned cloud of points."""
    rows = rows_of(selection, keys, question, x, y)
    return pivot.load_sample(rows, cached.engine(selection).fetch, question, x, y, keys=row_keys(selection))


def row_keys(selection: Selection) -> tuple[str, ...]:
    """Return the columns that tell rows apart: the loan, and the date where there are several."""
    name = cached.portfolio(selection).schema.id.name
    return (name, OBSERVATION_DATE) if snapshot_keys(selection) else (name,)


@remember
def explained_loans(selection: Selection, ids: tuple[str, ...]) -> set[str]:
    """Return which of the loans stand in the snapshot that the Explain page opens."""
    ref = champion(selection)
    found = explain_data.explained_keys(selection, ref) if ref else []
    if not found or not ids:
        return set()
    here, name = cached.engine(selection), cached.portfolio(selection).schema.id.name
    rows = here.snapshots(found[:1])
    text = rows[name].cast("string")
    return set(here.fetch(rows.filter(text.isin(ids)).select(loan=text))["loan"])
