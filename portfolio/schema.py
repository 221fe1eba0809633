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
from portfolio.document_paths import DocumentPath, check_reduction, parse_path
from portfolio.errors import HypothecError

Kind = Literal["number", "category", "date"]
Role = Literal["id", "date", "target", "exposure", "segment", "feature", "protected", "score", "ignore"]
Sample = Literal["development", "out-of-sample", "out-of-time", "embargo", "unlabelled"]
Actionable = Literal["", "up", "down", "any", "no"]
KINDS: tuple[str, ...] = get_args(Kind)
ROLES: tuple[str, ...] = get_args(Role)
DIRECTIONS: tuple[str, ...] = get_args(Actionable)

ALWAYS = "always"

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
    `actionable` says in which direction somebody can bring a feature ("up", "down" or "any"; "no" where nobody can),
    so that the smallest change that lowers a PD may use it; "" leaves that to the field's meaning.

    A field with the role score holds the PDs of some model, to be compared: no model learns from it.

    A field with a `path` comes from documents (see document_paths.py for the shape of a path). At an observation
    date only documents dated on or before it count, so a later one reveals nothing. Their date is under the key
    `as_of` ("" stands for "date"; a document without one is quarantined; "always" says that documents of this kind
    have no date and count at every date). With `window_months` only those of that many months up to the date count.
    `reduce` ("" stands for "last") makes one value of many. Without a list in the path it reduces over the loan's
    documents: the latest value, the count of documents, their sum. With a list it reduces the items of the latest
    document that has any: an amended application replaces the former. Missing values are passed over. "share" is
    the share of true values or, with a condition on the last list, what the items that meet it have of all
    items' sum (of their number where no key follows); "months_since" are the calendar months since the latest
    document. A count of documents is 0 where a loan has none; all else is then missing.
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
    path: str = ""
    reduce: str = ""
    as_of: str = ""
    window_months: int = 0
    actionable: Actionable = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise HypothecError(f"field {self.name!r}: kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        for role in self.roles:
            if role not in ROLES:
                raise HypothecError(f"field {self.name!r}: role must be one of {', '.join(ROLES)}, got {role!r}")
        if "feature" in self.roles and {"protected", "target", "id", "score", "ignore"} & set(self.roles):
            raise HypothecError(f"field {self.name!r}: a {', '.join(self.roles)} field cannot also be a model feature")
        if "score" in self.roles and self.kind != "number":
            raise HypothecError(f"field {self.name!r}: a score is a number, got a {self.kind}")
        self._check_actionable()
        self._check_document()

    def _check_actionable(self) -> None:
        said = f"field {self.name!r}: actionable must be one of {', '.join(filter(None, DIRECTIONS))} or left out"
        if self.actionable not in DIRECTIONS:
            raise HypothecError(f"{said}, got {self.actionable!r}")
        if self.actionable in ("up", "down") and self.kind != "number":
            raise HypothecError(f"{said}; a {self.kind} has no {self.actionable}")
        if self.actionable not in ("", "no") and "feature" not in self.roles:
            raise HypothecError(f"{said}; only a feature can be acted on, its roles are {', '.join(self.roles)}")

    def _check_document(self) -> None:
        if not self.path:
            if self.reduce or self.as_of or self.window_months:
                raise HypothecError(f"field {self.name!r}: reduce, as_of and window_months need a path into documents")
            return
        try:
            wrong = check_reduction(parse_path(self.path), self.reduction, self.kind)
        except HypothecError as error:
            raise HypothecError(f"field {self.name!r}: {error}") from None
        if {"id", "target", "exposure", "date"} & set(self.roles):
            wrong = "a field from documents is a segment, feature, protected or ignored"
        if self.window_months < 0:
            wrong = f"window_months must be 0 or more, got {self.window_months}"
        if self.as_of == ALWAYS and (self.window_months or self.reduction == "months_since"):
            wrong = "documents that count always have no date from which to count months"
        if wrong:
            raise HypothecError(f"field {self.name!r}: {wrong}")

    @property
    def reduction(self) -> str:
        """How many values at the path become one."""
        return self.reduce or "last"

    @property
    def document_path(self) -> DocumentPath:
        """The path, cut; HypothecError if the field has none."""
        return parse_path(self.path)


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
        dated: dict[str, str] = {}
        for item in self.from_documents():
            kind = item.document_path.kind
            if dated.setdefault(kind, item.as_of) != item.as_of:
                raise HypothecError(f"schema: fields from {kind} documents must agree on as_of, {item.name} differs")
        for role in ("id", "target"):
            if len(self.with_role(role)) > 1:
                raise HypothecError(f"schema: at most one field with role {role}, got {self.names(role)}")

    def with_role(self, role: str) -> tuple[Field, ...]:
        """Return the fields that have `role`."""
        return tuple(item for item in self.fields if role in item.roles)

    def from_documents(self) -> tuple[Field, ...]:
        """Return the fields that are read from documents."""
        return tuple(item for item in self.fields if item.path)

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


def load_fields(path: Path) -> tuple[Field, ...]:
    """Read a file of [[field]] entries only; anything else in it is refused by name."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise HypothecError(f"{path}: cannot read the fields ({error})") from None
    if set(raw) - {"field"} or not isinstance(raw.get("field", []), list):
        raise HypothecError(f"{path}: must hold [[field]] entries only, got {', '.join(raw)}")
    return tuple(_field(path, item) for item in raw.get("field", []))


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
        lines += ["", *format_field(item)]
    if schema.tiles:
        lines += ["", "[tiles]", *_pairs((name, list(spot)) for name, spot in schema.tiles.items())]
    return "\n".join(lines) + "\n"


def format_field(item: Field) -> list[str]:
    """Return `item` as the lines of a [[field]] entry."""
    pairs = [(part.name, getattr(item, part.name)) for part in fields(Field)]
    lines = ["[[field]]", *_pairs((key, value) for key, value in pairs if value not in ("", (), 0, None))]
    zero = [key for key, value in pairs if value == 0 and key in ("minimum", "maximum") and value is not None]
    return lines + [f"{key} = 0" for key in zero]


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
