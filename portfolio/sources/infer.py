"""What a table's columns are, where the mapping does not say: kinds, roles, labels, target, date, id.

Every decision is one line of `Inference.notes`, and `Inference.mapping` is the complete mapping, for the
user to confirm, edit and use again: the same table with it gives the same schema.
"""

from dataclasses import dataclass, replace

from portfolio.errors import HypothecError
from portfolio.leakage import find_leaking_fields
from portfolio.schema import Schema, Splits
from portfolio.sources import words
from portfolio.sources.cells import to_number
from portfolio.sources.mapping import DateColumn, FieldMapping, Mapping, TargetColumn
from portfolio.sources.profile import Profile, Profiles, profile_table
from portfolio.sources.raw import RawTable
from portfolio.sources.tableschema import build_schema
from portfolio.sources.typed import clean_cells, sample_features

MOST_CATEGORIES = 1_000
MOST_DISTINCT_SHARE = 0.5
MOST_SEGMENTS = 50
LEAK_LIMIT = 0.97


@dataclass(frozen=True)
class Inference:
    """The schema of a table, the complete mapping that says so, and one line for each thing inferred."""

    schema: Schema
    mapping: Mapping
    notes: tuple[str, ...]


def infer_schema(raw: RawTable, mapping: Mapping | None = None) -> Inference:
    """Return what every column of `raw` is; the mapping's words win, the rest is inferred and noted.

    HypothecError if the mapping names a column that the table has not, or a target, date, id or feature
    that cannot be one (no value, one class, no event value).
    """
    mapping = mapping or Mapping()
    mapping.check_columns(raw.source.name, raw.names)
    clean_cells(raw, mapping)
    return _Inferrer(raw, mapping, profile_table(raw, mapping)).run()


