"""Model against model: its numbers asked again of the stored scores; choices in the address; what it refuses."""

import json
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from streamlit.testing.v1 import AppTest

from analytics.swap_set import compute_swap_set
from pages.common import explain_models_data, overview_data
from pages.common.explain_models import SECTION
from pages.common.explain_models_agreement_words import title_segments
from portfolio.selection import Selection
from tests.conftest import ROOT
from tests.pages.conftest import words

PAGE = "pages/models/explain.py"
KEY = "2026-06-30"


@pytest.fixture(scope="module")
def stored(demo_workspace):
    """The three models' scores of the latest snapshot, by loan."""
    folder = demo_workspace / "demo" / "scores"
    return {
        ref: pd.read_parquet(folder / ref / f"{KEY}.parquet").set_index("loan_id").sort_index()
        for ref in ("scorecard/1", "boosting/1", "neural/1")
    }


@pytest.fixture
def selection(demo_workspace):
    return Selection(str(demo_workspace), "demo")


def start(open_app, portfolio="demo", **query):
    return open_app(PAGE, portfolio, explain_section=SECTION, **query)


def figures(app):
    """The page's figures as Plotly wrote them."""
    return [json.loads(item.proto.spec) for item in app.get("plotly_chart")]


def waterfall(app):
    return next(figure for figure in figures(app) if "riskier to" in json.dumps(figure))


def mean_difference(stored, challenger, loans=None):
    a, b = stored["scorecard/1"], stored[challenger]
    loans = a.index if loans is None else loans
    return (b.loc[loans, "log_odds"] - a.loc[loans, "log_odds"]).mean()


def swapped(stored, challenger, approved):
    frame = pd.DataFrame({"loan": stored["scorecard/1"].index, "champion": stored["scorecard/1"]["pd"].to_numpy(),
                          "challenger": stored[challenger]["pd"].to_numpy()})  # fmt: skip
    found = compute_swap_set(frame, champion="champion", challenger="challenger", approval_rate=approved, tie=("loan",))
    return {move: frame.loc[found.rows(move), "loan"] for move in ("swapped in", "swapped out")}


@pytest.mark.parametrize("challenger", ["boosting/1", "neural/1"])
def test_the_difference_adds_up_on_the_stored_scores(selection, stored, challenger):
    found = explain_models_data.difference(selection, KEY, "scorecard/1", challenger)
    assert found.n == len(stored[challenger])
    assert found.terms["mean"].sum() == pytest.approx(mean_difference(stored, challenger), abs=1e-9)
    a, b = stored["scorecard/1"], stored[challenger]
    for row in found.terms[found.terms["kind"] == "feature"].itertuples():
        gap = b[f"phi_{row.feature}"] - a[f"phi_{row.feature}"]
        assert (row.mean, row.sd) == pytest.approx((gap.mean(), gap.std()), abs=1e-9)
    assert found.left_over < 1e-4


def test_the_swap_set_is_compares_and_adds_up(selection, stored):
    sides = swapped(stored, "boosting/1", 0.9)
    for name, move in (("Swapped in", "swapped in"), ("Swapped out", "swapped out")):
        found = explain_models_data.difference(selection, KEY, "scorecard/1", "boosting/1", approved=0.9, move=name)
        assert found.n == len(sides[move])
        assert found.terms["mean"].sum() == pytest.approx(mean_difference(stored, "boosting/1", sides[move]), abs=1e-9)
    both = explain_models_data.difference(selection, KEY, "scorecard/1", "boosting/1", approved=0.9, move="Both")
    assert both.n == 2 * len(sides["swapped in"])


def test_the_page_shows_the_numbers_of_the_swap_set(open_app, stored):
    app = start(open_app, reading="Risk", explain_models_of="Swap set", explain_models_move="Swapped in")
    loans = swapped(stored, "boosting/1", 0.9)["swapped in"]
    mean = mean_difference(stored, "boosting/1", loans)
    text = words(app)
    assert f"n {len(loans):,}" in text
    shown = float(text.split("Mean difference of the log-odds ")[1].split(" ")[0].replace("−", "-"))
    assert shown == pytest.approx(mean, abs=5e-4)
    title = json.dumps(waterfall(app)["layout"]["meta"], ensure_ascii=False)
    assert f"{np.exp(abs(mean)):.1f} times the odds" in title
    assert "swapped in" in title


