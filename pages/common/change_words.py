"""What changed, put into words: ranked sentences, and the waterfall of one measure by one field."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.rate_change import Change, compute_steps, find_drivers
from analytics.words import (
    format_factor,
    format_interval,
    format_month,
    format_number,
    format_points,
    format_share,
)
from pages.common import overview_data
from pages.common.book_words import Shown
from pages.common.shell import View, describe_filters

FORMULA = (
    "R1 − R0 = Σ (w1 − w0)·(r̄ − R̄)   mix\n"
    "        + Σ w̄·(r1 − r0)           within segments\n"
    "w share, r rate of a segment; w̄, r̄ means of before and after, R̄ mean of both whole rates"
)


@dataclass(frozen=True)
class News:
    """One thing that changed: the measure, its sentence, and how it ranks (clear first, then by relative size)."""

    measure: str
    label: str
    sentence: str
    clear: bool
    size: float


class ChangeWords:
    """What changed in one selection since the last quarter, or for outcomes since the year before."""

    def __init__(self, view: View) -> None:
        self.view, self.schema, self.selection = view, view.schema, view.selection
        self.dates = overview_data.dates(self.selection)
        names = ("pd", "default_rate", "arrears", "loss")
        found = {name: overview_data.change(self.selection, name) for name in names}
        self.changes: dict[str, Change] = {name: change for name, change in found.items() if change is not None}

    def why_not(self) -> str:
        """Return why there is nothing to compare, or ""."""
        if self.changes:
            return ""
        if self.schema.kind != "history" and not self.schema.splits.development_until:
            return "No changes: this table has no dates to compare. Name a date column in the mapping to see some."
        return "No changes: the selection has loans with a PD or a known outcome at fewer than two dates."

    def news(self) -> list[News]:
        """Return what changed, the most important first."""
        found = [self._news(name, change) for name, change in self.changes.items()]
        return sorted(found, key=lambda item: (not item.clear, -item.size))

    def _news(self, measure: str, change: Change) -> News:
        shown = format_share(change.before) != format_share(change.after)
        size = abs(np.log((change.after + 1e-12) / (change.before + 1e-12)))
        return News(measure, self.labels()[measure], self._sentence(measure, change), change.clear and shown, size)

    def labels(self) -> dict[str, str]:
        """Return what each measure is called on a button."""
        names = {
            "pd": "Mean PD",
            "default_rate": f"{self.schema.event.capitalize()} rate",
            "arrears": "Arrears",
            "loss": "Expected loss",
        }
        return {name: names[name] for name in names if name in self.changes}

    def _noun(self, measure: str) -> str:
        model = overview_data.champion(self.selection)
        return {
            "pd": self.view.word(
                f"The share of {self.schema.subject}s that the model expects to end in {self.schema.event}",
                f"Mean PD of {model.label if model else 'the champion'}",
            ),
            "default_rate": f"The {self.schema.event} rate {self.schema.within}",
            "arrears": "Arrears of 30 days or more",
            "loss": self.view.word("Expected loss per euro lent", "Expected loss, PD · LGD · EAD, over exposure"),
        }[measure].replace("per euro lent", "as a share of exposure")

    def when(self, measure: str) -> tuple[str, str]:
        """Return the names of the two dates of a measure."""
        if measure == "arrears":
            months = overview_data.arrears_months(self.selection)
            return tuple(map(format_month, months)) if months else ("", "")  # type: ignore[return-value]
        own = self.dates
        pair = (own.mature_before, own.mature) if measure == "default_rate" else (own.before, own.latest)
        return format_month(pd.Timestamp(pair[0])), format_month(pd.Timestamp(pair[1]))

    def _sentence(self, measure: str, change: Change) -> str:
        before, after = self.when(measure)
        noun, now = self._noun(measure), format_share(change.after)
        if change.small:
            counts = f"{change.events_before:,.0f} of {change.n_before:,.0f} and {change.events_after:,.0f} of "
            return f"{noun}: too few to compare {before} and {after} ({counts}{change.n_after:,.0f})."
        if change.sampled and not change.clear:
            return (
                f"{noun}: {now} in {after} and {format_share(change.before)} in {before}: "
                f"the two cannot be told apart{self._interval(change)}.{self._driver(change)}"
            )
        if format_share(change.before) == now:
            return f"{noun} unchanged at {now} from {before} to {after}."
        word = "rose" if change.difference > 0 else "fell"
        return (
            f"{noun} {word} from {format_share(change.before)} in {before} to {now} in {after}"
            f"{self._interval(change)}.{self._parts(measure, change)}{self._driver(change)}"
        )

    def _interval(self, change: Change) -> str:
        if not change.sampled or self.view.business:
            return ""
        places = 2 if max(abs(change.low), abs(change.high)) < 0.1 else 1
        ends = format_interval(100 * change.low, 100 * change.high, "pp", places)
        return f" ({format_points(change.difference)} {ends})"

    def _parts(self, measure: str, change: Change) -> str:
        field = self.first_field(measure)
        label, mix = overview_data.label(self.schema, field).lower(), change.mix(field)
        share = mix / change.difference
        if self.view.business:
            if abs(share) < 0.1:
                return f" Hardly any of it comes from a different mix of {self.schema.subject}s."
            helped = "explains" if share > 0 else "held it back by"
            amount = f"{min(share, 9.99):.0%}".replace("%", " %") + " of it" if share > 0 else format_points(abs(mix))
            return f" A different mix by {label} {helped} {amount}."
        within = change.difference - mix
        both = (format_points(part, change.difference) for part in (mix, within))
        return " Mix by {} {}, within segments {}.".format(label, *both)

    def _driver(self, change: Change) -> str:
        found = find_drivers(change)
        if found.empty:
            return " No segment moved clearly more than the book." if change.clear else ""
        row = found.iloc[0]
        field = overview_data.label(self.schema, row["field"]).lower()
        rates = f"{format_share(row['rate_before'])} to {format_share(row['rate_after'])}"
        tail = "" if self.view.business or not change.sampled else f", Holm-adjusted p {row['p_adjusted']:.2g}"
        lead = "It moved most within" if change.clear else "But one segment moved away from the book:"
        return f" {lead} {field} {row['value']}: {rates}{tail}."

    def fields(self, measure: str) -> list[str]:
        """Return the fields that a measure can be split by: those with more than one value in the selection."""
        several = self.changes[measure].segments["field"].value_counts()
        return [name for name in overview_data.fields(self.selection) if several.get(name, 0) > 1]

    def field_labels(self) -> dict[str, str]:
        """Return what every field is called."""
        return {name: overview_data.label(self.schema, name) for name in overview_data.fields(self.selection)}

    def first_field(self, measure: str) -> str:
        """Return the field that the split opens with: that of the clearest driver, else that with the largest mix."""
        change = self.changes[measure]
        drivers = find_drivers(change)
        if len(drivers):
            return str(drivers["field"].iloc[0])
        mixes = change.segments.groupby("field", sort=False)["mix"].apply(lambda mix: mix.abs().sum())
        return str(mixes.idxmax())

    def steps(self, measure: str, field: str) -> Shown:
        """Return the waterfall of a measure by a field."""
        change, (before, after) = self.changes[measure], self.when(measure)
        label = overview_data.label(self.schema, field)
        frame = compute_steps(change, field)
        names = {"before": before, "after": after, "mix": f"Mix by {label.lower()}"}
        plain = frame["kind"].isin(["total", "mix"])
        frame.insert(0, "label", frame["step"].mask(plain, frame["step"].map(names)))
        unit = self.schema.currency if measure == "loss" else f"{self.schema.subject}s"
        n = format_number(change.n_after, 0)
        return Shown(
            frame,
            label,
            "effect",
            "share",
            self._title(measure, change, field),
            f"{self.labels()[measure]}, {before} to {after}, split by {label.lower()}; {n} {unit} at the end; "
            f"{describe_filters(self.view)}",
            self._definition(measure),
            f"{before} to {after}",
        )

    def _title(self, measure: str, change: Change, field: str) -> str:
        name = self.labels()[measure]
        if change.small or not change.clear:
            return f"{name}: {format_points(change.difference)}, not more than chance can do"
        if format_share(change.before) == format_share(change.after):
            return f"{name} unchanged at {format_share(change.after)}"
        own = find_drivers(change)
        own = own[own["field"] == field]
        ratio = format_factor(change.after / change.before) if change.before > 0 else ""
        times = f", {ratio} times as high" if ratio and change.after > 1.1 * change.before else ""
        where = f", most within {own['value'].iloc[0]}" if len(own) else ""
        return f"{name} {'up' if change.difference > 0 else 'down'} {format_points(change.difference)}{times}{where}"

    def _definition(self, measure: str) -> str:
        text = {
            "pd": "Mean PD of the champion over all loans scored, by number, at the last two observation dates. Every "
            "loan is scored, so the change is exact: it has no interval, which does not make the PDs right.",
            "default_rate": "Rate by number among the loans with a known outcome, on the last date whose outcome "
            "window has passed and a year before: the same season, and windows that do not overlap.",
            "arrears": "Loans 30 days past due or more over the loans on the book at two month ends a quarter apart. "
            "Many are in arrears at both, which the interval does not use: it is rather too wide than too narrow.",
            "loss": "Σ PD · LGD · exposure over Σ exposure at the last two observation dates, with the champion's PD "
            "and the LGD realised by loan-to-value band. Exact for the given PDs and LGDs: it has no interval.",
        }[measure]
        return (
            f"{text} Pale: the segment's own change cannot be told from none at 95 % (delta method); grey: fewer than "
            "30 loans or 5 events. A segment is named in a sentence only if it moved more than the book with a "
            "p-value below 5 % after Holm's adjustment over all segments of all fields."
        )
