"""The exported notebook is run, and what it finds is what the page showed."""

import io
import json

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

from pages.common import explore_answer
from pages.common.explore_fields import Fields
from pages.common.explore_words import Asked, choose_keys
from pages.common.shell import View
from portfolio.selection import Selection
from portfolio.workspace import open_portfolio
from tests.conftest import ROOT


def found_for(workspace, chart="lines", measure="rate", rows="current_ltv", split="country", of="", where=()):
    """What the page answers, without a browser."""
    from analytics.pivot import Filter, Question

    selection = Selection(str(workspace), "demo", where)
    fields = Fields(View(selection, "Business", open_portfolio(workspace, "demo").schema))
    question = Question(measure, of, fields.dimension(rows, chart, 10, split=False),
                        fields.dimension(split, chart, 10, split=True), (Filter("income", low=20_000.0),),
                        fields.target, fields.exposure)  # fmt: skip
    x, y = ("income", "balance") if chart == "points" else ("", "")
    return explore_answer.find(fields, Asked(question, chart, choose_keys(fields, None, measure), x, y))


def run(found, workspace, monkeypatch, change=lambda text: text):
    monkeypatch.setenv("HYPOTHEC_WORKSPACE", str(workspace))
    notebook = nbformat.reads(change(found.notebook().decode()), as_version=4)
    nbformat.validate(notebook)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(ROOT)}}).execute()
    return notebook


def table_of(notebook):
    """The frame as the notebook itself printed it, in a cell added behind."""
    return pd.read_json(io.StringIO(notebook.cells[-1].outputs[0]["text"]), orient="records")


def print_frame(text):
    body = json.loads(text)
    code = {"cell_type": "code", "id": "print", "metadata": {}, "execution_count": None, "outputs": []}
    body["cells"].append({**code, "source": "print(frame.to_json(orient='records', double_precision=15))"})
    return json.dumps(body)


def test_the_notebook_finds_the_page_s_numbers(demo_workspace, monkeypatch):
    found = found_for(demo_workspace, where=(("country", ("Italy", "Belgium")),))
    notebook = run(found, demo_workspace, monkeypatch, print_frame)
    table = table_of(notebook)
    assert table["loans"].tolist() == found.frame["loans"].tolist()
    assert table["value"].tolist() == pytest.approx(found.frame["value"].tolist(), nan_ok=True, abs=1e-12)
    assert "The same numbers as exported." in str(notebook.cells[5].outputs)
    drawn = json.dumps(notebook.cells[6].outputs)
    assert json.dumps(found.look.title)[1:-1].split("[")[0][:40] in drawn


def test_the_notebook_of_points_and_of_the_champion_s_pd(demo_workspace, monkeypatch):
    for asked in (
        {"chart": "points", "measure": "loans"},
        {"measure": "mean", "of": "champion_pd", "rows": "region", "split": None},
    ):
        notebook = run(found_for(demo_workspace, **asked), demo_workspace, monkeypatch)
        assert "The same numbers as exported." in str(notebook.cells[5].outputs)


def test_the_notebook_names_no_place_of_this_machine(demo_workspace):
    text = found_for(demo_workspace).notebook().decode()
    assert str(demo_workspace) not in text
    assert str(ROOT) not in text
    assert "HYPOTHEC_WORKSPACE" in text


def test_other_numbers_stop_the_notebook_and_other_data_warns(demo_workspace, monkeypatch):
    found = found_for(demo_workspace)
    loans = str(int(found.frame["loans"].iloc[0]))
    with pytest.raises(Exception, match="the numbers differ"):
        run(found, demo_workspace, monkeypatch, lambda text: text.replace(f"[{loans}.0,", "[1.0,"))
    stale = found.about["Data SHA-256"]
    notebook = run(found, demo_workspace, monkeypatch, lambda text: text.replace(stale, "0" * 64))
    assert "The data has changed" in str(notebook.cells[5].outputs)
