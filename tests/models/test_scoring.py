"""Scoring in blocks: what is stored, what a killed run leaves, and that the next goes on from there."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models import score_blocks, score_stamp
from models.base import PdModel
from models.encoding import Feature
from models.score_blocks import Source
from models.score_parts import build_file, parts_folder
from models.score_stamp import Stamp, read_stamp, score_path
from models.scoring import Scoring, score_portfolio
from models.training import TrainConfig, train
from portfolio.engine import Engine
from portfolio.errors import HypothecError
from tests.models.scored import FIRST, LAST, entry, path, small_blocks

ROOT = Path(__file__).parents[2]


class TestBlocks:
    def test_blocks_give_what_one_block_gives_in_row_groups(self, unscored, monkeypatch):
        score_portfolio(unscored, [entry(unscored)])
        whole = pq.read_table(path(unscored, LAST))
        small_blocks(monkeypatch)
        score_portfolio(unscored, [entry(unscored)], again=True)
        parts = pq.ParquetFile(path(unscored, LAST))
        assert [parts.metadata.row_group(i).num_rows for i in range(4)] == [400, 400, 400, 300]  # 1,500 loans
        assert parts.read().equals(whole)
        assert parts.schema_arrow.metadata == pq.read_schema(path(unscored, LAST)).metadata
        assert not parts_folder(path(unscored, LAST)).exists()

    def test_rows_are_the_snapshots_in_its_order_with_its_types(self, unscored):
        score_portfolio(unscored, [entry(unscored)])
        own = pd.read_parquet(unscored.portfolio.snapshot_file(LAST))
        stored = pq.read_table(path(unscored, LAST))
        assert stored["loan"].to_pylist() == own["loan"].tolist()
        assert stored.schema.field("observation_date").type == pa.date32()
        columns = stored.to_pandas()
        assert (columns["gap"] <= 1e-9).all()
        assert (columns["noise"] == 0).all()  # a scorecard is explained exactly
        gap = columns["base"] + columns.filter(like="phi_").sum(axis=1) - columns["log_odds"]
        np.testing.assert_allclose(gap.abs(), columns["gap"], atol=1e-12)

    def test_a_sample_is_spread_over_all_pds_whatever_the_blocks(self, unscored, monkeypatch):
        score_portfolio(unscored, [entry(unscored)], sample=50)
        one = pd.read_parquet(path(unscored, LAST))
        small_blocks(monkeypatch, 130)
        score_portfolio(unscored, [entry(unscored)], sample=50, again=True)
        pd.testing.assert_frame_equal(pd.read_parquet(path(unscored, LAST)), one)
        explained = one[one["base"].notna()]
        ranks = one["log_odds"].rank(method="first")[explained.index]
        # 50 of 1,500 at even steps: rank 1, then every 1,499 / 49 = 30.6 ranks, to rank 1,500
        np.testing.assert_allclose(np.sort(ranks), np.linspace(1, 1500, 50), atol=1)
        assert read_stamp(path(unscored, LAST)).explained == "50"

    def test_an_id_that_is_a_number_or_a_category_stays_joinable(self, toy):
        for key, kind in ((FIRST, "int64"), (LAST, "category")):
            own = pd.read_parquet(toy.snapshot_file(key))
            own["loan"] = own["loan"].str[1:].astype("int64") if kind == "int64" else own["loan"].astype(kind)
            own.to_parquet(toy.snapshot_file(key), index=False)
        engine = Engine(toy)
        made = train(engine, TrainConfig("scorecard"))
        score_portfolio(engine, [made])
        for key in (FIRST, LAST):
            own, stored = pd.read_parquet(toy.snapshot_file(key)), pd.read_parquet(score_path(toy, made, key))
            assert (own["loan"].astype(str) == stored["loan"].astype(str)).all()

    def test_pds_that_are_no_numbers_are_refused_and_leave_nothing(self, unscored, monkeypatch):
        score_portfolio(unscored, [entry(unscored)])
        before = path(unscored, LAST).read_bytes()
        small_blocks(monkeypatch)
        seen = []

        def predict(_, X):
            seen.append(len(X))
            return np.full(len(X), np.nan if len(seen) == 3 else 0.5)

        monkeypatch.setattr(PdModel, "predict_log_odds", predict)
        with pytest.raises(HypothecError, match=r"scorecard/1 gives 400 PDs in 2021-12-31 that are no numbers"):
            score_portfolio(unscored, [entry(unscored)], keys=[LAST], explain=[], again=True)
        assert path(unscored, LAST).read_bytes() == before
        assert not parts_folder(path(unscored, LAST)).exists()


def test_memory_holds_a_block_not_the_snapshot(unscored, monkeypatch):
    small_blocks(monkeypatch, 100)
    sizes, table = [], score_blocks.ScoredBlock.table
    monkeypatch.setattr(score_blocks.ScoredBlock, "table", lambda b: sizes.append(b.batch.num_rows) or table(b))
    score_portfolio(unscored, [entry(unscored)], keys=[LAST])
    assert sizes == [100] * 15


KILLED = """
import os, signal, sys
from pathlib import Path
from models import score_blocks, score_stamp, scoring
from models.registry import load_registry
from portfolio.atomic import lock_folder
from portfolio.engine import Engine
from portfolio.workspace import Portfolio
engine = Engine(Portfolio(Path(sys.argv[1])))
scoring._block_rows = lambda job: 400
score_stamp.code_version = lambda: "the same"
asked, table = [], score_blocks.ScoredBlock.table
def counted(block):
    asked.append(block.start)
    if len(asked) == 3:
        print("third", flush=True)
        signal.pause()  # in the middle of the third block, until it is killed
    return table(block)
