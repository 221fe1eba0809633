"""Build the demo portfolio in a workspace: history, schema, snapshots and manifest, all or nothing."""

from collections.abc import Callable
from pathlib import Path

from portfolio.atomic import lock_folder, remove_leftovers, replace_directory
from portfolio.demo.generate import generate_history
from portfolio.demo.schema import make_schema
from portfolio.derived import build_derived
from portfolio.progress import Report, part_of, silent
from portfolio.schema import save_schema
from portfolio.sources.kept import keep_views
from portfolio.workspace import Portfolio, check_name, write_manifest

DATA = 0.3  # share of the time that the data takes where models follow, for the report
MONTHS = 150
GENERATING = 0.35  # share of that which the history takes


def build_demo(
    workspace: Path, *, name: str = "demo", loans: int = 50_000, months: int = MONTHS, seed: int = 20260630,
    finish: Callable[[Portfolio, Report], None] | None = None, report: Report = silent,
) -> Portfolio:  # fmt: skip
    """Build the synthetic book of `loans` loans over `months` months as portfolio `name` and return it.

    The same arguments give the same data. `finish` may add to the portfolio (its models) before it is put in
    place; it then has most of the time. A portfolio of that name is replaced at the end, its saved
    views stay; until then, and if the run is killed, it stays as it was.
    """
    check_name(name)
    data = part_of(report, 0, DATA if finish else 1)
    with lock_folder(workspace):
        remove_leftovers(workspace)
        with replace_directory(workspace / name) as building:
            generate_history(building, loans=loans, months=months, seed=seed, report=part_of(data, 0, GENERATING))
            schema = make_schema(months)
            save_schema(schema, building / "schema.toml")
            build_derived(building, schema, report=part_of(data, GENERATING, 0.98))
            data(0.98, "recording the data's hash")
            write_manifest(building, "demo generator (synthetic)", loans=loans, months=months, seed=seed)
            if finish:
                finish(Portfolio(building), part_of(report, DATA, 1))
            keep_views(workspace / name, building)
    report(1.0, f"built portfolio {name}")
    return Portfolio(workspace / name)


def list_ingested(root: Path) -> list[str]:
    """Return the documents' files that a user ingested into the portfolio in `root`; building the demo drops them."""
    if not (root / "data.json").exists():
        return []
    held: dict[str, list[str]] = Portfolio(root).manifest.get("documents", {})
    own = {f"{item.document_path.kind}.jsonl.gz" for item in make_schema(MONTHS).from_documents()}
    return [name for name in held.get("files", []) if name not in own or name in held.get("latest", [])]
