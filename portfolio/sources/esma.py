"""ESMA Annex 2 (residential real estate) files, exposures and collateral, as a portfolio with history."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from portfolio.errors import HypothecError
from portfolio.progress import Report, silent
from portfolio.sources.cells import quote_all
from portfolio.sources.delivered import Delivered, Lines, find_files, open_lines_of, read_names
from portfolio.sources.esmarecipes import collateral_recipe, loans_recipe, months_recipe
from portfolio.sources.history import Book, HistoryResult, build_history
from portfolio.sources.intake import BAD, Intake, Staged
from portfolio.sources.layouts import Column, Layout, load_layout

PAIR = re.compile(r"^1_(\w+?)_(UE|Collateral)_(.+)_(\d{4}-\d{2}-\d{2})_(\d+)\.csv(?:\.gz)?$", re.IGNORECASE)
EXPOSURES, COLLATERAL = "UE", "Collateral"
NEEDED = {EXPOSURES: ("RREL2", "RREL6", "RREL30", "RREL68", "RREL69"), COLLATERAL: ("RREC2",)}
BESIDE = {"loan": "VARCHAR", "lien": "DOUBLE", "value": "DOUBLE", "current_ltv": "DOUBLE", "original_ltv": "DOUBLE",
          "property_value": "DOUBLE", "nuts": "VARCHAR", "occupancy": "VARCHAR", "property_type": "VARCHAR",
          "energy_label": "VARCHAR", "guarantee": "VARCHAR", "line": "BIGINT"}  # fmt: skip
JOIN = ("AS ue LEFT JOIN collateral AS c ON c.loan = ue.RREL2 "
        "LEFT JOIN collateral AS d ON c.loan IS NULL AND d.loan = {new}")  # fmt: skip
EXTRA = {"sec_id": "Sec_Id", "pool_cutoff_date": "Pool_Cutoff_Date"}


@dataclass(frozen=True)
class Named:
    """One file of a delivery: exposures or collateral, of which pool and date, and which try (`number`)."""

    item: Delivered
    kind: str
    pool: str
    date: str
    number: int


def ingest_esma(
    workspace: Path, files: Sequence[str | Path], *, name: str, encoding: str = "utf-8", report: Report = silent
) -> HistoryResult:
    """Build portfolio `name` from pairs of exposure and collateral files, or change nothing.

    `files` are paths, folders, globs, .zip and .gz in any order, named as European DataWarehouse names them:
    1_RMB_UE_<pool>_<date>_<n>.csv and 1_RMB_Collateral_<pool>_<date>_<n>.csv. A loan's number is RREL2, which
    stays; its collateral is joined by RREC2 = RREL2 or else RREL3.
    """

    def stage(intake: Intake, told: Report) -> None:
        found = [_read_name(item) for item in find_files(files, (".csv",))]
        pairs = _pair(found, intake)
        for done, (exposures, collateral) in enumerate(pairs):
            told(done / len(pairs), f"reading {exposures.item.name}")
            _stage_pair(intake, exposures, collateral, encoding)

    return build_history(workspace, name, Book("Securitised mortgages (ESMA)", "esma", "EUR"), stage, report=report)


def _read_name(item: Delivered) -> Named:
    named = PAIR.match(item.base)
    if not named:
        raise HypothecError(
            f"{item.name}: the name does not say what the file is; it must be like "
            "1_RMB_UE_RMBMNL000001_2024-03-31_1.csv or 1_RMB_Collateral_RMBMNL000001_2024-03-31_1.csv"
        )
    kind = EXPOSURES if named[2].upper() == EXPOSURES else COLLATERAL
    return Named(item, kind, named[3], named[4], int(named[5]))


def _pair(found: list[Named], intake: Intake) -> list[tuple[Named, Named | None]]:
    """Return each file of exposures with its collateral: of the same pool and date, the same or the last number."""
    pairs: list[tuple[Named, Named | None]] = []
    taken = set()
    for one in (item for item in found if item.kind == EXPOSURES):
        same = [item for item in found if item.kind == COLLATERAL and (item.pool, item.date) == (one.pool, one.date)]
        best = max(same, key=lambda item: (item.number == one.number, item.number, item.item.rank), default=None)
        if best is None:
            intake.notes.append(f"{one.item.name} has no Collateral file beside it: property and LTV are missing")
        taken.add(best)
        pairs.append((one, best))
    lone = [item.item.name for item in found if item.kind == COLLATERAL and item not in taken]
    if lone:
        intake.notes.append(
            f"{len(lone)} Collateral files belong to no UE file and are not used: {', '.join(lone[:3])}"
        )
    if not pairs:
        raise HypothecError(f"{found[0].item.name}: there is no UE file beside the Collateral files; give both")
    return pairs


def _stage_pair(intake: Intake, exposures: Named, collateral: Named | None, encoding: str) -> None:
    staged = None
    if collateral:
        with open_lines_of(collateral.item, intake.scratch, ",;|\t", quotes=True, encoding=encoding) as lines:
            layout = find_layout(lines, COLLATERAL)
            staged = intake.stage_lines(lines, collateral_recipe(layout), header=True)
    _make_collateral(intake, staged)
    with open_lines_of(exposures.item, intake.scratch, ",;|\t", quotes=True, encoding=encoding) as lines:
        layout = find_layout(lines, EXPOSURES)
        join = JOIN.format(new="RREL3" if "RREL3" in layout.names else "NULL")
        intake.stage_lines(lines, months_recipe(layout), header=True, join=join)
        intake.stage_lines(lines, loans_recipe(layout, exposures.pool), header=True, join=join, counted=False)


def find_layout(lines: Lines, kind: str) -> Layout:
    """Return the file's columns by its header, in the file's order; refuse one without the fields that are needed."""
    names = read_names(lines)
    codes = [EXTRA.get(name.lower(), name.upper()) for name in names]
    known = {item.name: item for item in load_layout("esma_annex2").columns}
    missing = [code for code in NEEDED[kind] if code not in codes]
    if missing:
        raise HypothecError(
            f"{lines.item.name}: line 1 lacks {', '.join(missing)}; a {kind} file of ESMA's Annex 2 has a header "
            f"of {'RREL' if kind == EXPOSURES else 'RREC'} codes, got {', '.join(names[:4])}"
        )
    doubled = sorted({code for code in codes if codes.count(code) > 1})
    if doubled:
        raise HypothecError(f"{lines.item.name}: line 1 has {', '.join(doubled)} more than once")
    columns = [
        Column(place, code if code in known else f"other_{place}", known[code].kind if code in known else "text",
               known[code].missing if code in known else ())
        for place, code in enumerate(codes, start=1)
    ]  # fmt: skip
    return Layout("esma_ue" if kind == EXPOSURES else "esma_collateral", tuple(columns))


def _make_collateral(intake: Intake, staged: Staged | None) -> None:
    """Make the table `collateral`: a row a loan, its first lien, of these the most valuable."""
    files = [] if staged is None else [
        str(path) for path in staged.folder.glob("part=*/*.parquet") if path.parent.name != f"part={BAD}"]  # fmt: skip
    rows = (
        f"read_parquet({quote_all(files)}, hive_partitioning=false)" if files
        else f"(SELECT {', '.join(f'NULL::{kind} AS {name}' for name, kind in BESIDE.items())} LIMIT 0)"
    )  # fmt: skip
    names = ", ".join(BESIDE)
    intake.connection.execute(
        f"CREATE OR REPLACE TABLE collateral AS SELECT {names} FROM {rows} "  # noqa: S608
        "QUALIFY row_number() OVER (PARTITION BY loan ORDER BY lien NULLS LAST, value DESC NULLS LAST, line) = 1"
    )
