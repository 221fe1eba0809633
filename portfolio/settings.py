"""Settings as dataclass fields that say what they mean and what they may be; read from TOML, written as TOML."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import field, fields
from typing import Any

from portfolio.errors import HypothecError
from portfolio.schema import toml_value

_KINDS = {int: "whole number", float: "number", str: "word"}


def setting(
    default: Any,
    about: str,
    *,
    low: float = 0.0,
    high: float = math.inf,
    kind: str = "",
    among: Sequence[str] = (),
    bad: str = "",
) -> Any:
    """Return a dataclass field whose metadata say what it means (`about`) and what it may be.

    `kind` stands for what the default's type cannot tell: "number?" may be left out, "numbers" is a list of numbers
    that rise between 0 and 1, "names" a list out of `among`, "weights" a table of such names. Where `bad` is given the
    value is a pair of limits, amber and red: "low" where little is bad, "high" where much is.
    """
    chosen = kind or ("pair" if bad else _KINDS[type(default)])
    meta = {"about": about, "low": low, "high": high, "among": tuple(among), "bad": bad, "kind": chosen}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=meta)
    return field(default=default, metadata=meta)


def read_section(where: str, cls: type, values: Any) -> Any:
    """Return `cls` with the `values` of a TOML section; HypothecError names `where`, the key, required and got."""
    if not isinstance(values, dict):
        raise HypothecError(f"{where} must be a section of keys, got {values!r}")
    known = {item.name: item for item in fields(cls)}
    if unknown := sorted(set(values) - set(known)):
        raise HypothecError(f"{where} unknown key {', '.join(unknown)}; there are {', '.join(known)}")
    return cls(**{name: _read(f"{where} {name}", value, known[name].metadata) for name, value in values.items()})


def _read(where: str, value: Any, meta: Mapping[str, Any]) -> Any:
    kind, among = meta["kind"], meta["among"]
    if kind in ("whole number", "number", "number?"):
        return _number(where, value, meta)
    if kind == "word":
        if value not in among:
            raise HypothecError(f"{where} must be one of {', '.join(among)}, got {value!r}")
        return value
    if kind == "weights":
        if not isinstance(value, dict) or set(value) - set(among):
            raise HypothecError(f"{where} must be a table of numbers by test ({', '.join(among)}), got {value!r}")
        return {name: _number(f"{where}.{name}", weight, meta) for name, weight in value.items()}
    if not isinstance(value, list):
        raise HypothecError(f"{where} must be a list in square brackets, got {value!r}")
    if kind == "names":
        if strange := [item for item in value if item not in among]:
            raise HypothecError(f"{where} must list tests out of {', '.join(among)}, got {strange[0]!r}")
        return tuple(value)
    numbers = tuple(_number(where, item, meta) for item in value)
    return _limits(where, numbers, meta["bad"]) if kind == "pair" else _bounds(where, numbers)


def _number(where: str, value: Any, meta: Mapping[str, Any]) -> float:
    whole = meta["kind"] == "whole number"
    right = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not right or not math.isfinite(value) or not meta["low"] <= value <= meta["high"]:
        span = f"from {meta['low']:g} to {meta['high']:g}" if math.isfinite(meta["high"]) else f"from {meta['low']:g}"
        raise HypothecError(f"{where} must be a {'whole ' * whole}number {span}, got {value!r}")
    return value if whole else float(value)


def _limits(where: str, numbers: tuple[float, ...], bad: str) -> tuple[float, ...]:
    rises = len(numbers) == 2 and (numbers[0] <= numbers[1] if bad == "high" else numbers[0] >= numbers[1])
    if not rises:
        order = "red at or above amber" if bad == "high" else "red at or below amber"
        raise HypothecError(f"{where} must be [amber, red] with {order}, got {list(numbers)}")
    return numbers


def _bounds(where: str, numbers: tuple[float, ...]) -> tuple[float, ...]:
    if any(not a < b for a, b in zip((0.0, *numbers), (*numbers, 1.0), strict=True)):
        raise HypothecError(f"{where} must rise strictly between 0 and 1, got {list(numbers)}")
    return numbers


def format_section(section: Any) -> list[str]:
    """Return the lines of a section, every key with what it means before it."""
    return [line for item in fields(section) for line in _lines(item.name, getattr(section, item.name), item.metadata)]


def _lines(name: str, value: Any, meta: Mapping[str, Any]) -> list[str]:
    about = meta["about"]
    if value is None:
        return [f"# {about}: not given", f"# {name} = "]
    if isinstance(value, dict):
        inner = ", ".join(f"{key} = {toml_value(part)}" for key, part in value.items())
        return [f"# {about}", f"{name} = {{ {inner} }}" if inner else f"{name} = {{}}"]
    return [f"# {about}", f"{name} = {toml_value(value)}"]
