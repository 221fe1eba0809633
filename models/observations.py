"""The rows models read: snapshots, joined with the histories where a model reads sequences."""

from collections.abc import Sequence

import ibis.expr.types as ir

from models.encoding import Feature, features_of, model_features
from portfolio.engine import Engine
from portfolio.histories import LOAN, SEQUENCES, available_channels, ensure_histories
from portfolio.progress import Report, silent
from portfolio.schema import OBSERVATION_DATE


def choose_features(engine: Engine, names: Sequence[str]) -> tuple[Feature, ...]:
    """Return the named fields and sequences as features; all fields with the role feature where none is named."""
    schema = engine.portfolio.schema
    if not names:
        return model_features(schema)
    fields = [name for name in names if name not in SEQUENCES]
    sequences = [name for name in names if name in SEQUENCES]
    read = tuple(Feature(name, "sequence", channels=available_channels(engine.portfolio, name)) for name in sequences)
    return (*features_of(schema, fields), *read)


def observe(
    engine: Engine, features: Sequence[Feature], keys: Sequence[str] | None = None, *, report: Report = silent
) -> ir.Table:
    """Return the snapshots `keys` (all by default) with every column that `features` name.

    Histories that are not there yet are gathered first, which takes about a second a snapshot of 25,000 loans.
    """
    wanted = engine.portfolio.snapshot_keys() if keys is None else list(keys)
    table = engine.snapshots(wanted)
    names = [item.name for item in features if item.kind == "sequence"]
    if not names:
        return table
    ensure_histories(engine.portfolio, wanted, names, report=report)
    histories = engine.histories(wanted).select(_loan=LOAN, _when=OBSERVATION_DATE, **{name: name for name in names})
    id_name = engine.portfolio.schema.id.name
    same = [table[id_name] == histories["_loan"], table[OBSERVATION_DATE] == histories["_when"]]
    return table.inner_join(histories, same).drop("_loan", "_when")
