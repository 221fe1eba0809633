"""What the what-if page says of a changed loan: what followed, what cannot be, how every model's answer moved."""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analytics.odds import to_log_odds
from analytics.what_if import Range, find_conflicts, find_outside, list_links
from analytics.words import format_factor, format_list, format_pd_business, format_share
from pages.common import what_if_data
from pages.common.show import Card
from pages.common.what_if_words import Loan
from portfolio.schema import Field

TOP = 7

SUM = "Σ (φ′ − φ) = log-odds′ − log-odds"
CHANGE_MEANING = (
    "Each feature's interventional Shapley value of the changed loan less that of the recorded loan, both against the "
    "same recorded background. The base is the same, so the bars of a model add up to its change of log-odds; small "
    "ones are one row.\n\nA change of attribution says how the model's answer moved, not what would happen to the "
    "borrower."
)
CURVE_MEANING = (
    "The changed loan with one field moved over its range and all else as set (individual conditional expectation, "
    "Goldstein et al. 2015). Linked fields follow as in the editor. Shaded: outside the training range that the policy "
    "sets."
)


@dataclass(frozen=True)
class Curve:
    """A field's curve and the figure's words."""

    frame: pd.DataFrame
    label: str
    unit: str
    marks: dict[str, Any]
    inside: tuple[float, float] | None
    title: str
    subtitle: str


