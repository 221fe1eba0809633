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
# How many loans of one earlier snapshot a year are explained, spread over the PDs; None is all. A year's drivers are
# known to a per cent or two from 5,000 of 25,000 loans, to a few per cent from 256, and the network takes long.
EARLIER = {"scorecard": None, "boosting": 5_000, "neural": 256}


def add_models(portfolio: Portfolio, report: Report) -> None:
    """Train the champion and two challengers on the demo, score every snapshot, explain the latest and one a year."""
    engine = Engine(portfolio)
    report(0, "reading the training rows")
    data = load_training_data(engine)
    first = data.rows.date.min().date()
    for number, (family, until) in enumerate(TRAININGS):
        # A short history may begin after the champion's cut-off; then it sees what the others see.
        cut = until if until and until > first else None
        share = part_of(report, 0.05 + number * 0.2, 0.25 + number * 0.2)
        train(engine, TrainConfig(family, until=cut), data=data, report=share)
    _score(engine, part_of(report, 0.65, 1))


def _score(engine: Engine, report: Report) -> None:
    """Score every snapshot; all loans of the latest are explained, and of one a year before as many as `EARLIER`."""
    entries = load_registry(engine.portfolio).entries
    latest = engine.portfolio.snapshot_keys()[-1:]
    score_portfolio(engine, entries, keys=latest, report=part_of(report, 0, 0.5))
    for number, entry in enumerate(entries):
        share = part_of(report, 0.5 + 0.5 * number / len(entries), 0.5 + 0.5 * (number + 1) / len(entries))
        score_portfolio(engine, [entry], explain=["yearly"], sample=EARLIER[entry.family], report=share)
