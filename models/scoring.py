"""Scoring: PD, log-odds and attributions of whole snapshots, stored as columns beside the data."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from models.base import PdModel
from models.data import ensure_background
from models.encoding import Matrix
from models.families import PREDICTIONS
from models.predictions import check_column, read_column
from models.registry import Entry, load_card, load_model
from models.stored import PHI
from portfolio.atomic import replace_file
from portfolio.engine import Engine
from portfolio.errors import HypothecError
from portfolio.progress import Report, part_of, silent
from portfolio.schema import OBSERVATION_DATE

BLOCK = 20_000
SAMPLED_ROWS = 300  # how many loans of a snapshot are explained where shap explains, at seconds a loan


def score_portfolio(
    engine: Engine,
    entries: Sequence[Entry],
    *,
    keys: Sequence[str] | None = None,
    explain: Sequence[str] | None = None,
    report: Report = silent,
) -> int:
    """Score snapshots `keys` (all by default) with every model; explain those in `explain` (the latest by default).

    Writes one Parquet file a model version and snapshot; returns how many were written.
    """
    known = engine.portfolio.snapshot_keys()
    wanted = known if keys is None else list(keys)
    explained = known[-1:] if explain is None else list(explain)
    for key in (*wanted, *explained):
        engine.portfolio.snapshot_file(key)  # a wrong date is refused before an hour of work, not after
    for number, entry in enumerate(entries):
        share = part_of(report, number / len(entries), (number + 1) / len(entries))
        _score_model(engine, entry, wanted, explained, share)
    report(1.0, "scored")
    return len(entries) * len(wanted)


def _score_model(engine: Engine, entry: Entry, keys: Sequence[str], explained: Sequence[str], report: Report) -> None:
    if entry.family == PREDICTIONS:
        _copy_predictions(engine, entry, keys, report)
        return
    model = load_model(engine.portfolio, entry)
    background = ensure_background(engine, model.features)
    work = {key: 20 if key in explained else 1 for key in keys}  # explaining a snapshot takes far longer than scoring
    done = 0
    for key in keys:
        report(done / sum(work.values()), f"scoring {entry.ref}, {key}{' with attributions' if work[key] > 1 else ''}")
        frame = score_snapshot(engine, model, key, background if key in explained else None)
        store_scores(engine, entry, key, frame)
        done += work[key]


def _copy_predictions(engine: Engine, entry: Entry, keys: Sequence[str], report: Report) -> None:
    """Store a score column as delivered; nothing is explained, for there is no model to ask."""
    check_column(engine, str(load_card(engine.portfolio, entry)["config"]["column"]))
    for place, key in enumerate(keys):
        report(place / len(keys), f"copying {entry.ref}, {key}")
        store_scores(engine, entry, key, read_column(engine, entry, key))


def score_snapshot(engine: Engine, model: PdModel, key: str, background: pd.DataFrame | None) -> pd.DataFrame:
    """Return id, date, pd, log_odds of every loan of a snapshot and, with a background, base and attributions."""
    names = [item.name for item in model.features]
    id_name = engine.portfolio.schema.id.name
    columns = list(dict.fromkeys([id_name, OBSERVATION_DATE, *names]))
    frame = engine.fetch(engine.snapshots([key]).select(*columns).order_by(id_name))
    X = frame[names]
    parts = [model.predict_log_odds(X.iloc[start : start + BLOCK]) for start in range(0, len(X), BLOCK)]
    log_odds = np.concatenate(parts) if parts else np.zeros(0)
    scored = frame[[id_name, OBSERVATION_DATE]].assign(pd=1 / (1 + np.exp(-log_odds)), log_odds=log_odds)
    return scored if background is None else scored.join(_attributions(model, X, log_odds, background))


def _attributions(model: PdModel, X: pd.DataFrame, log_odds: Matrix, background: pd.DataFrame) -> pd.DataFrame:
    rows = X if model.explains_all_rows else X.iloc[spread_rows(log_odds, SAMPLED_ROWS)]
    parts = []
    for start in range(0, len(rows), BLOCK):
        done = model.explain(rows.iloc[start : start + BLOCK], background)
        parts.append(done.values.add_prefix(PHI).assign(base=done.base))
    return pd.concat(parts)


def spread_rows(log_odds: Matrix, count: int) -> npt.NDArray[np.int64]:
    """Return up to `count` row positions evenly spaced over the ranking by PD: all risk levels."""
    order = np.argsort(log_odds, kind="stable")
    return np.sort(order[np.unique(np.linspace(0, len(order) - 1, min(count, len(order))).astype(int))])


def store_scores(engine: Engine, entry: Entry, key: str, frame: pd.DataFrame) -> None:
    """Write one snapshot's scores atomically."""
    if not np.isfinite(frame["pd"]).all():
        raise HypothecError(
            f"model {entry.ref} gives {int((~np.isfinite(frame['pd'])).sum())} PDs in {key} that are "
            "no numbers; nothing was stored for this snapshot"
        )
    with replace_file(engine.portfolio.scores / entry.name / entry.version / f"{key}.parquet") as temporary:
        table = pa.Table.from_pandas(frame, preserve_index=False)
        place = table.schema.get_field_index(OBSERVATION_DATE)
        # pandas knows no dates: as a timestamp the column would not join with the snapshots' DATE
        table = table.set_column(
            place, OBSERVATION_DATE, table.column(place).cast(pa.timestamp("us")).cast(pa.date32())
        )
        pq.write_table(table, temporary, compression="zstd")
