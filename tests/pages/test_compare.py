"""Compare: its verdict, criteria and metrics against figures worked out by other means, and what cannot be compared."""

import json
import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from streamlit.testing.v1 import AppTest

from analytics.verdict import SegmentCounts
from pages.common import compare_metric_data, compare_verdict_data
from pages.common.compare_parts import SHOW
from portfolio.selection import Selection
from tests.conftest import ROOT, run_cli
from tests.pages.conftest import words
from tests.pages.test_pages import scored

PAGE = "pages/models/compare.py"
SECTIONS = ["Metrics", "Curves", "Calibration", "Segments", "Through time", "Swap set", "Profit", "Cost"]
MAPPING = """
id = "loan"
[portfolio]
title = "Delivered predictions"
[target]
column = "default"
event_value = "1"
[fields.use]
roles = ["segment"]
[fields.pd_a]
roles = ["score"]
[fields.pd_b]
roles = ["score"]
"""


def gini(rows):
    return 2 * roc_auc_score(rows["outcome"], rows["pd"]) - 1


def sentences(app):
    """The sentence on each challenger: what follows its badge."""
    lines = [item.value.replace("\\", "") for item in app.markdown if "-badge[" in item.value and "**" in item.value]
    return {line.split("**")[1].split(" ")[0]: line for line in lines}


def title(app, key):
    """The finding above a figure."""
    chart = next(item for item in app.get("plotly_chart") if key in item.proto.id)
    return json.loads(chart.proto.spec)["layout"]["meta"]["title"]


@pytest.fixture(scope="module")
def delivered(tmp_path_factory):
    """A workspace whose portfolio "delivered" has two columns of PDs, and one loan that is a segment of its own."""
    random = np.random.default_rng(4)
    truth = -1.5 + random.normal(size=900)
    rows = pd.DataFrame({"loan": range(900), "default": (random.random(900) < 1 / (1 + np.exp(-truth))).astype(int)})
    rows["use"] = np.where(rows["loan"] == 0, "houseboat", np.where(rows["loan"] % 3, "own home", "let"))
    for name, noise in (("pd_a", 1.0), ("pd_b", 0.3)):
        rows[name] = (1 / (1 + np.exp(-truth - noise * random.normal(size=900)))).round(6)
    folder = tmp_path_factory.mktemp("delivered")
    rows.to_csv(folder / "rows.csv", index=False)
    (folder / "mapping.toml").write_text(MAPPING)
    run_cli("ingest", "table", str(folder / "rows.csv"), "--portfolio", "delivered", "--mapping",
            str(folder / "mapping.toml"), "--yes", workspace=folder / "ws")  # fmt: skip
    run_cli("models", "columns", "--portfolio", "delivered", workspace=folder / "ws")
    return folder / "ws"


@pytest.fixture
def open_delivered(delivered, tmp_path, monkeypatch):
    """Return a function that opens Compare on a copy of the delivered predictions, changed by a function before."""

    def start(change=None, **query):
        shutil.copytree(delivered, tmp_path / "ws")
        if change:
            change(tmp_path / "ws" / "delivered")
        monkeypatch.setenv("HYPOTHEC_WORKSPACE", str(tmp_path / "ws"))
        monkeypatch.setenv("HYPOTHEC_PORTFOLIO", "delivered")
        monkeypatch.chdir(ROOT)
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        app.query_params.update(query)
        app.run()
        app.switch_page(PAGE).run()
        assert not app.exception, app.exception
        return app

    return start


def test_the_sections_are_those_of_the_page():
    assert list(SHOW) == SECTIONS


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_opens_from_its_link_on_a_table_without_dates(open_app, section):
    app = open_app(PAGE, "loanapp", compare_section=section)
    assert not app.error
    assert next(item for item in app.segmented_control if item.key == "compare_section").value == section


