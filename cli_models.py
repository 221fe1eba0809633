"""The command line's further `models` commands: score columns without a model, and what a model's complexity costs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli_common import portfolio_option, workspace_option
from portfolio.errors import HypothecError
from portfolio.progress import TerminalReport, part_of
from portfolio.workspace import Portfolio, open_portfolio

if TYPE_CHECKING:
    from models.complexity import Complexity


@click.command("columns")
@click.option("--column", "columns", multiple=True, help="Column of PDs; repeat for several. Default: the role score.")
@click.option("--name", "names", multiple=True, help="Name to keep a column under, one a column (default: its own).")
@portfolio_option
@workspace_option
def columns_command(workspace: Path, name: str, columns: Sequence[str], names: Sequence[str]) -> None:
    """Compare score columns of the data as they are, without their models; the first may become the champion.

    Example: python cli.py models columns --portfolio mine --column pd_bank --column pd_vendor
    """
    from models.predictions import add_columns
    from models.scoring import score_portfolio
    from portfolio.atomic import lock_folder
    from portfolio.engine import Engine

    portfolio = open_portfolio(workspace, name)
    engine = Engine(portfolio)
    report = TerminalReport()
    with lock_folder(portfolio.root):
        report(0, "checking the columns and judging them")
        entries = add_columns(engine, columns, names)
        score_portfolio(engine, entries, report=part_of(report, 0.4, 1))
    report.close("Ready to compare: " + ", ".join(str(entry.ref) for entry in entries))
    print_models(portfolio)
    click.echo(f"Next: python cli.py serve --portfolio {name}")


@click.command("stress")
@click.option("--model", "wanted", multiple=True, help="Name, name/version or alias; default: the models in use.")
@click.option("--seeds", default=5, show_default=True, type=click.IntRange(2, 50), help="Refits, each with its seed.")
@click.option("--rows", default=100_000, show_default=True, type=click.IntRange(500),
              help="At most so many development rows a refit, whole loans.")  # fmt: skip
@portfolio_option
@workspace_option
def stress_command(workspace: Path, name: str, wanted: Sequence[str], seeds: int, rows: int) -> None:
    """Measure what complexity costs: seed spread, flips by 5 % of input, size, latency. Shown by Compare's Cost.

    Example: python cli.py models stress --portfolio demo --model boosting --seeds 5
    """
    from models.registry import load_registry
    from models.stress import StressConfig, measurable, measure
    from portfolio.atomic import lock_folder
    from portfolio.engine import Engine

    portfolio = open_portfolio(workspace, name)
    registry = load_registry(portfolio)
    entries = [registry.find(item) for item in wanted] or measurable(registry.latest())
    if not entries:
        raise HypothecError(f"portfolio {name!r} has no model yet; `python cli.py train --portfolio {name}` makes some")
    report = TerminalReport()
    engine = Engine(portfolio)
    with lock_folder(portfolio.root):
        for place, entry in enumerate(entries):
            share = part_of(report, place / len(entries), (place + 1) / len(entries))
            found = measure(engine, entry, config=StressConfig(seeds, rows), report=share)
            click.echo(f"  {_summary(found)}")
    report.close(f"Measured {', '.join(str(entry.ref) for entry in entries)}")


def _summary(found: "Complexity") -> str:
    """Return a version's figures as one line."""
    sd, flipped = found.seeds.sd, found.perturbed.flipped
    return ", ".join((
        f"{found.model}: Gini ± {sd:.4f} over {len(found.seeds.seeds)} seeds" if sd is not None
        else f"{found.model}: not refitted",
        f"{flipped:.2%} of decisions flip" if flipped is not None else "nothing to perturb",
        f"{found.artifact_bytes:,} bytes, {found.latency_many_ms:.0f} ms for 10,000 loans",
    ))  # fmt: skip


def print_models(portfolio: Portfolio) -> None:
    """Print a line for each model version: family, Gini of the sample that judges it, aliases."""
    from models.registry import load_card, load_registry

    registry = load_registry(portfolio)
    if not registry.entries:
        click.echo(
            f"portfolio {portfolio.name!r} has no model yet; `python cli.py train --portfolio {portfolio.name}` "
            "makes some"
        )
    for entry in registry.entries:
        aliases = [alias for alias, ref in registry.aliases.items() if ref == str(entry.ref)]
        ginis = {row["sample"]: row for row in load_card(portfolio, entry)["metrics"] if row["metric"] == "gini"}
        judged = ginis.get("out-of-time") or ginis.get("out-of-sample")
        gini = (
            f"Gini {judged['estimate']:.3f} [{judged['low']:.3f}, {judged['high']:.3f}] {judged['sample']}"
            if judged
            else "not judged"
        )
        click.echo(f"  {entry.ref!s:16} {entry.family:11} {gini:52} {' '.join(aliases)}")
