"""What a model version's complexity was measured to cost, kept beside its card and bound to its files' SHA-256."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from models.registry import Entry
from portfolio.atomic import write_text
from portfolio.errors import HypothecError
from portfolio.workspace import Portfolio

FILE = "complexity.json"


@dataclass(frozen=True)
class Seeds:
    """Refits with other seeds: their Gini on `sample`, its standard deviation with interval, mean |ΔPD| of two seeds.

    `rows` were fitted on of `rows_there`, `judged` were judged on. `seconds` is what each refit took. `reason` says why
    nothing was measured.
    """

    sample: str = ""
    seeds: tuple[int, ...] = ()
    ginis: tuple[float, ...] = ()
    own_gini: float | None = None
    sd: float | None = None
    low: float | None = None
    high: float | None = None
    pd_difference: float | None = None
    rows: int = 0
    rows_there: int = 0
    judged: int = 0
    seconds: tuple[float, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Perturbed:
    """Every number moved up or down by `step`: share of decisions that flip where `approved` is approved, mean |ΔPD|.

    Means over `draws` of random signs on `rows` loans and `features` numbers. `low` and `high` are the least and the
    most flips of a draw.
    """

    step: float = 0.0
    approved: float = 0.0
    draws: int = 0
    rows: int = 0
    features: int = 0
    flipped: float | None = None
    low: float | None = None
    high: float | None = None
    pd_change: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Complexity:
    """One model version's figures. `parameters` is None and `parts` empty where a foreign model does not tell.

    `training_seconds` and `peak_memory_mb` are the card's, None where it was trained elsewhere; latencies are medians,
    in milliseconds, on the machine that `environment` names.
    """

    model: str
    family: str
    measured: str
    files: dict[str, str]
    data_sha256: str
    parameters: int | None
    parts: dict[str, int]
    artifact_bytes: int
    training_seconds: float | None
    peak_memory_mb: int | None
    latency_one_ms: float
    latency_many_ms: float
    seeds: Seeds = field(default_factory=Seeds)
    perturbed: Perturbed = field(default_factory=Perturbed)
    environment: dict[str, str] = field(default_factory=dict)


def complexity_file(portfolio: Portfolio, entry: Entry) -> Path:
    """Return where a version's figures are kept; the registry does not count this file among the model's own."""
    return portfolio.models / entry.name / entry.version / FILE


def save_complexity(portfolio: Portfolio, entry: Entry, found: Complexity) -> None:
    """Write a version's figures, atomically."""
    write_text(complexity_file(portfolio, entry), json.dumps(asdict(found), indent=2, ensure_ascii=False))


def load_complexity(portfolio: Portfolio, entry: Entry) -> Complexity | None:
    """Return a version's figures, or None where they were never measured.

    HypothecError if the file cannot be read or was measured on other files than the version's.
    """
    path = complexity_file(portfolio, entry)
    if not path.exists():
        return None
    again = f"measure again: python cli.py models stress --portfolio {portfolio.name} --model {entry.ref}"
    try:
        body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        seeds, moved = dict(body.pop("seeds")), dict(body.pop("perturbed"))
        lists = {name: tuple(value) for name, value in seeds.items() if isinstance(value, list)}
        found = Complexity(**body, seeds=Seeds(**{**seeds, **lists}), perturbed=Perturbed(**moved))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HypothecError(f"{path}: cannot be read ({error}); {again}") from None
    if found.model != str(entry.ref) or found.files != entry.files:
        raise HypothecError(f"{path} was measured on other files than those of {entry.ref}; {again}")
    return found
