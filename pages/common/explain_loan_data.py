"""The tables behind the One loan section: finding a loan, its past, its PDs over time, and where else it is."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from analytics import loan_history, loan_search
from pages.common import cached, explain_trust_data, what_if_data
from pages.common.cached import engine, portfolio, remember
from portfolio.engine import Engine
from portfolio.errors import HypothecError
from portfolio.schema import OBSERVATION_DATE
from portfolio.selection import Selection, select_rows
from portfolio.workspace import list_portfolios

LISTED = 200


@dataclass(frozen=True)
class Whereabouts:
    """Where a loan is: the snapshots that hold it, and the last month of its history (None without one)."""

    snapshots: tuple[str, ...]
    past: loan_history.Past | None

    @property
    def known(self) -> bool:
        """Whether the portfolio has the loan at all."""
        return bool(self.snapshots) or self.past is not None


def crowd(selection: Selection, key: str, refs: tuple[str, ...]) -> Any:
    """Return the filtered loans of a snapshot that every model has scored (an Ibis table).

    Columns: loan (text), each model's PD under its reference, the exposure and the segments under their names.
    """
    here, schema = engine(selection), portfolio(selection).schema
    rows = select_rows(here.snapshots([key]), selection.where)
    own = [*([schema.exposure.name] if schema.exposure else []), *schema.names("segment")]
    table = rows.select(rows[schema.id.name].cast("string").name(loan_search.LOAN),
                        *(rows[name] for name in dict.fromkeys(own) if name != loan_search.LOAN))  # fmt: skip
    for ref in refs:
        scores = here.scores(ref, [key])
        pds = scores.select(scores[schema.id.name].cast("string").name(loan_search.LOAN), scores["pd"].name(ref))
        table = table.inner_join(pds, loan_search.LOAN)
    return table


@remember
def examples(selection: Selection, key: str, lead: str, refs: tuple[str, ...]) -> dict[str, str]:
    """Return loans worth a look: label → id."""
    return loan_search.find_examples(crowd(selection, key, refs), engine(selection).fetch, lead, refs)


@remember
def loan_pds(selection: Selection, key: str, refs: tuple[str, ...], loan_id: str) -> dict[str, float] | None:
    """Return a loan's PD by each model, or None where the snapshot has no such loan within the filters."""
    table = crowd(selection, key, refs)
    found = engine(selection).fetch(table.filter(table[loan_search.LOAN] == loan_id).select(*refs).limit(1))
    return None if found.empty else {ref: float(found[ref].iloc[0]) for ref in refs}


@remember
def listed(selection: Selection, key: str, refs: tuple[str, ...], by: str, *, ascending: bool) -> pd.DataFrame:
    """Return the loans with the highest or lowest PD of a model: see `list_loans`."""
    table = crowd(selection, key, refs)
    return loan_search.list_loans(table, engine(selection).fetch, by, ascending=ascending, limit=LISTED)


@remember
def counted(selection: Selection, key: str, refs: tuple[str, ...]) -> int:
    """Return how many loans of a snapshot the filters leave."""
    table = crowd(selection, key, refs)
    return int(engine(selection).fetch(table.aggregate(n=table.count()))["n"].iloc[0])


@remember
def by_part(selection: Selection, key: str, refs: tuple[str, ...], part: str) -> tuple[list[str], int]:
    """Return ids that hold a text, and how many there are."""
    return loan_search.find_by_part(crowd(selection, key, refs), engine(selection).fetch, part)


@remember
def cloud(selection: Selection, key: str, x: str, y: str) -> pd.DataFrame:
    """Return two models' PDs of a sample of loans: see `sample_cloud`."""
    return loan_search.sample_cloud(crowd(selection, key, (x, y)), engine(selection).fetch, x, y)


@remember
def history(selection: Selection, loan_id: str) -> pd.DataFrame:
    """Return a loan's months; no rows where the portfolio has no history of it."""
    here = portfolio(selection)
    if not here.has_history:
        return pd.DataFrame(
            {"month": pd.to_datetime([]), "balance": [], "days_past_due": [], "status": [], "event": []}
        )
    table = engine(selection).performance()
    return loan_history.compute_history(table, engine(selection).fetch, key=here.schema.id.name, loan=loan_id)


@remember
def course(selection: Selection, refs: tuple[str, ...], loan_id: str) -> pd.DataFrame:
    """Return date, model and pd of a loan in every snapshot that a model has scored, in time order."""
    here, name = engine(selection), portfolio(selection).schema.id.name
    parts = []
    for ref in refs:
        scores = here.scores(ref)
        own = scores.filter(scores[name].cast("string") == loan_id)
        parts.append(here.fetch(own.select(date=own[OBSERVATION_DATE], pd=own["pd"])).assign(model=ref))
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(date=pd.to_datetime(frame["date"])).sort_values(["date", "model"], ignore_index=True)


@remember
def whereabouts(selection: Selection, loan_id: str) -> Whereabouts:
    """Return in which snapshots of the whole portfolio a loan is, and how its history ends."""
    months = history(selection, loan_id)
    past = loan_history.summarise_history(months) if len(months) else None
    return Whereabouts(_snapshots_with(engine(selection), loan_id), past)


def _snapshots_with(here: Engine, loan_id: str) -> tuple[str, ...]:
    keys = here.portfolio.snapshot_keys()
    if not keys:
        return ()
    rows = here.snapshots()
    own = rows.filter(rows[here.portfolio.schema.id.name].cast("string") == loan_id)
    dates = here.fetch(own.select(date=own[OBSERVATION_DATE].cast("date").cast("string")).distinct())["date"]
    return tuple(sorted(dates.fillna(keys[0]).astype(str)))


def elsewhere(selection: Selection, loan_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the other portfolios of the workspace that hold a loan of this id, and those that could not be read."""
    found, unread = [], []
    for name in list_portfolios(portfolio(selection).root.parent):
        if name == selection.portfolio:
            continue
        try:
            if _snapshots_with(Engine(cached.portfolio(Selection(selection.workspace, name))), loan_id):
                found.append(name)
        except HypothecError:  # a broken neighbour is told of, and is no reason to stop here
            unread.append(name)
    return tuple(found), tuple(unread)


@remember
def stability(selection: Selection, ref: str, key: str, loan_id: str) -> dict[str, float]:
    """Return what share of other backgrounds and seeds gives each of a loan's reasons again, by group or field.

    {} for a model that takes seconds to explain a loan: its reasons are not made again in a page.
    """
    if not what_if_data.model(selection, ref).model.explains_all_rows:
        return {}
    return explain_trust_data.reason_shares(Selection(selection.workspace, selection.portfolio), ref, key, loan_id)


def stable_share(selection: Selection) -> float:
    """Return from which share on a reason counts as stable, by the portfolio's policy."""
    return float(what_if_data.rule(selection).stable_share)


def outcome(selection: Selection, key: str, loan_id: str) -> float:
    """Return whether the event followed (1 or 0), NaN where it is not known."""
    here, schema = engine(selection), portfolio(selection).schema
    rows = here.snapshots([key])
    own = rows.filter(rows[schema.id.name].cast("string") == loan_id)
    found = here.fetch(own.select(y=own[schema.target.name].cast("float64")))
    return float(found["y"].iloc[0]) if len(found) else float("nan")