def test_the_sentence_holds_the_difference_in_gini_of_the_stored_scores(open_app, demo_workspace):
    said = sentences(open_app(PAGE, reading="Risk"))
    champion = gini(scored(demo_workspace, "demo", "scorecard/1", "out-of-time"))
    for name, ref in (("Boosting", "boosting/1"), ("Neural", "neural/1")):
        difference = gini(scored(demo_workspace, "demo", ref, "out-of-time")) - champion
        assert f"Gini {difference:+.3f}".replace("-", "−") in said[name]
        interval = said[name].split("Gini")[1].split("[")[1].split("]")[0].replace("−", "-")
        low, high = (float(end) for end in interval.split(","))
        assert low < difference < high
        expected = "ranks better" if low > 0 else "ranks worse" if high < -0.01 else "ranks no worse"
        assert (expected if low > -0.01 or high < -0.01 else "cannot be told apart") in said[name]


def test_every_criterion_says_in_symbol_and_word_how_it_came_out(open_app):
    table = open_app(PAGE, reading="Risk").table[0].value
    assert list(table.columns) == ["Limit", "Boosting", "Neural network"]
    assert len(table) == 6
    cells = table.drop(columns="Limit").stack()
    assert cells.str.contains("✔ passed|✖ failed|◐ not clear|○ not run").all()
    assert table.loc["Gini: non-inferior", "Limit"] == "interval above −0.010"
    assert table.loc["Gini over seeds, SD", "Boosting"] == ":gray[○ not run]"


def test_the_business_reading_does_without_the_fields_terms(open_app):
    app = open_app(PAGE, reading="Business")
    shown = " ".join([*sentences(app).values(), app.table[0].value.to_csv()])
    assert "sorts good from bad loans" in shown
    assert not any(term in shown for term in ("Gini", "slope", "p <", "superior"))


def test_models_are_chosen_in_the_link_and_the_champion_stays(open_app):
    app = open_app(PAGE, compare_models="Boosting", compare_section="Metrics")
    assert list(sentences(app)) == ["Boosting"]
    assert "Scorecard, the champion" in words(app)
    metrics = app.dataframe[0].value
    assert {"Scorecard (champion)", "Boosting"} <= set(metrics.columns)
    assert "Neural network" not in metrics.columns


def test_differences_are_those_of_the_metrics(open_app):
    metrics, differences = (item.value for item in open_app(PAGE, reading="Risk").dataframe[:2])
    for row in differences.to_dict("records"):
        own = metrics[(metrics["Metric"] == row["Metric"]) & (metrics["Sample"] == row["Sample"])].iloc[0]
        values = [float(own[name].split(" ")[0].replace("−", "-")) for name in ("Scorecard (champion)", "Boosting")]
        change = float(row["Boosting"].split(" ")[0].replace("−", "-"))
        assert change == pytest.approx(values[1] - values[0], abs=0.0011)


def test_three_methods_tell_how_sure_the_difference_is(open_app):
    app = open_app(PAGE, reading="Risk")
    assert "methods" in title(app, "compare_methods")
    app.segmented_control(key="compare_methods_as").set_value("Table").run()
    table = next(item.value for item in app.dataframe if "Method" in item.value)
    auc = table[(table["Metric"] == "AUC") & (table["Challenger"] == "Boosting")].set_index("Method")
    assert list(auc.index) == ["Rows independent", "Clustered by loan", "Bootstrap of loans"]
    assert auc["Difference"].nunique() == 1 or np.ptp(auc["Difference"]) < 1e-12
    errors = auc["Standard error"]
    # Snapshots of one loan repeat each other: taken as independent they look surer than the loans are.
    assert errors["Rows independent"] < errors["Clustered by loan"]
    assert errors["Bootstrap of loans"] == pytest.approx(errors["Clustered by loan"], rel=0.15)


