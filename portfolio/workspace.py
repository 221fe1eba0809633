"""Where portfolios live: a workspace is a folder, a portfolio a folder in it (see the tree in README)."""

import datetime
import hashlib
import json
import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from portfolio.atomic import recover_directory, write_text
from portfolio.errors import HypothecError
from portfolio.schema import Schema, load_schema

DEFAULT_WORKSPACE = "workspace"
DEFAULT_PORTFOLIO = "demo"
UNDATED = "all"  # the key of the only snapshot of a table without dates


@dataclass(frozen=True)
class Portfolio:
    """One portfolio's folder and the places in it."""

    root: Path

    @property
    def name(self) -> str:
        """The folder's name, which is the portfolio's."""
        return self.root.name

    @cached_property
    def schema(self) -> Schema:
        """The schema, read once per Portfolio object."""
        return load_schema(self.root / "schema.toml")

    @property
    def loans(self) -> Path:
        """One row a loan (only a portfolio with history has it)."""
        return self.root / "loans.parquet"

    @property
    def performance(self) -> Path:
        """One row a loan a month, in folders `year=YYYY` (only a portfolio with history has it)."""
        return self.root / "performance"

    @property
    def macro(self) -> Path:
        """Monthly unemployment, house prices and rates by region (only with history)."""
        return self.root / "macro.parquet"

    @property
    def documents(self) -> Path:
        """Semi-structured documents as JSON lines; documents.parquet beside it holds what the schema's paths read."""
        return self.root / "documents"

    @property
    def snapshots(self) -> Path:
        """One Parquet file an observation date."""
        return self.root / "snapshots"

    @property
    def histories(self) -> Path:
        """The last 24 months of each snapshot's loans as sequences, made when a model asks (only with history)."""
        return self.root / "histories"

    @property
    def outcomes(self) -> Path:
        """What became of each snapshot's loans month by month, made when a model asks (only with history)."""
        return self.root / "outcomes"

    @property
    def cubes(self) -> Path:
        """The history counted once: loans by month and state, and by vintage and age (only with history)."""
        return self.root / "cubes"

    @property
    def quality(self) -> Path:
        """What was checked, what was quarantined and why."""
        return self.root / "quality"

    @property
    def models(self) -> Path:
        """The trained models and their manifest."""
        return self.root / "models"

    @property
    def scores(self) -> Path:
        """PD, log-odds and attributions per model, version and snapshot."""
        return self.root / "scores"

    @property
    def has_history(self) -> bool:
        """Whether pages about months and arrears have anything to show."""
        return self.schema.kind == "history"

    def snapshot_keys(self) -> list[str]:
        """Return the snapshots' keys in time order: ISO dates, or ["all"] for a table without dates."""
        return sorted(path.stem for path in self.snapshots.glob("*.parquet"))

    def snapshot_file(self, key: str) -> Path:
        """Return the file of snapshot `key`, or say which there are."""
        path = self.snapshots / f"{key}.parquet"
        if key not in self.snapshot_keys():
            keys = self.snapshot_keys()
            raise HypothecError(
                f"portfolio {self.name!r} has no snapshot {key!r}; it has {keys[0]} to {keys[-1]}"
                if keys
                else f"portfolio {self.name!r} has no snapshots yet"
            )
        return path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What the data is: source, when it was built, rows, and its SHA-256."""
        path = self.root / "data.json"
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise HypothecError(f"{path}: cannot read the data manifest ({error}); build the portfolio again") from None

    @property
    def data_hash(self) -> str:
        """The SHA-256 over all data files, as recorded when they were written."""
        return str(self.manifest["sha256"])


def write_manifest(root: Path, source: str, **facts: Any) -> None:
    """Record source, time, SHA-256 of the data and other facts in `data.json` of a built portfolio."""
    body = {
        "source": source,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "sha256": hash_data(root),
        **facts,
    }
    write_text(root / "data.json", json.dumps(body, indent=2, ensure_ascii=False))


def hash_data(root: Path) -> str:
    """Return the SHA-256 over the names and contents of a portfolio's schema, Parquet data and documents."""
    digest = hashlib.sha256()
    folders = [root / name for name in ("snapshots", "performance")]
    files = [root / "schema.toml", *root.glob("*.parquet"), *(f for d in folders for f in d.rglob("*.parquet"))]
    files += [path for path in (root / "documents").glob("*") if path.is_file()]
    for path in sorted(files):
        digest.update(str(path.relative_to(root)).encode())
        digest.update(bytes.fromhex(hash_file(path)))
    return digest.hexdigest()


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def workspace_root(given: str | Path | None = None) -> Path:
    """Return the workspace's folder: the one given, else HYPOTHEC_WORKSPACE, else ./workspace."""
    return Path(given or os.environ.get("HYPOTHEC_WORKSPACE") or DEFAULT_WORKSPACE).absolute()


def check_name(name: str) -> str:
    """Return `name` if it can be a folder and part of a link; refuse it otherwise."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name):
        raise HypothecError(
            f"a name has 1 to 64 letters, digits, - or _, and starts with a letter or digit; got {name!r}"
        )
    return name


def list_portfolios(workspace: Path) -> list[str]:
    """Return the names of the portfolios in a workspace, sorted."""
    for previous in workspace.glob(".*.previous"):
        recover_directory(workspace / previous.name.removeprefix(".").removesuffix(".previous"))
    return sorted(path.parent.name for path in workspace.glob("*/schema.toml") if not path.parent.name.startswith("."))


def open_portfolio(workspace: Path, name: str) -> Portfolio:
    """Return the portfolio called `name`, or say which there are and how to make one."""
    check_name(name)
    names = list_portfolios(workspace)
    if name not in names:
        known = ", ".join(names) or "none yet"
        raise HypothecError(
            f"no portfolio {name!r} in {workspace} (there: {known}); "
            "`python cli.py demo` builds the demo, `python cli.py ingest table FILE` your own table, "
            "`python cli.py ingest history LOANS PERFORMANCE` your own history"
        )
    return Portfolio(workspace / name)
