"""Documents into a portfolio: JSON lines beside its tables, and the fields that declared paths make of them."""

import datetime
import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pandas as pd

from portfolio.atomic import PREFIX, lock_folder, recover_directory, remove_leftovers, replace_directory
from portfolio.documents import (
    QUARANTINED,
    SUFFIXES,
    TABLE,
    WRONG_TYPE,
    Flattened,
    flatten_documents,
    list_documents,
)
from portfolio.documents_known import join_documents
from portfolio.errors import HypothecError
from portfolio.progress import Report, part_of, silent
from portfolio.schema import (
    LABEL_MATURE,
    OBSERVATION_DATE,
    SAMPLE,
    Field,
    Schema,
    load_fields,
    load_schema,
    save_schema,
)
from portfolio.sources.kept import BACKGROUND, keep_views, link_tree
from portfolio.workspace import UNDATED, Portfolio, open_portfolio, write_manifest

__all__ = ["DocumentsResult", "ingest_documents"]


@dataclass(frozen=True)
class DocumentsResult:
    """What became of the files: the portfolio, documents and fields, entries in quarantine by rule, and notes."""

    portfolio: Portfolio
    files: tuple[str, ...]
    documents: int
    fields: tuple[str, ...]
    quarantined: dict[str, int]
    notes: tuple[str, ...]


def ingest_documents(
    workspace: Path, files: Sequence[Path], *, name: str, mapping: Path, report: Report = silent
) -> DocumentsResult:
    """Add documents to portfolio `name` and the fields of `mapping` ([[field]] entries with a path) to its schema.

    A file of the same name is replaced, a field of the same name from documents declared anew. The snapshots get
    the fields as known at their dates; nothing else in them changes. Everything is made beside the portfolio and
    takes its place at the end: a refused or killed run changes nothing. Raises HypothecError.
    """
    open_portfolio(workspace, name)
    given = check_files(files)
    target = workspace / name
    with ExitStack() as held:
        held.enter_context(lock_folder(workspace))
        recover_directory(target)
        remove_leftovers(workspace)
        held.enter_context(lock_folder(target))  # training and scoring hold the portfolio's own lock
        former = load_schema(target / "schema.toml")
        schema = add_fields(former, load_fields(Path(mapping)), Path(mapping))
        building = held.enter_context(replace_directory(target))
        result = _build(given, former, schema, target, building, report)
        keep_views(target, building)
    report(1.0, "done")
    return replace(result, portfolio=Portfolio(target))


def check_files(files: Sequence[Path]) -> list[Path]:
    """Return the files if each is there, ends in .jsonl or .jsonl.gz and has a name of its own."""
    if not files:
        raise HypothecError("no documents given; name one or more files of JSON lines (.jsonl or .jsonl.gz)")
    names: dict[str, Path] = {}
    for file in map(Path, files):
        if not file.is_file():
            raise HypothecError(f"{file}: there is no such file")
        if not file.name.endswith(SUFFIXES) or file.name.startswith("."):
            raise HypothecError(
                f"{file.name}: documents come as JSON lines in files that end in {' or '.join(SUFFIXES)}"
            )
        if _stem(file) in names:
            raise HypothecError(f"{file} and {names[_stem(file)]} would have the same name in documents/; rename one")
        names[_stem(file)] = file
    return list(names.values())


def _stem(file: Path) -> str:
    """Return a file's name without .jsonl or .jsonl.gz: packed or not, it is the same delivery."""
    return file.name.removesuffix(".gz").removesuffix(".jsonl")


def add_fields(schema: Schema, fields: Sequence[Field], mapping: Path) -> Schema:
    """Return the schema with `fields`; a field from documents of the same name is replaced where it stands."""
    new = {item.name: item for item in fields}
    for item in fields:
        if not item.path:
            raise HypothecError(f"{mapping}: field {item.name!r} has no path; this file declares fields from documents")
        if any(item.name == other.name and not other.path for other in schema.fields):
            raise HypothecError(
                f"{mapping}: the portfolio has a field {item.name!r} already; give this one another name"
            )
    kept = tuple(new.pop(item.name, item) for item in schema.fields)
    return replace(schema, fields=(*kept, *new.values()))


