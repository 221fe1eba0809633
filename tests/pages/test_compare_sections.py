"""Compare's curves, swap set and profit on numbers worked out again from the files."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from analytics.profit import compute_emp
from tests.pages.conftest import words
from tests.pages.test_pages import scored

PAGE = "pages/models/compare.py"
CURVES = ["ROC and CAP", "Precision and recall", "KS", "Gains and lift"]
PROFITS = ["Expected profit", "Cut-off", "Cost curve", "Decision curve", "H-measure"]


def table(app, *columns):
    """The first table of the page that has the columns."""
    return next(frame.value for frame in app.dataframe if set(columns) <= set(frame.value.columns))


def joined(workspace, portfolio="demo", sample="out-of-time"):
    """Judged rows with the champion's PD as `old`, the boosted model's as `new`, in the order of loan and date."""
    old, new = (scored(workspace, portfolio, ref, sample) for ref in ("scorecard/1", "boosting/1"))
    key = [old.columns[0] if portfolio == "demo" else "row", "observation_date"]
    rows = old.rename(columns={"pd": "old"}).merge(new[[*key, "pd"]].rename(columns={"pd": "new"}), on=key)
    return rows.assign(_id=rows[key[0]].astype(str)).sort_values(["_id", "observation_date"], ignore_index=True)


def approve(rows, name, share):
    """Which rows a model approves: its lowest PDs, equal ones by loan and date."""
    count = int(np.floor(share * len(rows) + 0.5))
    approved = np.zeros(len(rows), dtype=bool)
    approved[np.argsort(rows[name].to_numpy(), kind="stable")[:count]] = True
    return approved


EVERY = [
    *({"compare_section": "Curves", "compare_curve": name} for name in CURVES),
    {"compare_section": "Swap set"},
    *({"compare_section": "Profit", "compare_profit": name} for name in PROFITS),
]
FIRST = [{"compare_section": name} for name in ("Curves", "Swap set", "Profit")]


@pytest.mark.parametrize(
    ("portfolio", "reading", "shown"),
    [("demo", "Risk", EVERY), ("demo", "Business", FIRST), ("loanapp", "Business", EVERY), ("loanapp", "Risk", FIRST)],
)
def test_every_section_opens(open_app, portfolio, reading, shown):
    for query in shown:
        app = open_app(PAGE, portfolio, reading=reading, **query)
        assert not app.error
        assert len(app.get("plotly_chart")) >= 1, query


def test_the_numbers_of_the_curves_are_scikit_learns(open_app, demo_workspace):
    shown = table(open_app(PAGE, reading="Risk", compare_section="Curves"), "Average precision").set_index("Model")
    rows = scored(demo_workspace, "demo", "boosting/1", "out-of-time")
    fpr, tpr, _ = roc_curve(rows["outcome"], rows["pd"])
    assert shown.loc["Boosting", "AUC"].startswith(f"{roc_auc_score(rows['outcome'], rows['pd']):.3f} [")
    assert shown.loc["Boosting", "KS"].startswith(f"{np.max(tpr - fpr):.3f} [")
    assert float(shown.loc["Boosting", "Average precision"]) == pytest.approx(
        average_precision_score(rows["outcome"], rows["pd"]), abs=5e-5
    )


def test_the_partial_gini_follows_the_range_in_the_link(open_app, demo_workspace):
    app = open_app(PAGE, reading="Risk", compare_section="Curves", compare_partial_high="2.0")
    shown = table(app, "Partial Gini").set_index("Model")
    rows = scored(demo_workspace, "demo", "boosting/1", "out-of-time")
    rows = rows[rows["pd"] <= 0.02]
    gini = 2 * roc_auc_score(rows["outcome"], rows["pd"]) - 1
    assert shown.loc["Boosting", "Partial Gini"].startswith(f"{gini:.3f} [")
    assert shown.loc["Boosting", "n"] == f"{len(rows):,}"


@pytest.mark.parametrize(("share", "date"), [(90, ""), (80, "September 2024")])
def test_the_swap_set_is_that_of_the_files(open_app, demo_workspace, share, date):
    rows = joined(demo_workspace)
    query = {"compare_swap_date": date} if date else {}
    if date:
        rows = rows[rows["observation_date"].str[:10] == "2024-09-30"].reset_index(drop=True)
    app = open_app(PAGE, compare_section="Swap set", compare_swap_approved=str(share), **query)
    old, new = (approve(rows, name, share / 100) for name in ("old", "new"))
    swapped_in, swapped_out = new & ~old, old & ~new
    text = words(app)
    assert f"Boosting approves {swapped_in.sum():,} loans that Scorecard declines" in text
    fewer = rows["outcome"][swapped_out].sum() - rows["outcome"][swapped_in].sum()
    assert f"The swap means {abs(fewer):.0f} {'fewer' if fewer > 0 else 'more'} defaults" in text
    totals = table(app, "Approved by").set_index("Approved by")
    for name, approved in (("Scorecard", old), ("Boosting", new)):
        assert totals.loc[name, "Loans"] == f"{approved.sum():,}"
        assert float(totals.loc[name, "Default rate"].split()[0]) == pytest.approx(
            100 * rows["outcome"][approved].mean(), rel=0.06
        )
    loans = table(app, "Move")
    assert loans["Exposure"].is_monotonic_decreasing
    assert set(loans["Move"]) == {"swapped in", "swapped out"}
    assert loans["Exposure"].iloc[0] == round(rows["balance"][swapped_in | swapped_out].max())


def test_another_challenger_may_be_chosen(open_app):
    app = open_app(PAGE, compare_section="Swap set", compare_challenger="Neural network")
    assert "Neural network approves" in words(app)
    assert list(table(app, "Approved by")["Approved by"]) == ["Scorecard", "Neural network"]


def test_one_model_alone_has_no_swap_set(open_app, monkeypatch):
    monkeypatch.setattr("pages.common.compare_swap.choose_pair", lambda _: None)
    assert "needs the scores of two models" in words(open_app(PAGE, compare_section="Swap set"))


def test_losses_without_recoveries_take_the_policys_lgd_and_say_so(open_app, demo_workspace):
    rows = joined(demo_workspace, "loanapp", "out-of-sample")
    app = open_app(PAGE, "loanapp", compare_section="Swap set")
    assert "policy's fixed LGD of 20 %: the portfolio records no realised losses" in words(app)
    totals = table(app, "Approved by").set_index("Approved by")
    amount = rows["loanamt"].to_numpy() * (1000 if rows["loanamt"].max() < 10_000 else 1)
    lost = 0.2 * (amount * rows["outcome"])[approve(rows, "new", 0.9)].sum()
    assert float(totals.loc["Boosting", "Lost"].strip("$k")) == pytest.approx(lost / 1000, rel=0.01)
    assert "Observed" not in table(app, "Move")


def test_outcomes_are_said_to_be_of_granted_loans_only(open_app):
    assert "observed only where the loan was granted" in words(open_app(PAGE, compare_section="Swap set"))


def test_swapped_loans_can_be_exported_and_explained(open_app, monkeypatch):
    given = {}

    def menu(rows, name, about, *, key):
        given.update(rows=rows(), about=about)

    monkeypatch.setattr("pages.common.exports.menu", menu)
    app = open_app(PAGE, compare_section="Swap set")
    moves = given["rows"]["move"].value_counts()
    assert moves["swapped in"] == moves["swapped out"] > 0
    assert "granted" in given["about"]["Note"]
    link = table(app, "Move")["Explain"].dropna().iloc[0]
    loan = link.split("explain_loan=")[1]
    assert link.startswith("explain?portfolio=demo")
    opened = open_app("pages/models/explain.py", explain_loan=loan)
    assert loan in words(opened)


def test_profit_follows_the_parameters_in_the_link(open_app, demo_workspace):
    """Mean loss 0 + (1 − 0.4)/2 = 30 %, return 5 %: a default costs 6 good loans and pays from a PD of 1/7."""
    asked = {"compare_no_loss": "40.0", "compare_total_loss": "0.0", "compare_roi": "5.0"}
    app = open_app(PAGE, reading="Risk", compare_section="Profit", **asked)
    assert "costs as much as 6.00 good loans turned away, so rejecting pays from a PD of 14.3 %" in words(app)
    rows = scored(demo_workspace, "demo", "boosting/1", "out-of-time")
    emp = compute_emp(rows["outcome"], {"m": rows["pd"]}, no_loss=0.4, total_loss=0.0, roi=0.05)["emp"].iloc[0]
    shown = table(app, "Estimate", "p").set_index("Model").loc["Boosting", "Estimate"]
    assert float(shown.split()[0].strip("€k")) == pytest.approx(1e6 * emp, rel=0.01)


def test_shares_of_more_than_all_defaults_are_refused(open_app):
    app = open_app(PAGE, compare_section="Profit", compare_no_loss="80.0", compare_total_loss="30.0")
    assert "more than all defaults" in app.warning[0].value
    assert not app.get("plotly_chart")


def test_a_cutoff_without_a_return_says_why_not(open_app):
    app = open_app(PAGE, compare_section="Profit", compare_profit="Cut-off", compare_roi="0.0")
    assert "good loans earn something" in words(app)


def test_parameters_begin_with_the_portfolios_policy(open_app, demo_workspace):
    file = demo_workspace / "loanapp" / "policy.toml"
    file.write_text('[profit]\nroi = 0.07\nlgd_source = "fixed"\nlgd = 0.35\n')
    try:
        app = open_app(PAGE, "loanapp", compare_section="Profit")
        assert next(item.value for item in app.number_input if item.key == "compare_roi") == 7
        assert "this portfolio's policy.toml" in words(app)
        assert "fixed LGD of 35 %: as it asks" in words(open_app(PAGE, "loanapp", compare_section="Swap set"))
    finally:
        file.unlink()
