"""Data quality in words: can the file be trusted, what looks wrong, what is missing, which rules are broken."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from analytics.words import format_factor, format_list, format_month, format_number, format_share, format_value
from pages.common import cached, quality_data
from pages.common.shell import View
from portfolio.quality import LOAD, LOADS, MISSING, Load, load_load
from portfolio.schema import Schema

RECENT = 12  # months: an incident that reaches into them touches what is used today
SELDOM = 0.9  # share missing from which a field is known only of some loans by its nature
MUCH = 0.001  # share of rows that break a rule beyond which the file is not to be trusted
TABLES = {"loans": "Loans granted", "performance": "Months", "snapshots": "Snapshots"}
PERIODS = {"performance": "month", "loans": "month granted", "snapshots": "observation date"}
SECTIONS = ("Findings", "Completeness", "Rules", "Loads & quarantine", "Duplicates", "Odd loans")
LIGHTS = {"red": ("✖", "Do not trust as it is"), "orange": ("▲", "Trust with care"), "green": ("●", "Can be trusted")}

INCIDENTS = (
    "Every month of every field, in all rows and in each value of each segment, is judged by the months before it: "
    "its distance from the median of twelve months, less the usual distance, over the usual size of such surprises "
    "(MAD over 24 months) or the sampling error, whichever is larger. The threshold lets one false alarm in two "
    "years through over all fields and segments together. Moves of less than a quarter are left to drift monitoring. "
    "One cause is told once, in the broadest segment in which it is undiluted."
)
INCIDENTS_FORMULA = (
    "z = (x − median₁₂(x) − median₂₄(surprise)) / max(1.4826 · MAD₂₄, standard error); t quantile at 1/(24 · series)"
)
COMPLETENESS = (
    "Values that are null, not a number or infinite, as a share of the rows of the period. A field that is only known "
    "of some loans (a recovery, of loans in default) is missing for the others by its nature."
)
ODD = (
    "An isolation forest (150 trees on 512 loans each) splits the loans at random; a loan that few splits set apart is "
    "odd. Judged by the features, without those of the region's economy. A reason is how much of the score goes when "
    "the value is replaced by the typical one (median, most frequent word), one field at a time: reasons need not add "
    "up. It finds single loans unlike the others, not groups that resemble each other, as one broker's fraud would."
)
NEAR = (
    "Loans of the same month of origination, region and amount (in bands of 5 %) are compared field by field; numbers "
    "within 0.5 % of each other agree. Near means that 90 % of the fields or more agree."
)


@dataclass(frozen=True)
class Verdict:
    """The page's first line: a light, and why."""

    colour: str
    symbol: str
    word: str
    reasons: tuple[str, ...]


