"""Similar loans in words: which are near, by what measure, and what became of loans like it."""

import math
from dataclasses import dataclass

import pandas as pd

from analytics.similar import DISTANCE, LOAN, Fate
from analytics.words import format_interval, format_number, format_share, format_value
from pages.common import explain_data, explain_similar_data
from pages.common.explain_loan_words import LoanWords

REASONS, FIELDS = "Same reasons", "Same fields"


@dataclass(frozen=True)
class Similar:
    """The nearest loans: `table` as shown, `loans` their ids in the same order, a finding and how it is measured."""

    table: pd.DataFrame
    loans: list[str]
    finding: str
    definition: str


class SimilarWords:
    """What is said of the loans like one loan."""

    def __init__(self, words: LoanWords, loan_id: str, ref: str, risk: float) -> None:
        self.words, self.schema, self.selection = words, words.schema, words.selection
        self.loan_id, self.ref, self.risk = loan_id, ref, risk

    def can_compare_reasons(self) -> bool:
        """Whether the model's attributions of the snapshot's loans are stored."""
        return self.words.key in explain_data.explained_keys(self.selection, self.ref)

    def nearest(self, space: str) -> Similar:
        """Return the nearest loans of the snapshot in the space asked for."""
        asked = (self.selection, self.words.key, self.words.refs, self.ref)
        if space == REASONS:
            frame = explain_similar_data.by_reasons(*asked, self.loan_id)
        else:
            frame = explain_similar_data.by_fields(*asked, self.words.explained_key, self.loan_id)
        return Similar(self._table(frame), list(frame[LOAN]), self._finding(frame), _SPACES[space])

    def _finding(self, frame: pd.DataFrame) -> str:
        subject, label = self.schema.subject, self.words.labels[self.ref]
        if frame.empty:
            return f"No other {subject} is left to compare with: the filters leave this one only."
        low, high = frame[self.ref].min(), frame[self.ref].max()
        low_text, high_text = format_share(low), format_share(high)
        told = f"PDs of {low_text} to {high_text}" if low_text != high_text else f"a PD of {low_text}"
        return f"{label} gives the {len(frame)} {subject}s nearest to it {told}, this one {format_share(self.risk)}."

    def _table(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the columns as they are shown: id, distance, PDs, exposure, segments, outcome."""
        shown = {self.schema.id.label: frame[LOAN], "Distance": [format_number(gap) for gap in frame[DISTANCE]]}
        for ref, label in self.words.labels.items():
            shown[f"PD, {label}"] = [format_share(risk) for risk in frame[ref]]
        target = self.schema.target.name
        for name in frame.columns:
            if name in (LOAN, DISTANCE, target, *self.words.refs):
                continue
            item = self.schema.get(name)
            shown[item.label] = [format_value(value, item.unit) for value in frame[name]]
        if frame[target].notna().any():
            shown[self.schema.event.capitalize()] = [
                "not known" if pd.isna(value) else "yes" if value else "no" for value in frame[target]
            ]
        return pd.DataFrame(shown)

    def fate(self) -> str:
        """Return what became of loans like it at earlier dates, in one or two sentences."""
        keys = explain_similar_data.past_keys(self.selection, self.words.key)
        subject = self.schema.subject
        if not keys:
            return f"What became of {subject}s like it is not known: no earlier snapshot had its outcomes by then."
        found = explain_similar_data.fate(
            self.selection, self.words.key, self.ref, self.words.explained_key, self.loan_id
        )
        dates = "" if keys == ["all"] else f" at {len(keys)} earlier dates ({keys[-1]} to {keys[0]})"
        if len(keys) == 1 and keys != ["all"]:
            dates = f" at {keys[0]}"
        return self._say(found, dates)

    def _say(self, found: Fate, dates: str) -> str:
        subject, event = self.schema.subject, f"{self.schema.event} {self.schema.within}"
        if found.few:
            return (
                f"What became of {subject}s like it is left out: a twentieth of the {found.total:,} {subject}s with a "
                f"known outcome{dates} is fewer than 30."
            )
        share = f"{format_share(found.rate)} {format_interval(found.low, found.high, 'share')}"
        said = (
            f"Of the {found.n:,} {subject}s most like it{dates}, {event} followed for {found.events:,}: {share}"
            f"{', few events: read with care' if found.events < 5 else ''}."
        )
        if math.isnan(found.expected):
            return said
        return f"{said} {self.words.labels[self.ref]} had given them {format_share(found.expected)} on average."

    def fate_definition(self) -> str:
        """Return how the loans behind `fate` were chosen."""
        return _FATE


_SPACES = {
    REASONS: (
        "Nearest in the attributions of the chosen model: the square root of the summed squared differences of every "
        "feature's attribution, in log-odds. Near are loans that the model judges alike for the same reasons; they may "
        "differ in fields that it makes little of."
    ),
    FIELDS: (
        "Nearest in the fields that the chosen model uses: each difference over the field's spread (10 to 90 % of the "
        "snapshot; a category counts 1 where it differs, a value that one of both lacks 1), squared, weighed by the "
        "field's share of the model's importance, summed, and the square root taken. 1 is as far as differing by one "
        "spread in every field."
    ),
}
_FATE = (
    "Snapshots whose outcomes were known at this date, a horizon apart so that their outcome windows do not overlap, "
    "five at most. The nearest twentieth of their loans by *Same fields*, 300 at most, a loan counted once where it "
    "was nearest, this one left out. Share with a Jeffreys interval; below 30 loans nothing is said. It tells what "
    "happened to others, not what will happen to this one."
)
