"""The tables behind similar loans: the nearest in a snapshot, and what became of loans like it at earlier dates."""

import itertools
from typing import Any

import pandas as pd

from analytics import similar
from analytics.attributions import PHI
from pages.common import explain_data, model_data
from pages.common.cached import engine, portfolio, remember
from portfolio.schema import LABEL_MATURE, OBSERVATION_DATE
from portfolio.selection import Selection, select_rows

NEAREST, DATES = 10, 5
Refs = tuple[str, ...]


@remember
def by_reasons(selection: Selection, key: str, refs: Refs, ref: str, loan_id: str) -> pd.DataFrame:
    """Return the loans that a model judges alike for the same reasons: _loan, PDs, own fields, _distance (log-odds)."""
    here, name = engine(selection), portfolio(selection).schema.id.name
    _, phi = explain_data.loan_explanation(selection, ref, key, loan_id)
    scores = here.scores(ref, [key])
    own = scores.select(scores[name].cast("string").name(similar.LOAN), *(f"{PHI}{item}" for item in phi.index))
    table = _crowd(selection, key, refs).inner_join(own, similar.LOAN)
    gap = similar.attribution_gap(table, {str(name): float(value) for name, value in phi.items()})
    return similar.find_nearest(table, gap, here.fetch, loan=loan_id, keep=_kept(selection, refs), limit=NEAREST)


@remember
def by_fields(selection: Selection, key: str, refs: Refs, ref: str, weigh_at: str, loan_id: str) -> pd.DataFrame:
    """Return the loans whose fields are alike, weighed as a model does: as `by_reasons`, _distance in spreads."""
    table = _crowd(selection, key, refs)
    gap = _field_gap(selection, table, key, ref, weigh_at, loan_id)
    fetch = engine(selection).fetch
    return similar.find_nearest(table, gap, fetch, loan=loan_id, keep=_kept(selection, refs), limit=NEAREST)


@remember
def fate(selection: Selection, key: str, ref: str, weigh_at: str, loan_id: str) -> similar.Fate:
    """Return what became of the loans that were alike at the dates of `past_keys`, with the PD they had then."""
    here, schema = engine(selection), portfolio(selection).schema
    rows = select_rows(here.snapshots(past_keys(selection, key)), selection.where)
    table = _with_id(rows, schema.id.name)
    scored = [past for past in past_keys(selection, key) if past in model_data.scored_keys(selection, ref)]
    if scored:
        scores = here.scores(ref, scored)
        pds = scores.select(
            scores[schema.id.name].cast("string").name("_scored"), _pd=scores["pd"], _date=_date(scores)
        )
        table = table.left_join(pds, [table[similar.LOAN] == pds["_scored"], _date(table) == pds["_date"]])
    return similar.compute_fate(
        table,
        _field_gap(selection, table, key, ref, weigh_at, loan_id),
        here.fetch,
        loan=loan_id,
        outcome=schema.target.name,
        pd_column="_pd" if scored else "",
        level=model_data.level(selection),
    )


@remember
def past_keys(selection: Selection, key: str) -> list[str]:
    """Return the snapshots whose outcomes were known at the date of `key`, latest first, a horizon apart, five at most.

    Their outcome windows do not overlap, so a loan's outcome counts once. A table without dates is its own past.
    """
    here, schema = engine(selection), portfolio(selection).schema
    keys = here.portfolio.snapshot_keys()
    if key not in keys or keys == ["all"]:
        return keys
    rows = here.snapshots()
    known = here.fetch(rows.filter(rows[LABEL_MATURE]).select(key=_date(rows)).distinct())["key"]
    step, latest, found = pd.DateOffset(months=schema.horizon_months or 1), pd.Timestamp(key), []
    for date in sorted(pd.to_datetime(known), reverse=True):
        # A month end less twelve months may lie a day before that month's end: months are compared, not days.
        if date.to_period("M") <= (latest - step).to_period("M"):
            found.append(f"{date:%Y-%m-%d}")
            latest = date
    return list(itertools.islice(found, DATES))


def _crowd(selection: Selection, key: str, refs: Refs) -> Any:
    """Return the filtered rows of a snapshot with _loan and each model's PD under its reference (an Ibis table)."""
    here, name = engine(selection), portfolio(selection).schema.id.name
    table = _with_id(select_rows(here.snapshots([key]), selection.where), name)
    for ref in refs:
        scores = here.scores(ref, [key])
        pds = scores.select(scores[name].cast("string").name(similar.LOAN), scores["pd"].name(ref))
        table = table.inner_join(pds, similar.LOAN)
    return table


def _with_id(rows: Any, name: str) -> Any:
    return rows.mutate(**{similar.LOAN: rows[name].cast("string")})


def _date(table: Any) -> Any:
    """Return the observation date as text: an undated table's NULL would match nothing in a join."""
    return table[OBSERVATION_DATE].cast("date").cast("string").fill_null("")


def _kept(selection: Selection, refs: Refs) -> list[str]:
    """Return the columns shown of a similar loan: PDs, exposure, segments, outcome."""
    schema = portfolio(selection).schema
    own = [*([schema.exposure.name] if schema.exposure else []), *schema.names("segment")[:4], schema.target.name]
    return list(dict.fromkeys([*refs, *own]))


def _field_gap(selection: Selection, table: Any, key: str, ref: str, weigh_at: str, loan_id: str) -> Any:
    whole = Selection(selection.workspace, selection.portfolio)  # what is far does not depend on filters
    weights = _weights(whole, ref, weigh_at)
    row = explain_data.loan(whole, key, loan_id)
    return similar.field_gap(table, {name: row[name] for name in weights}, spreads(whole, key, tuple(weights)), weights)


def _weights(whole: Selection, ref: str, weigh_at: str) -> dict[str, float]:
    """Return each field's share of a model's importance at the snapshot it explained; histories are no fields."""
    fields = [item.name for item in portfolio(whole).schema.with_role("feature") if item.kind != "date"]
    own = pd.DataFrame(columns=["feature", "share"])
    if weigh_at in explain_data.explained_keys(whole, ref):
        own = explain_data.importance(whole, ref, weigh_at)
        own = own[own["feature"].isin(fields) & (own["share"] > 0)]
    if own.empty:  # not explained there, or it uses no feature: all count alike
        return dict.fromkeys(fields, 1.0)
    return {str(name): float(share) for name, share in zip(own["feature"], own["share"], strict=True)}


@remember
def spreads(whole: Selection, key: str, names: tuple[str, ...]) -> dict[str, float]:
    """Return the spread of each number among the fields `names` in a snapshot."""
    here, schema = engine(whole), portfolio(whole).schema
    numbers = [name for name in names if schema.get(name).kind == "number"]
    return similar.compute_spreads(here.snapshots([key]), numbers, here.fetch)
