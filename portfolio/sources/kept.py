"""What of a portfolio outlives its being built anew: views, policy, experiments, models, documents and their fields."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from portfolio.atomic import PREFIX
from portfolio.documents import QUARANTINED, TABLE, list_documents
from portfolio.policy import policy_file
from portfolio.schema import Schema, load_schema
from portfolio.views import views_file
from portfolio.workspace import Portfolio

EXPERIMENTS = "experiments"
BACKGROUND = "background.parquet"  # in models/: rows of the data that every attribution is measured against


def keep_views(former: Path, building: Path) -> None:
    """Take saved views, policy and experiments over; the last step of a build, so that later savings count.

    An experiment knows the hash of its data: pages tell those of other data apart. True PDs are of the former book.
    """
    if (former / EXPERIMENTS).is_dir() and not (building / EXPERIMENTS).exists():
        link_tree(former / EXPERIMENTS, building / EXPERIMENTS, leave_out=("truth",))
    for place in (views_file, policy_file):
        file, target = place(Portfolio(former)), place(Portfolio(building))
        if file.exists():
            target.unlink(missing_ok=True)  # a link to the former file, where a portfolio's files are shared
            shutil.copyfile(file, target)


def keep_models(former: Path, building: Path) -> list[str]:
    """Take the models over, without the background of the former data; return what there is to say.

    The next training or scoring records the background anew. No score measured against the former one is left.
    """
    if not (former / "models").is_dir():
        return []
    shutil.copytree(former / "models", building / "models", ignore=shutil.ignore_patterns(BACKGROUND))
    return ["the models of the former data are kept, their scores are not: score again"]


def keep_documents(former: Path, building: Path, schema: Schema, *, tied: bool = True) -> tuple[Schema, list[str]]:
    """Take the documents over and return `schema` with the fields that they give, and what there is to say.

    A field whose name the new data have a column of gives way to it. Where ids are not `tied` to the data (lines of
    a file), documents would fall to other rows, and go. Nothing is read from them yet.
    """
    if not (former / "documents").is_dir():
        return schema, []
    if not tied:
        return schema, ["the documents ingested before are gone: the rows have no id of their own that they could name"]
    link_tree(former / "documents", building / "documents")
    own = {item.name for item in schema.fields}
    fields = load_schema(former / "schema.toml").from_documents()
    kept = [item for item in fields if item.name not in own]
    lost = [f"the field {item.name!r} of documents gives way to the column of this name" for item in fields
            if item.name in own]  # fmt: skip
    counts = (len(list_documents(building / "documents")), "file"), (len(kept), "field")
    said = ", ".join(f"{n} {what}{'s' * (n != 1)}" for n, what in counts)
    return replace(schema, fields=(*schema.fields, *kept)), [f"the documents ingested before are kept: {said}", *lost]


def describe_documents(former: Path, building: Path) -> dict[str, Any]:
    """Return what the manifest says of the documents taken over; nothing where there are none."""
    if not (building / "documents").is_dir():
        return {}
    counts = [pq.read_metadata(path).num_rows if path.exists() else 0
              for path in (building / TABLE, building / "quality" / QUARANTINED)]  # fmt: skip
    latest = Portfolio(former).manifest.get("documents", {}).get("latest", [])
    files = [file.name for file in list_documents(building / "documents")]
    return {"documents": {"files": files, "read": counts[0], "latest": latest, "quarantined": counts[1]}}


def link_tree(source: Path, target: Path, *, leave_out: Sequence[str] = ()) -> None:
    """Put `source`'s files into `target` as links to the same bytes, or copies where the disk knows no links.

    Files of a portfolio are replaced, never written into, so that a shared one cannot change.
    """

    def ignore(folder: str, names: list[str]) -> set[str]:
        top = Path(folder) == source
        return {name for name in names if name.startswith(PREFIX) or name == ".lock" or (top and name in leave_out)}

    def link(file: str, place: str) -> None:
        try:
            os.link(file, place)
        except OSError:
            shutil.copy2(file, place)

    shutil.copytree(source, target, ignore=ignore, copy_function=link, dirs_exist_ok=True)
