"""The tables behind Explain's cohorts and time: two cohorts' differences, and the drivers by date."""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd

from analytics.driver_gap import TOTAL, Gap, compute_gap
from analytics.driver_points import to_points
from analytics.driver_time import compute_driver_course
from pages.common import cohort_data
from pages.common.cached import engine, portfolio, remember
from pages.common.explain_data import explained, explained_keys
from pages.common.explain_drivers_data import Groups
from portfolio.schema import OBSERVATION_DATE
from portfolio.selection import Selection, select_rows


@dataclass(frozen=True)
class Cohort:
    """Which loans are meant: the values kept of each field; with `rest` all the others."""

    where: tuple[tuple[str, tuple[str, ...]], ...]
    rest: bool = False


def cohort_fields(selection: Selection, key: str) -> list[str]:
    """Return the fields that cohorts are made of: those with the role segment, then other categories."""
    fields = [item for item in cohort_data.compared_fields(selection, key) if cohort_data.is_category(item)]
    segments = [item.name for item in fields if "segment" in item.roles]
    return segments + [item.name for item in fields if item.name not in segments]


@remember
def gap(selection: Selection, ref: str, key: str, a: Cohort, b: Cohort, groups: Groups, *, points: bool) -> Gap:
    """Return why A's mean log-odds (or PD) differs from B's by one model; ValueError where one is empty."""
    rows = explained(selection, ref, key)
    scaled = to_points(rows) if points else rows
    return compute_gap(
        scaled, _inside(scaled, a), _inside(scaled, b), engine(selection).fetch, total="pd" if points else TOTAL,
        groups=dict(groups),
    )  # fmt: skip


def _inside(rows: ir.Table, cohort: Cohort) -> ir.BooleanValue:
    inside = ibis.literal(True)
    for name, values in cohort.where:
        inside = inside & rows[name].cast("string").isin(values).fill_null(False)
    return ~inside if cohort.rest else inside


@remember
def course_keys(selection: Selection, ref: str) -> list[str]:
    """Return the snapshots that a model has explained as it and its background are now, in time order."""
    from models.registry import load_registry
    from models.stored import check_scores

    here = portfolio(selection)
    entry = load_registry(here).find(ref)
    return [key for key in reversed(explained_keys(selection, ref)) if check_scores(here, entry, key) == "current"]


@remember
def course(selection: Selection, ref: str, groups: Groups) -> pd.DataFrame:
    """Return a model's drivers at the dates of `course_keys`."""
    here, loan = engine(selection), portfolio(selection).schema.id.name
    keys = course_keys(selection, ref)
    scores = here.scores(ref, keys)
    scores = scores.filter(scores.base.notnull())
    if selection.where:
        rows = select_rows(here.snapshots(keys), selection.where).select(loan, OBSERVATION_DATE)
        scores = scores.inner_join(rows, [loan, OBSERVATION_DATE])
    return compute_driver_course(scores, here.fetch, date=OBSERVATION_DATE, groups=dict(groups))
