"""A table with an id, an outcome and two score columns, and no model: ingested, compared, not explained."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT, run_cli
from tests.pages.conftest import words

MAPPING = """
[fields.pd_bank]
roles = ["score"]
label = "PD of the bank"

[fields.pd_vendor]
roles = ["score"]
label = "PD of *Vendor* $A"
"""


@pytest.fixture(scope="module")
def table():
    """4,000 loans with known log-odds x; the vendor sees x with half the bank's noise."""
    draw = np.random.default_rng(7)
    x = draw.normal(-2.0, 1.2, 4000)
    frame = {
        "loan_id": [f"L{i}" for i in range(4000)],
        "default": (draw.random(4000) < 1 / (1 + np.exp(-x))).astype(int),
    }
    for name, noise in (("pd_bank", 1.2), ("pd_vendor", 0.6)):
        frame[name] = (1 / (1 + np.exp(-x - draw.normal(0, noise, 4000)))).round(6)
    return pd.DataFrame(frame)


@pytest.fixture(scope="module")
def compared(tmp_path_factory, table):
    """The workspace after the two commands, and what the first printed."""
    workspace = tmp_path_factory.mktemp("scores")
    table.to_csv(workspace / "two.csv", index=False)
    (workspace / "two.toml").write_text(MAPPING)
    said = run_cli("ingest", "table", str(workspace / "two.csv"), "--portfolio", "two", "--mapping",
                   str(workspace / "two.toml"), "--yes", workspace=workspace).stdout  # fmt: skip
    run_cli("models", "columns", "--portfolio", "two", workspace=workspace)
    return workspace, said


@pytest.fixture
def open_two(compared, monkeypatch):
    """Return a function that opens a page on that table."""

    def start(page):
        monkeypatch.setenv("HYPOTHEC_WORKSPACE", str(compared[0]))
        monkeypatch.setenv("HYPOTHEC_PORTFOLIO", "two")
        monkeypatch.chdir(ROOT)
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        app.query_params["reading"] = "Risk"
        app.run()
        app.switch_page(page).run()
        assert not app.exception, app.exception
        return app

    return start


def test_ingest_names_the_next_command(compared):
    assert compared[1].rstrip().endswith("Next: python cli.py models columns --portfolio two")


def test_compare_shows_the_columns_by_their_labels_with_their_gini(open_two, compared, table):
    snapshot = pd.read_parquet(compared[0] / "two" / "snapshots" / "all.parquet")
    rows = table[snapshot.set_index("loan_id").loc[table["loan_id"], "sample"].to_numpy() == "out-of-sample"]
    app = open_two("pages/models/compare.py")
    text = words(app)
    assert "PD of *Vendor* $A" in text
    assert "was trained on is not known" in text
    shown = "\n".join(item.value.to_csv() for item in app.dataframe)
    for column in ("pd_bank", "pd_vendor"):
        gini = 2 * roc_auc_score(rows["default"], rows[column]) - 1  # scikit-learn's AUC as the reference
        assert f"{gini:.3f}" in text + shown


def test_explain_says_in_a_sentence_why_not(open_two):
    app = open_two("pages/models/explain.py")
    assert (
        "PD of the bank (champion) and PD of *Vendor* $A are columns of predictions: without the model they "
        in words(app)
    )


def test_what_if_says_in_a_sentence_why_not(open_two):
    text = words(open_two("pages/models/what_if.py"))
    assert "No model here can rate a changed loan" in text
    assert "columns of predictions, which have no model behind them" in text


@pytest.mark.parametrize("page", ["portfolio/overview", "portfolio/explore", "portfolio/cohorts", "portfolio/fields",
                                  "portfolio/quality"])  # fmt: skip
def test_the_other_pages_open_on_a_table_without_any_feature(open_two, page):
    open_two(f"pages/{page}.py")


def test_the_card_says_where_the_predictions_come_from(compared):
    card = json.loads((compared[0] / "two" / "models" / "pd_vendor" / "1" / "card.json").read_text())
    assert card["family"] == "predictions"
    assert card["config"] == {"column": "pd_vendor"}
    assert card["features"] == []