def _build(
    files: Sequence[Path], former: Schema, schema: Schema, target: Path, building: Path, report: Report
) -> DocumentsResult:
    report(0.0, "taking over what does not change")
    # what an earlier run made of documents is made anew, the snapshots too
    made = ("snapshots", "documents", TABLE, "schema.toml", ".lock")
    link_tree(target, building, leave_out=made)
    quality = building / "quality"
    for name in (TABLE, QUARANTINED):
        (quality / name).unlink(missing_ok=True)
    notes = _put_documents(files, target / "documents", building / "documents")
    save_schema(schema, building / "schema.toml")
    found = flatten_documents(building, schema, book=target, report=part_of(report, 0.05, 0.5))
    _refuse_mostly_bad(building, [file.name for file in files], found)
    _write_snapshots(building, target / "snapshots", schema, part_of(report, 0.5, 0.95))
    if set(former.from_documents()) and (building / "scores").is_dir():
        shutil.rmtree(building / "scores")
        # its values of these fields may be another declaration's; nothing that was measured against it is left
        (building / "models" / BACKGROUND).unlink(missing_ok=True)
        notes.append("fields from documents were there before: the scores go, the models stay; score again")
    _renew_manifest(building, target, files, found)
    fields = tuple(item.name for item in schema.from_documents())
    return DocumentsResult(Portfolio(building), tuple(f.name for f in files), found.documents, fields, found.rules,
                           tuple(notes))  # fmt: skip


def _put_documents(files: Sequence[Path], former: Path, folder: Path) -> list[str]:
    """Copy the files into `folder` beside the former ones, replacing those of the same name; return notes."""
    folder.mkdir()
    given = {_stem(file) for file in files}
    notes = []
    for file in list_documents(former) if former.is_dir() else []:
        if _stem(file) in given:
            notes.append(f"{file.name} replaces the one delivered before")
        else:
            try:
                os.link(file, folder / file.name)
            except OSError:
                shutil.copy2(file, folder / file.name)
    for file in files:
        shutil.copyfile(file, folder / file.name)
    return notes


def _refuse_mostly_bad(building: Path, files: Sequence[str], found: Flattened) -> None:
    """Stop if a delivered file holds no document, or if more than half of its lines were refused."""
    for file in files:
        lines, refused = found.by_file.get(file, (0, 0))
        if not lines:
            raise HypothecError(f"{file}: holds no documents; nothing was changed")
        if 2 * refused > lines:
            rows = pd.read_parquet(building / "quality" / QUARANTINED)
            rows = rows[(rows["file"] == file) & (rows["rule"] != WRONG_TYPE)]
            often = rows[rows["rule"] == rows["rule"].mode().iloc[0]].iloc[0]
            raise HypothecError(
                f"{file}: {refused:,} of {lines:,} documents are bad, most often {often['rule']} ({often['reason']}), "
                f"first on line {often['line']:,}; nothing was changed"
            )


def add_to_snapshots(building: Path, schema: Schema, *, report: Report = silent) -> None:
    """Read `building`/documents and add what they give to the snapshots that are there, written just before."""
    flatten_documents(building, schema, report=part_of(report, 0, 0.5))
    plain = building / f"{PREFIX}snapshots"
    (building / "snapshots").rename(plain)
    _write_snapshots(building, plain, schema, part_of(report, 0.5, 1))
    shutil.rmtree(plain)


def _write_snapshots(building: Path, former: Path, schema: Schema, report: Report) -> None:
    """Write the former snapshots with the fields from documents as known at each one's date, rows in their order."""
    (building / "snapshots").mkdir()
    backend = ibis.duckdb.from_connection(duckdb.connect(config={"memory_limit": "3GB"}))
    files = sorted(former.glob("*.parquet"))
    documents = backend.read_parquet(str(building / TABLE)) if (building / TABLE).exists() else None
    for place, file in enumerate(files):
        report(place / len(files), f"writing snapshot {file.stem}")
        rows = backend.read_parquet(str(file), file_row_number=True).rename(_row="file_row_number")
        date = _date_of(file)
        table = join_documents(rows, documents, schema, date)
        ordered = [*(item.name for item in schema.fields), OBSERVATION_DATE, LABEL_MATURE, SAMPLE]
        names = [name for name in ordered if name in table.columns]
        backend.to_parquet(
            table.order_by("_row").select(*names), building / "snapshots" / file.name, compression="zstd"
        )
    backend.disconnect()


def _date_of(file: Path) -> datetime.date | None:
    return None if file.stem == UNDATED else datetime.date.fromisoformat(file.stem)


def _renew_manifest(building: Path, target: Path, files: Sequence[Path], found: Flattened) -> None:
    """Write data.json anew: the former facts, and what documents there are."""
    facts: dict[str, Any] = dict(Portfolio(target).manifest)
    source = str(facts.pop("source", "unknown"))
    for name in ("created", "sha256", "documents"):
        facts.pop(name, None)
    held = {"files": [file.name for file in list_documents(building / "documents")], "read": found.documents,
            "latest": [file.name for file in files], "quarantined": sum(found.rules.values())}  # fmt: skip
    write_manifest(building, source, **facts, documents=held)
