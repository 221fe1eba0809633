"""Adding named transforms to a portfolio's schema and snapshots, and taking them out again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow.parquet as pq

from portfolio.atomic import lock_folder
from portfolio.errors import HypothecError
from portfolio.progress import Report, part_of, silent
from portfolio.quality_tables import build_quality
from portfolio.schema import Schema, save_schema
from portfolio.snapshots import MACRO, build_snapshots, inputs_of
from portfolio.transforms import TRANSFORMS, Transform, available_transforms
from portfolio.workspace import Portfolio, hash_data, write_manifest


@dataclass(frozen=True)
class Offer:
    """A transform as a portfolio sees it: whether its schema has it, and whether its history could give it."""

    transform: Transform
    used: bool
    possible: bool


def list_offers(portfolio: Portfolio) -> list[Offer]:
    """Return every transform; HypothecError for a portfolio without history, which has no months to look back on."""
    _require_history(portfolio)
    present = inputs_of(portfolio.root)
    monthly = pq.read_schema(min(portfolio.performance.glob("year=*/*.parquet"))).names
    possible = set(available_transforms(present, monthly, economy=(portfolio.root / MACRO).exists()))
    used = {item.name for item in portfolio.schema.fields}
    return [Offer(item, name in used, name in possible) for name, item in TRANSFORMS.items()]


def add_features(portfolio: Portfolio, names: Sequence[str], *, report: Report = silent) -> list[str]:
    """Put the transforms `names` into the schema and build the snapshots with them; return those that were added.

    Models keep the features they were trained on; the next training may use the new ones. Nothing changes if a name
    is unknown or the history lacks its inputs.
    """
    offers = {item.transform.name: item for item in list_offers(portfolio)}
    unknown = [name for name in names if name not in offers]
    if unknown:
        raise HypothecError(f"no transform {', '.join(unknown)}; there are {', '.join(offers)}")
    impossible = [name for name in names if not offers[name].possible]
    if impossible:
        needs = {need.strip("_") for name in impossible for need in TRANSFORMS[name].needs}
        raise HypothecError(
            f"the history of {portfolio.name!r} cannot give {', '.join(impossible)}; needed: {', '.join(sorted(needs))}"
        )
    added = [name for name in dict.fromkeys(names) if not offers[name].used]
    if not added and hash_data(portfolio.root) != portfolio.data_hash:  # killed before the manifest was written
        _record(portfolio)
    if added:
        fields = (*portfolio.schema.fields, *(TRANSFORMS[name].field for name in added))
        _rebuild(portfolio, replace(portfolio.schema, fields=fields), report)
    return added


def remove_features(portfolio: Portfolio, names: Sequence[str], *, report: Report = silent) -> list[str]:
    """Take transforms out of the schema and the snapshots; a model that reads one can then no longer score."""
    used = {item.transform.name for item in list_offers(portfolio) if item.used}
    absent = [name for name in names if name not in used]
    if absent:
        raise HypothecError(
            f"{', '.join(absent)} is no transform of {portfolio.name!r}; it has {', '.join(sorted(used)) or 'none'}"
        )
    kept = tuple(item for item in portfolio.schema.fields if item.name not in set(names))
    _rebuild(portfolio, replace(portfolio.schema, fields=kept), report)
    return list(dict.fromkeys(names))


def _rebuild(portfolio: Portfolio, schema: Schema, report: Report) -> None:
    """Build the snapshots of `schema` and record it: killed between the two, they hold all that the schema names."""
    root = portfolio.root
    with lock_folder(root):
        if len(schema.fields) < len(portfolio.schema.fields):
            save_schema(schema, root / "schema.toml")
        build_snapshots(root, schema, report=part_of(report, 0, 0.8))
        build_quality(root, schema, report=part_of(report, 0.8, 1))
        save_schema(schema, root / "schema.toml")
        _record(portfolio)
    report(1.0, "built")


def _record(portfolio: Portfolio) -> None:
    """Write the manifest anew, with the hash of the data as they are and all other facts as they were."""
    facts = {name: value for name, value in portfolio.manifest.items() if name not in ("source", *WRITTEN)}
    write_manifest(portfolio.root, str(portfolio.manifest["source"]), **facts)


WRITTEN = ("created", "sha256")  # what the manifest records anew


def _require_history(portfolio: Portfolio) -> None:
    if not portfolio.has_history:
        raise HypothecError(
            f"portfolio {portfolio.name!r} is a table without months; transforms look back on a loan's history"
        )
