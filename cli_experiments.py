"""The command line's `experiments`: run configurations into folders, list them, compare them on the same rows."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli_common import portfolio_option, workspace_option
from portfolio.errors import HypothecError
from portfolio.progress import TerminalReport, part_of
from portfolio.workspace import Portfolio, open_portfolio

if TYPE_CHECKING:
    from models.experiments.folders import Run

SAMPLES = ("out-of-time", "out-of-sample")
SETS = ("contest", "ablations")


@click.group()
def experiments() -> None:
    """Develop models: each experiment is a folder with its configuration, report and predictions.

    Example: python cli.py experiments run logistic boosting mlp && python cli.py experiments compare
    """


@experiments.command("run")
@click.argument("names", nargs=-1)
@click.option(
    "--set", "sets", multiple=True, type=click.Choice(SETS), help="All experiments of a set; repeat for both."
)
@click.option("--again", is_flag=True, help="Throw away what there is of them and begin anew.")
@portfolio_option
@workspace_option
def run_command(workspace: Path, name: str, names: Sequence[str], sets: Sequence[str], again: bool) -> None:
    """Run experiments by name or .toml file; one that is done is not made again, one that was killed goes on.

    One that this portfolio cannot run (a sequence without months) does not stop the others; it is named at the end.

    Example: python cli.py experiments run mlp my_network.toml --portfolio demo
    """
    from models.experiments.config import find_config, list_configs
    from models.experiments.folders import list_runs
    from models.experiments.run import run_experiment
    from portfolio.atomic import lock_folder
    from portfolio.engine import Engine

    configs = [*(item for which in sets for item in list_configs(which)), *map(find_config, names)]
    if not configs:
        known = ", ".join(item.name for which in SETS for item in list_configs(which))
        raise click.UsageError(f"name the experiments to run, or a --set of them; there are {known}")
    portfolio = open_portfolio(workspace, name)
    engine, report = Engine(portfolio), TerminalReport()
    failed: list[str] = []
    with lock_folder(portfolio.root):
        for place, config in enumerate(configs):
            share = part_of(report, place / len(configs), (place + 1) / len(configs))
            try:
                run_experiment(engine, config, again=again, report=share)
            except HypothecError as error:
                if len(configs) == 1:
                    raise
                failed.append(config.name)
                click.echo(f"\n{config.name} could not be run: {error}", err=True)
    report.close(f"Done: {', '.join(item.name for item in configs if item.name not in failed) or 'none'}")
    judged = {row["sample"] for run in current(list_runs(portfolio), portfolio) for row in run.report["metrics"]}
    for sample in [name for name in SAMPLES if name in judged][:1]:  # a table without dates has no out-of-time rows
        print_leaderboard(portfolio, sample)
    if failed:
        raise HypothecError(f"not run: {', '.join(failed)}; the reasons stand above")


@experiments.command("list")
@portfolio_option
@workspace_option
def list_command(workspace: Path, name: str) -> None:
    """Print the portfolio's experiments, and those that could be run.

    Example: python cli.py experiments list --portfolio demo
    """
    from models.experiments.config import list_configs
    from models.experiments.folders import list_runs

    runs = list_runs(open_portfolio(workspace, name))
    for run in runs:
        click.echo(f"  {run.config.name:26} {run.report['finished'] if run.done else 'begun, not done':26} "
                   f"{run.config.question}")  # fmt: skip
    there = {run.config.name for run in runs}
    for config in (item for which in SETS for item in list_configs(which)):
        if config.name not in there:
            click.echo(f"  {config.name:26} {'to run':26} {config.question}")


@experiments.command("compare")
@click.option("--against", default="scorecard", show_default=True, help="The experiment the others are compared with.")
@click.option("--sample", default=SAMPLES[0], show_default=True, type=click.Choice(SAMPLES))
@portfolio_option
@workspace_option
def compare_command(workspace: Path, name: str, against: str, sample: str) -> None:
    """Print the leaderboard and every experiment's paired difference from one of them, as Markdown.

    Example: python cli.py experiments compare --against boosting --portfolio demo
    """
    from models.experiments.compare import differences

    portfolio = open_portfolio(workspace, name)
    runs = print_leaderboard(portfolio, sample)
    found = differences(runs, against, sample)
    click.echo(f"\nPaired differences from {against}, {sample}, 95 % intervals clustered by loan:\n")
    click.echo("| experiment | Gini | log loss |\n|---|---|---|")
    for model, part in found.groupby("challenger", sort=False):
        cells = {row["metric"]: f"{row['difference']:+.4f} [{row['low']:+.4f}, {row['high']:+.4f}]"
                 for row in part.to_dict("records")}  # fmt: skip
        click.echo(f"| {model} | {cells['gini']} | {cells['log_loss']} |")


def current(runs: Sequence["Run"], portfolio: Portfolio) -> list["Run"]:
    """Return the finished experiments on the portfolio's present data: rows of other data are not comparable."""
    return [run for run in runs if run.done and run.report["data_sha256"] == portfolio.data_hash]


def print_leaderboard(portfolio: Portfolio, sample: str) -> list["Run"]:
    """Print the finished experiments on the present data by Gini as a Markdown table; return them."""
    from models.experiments.compare import leaderboard
    from models.experiments.folders import list_runs

    runs = current(list_runs(portfolio), portfolio)
    table = leaderboard(runs, sample)
    if table.empty:
        raise HypothecError(
            f"portfolio {portfolio.name!r} has no experiment finished on its present data with both outcomes in "
            f"the {sample} sample; "
            f"`python cli.py experiments run --set contest --portfolio {portfolio.name}` runs all"
        )
    click.echo(f"{portfolio.name}, {sample}: {table['n'].iloc[0]:,} rows, {table['events'].iloc[0]:,} events\n")
    click.echo(
        "| experiment | Gini [95 %] | seeds | log loss | O/E | from truth | trials | parameters | ms / 10,000 | fit s |"
    )
    click.echo("|---|---|---|---|---|---|---|---|---|---|")
    for row in table.to_dict("records"):
        truth = f"{row['rmse_truth']:.4f}" if row["rmse_truth"] >= 0 else ""  # NaN where no truth is known
        click.echo(
            f"| {row['name']} | {row['gini']:.3f} [{row['low']:.3f}, {row['high']:.3f}] | {row['seed_low']:.3f}-"
            f"{row['seed_high']:.3f} ({row['seeds']}) | {row['log_loss']:.5f} | {row['o_e_ratio']:.2f} | {truth} | "
            f"{row['trials']} | "
            f"{row['complexity']:,} | {row['latency_ms']:.0f} | {row['fit_seconds']:.0f} |"
        )
    kept = set(table["name"])
    return [run for run in runs if run.config.name in kept]
