"""One loan on the Explain page: its numbers against the stored scores, the ways to find it, and bad input."""

import json
import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from scipy.stats import beta
from streamlit.testing.v1 import AppTest

from pages.common import explain_loan_data, explain_similar_data
from pages.common.explain_history_words import HistoryWords
from pages.common.explain_loan_words import LoanWords
from pages.common.explain_similar_words import REASONS, SimilarWords
from pages.common.shell import View
from portfolio.selection import Selection
from portfolio.workspace import Portfolio
from tests.conftest import ROOT
from tests.pages.conftest import words

PAGE, KEY = "pages/models/explain.py", "2026-06-30"
REFS = {"scorecard/1": "Scorecard (champion)", "boosting/1": "Boosting", "neural/1": "Neural network"}


def stored(workspace, ref, key=KEY, portfolio="demo"):
    return pd.read_parquet(workspace / portfolio / "scores" / ref / f"{key}.parquet")


def snapshot(workspace, key=KEY, portfolio="demo"):
    return pd.read_parquet(workspace / portfolio / "snapshots" / f"{key}.parquet")


def make_words(workspace, portfolio="demo", reading="Business", where=()):
    schema = Portfolio(workspace / portfolio).schema
    return LoanWords(View(Selection(str(workspace), portfolio, where), reading, schema))


def specs(app):
    return [json.loads(item.proto.spec) for item in app.get("plotly_chart")]


def gone(workspace):
    """A loan of 2018 that was prepaid since, with the last snapshot that has it."""
    early, late = snapshot(workspace, "2018-06-30"), snapshot(workspace)
    files = sorted((workspace / "demo" / "performance").rglob("*.parquet"))
    months = pd.concat(pd.read_parquet(path, columns=["loan_id", "month", "event"]) for path in files)
    paid = months[months["event"] == "prepaid"].set_index("loan_id")["month"]
    loan = next(loan for loan in early["loan_id"] if loan in paid.index and loan not in set(late["loan_id"]))
    keys = sorted(path.stem for path in (workspace / "demo" / "snapshots").glob("*.parquet"))
    held = [key for key in keys if loan in set(snapshot(workspace, key)["loan_id"])]
    return loan, held, pd.Timestamp(paid[loan])


def test_an_address_with_a_loan_opens_its_section(open_app, demo_workspace):
    loan = stored(demo_workspace, "boosting/1")["loan_id"].iloc[17]
    app = open_app(PAGE, explain_loan=loan)
    assert app.segmented_control(key="explain_section").value == "One loan"
    assert f"Loan {loan}" in words(app)


def test_waterfalls_end_at_the_stored_pds_on_one_axis(open_app, demo_workspace):
    loan = stored(demo_workspace, "boosting/1")["loan_id"].iloc[40]
    falls = [
        spec for spec in specs(open_app(PAGE, explain_loan=loan)) if "background" in spec["layout"]["meta"]["subtitle"]
    ]
    assert len(falls) == 3
    assert len({tuple(spec["layout"]["xaxis"]["range"]) for spec in falls}) == 1
    for spec, (ref, label) in zip(falls, REFS.items(), strict=True):
        assert spec["layout"]["meta"]["subtitle"].startswith(f"{label}: from the background")
        own = stored(demo_workspace, ref).set_index("loan_id").loc[loan]
        low, high = spec["layout"]["xaxis"]["range"]
        assert low < own["log_odds"] < high
        assert low < own["base"] < high


@pytest.mark.parametrize("grouped", [False, True])
def test_steps_add_up_to_the_stored_log_odds(demo_workspace, grouped):
    told = make_words(demo_workspace)
    loan = stored(demo_workspace, "boosting/1")["loan_id"].iloc[3]
    groups = {item.name: item.group or item.name for item in told.schema.fields}
    for model in told.explain(loan, told.risks(loan), grouped=grouped):
        own = stored(demo_workspace, model.ref).set_index("loan_id").loc[loan]
        assert model.risk == pytest.approx(own["pd"])
        assert model.steps["end"].iloc[-1] == pytest.approx(own["log_odds"], abs=1e-6)
        phi = own.filter(like="phi_").astype(float)
        joined = phi.groupby([groups[name.removeprefix("phi_")] for name in phi.index]).sum()
        expected = joined[joined >= 0.05].nlargest(4)
        assert [reason.group for reason in model.raising] == list(expected.index)
        assert [reason.phi for reason in model.raising] == pytest.approx(list(expected))


