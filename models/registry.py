"""Which model versions a portfolio has, which is the champion, and whether their files are the ones recorded.

`models/manifest.json` holds every version's files with their SHA-256. Nothing is unpickled
whose hash is not there; the error names the file that differs.
"""

import datetime
import getpass
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from models.families import TITLES, family_class
from portfolio.atomic import replace_directory, write_text
from portfolio.errors import HypothecError
from portfolio.workspace import Portfolio, check_name, hash_file

if TYPE_CHECKING:  # scikit-learn takes a second to load, and who only asks which models there are needs none of it
    from models.base import PdModel

ALIASES = ("champion", "challenger")


@dataclass(frozen=True)
class ModelRef:
    """A model version: `scorecard/1`."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


@dataclass(frozen=True)
class Entry:
    """One version as the manifest records it: family, when and by whom it came, and its files' SHA-256.

    `label` is what pages call it where the family's title and the name do not say it.
    """

    name: str
    version: str
    family: str
    created: str
    trusted_by: str
    files: dict[str, str]
    label: str = ""

    @property
    def ref(self) -> ModelRef:
        """The version's reference."""
        return ModelRef(self.name, self.version)


@dataclass(frozen=True)
class Registry:
    """The manifest's content: all versions in the order they came, and alias → reference."""

    entries: tuple[Entry, ...] = ()
    aliases: dict[str, str] = field(default_factory=dict)

    def latest(self) -> tuple[Entry, ...]:
        """Return the versions in use, champion first: the newest of each name, and those that an alias names."""
        newest = {entry.name: entry for entry in self.entries}.values()
        shown = [e for e in self.entries if e in newest or str(e.ref) in self.aliases.values()]
        return tuple(sorted(shown, key=lambda entry: not self.is_champion(entry)))

    def find(self, wanted: str) -> Entry:
        """Return the entry of `name/version`, of the newest version of `name`, or of an alias."""
        wanted = self.aliases.get(wanted, wanted)
        for entry in reversed(self.entries):
            if wanted in (str(entry.ref), entry.name):
                return entry
        known = ", ".join(str(entry.ref) for entry in self.entries) or "none yet; `python cli.py train` makes some"
        raise HypothecError(f"no model {wanted!r}; there are {known}")

    def is_champion(self, entry: Entry) -> bool:
        """Whether `entry` is the model in production."""
        return self.aliases.get("champion") == str(entry.ref)


def manifest_path(portfolio: Portfolio) -> Path:
    """Return where the portfolio's manifest is."""
    return portfolio.models / "manifest.json"


def load_registry(portfolio: Portfolio) -> Registry:
    """Return the portfolio's registry; empty if nothing was trained yet."""
    path = manifest_path(portfolio)
    if not path.exists():
        return Registry()
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        return Registry(tuple(Entry(**item) for item in body["entries"]), dict(body["aliases"]))
    except (ValueError, KeyError, TypeError) as error:
        raise HypothecError(f"{path}: the manifest cannot be read ({error}); no model is loaded without it") from None


def save_registry(portfolio: Portfolio, registry: Registry) -> None:
    """Write the manifest, atomically."""
    body = {"entries": [asdict(entry) for entry in registry.entries], "aliases": registry.aliases}
    write_text(manifest_path(portfolio), json.dumps(body, indent=2, ensure_ascii=False))


class Kept(Protocol):
    """What can be registered: it names its family and writes its files into a folder."""

    family: ClassVar[str]

    def save(self, folder: Path) -> None:
        """Write the files."""


def register(
    portfolio: Portfolio,
    name: str,
    model: Kept,
    card: dict[str, Any],
    *,
    original: bytes | None = None,
    label: str = "",
) -> Entry:
    """Save `model` and its card as the next version of `name` and record the files' hashes.

    The first model of a portfolio becomes its champion, the second name its challenger, in its newest version.
    """
    check_model_name(name)
    registry = load_registry(portfolio)
    version = str(1 + max((int(e.version) for e in registry.entries if e.name == name), default=0))
    folder = portfolio.models / name / version
    with replace_directory(folder) as building:
        model.save(building)
        if original is not None:
            (building / "delivered.joblib").write_bytes(original)
        card = {"name": name, "version": version, "family": model.family, **card}
        write_text(building / "card.json", json.dumps(card, indent=2, ensure_ascii=False))
        files = {path.name: hash_file(path) for path in sorted(building.iterdir())}
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    entry = Entry(name, version, model.family, now, getpass.getuser(), files, label)
    aliases = _aliases_after(registry, entry)
    save_registry(portfolio, Registry((*registry.entries, entry), aliases))
    return entry


def check_model_name(name: str) -> str:
    """Return `name` if a model may be called so: an alias would hide it."""
    if name in ALIASES:
        raise HypothecError(f"{name!r} is an alias, not a model's name; choose another")
    return check_name(name)


def _aliases_after(registry: Registry, entry: Entry) -> dict[str, str]:
    """Return the aliases once `entry` is registered: a newer challenger follows by itself, a champion never does."""
    aliases = {"champion": str(entry.ref), **registry.aliases}
    champion = aliases["champion"].split("/")[0]
    challenger = aliases.get("challenger", "/").split("/")[0]
    if entry.name == challenger or (not challenger and entry.name != champion):
        aliases["challenger"] = str(entry.ref)
    return aliases


def promote(portfolio: Portfolio, wanted: str, alias: str) -> Entry:
    """Point an alias at a model version."""
    if alias not in ALIASES:
        raise HypothecError(f"an alias is one of {', '.join(ALIASES)}; got {alias!r}")
    registry = load_registry(portfolio)
    entry = registry.find(wanted)
    save_registry(portfolio, Registry(registry.entries, {**registry.aliases, alias: str(entry.ref)}))
    return entry


def check_files(portfolio: Portfolio, entry: Entry) -> Path:
    """Return a version's folder after comparing every file with its recorded SHA-256."""
    folder = portfolio.models / entry.name / entry.version
    for name, recorded in entry.files.items():
        path = folder / name
        if not path.exists():
            raise HypothecError(f"model {entry.ref}: the file {path} is missing; restore it or train again")
        if hash_file(path) != recorded:
            raise HypothecError(
                f"model {entry.ref} is not loaded: {path} differs from the SHA-256 in the manifest "
                "(changed or damaged); restore the file, train again, or `models add` it anew"
            )
    return folder


def load_model(portfolio: Portfolio, entry: Entry) -> "PdModel":
    """Return the fitted model, after its files were checked against the manifest."""
    return family_class(entry.family).load(check_files(portfolio, entry))


def load_card(portfolio: Portfolio, entry: Entry) -> dict[str, Any]:
    """Return a version's card: configuration, data hash, metrics, features, times."""
    folder = check_files(portfolio, entry)
    return dict(json.loads((folder / "card.json").read_text(encoding="utf-8")))


def display_name(registry: Registry, entry: Entry) -> str:
    """Return what pages call a model: "Scorecard (champion)", "Boosting", "forest"."""
    title = _title(entry)
    if any(_title(other) == title and other.name != entry.name for other in registry.latest()):
        title = f"{title}, {entry.name}"
    if sum(other.name == entry.name for other in registry.latest()) > 1:
        title = f"{title} {entry.version}"
    return f"{title} (champion)" if registry.is_champion(entry) else title


def _title(entry: Entry) -> str:
    return entry.label or (TITLES[entry.family] if entry.name == entry.family else entry.name)
