"""The command line's `features`: named transforms of a loan's months and its region's economy, as further features."""

from collections.abc import Sequence
from pathlib import Path

import click

from cli_common import portfolio_option, workspace_option
from portfolio.progress import TerminalReport
from portfolio.workspace import open_portfolio


@click.group()
def features() -> None:
    """Features made of the months behind a loan: list, add, remove.

    Example: python cli.py features list
    """


@features.command("list")
@portfolio_option
@workspace_option
def list_command(workspace: Path, name: str) -> None:
    """Print every transform: whether the portfolio has it, could have it, and what it is.

    Example: python cli.py features list --portfolio demo
    """
    from portfolio.features import list_offers

    for offer in list_offers(open_portfolio(workspace, name)):
        state = "in use" if offer.used else "possible" if offer.possible else "lacks its inputs"
        click.echo(f"  {offer.transform.name:26} {state:17} {offer.transform.field.description}")


@features.command("add")
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that the history can give.")
@portfolio_option
@workspace_option
def add_command(workspace: Path, name: str, names: Sequence[str], everything: bool) -> None:
    """Add transforms to the schema and build the snapshots anew; models keep the features they were trained on.

    Example: python cli.py features add months_since_arrears months_to_reset --portfolio demo
    """
    from portfolio.features import add_features, list_offers

    portfolio = open_portfolio(workspace, name)
    wanted = [item.transform.name for item in list_offers(portfolio) if item.possible] if everything else list(names)
    if not wanted:
        raise click.UsageError("name the transforms to add, or --all; `features list` shows them")
    report = TerminalReport()
    added = add_features(portfolio, wanted, report=report)
    report.close(f"Added {', '.join(added)}" if added else "Nothing to add: the portfolio has them")


@features.command("remove")
@click.argument("names", nargs=-1, required=True)
@portfolio_option
@workspace_option
def remove_command(workspace: Path, name: str, names: Sequence[str]) -> None:
    """Take transforms out of the schema and the snapshots.

    Example: python cli.py features remove months_to_reset --portfolio demo
    """
    from portfolio.features import remove_features

    report = TerminalReport()
    removed = remove_features(open_portfolio(workspace, name), names, report=report)
    report.close(f"Removed {', '.join(removed)}")
