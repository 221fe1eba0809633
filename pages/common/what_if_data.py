"""The tables behind the what-if page: one loan, the models that rate it anew, what is plausible, the book to shock."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analytics.counterfactual import Counterfactual, Option, find_smallest_change
from analytics.what_if import Range, complete_each, compute_change, follow, with_values
from pages.common import model_data
from pages.common.cached import engine, hold, portfolio, remember
from portfolio.policy import ExplanationRule, load_policy
from portfolio.schema import Field
from portfolio.selection import Selection

BOOK_LOANS, TRAINING_ROWS = 50_000, 50_000
GRID = 61  # points of a curve
SLIDER, USUAL = 0.01, 0.1  # tails: sliders span 1 to 99 % of the book, changes are measured in its 10 to 90 %

Edits = tuple[tuple[str, Any], ...]


def bare(selection: Selection) -> Selection:
    """Return the whole portfolio: models and ranges do not depend on filters."""
    return Selection(selection.workspace, selection.portfolio)


@hold
def _model(selection: Selection, ref: str) -> Any:
    from models.registry import load_model, load_registry
    from models.what_if import LiveModel

    here = portfolio(selection)
    return LiveModel(load_model(here, load_registry(here).find(ref)))


def model(selection: Selection, ref: str) -> Any:
    """Return a fitted model made quick for a few loans, loaded once."""
    return _model(bare(selection), ref)


@remember
def rule(selection: Selection) -> ExplanationRule:
    """Return the policy's criteria of explanations and of what-if."""
    return load_policy(portfolio(selection)).explanation


@hold
def _background(selection: Selection, ref: str) -> pd.DataFrame:
    from models.data import ensure_background

    return ensure_background(engine(selection), model(selection, ref).features)


def background(selection: Selection, ref: str) -> pd.DataFrame:
    """Return the recorded background with a model's features, read once."""
    return _background(bare(selection), ref)


@remember
def feature_names(selection: Selection, refs: tuple[str, ...]) -> tuple[str, ...]:
    """Return the fields that any of the models reads, in the schema's order."""
    used = {item.name for ref in refs for item in model(selection, ref).features}
    return tuple(item.name for item in portfolio(selection).schema.fields if item.name in used)


def fields(selection: Selection, refs: tuple[str, ...]) -> list[Field]:
    """Return the schema's fields that any of the models reads."""
    schema = portfolio(selection).schema
    return [schema.get(name) for name in feature_names(bare(selection), refs)]


def meanings(selection: Selection, refs: tuple[str, ...]) -> dict[str, str]:
    """Return meaning → field of what the models read; the exposure by its role where no field says so."""
    schema = portfolio(selection).schema
    own = fields(selection, refs)
    found = {item.meaning: item.name for item in reversed(own) if item.meaning}
    if schema.exposure and schema.exposure in own:
        found.setdefault("exposure", schema.exposure.name)
    return found


@remember
def examples(selection: Selection, ref: str, key: str) -> dict[str, str]:
    """Return loans worth a look: label → id."""
    from models.what_if import find_examples

    return find_examples(engine(selection), ref, key, selection.where)


@remember
def has_loan(selection: Selection, key: str, loan: str) -> bool:
    """Whether the snapshot has the loan within the filters."""
    from models import what_if

    return what_if.has_loan(engine(selection), key, loan, selection.where)


@remember
def loan(selection: Selection, refs: tuple[str, ...], key: str, loan_id: str) -> pd.DataFrame:
    """Return one loan's features as a frame of one row."""
    from models.stored import load_loan
    from models.what_if import to_frame

    return to_frame(load_loan(engine(selection), key, loan_id), fields(selection, refs))


def change(selection: Selection, refs: tuple[str, ...], row: pd.DataFrame, edits: Mapping[str, Any]) -> pd.DataFrame:
    """Return the loan with `edits`, and with what follows from them moved along."""
    return complete(selection, refs, row, with_values(row, edits), frozenset(edits))


def complete(
    selection: Selection, refs: tuple[str, ...], before: pd.DataFrame, after: pd.DataFrame, fixed: frozenset[str]
) -> pd.DataFrame:
    """Return `after` with linked fields moved along from `before`."""
    rate = portfolio(selection).schema.meaning("rate")
    names = meanings(selection, refs)
    return follow(before, after, fixed=fixed, names=names, rate_unit=rate.unit if rate else "share")


def pds(selection: Selection, ref: str, frame: pd.DataFrame) -> Any:
    """Return a model's PDs of a frame of loans."""
    return model(selection, ref).pds(frame)


@remember
def attributions(
    selection: Selection, refs: tuple[str, ...], ref: str, key: str, loan_id: str, edits: Edits
) -> pd.DataFrame:
    """Return what each feature's attribution was and is, largest change first: see `compute_change`."""
    row = loan(selection, refs, key, loan_id)
    after = change(selection, refs, row, dict(edits))
    return compute_change(*model(selection, ref).explain_both(row, after, background(selection, ref)))