def test_a_loan_is_told_with_its_values(open_app, stored):
    gap = (stored["boosting/1"]["log_odds"] - stored["scorecard/1"]["log_odds"]).abs()
    most = gap.sort_values(ascending=False, kind="stable").index[0]
    app = start(open_app, explain_models_of="One loan")
    title = waterfall(app)["layout"]["meta"]["title"]
    assert f"for loan {most}" in title
    other = gap.index[17]
    app = start(open_app, explain_models_of="One loan", explain_loan=other)
    figure = waterfall(app)
    assert other in figure["layout"]["meta"]["title"] or "about the same odds" in figure["layout"]["meta"]["title"]
    names = " ".join(figure["layout"]["yaxis"]["ticktext"])
    assert ": " in names


def test_the_hundred_are_those_of_the_scores(open_app, stored):
    a, b = stored["scorecard/1"], stored["boosting/1"]
    for rank, size in (("Odds", b["log_odds"] - a["log_odds"]), ("PD points", b["pd"] - a["pd"])):
        app = start(open_app, explain_models_rank=rank)
        table = next(frame.value for frame in app.dataframe if "Mostly" in frame.value)
        assert len(table) == 100
        assert set(table["Loan"]) == set(size.abs().sort_values(ascending=False).index[:100])
        row = table.iloc[0]
        assert row["PD Boosting, %"] == pytest.approx(100 * b.loc[row["Loan"], "pd"])
        assert row["Explain"].endswith(f"explain_section=One+loan&explain_loan={row['Loan']}")
        assert row["What if"].endswith(f"what_if_loan={row['Loan']}")


def test_a_link_to_a_difference_opens_it(open_app):
    from urllib.parse import parse_qs, urlsplit

    app = start(open_app, explain_challenger="Neural network")
    assert app.segmented_control(key="explain_challenger").value == "neural/1"
    row = next(frame.value for frame in app.dataframe if "Mostly" in frame.value).iloc[3]
    query = {name: values[0] for name, values in parse_qs(urlsplit(row["Difference"]).query).items()}
    again = open_app(PAGE, **query)
    title = waterfall(again)["layout"]["meta"]["title"]
    assert f"for loan {row['Loan']}" in title
    assert "Neural network" in title


def test_agreement_is_that_of_the_attributions(open_app, stored):
    phi = [stored[ref].filter(like="phi_") for ref in ("scorecard/1", "boosting/1")]
    tops = [side.abs().idxmax(axis=1) for side in phi]
    same = (tops[0] == tops[1]).mean()
    rows = range(len(phi[0]))
    opposite = np.zeros(len(phi[0]), dtype=bool)
    for top in tops:
        places = phi[0].columns.get_indexer(top)
        opposite |= phi[0].to_numpy()[rows, places] * phi[1].to_numpy()[rows, places] < 0
    app = start(open_app)
    assert f"the same top driver for {100 * same:.0f} %" in app.subheader[0].value
    shown = next(item.value for item in app.metric if item.label == "Opposite top driver")
    assert float(shown.removesuffix(" %")) == pytest.approx(100 * opposite.mean(), rel=0.05)


@pytest.mark.parametrize(("measure", "column"), [("Drivers' order", "rank"), ("Log-odds", "correlation")])
def test_agreement_by_segment(open_app, selection, measure, column):
    app = start(open_app, explain_models_measure=measure, explain_models_by="Country")
    found = explain_models_data.agreed(selection, KEY, "scorecard/1", "boosting/1", "country")
    figure = next(chart for chart in figures(app) if "Country: " in chart["layout"]["meta"]["title"])
    assert set(found["segment"]) <= set(figure["layout"]["yaxis"]["ticktext"])
    assert found["n"].sum() == explain_models_data.count(selection, KEY, "scorecard/1", "boosting/1")
    markers = next(trace for trace in figure["data"] if trace.get("customdata"))
    assert len(found[column].dropna()) == len(found)
    assert f"{found[column].iloc[0]:.2f}" in json.dumps(markers["customdata"])


def test_loan_to_value_bands_stand_in_their_order(selection):
    found = explain_models_data.agreed(selection, KEY, "scorecard/1", "boosting/1", overview_data.LTV_BAND)
    assert found["segment"].tolist()[:3] == ["up to 50 %", "50–60 %", "60–70 %"]


def test_filters_narrow_everything(open_app, stored, selection):
    app = start(open_app, only_country="Italy", reading="Risk")
    narrow = Selection(selection.workspace, "demo", (("country", ("Italy",)),))
    n = explain_models_data.count(narrow, KEY, "scorecard/1", "boosting/1")
    assert 0 < n < len(stored["boosting/1"])
    text = words(app)
    assert f"n {n:,}" in text
    assert f"of {n:,}" in text


