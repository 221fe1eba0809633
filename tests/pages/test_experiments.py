"""The Experiments page on a toy portfolio: every section tells what the reports and predictions hold."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from analytics.performance import compute_metrics
from models.experiments import compare
from models.experiments.config import build_config
from models.experiments.folders import list_runs
from models.experiments.run import run_experiment
from models.experiments.tuning import JOURNAL, list_trials
from models.registry import load_registry, promote
from models.training import TrainConfig, train
from pages.common import experiments_data
from pages.common.experiments_board_words import BoardWords
from pages.common.experiments_cost_words import CostWords
from pages.common.experiments_time_words import TimeWords
from pages.common.experiments_tuning_words import SearchWords, searched
from pages.common.experiments_variants_words import VariantWords
from pages.common.experiments_words import Words
from pages.common.shell import View
from portfolio.engine import Engine
from portfolio.selection import Selection
from portfolio.workspace import Portfolio
from tests.conftest import ROOT
from tests.pages.conftest import words
from tests.pages.toy_experiments import SPACE, build

SECTIONS = ("Leaderboard", "Learning", "Tuning", "Ablations and data size", "Through time", "Cost")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A workspace with the toy portfolio, its champion scorecard and seven experiments."""
    return build(tmp_path_factory.mktemp("experiments"))


@pytest.fixture
def workspace(built, tmp_path):
    """A workspace of its own for a test that changes it."""
    return shutil.copytree(built, tmp_path / "own")


def told(workspace, reading="Risk"):
    schema = Portfolio(workspace / "toy").schema
    return Words(View(Selection(str(workspace), "toy"), reading, schema))


@pytest.fixture
def open_page(monkeypatch):
    def start(workspace, **query):
        monkeypatch.setenv("HYPOTHEC_WORKSPACE", str(workspace))
        monkeypatch.setenv("HYPOTHEC_PORTFOLIO", "toy")
        monkeypatch.chdir(ROOT)
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        app.query_params.update(query)
        app.run()
        app.switch_page("pages/models/experiments.py").run()
        assert not app.exception, app.exception
        return app

    return start


def titles(app):
    return [json.loads(item.proto.spec)["layout"]["meta"]["title"] for item in app.get("plotly_chart")]


@pytest.mark.parametrize(("section", "reading"), list(zip(SECTIONS, ["Business", "Risk"] * 3, strict=True)))
def test_every_section_opens_from_its_link(built, open_page, section, reading):
    app = open_page(built, experiments_section=section, reading=reading)
    assert not app.error
    found = titles(app)
    assert found
    assert all(title and "nan" not in title and "None" not in title for title in found)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_takes_the_other_sample_and_reference(built, open_page, section):
    app = open_page(built, experiments_section=section, experiments_sample="out-of-sample", experiments_against="gbm")
    assert not app.error
    assert titles(app)
    if section == "Leaderboard":
        assert "gbm" in titles(app)[0]


def test_the_finding_is_the_backend_s_difference(built):
    said = told(built)
    runs = list_runs(Portfolio(built / "toy"))
    board = compare.leaderboard(runs, "out-of-time")
    leader = board["name"].iloc[0]
    assert said.reference("out-of-time") == "scorecard"  # the champion's family
    for against in ("scorecard", "gbm_bare", leader):
        own = BoardWords(said, "out-of-time", against)
        expected = compare.differences(runs, against, "out-of-time").query("metric == 'gini'")
        pd.testing.assert_series_equal(
            own.apart.set_index("name")["difference"],
            expected.set_index("challenger")["difference"].loc[own.apart["name"]],
            check_names=False,
        )
        title = own.title()
        if against == leader:
            worse = (expected["verdict"] == "worse").sum()
            assert f"{worse} of {len(expected)} others" in title or "tie" in title or "all others" in title
            continue
        row = expected.set_index("challenger").loc[leader]
        assert f"+{row['difference']:.3f} [" in title
        assert ("A tie" in title) == (row["verdict"] != "better")
        assert (f"clearly above {against}" in title and "A tie" not in title) == (row["verdict"] == "better")


