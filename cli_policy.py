"""The command line's `policy`: the criteria in force, as the TOML file that would set them."""

from pathlib import Path

import click

from cli_common import portfolio_option, workspace_option


@click.command()
@portfolio_option
@workspace_option
def policy(workspace: Path, name: str) -> None:
    """Print the criteria in force: what a policy.toml in the portfolio's folder says, over the defaults.

    Example: python cli.py policy --portfolio demo > policy.toml
    """
    from portfolio.policy import format_policy, load_policy
    from portfolio.workspace import open_portfolio

    click.echo(format_policy(load_policy(open_portfolio(workspace, name))), nl=False)