@remember
def curve(
    selection: Selection, refs: tuple[str, ...], key: str, loan_id: str, edits: Edits, field: str, grid: tuple[Any, ...]
) -> pd.DataFrame:
    """Return each model's PD of the changed loan over the values `grid` of a field: columns value and each model."""
    row = loan(selection, refs, key, loan_id)
    before = pd.concat([row] * len(grid), ignore_index=True)
    after = with_values(before, {**dict(edits), field: list(grid)})
    moved = complete(selection, refs, before, after, frozenset([*dict(edits), field]))
    return pd.DataFrame({"value": list(grid), **{ref: pds(selection, ref, moved) for ref in refs}})


@remember
def smallest_change(
    selection: Selection,
    refs: tuple[str, ...],
    ref: str,
    key: str,
    loan_id: str,
    options: tuple[Option, ...],
    threshold: float,
) -> Counterfactual:
    """Return the smallest change among `options` that brings a model's PD of a loan below `threshold`."""
    row, names = loan(selection, refs, key, loan_id), meanings(selection, refs)
    rate = portfolio(selection).schema.meaning("rate")

    def complete_all(frame: pd.DataFrame, changed: Any) -> Any:
        return complete_each(row, frame, changed, names=names, rate_unit=rate.unit if rate else "share")

    return find_smallest_change(row, options, model(selection, ref).pds, complete_all, threshold=threshold)


@hold
def _training(selection: Selection, refs: tuple[str, ...]) -> pd.DataFrame:
    from models.what_if import load_training

    return load_training(engine(selection), feature_names(selection, refs), TRAINING_ROWS)


@remember
def training_ranges(selection: Selection, refs: tuple[str, ...]) -> dict[str, Range]:
    """Return what the training loans have of each field: all but the policy's rarest of a number, every category."""
    from models.what_if import describe_fields

    tail = rule(selection).rarest
    spreads = describe_fields(_training(bare(selection), refs), fields(selection, refs), tails=[tail])
    return {
        name: Range(categories=item.categories) if item.categories else Range(*item.ends[tail])
        for name, item in spreads.items()
    }


@hold
def _forest(selection: Selection, refs: tuple[str, ...]) -> Any:
    from models.what_if import fit_forest

    return fit_forest(_training(selection, refs), fields(selection, refs), rarest=rule(selection).rarest)


def forest(selection: Selection, refs: tuple[str, ...]) -> Any:
    """Return the isolation forest over the training loans; None where they have no number."""
    return _forest(bare(selection), refs)


def is_rare(selection: Selection, refs: tuple[str, ...], frame: pd.DataFrame) -> bool:
    """Whether the loan's numbers together are rarer than those of nearly all training loans."""
    found = forest(selection, refs)
    return found is not None and bool(found.is_rare(frame)[0])


@hold
def _book(selection: Selection, refs: tuple[str, ...], key: str) -> Any:
    from models.what_if import load_book

    schema = portfolio(selection).schema
    further = [*schema.names("segment"), *schema.names("exposure")]
    names = [*feature_names(bare(selection), refs), *further]
    return load_book(engine(selection), names, key, selection.where, BOOK_LOANS)


def book(selection: Selection, refs: tuple[str, ...], key: str) -> Any:
    """Return the loans of the snapshot that shocks are applied to: `frame`, `total` and `complete`."""
    return _book(selection, refs, key)


@remember
def spreads(selection: Selection, refs: tuple[str, ...], key: str) -> dict[str, Any]:
    """Return how each field is spread over the loans of the snapshot."""
    from models.what_if import describe_fields

    frame = book(bare(selection), refs, key).frame
    return describe_fields(frame, fields(selection, refs), tails=[SLIDER, USUAL])


def warm_up(selection: Selection) -> None:
    """Load the models and what the first slider needs, so that no visitor waits for it."""
    refs = tuple(item.ref for item in usable_models(selection))
    if refs:
        training_ranges(selection, refs)
        forest(selection, refs)
    for ref in refs:
        background(selection, ref)


def usable_models(selection: Selection) -> list[model_data.ModelView]:
    """Return the scored models that can rate a changed loan: without predictions and models that read histories."""
    from models.families import PREDICTIONS

    if not portfolio(selection).schema.with_role("target"):
        return []
    known = [item for item in model_data.models(selection) if item.family != PREDICTIONS]
    return [item for item in known if not model_data.histories(selection, item.ref)]


def history_readers(selection: Selection) -> list[str]:
    """Return the labels of the scored models that read histories of months."""
    return [item.label for item in model_data.models(selection) if model_data.histories(selection, item.ref)]


def is_live(item: model_data.ModelView) -> bool:
    """Whether a model's attributions are made at once."""
    from models.what_if import LIVE_FAMILIES

    return item.family in LIVE_FAMILIES


def make_grid(low: float, high: float, *, whole: bool) -> tuple[float, ...]:
    """Return evenly spaced values from `low` to `high`, whole ones where the field has no others."""
    values = np.linspace(low, high, GRID)
    return tuple(float(value) for value in (np.unique(np.round(values)) if whole else values))
