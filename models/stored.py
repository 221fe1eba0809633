"""What scoring stored, read back: PDs of a sample, a snapshot's loans, one loan's attributions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from models.base import Labels, PdModel
from models.data import ensure_background
from models.observations import observe
from models.registry import Entry, load_card, load_registry
from models.score_stamp import hash_background, hash_model, read_stamp, score_path
from portfolio.engine import Engine
from portfolio.errors import HypothecError
from portfolio.schema import OBSERVATION_DATE, SAMPLE
from portfolio.selection import select_rows
from portfolio.workspace import Portfolio

PHI = "phi_"
STEPS = 1_000_000
State = Literal["current", "stale", "missing", "not explained"]
Where = tuple[tuple[str, tuple[str, ...]], ...]
Columns = Mapping[str, Callable[[ir.Table], ir.Value]]


@dataclass(frozen=True)
class Scored:
    """A sample's rows with known outcome: `y`, the loan's hash of each row, and each model's PDs by reference."""

    y: Labels
    loan: "np.ndarray[tuple[int], np.dtype[np.uint64]]"
    scores: dict[str, "np.ndarray[tuple[int], np.dtype[np.float64]]"]


def load_scored(engine: Engine, refs: Sequence[str], sample: str, where: Where) -> Scored:
    """Return outcome and stored PDs of every row of `sample` that all the models have scored."""
    table = _judged(engine, refs, sample, where, {})
    wanted = table.select("_y", _loan=table["_id"].hash(), **{f"_pd{i}": table[f"_pd{i}"] for i in range(len(refs))})
    frame = engine.fetch(wanted)
    return Scored(
        frame["_y"].to_numpy(),
        frame["_loan"].to_numpy(),
        {ref: frame[f"_pd{place}"].to_numpy() for place, ref in enumerate(refs)},
    )


def count_judged(engine: Engine, refs: Sequence[str], where: Where) -> dict[str, tuple[int, int]]:
    """Return (rows, events) of each sample: rows with known outcome that all the models have scored."""
    table = _all_judged(engine, refs, where, {})
    counted = engine.fetch(table.group_by("_sample").agg(rows=table.count(), events=table["_y"].sum()))
    return {str(name): (int(rows), int(events)) for name, rows, events in counted.itertuples(index=False)}


def load_judged_rows(
    engine: Engine, refs: Sequence[str], sample: str, where: Where, columns: Columns, *, limit: int | None = None
) -> pd.DataFrame:
    """Return the rows of `load_scored` with what is known of them, in the order of loan and date.

    `_loan` (its id as text), `_date` ("2025-06-30"; "" in a table without dates), `_y`, one column of PDs a model
    reference, and `columns`: a name and how it is made of the snapshots' table. With `limit` about that many rows: all
    of the loans whose ids have the smallest hashes, so the same at every visit.
    """
    table = _judged(engine, refs, sample, where, columns)
    if limit is not None:
        total = int(engine.fetch(table.aggregate(n=table.count()))["n"].iloc[0])
        if total > limit:
            table = table.filter((table["_id"].cast("string").hash() % STEPS).abs() < int(STEPS * limit / total))
    wanted = table.select(
        *columns, "_y", _loan=table["_id"].cast("string"), _date=table["_date"],
        **{ref: table[f"_pd{place}"] for place, ref in enumerate(refs)},
    )  # fmt: skip
    return engine.fetch(wanted.order_by("_loan", "_date"))


def _judged(engine: Engine, refs: Sequence[str], sample: str, where: Where, columns: Columns) -> ir.Table:
    """Return `_all_judged` of one sample."""
    table = _all_judged(engine, refs, where, columns)
    return table.filter(table["_sample"] == sample)


def _all_judged(engine: Engine, refs: Sequence[str], where: Where, columns: Columns) -> ir.Table:
    """Return `_id`, `_date`, `_sample`, `_y`, `_pd0`, … and `columns` of the rows that all models have scored."""
    schema = engine.portfolio.schema
    id_name, target = schema.id.name, schema.target.name
    rows = select_rows(engine.snapshots(), where)
    table = rows.filter(rows[target].notnull()).select(
        *(make(rows).name(name) for name, make in columns.items()),  # by position: a field may be called "self"
        _id=rows[id_name],
        _date=_date_key(rows),
        _sample=rows[SAMPLE],
        _y=rows[target].cast("int64"),
    )
    for place, ref in enumerate(refs):
        scores = engine.scores(ref)
        part = scores.select(_id=scores[id_name], _date=_date_key(scores), **{f"_pd{place}": scores["pd"]})
        table = table.inner_join(part, ["_id", "_date"])
    return table


def _date_key(table: ir.Table) -> ir.Column:
    """Return the observation date as text: an undated table's NULL would match nothing in a join."""
    return table[OBSERVATION_DATE].cast("date").cast("string").fill_null("")


