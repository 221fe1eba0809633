"""The rows that models are trained, judged and explained on."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from models.base import Labels
from models.encoding import Feature
from models.observations import observe
from portfolio.atomic import replace_file
from portfolio.engine import Engine
from portfolio.errors import HypothecError
from portfolio.histories import LOAN, SEQUENCES
from portfolio.leakage import find_leaking_fields
from portfolio.outcomes import ensure_outcomes
from portfolio.schema import OBSERVATION_DATE, SAMPLE
from portfolio.workspace import Portfolio, hash_file

BACKGROUND_ROWS = 100
CALIBRATION_SHARE = 0.15
COURSE = ("_event", "_months")
SAMPLES = ("development", "out-of-sample", "out-of-time")


@dataclass(frozen=True)
class Labelled:
    """Rows with a known outcome: features `X`, outcome `y`, the loan of each row, its date and sample.

    `course` is what became of each loan month by month, event and months (see portfolio.outcomes), where it was asked
    for.
    """

    X: pd.DataFrame
    y: Labels
    loan: pd.Series
    date: pd.Series
    sample: pd.Series
    course: pd.DataFrame | None = None

    def where(self, mask: "pd.Series | np.ndarray[tuple[int], np.dtype[np.bool_]]") -> "Labelled":
        """Return the rows for which `mask` is true."""
        keep = np.asarray(mask, dtype=bool)
        course = None if self.course is None else self.course[keep]
        return Labelled(self.X[keep], self.y[keep], self.loan[keep], self.date[keep], self.sample[keep], course)


def load_labelled(engine: Engine, features: Sequence[Feature], *, course: bool = False) -> Labelled:
    """Return all rows of the three samples with known outcome, in a fixed order; with what became of them if asked."""
    schema = engine.portfolio.schema
    if not schema.with_role("target"):
        raise HypothecError(
            f"portfolio {engine.portfolio.name!r} has no field with the role target: nothing to train on"
        )
    names = [item.name for item in features]
    table = observe(engine, features)
    if course:
        table = _with_course(engine, table)
    rows = table.filter(table[SAMPLE].isin(SAMPLES), table[schema.target.name].notnull())
    wanted = list(dict.fromkeys([schema.id.name, schema.target.name, OBSERVATION_DATE, SAMPLE, *names]))
    frame = engine.fetch(rows.select(*wanted, *(COURSE if course else ())).order_by(OBSERVATION_DATE, schema.id.name))
    return Labelled(
        frame[names],
        frame[schema.target.name].to_numpy(dtype=np.int64),
        frame[schema.id.name],
        frame[OBSERVATION_DATE],
        frame[SAMPLE],
        frame[list(COURSE)].rename(columns=dict(zip(COURSE, ("event", "months"), strict=True))) if course else None,
    )


def _with_course(engine: Engine, table: ir.Table) -> ir.Table:
    """Add what became of each loan, as the columns `COURSE`."""
    keys = engine.portfolio.snapshot_keys()
    ensure_outcomes(engine.portfolio, keys)
    known = engine.outcomes(keys)
    known = known.select(_loan=LOAN, _when=OBSERVATION_DATE, **dict(zip(COURSE, ("event", "months"), strict=True)))
    same = [table[engine.portfolio.schema.id.name] == known["_loan"], table[OBSERVATION_DATE] == known["_when"]]
    return table.inner_join(known, same).drop("_loan", "_when")


def refuse_leaks(rows: Labelled) -> None:
    """Stop training if a single feature tells the outcome almost perfectly: it was known only afterwards."""
    single = [name for name in rows.X.columns if name not in SEQUENCES]  # a list of months is no single value
    leaks = find_leaking_fields(rows.X, pd.Series(rows.y, index=rows.X.index), single)
    if leaks:
        names = ", ".join(f"{leak.name!r} (AUC {leak.auc:.3f} alone)" for leak in leaks)
        raise HypothecError(
            f"{names} tells the outcome almost perfectly and was probably known only after it; "
            'set roles = ["ignore"] for it in schema.toml, or prove it innocent and rename the target'
        )


def split_calibration(rows: Labelled, seed: int) -> tuple[Labelled, Labelled]:
    """Return rows to fit and rows to calibrate on: whole loans, 15 % of them held back for calibration."""
    loans = rows.loan.astype("category").cat.codes.to_numpy()
    held = np.random.default_rng(seed).random(loans.max(initial=0) + 1) < CALIBRATION_SHARE
    return rows.where(~held[loans]), rows.where(held[loans])


def until(rows: Labelled, date: datetime.date | None) -> Labelled:
    """Return the development rows up to and including `date` (all of them without one)."""
    development = rows.sample == "development"
    if date is None:
        return rows.where(development)
    kept = rows.where(development & (rows.date <= pd.Timestamp(date)))
    if not len(kept.y):
        first = rows.date.min()
        raise HypothecError(f"no development rows up to {date}; the first observation date is {first:%Y-%m-%d}")
    return kept


def ensure_background(engine: Engine, features: Sequence[Feature]) -> pd.DataFrame:
    """Return the portfolio's recorded background: 100 development rows, chosen once by the hash of their ids.

    Every family is explained against these same rows, so that differences between models decompose by feature.
    """
    path = engine.portfolio.models / "background.parquet"
    if not path.exists():
        rows = engine.snapshots().filter(ibis._[SAMPLE] == "development")
        key = ibis._[engine.portfolio.schema.id.name].cast("string") + ibis._[OBSERVATION_DATE].cast(
            "string"
        ).fill_null("")
        chosen = engine.fetch(
            rows.mutate(_order=key.hexdigest("md5")).order_by("_order").limit(BACKGROUND_ROWS).drop("_order")
        )
        with replace_file(path) as temporary:
            chosen.to_parquet(temporary, index=False)
    background = pd.read_parquet(path)
    missing = [item for item in features if item.name not in background.columns]
    if missing:
        background = _add_columns(engine, background, missing)
        with replace_file(path) as temporary:
            background.to_parquet(temporary, index=False)
    return background[[item.name for item in features]]


def _add_columns(engine: Engine, background: pd.DataFrame, features: Sequence[Feature]) -> pd.DataFrame:
    """Return the background with features that came after it was recorded: the same rows, wider."""
    names = [item.name for item in features]
    snapshots = observe(engine, features)
    lacking = [name for name in names if name not in snapshots.columns]
    if lacking:
        raise HypothecError(f"the snapshots of {engine.portfolio.name!r} have no {', '.join(lacking)}; build them anew")
    id_name = engine.portfolio.schema.id.name
    loans = background[id_name].astype(str).unique().tolist()
    rows = snapshots.filter(snapshots[id_name].cast("string").isin(loans)).select(id_name, OBSERVATION_DATE, *names)
    found = engine.fetch(rows)
    keys = [frame[OBSERVATION_DATE].astype("datetime64[s]") for frame in (background, found)]
    left, right = (frame.assign(_day=day) for frame, day in zip((background, found), keys, strict=True))
    wide = left.merge(right.drop(columns=OBSERVATION_DATE), on=[id_name, "_day"], how="left").drop(columns="_day")
    if len(wide) != len(background):
        raise HypothecError(
            f"loans of the recorded background of {engine.portfolio.name!r} stand twice in the snapshots on a date; "
            "ingest the data anew"
        )
    return wide


def background_hash(portfolio: Portfolio) -> str:
    """Return the SHA-256 of the recorded background."""
    return hash_file(portfolio.models / "background.parquet")
