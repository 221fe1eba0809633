"""What an experiment is: one TOML file with the family, its features, seeds, settings and what may be tuned."""

import tomllib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from models.families import FITTED_HERE, PREDICTIONS
from portfolio.errors import HypothecError

SETS = ("contest", "ablations")  # folders of configurations that come with Hypothec


@dataclass(frozen=True)
class Tuning:
    """A budget and a search space. Each trial is judged by log loss on `folds` later periods of the development sample.

    `minutes` ends the search after the trial that passes them (0: no limit); `share` of the development loans are
    searched on. `space` gives for a parameter of the family {low, high} with log = true for a logarithmic scale, or
    {choices}; whole ends make whole numbers.
    """

    trials: int = 0
    minutes: float = 0.0
    folds: int = 2
    share: float = 1.0
    space: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class ExperimentConfig:
    """One experiment. `features` are fields and sequences (all features of the schema where none is named).

    `sequences` are added to them, `leave_out` names fields or groups of the schema to do without; `share` is the part
    of the development loans that is learnt from; `question` says in a sentence what the experiment is to find out.
    """

    name: str
    family: str
    question: str = ""
    features: tuple[str, ...] = ()
    sequences: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    share: float = 1.0
    seeds: tuple[int, ...] = (0,)
    settings: dict[str, Any] = field(default_factory=dict)
    tuning: Tuning = field(default_factory=Tuning)

    def __post_init__(self) -> None:
        if not self.name or not all(letter.isalnum() or letter in "-_" for letter in self.name):
            raise HypothecError(f"an experiment's name has letters, digits, - and _; got {self.name!r}")
        if self.family not in FITTED_HERE or self.family == PREDICTIONS:
            raise HypothecError(
                f"experiment {self.name}: family is one of {', '.join(FITTED_HERE)}; got {self.family!r}"
            )
        for what, share in (("share", self.share), ("tuning.share", self.tuning.share)):
            if not 0 < share <= 1:
                raise HypothecError(f"experiment {self.name}: {what} lies above 0 and up to 1; got {share}")
        if not self.seeds:
            raise HypothecError(f"experiment {self.name}: seeds must name one seed at least")
        if len(set(self.seeds)) < len(self.seeds) or not all(type(seed) is int and seed >= 0 for seed in self.seeds):
            raise HypothecError(
                f"experiment {self.name}: seeds are different whole numbers of 0 or more; got {list(self.seeds)}"
            )
        for what in ("features", "sequences", "leave_out"):
            if not isinstance(getattr(self, what), tuple):
                raise HypothecError(f"experiment {self.name}: {what} is a list of names; got {getattr(self, what)!r}")
        if self.tuning.trials < 0 or self.tuning.minutes < 0 or self.tuning.folds < 1:
            raise HypothecError(
                f"experiment {self.name}: tuning needs trials and minutes of 0 or more and a fold at least"
            )
        if self.tuning.trials and not self.tuning.space:
            raise HypothecError(f"experiment {self.name}: {self.tuning.trials} trials need a [tuning.space] to search")
        for name, entry in self.tuning.space.items():
            _check_range(self.name, name, entry)

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as plain data, as reports and folders keep it."""
        body = asdict(self)
        return {key: list(value) if isinstance(value, tuple) else value for key, value in body.items()}


def _check_range(experiment: str, name: str, entry: dict[str, Any]) -> None:
    keys = set(entry)
    if keys == {"choices"} and isinstance(entry["choices"], list) and entry["choices"]:
        return
    ends = {"low", "high"} <= keys <= {"low", "high", "log"} and entry["low"] < entry["high"]
    if ends and (not entry.get("log") or entry["low"] > 0):
        return
    raise HypothecError(
        f"experiment {experiment}: the search space of {name!r} is {{low, high}} with low below high (log = true above "
        f"0 only) or {{choices = [...]}}; got {entry}"
    )


def load_config(path: Path) -> ExperimentConfig:
    """Read an experiment's TOML; an unknown key or a wrong value is refused by name."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise HypothecError(f"{path}: cannot read the experiment ({error})") from None
    return build_config({"name": path.stem, **raw}, where=str(path))


def build_config(raw: dict[str, Any], *, where: str) -> ExperimentConfig:
    """Return the configuration of a parsed TOML or JSON document."""
    tuning = raw.get("tuning", {})
    body: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in raw.items() if key != "tuning"
    }
    try:
        for cls, values in ((ExperimentConfig, body), (Tuning, tuning)):
            unknown = sorted(set(values) - {item.name for item in fields(cls)})
            if unknown:
                raise HypothecError(f"{where}: unknown key {', '.join(unknown)} of {cls.__name__}")
        return ExperimentConfig(**body, tuning=Tuning(**tuning))
    except (TypeError, ValueError) as error:
        raise HypothecError(f"{where}: {error}") from None


def find_config(name: str) -> ExperimentConfig:
    """Return the experiment of a file, or one that comes with Hypothec by name."""
    path = Path(name)
    if path.suffix == ".toml":
        return load_config(path)
    known = {item.name: item for which in SETS for item in list_configs(which)}
    if name not in known:
        raise HypothecError(f"no experiment {name!r}: give a .toml file, or one of {', '.join(known)}")
    return known[name]


def list_configs(which: str) -> list[ExperimentConfig]:
    """Return the experiments of a set, "contest" or "ablations", simplest family first."""
    found = [load_config(path) for path in sorted((Path(__file__).parent / which).glob("*.toml"))]
    return sorted(found, key=lambda item: (FITTED_HERE.index(item.family), item.name))
