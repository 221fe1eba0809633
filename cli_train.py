"""The command line's `train`: fit families on a portfolio's development rows and register them."""

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli_common import portfolio_option, workspace_option
from cli_models import print_models
from models.families import FITTED_HERE, TRAINABLE
from portfolio.errors import HypothecError
from portfolio.progress import TerminalReport, part_of
from portfolio.workspace import Portfolio, open_portfolio

if TYPE_CHECKING:
    from models.experiments.folders import Run


@click.command()
@click.option(
    "--family",
    "families",
    multiple=True,
    type=click.Choice(FITTED_HERE),
    help="Repeat for several; default: " + ", ".join(TRAINABLE) + ".",
)
@click.option(
    "--experiment", help="Train what a finished experiment of the portfolio found: family, features, settings."
)
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last observation date the training may see.")
@click.option("--name", "model_name", help="Keep the model under this name (default: the family's).")
@click.option("--seed", type=int, help="Random seed of splits and fitting (default: the experiment's first, else 0).")
@portfolio_option
@workspace_option
def train(
    workspace: Path,
    name: str,
    families: Sequence[str],
    experiment: str | None,
    until: datetime.datetime | None,
    model_name: str | None,
    seed: int | None,
) -> None:
    """Train models on a portfolio; the first one ever trained becomes its champion.

    Example: python cli.py train --portfolio demo --family scorecard --until 2019-12-31
    """
    from models.registry import check_model_name
    from models.training import TrainConfig, load_training_data
    from models.training import train as train_model
    from portfolio.atomic import lock_folder
    from portfolio.engine import Engine

    if experiment and families:
        raise click.UsageError("--experiment names the family itself; leave --family out")
    portfolio = open_portfolio(workspace, name)
    found = _find_run(portfolio, experiment) if experiment else None
    chosen = [found.config.family] if found else list(families) or list(TRAINABLE)
    features = tuple(item["name"] for item in found.report["features"]) if found else ()
    settings = found.report["settings"] if found else {}
    if seed is None:
        seed = found.config.seeds[0] if found else 0
    if model_name and len(chosen) > 1:
        raise click.UsageError("--name is for one model; give one --family with it")
    if model_name:
        check_model_name(model_name)
    report = TerminalReport()
    engine = Engine(portfolio)
    with lock_folder(portfolio.root):
        report(0, "reading the training rows")
        plain = not found and any(map(_reads_fields_only, chosen))
        shared = load_training_data(engine) if plain else None
        made = [
            train_model(
                engine,
                TrainConfig(
                    family, model_name or experiment or family, until and until.date(), seed, features, settings
                ),
                data=shared if _reads_fields_only(family) else None,
                report=part_of(report, i / len(chosen), (i + 1) / len(chosen)),
            )
            for i, family in enumerate(chosen)
        ]
    report.close("Trained " + ", ".join(str(entry.ref) for entry in made))
    print_models(portfolio)
    click.echo(f"Next: python cli.py score --portfolio {name}")


def _reads_fields_only(family: str) -> bool:
    """Whether a family learns from the rows that all share: neither sequences nor courses."""
    from models.families import family_class

    cls = family_class(family)
    return not (cls.reads_sequences or cls.reads_course)


def _find_run(portfolio: Portfolio, name: str) -> "Run":
    """Return the finished experiment of that name."""
    from models.experiments.folders import list_runs

    done = {run.config.name: run for run in list_runs(portfolio) if run.done}
    if name not in done:
        raise HypothecError(f"no finished experiment {name!r}; there are {', '.join(done) or 'none'}")
    return done[name]
