"""The mapping file: what a user's columns mean, in TOML. What it leaves out is inferred (see infer.py)."""

import datetime
import math
import tomllib
from collections.abc import Iterable
from dataclasses import MISSING as NO_DEFAULT
from dataclasses import fields
from pathlib import Path
from typing import Any

from portfolio.errors import HypothecError
from portfolio.schema import DIRECTIONS, KINDS, ROLES, Splits, toml_value
from portfolio.sources.cells import PERIOD_MONTHS
from portfolio.sources.mapped import DateColumn, FieldMapping, Mapping, TableOptions, TargetColumn, Words

__all__ = [
    "DateColumn",
    "FieldMapping",
    "Mapping",
    "TableOptions",
    "TargetColumn",
    "Words",
    "format_mapping",
    "load_mapping",
    "parse_mapping",
]
TOP = ("table", "portfolio", "id", "exposure", "date", "target", "splits", "fields", "ignore", "protected")
TEXT, TEXTS = "a text", "a list of texts"
# What each key's value must be, by the class that holds it; a key that is not here is a text.
TYPES: dict[str, str] = {
    "missing": TEXTS,
    "categories": TEXTS,
    "names": TEXTS,
    "roles": TEXTS,
    "event_value": TEXTS,
    "other_value": TEXTS,
    "expected_sign": "a whole number",
    "horizon_months": "a whole number",
    "minimum": "a number",
    "maximum": "a number",
    "scale": "a number",
    "holdout_share": "a number",
    "start": "a date",
    "development_until": "a date",
    "out_of_time_from": "a date",
}
CHOICES: dict[str, tuple[Any, ...]] = {
    "kind": KINDS,
    "roles": ROLES,
    "period": tuple(PERIOD_MONTHS),
    "by": ("day", *PERIOD_MONTHS),
    "decimal": (".", ","),
    "expected_sign": (-1, 0, 1),
    "actionable": DIRECTIONS,
}


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file; unknown keys and values of the wrong kind are refused by name."""
    try:
        body = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise HypothecError(f"{path}: there is no such mapping file") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise HypothecError(f"{path}: cannot read the mapping ({error})") from None
    return parse_mapping(body, Path(path).name)


def parse_mapping(body: dict[str, Any], source: str) -> Mapping:
    """Return the mapping that a TOML document holds; `source` names it in messages."""
    _refuse_unknown(source, "the mapping", body, TOP)
    values: dict[str, Any] = {"source": source}
    sections = {"table": TableOptions, "portfolio": Words, "date": DateColumn, "target": TargetColumn, "splits": Splits}
    for name, cls in sections.items():
        if name in body:
            short = isinstance(body[name], str) and name in ("date", "target")
            values[name] = _section(source, f"[{name}]", cls, {"column": body[name]} if short else body[name])
    for name in ("id", "exposure"):
        if name in body:
            values[name] = _value(source, name, name, body[name])
    for name in ("ignore", "protected"):
        if name in body:
            values[name] = _value(source, name, "categories", body[name])
    given = body.get("fields", {})
    if not isinstance(given, dict):
        raise HypothecError(f"{source}: [fields] must hold one table a column, as in [fields.income]")
    values["fields"] = {
        name: _section(source, f"[fields.{toml_value(name)}]", FieldMapping, item) for name, item in given.items()
    }
    mapping = Mapping(**values)
    _check(mapping)
    return mapping


def _check(mapping: Mapping) -> None:
    table, date = mapping.table, mapping.date
    if len(table.thousands) > 1 or (table.thousands and table.thousands == table.decimal):
        raise HypothecError(
            f"{mapping.source}: [table] thousands must be one character other than decimal, got {table.thousands!r}"
        )
    if date and bool(date.period) != bool(date.start):
        raise HypothecError(
            f"{mapping.source}: [date] period and start belong together (start is the date of period 1)"
        )
    splits = mapping.splits
    if splits and not 0 <= splits.holdout_share < 1:
        raise HypothecError(
            f"{mapping.source}: [splits] holdout_share must be from 0 to below 1, got {splits.holdout_share}"
        )
    if (
        splits
        and splits.development_until
        and splits.out_of_time_from
        and splits.development_until >= splits.out_of_time_from
    ):
        raise HypothecError(
            f"{mapping.source}: [splits] development_until ({splits.development_until}) must be before "
            f"out_of_time_from ({splits.out_of_time_from})"
        )
    for name, item in mapping.fields.items():
        if not item.scale:
            raise HypothecError(f"{mapping.source}: [fields.{toml_value(name)}] scale must not be 0")
        if item.names and len(item.names) != len(item.categories):
            raise HypothecError(
                f"{mapping.source}: [fields.{toml_value(name)}] names must say what each of the {len(item.categories)} "
                f"categories stands for, got {len(item.names)} names"
            )
        if item.minimum is not None and item.maximum is not None and item.minimum > item.maximum:
            raise HypothecError(
                f"{mapping.source}: [fields.{toml_value(name)}] minimum {item.minimum:g} is above maximum "
                f"{item.maximum:g}"
            )


def _section(source: str, place: str, cls: type, given: Any) -> Any:
    if not isinstance(given, dict):
        raise HypothecError(f"{source}: {place} must be a table of keys, got {given!r}")
    _refuse_unknown(source, place, given, [item.name for item in fields(cls)])
    needed = [
        item.name
        for item in fields(cls)
        if item.default is NO_DEFAULT and item.default_factory is NO_DEFAULT and item.name not in given
    ]
    if needed:
        raise HypothecError(f"{source}: {place} needs {', '.join(needed)}")
    return cls(**{key: _value(source, f"{place} {key}", key, value) for key, value in given.items()})


def _value(source: str, place: str, key: str, value: Any) -> Any:
    wanted = TYPES.get(key, TEXT)
    if wanted == TEXTS:
        value = tuple(_plain(item) for item in (value if isinstance(value, list) else [value]))
    elif wanted == "a date" and isinstance(value, str):
        value = _as_date(value)
    elif wanted == "a number" and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    kinds: dict[str, Any] = {TEXT: str, TEXTS: tuple, "a whole number": int, "a number": float, "a date": datetime.date}
    wrong = not isinstance(value, kinds[wanted]) or isinstance(value, (bool, datetime.datetime))
    if wrong or (isinstance(value, float) and not math.isfinite(value)):
        raise HypothecError(f"{source}: {place} must be {wanted}, got {value!r}")
    for item in value if isinstance(value, tuple) else (value,):
        if key in CHOICES and item not in CHOICES[key] and item != "":
            allowed = ", ".join(str(choice) for choice in CHOICES[key])
            raise HypothecError(f"{source}: {place} must be one of {allowed}; got {item!r}")
    return value


def _plain(item: Any) -> str:
    """Return a listed value as the text that the file would hold: 0 as "0", true as "true"."""
    return str(item).lower() if isinstance(item, bool) else str(item)


def _as_date(text: str) -> datetime.date | str:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return text


def _refuse_unknown(source: str, place: str, given: Iterable[str], known: Iterable[str]) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise HypothecError(f"{source}: {place} has unknown keys: {', '.join(unknown)}; known are {', '.join(known)}")


def format_mapping(mapping: Mapping) -> str:
    """Return `mapping` as the text of a mapping file; `load_mapping` gives the same mapping back."""
    lines = [
        f"{key} = {toml_value(value)}"
        for key, value in (
            ("id", mapping.id),
            ("exposure", mapping.exposure),
            ("ignore", mapping.ignore),
            ("protected", mapping.protected),
        )
        if value not in (None, ())
    ]
    for name in ("table", "portfolio", "date", "target", "splits"):
        section = getattr(mapping, name)
        pairs = _changed(section) if section is not None else []
        if pairs or (name in ("date", "target", "splits") and section is not None):
            lines += ["", f"[{name}]", *pairs]
    for name, item in mapping.fields.items():
        lines += ["", f"[fields.{toml_value(name)}]", *_changed(item)]
    return "\n".join(lines).lstrip("\n") + "\n"


def _changed(section: Any) -> list[str]:
    """Return the keys of a section that differ from their defaults, as TOML lines."""
    return [
        f"{item.name} = {toml_value(getattr(section, item.name))}"
        for item in fields(section)
        if getattr(section, item.name) != item.default
    ]
