"""The command line's `ingest` group: a table, a history, the public loan-level formats, and documents."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli_common import confirm, workspace_option
from portfolio.progress import TerminalReport

if TYPE_CHECKING:
    from portfolio.schema import Schema
    from portfolio.sources.history import HistoryResult

SHOWN = 12  # notes printed at most; all are on the quality page


@click.group()
def ingest() -> None:
    """Bring data in. Example: python cli.py ingest table loans.csv --portfolio mine."""


@ingest.command("table")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--mapping", type=click.Path(path_type=Path), help="TOML file that names the columns' roles.")
@click.option("--dry-run", is_flag=True, help="Print what would be done and the complete mapping, and stop.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--portfolio", "name", required=True, help="Name of the portfolio to make or replace.")
@workspace_option
def ingest_table_command(
    workspace: Path, file: Path, name: str, mapping: Path | None, dry_run: bool, yes: bool
) -> None:
    """Ingest one table: CSV, CSV.gz, Parquet, JSON lines or Excel.

    Example: python cli.py ingest table loanapp.csv --portfolio loanapp --mapping loanapp.toml --yes
    """
    from portfolio.sources.table import ingest_table, propose

    proposal = propose(file, mapping)
    for note in proposal.notes:
        click.echo(f"  {note}")
    if dry_run:
        click.echo(proposal.mapping_toml)
        return
    confirm("Ingest the table like this? (--dry-run prints the whole mapping to edit)", yes)
    report = TerminalReport()
    result = ingest_table(workspace, file, name=name, mapping=mapping, report=report)
    report.close(f"Ingested {result.rows_kept:,} of {result.rows_read:,} rows into {result.portfolio.root}")
    for reason, count in result.quarantined.items():
        click.echo(f"  quarantined {count:,} row{'s' * (count != 1)}: {reason}")
    click.echo(f"Next: {_next_step(result.portfolio.schema, name)}")


def _next_step(schema: "Schema", name: str) -> str:
    """Return the command after ingesting a table: its score columns are compared, its features learnt from."""
    compare = f"python cli.py models columns --portfolio {name}"
    train = f"python cli.py train --portfolio {name} && python cli.py score --portfolio {name}"
    if not schema.with_role("score"):
        return train
    return f"{compare}  (and for models of your own: {train})" if schema.with_role("feature") else compare


def history_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what every history takes: the portfolio's name, the files' encoding, the workspace."""
    for option in (
        workspace_option,
        click.option("--encoding", default="utf-8", show_default=True, help="Encoding of the text files."),
        click.option("--portfolio", "name", required=True, help="Name of the portfolio to make or replace."),
    ):
        command = option(command)
    return command


files_argument = click.argument("files", nargs=-1, required=True)


@ingest.command("freddie")
@files_argument
@history_options
def ingest_freddie_command(workspace: Path, files: Sequence[str], name: str, encoding: str) -> None:
    """Ingest Freddie Mac's loan-level FILES: paths, folders, globs, .zip, .gz, origination and performance together.

    Example: python cli.py ingest freddie historical_data_2020Q*.zip --portfolio freddie
    """
    from portfolio.sources.freddie import ingest_freddie

    report = TerminalReport()
    _tell(ingest_freddie(workspace, files, name=name, encoding=encoding, report=report), report)


@ingest.command("fannie")
@files_argument
@history_options
def ingest_fannie_command(workspace: Path, files: Sequence[str], name: str, encoding: str) -> None:
    """Ingest Fannie Mae's single-family FILES of 108, 110 or 113 fields: paths, folders, globs, .zip, .gz.

    Example: python cli.py ingest fannie 2020Q1.csv 2020Q2.zip --portfolio fannie
    """
    from portfolio.sources.fannie import ingest_fannie

    report = TerminalReport()
    _tell(ingest_fannie(workspace, files, name=name, encoding=encoding, report=report), report)