def test_another_champion_is_the_reference(workspace):
    here = Engine(Portfolio(workspace / "toy"))
    train(here, TrainConfig("boosting"))
    assert load_registry(here.portfolio).aliases["champion"] == "scorecard/1"
    promote(here.portfolio, "boosting/1", "champion")
    said = told(workspace)
    assert said.reference("out-of-time") == "boosting"  # the full one, not gbm or its variants
    assert said.looks["boosting"].colour == "#2F63B4"


def test_costs_and_protocol_are_the_report_s(built):
    said = BoardWords(told(built), "out-of-time", "scorecard")
    table = said.costs().set_index("Experiment")
    run = next(run for run in said.words.runs.done if run.config.name == "boosting")
    row = table.loc["boosting"]
    assert row["Parameters"] == run.report["complexity"]
    assert row["Trials"] == len(run.report["trials"]) == 4
    assert row["Gini over seeds"].endswith("(2)")
    assert "From the truth" not in table  # no generator made this book
    text = said.protocol()
    assert "boosting 4" in text
    assert run.report["protocol"]["tuned_on"][0] in text
    assert "judging only" in text
    assert "30 % and 100 %" in text


def test_variants_and_sizes_are_found_and_told(built):
    said = VariantWords(told(built), "out-of-time")
    left = said.ablations()
    assert left[["full", "name", "variant"]].to_numpy().tolist() == [
        ["gbm", "gbm_bare", "without ltv, without debt service"]
    ]
    # the toy's outcomes follow mainly these two fields (see make_loans)
    assert left["verdict"].tolist() == ["worse"]
    assert "gbm loses most without ltv" in said.ablation_title(left)
    sizes = said.sizes()
    assert sizes.set_index("name")["share"].to_dict() == {"gbm": 1.0, "gbm_30": 0.3}
    assert sizes["loans"].iloc[0] > sizes["loans"].iloc[1]
    assert "from 30 % to 100 % of the loans" in said.sizes_title(sizes)


def test_decay_is_the_metric_of_the_stored_predictions(built):
    said = TimeWords(told(built), "scorecard")
    runs = {run.config.name: run for run in list_runs(Portfolio(built / "toy"))}
    assert said.frame["period_label"].unique().tolist() == ["24–29"]  # 2019-12 to 2021-12
    for row in said.frame.to_dict("records"):
        rows = runs[row["name"]].predictions()
        rows = rows[rows["_sample"] == "out-of-time"]
        pds = {"": rows[str(runs[row["name"]].config.seeds[0])].to_numpy()}
        found = compute_metrics(rows["_y"].to_numpy(), pds, cluster=rows["_loan"].to_numpy(), metrics=("gini",)).iloc[0]
        assert (row["estimate"], row["low"], row["high"]) == (found["estimate"], found["low"], found["high"])
        assert row["period"] == 24
    assert "one half-year only" in said.course_title()
    assert "of 1 half-years" in said.lead_title(["scorecard", "boosting"])


def test_the_cheapest_is_within_the_noise_and_on_no_worse_a_cost(built):
    said = CostWords(told(built), "out-of-time")
    frame = said.frame.set_index("name")
    for cost, name in said.chosen.items():
        assert frame.loc[name, "against_best"] != "worse"
        cheaper = frame[frame[cost] < frame.loc[name, cost]]
        assert (cheaper["against_best"] == "worse").all()
    assert frame.loc[said.best, "complexity_front"]


