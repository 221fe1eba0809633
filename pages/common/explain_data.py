"""The tables behind the explain page: what drives the models, and one loan's attributions."""

from typing import Any

import pandas as pd

from analytics import attributions
from pages.common.cached import engine, hold, portfolio, remember
from pages.common.model_data import scored_keys
from portfolio.selection import Selection, select_rows


@remember
def explained_keys(selection: Selection, ref: str) -> list[str]:
    """Return the snapshots that a model version has explained, latest first."""
    import pyarrow.parquet as pq

    folder = portfolio(selection).scores / ref
    return [
        key
        for key in reversed(scored_keys(selection, ref))
        if "base" in pq.read_schema(folder / f"{key}.parquet").names
    ]


@remember
def importance(selection: Selection, ref: str, key: str) -> pd.DataFrame:
    """Mean size of every feature's attributions of a model at a snapshot that it has explained."""
    return attributions.compute_importance(attributed(selection, ref, key), engine(selection).fetch)


def attributed(selection: Selection, ref: str, key: str) -> Any:
    """Return the scores of a snapshot's explained loans, filtered by the selection (an Ibis table)."""
    here, name = engine(selection), portfolio(selection).schema.id.name
    scores = here.scores(ref, [key])
    scores = scores.filter(scores.base.notnull())
    if not selection.where:  # without a filter nothing of the snapshot is needed, and a million rows need no join
        return scores
    rows = select_rows(here.snapshots([key]), selection.where)
    return scores.semi_join(rows.select(name), name)


def explained(selection: Selection, ref: str, key: str) -> Any:
    """Return a snapshot's explained loans with their features, filtered by the selection (an Ibis table)."""
    here, schema = engine(selection), portfolio(selection).schema
    scores = here.scores(ref, [key])
    rows = select_rows(here.snapshots([key]), selection.where)
    own = [name for name in scores.columns if name not in rows.columns]
    joined = rows.inner_join(scores.select(schema.id.name, *own), schema.id.name)
    return joined.filter(joined.base.notnull())


@remember
def dependence(selection: Selection, ref: str, key: str, feature: str) -> attributions.Dependence:
    """How a model's attribution of a feature depends on its value."""
    here, schema = engine(selection), portfolio(selection).schema
    return attributions.compute_dependence(explained(selection, ref, key), feature, here.fetch, keys=[schema.id.name])


@remember
def loan_index(selection: Selection, key: str, refs: tuple[str, ...]) -> pd.DataFrame:
    """Return id, and the PDs of the models `refs`, of the loans of a snapshot (for picking one)."""
    from models.stored import load_loan_index

    return load_loan_index(engine(selection), refs, key, selection.where)


@remember
def loan(selection: Selection, key: str, loan_id: str) -> pd.Series:
    """Return one loan's row of a snapshot."""
    from models.stored import load_loan

    return load_loan(engine(selection), key, loan_id)


@hold
def _model(selection: Selection, ref: str) -> Any:
    from models.registry import load_model, load_registry

    here = portfolio(selection)
    return load_model(here, load_registry(here).find(ref))


@remember
def loan_explanation(selection: Selection, ref: str, key: str, loan_id: str) -> tuple[float, pd.Series]:
    """Return base and attributions of one loan: the stored ones, or made now where the loan has none."""
    from models.stored import explain_loan

    return explain_loan(engine(selection), lambda: _model(selection, ref), ref, key, loan_id)


@remember
def typical(selection: Selection) -> dict[str, Any]:
    """Return the recorded background's median or most frequent value of each feature."""
    from models.stored import typical_values

    return typical_values(engine(selection))