def test_a_table_without_history(open_app):
    app = start(open_app, "loanapp")
    text = words(app)
    assert "The 100 applications on which they differ most" in text
    assert "only Boosting uses" in text
    app = start(open_app, "loanapp", explain_models_of="Swap set", explain_models_approved="80")
    assert "Each model approves the same 80 %" in words(app)


@pytest.mark.parametrize("loan", ["nobody", "607"])  # 607 is a row of loanapp
def test_an_unknown_loan_is_named_and_the_rest_stays(open_app, loan):
    app = start(open_app, explain_models_of="One loan", explain_loan=loan)
    text = words(app)
    assert f"There is no loan '{loan}' in the snapshot {KEY}" in text
    assert "The 100 loans on which they differ most" in text


def run(workspace, monkeypatch, **query):
    monkeypatch.setenv("HYPOTHEC_WORKSPACE", str(workspace))
    monkeypatch.chdir(ROOT)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params.update({"explain_section": SECTION, **query})
    app.run()
    app.switch_page(PAGE).run()
    assert not app.exception, app.exception
    return app


@pytest.fixture
def copy(demo_workspace, tmp_path):
    """A workspace of its own with the portfolio demo, links to what is not changed."""
    shutil.copytree(demo_workspace / "demo", tmp_path / "demo", ignore=shutil.ignore_patterns("performance"))
    (tmp_path / "demo" / "performance").symlink_to(demo_workspace / "demo" / "performance")
    return tmp_path


def test_only_one_model_says_so(copy, monkeypatch):
    for name in ("boosting", "neural"):
        shutil.rmtree(copy / "demo" / "scores" / name)
    text = words(run(copy, monkeypatch))
    assert "Only Scorecard has explained the loans of the snapshot 2026-06-30: a difference needs two models" in text
    assert "cli.py train" in text


def test_a_model_that_explained_a_sample_is_told_on_the_sample(copy, monkeypatch, stored):
    shutil.rmtree(copy / "demo" / "scores" / "neural")
    file = copy / "demo" / "scores" / "boosting" / "1" / f"{KEY}.parquet"
    metadata = pq.read_schema(file).metadata  # says what the scores were made of
    frame = pd.read_parquet(file)
    frame.loc[frame.index % 20 > 0, ["base", *frame.filter(like="phi_").columns]] = np.nan
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(metadata), file)
    loans = frame.loc[frame["base"].notna(), "loan_id"]
    app = run(copy, monkeypatch, reading="Risk")
    text = words(app)
    assert f"{len(loans):,} of {len(frame):,} loans are explained by both models" in text
    shown = float(text.split("Mean difference of the log-odds ")[1].split(" ")[0].replace("−", "-"))
    assert shown == pytest.approx(mean_difference(stored, "boosting/1", loans), abs=5e-4)
    left = frame.loc[frame["base"].isna(), "loan_id"].iloc[0]
    text = words(run(copy, monkeypatch, explain_models_of="One loan", explain_loan=left))
    assert f"Loan '{left}' is not among the {len(loans):,} that both models have explained" in text


@pytest.mark.parametrize(("measure", "values", "told"), [
    ("opposite", {"fixed": (0.027, 0.024, 0.030), "variable": (0.016, 0.012, 0.020)}, "they agree most for variable"),
    ("opposite", {"fixed": (0.060, 0.050, 0.070), "variable": (0.016, 0.012, 0.020)}, "they agree least for fixed"),
    ("rank", {"fixed": (0.016, 0.012, 0.020), "variable": (0.060, 0.050, 0.070)}, "they agree least for fixed"),
    ("rank", {"fixed": (0.025, 0.012, 0.030), "variable": (0.060, 0.050, 0.070)}, "they agree most for variable"),
    ("opposite", {"fixed": (0.027, 0.020, 0.040), "variable": (0.02, 0.01, 0.03)}, "in no segment do the models"),
])  # fmt: skip
def test_the_title_of_segments_is_what_their_intervals_show(measure, values, told):
    rows = pd.DataFrame([(label, *item, False) for label, item in values.items()],
                        columns=["label", "value", "low_wide", "high_wide", "small"])  # fmt: skip
    assert told in title_segments(rows, measure, 0.025, "Rate type")
    assert "in no segment" in title_segments(rows.assign(small=True), measure, 0.025, "Rate type")
