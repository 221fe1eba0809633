"""The Trust section on numbers it shows, computed again from the stored scores; repeats on demand; the loan's marks."""

import pandas as pd
import pytest

from pages.common import explain_trust_data
from portfolio.engine import Engine
from portfolio.selection import Selection
from portfolio.workspace import open_portfolio
from tests.pages.conftest import words

PAGE, KEY = "pages/models/explain.py", "2026-06-30"


def test_the_largest_gap_is_that_of_the_stored_scores(open_app, demo_workspace):
    app = open_app(PAGE, explain_section="Trust", reading="Risk")
    for label, ref in (("Scorecard", "scorecard"), ("Boosting", "boosting"), ("Neural network", "neural")):
        scores = pd.read_parquet(demo_workspace / "demo" / "scores" / ref / "1" / f"{KEY}.parquet")
        gap = (scores["log_odds"] - scores["base"] - scores.filter(like="phi_").sum(axis=1)).abs().max()
        shown = next(item for item in app.metric if item.label.replace("\\", "") == f"Gap, {label}")
        # Two sums in another order differ by rounding alone.
        assert float(shown.value) == pytest.approx(gap, rel=0.5, abs=1e-13)
    assert "Base plus attributions give the log-odds" in words(app)


def test_both_readings_say_what_an_attribution_is_not(open_app):
    assert "It is not a cause." in words(open_app(PAGE, explain_section="Trust"))
    text = words(open_app(PAGE, explain_section="Trust", reading="Risk"))
    assert "Not causal." in text
    assert "off the data's manifold" in text


def test_loans_outside_training_are_counted_by_model(open_app):
    app = open_app(PAGE, explain_section="Trust")
    table = next(item.value for item in app.table if "Rare combination" in item.value.columns)
    assert list(table.index) == ["Scorecard (champion)", "Boosting", "Neural network"]
    # The champion is trained on older data.
    assert table["Trained on loans up to"].tolist()[0] < table["Trained on loans up to"].tolist()[1]
    assert all(value.endswith("%") for value in table["Rare combination"])


def test_nothing_is_explained_again_before_it_is_asked_and_the_cost_is_told(open_app):
    app = open_app(PAGE, explain_section="Trust")
    assert "Takes about" in words(app)
    assert not app.get("plotly_chart")
    app.toggle(key="explain_trust_again").set_value(True).run()
    assert not app.exception
    table = next(item.value for item in app.table if "Reasons given again" in item.value.columns)
    assert table["Other"].tolist() == ["background", "background", "background", "seed"]
    assert len(app.get("plotly_chart")) == 2


def test_an_unstable_reason_of_a_loan_is_named_with_its_share(demo_workspace):
    selection = Selection(str(demo_workspace), "demo")
    engine = Engine(open_portfolio(demo_workspace, "demo"))
    scores = engine.fetch(engine.scores("boosting/1", [KEY]).select("loan_id", "pd")).sort_values("pd")
    loans = scores["loan_id"].iloc[:: len(scores) // 10]
    shares = [explain_trust_data.reason_shares(selection, "boosting/1", KEY, loan) for loan in loans]
    assert all(0 <= share <= 1 for found in shares for share in found.values())
    assert any(share == 1 for found in shares for share in found.values())
    for loan, found in zip(loans, shares, strict=True):
        unstable = explain_trust_data.unstable_reasons(selection, "boosting/1", KEY, loan)
        assert unstable == {name: share for name, share in found.items() if share < 0.9}


def test_a_table_without_history_has_the_section_too(open_app):
    app = open_app(PAGE, "loanapp", explain_section="Trust", explain_trust_again="true")
    assert "adds up" in words(app)
    table = next(item.value for item in app.table if "Reasons given again" in item.value.columns)
    assert len(table)
