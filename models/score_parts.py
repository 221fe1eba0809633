"""A score file in the making: finished blocks wait in a part folder, so that a killed run goes on where it was.

The part folder `.parts-<snapshot>` stands beside the file. It opens with a claim that says what the blocks are made
of; another claim's blocks are thrown away. No half-written file ever bears a name that a reader looks for.
"""

import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from portfolio.atomic import write_text
from portfolio.errors import HypothecError

CLAIM = "claim.json"
WHOLE = "whole"


class Block(Protocol):
    """Some rows of a snapshot, in their order; their scores are computed when asked for."""

    def table(self) -> pa.Table:
        """Return the rows' scores."""


def parts_folder(target: Path) -> Path:
    """Return where the finished blocks of `target` wait."""
    return target.parent / f".parts-{target.stem}"


def build_file(target: Path, schema: pa.Schema, rows: int, blocks: Iterable[Block]) -> Iterator[int]:
    """Write `target` block by block as `schema`, whose metadata is the claim; yield the rows done after each.

    Blocks that a killed run finished under the same claim are not asked for again. Memory holds one block. An error
    of a block leaves neither `target` changed nor parts behind. HypothecError if it is not `rows` rows in the end.
    """
    folder, done = parts_folder(target), 0
    _claim(folder, schema, rows)
    parts = []
    try:
        for number, block in enumerate(blocks):
            part = folder / f"{number:06d}.parquet"
            if not part.exists():
                _write_part(part, block.table().cast(schema))
            done += pq.read_metadata(part).num_rows
            parts.append(part)
            yield done
        if done != rows:
            raise HypothecError(f"{target.stem} has {rows:,} rows and {done:,} were scored; score it again")
    except HypothecError:
        remove_parts(target)
        raise
    _assemble(parts, folder / f"{WHOLE}.parquet", schema).replace(target)
    remove_parts(target)


def remove_parts(target: Path) -> None:
    """Delete what a former run left of `target`."""
    shutil.rmtree(parts_folder(target), ignore_errors=True)


def _claim(folder: Path, schema: pa.Schema, rows: int) -> None:
    """Make `folder` hold parts of this claim only."""
    metadata = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
    body = json.dumps({"rows": rows, "columns": str(schema.remove_metadata()), **metadata}, indent=1)
    claim = folder / CLAIM
    if claim.exists() and claim.read_text(encoding="utf-8") == body:
        return
    shutil.rmtree(folder, ignore_errors=True)
    write_text(claim, body)


def _write_part(part: Path, table: pa.Table) -> None:
    temporary = part.with_suffix(".half")
    pq.write_table(table, temporary, compression="zstd")
    temporary.replace(part)


def _assemble(parts: list[Path], whole: Path, schema: pa.Schema) -> Path:
    """Put the parts together, a row group each; a single one is the file already."""
    if len(parts) == 1:
        return parts[0]
    with pq.ParquetWriter(whole, schema, compression="zstd") as writer:
        for part in parts:
            writer.write_table(pq.read_table(part, schema=schema))
    return whole
