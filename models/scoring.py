"""Scoring: PD, log-odds and attributions of whole snapshots, stored as columns beside the data."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pyarrow as pa

from models.base import PdModel
from models.data import ensure_background
from models.encoding import feature_from
from models.predictions import check_column, read_column
from models.registry import Entry, load_card, load_model
from models.score_blocks import BLOCK, Source, as_dates
from models.score_parts import build_file, remove_parts
from models.score_plan import Job, plan_jobs
from models.score_stamp import Stamp, hash_background, read_stamp, score_path, stamp_of
from portfolio.engine import Engine
from portfolio.histories import ensure_histories
from portfolio.progress import Report, part_of, silent
from portfolio.schema import OBSERVATION_DATE

SMALLEST_BLOCK = 2_000
BLOCK_MICROSECONDS = 10_000_000  # about so much work a killed run loses


@dataclass(frozen=True)
class Scoring:
    """What a run did: files written, and files that held already what was asked for."""

    written: int
    kept: int


def score_portfolio(
    engine: Engine,
    entries: Sequence[Entry],
    *,
    keys: Sequence[str] | None = None,
    explain: Sequence[str] | None = None,
    sample: int | None = None,
    again: bool = False,
    report: Report = silent,
) -> Scoring:
    """Score snapshots `keys` (all by default) with every model; explain those in `explain` (the latest by default).

    `explain` holds observation dates or the words of `score_plan.choose_explained`. With `sample` at most so many
    loans of each are explained, spread evenly over the PDs. One Parquet file a model version and snapshot; a file that
    holds all this already, made of the same model, background and data, is kept unless `again`.
    """
    jobs = plan_jobs(engine.portfolio, entries, keys, explain, sample)
    work, done, written = sum(job.work for job in jobs) or 1.0, 0.0, 0
    maker: _Maker | None = None
    for job in jobs:
        if maker is None or maker.entry != job.entry:
            maker = _Maker(engine, job.entry, again)
        share = part_of(report, done / work, (done + job.work) / work)
        written += maker.make(job, share)
        done += job.work
    report(1.0, "scored")
    return Scoring(written, len(jobs) - written)


class _Maker:
    """Makes the score files of one model version; the model is loaded when the first file has to be made."""

    def __init__(self, engine: Engine, entry: Entry, again: bool) -> None:
        self.engine, self.entry, self.again = engine, entry, again
        self.card = load_card(engine.portfolio, entry)
        self.model: PdModel | None = None
        self.background: pd.DataFrame | None = None
        self.column = ""

    def make(self, job: Job, report: Report) -> bool:
        """Make one file and return True, or False where the finished one holds."""
        target, wanted = score_path(self.engine.portfolio, self.entry, job.key), self._stamp(job)
        if self._keeps(target, wanted, report):
            return False
        if not self.card["features"]:
            report(0.0, f"copying {self.entry.ref}, {job.key}")
            self._copy_column(target, job, wanted)
            return True
        report(0.0, f"loading {self.entry.ref}")
        model = self.model = self.model or load_model(self.engine.portfolio, self.entry)
        if wanted.explained:
            wanted = replace(wanted, explainer=model.explainer_name)
        self._score(model, target, job, wanted, report)
        return True

    def _score(self, model: PdModel, target: Path, job: Job, wanted: Stamp, report: Report) -> None:
        portfolio = self.engine.portfolio
        sequences = [item.name for item in model.features if item.kind == "sequence"]
        if sequences:
            ensure_histories(portfolio, [job.key], sequences, report=part_of(report, 0.0, 0.1))
        source = Source(
            portfolio.snapshot_file(job.key), portfolio.schema.id.name, model,
            self._background() if wanted.explained else None, wanted,
            portfolio.histories / f"{job.key}.parquet" if sequences else None, _block_rows(job),
        )  # fmt: skip
        report = part_of(report, 0.1 if sequences else 0.0, 1.0)
        doing = f"scoring {self.entry.ref}, {job.key}{' with attributions' if wanted.explained else ''}"
        report(0.0, doing)
        for rows in build_file(target, source.schema, job.rows, source.blocks()):
            report(rows / max(job.rows, 1), f"{doing}, {rows:,} of {job.rows:,}" if rows < job.rows else doing)

    def _keeps(self, target: Path, wanted: Stamp, report: Report) -> bool:
        """Whether the finished file holds what is wanted."""
        if self.again or not target.exists():
            return False
        found = read_stamp(target)
        if found is None or not found.meets(wanted):
            return False
        remove_parts(target)
        report(1.0, f"already scored {self.entry.ref}")
        return True

    def _stamp(self, job: Job) -> Stamp:
        stamp = stamp_of(self.engine.portfolio, self.entry)
        if not job.explained:
            return stamp
        return replace(stamp, explained=job.explained, background_sha256=hash_background(self._background()))

    def _background(self) -> pd.DataFrame:
        if self.background is None:
            features = [feature_from(item) for item in self.card["features"]]
            self.background = ensure_background(self.engine, features)
        return self.background

    def _copy_column(self, target: Path, job: Job, wanted: Stamp) -> None:
        """Store a score column as delivered; nothing is explained, for there is no model to ask."""
        if not self.column:
            self.column = check_column(self.engine, str(self.card["config"]["column"])).name
        table = pa.Table.from_pandas(read_column(self.engine, self.entry, job.key), preserve_index=False)
        place = table.schema.get_field_index(OBSERVATION_DATE)
        dated = table.set_column(place, OBSERVATION_DATE, as_dates(table.column(place)))
        schema = dated.schema.with_metadata(wanted.metadata())
        for _ in build_file(target, schema, job.rows, [_Ready(dated)]):
            pass


@dataclass(frozen=True)
class _Ready:
    """A block whose scores are at hand."""

    scores: pa.Table

    def table(self) -> pa.Table:
        """Return them."""
        return self.scores


def _block_rows(job: Job) -> int:
    """Return how many rows make a block: few where a loan takes long, so that a killed run loses seconds."""
    slow = BLOCK_MICROSECONDS * job.rows / max(job.explaining, 1.0)
    return int(min(max(slow, SMALLEST_BLOCK), BLOCK))
