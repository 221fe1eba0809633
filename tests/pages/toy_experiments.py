"""A toy portfolio with a champion and seven finished experiments, for the page's own and its browser tests."""

from models.experiments.config import build_config
from models.experiments.run import run_experiment
from models.training import TrainConfig, train
from portfolio.engine import Engine
from tests.models.toy import make_loans, write_portfolio

SPACE = {"learning_rate": {"low": 0.01, "high": 0.3, "log": True}, "max_depth": {"choices": [2, 3]}}
QUICK = {"iterations": 20, "min_samples_leaf": 20}
ASKED = (
    {"name": "scorecard", "family": "scorecard"},
    {"name": "logistic", "family": "logistic"},
    {"name": "boosting", "family": "boosting", "settings": QUICK, "seeds": (0, 1),
     "tuning": {"trials": 4, "space": SPACE}},
    {"name": "gbm", "family": "boosting", "settings": QUICK},
    {"name": "gbm_30", "family": "boosting", "settings": QUICK, "share": 0.3},
    {"name": "gbm_bare", "family": "boosting", "settings": QUICK, "leave_out": ("ltv", "debt_service")},
    {"name": "mlp", "family": "mlp", "settings": {"epochs": 2}},
)  # fmt: skip


def build(workspace):
    """Write the portfolio "toy" into a workspace, train its champion scorecard and run the experiments."""
    here = Engine(write_portfolio(workspace / "toy", *make_loans()))
    train(here, TrainConfig("scorecard"))
    for asked in ASKED:
        run_experiment(here, build_config(asked, where="test"))
    return workspace
