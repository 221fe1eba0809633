"""The tables behind Explain's trust section: additivity, explanations made again, loans outside the training range."""

import datetime
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analytics import explanation_trust as trust
from analytics.what_if import Range
from pages.common import explain_data, what_if_data
from pages.common.cached import engine, hold, portfolio, remember
from portfolio.selection import Selection

LOANS, POOL = 100, 2_000  # loans explained again; training rows that backgrounds are drawn from
FEW = 5  # loans where one takes seconds
BOOK, TRAINING = 10_000, 20_000


@dataclass(frozen=True)
class Again:
    """One model's explanations made again: a row a repeat, a row a feature, and how many loans were explained."""

    repeats: pd.DataFrame
    spread: pd.DataFrame
    loans: int


@dataclass(frozen=True)
class Outside:
    """Loans outside a model's training range: `rare` by their numbers together, `fields` one by one.

    `rare` is None where the model reads no number. `loans` of `total` were looked at; `until` ends the training.
    """

    rare: float | None
    fields: pd.DataFrame
    loans: int
    total: int
    until: str


@remember
def additivity(selection: Selection, ref: str, key: str) -> pd.DataFrame:
    """Return how far the stored attributions of a snapshot miss the log-odds: see `compute_additivity`."""
    return trust.compute_additivity(explain_data.explained(selection, ref, key), engine(selection).fetch)


def limit(selection: Selection, ref: str) -> float:
    """Return the gap above which a family's attributions are refused."""
    return float(what_if_data.model(selection, ref).model.additivity_limit)


@hold
def _repeater(selection: Selection, ref: str) -> Any:
    from models.explanation_trust import Repeater
    from models.what_if import load_training

    live = what_if_data.model(selection, ref)
    pool = load_training(engine(selection), [item.name for item in live.features], POOL)
    return Repeater(live, pool, what_if_data.background(selection, ref))


def repeater(selection: Selection, ref: str) -> Any:
    """Return what explains loans again with a model; see `models.explanation_trust.Repeater`."""
    return _repeater(what_if_data.bare(selection), ref)


@hold
def _loans(selection: Selection, ref: str, key: str) -> pd.DataFrame:
    from models.explanation_trust import load_spread

    live = what_if_data.model(selection, ref)
    count = LOANS if live.model.explains_all_rows else FEW
    return load_spread(engine(selection), ref, key, selection.where, [item.name for item in live.features], count)


@remember
def seconds(selection: Selection, ref: str, key: str) -> float:
    """Return about how many seconds `again` takes where it is not cached yet."""
    return float(repeater(selection, ref).estimate_seconds(_loans(selection, ref, key)))


@remember
def again(selection: Selection, ref: str, key: str) -> Again:
    """Return how the explanations of some loans, spread over the ranking, change with background and seed."""
    maker, frame = repeater(selection, ref), _loans(selection, ref, key)
    names = list(maker.pool.frame.columns)
    recorded, repeated = maker.explain_as_recorded(frame), maker.explain(frame)
    groups = _groups(selection)
    grouped = [trust.group_attributions(phi, names, groups)[0] for phi in (recorded, repeated)]
    kinds, seeds = [item.kind for item in maker.repeats], [item.seed for item in maker.repeats]
    repeats = trust.compute_repeats(grouped[0], grouped[1], kinds, seeds)
    return Again(repeats, trust.compute_spread(recorded, repeated, names), len(frame))


def _groups(selection: Selection) -> dict[str, str]:
    return {item.name: item.group for item in portfolio(selection).schema.fields if item.group}


@remember
def reason_shares(selection: Selection, ref: str, key: str, loan_id: str) -> dict[str, float]:
    """Return for each reason of a loan (a group of the schema, or a field without one) how often it is given again.

    The share is of backgrounds and seeds other than the recorded ones; reasons are those of `analytics.reasons`.
    """
    from models.what_if import to_frame

    maker = repeater(selection, ref)
    schema, names = portfolio(selection).schema, list(maker.pool.frame.columns)
    row = to_frame(explain_data.loan(selection, key, loan_id), [schema.get(name) for name in names])
    _, phi = explain_data.loan_explanation(selection, ref, key, loan_id)
    groups = _groups(selection)
    recorded, order = trust.group_attributions(phi[names].to_numpy(dtype=float), names, groups)
    repeated, _ = trust.group_attributions(maker.explain_one(row), names, groups)
    shares = trust.compute_reason_shares(recorded, repeated)
    return {name: float(share) for name, share in zip(order, shares, strict=True) if not np.isnan(share)}


def unstable_reasons(selection: Selection, ref: str, key: str, loan_id: str) -> dict[str, float]:
    """Return the reasons of a loan that too few other backgrounds and seeds give again, with the share that do."""
    least = what_if_data.rule(selection).stable_share
    return {name: share for name, share in reason_shares(selection, ref, key, loan_id).items() if share < least}


@hold
def _training(selection: Selection, ref: str) -> tuple[Any, dict[str, Range], str]:
    """Return the isolation forest and the ranges over the rows a model was trained on, and their last date."""
    from models.registry import load_card, load_registry
    from models.what_if import describe_fields, fit_forest, load_training

    here, tail = portfolio(selection), what_if_data.rule(selection).rarest
    fields = what_if_data.fields(selection, (ref,))
    until = (load_card(here, load_registry(here).find(ref)).get("trained_on") or {}).get("until")
    day = datetime.date.fromisoformat(str(until)[:10]) if until else None
    frame = load_training(engine(selection), [item.name for item in fields], TRAINING, until=day)
    spreads = describe_fields(frame, fields, tails=[tail])
    ranges = {
        name: Range(categories=item.categories) if item.categories else Range(*item.ends[tail])
        for name, item in spreads.items()
    }
    return fit_forest(frame, fields, rarest=tail), ranges, str(until)[:10] if until else ""


@remember
def outside(selection: Selection, ref: str, key: str) -> Outside:
    """Return how many loans of a snapshot are outside what a model was trained on, by the policy's threshold."""
    from models.what_if import load_book

    forest, ranges, until = _training(what_if_data.bare(selection), ref)
    sample = load_book(engine(selection), list(what_if_data.feature_names(what_if_data.bare(selection), (ref,))), key,
                       selection.where, BOOK)  # fmt: skip
    rare = None if forest is None else float(forest.is_rare(sample.frame).mean())
    return Outside(rare, trust.compute_outside(sample.frame, ranges), len(sample.frame), sample.total, until)