def load_loan_index(engine: Engine, refs: Sequence[str], key: str, where: Where) -> pd.DataFrame:
    """Return `loan` (as text) and one PD column a model reference, for the loans of snapshot `key`."""
    id_name = engine.portfolio.schema.id.name
    rows = select_rows(engine.snapshots([key]), where)
    table = rows.select(loan=rows[id_name].cast("string"))
    for ref in refs:
        scores = engine.scores(ref, [key])
        table = table.inner_join(scores.select(loan=scores[id_name].cast("string"), **{ref: scores["pd"]}), "loan")
    return engine.fetch(table.order_by("loan"))


def check_scores(portfolio: Portfolio, entry: Entry, key: str) -> State:
    """Return what is stored of a model version's scores of snapshot `key`.

    "current": scored and explained (all loans or a sample) by these model files against the recorded background.
    "not explained": scored by these files, without attributions. "stale": from other files than the manifest's or
    against another background, or written by a version of the program that did not record it. "missing": not scored.
    """
    portfolio.snapshot_file(key)
    path = score_path(portfolio, entry, key)
    if not path.exists():
        return "missing"
    stamp = read_stamp(path)
    if stamp is None or stamp.model_sha256 != hash_model(entry):
        return "stale"
    if not stamp.explained:
        return "not explained"
    return "current" if stamp.background_sha256 == _recorded_background(portfolio, entry) else "stale"


def _recorded_background(portfolio: Portfolio, entry: Entry) -> str:
    """Return the SHA-256 of the recorded background in the model's features; "" where it lacks some or is gone."""
    path = portfolio.models / "background.parquet"
    names = [item["name"] for item in load_card(portfolio, entry)["features"]]
    background = pd.read_parquet(path) if path.exists() else pd.DataFrame()
    return hash_background(background[names]) if set(names) <= set(background.columns) else ""


def load_loan(engine: Engine, key: str, loan: str) -> pd.Series:
    """Return one loan's row of snapshot `key`; an unknown id is refused, and where else it is is said."""
    id_name = engine.portfolio.schema.id.name
    rows = engine.snapshots([key])
    found = engine.fetch(rows.filter(rows[id_name].cast("string") == loan))
    if found.empty:
        raise HypothecError(
            f"there is no {engine.portfolio.schema.subject} {loan!r} in the snapshot {key}; {_elsewhere(engine, loan)}"
        )
    return found.iloc[0]


def _elsewhere(engine: Engine, loan: str) -> str:
    """Return in which snapshots a loan is, as a way on."""
    rows = engine.snapshots()
    date = _date_key(rows)
    here = rows.filter(rows[engine.portfolio.schema.id.name].cast("string") == loan)
    first, last = engine.fetch(here.aggregate(first=date.min(), last=date.max())).iloc[0]
    if pd.isna(first):
        return f"the portfolio {engine.portfolio.name!r} has none of that id in any snapshot; check the id"
    return f"choose a snapshot from {first} to {last}, where it is" if first < last else f"it is in that of {first}"


def explain_loan(engine: Engine, load: Callable[[], PdModel], ref: str, key: str, loan: str) -> tuple[float, pd.Series]:
    """Return base and attributions of one loan: stored ones that are current, or made now by the model of `load`."""
    id_name = engine.portfolio.schema.id.name
    scores = engine.scores(ref, [key])
    stored = engine.fetch(scores.filter(scores[id_name].cast("string") == loan))
    entry = load_registry(engine.portfolio).find(ref)
    has = not stored.empty and "base" in stored and pd.notna(stored["base"].iloc[0])
    if has and check_scores(engine.portfolio, entry, key) == "current":
        phi = stored.filter(like=PHI, axis=1).iloc[0]
        return float(stored["base"].iloc[0]), phi.rename(lambda name: name.removeprefix(PHI))
    model = load()
    load_loan(engine, key, loan)  # says where else a loan is that the snapshot has not
    rows = observe(engine, model.features, [key])
    found = engine.fetch(rows.filter(rows[id_name].cast("string") == loan))
    row = found[[item.name for item in model.features]]
    numbers = [item.name for item in model.features if item.kind == "number"]
    done = model.explain(row.astype(dict.fromkeys(numbers, float)), ensure_background(engine, model.features))
    return done.base, done.values.iloc[0]


def typical_values(engine: Engine) -> dict[str, Any]:
    """Return each feature's median, or most frequent category, in the recorded background."""
    background = pd.read_parquet(engine.portfolio.models / "background.parquet")
    return {
        item.name: _typical(background[item.name])
        for item in engine.portfolio.schema.with_role("feature")
        if item.name in background
    }


def _typical(column: pd.Series) -> Any:
    known = column.dropna()
    if known.empty:
        return None
    return float(known.median()) if pd.api.types.is_numeric_dtype(known) else known.mode().iloc[0]