def test_reasons_are_sentences_for_business_and_numbers_for_risk(open_app, demo_workspace):
    scores = stored(demo_workspace, "boosting/1")
    loan = scores["loan_id"].iloc[int(scores["pd"].argmax())]
    text = words(open_app(PAGE, explain_loan=loan))
    assert text.count("raises the odds of default by a factor of") >= 3
    app = open_app(PAGE, explain_loan=loan, reading="Risk")
    table = next(item.value for item in app.dataframe if "Given again" in item.value)
    assert set(table["Model"]) == set(REFS.values())
    assert (table.groupby("Model").size() <= 8).all()  # four that raise, four that lower
    least = explain_loan_data.stable_share(Selection(str(demo_workspace), "demo"))
    assert (table["Stable"] == np.where(table["Given again"] >= 100 * least, "stable", "unstable")).all()
    assert "raises the odds" not in words(app)


def test_history_is_that_of_the_performance_files(demo_workspace):
    files = sorted((demo_workspace / "demo" / "performance").rglob("*.parquet"))
    months = pd.concat(pd.read_parquet(path, columns=["loan_id", "month", "days_past_due"]) for path in files)
    late = months[months["days_past_due"] >= 30].groupby("loan_id").size()
    loan = late[late.index.isin(snapshot(demo_workspace)["loan_id"])].idxmax()
    own = months[months["loan_id"] == loan]
    told = HistoryWords(make_words(demo_workspace), loan).history()
    assert list(told.frame["days_past_due"]) == list(own.sort_values("month")["days_past_due"])
    assert told.title.startswith(
        f"In arrears in {late[loan]} of {len(own)} months, at worst {own['days_past_due'].max()} "
    )
    assert f"{told.observed:%Y-%m-%d} {told.until:%Y-%m-%d}" == "2026-06-30 2027-06-30"
    assert "default within 12 months is not known yet" in told.subtitle


def test_course_is_that_of_the_stored_scores(demo_workspace):
    loan = stored(demo_workspace, "boosting/1")["loan_id"].iloc[11]
    told = HistoryWords(make_words(demo_workspace), loan).course()
    for ref in REFS:
        own = told.frame[told.frame["model"] == ref]
        for date, risk in zip(own["date"], own["pd"], strict=True):
            scores = stored(demo_workspace, ref, f"{date:%Y-%m-%d}").set_index("loan_id")
            assert risk == scores.loc[loan, "pd"]
    assert told.frame.groupby("model").size().nunique() == 1


def test_similar_by_reasons_are_the_nearest_stored_attributions(demo_workspace):
    told = make_words(demo_workspace)
    scores = stored(demo_workspace, "boosting/1").set_index("loan_id")
    loan = scores.index[5]
    phi = scores.filter(like="phi_")
    gap = np.sqrt(((phi - phi.loc[loan]) ** 2).sum(axis=1)).drop(loan).sort_values()
    found = SimilarWords(told, loan, "boosting/1", scores.loc[loan, "pd"]).nearest(REASONS)
    assert found.loans == list(gap.index[:10])
    frame = explain_similar_data.by_reasons(told.selection, KEY, told.refs, "boosting/1", loan)
    np.testing.assert_allclose(frame["_distance"], gap.iloc[:10], rtol=1e-9)
    np.testing.assert_allclose(frame["boosting/1"], scores.loc[found.loans, "pd"])


