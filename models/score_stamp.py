"""Where stored scores come from: model, background, data and code, kept in every score file's own metadata."""

import functools
import hashlib
import math
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from models.registry import Entry
from portfolio.errors import HypothecError
from portfolio.workspace import Portfolio

NOT_EXPLAINED, ALL = "", "all"
_PREFIX = "hypothec."
_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Stamp:
    """What one score file was made of.

    `explained` is "" without attributions, "all", or the number of loans that a spread sample holds ("300"). The
    background's hash covers the model's own features only: fields that came later leave the attributions as they are.
    """

    model: str
    model_sha256: str
    data_sha256: str
    background_sha256: str = ""
    explained: str = NOT_EXPLAINED
    explainer: str = ""
    code: str = ""

    def metadata(self) -> dict[str, str]:
        """Return the stamp as key-value metadata of a Parquet file."""
        return {f"{_PREFIX}{key}": value for key, value in asdict(self).items()}

    def meets(self, wanted: "Stamp") -> bool:
        """Whether a file with this stamp holds all that `wanted` asks for, made of the same things."""
        if (self.model_sha256, self.data_sha256) != (wanted.model_sha256, wanted.data_sha256):
            return False
        if not wanted.explained:
            return True
        return self.background_sha256 == wanted.background_sha256 and _extent(self) >= _extent(wanted)


def _extent(stamp: Stamp) -> float:
    """Return how many loans are explained: 0, a number, or infinity for all."""
    return math.inf if stamp.explained == ALL else float(stamp.explained or 0)


def read_stamp(path: Path) -> Stamp | None:
    """Return a score file's stamp; None if it was written without one, by an earlier version of the program."""
    try:
        found = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowException) as error:
        raise HypothecError(f"{path}: the scores cannot be read ({error}); delete the file and score again") from None
    own = {
        key.decode().removeprefix(_PREFIX): value.decode()
        for key, value in found.items()
        if key.decode().startswith(_PREFIX)
    }
    return Stamp(**own) if own else None


def stamp_of(portfolio: Portfolio, entry: Entry) -> Stamp:
    """Return what a file scored now, without attributions, would be stamped with."""
    return Stamp(str(entry.ref), hash_model(entry), portfolio.data_hash, code=code_version())


def score_path(portfolio: Portfolio, entry: Entry, key: str) -> Path:
    """Return where a version's scores of a snapshot are kept."""
    return portfolio.scores / entry.name / entry.version / f"{key}.parquet"


def hash_model(entry: Entry) -> str:
    """Return one SHA-256 over the names and SHA-256 of all files that the manifest records for a version."""
    text = "".join(f"{name} {sha256}\n" for name, sha256 in sorted(entry.files.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def hash_background(background: pd.DataFrame) -> str:
    """Return the SHA-256 of background rows, whatever the order of their columns."""
    ordered = background[sorted(background.columns)]
    text = ordered.to_json(orient="split", index=False, double_precision=15, date_format="iso")
    return hashlib.sha256(text.encode()).hexdigest()


@functools.cache
def code_version() -> str:
    """Return the program's version and the start of the SHA-256 over the models' source: a checkout may have no git."""
    version = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    digest = hashlib.sha256()
    for path in sorted((_ROOT / "models").rglob("*.py")):
        digest.update(str(path.relative_to(_ROOT)).encode())
        digest.update(path.read_bytes())
    return f"{version} {digest.hexdigest()[:16]}"
