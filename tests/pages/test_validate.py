"""The validate page on numbers it shows, worked out again from the files; its verdict; what it cannot run and why."""

import pandas as pd
import pytest
from scipy.stats import beta
from sklearn.metrics import roc_auc_score

from analytics.opinion import WORDS
from tests.pages.conftest import words

PAGE = "pages/risk/validate.py"
SECTIONS = ["Calibration", "Discrimination", "Stability", "Exclusions", "Long run", "LGD"]


def loans(workspace, key, ref="scorecard/1"):
    """PD and outcome of the loans on a date, from the Parquet files."""
    root = workspace / "demo"
    rows = pd.read_parquet(root / "snapshots" / f"{key}.parquet", columns=["loan_id", "default_12m", "label_mature"])
    scores = pd.read_parquet(root / "scores" / ref / f"{key}.parquet", columns=["loan_id", "pd"])
    joined = rows.merge(scores, on="loan_id")
    return joined[joined["label_mature"] & joined["default_12m"].notna()]


@pytest.fixture
def policy(demo_workspace):
    """Write a policy of the demo; it is gone after the test."""
    file = demo_workspace / "demo" / "policy.toml"

    def write(text):
        file.write_text(text)

    yield write
    file.unlink(missing_ok=True)


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("portfolio", ["demo", "loanapp"])
def test_every_section_opens_or_says_why_not(open_app, portfolio, section):
    app = open_app(PAGE, portfolio, reading="Risk", validate_section=section)
    assert not app.error
    reasons = [item.value for item in app.info]
    if portfolio == "loanapp" and section in ("Long run", "LGD"):
        assert reasons[0].startswith("Not run: ")
        assert ("has none" in reasons[0]) or ("records no losses" in reasons[0])
    else:
        assert not reasons
        assert len(app.get("plotly_chart")) == (3 if (portfolio, section) == ("demo", "Stability") else 1)


def test_the_last_date_with_known_outcomes_is_validated(open_app, demo_workspace):
    text = words(open_app(PAGE, reading="Risk"))
    # The book ends on 2026-06-30: outcomes of the year after are known up to 2025-06-30.
    assert "loans on 2025-06-30, default by 2026-06-30" in text


def test_portfolio_pd_and_jeffreys_p_are_those_of_the_files(open_app, demo_workspace):
    frame = loans(demo_workspace, "2025-06-30")
    n, d, pd_ = len(frame), int(frame["default_12m"].sum()), frame["pd"].mean()
    p = beta.cdf(pd_, d + 0.5, n - d + 0.5)
    app = open_app(PAGE, reading="Risk")
    table = next(item.value for item in app.dataframe if "Found" in item.value)
    found = table.loc[table["Test"] == "PD of the portfolio (Jeffreys)", "Found"].iloc[0]
    assert f"PD {100 * pd_:.2f} %, observed {100 * d / n:.2f} %" in found
    assert found.endswith(f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}")


def test_initial_auc_is_the_cards_until_the_policy_gives_one(open_app, policy, demo_workspace):
    assert "the model card, out-of-sample, on PDs rather than grades" in words(
        open_app(PAGE, reading="Risk", validate_section="Discrimination"))  # fmt: skip
    policy("[validation]\nauc_initial = 0.99\n")
    app = open_app(PAGE, reading="Risk", validate_section="Discrimination")
    assert "Initial AUC 0.990: policy.toml" in words(app)
    table = next(item.value for item in app.dataframe if "Found" in item.value)
    row = table[table["Test"] == "AUC against initial validation"].iloc[0]
    assert row["Light"] == "■ red"
    # Grades keep most of the PDs' order: their AUC is near that of the PDs.
    frame = loans(demo_workspace, "2025-06-30")
    auc = roc_auc_score(frame["default_12m"], frame["pd"])
    assert float(row["Found"].split()[1].rstrip(",")) == pytest.approx(auc, abs=0.03)
    assert "is a key test: red in it is at least a major deficiency" in words(app)


def test_the_opinion_follows_the_policys_points(open_app, policy):
    generous = "[opinion]\nminor = 1000\nmajor = 1000\nsevere = 1000\nkey = []\nrequired = []\n"
    policy(generous)
    assert f"1 of 4] Proposed opinion: {WORDS[1]}" in words(open_app(PAGE, reading="Risk"))
    policy(generous.replace("required = []", 'required = ["ccf"]'))
    text = words(open_app(PAGE, reading="Risk"))
    assert f"2 of 4] Proposed opinion: {WORDS[2]}" in text
    assert "Credit conversion factor is required and was not run (no undrawn amounts" in text


def test_what_is_not_recorded_is_said_and_never_0(open_app):
    app = open_app(PAGE, reading="Risk", validate_section="Exclusions")
    text = words(app)
    for name in ("Overridden ratings (kept)", "Technical defaults"):
        assert f"{name}: not recorded." in text


def test_a_wrong_policy_ends_in_one_clear_sentence(open_app, policy):
    policy("[lights]\npsi = [0.25, 0.1]\n")
    app = open_app(PAGE)
    assert "psi must be [amber, red] with red at or above amber, got [0.25, 0.1]" in words(app)


def test_a_date_that_the_model_learnt_from_is_marked(open_app):
    app = open_app(PAGE, reading="Risk", validate_date="2019-12-31")
    assert "choose a later date to judge it fairly" in app.warning[0].value
    text = words(app)
    assert "loans on 2019-12-31, default by 2020-12-31" in text
    # The scale takes only dates whose outcomes were known then: 2018-12-31 and whole years before.
    assert "2014-12-31 to 2018-12-31" in text


def test_the_first_date_is_validated_on_its_own_scale_and_says_so(open_app):
    app = open_app(PAGE, reading="Risk", validate_date="2014-12-31", validate_section="Long run")
    assert "built on the very loans that are validated" in app.warning[0].value


def test_few_defaults_pool_three_years(open_app, policy, demo_workspace):
    policy("[validation]\nfew_defaults = 1000\n")
    text = words(open_app(PAGE, reading="Risk", validate_section="Discrimination"))
    frames = [loans(demo_workspace, f"{year}-06-30") for year in (2023, 2024, 2025)]
    n, d = sum(len(frame) for frame in frames), sum(int(frame["default_12m"].sum()) for frame in frames)
    assert f"on {n:,} loans, {d:,} defaults" in text


def test_a_selection_without_defaults_has_no_auc_and_says_why(open_app, demo_workspace):
    root = demo_workspace / "demo" / "snapshots"
    rows = pd.concat(pd.read_parquet(root / f"{year}-06-30.parquet") for year in (2023, 2024, 2025))
    by_region = rows.groupby("region")["default_12m"].sum()
    calm = by_region[by_region == 0].index[0]
    app = open_app(PAGE, reading="Risk", only_region=[calm], validate_section="Discrimination")
    table = next(item.value for item in app.dataframe if "Found" in item.value)
    row = table[table["Test"] == "AUC against initial validation"].iloc[0]
    assert row["Light"] == "○ not run"
    assert row["Found"] in words(app)
    assert "outcome" in row["Found"]
