"""What a mapping says: one frozen dataclass for each part of the file (mapping.py reads and writes it)."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field

from portfolio.errors import HypothecError
from portfolio.schema import Actionable, Splits, toml_value
from portfolio.sources.cells import MISSING, Spelling


@dataclass(frozen=True)
class TableOptions:
    """[table]: how the file spells its cells. `delimiter` None is found out, `sheet` None is the first."""

    delimiter: str | None = None
    encoding: str = "utf-8"
    sheet: str | None = None
    decimal: str = "."
    thousands: str = ""
    missing: tuple[str, ...] = MISSING

    @property
    def spelling(self) -> Spelling:
        """How missing values and numbers are spelled."""
        return Spelling(self.missing, self.decimal, self.thousands)


@dataclass(frozen=True)
class Words:
    """[portfolio]: the words that pages use, as in schema.toml; None is left to the defaults."""

    title: str | None = None
    event: str | None = None
    within: str | None = None
    subject: str | None = None
    currency: str | None = None
    horizon_months: int | None = None


@dataclass(frozen=True)
class DateColumn:
    """[date]: the observation date's column; "" for none. `format` is strptime's, ISO if not given.

    `period` says that the column holds period numbers and `start` the date of period 1. `by` gathers
    dates into month, quarter or year ends, because each date becomes one snapshot.
    """

    column: str
    format: str = ""
    period: str = ""
    start: datetime.date | None = None
    by: str = "day"


@dataclass(frozen=True)
class TargetColumn:
    """[target]: the outcome's column ("" for none), the values that are the event and those that are not."""

    column: str
    event_value: tuple[str, ...] = ()
    other_value: tuple[str, ...] = ()


@dataclass(frozen=True)
class FieldMapping:
    """[fields.<column>]: what is known about one column; None and "" are inferred.

    `scale` multiplies a number before it is stored (0.01 turns per cent into a share); minimum and maximum
    hold for the stored number. `names` says what the codes in `categories` stand for, in the same order; the
    portfolio then holds the names. `missing` lists codes that mean "unknown" in this column.
    """

    roles: tuple[str, ...] | None = None
    kind: str | None = None
    label: str = ""
    description: str = ""
    unit: str = ""
    expected_sign: int = 0
    group: str = ""
    meaning: str = ""
    actionable: Actionable = ""
    categories: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    scale: float = 1.0
    missing: tuple[str, ...] = ()
    format: str = ""


@dataclass(frozen=True)
class Mapping:
    """A whole mapping file. None means "infer it", "" means "there is none"."""

    source: str = "the mapping"
    table: TableOptions = field(default_factory=TableOptions)
    portfolio: Words = field(default_factory=Words)
    id: str | None = None
    exposure: str | None = None
    date: DateColumn | None = None
    target: TargetColumn | None = None
    splits: Splits | None = None
    fields: dict[str, FieldMapping] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()

    def about(self, name: str) -> FieldMapping:
        """Return what is said about column `name`."""
        return self.fields.get(name, FieldMapping())

    def columns(self) -> dict[str, str]:
        """Return each column that the mapping names with the place where it does."""
        named = {name: f"[fields.{toml_value(name)}]" for name in self.fields}
        named |= dict.fromkeys(self.ignore, "ignore") | dict.fromkeys(self.protected, "protected")
        singles = {
            "id": self.id,
            "exposure": self.exposure,
            "date": self.date and self.date.column,
            "target": self.target and self.target.column,
        }
        return named | {name: place for place, name in singles.items() if name}

    def check_columns(self, file: str, names: Sequence[str]) -> None:
        """Refuse a mapping that names a column which the table has not."""
        missing = {name: place for name, place in self.columns().items() if name not in names}
        if missing:
            told = ", ".join(f"{name!r} ({place})" for name, place in missing.items())
            known = ", ".join(names[:40]) + (", …" if len(names) > 40 else "")
            raise HypothecError(f"{file}: {self.source} names columns that the table has not: {told}; it has {known}")