def test_a_killed_search_shows_its_trials_and_how_to_go_on(workspace, open_page):
    config = {"name": "longer", "family": "boosting", "settings": {"min_samples_leaf": 20},
              "tuning": {"trials": 400, "space": SPACE}}  # fmt: skip
    file = workspace / "longer.toml"
    file.write_text(
        'family = "boosting"\n[settings]\nmin_samples_leaf = 20\n[tuning]\ntrials = 400\n[tuning.space]\n'
        "learning_rate = { low = 0.01, high = 0.3, log = true }\nmax_depth = { choices = [2, 3] }\n"
    )
    command = [sys.executable, "cli.py", "experiments", "run", str(file), "--portfolio", "toy"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env={**os.environ, "HYPOTHEC_WORKSPACE": str(workspace)})  # fmt: skip
    folder = workspace / "toy" / "experiments" / "longer"
    asked = build_config(config, where="test")
    for _ in range(600):
        if len([trial for trial in list_trials(folder, asked) if trial["state"] == "complete"]) >= 2:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    journal = (folder / JOURNAL).read_bytes()
    app = open_page(workspace, experiments_section="Tuning", experiments_searched="longer")
    assert (folder / JOURNAL).read_bytes() == journal  # looking does not write into a search
    text = words(app)
    assert "longer is begun, not done" in text
    assert "experiments run longer.toml --portfolio toy" in text
    assert "longer does best so far with" in titles(app)[0]
    said = SearchWords(told(workspace), "longer")
    share, budget = said.budget()
    assert share == len(said.course) / 400
    assert f"{len(said.course)} of 400 trials" in budget
    assert "longer" not in told(workspace).names("out-of-time")
    assert searched(told(workspace))[0] == "longer"


def test_only_a_search_under_way_is_shown_by_itself(workspace, open_page):
    for run in list_runs(Portfolio(workspace / "toy")):
        if run.config.name != "boosting":
            shutil.rmtree(run.folder)
    for name in ("DONE", "report.json", "predictions.parquet"):
        (workspace / "toy" / "experiments" / "boosting" / name).unlink()
    app = open_page(workspace)
    assert "boosting is begun, not done" in words(app)
    assert len(titles(app)) == 2


def test_experiments_on_other_data_are_left_out_and_named(workspace, open_page):
    file = workspace / "toy" / "experiments" / "gbm" / "report.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "data_sha256": "0" * 64}))
    (file.parent / "DONE").write_text("again\n")  # as a new run would
    said = told(workspace)
    assert "gbm" not in said.names("out-of-time")
    assert "data have changed since: gbm." in said.other_data()
    assert "data have changed since: gbm." in words(open_page(workspace))


def test_no_experiments_say_how_to_run_some(workspace, open_page):
    shutil.rmtree(workspace / "toy" / "experiments")
    app = open_page(workspace)
    text = words(app)
    assert "No experiment of this portfolio has been run yet." in text
    assert "python cli.py experiments run --set contest --portfolio toy" in text
    assert not titles(app)


def test_one_experiment_has_nothing_to_be_compared_with(workspace, open_page):
    for run in list_runs(Portfolio(workspace / "toy")):
        if run.config.name != "logistic":
            shutil.rmtree(run.folder)
    for section in SECTIONS:
        app = open_page(workspace, experiments_section=section)
        assert not app.error
    assert "no other to compare with" in titles(open_page(workspace))[0]
    assert "cannot" not in words(app)


def test_a_new_experiment_is_seen_at_once(workspace):
    selection = Selection(str(workspace), "toy")
    before = set(experiments_data.boards(selection)["out-of-time"]["name"])
    asked = build_config({"name": "logistic_half", "family": "logistic", "share": 0.5}, where="test")
    run_experiment(Engine(Portfolio(workspace / "toy")), asked)
    assert set(experiments_data.boards(selection)["out-of-time"]["name"]) == before | {"logistic_half"}


def test_filters_change_nothing_and_are_said_to(built, open_page):
    plain = titles(open_page(built))
    app = open_page(built, only_region="North")
    assert titles(app) == plain
    assert "sidebar's filters do not change this page" in words(app)


def test_differences_on_fewer_rows_than_the_ginis_are_said_to_be(workspace):
    folder = workspace / "toy" / "experiments" / "mlp"
    pds = pd.read_parquet(folder / "predictions.parquet")
    pds.drop(pds.index[pds["_sample"] == "out-of-time"][:7]).to_parquet(folder / "predictions.parquet", index=False)
    (folder / "DONE").write_text("again\n")
    said = BoardWords(told(workspace), "out-of-time", "scorecard")
    rows = (pds["_sample"] == "out-of-time").sum()
    assert f"on the {rows - 7:,} rows that all experiments judged" in said.counts()
    assert "rows that all" not in BoardWords(told(workspace), "out-of-sample", "scorecard").counts()
