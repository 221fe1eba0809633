"""The demo's three models, trained and scored before the demo is put in place."""

import datetime

from models.registry import load_registry
from models.scoring import score_portfolio
from models.training import TrainConfig, load_training_data, train
from portfolio.engine import Engine
from portfolio.progress import Report, part_of
from portfolio.workspace import Portfolio

# The champion was trained on older data, as models in production are; the challengers on all development data.
TRAININGS = (("scorecard", datetime.date(2019, 12, 31)), ("boosting", None), ("neural", None))


def add_models(portfolio: Portfolio, report: Report) -> None:
    """Train the champion and two challengers on the demo, score every snapshot and explain the latest."""
    engine = Engine(portfolio)
    report(0, "reading the training rows")
    data = load_training_data(engine)
    first = data.rows.date.min().date()
    for number, (family, until) in enumerate(TRAININGS):
        # A short history may begin after the champion's cut-off; then it sees what the others see.
        cut = until if until and until > first else None
        share = part_of(report, 0.05 + number * 0.2, 0.25 + number * 0.2)
        train(engine, TrainConfig(family, until=cut), data=data, report=share)
    score_portfolio(engine, load_registry(portfolio).entries, report=part_of(report, 0.65, 1))