def test_the_policy_of_the_portfolio_decides(open_delivered):
    def change(root):
        (root / "policy.toml").write_text('[comparison]\nprimary_metric = "brier"\nmargin = 0.5\nresamples = 100\n')

    app = open_delivered(change, reading="Risk")
    table = app.table[0].value
    assert table.loc["Brier score: non-inferior", "Limit"] == "interval below +0.5000"
    assert "passed" in table.loc["Brier score: non-inferior"].iloc[1]


def test_a_wrong_policy_is_one_sentence(open_delivered):
    app = open_delivered(lambda root: (root / "policy.toml").write_text("[comparison]\nmargin = 7\n"))
    assert "margin must be a number from 0 to 1, got 7" in words(app)
    assert not app.dataframe


def test_predictions_alone_are_judged_and_a_segment_of_one_loan_is_not(open_delivered):
    app = open_delivered(reading="Risk")
    (said,) = sentences(app).values()
    assert "of 2 segments" in said
    assert "houseboat" not in said


def test_one_model_alone_says_that_a_comparison_needs_two(open_delivered):
    app = open_delivered(lambda root: shutil.rmtree(root / "scores" / "pd_b"))
    assert "has scores; a comparison needs two models" in words(app)
    assert len(app.dataframe) == 1  # its own metrics


def test_a_champion_without_scores_is_named_with_the_command(open_delivered):
    app = open_delivered(lambda root: shutil.rmtree(root / "scores" / "pd_a"))
    assert "champion has no scores yet" in words(app)
    assert "python cli.py score --portfolio delivered" in words(app)


def test_models_without_rows_in_common_say_so(open_delivered):
    def change(root):
        for name, half in (("pd_a", 0), ("pd_b", 1)):
            (path,) = (root / "scores" / name / "1").glob("*.parquet")
            rows = pd.read_parquet(path)
            rows[np.arange(len(rows)) % 2 == half].to_parquet(path)

    app = open_delivered(change)
    assert "have scored no rows with a known outcome in common" in words(app)
    assert not app.dataframe


def test_progress_is_told_once_and_is_no_part_of_what_is_remembered(delivered):
    selection = Selection(str(delivered), "delivered")
    first, second = [], []
    draw = partial(compare_metric_data.by_drawing, selection, "out-of-sample", 120)
    tables = [draw(_progress=lambda *said, told=told: told.append(said)) for told in (first, second)]
    first = [share for share, _ in first]
    assert first == sorted(first)
    assert first[-1] == 1.0
    assert second == []
    pd.testing.assert_frame_equal(tables[0].differences, tables[1].differences)


@pytest.mark.parametrize("metric", ["auc", "ks", "brier", "log_loss"])
def test_segments_are_judged_by_the_policys_metric(delivered, tmp_path, metric):
    shutil.copytree(delivered, tmp_path / "ws")
    text = f'[comparison]\nprimary_metric = "{metric}"\nmargin = 0.5\n'
    (tmp_path / "ws" / "delivered" / "policy.toml").write_text(text)
    (verdict,) = compare_verdict_data.verdicts(Selection(str(tmp_path / "ws"), "delivered"), "development").values()
    assert verdict.decision in ("better", "no worse")
    # Two uses and the houseboat, which is one loan; a margin of one half leaves no room for "not clear".
    assert (verdict.segments.judged, verdict.segments.not_clear) == (2, 0)


def test_the_sentence_says_in_how_many_segments_and_names_where_it_is_worse(open_delivered, monkeypatch):
    real = compare_verdict_data.verdicts
    counts = SegmentCounts(better=10, no_worse=8, worse=1, not_clear=1, worse_in=(("use", "let $5"),))

    def planted(selection, sample):
        return {ref: replace(verdict, segments=counts) for ref, verdict in real(selection, sample).items()}

    monkeypatch.setattr(compare_verdict_data, "verdicts", planted)
    app = open_delivered(reading="Risk")
    (said,) = sentences(app).values()
    assert "no worse in 18 of 20 segments, not clear in 1; worse for Use: let $5;" in said
    assert "let \\$5" in "".join(item.value for item in app.markdown)  # no formula