class Changed:
    """A loan as edited, with what followed from it."""

    def __init__(self, loan: Loan, edits: Mapping[str, Any]) -> None:
        self.loan, self.words, self.edits = loan, loan.words, dict(edits)
        words = loan.words
        self.row = what_if_data.change(words.selection, words.refs, loan.row, self.edits) if edits else loan.row
        self.names = what_if_data.meanings(words.selection, words.refs)

    @property
    def key(self) -> what_if_data.Edits:
        """The edits as a cache's key."""
        return tuple(sorted(self.edits.items()))

    def conflicts(self) -> list[str]:
        """Return why no loan can be so."""
        old = set(find_conflicts(_values(self.loan.row), self.names, self.words.feature_labels))
        found = find_conflicts(_values(self.row), self.names, self.words.feature_labels)
        found += [self._beyond(item) for item in self.words.offered() if self._is_beyond(item)]
        return [sentence for sentence in found if sentence not in old]

    def _is_beyond(self, item: Field) -> bool:
        value = self.row[item.name].iloc[0]
        if item.kind != "number" or pd.isna(value) or value == self.loan.row[item.name].iloc[0]:
            return False
        return (item.minimum is not None and value < item.minimum) or (
            item.maximum is not None and value > item.maximum
        )

    def _beyond(self, item: Field) -> str:
        ends = [
            f"{word} {self.loan.said(item.name, end)}"
            for word, end in (("at least", item.minimum), ("at most", item.maximum))
            if end is not None
        ]
        value = self.loan.said(item.name, self.row[item.name].iloc[0])
        return f"{item.label} would be {value}; the schema allows {format_list(ends)}."

    def followed(self) -> str:
        """Return which linked fields moved along, "" where none did."""
        moved = []
        for name, _, _ in list_links(self.names):
            old, new = self.loan.row[name].iloc[0], self.row[name].iloc[0]
            if name not in self.edits and not pd.isna(old) and old != new:
                label = self.words.feature_labels[name]
                moved.append(f"{label} {self.loan.said(name, old)} → {self.loan.said(name, new)}")
        return f"Follows from it: {'; '.join(moved)}." if moved else ""

    def warnings(self) -> list[str]:
        """Return where the changed loan leaves what the models were trained on."""
        ranges = what_if_data.training_ranges(self.words.selection, self.words.refs)
        moved = [name for name in self.row if name in ranges and self.row[name].iloc[0] != self.loan.row[name].iloc[0]]
        outside = find_outside(_values(self.row), {name: ranges[name] for name in moved})
        found = [self._outside(name, ranges[name]) for name in outside]
        if not outside and self.edits and not self.loan.is_rare and self._is_rare():
            found.append(
                "No value is unusual by itself, but the combination is as rare as that of the rarest "
                f"{format_share(self.rarest)} of the training loans (isolation forest on the numbers): the PDs are an "
                "extrapolation."
            )
        return found

    def _is_rare(self) -> bool:
        return what_if_data.is_rare(self.words.selection, self.words.refs, self.row)

    def _outside(self, name: str, known: Range) -> str:
        label, value = self.words.feature_labels[name], self.loan.said(name, self.row[name].iloc[0])
        if known.categories:
            return f"{label} {value} does not occur among the training loans: the PDs are an extrapolation."
        low, high = self.loan.said(name, known.low), self.loan.said(name, known.high)
        return (
            f"{label} of {value} is outside what the training loans have ({low} to {high}, but for the rarest "
            f"{format_share(self.rarest)} on either side): the PDs are an extrapolation."
        )

    @property
    def rarest(self) -> float:
        """The share of training loans, on either side, beyond which the policy speaks of an extrapolation."""
        return what_if_data.rule(self.words.selection).rarest

    @functools.cached_property
    def pds(self) -> dict[str, float]:
        """Every model's PD of the changed loan."""
        if not self.edits:
            return self.loan.before
        return {ref: float(what_if_data.pds(self.words.selection, ref, self.row)[0]) for ref in self.words.refs}

    def cards(self) -> list[Card]:
        """Return one card a model: the PD as it would be, and the difference from the recorded loan."""
        risks = self.pds
        return [
            Card(
                self.words.labels[ref],
                risks[ref],
                "share",
                self.loan.before[ref] if self.edits else None,
                [],
                lower_is_better=True,
                explanation=f"PD {self.words.schema.within}; recorded {format_share(self.loan.before[ref])}.",
                since="record",
            )
            for ref in self.words.refs
        ]

    def finding(self) -> str:
        """Return what the champion makes of the changes, in one sentence."""
        ref, risks = self.words.lead, self.pds
        old, new, label = self.loan.before[ref], risks[ref], self.words.labels[ref]
        if not self.edits:
            return "Move a slider or choose another value: every model answers at once."
        if self.words.view.business:
            subject = f"{self.words.schema.subject}s like it"
            return (
                f"{label}: {self.words.schema.event} {self.words.schema.within} is expected of "
                f"{format_pd_business(new, subject)}; as recorded, of {format_pd_business(old, subject)}."
            )
        return f"{label}: PD {format_share(old)} → {format_share(new)}, odds times {_factor(old, new)}."

    def unexplained(self) -> str:
        """Return which models' attributions are not made at once, "" where all are."""
        names = [item.label for item in self.words.models if not what_if_data.is_live(item)]
        if not names:
            return ""
        return (
            f"{format_list(names)}: PDs only here. Their attributions take too long to follow a slider; Explain shows "
            "those that are stored."
        )

    def attributions(self) -> pd.DataFrame:
        """Return label, model, change: the largest changes, the others as one row, and all together."""
        words, parts = self.words, []
        for item in words.models:
            if what_if_data.is_live(item):
                found = what_if_data.attributions(
                    words.selection, words.refs, item.ref, words.key, self.loan.id, self.key
                )
                parts.append(found.assign(model=item.ref))
        if not parts:
            return pd.DataFrame(columns=["label", "model", "change"])
        frame = pd.concat(parts, ignore_index=True)
        sizes = frame.assign(size=frame["change"].abs()).groupby("feature")["size"].max().sort_values(ascending=False)
        top = [name for name in sizes.index if sizes[name] > 1e-4][:TOP]
        rest = frame[~frame["feature"].isin(top)].groupby("model", sort=False)["change"].sum()
        rows = [
            {"label": words.feature_labels[row.feature], "model": row.model, "change": row.change}
            for name in top
            for row in frame[frame["feature"] == name].itertuples()
        ]
        if rest.abs().max() > 1e-4:
            rows += [{"label": "Other features", "model": ref, "change": size} for ref, size in rest.items()]
        total = frame.groupby("model", sort=False)["change"].sum()
        rows += [{"label": "All together", "model": ref, "change": size} for ref, size in total.items()]
        return pd.DataFrame(rows)

    def attribution_title(self, frame: pd.DataFrame) -> str:
        """Return the finding over the changed attributions: what moved the lead model most."""
        own = frame[(frame["model"] == self.words.lead) & ~frame["label"].isin(["All together", "Other features"])]
        ref = self.words.lead
        label, old, new = self.words.labels[ref], self.loan.before[ref], self.pds[ref]
        if own.empty or own["change"].abs().max() < 1e-9:
            return f"{label}: the PD stays at {format_share(old)}"
        top = own.iloc[int(own["change"].abs().argmax())]
        verb = "falls" if new < old else "rises"
        return f"{label}: PD {verb} from {format_share(old)} to {format_share(new)}, most through {top['label']}"

    def curve(self, name: str) -> Curve | None:
        """Return every model's PD over a field's range, all else as edited."""
        words, control = self.words, self.loan.control(name)
        if control is None:
            return None
        grid: tuple[Any, ...] = control.options or what_if_data.make_grid(
            control.low, control.high, whole=control.whole
        )
        others = tuple(item for item in self.key if item[0] != name)
        frame = what_if_data.curve(words.selection, words.refs, words.key, self.loan.id, others, name, grid)
        item, old, new = words.schema.get(name), self.loan.row[name].iloc[0], self.row[name].iloc[0]
        marks = {"recorded": old} if not pd.isna(old) else {}
        if name in self.edits:
            marks["edited"] = new
        known = what_if_data.training_ranges(words.selection, words.refs).get(name)
        inside = (known.low, known.high) if known and not known.categories else None
        risk = frame[words.lead]
        low, high = frame.iloc[int(risk.argmin())], frame.iloc[int(risk.argmax())]
        label = words.labels[words.lead]
        title = f"{item.label} does not move the PD of {label}"
        if risk.max() - risk.min() > 1e-9:
            title = (
                f"{label}: PD {format_share(low[words.lead])} at {self.loan.said(name, low['value'])}, "
                f"{format_share(high[words.lead])} at {self.loan.said(name, high['value'])}"
            )
        subtitle = f"PD of this {words.schema.subject} over {item.label}, all else as set"
        return Curve(frame, item.label, item.unit, marks, inside, title, subtitle)


def _factor(old: float, new: float) -> str:
    return format_factor(math.exp(float(to_log_odds(new) - to_log_odds(old))))


def _values(row: pd.DataFrame) -> dict[str, Any]:
    return {str(name): value for name, value in row.iloc[0].items()}