def test_what_became_of_loans_like_it_is_counted_again_by_pandas(demo_workspace):
    told = make_words(demo_workspace)
    keys = explain_similar_data.past_keys(told.selection, KEY)
    assert keys == ["2025-06-30", "2024-06-30", "2023-06-30", "2022-06-30", "2021-06-30"]
    today = snapshot(demo_workspace).set_index("loan_id")
    loan = today.index[9]
    weights = explain_similar_data._weights(told.selection, "scorecard/1", KEY)
    spreads = explain_similar_data.spreads(told.selection, KEY, tuple(weights))
    past = pd.concat(snapshot(demo_workspace, key).assign(key=key) for key in keys)
    past = past[past["default_12m"].notna() & (past["loan_id"] != loan)]
    total = np.zeros(len(past))
    for name, weight in weights.items():
        value, column = today.loc[loan, name], past[name]
        if pd.isna(value):
            gap = column.notna().astype(float)
        elif name in spreads:
            gap = ((column - value).abs() / spreads[name]).fillna(1.0)
        else:
            gap = (column != value).astype(float)
        total += weight / sum(weights.values()) * gap.to_numpy() ** 2
    past = past.assign(gap=np.sqrt(total)).sort_values(["gap", "loan_id"]).drop_duplicates("loan_id")
    n = min(300, len(past) // 20)
    near = past.head(n)
    found = explain_similar_data.fate(told.selection, KEY, "scorecard/1", KEY, loan)
    assert (found.total, found.n, found.events) == (len(past), n, int(near["default_12m"].sum()))
    assert found.high == pytest.approx(beta.ppf(0.975, found.events + 0.5, n - found.events + 0.5))
    pds = pd.concat(stored(demo_workspace, "scorecard/1", key).assign(key=key) for key in keys)
    expected = near.merge(pds[["loan_id", "key", "pd"]], on=["loan_id", "key"])["pd"].mean()
    assert found.expected == pytest.approx(expected)
    text = SimilarWords(told, loan, "scorecard/1", 0.01).fate()
    assert text.startswith(f"Of the {n} loans most like it at 5 earlier dates (2021-06-30 to 2025-06-30)")


def test_too_few_alike_are_left_out_and_said_so(demo_workspace):
    region = snapshot(demo_workspace)["region"].value_counts().index[-1]
    told = make_words(demo_workspace, where=(("region", (region,)),))
    loan = next(iter(told.examples().values()))
    text = SimilarWords(told, loan, "scorecard/1", 0.01).fate()
    assert "is left out: a twentieth of the" in text
    assert "is fewer than 30" in text


def test_a_table_without_history_says_so_and_finds_similar_applications(open_app, demo_workspace):
    scores = stored(demo_workspace, "boosting/1", "all", "loanapp")
    app = open_app(PAGE, "loanapp", explain_loan=str(scores.iloc[5, 0]))
    text = words(app)
    assert "No payment history and no course of PDs: one row for each application, no months." in text
    assert "applications most like it, denial at decision followed for" in text


def test_the_list_holds_the_highest_pds_and_follows_the_filters(open_app, demo_workspace):
    app = open_app(PAGE, explain_section="One loan", explain_find="List", explain_sort="Boosting")
    table = next(item.value for item in app.dataframe if "boosting/1" in item.value)
    scores = stored(demo_workspace, "boosting/1").sort_values(["pd", "loan_id"], ascending=[False, True])
    assert list(table["loan"]) == list(scores["loan_id"][:200])
    app = open_app(PAGE, explain_section="One loan", explain_find="List", only_country=["Belgium"])
    table = next(item.value for item in app.dataframe if "boosting/1" in item.value)
    assert set(table["country"]) == {"Belgium"}


def test_the_chart_holds_every_loan_and_hands_its_id_on(open_app, demo_workspace):
    app = open_app(PAGE, explain_section="One loan", explain_find="Chart", explain_against="Neural network")
    cloud = next(spec for spec in specs(app) if "Click a point" in spec["layout"]["meta"]["subtitle"])
    count = len(stored(demo_workspace, "neural/1"))
    assert cloud["layout"]["meta"]["title"].startswith("Neural network gives ")
    assert f"PDs of {count:,} loans" in cloud["layout"]["meta"]["subtitle"]
    assert [trace["type"] for trace in cloud["data"]] == ["scattergl", "scattergl"]
    chosen = cloud["data"][1]["customdata"]  # the loan that is explained below stands out
    highest = stored(demo_workspace, "scorecard/1").sort_values(["pd", "loan_id"], ascending=[False, True])
    assert [row[0] for row in chosen] == [highest["loan_id"].iloc[0]]


def test_links_lead_to_what_if_and_explore_with_this_loan(open_app, demo_workspace):
    loan = stored(demo_workspace, "boosting/1")["loan_id"].iloc[17]
    links = [item.proto for item in open_app(PAGE, explain_loan=loan).get("page_link")]
    queries = {link.page: link.query_string for link in links}
    assert f"what_if_loan={loan}" in queries["what_if"]
    assert "explore_by=" in queries["explore"]
    row = snapshot(demo_workspace).set_index("loan_id").loc[loan]
    assert f"explore_where=Rate+type&explore_where_rate_type={row['rate_type']}" in queries["explore"]


class TestBadInput:
    def test_an_unknown_loan(self, open_app):
        text = words(open_app(PAGE, explain_loan="no*body"))
        assert "There is no loan 'no*body' in the snapshot 2026-06-30, nor elsewhere in the workspace" in text
        assert "clear the field to see an example" in text

    def test_a_loan_of_another_portfolio_opens_there(self, open_app, demo_workspace):
        loan = stored(demo_workspace, "boosting/1")["loan_id"].iloc[17]
        app = open_app(PAGE, "loanapp", explain_loan=loan)
        said = f"There is no application '{loan}' in the portfolio 'loanapp', but there is one of this id in 'demo'."
        assert said in words(app)
        app.button(key="explain_go").click().run()
        assert app.selectbox(key="portfolio").value == "demo"
        assert f"Loan {loan}: of 1" in words(app)

    def test_a_loan_that_left_the_book_opens_at_its_last_snapshot(self, open_app, demo_workspace):
        loan, held, paid = gone(demo_workspace)
        app = open_app(PAGE, explain_loan=loan)
        assert f"it is in {len(held)} snapshots, {held[0]} to {held[-1]}" in words(app)
        assert f"its last month is {paid:%B %Y}, prepaid." in words(app)
        app.button(key="explain_go").click().run()
        assert app.selectbox(key="explain_snapshot").value == held[-1]
        risk = stored(demo_workspace, "boosting/1", held[-1]).set_index("loan_id").loc[loan, "pd"]
        risks = make_words(demo_workspace)
        at = LoanWords(risks.view, held[-1])
        assert at.risks(loan)["boosting/1"] == pytest.approx(risk)
        assert at.headline(loan, at.risks(loan)) in words(app)

    def test_a_loan_outside_the_filters(self, open_app, demo_workspace):
        frame = snapshot(demo_workspace)
        loan = frame.loc[frame["country"] == "Italy", "loan_id"].iloc[0]
        text = words(open_app(PAGE, explain_loan=loan, only_country=["Belgium"]))
        assert f"The loan '{loan}' is in the snapshot 2026-06-30, but outside the sidebar's filters" in text
        assert "Clear all filters" in text

    def test_a_part_of_an_id_offers_the_loans_that_hold_it(self, open_app, demo_workspace):
        ids = stored(demo_workspace, "boosting/1")["loan_id"]
        part = ids.iloc[100][-3:]
        held = sorted(loan for loan in ids if part in loan)
        assert len(held) > 1
        app = open_app(PAGE, explain_loan=part)
        pills = app.pills(key="explain_part")
        assert list(pills.options) == held[:12]
        pills.set_value(held[1]).run()
        assert f"Loan {held[1]}: of 1" in words(app)

    def test_a_part_that_only_one_loan_holds_is_that_loan(self, open_app, demo_workspace):
        ids = stored(demo_workspace, "boosting/1")["loan_id"]
        part = next(loan[-5:] for loan in ids if sum(loan[-5:] in other for other in ids) == 1)
        text = words(open_app(PAGE, explain_loan=part.lower()))
        assert f"is the only loan with '{part.lower()}' in its id." in text

    def test_a_snapshot_that_is_not_there(self, open_app):
        text = "\n".join(item.value for item in open_app(PAGE, explain_section="One loan",
                                                         explain_snapshot="2031-12-31").warning)  # fmt: skip
        assert "There is no snapshot '2031-12-31'" in text.replace("\\", "")


@pytest.fixture(scope="module")
def spoilt(demo_workspace, tmp_path_factory):
    """A copy of the demo in which boosting has not scored 2024-06-30, and 2026-06-30 with other model files."""
    workspace = tmp_path_factory.mktemp("spoilt")
    shutil.copytree(demo_workspace / "demo", workspace / "demo", ignore=shutil.ignore_patterns("documents*"))
    folder = workspace / "demo" / "scores" / "boosting" / "1"
    (folder / "2024-06-30.parquet").unlink()
    table = pq.read_table(folder / "2026-06-30.parquet")
    about = dict(table.schema.metadata)
    assert about[b"hypothec.model_sha256"]
    pq.write_table(table.replace_schema_metadata(about | {b"hypothec.model_sha256": b"other"}),
                   folder / "2026-06-30.parquet")  # fmt: skip
    return workspace


def open_spoilt(workspace, monkeypatch, **query):
    monkeypatch.setenv("HYPOTHEC_WORKSPACE", str(workspace))
    monkeypatch.setenv("HYPOTHEC_PORTFOLIO", "demo")
    monkeypatch.chdir(ROOT)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300)
    app.query_params.update(query)
    app.run()
    app.switch_page(PAGE).run()
    assert not app.exception, app.exception
    return app


def test_stale_attributions_are_left_out_and_offered_anew(spoilt, monkeypatch):
    app = open_spoilt(spoilt, monkeypatch, explain_section="One loan")
    text = words(app)
    assert "What is stored of Boosting at 2026-06-30 was made by other model files" in text
    headline = next(item.value for item in app.markdown if item.value.startswith("#### "))
    assert "Scorecard" in headline
    assert "Boosting" not in headline
    assert any(item.label == "Score it now" for item in app.button)


def test_a_snapshot_that_a_model_has_not_scored_is_offered_to_be(spoilt, monkeypatch):
    app = open_spoilt(spoilt, monkeypatch, explain_section="One loan", explain_snapshot="2024-06-30")
    assert "Boosting has not scored the snapshot 2024-06-30 yet." in words(app)
    assert not (spoilt / "demo" / "scores" / "boosting" / "1" / "2024-06-30.parquet").exists()
    offered = [item for item in app.button if item.label == "Score it now" and "2024-06-30" in item.key]
    offered[0].click().run()
    headline = next(item.value for item in app.markdown if item.value.startswith("#### "))
    assert "Boosting" in headline
    assert (spoilt / "demo" / "scores" / "boosting" / "1" / "2024-06-30.parquet").exists()