@ingest.command("esma")
@files_argument
@history_options
def ingest_esma_command(workspace: Path, files: Sequence[str], name: str, encoding: str) -> None:
    """Ingest ESMA Annex 2 FILES, pairs of 1_RMB_UE_… and 1_RMB_Collateral_…: paths, folders, globs, .zip, .gz.

    Example: python cli.py ingest esma deliveries/ --portfolio pool
    """
    from portfolio.sources.esma import ingest_esma

    report = TerminalReport()
    _tell(ingest_esma(workspace, files, name=name, encoding=encoding, report=report), report)


@ingest.command("history")
@click.argument("loans")
@click.argument("performance", nargs=-1, required=True)
@click.option("--title", default="", help="What the pages call the book (default: the portfolio's name).")
@click.option("--currency", default="EUR", show_default=True, help="Currency of the amounts.")
@history_options
def ingest_history_command(
    workspace: Path, loans: str, performance: Sequence[str], title: str, currency: str, name: str, encoding: str
) -> None:
    """Ingest a history with Hypothec's own columns: LOANS (a row a loan) and PERFORMANCE (a row a loan a month).

    Both are Parquet or delimited text; PERFORMANCE may be files, folders or globs.

    Example: python cli.py ingest history loans.parquet performance/ --portfolio book
    """
    from portfolio.sources.canonical import ingest_history

    report = TerminalReport()
    result = ingest_history(workspace, loans, performance, name=name, title=title, currency=currency,
                            encoding=encoding, report=report)  # fmt: skip
    _tell(result, report)


@ingest.command("documents")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--mapping", type=click.Path(path_type=Path),
              help="TOML file of [[field]] entries with paths; without it they are proposed, no more.")  # fmt: skip
@click.option("--portfolio", "name", required=True, help="Name of the portfolio that the documents belong to.")
@workspace_option
def ingest_documents_command(workspace: Path, files: Sequence[Path], name: str, mapping: Path | None) -> None:
    """Add documents in FILES of JSON lines (.jsonl, .jsonl.gz) to a portfolio, as the fields that --mapping declares.

    Example: python cli.py ingest documents valuations.jsonl.gz --portfolio mine --mapping paths.toml
    """
    from portfolio.sources.document_proposal import propose_documents
    from portfolio.sources.documents import ingest_documents
    from portfolio.workspace import open_portfolio

    if mapping is None:
        proposal = propose_documents(files, open_portfolio(workspace, name).schema)
        for note in proposal.notes:
            click.echo(f"# {note}")
        click.echo(f"\n{proposal.mapping_toml}")
        click.echo("Nothing was changed. Edit these fields, save them and give the file as --mapping", err=True)
        return
    report = TerminalReport()
    result = ingest_documents(workspace, files, name=name, mapping=mapping, report=report)
    fields = f"{len(result.fields)} field{'s' * (len(result.fields) != 1)}"
    report.close(f"{name} has {result.documents:,} documents in {result.portfolio.documents} and {fields} of them")
    for note in result.notes:
        click.echo(f"  {note}")
    for reason, count in result.quarantined.items():
        click.echo(f"  quarantined {count:,}: {reason}")
    click.echo(f"Next: python cli.py train --portfolio {name} && python cli.py score --portfolio {name}")


def _tell(result: "HistoryResult", report: TerminalReport) -> None:
    """Say what became of a delivery."""
    root = result.portfolio.root
    report.close(
        f"Ingested {result.rows_kept:,} of {result.rows_read:,} rows of {result.files:,} "
        f"file{'s' * (result.files != 1)} into {root}"
    )
    for note in result.notes[:SHOWN]:
        click.echo(f"  {note}")
    for reason, count in result.quarantined.items():
        click.echo(f"  quarantined {count:,} row{'s' * (count != 1)}: {reason}")
    click.echo(f"Next: python cli.py train --portfolio {root.name} && python cli.py score --portfolio {root.name}")
