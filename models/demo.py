"""The demo portfolio with its three models: generated, trained and scored, then put in place in one step."""

import datetime
from pathlib import Path

from models.registry import load_registry
from models.scoring import score_portfolio
from models.training import TrainConfig, load_training_data, train
from portfolio.atomic import lock_folder, remove_leftovers, replace_directory
from portfolio.demo.build import write_demo
from portfolio.engine import Engine
from portfolio.progress import Report, part_of, silent
from portfolio.workspace import Portfolio, check_name

# The champion was trained on older data, as models in production are; the challengers on all development data.
TRAININGS = (("scorecard", datetime.date(2019, 12, 31)), ("boosting", None), ("neural", None))


def build_demo(
    workspace: Path,
    *,
    name: str = "demo",
    loans: int = 50_000,
    months: int = 150,
    seed: int = 20260630,
    with_models: bool = True,
    report: Report = silent,
) -> Portfolio:
    """Build the demo in `workspace/name`. A killed run leaves what was there before."""
    target = workspace / check_name(name)
    with lock_folder(workspace):
        remove_leftovers(workspace)
        with replace_directory(target) as building:
            write_demo(building, loans=loans, months=months, seed=seed, report=part_of(report, 0, 0.35))
            if with_models:
                _train_and_score(Engine(Portfolio(building)), part_of(report, 0.35, 1))
    return Portfolio(target)


def _train_and_score(engine: Engine, report: Report) -> None:
    report(0, "reading the training rows")
    data = load_training_data(engine)
    first_date = data.rows.date.min().date()
    for number, (family, until) in enumerate(TRAININGS):
        # A short history may begin after the champion's cut-off; then it sees what the others see.
        cut = until if until and until > first_date else None
        train(
            engine, TrainConfig(family, until=cut), data=data, report=part_of(report, number * 0.2, number * 0.2 + 0.2)
        )
    score_portfolio(engine, load_registry(engine.portfolio).entries, report=part_of(report, 0.6, 1))
