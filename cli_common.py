"""What every command of the command line shares: the workspace option and the question before a change."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from portfolio.errors import HypothecError
from portfolio.workspace import DEFAULT_PORTFOLIO, workspace_root


def workspace_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --workspace, the folder that holds the portfolios."""
    return click.option(
        "--workspace",
        type=click.Path(path_type=Path, file_okay=False),
        callback=_workspace,
        help="Folder of the portfolios (default: HYPOTHEC_WORKSPACE or ./workspace).",
    )(command)


def portfolio_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --portfolio, the portfolio's name."""
    return click.option(
        "--portfolio", "name", default=DEFAULT_PORTFOLIO, show_default=True, help="Name of the portfolio."
    )(command)


def _workspace(_context: click.Context, _parameter: click.Parameter, value: Path | None) -> Path:
    return workspace_root(value)


def confirm(question: str, yes: bool) -> None:
    """Ask `question` unless `yes`; HypothecError if there is no terminal to ask on or the answer is no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise HypothecError("this needs a confirmation and there is no terminal to ask on; add --yes")
    if not click.confirm(question, default=False):
        raise HypothecError("not confirmed; nothing was changed")
