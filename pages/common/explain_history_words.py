"""One loan's past in words: its payment history, and how its PDs moved."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analytics.loan_history import summarise_history
from analytics.odds import to_log_odds
from analytics.words import format_month, format_number, format_share
from pages.common import explain_loan_data
from pages.common.explain_loan_words import LoanWords


@dataclass(frozen=True)
class Told:
    """A figure's frame and words; `observed` and `until` bound the outcome window (None: not drawn)."""

    frame: pd.DataFrame
    title: str
    subtitle: str
    definition: str
    observed: Any = None
    until: Any = None


class HistoryWords:
    """What is said of a loan's past."""

    def __init__(self, words: LoanWords, loan_id: str) -> None:
        self.words, self.schema, self.loan_id = words, words.schema, loan_id
        self.observed = None if words.key == "all" else pd.Timestamp(words.key)

    def history(self) -> Told | None:
        """Return the loan's months, or None where the portfolio has no history of it."""
        frame = explain_loan_data.history(self.words.selection, self.loan_id)
        if frame.empty:
            return None
        until = None
        if self.observed is not None and self.schema.horizon_months:
            until = self.observed + pd.DateOffset(months=self.schema.horizon_months) + pd.offsets.MonthEnd(0)
        return Told(frame, self._finding(frame), self._what(frame), _HISTORY, self.observed, until)

    def _finding(self, frame: pd.DataFrame) -> str:
        past = summarise_history(frame, self.observed)
        if not past.months:
            return f"The {self.schema.subject} has no month up to then"
        months = f"{past.months} month{'s' if past.months != 1 else ''}"
        if math.isnan(past.worst):
            return f"No month says how late the {self.schema.subject} was"
        if past.worst_month is None:
            return f"Never a day late in {months} up to then"
        worst = f"{format_number(past.worst)} days past due in {format_month(past.worst_month)}"
        if not past.arrears:
            return f"Never 30 days late in {months}; at worst {worst}"
        return f"In arrears in {past.arrears} of {months}, at worst {worst}"

    def _what(self, frame: pd.DataFrame) -> str:
        first, last = (format_month(frame["month"].iloc[place]) for place in (0, -1))
        said = f"Days past due and balance by month, {first} to {last}"
        past = summarise_history(frame)
        if past.ending:
            said += f", then {past.ending}"
        if self.observed is None:
            return said
        y = explain_loan_data.outcome(self.words.selection, self.words.key, self.loan_id)
        event = f"{self.schema.event} {self.schema.within}"
        known = "is not known yet" if math.isnan(y) else "followed" if y else "did not follow"
        return f"{said}; observed {self.words.key}: {event} {known}"

    def course(self) -> Told | None:
        """Return the loan's PD by model and snapshot, or None where it was scored once only."""
        frame = explain_loan_data.course(self.words.selection, self.words.refs, self.loan_id)
        frame = frame.dropna(subset=["date"])
        dates = sorted(frame["date"].unique())
        if len(dates) < 2:
            return None
        ends = frame.groupby("model")["pd"].agg(["first", "last"])
        moved = np.abs(to_log_odds(ends["last"]) - to_log_odds(ends["first"]))
        lead = str(ends.index[int(moved.argmax())])
        own = frame[frame["model"] == lead].set_index("date")["pd"]
        title = f"{self.words.labels[lead]}: {self._move(own)}"
        subtitle = f"PD on a logarithmic axis, {len(dates)} snapshots, {dates[0]:%Y-%m-%d} to {dates[-1]:%Y-%m-%d}"
        return Told(frame, title, subtitle, _COURSE, self.observed)

    def _move(self, own: pd.Series) -> str:
        first, last = float(own.iloc[0]), float(own.iloc[-1])
        if format_share(first) == format_share(last):
            return f"PD {format_share(last)}, as at the first snapshot"
        verb = "rose" if last > first else "fell"
        return f"PD {verb} from {format_share(first)} to {format_share(last)} since {format_month(own.index[0])}"


_HISTORY = (
    "The months of the performance table. Bars: days past due at the month's end, darker from 60 and from 90 days. The "
    "finding counts months up to the observation date, in arrears from 30 days past due. Dashed: the observation date; "
    "the band is the window in which the outcome is counted."
)
_COURSE = (
    "The PD that each model's stored scores give the loan at every observation date where it was performing. The "
    "models are today's versions at all dates: what moved is the loan, its region's economy and its age, not the model."
)