class _Inferrer:
    """The decisions in their order: single columns first (id, date, target, exposure), then every column."""

    def __init__(self, raw: RawTable, mapping: Mapping, profiles: Profiles) -> None:
        self.raw, self.mapping, self.profiles = raw, mapping, profiles
        self.notes: list[str] = list(raw.notes)
        said = {name: item.roles for name, item in mapping.fields.items() if item.roles is not None}
        said |= dict.fromkeys(mapping.ignore, ("ignore",)) | dict.fromkeys(mapping.protected, ("protected",))
        self.said: dict[str, tuple[str, ...]] = said
        self.open = [name for name in raw.names if name not in said and profiles[name].present]
        self.reasons: dict[str, str] = {}

    def run(self) -> Inference:
        date = self._date()
        target = self._target()
        key = self._id(date)
        exposure = self._exposure((key, date.column, target.column))
        mapping = replace(self.mapping, id=key, date=date, target=target, exposure=exposure)
        found = {name: self._field(name, mapping) for name in self.raw.names}
        self._ignore_leaks(mapping, found)
        complete = replace(mapping, fields=found, ignore=(), protected=(), splits=mapping.splits or Splits())
        return Inference(build_schema(self.raw, complete), complete, tuple(self.notes))

    def _said_to_be(self, role: str) -> str | None:
        return next((name for name, roles in self.said.items() if role in roles), None)

    def _single(self, role: str, given: str | None) -> str | None:
        """Return the column that the mapping gives a role to; it must hold something."""
        name = given if given is not None else self._said_to_be(role)
        if name and not self.profiles[name].present:
            raise HypothecError(
                f"{self.raw.source.name}: column {name!r}, the {role} by {self.mapping.source}, has no value in any row"
            )
        return name

    def _date(self) -> DateColumn:
        given = self.mapping.date
        name = self._single("date", given.column if given else None)
        if name is not None:
            return replace(given, column=name) if given else DateColumn(name)
        dated = [item for item in self.open if self.profiles[item].kind == "date"]
        name = words.find_by_name(dated, words.DATES)
        if name is None:
            self.notes.append(
                "no column gives an observation date: the table is one snapshot, without out-of-time rows"
            )
            return DateColumn("")
        by = self.profiles.choose_period(name)
        self.notes.append(
            f"{name}: the observation date, by its name"
            + (f"; gathered by {by} because it has many dates" if by != "day" else "")
        )
        return DateColumn(name, by=by)

    def _target(self) -> TargetColumn:
        given = self.mapping.target
        name = self._single("target", given.column if given else None)
        if name == "":
            return TargetColumn("")
        if name is not None:
            return self._complete_target(given or TargetColumn(name), name)
        return self._find_target()

    def _find_target(self) -> TargetColumn:
        """Return the first column that is called like an outcome and has two values that say which is the event."""
        few = [item for item in self.open if self.profiles[item].distinct <= 2]
        for name in sorted(few, key=lambda item: words.rank(item, words.TARGETS)):
            if words.plain_name(name) not in words.TARGETS and not words.sounds_like_default(name):
                continue
            if self.profiles[name].distinct == 2 and not self._event(name):
                self.notes.append(f"{name}: called like an outcome, but its values do not say which is the event")
            elif self.profiles[name].distinct == 2 or words.sounds_like_default(name):
                target = self._complete_target(TargetColumn(name), name)
                self.notes.append(f"{name}: the target, by its name; the event is {', '.join(target.event_value)}")
                return target
        self.notes.append("no column looks like an outcome: the portfolio can be explored, not modelled")
        return TargetColumn("")

    def _event(self, name: str) -> tuple[str, ...]:
        good = words.plain_name(name) in words.GOOD_TARGETS
        event = words.find_event(list(self.profiles.count_values(name)), good=good)
        return (event,) if event else ()

    def _complete_target(self, target: TargetColumn, name: str) -> TargetColumn:
        """Add the event's values if the mapping gives none, and the most frequent other value as the non-event."""
        counts = self.profiles.count_values(name)
        file = self.raw.source.name
        event = target.event_value or self._event(name)
        if len(counts) == 1:
            raise HypothecError(
                f"{file}: the target {name!r} has one value only ({next(iter(counts))!r} in every row that "
                "has one); both outcomes are needed to learn from. Name another column under [target], or "
                'target = "" for a portfolio to explore'
            )
        if not event or len(counts) == len(event):
            raise HypothecError(
                f"{file}: the target {name!r} has the values {', '.join(list(counts)[:6])}; say which is the "
                "event: event_value under [target]"
            )
        others = [value for value in counts if not _is_any(value, event)]
        if not others and not target.other_value:
            raise HypothecError(f"{file}: the target {name!r} has no value but the event's ({', '.join(event)})")
        if len(others) == len(counts):
            raise HypothecError(
                f"{file}: the target {name!r} never has the event's value {', '.join(event)}; it has "
                f"{', '.join(list(counts)[:6])}"
            )
        return TargetColumn(name, event, target.other_value or tuple(others[:1]))

    def _id(self, date: DateColumn) -> str:
        name = self._single("id", self.mapping.id)
        if name is not None:
            return name
        unique = [item for item in self.open if self.profiles[item].unique and item != date.column]
        name = words.find_by_name(unique, words.IDS) or words.find_by_name(self.open, words.IDS)
        name = name or words.find_by_name(self.open if date.column else unique, words.OTHER_IDS)
        name = name or next(
            (item for item in unique if self.profiles[item].kind == "category" or words.could_be_id(item)), None
        )
        if name is None:
            self.notes.append(f"no column identifies a row: the {self.raw.place} number becomes the id")
            return ""
        self.notes.append(f"{name}: the id, by its name and values")
        return name

    def _exposure(self, taken: tuple[str, ...]) -> str:
        name = self._single("exposure", self.mapping.exposure)
        if name is not None:
            return name
        numbers = [item for item in self.open if self.profiles[item].kind == "number" and item not in taken]
        name = words.find_by_name(numbers, words.EXPOSURES)
        if name:
            self.notes.append(f"{name}: the exposure, by its name")
        return name or ""

    def _field(self, name: str, mapping: Mapping) -> FieldMapping:
        """Return everything about one column, the mapping's words first."""
        given, profile = self.mapping.about(name), self.profiles[name]
        single = self._single_role(name, mapping)
        kind = given.kind or (
            "number"
            if single == "target"
            else "category"
            if single == "id"
            else "date"
            if single == "date"
            else profile.kind
        )
        if single:
            extra = tuple(
                role
                for role in self.said.get(name, ("exposure", "feature") if single == "exposure" else ())
                if role != single
            )
            roles, reason = (single, *extra), ""
        elif name in self.said:
            roles, reason = self.said[name], ""
            if not profile.present and {"feature", "protected", "segment"} & set(roles):
                raise HypothecError(
                    f"{self.raw.source.name}: column {name!r}, a {roles[0]} by {self.mapping.source}, "
                    "has no value in any row; set its role to ignore"
                )
        else:
            roles, reason = self._roles(name, kind, profile)
        if reason:
            self.notes.append(f"{name}: {reason}")
        # categories stay the mapping's own: a list made here would restrict what a later file may hold
        return replace(
            given,
            kind=kind,
            roles=roles,
            label=given.label or words.make_label(name),
            description=given.description or reason,
        )

    @staticmethod
    def _single_role(name: str, mapping: Mapping) -> str:
        columns = {
            "id": mapping.id,
            "date": mapping.date and mapping.date.column,
            "target": mapping.target and mapping.target.column,
            "exposure": mapping.exposure,
        }
        return next((role for role, column in columns.items() if column == name), "")

    def _roles(self, name: str, kind: str, profile: Profile) -> tuple[tuple[str, ...], str]:
        """Return the roles of a column that the mapping says nothing about, and the reason if it is not a feature."""
        reason = self._reason_to_ignore(name, kind, profile)
        if reason:
            return ("ignore",), f"ignored, {reason}"
        if words.is_protected(name):
            return ("protected",), "protected by its name: shown and tested, never in a model"
        if kind == "category" and profile.distinct <= MOST_SEGMENTS:
            return ("feature", "segment"), ""
        return ("feature",), ""

    def _reason_to_ignore(self, name: str, kind: str, profile: Profile) -> str:
        if not profile.present:
            return "it has no value in any row"
        if profile.constant is not None and profile.present == self.raw.rows - len(self.raw.rejected):
            return f"it has the same value ({profile.constant}) in every row"
        if words.plain_name(name) in (*words.IDS, *words.OTHER_IDS):
            return "it is an id, but not of a row: it repeats"
        if kind == "date" and not words.is_protected(name):
            return "models do not use dates; a duration would be a feature"
        if kind == "category" and (
            profile.distinct > MOST_CATEGORIES
            or profile.distinct > max(MOST_SEGMENTS, MOST_DISTINCT_SHARE * profile.present)
        ):
            return f"{profile.distinct:,} different texts are too many for categories"
        return ""

    def _ignore_leaks(self, mapping: Mapping, found: dict[str, FieldMapping]) -> None:
        """Set the role of inferred features that predict the outcome almost perfectly to ignore; note mapped ones."""
        names = [name for name, item in found.items() if "feature" in (item.roles or ())]
        if not mapping.target or not mapping.target.column or not names:
            return
        frame, target = sample_features(self.raw, replace(mapping, fields=found), names)
        for leak in find_leaking_fields(frame, target, names, LEAK_LIMIT):
            if leak.name in self.said:
                self.notes.append(
                    f"{leak.name}: a feature by {self.mapping.source}, but it looks like the outcome itself "
                    f"(AUC {leak.auc:.3f} alone); training will refuse it"
                )
                continue
            reason = f"ignored, it looks like the outcome itself (AUC {leak.auc:.3f} alone)"
            roles = tuple(role for role in found[leak.name].roles or () if role == "exposure") or ("ignore",)
            found[leak.name] = replace(
                found[leak.name], roles=roles, description=found[leak.name].description or reason
            )
            self.notes.append(f"{leak.name}: {reason}")


def _is_any(value: str, values: tuple[str, ...]) -> bool:
    """Say whether a cell spells one of `values`, as text or as a number (1 is 1.0)."""
    number = to_number(value)
    return value in values or (number is not None and number in [to_number(item) for item in values])