class Words:
    """What the page says about one portfolio."""

    def __init__(self, view: View) -> None:
        self.view, self.schema, self.selection = view, view.schema, view.selection
        self.incidents = quality_data.incidents(self.selection)
        self.rules = quality_data.rules(self.selection)
        self.span = quality_data.span(self.selection)

    def verdict(self) -> Verdict:
        """Return whether the data can be trusted, with the reasons in the order of their weight."""
        broken = self.rules[self.rules["broken"] > 0]
        errors = broken[broken["severity"] == "error"]
        recent = self.incidents[self._is_recent(self.incidents) & self.incidents["kind"].ne("level")]
        bad = errors["share"].max() > MUCH if len(errors) else False
        refused = self.refused()
        identical = int((quality_data.duplicates(self.selection)["kind"] == "identical").sum())
        doubts = len(broken) or len(self.incidents) or refused or identical
        colour = "red" if bad or len(recent) else "orange" if doubts else "green"
        return Verdict(colour, *LIGHTS[colour], self._reasons(errors, len(recent), refused, identical))

    def first_section(self) -> str:
        """Return the section that opens: the findings in the months or, where there are no dates, what is missing."""
        return "Completeness" if self.span is None else SECTIONS[0]

    def _is_recent(self, found: pd.DataFrame) -> pd.Series:
        if self.span is None:
            return pd.Series(False, index=found.index)
        return pd.to_datetime(found["last"]) > self.span[1] - pd.DateOffset(months=RECENT)

    def _reasons(self, errors: pd.DataFrame, recent: int, refused: int, identical: int) -> tuple[str, ...]:
        warnings = int(((self.rules["broken"] > 0) & (self.rules["severity"] == "warning")).sum())
        kept = f"none of {len(self.rules)} rules broken"
        said = [f"{_count(len(errors), 'rule')} of {len(self.rules)} broken" if len(errors) else kept]
        said[0] += f", {_count(warnings, 'warning')}" if warnings else ""
        if self.span is None:
            said.append("no dates, so no month can be compared with another")
        elif len(self.incidents):
            latest = f"the latest from {format_month(pd.to_datetime(self.incidents['first']).max())}"
            now = f"{recent} of the last {RECENT} months" if recent else latest
            said.append(f"{_count(len(self.incidents), 'incident')} in field values, {now}")
        else:
            said.append("no field jumped")
        if refused:
            said.append(f"{_count(refused, 'row')} in quarantine")
        said.append(f"{_count(identical, 'identical pair')} of loans" if identical else "no loan stands twice")
        return tuple(said)

    def refused(self) -> int:
        """Return how many rows of the files and documents were quarantined, wholly or in part."""
        load = self.load()
        return (load.quarantined if load else 0) + quality_data.refused_documents(self.selection)

    def load(self) -> Load | None:
        """Return what was found at loading; None for a portfolio that was generated."""
        here = cached.portfolio(self.selection)
        return load_load(here) if (here.quality / LOAD).exists() else None

    def loads(self) -> pd.DataFrame:
        """Return one row a delivered file, or nothing."""
        return quality_data.delivered(self.selection, LOADS)

    def label(self, name: str) -> str:
        """Return a field's label; a column that the schema does not know is called by its name."""
        return label_of(self.schema, name)

    def unit(self, name: str) -> str:
        """Return a field's unit."""
        return next((item.unit for item in self.schema.fields if item.name == name), "")

    def sentence(self, row: Any) -> str:
        """Return an incident as a sentence."""
        return describe_incident(self.schema, row)

    def incident_table(self) -> pd.DataFrame:
        """Return the incidents as a table to read."""
        rows = self.incidents
        return pd.DataFrame(
            {
                "Incident": [self.sentence(row) for row in rows.itertuples()],
                "Also moved": [format_list([self.label(field) for _, field in also]) or "—" for also in rows["also"]],
                "Rows": rows["n"].astype("int64"),
                "Surprise (z)": rows["z"].astype(float).round(1),
                "From": pd.to_datetime(rows["first"]).dt.date,
                "To": pd.to_datetime(rows["last"]).dt.date,
                "Table": rows["table"].map(TABLES),
            }
        )

    def incident_course(self, row: Any) -> tuple[pd.DataFrame, str, bool]:
        """Return the course of an incident's statistic (period, value, all, inside), its unit, and if in logs."""
        own = quality_data.course(self.selection, row.table, row.field, row.segment, row.value)
        every = quality_data.course(self.selection, row.table, row.field, "", "") if row.segment else own.iloc[:0]
        frame = pd.DataFrame({"period": own["period"], "value": _statistic(own, row.kind)})
        other = pd.DataFrame({"period": every["period"], "all": _statistic(every, row.kind)})
        frame = frame.merge(other, on="period", how="left")
        inside = frame["period"].between(row.first, row.last)
        unit = "share" if row.kind in ("missing", "mix") else "" if row.kind == "rows" else self.unit(row.field)
        return frame.assign(inside=inside), unit, row.kind == "unit"

    def where(self, row: Any) -> str:
        """Return the segment of an incident in words."""
        return f"{self.label(row.segment)} {row.value}" if row.segment else "all rows"

    def rule_table(self) -> pd.DataFrame:
        """Return the rules as a table to read, the broken ones first."""
        rows = self.rules
        marks = {True: "● kept", False: "▲ warning"}
        state = [
            "✖ broken" if row.broken and row.severity == "error" else marks[not row.broken] for row in rows.itertuples()
        ]
        return pd.DataFrame(
            {
                "State": state,
                "Rule": rows["description"],
                "Broken": rows["broken"],
                "Checked": rows["checked"],
                "Share broken": [format_share(share) if share > 0 else "—" for share in rows["share"]],
                "Table": rows["table"].map(TABLES),
                "Fields": rows["fields"],
                "Examples": rows["examples"],
            }
        )

    def rules_finding(self) -> str:
        """Return how many rules are kept, and the worst that is not."""
        broken = self.rules[self.rules["broken"] > 0]
        if broken.empty:
            return f"All {len(self.rules)} rules are kept by {format_number(self.rules['checked'].max())} rows."
        worst = broken.iloc[0]
        errors = int((broken["severity"] == "error").sum())
        said = f"{_count(errors, 'rule')} of {len(self.rules)} broken, {_count(len(broken) - errors, 'warning')}"
        return f"{said}; worst: “{worst['description']}”, not so in {worst['broken']:,} of {worst['checked']:,} rows."

    def completeness_finding(self, frame: pd.DataFrame, where: str) -> str:
        """Return which field is missing most."""
        total = frame.groupby("field")[["n", "missing"]].sum()
        every = (total["missing"] / total["n"]).sort_values(ascending=False)
        share = every[every < SELDOM]  # what is known of few loans by its nature would always be named
        if share.empty or not share.iloc[0]:
            rest = f" but of {_count(int((every > 0).sum()), 'field')} that few have" if (every > 0).any() else ""
            return f"Nothing is missing in {where}{rest}"
        some = int((every > 0).sum())
        most = f"{self.label(str(share.index[0]))} most ({format_share(float(share.iloc[0]))})"
        return f"{_count(some, 'field')} of {len(every)} with missing values in {where}, {most}"

    def completeness_order(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return field (label), period, n and missing, the field with most missing first."""
        total = frame.groupby("field")[["n", "missing"]].sum()
        order = (total["missing"] / total["n"]).sort_values(ascending=False, kind="stable").index
        labels = {str(name): self.label(str(name)) for name in order}
        twice = pd.Series(labels).duplicated(keep=False)
        labels = {name: f"{label} ({name})" if twice[name] else label for name, label in labels.items()}
        rows = frame.assign(place=frame["field"].map({name: place for place, name in enumerate(order)}))
        rows = rows.sort_values(["place", "period"], ignore_index=True).assign(
            field=lambda one: one["field"].map(labels)
        )
        return rows[["field", "period", "n", "missing"]]

    def missing_bars(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return field, share missing and n, of the fields with missing values (the first few if none has)."""
        rows = frame.assign(share=frame["missing"] / frame["n"], n=frame["n"].astype("int64"))[["field", "share", "n"]]
        some = rows[rows["share"] > 0]
        return (some if len(some) else rows.head(5)).head(30).reset_index(drop=True)

    def missing_reasons(self) -> pd.DataFrame:
        """Return why values are missing, as the files say, the most frequent first."""
        found = quality_data.delivered(self.selection, MISSING)
        if found.empty:
            return found
        named = found.assign(field=[self.label(str(name)) for name in found["field"]])
        grouped = named.groupby(["field", "code", "reason"], as_index=False, dropna=False).agg(n=("n", "sum"))
        names = {"field": "Field", "code": "Code", "reason": "Reason", "n": "Values"}
        return grouped.sort_values(by="n", ascending=False, ignore_index=True).rename(columns=names)

    def window(self) -> str:
        """Return the periods that were profiled."""
        if self.span is None:
            return "the whole table, undated"
        return f"{format_month(self.span[0])} to {format_month(self.span[1])}"

    def incident_subtitle(self, row: Any) -> str:
        """Return what an incident's figure shows, on how many rows."""
        what = {"missing": "Share missing", "rows": "Rows", "mix": "Share of the most frequent value"}.get(
            row.kind, f"Mean of {self.label(row.field)}" + (", logarithmic axis" if row.kind == "unit" else "")
        )
        return f"{what} by {PERIODS[row.table]}; {int(row.n):,} rows in the shaded months"


def label_of(schema: Schema, name: str) -> str:
    """Return a field's label; a column that the schema does not know is called by its name."""
    spelt = name[:1].upper() + name[1:].replace("_", " ")
    return next((item.label for item in schema.fields if item.name == name), spelt)


def describe_incident(schema: Schema, row: Any) -> str:
    """Return an incident as a sentence: which field, where, what happened, when."""
    field = label_of(schema, row.field) if row.field else "Rows delivered"
    where = f" ({label_of(schema, row.segment)}: {row.value})" if row.segment else ""
    what = {"missing": _say_missing, "unit": _say_unit, "rows": _say_rows, "mix": _say_mix}.get(row.kind, _say_level)
    asked = " – a change of unit?" if row.kind == "unit" else ""
    return f"{field}{where}: {what(row, schema)}, {_say_when(row)}{asked}"


def _say_missing(row: Any, schema: Schema) -> str:  # noqa: ARG001
    before = f", {format_share(row.before)} before" if row.before >= 0.0005 else ""
    return f"{format_share(row.after)} missing{before}"


def _say_unit(row: Any, schema: Schema) -> str:  # noqa: ARG001
    larger = row.factor > 1
    factor = row.factor if larger else 1 / row.factor
    return f"values {format_number(factor)} times {'larger' if larger else 'smaller'}"


def _say_rows(row: Any, schema: Schema) -> str:  # noqa: ARG001
    change = row.after / row.before - 1 if row.before else float("inf")
    return f"{format_share(abs(change))} {'more' if change > 0 else 'fewer'} than the months before"


def _say_mix(row: Any, schema: Schema) -> str:  # noqa: ARG001
    return f"the most frequent value's share moved from {format_share(row.before)} to {format_share(row.after)}"


def _say_level(row: Any, schema: Schema) -> str:
    unit = next((item.unit for item in schema.fields if item.name == row.field), "")
    moved = f"from {format_value(row.before, unit)} to {format_value(row.after, unit)}"
    ratio = row.after / row.before if row.before else float("nan")
    return f"typical value moved {moved}" + (f" ({format_factor(ratio)} times)" if ratio > 1 else "")


def _say_when(row: Any) -> str:
    first, last = format_month(row.first), format_month(row.last)
    if row.lasting:
        return f"since {first}"
    return first if first == last else f"{first} to {last}"


def _statistic(rows: pd.DataFrame, kind: str) -> pd.Series:
    """Return what an incident's figure follows."""
    if kind == "missing":
        return rows["missing"] / rows["n"]
    if kind == "rows":
        return rows["n"]
    if kind == "mix":
        return rows["most"]
    return rows["mean"]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
