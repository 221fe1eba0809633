"""What every column of a portfolio means: the schema, kept as `schema.toml` in the portfolio.

The schema is why the pages work on any credit table: labels, units and words come from here,
roles say what a column is for, and protected columns never reach a model.
"""

import datetime
import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from portfolio.atomic import write_text
from portfolio.errors import HypothecError

Kind = Literal["number", "category", "date"]
Role = Literal["id", "date", "target", "exposure", "segment", "feature", "protected", "ignore"]
Sample = Literal["development", "out-of-sample", "out-of-time", "embargo", "unlabelled"]
KINDS: tuple[str, ...] = get_args(Kind)
ROLES: tuple[str, ...] = get_args(Role)

# Columns that every snapshot has beside the schema's own fields.
OBSERVATION_DATE = "observation_date"
LABEL_MATURE = "label_mature"
SAMPLE = "sample"
RESERVED = (OBSERVATION_DATE, LABEL_MATURE, SAMPLE)


@dataclass(frozen=True)
class Field:
    """One column: what it is called, measured in and used for.

    `unit` "share" is stored as a fraction and shown times 100 with a per cent sign; "%" is stored
    in per cent. `expected_sign` is +1 where a higher value means more risk, -1 where less, 0 unknown.
    `meaning` ties a column to a concept that pages know ("ltv", "debt_service", "region", "country",
    "days_past_due", "income", "rate", "employment", ...). `group` joins correlated features in explanations.
    """

    name: str
    label: str
    kind: Kind
    roles: tuple[Role, ...]
    description: str = ""
    unit: str = ""
    categories: tuple[str, ...] = ()
    expected_sign: int = 0
    group: str = ""
    meaning: str = ""
    minimum: float | None = None
    maximum: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise HypothecError(f"field {self.name!r}: kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        for role in self.roles:
            if role not in ROLES:
                raise HypothecError(f"field {self.name!r}: role must be one of {', '.join(ROLES)}, got {role!r}")
        if "feature" in self.roles and {"protected", "target", "id", "ignore"} & set(self.roles):
            raise HypothecError(f"field {self.name!r}: a {', '.join(self.roles)} field cannot also be a model feature")


@dataclass(frozen=True)
class Splits:
    """Which observation dates are development and out-of-time, and the share of held-out ids.

    Dates up to `development_until` are development or, for the held-out ids, out-of-sample; dates
    from `out_of_time_from` are out-of-time; those between are an embargo, because their outcome windows
    overlap the development period. None where a portfolio has no dates.
    """

    development_until: datetime.date | None = None
    out_of_time_from: datetime.date | None = None
    holdout_share: float = 0.2


@dataclass(frozen=True)
class Schema:
    """A portfolio's words and fields. `kind` is "history" (loans by month) or "table" (snapshots only)."""

    title: str
    kind: Literal["history", "table"]
    fields: tuple[Field, ...]
    event: str = "default"
    within: str = "within 12 months"
    subject: str = "loan"
    currency: str = "EUR"
    synthetic: bool = False
    horizon_months: int = 0
    splits: Splits = field(default_factory=Splits)
    tiles: dict[str, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [item.name for item in self.fields]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise HypothecError(f"schema: each field once, got {', '.join(repeated)} more than once")
        taken = sorted(set(names) & set(RESERVED))
        if taken:
            raise HypothecError(f"schema: {', '.join(taken)} is the product's own column; rename the field")
        for role in ("id", "target"):
            if len(self.with_role(role)) > 1:
                raise HypothecError(f"schema: at most one field with role {role}, got {self.names(role)}")

    def with_role(self, role: str) -> tuple[Field, ...]:
        """Return the fields that have `role`."""
        return tuple(item for item in self.fields if role in item.roles)

    def names(self, role: str) -> list[str]:
        """Return the names of the fields that have `role`."""
        return [item.name for item in self.with_role(role)]

    def get(self, name: str) -> Field:
        """Return the field called `name`, or say which there are."""
        for item in self.fields:
            if item.name == name:
                return item
        known = ", ".join(item.name for item in self.fields)
        raise HypothecError(f"no field {name!r} in the schema; it has {known}")

    def meaning(self, meaning: str) -> Field | None:
        """Return the field that carries a concept such as "ltv", or None if the portfolio has none."""
        return next((item for item in self.fields if item.meaning == meaning), None)

    def _single(self, role: str) -> Field:
        found = self.with_role(role)
        if not found:
            raise HypothecError(f"the schema names no field with role {role!r}; add one to schema.toml")
        return found[0]

    @property
    def id(self) -> Field:
        """The field that identifies a loan (the cluster in every interval)."""
        return self._single("id")

    @property
    def target(self) -> Field:
        """The field that says 1 where the event happened, 0 where not, null where not yet known."""
        return self._single("target")

    @property
    def exposure(self) -> Field | None:
        """The field that holds the amount outstanding, if the portfolio has one."""
        return next(iter(self.with_role("exposure")), None)


def load_schema(path: Path) -> Schema:
    """Read `schema.toml`; an unknown key or a wrong value is refused by name."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise HypothecError(f"{path}: cannot read the schema ({error})") from None
    body = dict(raw.get("portfolio", {}))
    body["fields"] = tuple(_field(path, item) for item in raw.get("field", []))
    if "splits" in raw:
        body["splits"] = _build(path, Splits, raw["splits"])
    body["tiles"] = {name: (int(x), int(y)) for name, (x, y) in raw.get("tiles", {}).items()}
    schema: Schema = _build(path, Schema, body)
    return schema


def _field(path: Path, raw: dict[str, Any]) -> Field:
    item: Field = _build(
        path, Field, {key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()}
    )
    return item


def _build(path: Path, cls: type, values: dict[str, Any]) -> Any:
    allowed = {item.name for item in fields(cls)}
    unknown = sorted(set(values) - allowed)
    if unknown:
        raise HypothecError(
            f"{path}: unknown key {', '.join(unknown)}; {cls.__name__} has {', '.join(sorted(allowed))}"
        )
    try:
        return cls(**values)
    except TypeError as error:
        raise HypothecError(f"{path}: {error}") from None


def save_schema(schema: Schema, path: Path) -> None:
    """Write `schema` as TOML, atomically; `load_schema` gives the same schema back."""
    write_text(path, format_schema(schema))


def format_schema(schema: Schema) -> str:
    """Return `schema` as the text of a schema.toml."""
    head = [
        (name, getattr(schema, name))
        for name in ("title", "kind", "event", "within", "subject", "currency", "synthetic", "horizon_months")
    ]
    lines = [
        "[portfolio]",
        *_pairs(head),
        "",
        "[splits]",
        *_pairs((item.name, getattr(schema.splits, item.name)) for item in fields(Splits)),
    ]
    for item in schema.fields:
        pairs = [(part.name, getattr(item, part.name)) for part in fields(Field)]
        lines += ["", "[[field]]", *_pairs((key, value) for key, value in pairs if value not in ("", (), 0, None))]
        lines += [
            f"{key} = 0" for key, value in pairs if value == 0 and key in ("minimum", "maximum") and value is not None
        ]
    if schema.tiles:
        lines += ["", "[tiles]", *_pairs((name, list(spot)) for name, spot in schema.tiles.items())]
    return "\n".join(lines) + "\n"


def _pairs(items: Iterable[tuple[str, Any]]) -> list[str]:
    return [
        f"{toml_value(key)} = {toml_value(value)}"
        if not (key.isascii() and key.isidentifier())
        else f"{key} = {toml_value(value)}"
        for key, value in items
        if value is not None
    ]


def toml_value(value: Any) -> str:
    """Return a string, number, boolean, date or list as TOML writes it."""
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    # A JSON string is a TOML basic string once DEL is escaped too.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
