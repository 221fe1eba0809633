"""The command line; `python cli.py --help` lists its commands. Exit codes: 0 done, 2 wrong use or bad input."""

import datetime
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from cli_common import confirm, portfolio_option, workspace_option
from cli_experiments import experiments
from cli_features import features
from cli_ingest import ingest
from cli_models import columns_command, print_models, stress_command
from cli_policy import policy
from cli_train import train
from portfolio.errors import HypothecError
from portfolio.progress import TerminalReport
from portfolio.workspace import DEFAULT_PORTFOLIO, open_portfolio


class BadInput(click.ClickException):
    """A mistake of the user's: one line and exit code 2."""

    exit_code = 2


class CleanErrors(click.Group):
    """Turns a HypothecError into one clear line and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a user's mistake never ends in a traceback."""
        try:
            return super().invoke(ctx)
        except HypothecError as error:
            raise BadInput(" ".join(str(error).split())) from None
        except OSError as error:  # a read-only folder, a full disk
            raise BadInput(f"{error.filename or 'the file system'}: {error.strerror or error}") from None


@click.group(cls=CleanErrors, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Hypothec: the models behind a bank's mortgage book.

    Example: python cli.py demo && python cli.py serve
    """
    # Threads of OpenMP that wait by spinning make boosted trees five times slower on a machine that does other work.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


main.add_command(ingest)
main.add_command(policy)
main.add_command(features)
main.add_command(train)
main.add_command(experiments)


@main.command()
@click.option(
    "--loans", default=50_000, show_default=True, type=click.IntRange(500), help="How many loans to generate."
)
@click.option("--months", default=150, show_default=True, type=click.IntRange(36, 150), help="Months of history.")
@click.option("--seed", default=20260630, show_default=True, help="The same seed gives the same book.")
@click.option("--train/--no-train", "with_models", default=True, help="Train and score the three models too.")
@portfolio_option
@workspace_option
def demo(workspace: Path, name: str, loans: int, months: int, seed: int, with_models: bool) -> None:
    """Build the synthetic demo book with its three trained models; a former one's saved views stay.

    Example: python cli.py demo --loans 50000
    """
    from models.demo import add_models
    from portfolio.demo.build import build_demo, list_ingested

    if lost := list_ingested(workspace / name):
        click.echo(f"These documents of {name} go with it; ingest them again afterwards: {', '.join(lost)}", err=True)
    report = TerminalReport()
    portfolio = build_demo(
        workspace,
        name=name,
        loans=loans,
        months=months,
        seed=seed,
        finish=add_models if with_models else None,
        report=report,
    )
    report.close(f"Built {portfolio.root} ({loans:,} loans)")
    click.echo(f"Next: python cli.py serve --portfolio {name}")


@main.command()
@click.option("--model", "wanted", multiple=True, help="Name, name/version or alias; default: the models in use.")
@click.option("--snapshot", "keys", multiple=True, help="Observation date to score; default: all.")
@click.option("--explain", "explain", multiple=True, metavar="[all|latest|yearly|DATE]",
              help="Snapshots to explain too (repeat for several). Default: the latest of those scored.")  # fmt: skip
@click.option("--sample", type=click.IntRange(1), help="Explain so many loans a snapshot, over all PDs; default: all.")
@click.option("--again", is_flag=True, help="Make files anew whose model, background and data have not changed.")
@portfolio_option
@workspace_option
def score(
    workspace: Path,
    name: str,
    wanted: Sequence[str],
    keys: Sequence[str],
    explain: Sequence[str],
    sample: int | None,
    again: bool,
) -> None:
    """Score snapshots with trained models and store the attributions; a stopped run goes on where it was.

    Example: python cli.py score --portfolio demo --model champion --explain all
    """
    from models.external import explainer_lines
    from models.registry import load_card, load_registry
    from models.scoring import score_portfolio
    from portfolio.atomic import lock_folder
    from portfolio.engine import Engine

    portfolio = open_portfolio(workspace, name)
    registry = load_registry(portfolio)
    entries = list({str(found.ref): found for found in map(registry.find, wanted)}.values()) or list(registry.latest())
    if not entries:
        raise HypothecError(f"portfolio {name!r} has no model yet; `python cli.py train --portfolio {name}` makes some")
    for entry in entries:
        if entry.family == "external":
            for line in explainer_lines(load_card(portfolio, entry)):
                click.echo(f"  {entry.ref} is {line}")
    report = TerminalReport()
    with lock_folder(portfolio.root):
        done = score_portfolio(
            Engine(portfolio),
            entries,
            keys=keys or None,
            explain=explain or None,
            sample=sample,
            again=again,
            report=report,
        )
    kept = f"; {done.kept} already scored (--again makes them anew)" if done.kept else ""
    report.close(f"Scored {done.written} snapshot{'s' * (done.written != 1)}{kept}")
    click.echo(f"Next: python cli.py serve --portfolio {name}")


@main.group()
def models() -> None:
    """List, add and promote models. Example: python cli.py models list --portfolio demo."""


@models.command("list")
@portfolio_option
@workspace_option
def models_list(workspace: Path, name: str) -> None:
    """List every model version with its out-of-time Gini.

    Example: python cli.py models list --portfolio demo
    """
    print_models(open_portfolio(workspace, name))


@models.command("promote")
@click.argument("model")
@click.argument("alias", type=click.Choice(["champion", "challenger"]))
@portfolio_option
@workspace_option
def models_promote(workspace: Path, name: str, model: str, alias: str) -> None:
    """Make MODEL the champion or the challenger.

    Example: python cli.py models promote boosting/1 champion --portfolio demo
    """
    from models.registry import promote
    from portfolio.atomic import lock_folder

    portfolio = open_portfolio(workspace, name)
    with lock_folder(portfolio.root):
        entry = promote(portfolio, model, alias)
    click.echo(f"{entry.ref} is now the {alias} of {name}")


@models.command("add")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", "model_name", required=True, help="Name to keep the model under.")
@click.option("--yes", is_flag=True, help="Trust the file without being asked.")
@portfolio_option
@workspace_option
def models_add(workspace: Path, name: str, file: Path, model_name: str, yes: bool) -> None:
    """Add a model trained elsewhere: a scikit-learn-compatible classifier in a joblib file.

    Example: python cli.py models add forest.joblib --name forest --portfolio demo
    """
    from models.external import explainer_lines
    from models.registry import check_model_name, load_card
    from models.scoring import score_portfolio
    from models.training import add_external
    from portfolio.atomic import lock_folder
    from portfolio.engine import Engine

    portfolio = open_portfolio(workspace, name)
    check_model_name(model_name)
    sha256, lines = describe_file(file)
    for line in lines:
        click.echo(f"  {line}")
    confirm("Unpickling runs whatever code the file holds. Trust it?", yes)
    report = TerminalReport()
    engine = Engine(portfolio)
    with lock_folder(portfolio.root):
        report(0, "checking the model against the schema and judging it")
        entry = add_external(engine, file, model_name, sha256=sha256)
        report.close(f"Added {entry.ref}")
        for line in explainer_lines(load_card(portfolio, entry)):
            click.echo(f"  {line}")
        report = TerminalReport()
        score_portfolio(engine, [entry], report=report)
    report.close("Scored every snapshot")
    print_models(portfolio)


models.add_command(columns_command)
models.add_command(stress_command)


@main.command()
@click.option("--port", default=8501, show_default=True, type=click.IntRange(1, 65535), help="Port on 127.0.0.1.")
@click.option("--portfolio", "name", default=DEFAULT_PORTFOLIO, envvar="HYPOTHEC_PORTFOLIO", show_default=True,
              help="Name of the portfolio that opens first.")  # fmt: skip
@workspace_option
def serve(workspace: Path, name: str, port: int) -> None:
    """Serve the dashboard on http://127.0.0.1:PORT.

    Example: python cli.py serve --portfolio demo --port 8501
    """
    open_portfolio(workspace, name)
    os.environ.update(HYPOTHEC_WORKSPACE=str(workspace), HYPOTHEC_PORTFOLIO=name)
    app = Path(__file__).with_name("app.py")
    click.echo(f"Hypothec: http://127.0.0.1:{port}", err=True)
    os.chdir(app.parent)  # Streamlit reads .streamlit/config.toml from the working directory
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(app), "--server.port", str(port)])  # noqa: S606


def describe_file(file: Path) -> tuple[str, list[str]]:
    """Return the SHA-256 of what is about to be unpickled, and what to say of it: path, size, date, owner."""
    from portfolio.workspace import hash_file

    if not file.is_file():
        raise HypothecError(f"{file}: no such file; give the joblib file of a fitted classifier")
    facts = file.stat()
    changed = datetime.datetime.fromtimestamp(facts.st_mtime).isoformat(sep=" ", timespec="seconds")
    sha256 = hash_file(file)
    return sha256, [
        f"file     {file.absolute()} ({facts.st_size:,} bytes)",
        f"changed  {changed}",
        f"owner    {_owner(file)}",
        f"SHA-256  {sha256}",
    ]


def _owner(file: Path) -> str:
    try:
        return file.owner()
    except KeyError:  # a mounted file may belong to a user this machine does not know
        return f"user {file.stat().st_uid}, unknown on this machine"


if __name__ == "__main__":
    main()
