"""A shocked book put into words: what moved, how far, through which features, and what the shock could not reach."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analytics.concentration import BAND_NAMES
from analytics.shocks import Shock
from analytics.words import format_list, format_money, format_number, format_points, format_share, format_value
from pages.common import overview_data, what_if_book_data, what_if_data
from pages.common.overview_data import LTV_BAND
from pages.common.show import Card
from pages.common.what_if_book_data import WHOLE
from pages.common.what_if_words import LoanWords

ROWS, SMALL = 12, 30

MEANING = (
    "Every loan of the snapshot is changed by the shock's arithmetic and rated anew by each model; nothing else moves. "
    "The models were fitted on the past: they answer for loans that look like this, not for an economy in crisis, and "
    "no second-round effect (defaults, sales, new lending) is in it."
)
LOSS = (
    "Expected loss = Σ PD · LGD · exposure, LGD by band of loan-to-value as on Overview, by the band after the shock."
)
GRADE_MEANING = (
    "Grades of the model's own master scale, as on Validate (built by default rates or given by policy). The scale "
    "stays; the loans move over it."
)


@dataclass(frozen=True)
class Shown:
    """A table and its figure's words."""

    frame: pd.DataFrame
    title: str
    subtitle: str


class BookWords:
    """What a shock does to the book of one selection."""

    def __init__(self, words: LoanWords, shock: Shock) -> None:
        self.words, self.shock, self.schema = words, shock, words.schema
        self.found = what_if_book_data.impact(words.selection, words.refs, words.key, shock)
        self.whole: dict[str, dict[Any, Any]] = {
            str(row["model"]): row for row in self._cells(WHOLE).to_dict("records")
        }
        self.has_loss = "loss_after" in self.found.cells
        self.knows_lgd = overview_data.lgd(what_if_data.bare(words.selection)) is not None

    def _cells(self, field: str) -> pd.DataFrame:
        return self.found.cells[self.found.cells["field"] == field]

    def cards(self) -> list[Card]:
        """Return mean PD and expected loss of each model, with the difference the shock makes."""
        cards = []
        for ref in self.words.refs:
            row, label = self.whole[ref], self.words.labels[ref].removesuffix(" (champion)")
            cards.append(
                Card(f"Mean PD, {label}", float(row["after"]), "share", float(row["before"]), [], lower_is_better=True,
                     explanation=f"Before the shock {format_share(float(row['before']))}.", since="the book")
            )  # fmt: skip
        for ref in self.words.refs if self.has_loss else ():
            row, label = self.whole[ref], self.words.labels[ref].removesuffix(" (champion)")
            name = "Loss" if self.knows_lgd else "PD · exposure"
            before, after = (float(row[f"loss_{when}"]) * self.scale for when in ("before", "after"))
            cards.append(
                Card(f"{name}, {label}", after, self.schema.currency, before, [], lower_is_better=True,
                     since="the book",
                     explanation=f"Expected loss; before the shock {format_money(before, self.schema.currency)}.")
            )  # fmt: skip
        return cards

    @property
    def scale(self) -> float:
        """What takes the loans shown to the whole snapshot."""
        return self.found.total / self.found.loans if self.found.loans else 1.0

    def finding(self) -> str:
        """Return what the shock does by the lead model, and how far the models differ."""
        lead = self.whole[self.words.lead]
        factors = {ref: self.whole[ref]["after"] / self.whole[ref]["before"] for ref in self.words.refs}
        others = [
            f"{self.words.labels[ref]} times {format_number(factors[ref], 2)}"
            for ref in self.words.refs
            if ref != self.words.lead
        ]
        beside = f" {format_list(others)}." if others else ""
        return (
            f"{self.words.labels[self.words.lead]}: mean PD {format_share(lead['before'])} → "
            f"{format_share(lead['after'])}, times {format_number(factors[self.words.lead], 2)}.{beside}"
        )

    def coverage(self) -> str:
        """Return which loans were rated, and with what sampling error where not all."""
        subject = self.schema.subject
        if self.found.loans == self.found.total:
            return f"All {self.found.total:,} {subject}s of {self.words.when}, rated anew by every model."
        error = 1.96 * float(self.whole[self.words.lead]["error"])
        return (
            f"{self.found.loans:,} of {self.found.total:,} {subject}s of {self.words.when}, drawn by the hash of their "
            f"ids; the change of mean PD by {self.words.labels[self.words.lead]} is known to "
            f"± {format_points(error)[1:]} (95 %), amounts are scaled up."
        )

    def paths(self) -> pd.DataFrame:
        """Return what the shock moved: a row a path."""
        names = what_if_data.meanings(self.words.selection, self.words.refs)
        rows = []
        for path in self.found.paths:
            field = self.schema.get(names[path.meaning])
            before, after = self.found.means[field.name]
            rows.append(
                {"Shock": SHOCKS[path.shock], "Field": field.label, "Loans moved": f"{path.moved:,}",
                 "Mean before": format_value(before, field.unit), "after all shocks": format_value(after, field.unit),
                 "How (s: the shock)": path.formula}
            )  # fmt: skip
        return pd.DataFrame(rows)

    def left(self) -> list[str]:
        """Return what the shocks could not reach."""
        return [f"{SHOCKS[name]}: {why}; left as recorded." for name, why in self.found.left]

    def fields(self) -> list[str]:
        """Return the fields to show the change by: those with more than one value."""
        cells = self.found.cells
        several = cells[cells["field"] != WHOLE].groupby("field", sort=False)["value"].nunique()
        return [str(name) for name in several.index if several[name] > 1]

    def field_label(self, field: str) -> str:
        """Return what a field is called."""
        return overview_data.label(self.schema, field)

    def by(self, field: str) -> Shown:
        """Return mean PD before and after by a field, the largest change of the lead model first."""
        cells = self._cells(field)
        lead = cells[cells["model"] == self.words.lead].sort_values("change", ascending=False)
        if field == LTV_BAND:
            order = [name for name in BAND_NAMES if name in set(lead["value"])]
        else:
            order = list(lead["value"])[:ROWS]
        readable = lead[lead["n"] >= SMALL]
        title = f"{self.field_label(field)}: too few loans to name a group"
        if len(readable):
            top = readable.iloc[0]
            verb = "rises" if top["change"] >= 0 else "falls"
            title = (
                f"{self.field_label(field)} {top['value']}: mean PD {verb} most, from {format_share(top['before'])} to "
                f"{format_share(top['after'])} ({self.words.labels[self.words.lead]})"
            )
        ranked = {name: place for place, name in enumerate(order)}
        shown = cells[cells["value"].isin(order)]
        shown = shown.assign(place=shown["value"].map(ranked)).sort_values(["place", "model"], kind="stable")
        shown = shown.assign(label=_label(shown)).drop(columns=["place"]).reset_index(drop=True)
        return Shown(shown, title, "Mean PD, open: as recorded, full: after the shock; every model")

    def grades(self, ref: str) -> Shown | str:
        """Return a model's loans by grade before and after, or why there are no grades."""
        if ref not in self.found.moves:
            return f"No grades of {self.words.labels[ref]}: {self.found.no_grades[ref]}."
        moves = self.found.moves[ref]
        counts = moves.to_numpy()
        n = max(int(counts.sum()), 1)
        worse, better = float(np.triu(counts, 1).sum() / n), float(np.tril(counts, -1).sum() / n)
        title = f"{self.words.labels[ref]}: {format_share(worse)} of loans move to a worse grade"
        title += f", {format_share(better)} to a better one" if better else ""
        frame = pd.DataFrame(
            {"grade": list(moves.index), "before": counts.sum(axis=1) / n, "after": counts.sum(axis=0) / n}
        ).join(moves.add_prefix("to grade ").reset_index(drop=True))
        return Shown(frame, title, f"Share of {n:,} {self.schema.subject}s by grade, before and after the shock")


def _label(cells: pd.DataFrame) -> Sequence[str]:
    return [f"{value}{' (few)' if n < SMALL else ''}" for value, n in zip(cells["value"], cells["n"], strict=True)]


SHOCKS = {
    "house_prices": "House prices",
    "rates": "Interest rates",
    "income": "Income",
    "unemployment": "Unemployment",
}