score_blocks.ScoredBlock.table = counted
with lock_folder(engine.portfolio.root):
    scoring.score_portfolio(engine, [load_registry(engine.portfolio).find("scorecard")], keys=["2021-12-31"])
"""


class TestKilled:
    def kill(self, engine):
        """Start scoring in a process of its own and end it by SIGKILL within the third block of four."""
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(engine.portfolio.root)], cwd=ROOT,
                                   stdout=subprocess.PIPE, text=True)  # fmt: skip
        assert process.stdout.readline() == "third\n"
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        process.stdout.close()

    def test_a_killed_run_goes_on_with_the_third_block_and_ends_with_the_same_bytes(self, unscored, monkeypatch):
        small_blocks(monkeypatch)
        monkeypatch.setattr(score_stamp, "code_version", lambda: "the same")
        score_portfolio(unscored, [entry(unscored)], keys=[LAST])
        whole = path(unscored, LAST).read_bytes()
        path(unscored, LAST).unlink()
        self.kill(unscored)
        assert not list(path(unscored, LAST).parent.glob("*.parquet"))  # nothing half-written where readers look
        assert len(list(parts_folder(path(unscored, LAST)).glob("*.parquet"))) == 2
        asked, table = [], score_blocks.ScoredBlock.table
        monkeypatch.setattr(score_blocks.ScoredBlock, "table", lambda b: asked.append(b.start) or table(b))
        assert score_portfolio(unscored, [entry(unscored)], keys=[LAST]) == Scoring(1, 0)
        assert asked == [800, 1200]
        assert path(unscored, LAST).read_bytes() == whole
        assert not parts_folder(path(unscored, LAST)).exists()

    def test_blocks_of_another_background_are_not_used(self, unscored, monkeypatch):
        small_blocks(monkeypatch)
        self.kill(unscored)
        background = unscored.portfolio.models / "background.parquet"
        pd.read_parquet(background).assign(ltv=0.4).to_parquet(background, index=False)
        asked, table = [], score_blocks.ScoredBlock.table
        monkeypatch.setattr(score_blocks.ScoredBlock, "table", lambda b: asked.append(b.start) or table(b))
        score_portfolio(unscored, [entry(unscored)], keys=[LAST])
        assert asked == [0, 400, 800, 1200]
        stored = pd.read_parquet(path(unscored, LAST))
        total = stored["base"] + stored.filter(like="phi_").sum(axis=1)
        np.testing.assert_allclose(total, stored["log_odds"], atol=1e-9)


class Sums(PdModel):
    """A network of sequences in the least: the log-odds are x and what the months add up to."""

    features = (Feature("x", "number"), Feature("months", "sequence", channels=("one",)))

    def __init__(self):
        pass

    def predict_log_odds(self, X):
        return X["x"].to_numpy() + np.stack(X["months"].to_numpy()).sum(axis=1)


class TestSequences:
    def source(self, tmp_path, ids=("a", "b", "c")):
        loans = {"id": ["a", "b", "c"], "observation_date": [None] * 3, "x": [0.0, 0.1, 0.2]}
        pd.DataFrame(loans).to_parquet(tmp_path / "one.parquet", index=False)
        months = {"loan_id": list(ids), "months": [[float(place)] * 2 for place in range(len(ids))]}
        pd.DataFrame(months).to_parquet(tmp_path / "months.parquet", index=False)
        stamp = Stamp("sums/1", "model", "data")
        return Source(tmp_path / "one.parquet", "id", Sums(), None, stamp, tmp_path / "months.parquet", 2)

    def test_each_loan_meets_its_own_months_in_every_block(self, tmp_path):
        tables = [block.table() for block in self.source(tmp_path).blocks()]
        assert [len(table) for table in tables] == [2, 1]
        np.testing.assert_allclose(pa.concat_tables(tables)["log_odds"], [0.0, 2.1, 4.2])  # x + 2 × place

    @pytest.mark.parametrize("ids", [("a", "c", "b"), ("a", "b")])
    def test_months_of_other_loans_are_refused(self, tmp_path, ids):
        with pytest.raises(HypothecError, match=r"months\.parquet is not of the loans of .*one\.parquet; delete it"):
            [block.table() for block in self.source(tmp_path, ids).blocks()]


class Rows:
    """A block of given numbers."""

    def __init__(self, *numbers):
        self.numbers = numbers

    def table(self):
        return pa.table({"x": pa.array(self.numbers, pa.int64())})


class TestParts:
    schema = pa.schema([("x", pa.int64())], metadata={"made": "of this"})

    def test_rows_done_are_told_after_each_block(self, tmp_path):
        target = tmp_path / "all.parquet"
        assert list(build_file(target, self.schema, 3, [Rows(1, 2), Rows(3)])) == [2, 3]
        assert pq.read_table(target)["x"].to_pylist() == [1, 2, 3]
        assert pq.read_schema(target).metadata[b"made"] == b"of this"

    def test_a_row_too_few_is_no_file(self, tmp_path):
        target = tmp_path / "all.parquet"
        with pytest.raises(HypothecError, match="all has 4 rows and 3 were scored"):
            list(build_file(target, self.schema, 4, [Rows(1, 2), Rows(3)]))
        assert not list(tmp_path.iterdir())

    def test_no_rows_are_an_empty_file(self, tmp_path):
        list(build_file(tmp_path / "all.parquet", self.schema, 0, []))
        assert pq.read_table(tmp_path / "all.parquet").num_rows == 0
