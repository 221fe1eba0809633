"""Which snapshots a run scores and explains, what it makes again, and what its command says."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import cli
from models import scoring
from models.families import PREDICTIONS, TITLES
from models.registry import load_registry
from models.score_plan import EXPLAIN_COST, PREDICT_COST, choose_explained, plan_jobs
from models.score_stamp import hash_background, read_stamp
from models.scoring import Scoring, score_portfolio
from portfolio.atomic import lock_folder
from portfolio.engine import Engine
from portfolio.errors import HypothecError
from portfolio.workspace import Portfolio, write_manifest
from tests.models.scored import FIRST, LAST, entry, path

ROOT = Path(__file__).parents[2]


class TestPlan:
    KEYS = ("2024-06-30", "2024-09-30", "2025-06-30", "2026-03-31", "2026-06-30")

    @pytest.mark.parametrize(("wanted", "found"), [
        (["latest"], {"2026-06-30"}),
        (["all"], set(KEYS)),
        (["yearly"], {"2024-06-30", "2025-06-30", "2026-06-30"}),
        (["2024-09-30", "latest"], {"2024-09-30", "2026-06-30"}),
        ([], set()),
    ])  # fmt: skip
    def test_words_and_dates(self, wanted, found):
        assert choose_explained(self.KEYS, wanted) == found

    def test_the_time_of_every_family_is_known(self):
        assert set(PREDICT_COST) == set(TITLES)
        assert set(EXPLAIN_COST) == set(TITLES) - {"external", PREDICTIONS}  # a card says that of one from elsewhere

    def test_a_table_without_dates_is_its_only_snapshot(self):
        assert choose_explained(["all"], ["yearly"]) == choose_explained(["all"], ["latest"]) == {"all"}

    def test_a_date_to_explain_is_scored_too(self, unscored):
        jobs = plan_jobs(unscored.portfolio, [entry(unscored)], [FIRST], [LAST], None)
        assert [(job.key, job.explained) for job in jobs] == [(FIRST, ""), (LAST, "all")]

    def test_the_time_left_follows_the_work(self, unscored):
        score, explain = plan_jobs(unscored.portfolio, [entry(unscored)], None, None, None)
        assert explain.work > 2 * score.work
        shares = []
        score_portfolio(unscored, [entry(unscored)], report=lambda share, _: shares.append(share))
        assert shares == sorted(shares)
        assert shares[-1] == 1
        assert any(share == pytest.approx(score.work / (score.work + explain.work)) for share in shares)

    def test_bad_wishes_are_refused_before_any_work(self, unscored, monkeypatch):
        monkeypatch.setattr(scoring, "load_model", lambda *_: pytest.fail("a model was loaded"))
        for wish in ({"keys": ["2020-01-01"]}, {"explain": ["2020-01-01"]}, {"explain": ["everything"]}):
            with pytest.raises(HypothecError, match="has no snapshot '"):
                score_portfolio(unscored, [entry(unscored)], **wish)
        with pytest.raises(HypothecError, match="at least one loan, got 0"):
            score_portfolio(unscored, [entry(unscored)], sample=0)


class TestMadeOnce:
    def test_a_second_run_makes_nothing_and_loads_no_model(self, unscored, monkeypatch):
        entries = load_registry(unscored.portfolio).entries
        assert score_portfolio(unscored, entries) == Scoring(written=4, kept=0)
        times = {file: file.stat().st_mtime_ns for file in unscored.portfolio.scores.rglob("*.parquet")}
        monkeypatch.setattr(scoring, "load_model", lambda *_: pytest.fail("a model was loaded"))
        said = []
        assert score_portfolio(unscored, entries, report=lambda _, doing: said.append(doing)) == Scoring(0, 4)
        assert {file: file.stat().st_mtime_ns for file in times} == times
        assert "already scored scorecard/1" in said

    def test_again_makes_them_anew(self, unscored):
        score_portfolio(unscored, [entry(unscored)])
        assert score_portfolio(unscored, [entry(unscored)], again=True) == Scoring(2, 0)

    def test_attributions_that_are_there_are_not_thrown_away_for_pds(self, unscored):
        score_portfolio(unscored, [entry(unscored)], explain=["all"])
        assert score_portfolio(unscored, [entry(unscored)], explain=[]) == Scoring(0, 2)
        assert "base" in pq.read_schema(path(unscored, FIRST)).names

    def test_more_than_there_is_is_made(self, unscored):
        score_portfolio(unscored, [entry(unscored)], explain=[LAST], sample=20)
        assert score_portfolio(unscored, [entry(unscored)], explain=[LAST], sample=10) == Scoring(0, 2)
        assert score_portfolio(unscored, [entry(unscored)], explain=[LAST], sample=30) == Scoring(1, 1)
        assert score_portfolio(unscored, [entry(unscored)], explain=[LAST]) == Scoring(1, 1)
        assert score_portfolio(unscored, [entry(unscored)], explain=["all"]) == Scoring(1, 1)

    def test_other_data_another_background_another_model_file_are_scored_anew(self, unscored):
        score_portfolio(unscored, [entry(unscored)])
        root = unscored.portfolio.root
        snapshot = unscored.portfolio.snapshot_file(LAST)
        pd.read_parquet(snapshot).assign(ltv=0.5).to_parquet(snapshot, index=False)
        write_manifest(root, "test")
        changed = Engine(Portfolio(root))
        assert score_portfolio(changed, [entry(unscored)]) == Scoring(2, 0)
        background = root / "models" / "background.parquet"
        pd.read_parquet(background).assign(ltv=0.4).to_parquet(background, index=False)
        assert score_portfolio(changed, [entry(unscored)]) == Scoring(1, 1)  # the explained one

    def test_a_wider_background_of_the_same_rows_is_the_same(self, unscored):
        background = pd.read_parquet(unscored.portfolio.models / "background.parquet")
        wider = background.assign(later=1.0)
        names = ["unemployment", "ltv", "region"]
        assert hash_background(wider[names]) == hash_background(background[sorted(names)])
        assert hash_background(wider) != hash_background(background)


class TestCommand:
    def run(self, engine, *options):
        root = engine.portfolio.root
        return CliRunner().invoke(cli.main, ["score", "--workspace", str(root.parent), "--portfolio", "toy", *options])

    def test_says_what_was_made_and_what_was_already(self, unscored):
        first = self.run(unscored, "--model", "scorecard", "--explain", "all")
        assert first.exit_code == 0, first.output
        assert "Scored 2 snapshots in" in first.output
        second = self.run(unscored, "--model", "scorecard", "--model", "champion")  # the same one, twice
        assert "Scored 0 snapshots; 2 already scored (--again makes them anew) in" in second.output
        third = self.run(unscored, "--model", "scorecard", "--snapshot", LAST, "--again", "--sample", "10")
        assert "Scored 1 snapshot in" in third.output
        assert read_stamp(path(unscored, LAST)).explained == "10"

    @pytest.mark.parametrize(("options", "said"), [
        (["--model", "forest"], "no model 'forest'; there are scorecard/1, second/1"),
        (["--snapshot", "2020-06-30"], "portfolio 'toy' has no snapshot '2020-06-30'; it has 2019-12-31 to 2021-12-31"),
        (["--explain", "june"], "portfolio 'toy' has no snapshot 'june'; it has 2019-12-31 to 2021-12-31"),
    ])  # fmt: skip
    def test_what_is_not_there_is_refused_in_a_line(self, unscored, options, said):
        done = self.run(unscored, *options)
        assert done.exit_code == 2
        assert said in done.output
        assert not unscored.portfolio.scores.exists()

    def test_a_second_writer_waits_its_turn(self, unscored):
        with lock_folder(unscored.portfolio.root):
            done = self.run(unscored)
        assert done.exit_code == 2
        assert "is being written by another run; wait for it to end, then try again" in done.output
