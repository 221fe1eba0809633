"""Where a figure comes from: the model's version and hash, the data's hash, the code's version and hash."""

import functools
import hashlib
import tomllib
from pathlib import Path

from pages.common import cached
from pages.common.model_data import ModelView
from portfolio.selection import Selection

_ROOT = Path(__file__).parents[2]
PACKAGES = ("analytics", "models", "pages", "portfolio")


@functools.cache
def describe_code() -> str:
    """Return the version and the SHA-256 over the program's own source files: a checkout may have no git."""
    version = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    digest = hashlib.sha256()
    for path in sorted(file for name in PACKAGES for file in (_ROOT / name).rglob("*.py")):
        digest.update(str(path.relative_to(_ROOT)).encode())
        digest.update(path.read_bytes())
    return f"Hypothec {version}, source SHA-256 {digest.hexdigest()[:16]}…"


def describe_model(model: ModelView) -> str:
    """Return a model's reference with the SHA-256 of its card."""
    return f"{model.ref}, card SHA-256 {model.sha256[:16]}…"


def describe_data(selection: Selection) -> str:
    """Return the data's source and SHA-256."""
    here = cached.portfolio(selection)
    return f"{here.manifest['source']}, SHA-256 {here.data_hash[:16]}…"


def provenance(selection: Selection, model: ModelView) -> dict[str, str]:
    """Return what every exported figure carries."""
    return {"Model": describe_model(model), "Data": describe_data(selection), "Code": describe_code()}
