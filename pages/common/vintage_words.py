"""The vintages page's figures put into words: curves, endings and the cohort triangle."""

from dataclasses import dataclass

import pandas as pd

from analytics.competing_risks import Contrast, compute_contrast
from analytics.proportions import SMALL_EVENTS
from analytics.vintages import EARLIER, compute_triangle, find_ages, find_latest
from analytics.words import format_factor, format_interval, format_list, format_share
from pages.common import cached, vintage_data
from pages.common.shell import View, describe_filters
from pages.common.show import Definition

CAUSES = {"default": "Default", "prepaid": "Prepayment"}
ENDINGS = {"default": "Default", "matured": "Matured", "prepaid": "Prepaid"}
VERBS = {"default": "defaulted", "prepaid": "were prepaid", "matured": "matured"}
PARTICIPLES = {"default": "have defaulted", "prepaid": "are prepaid", "matured": "have matured"}
TOPICS = {"default": "default", "prepaid": "prepayment", "matured": "maturity"}
SEGMENT_LINES = 5  # lines that a figure can tell apart

METHOD = (
    "Aalen–Johansen estimate of the cumulative incidence by months on book: the share of loans granted that have "
    "ended this way, with the other endings (default, prepayment, maturity) as competing risks. Default is the first "
    "time 90 days past due or worse; a loan leaves the count at its first ending, and at the last month of "
    "the data if it has not ended. Unknown days past due count as none. One minus Kaplan–Meier, with the other endings "
    "as censoring, would say how many would default if nobody could prepay, and so would overstate what happens."
)
TRUNCATION = (
    "Loans granted before the history begins count only from the month they are first seen (left truncation): those "
    "that had ended before are unknown, and a loan in default when first seen is left out."
)
FORMULA = (
    "F_k(t) = Σ_{u≤t} S(u−1) · d_k(u) / n(u),  S(u) = Π_{v≤u} (1 − Σ_k d_k(v) / n(v))\n"
    "n loans at risk, d_k endings by cause k in month u on book\n"
    "95 % interval: log(−log F_k), variance of Aalen (1978), Pintilie (2006) eq. 4.5"
)


@dataclass(frozen=True)
class Shown:
    """A table with all that a figure of it needs to say."""

    frame: pd.DataFrame
    title: str
    subtitle: str
    definition: Definition


class VintageWords:
    """What the page says about vintages and endings of one selection."""

    def __init__(self, view: View) -> None:
        self.view, self.schema, self.selection = view, view.schema, view.selection
        self.subjects = f"{view.schema.subject}s"

    def is_empty(self) -> bool:
        """Whether no loan at risk matches the filters."""
        counts = vintage_data.ages(self.selection, ("vintage",))
        return not counts["at_risk"].sum()

    def ages(self, width: str) -> list[int]:
        """Return the ages at which vintages can be compared."""
        return find_ages(vintage_data.curves(self.selection, width))

    def has_early(self, width: str) -> bool:
        """Whether some vintages were granted before the history begins."""
        frame = vintage_data.curves(self.selection, width)
        return bool(len(frame)) and not frame["from_start"].all()

    def why_no_curve(self, width: str) -> str:
        """Return why no curve can be drawn."""
        if vintage_data.curves(self.selection, width).empty:
            return f"No vintage has 30 {self.subjects} at risk at one age: too few for a curve. Take a filter away."
        return "No vintage is seen from the start; choose *All* to see the others from when they are first seen."

    def headline(self, width: str, cause: str, age: int | None) -> str:
        """Return how the latest comparable vintage stands against the earlier ones."""
        found = vintage_data.latest(self.selection, width, cause, age) if age else None
        if found is None:
            return f"Too few {self.subjects} {VERBS[cause]} to compare vintages."
        newer, older = (found.high, found.low) if found.low == EARLIER else (found.low, found.high)
        first, second = (
            (found.high_incidence, found.low_incidence)
            if newer == found.high
            else (found.low_incidence, found.high_incidence)
        )
        shares = f"{format_share(first)} against {format_share(second)}"
        if not found.differ:
            return (
                f"Vintage {newer} cannot be told apart from the earlier ones in month {age}: {TOPICS[cause]} {shares}."
            )
        word = "more" if newer == found.high else "less"
        return (
            f"By month {age}, {self.subjects} granted in {newer} {VERBS[cause]} {word} often than those of "
            f"{older}: {shares}."
        )

    def curves(self, width: str, cause: str, age: int | None, *, whole: bool) -> Shown:
        """Return the cumulative curves of one cause by vintage."""
        frame = vintage_data.curves(self.selection, width)
        frame = frame[(frame["cause"] == cause) & (frame["from_start"] | (not whole))]
        loans = int(vintage_data.ages(self.selection, ("vintage",))["entered"].sum())
        where = "vintages seen from the start" if whole else "all vintages, those granted before the history at 0 then"
        subtitle = (
            f"Cumulative {TOPICS[cause]} by months on book, {where}; {loans:,} {self.subjects}; dotted: not yet "
            f"all of the vintage, or fewer than 30 {self.subjects}; {describe_filters(self.view)}"
        )
        title = self._curves_title(width, cause, age) if whole else f"Cumulative {TOPICS[cause]} of every vintage"
        return Shown(frame, title, subtitle, self._definition(METHOD + " " + TRUNCATION + " " + _CLAIM))

    def _curves_title(self, width: str, cause: str, age: int | None) -> str:
        return self._contrast(self._extremes(width, cause, age), cause, "vintage", granted=True)

    def _extremes(self, width: str, cause: str, age: int | None) -> Contrast | None:
        frame = vintage_data.curves(self.selection, width)
        kept = frame[frame["from_start"] & frame["complete"]]
        return compute_contrast(kept, "vintage", age=age, cause=cause) if age else None

    def marks(self, width: str, cause: str, age: int | None) -> tuple[str, list[str]]:
        """Return the vintage that stands out, the latest that can be compared, and those named: highest and lowest."""
        found = self._extremes(width, cause, age)
        latest = find_latest(vintage_data.curves(self.selection, width), age) if age else ""
        return latest, [found.high, found.low] if found else []

    def _contrast(self, found: Contrast | None, cause: str, group: str, *, granted: bool = False) -> str:
        """Return the finding of a contrast, with a claim only where the simultaneous interval allows one."""
        if found is None:
            return f"Too few events to compare {TOPICS[cause]} by {group}"
        if not found.differ:
            return (
                f"By month {found.age} no single {group} can be told apart from another single one by {TOPICS[cause]}"
            )
        values = f"{format_share(found.high_incidence)} against {format_share(found.low_incidence)}"
        simultaneous = f", simultaneous over {found.pairs} pairs" if found.pairs > 1 else ""
        interval = format_interval(found.factor_low, found.factor_high)
        one = (
            f"{self.subjects.capitalize()} granted in {found.high}" if granted else f"{group.capitalize()} {found.high}"
        )
        other = f"those of {found.low}" if granted else found.low
        return self.view.word(
            f"{one} {VERBS[cause]} {format_factor(found.factor)} times as often by month {found.age} as {other}",
            f"Cumulative {TOPICS[cause]} at month {found.age}: {found.high} against {found.low}, {values}, "
            f"factor {format_factor(found.factor)} {interval}{simultaneous}",
        )

    def triangle(self, width: str, cause: str, step: int) -> Shown:
        """Return the cohort triangle of one cause."""
        frame = compute_triangle(vintage_data.curves(self.selection, width), cause, step=step)
        title = "No vintage is seen from the start for long enough to fill a triangle"
        if len(frame):
            readable = frame[~frame["small"]]
            title = f"Too few events to read the triangle of {TOPICS[cause]}"
            if len(readable):
                top = readable.iloc[int(readable["incidence"].argmax())]
                title = (
                    f"{CAUSES[cause]} has reached {format_share(top['incidence'])} in vintage {top['vintage']}, the "
                    f"highest so far, after {top['months_on_book']} months"
                )
        subtitle = (
            f"Cumulative {TOPICS[cause]} by vintage and months on book; grey: fewer than 5 events or 30 "
            f"{self.subjects} at risk; blank: not every {self.schema.subject} of the vintage is that old yet; "
            f"{describe_filters(self.view)}"
        )
        return Shown(frame, title, subtitle, self._definition(f"{METHOD} {TRUNCATION} {_WHOLE}"))

    def endings(self, age: int) -> Shown:
        """Return how loans end, over all vintages."""
        frame = vintage_data.incidence(self.selection)
        frame = frame[~frame["small"].astype(bool)]
        if frame.empty:
            return Shown(frame, "", "", self._definition(METHOD))
        reached = min(age, int(frame["months_on_book"].max()))
        now = frame[frame["months_on_book"] <= reached].groupby("cause").tail(1).set_index("cause")
        title = self._endings_title(now, reached)
        start = int(frame["start"].iloc[0])
        begin = f" from month {start}, the first with 30 {self.subjects} at risk," if start else ""
        subtitle = f"Share of {self.subjects} by ending and months on book,{begin} stacked; {self._pool()}"
        text = f"{METHOD} {TRUNCATION} {_POOLED}"
        return Shown(frame, title, subtitle, self._definition(text))

    def _endings_title(self, now: pd.DataFrame, age: int) -> str:
        """Return how loans have ended by an age: the endings that happened often enough to be read."""
        rows = [(cause, now.loc[[cause]].to_dict("records")[0]) for cause in ENDINGS]
        readable = [(cause, row) for cause, row in rows if row["events"] >= SMALL_EVENTS]
        if not readable:
            return f"Too few {self.subjects} have ended to say how they end"
        plain = [f"{format_share(row['incidence'])} {PARTICIPLES[cause]}" for cause, row in readable]
        exact = [
            f"{TOPICS[cause]} {format_share(row['incidence'])} "
            f"{format_interval(row['incidence_low'], row['incidence_high'], 'share')}"
            for cause, row in readable
        ]
        return self.view.word(f"By month {age}, {format_list(plain)}", f"Month {age}: {', '.join(exact)}")

    def segments(self) -> list[str]:
        """Return the segments that endings can be broken down by."""
        names = [item.name for item in self.schema.with_role("segment")]
        columns = cached.engine(self.selection).ages().columns
        return [name for name in names if name in columns and len(cached.segment_values(self.selection, name)) > 1]

    def endings_by(self, segment: str, cause: str, age: int) -> Shown:
        """Return one cause's incidence by the largest values of a segment."""
        everything = vintage_data.incidence(self.selection, (segment,))
        everything = everything[(everything["cause"] == cause) & ~everything["small"].astype(bool)]
        label = self.schema.get(segment).label
        found = compute_contrast(everything, segment, age=age, cause=cause)
        title = self._contrast(found, cause, label.lower())
        counts = vintage_data.ages(self.selection, (segment,)).groupby(segment)["entered"].sum()
        largest = list(counts.sort_values(ascending=False, kind="stable").index)
        # The two that the title names come first, then the largest.
        named = [name for name in largest if found is not None and str(name) in (found.high, found.low)]
        kept = [*named, *(name for name in largest if name not in named)][:SEGMENT_LINES]
        frame = everything[everything[segment].isin(kept)]
        some = f", {len(kept)} of {len(counts)}" if len(counts) > len(kept) else ""
        subtitle = f"Cumulative {TOPICS[cause]} by {label.lower()}{some}, 95 % interval; {self._pool()}"
        return Shown(frame, title, subtitle, self._definition(f"{METHOD} {TRUNCATION} {_POOLED} {_CLAIM}"))

    def _pool(self) -> str:
        loans = int(vintage_data.ages(self.selection, ("vintage",))["entered"].sum())
        return f"all vintages, {loans:,} {self.subjects}; {describe_filters(self.view)}"

    def _definition(self, text: str) -> Definition:
        counts = vintage_data.ages(self.selection, ("vintage",))
        first, last = counts["vintage"].min(), counts["vintage"].max()
        window = f"vintages {first:%Y} Q{first.quarter} to {last:%Y} Q{last.quarter}" if len(counts) else ""
        return Definition(text, FORMULA, window=window)


_WHOLE = (
    "Shown are vintages of which nine in ten loans are seen by month 3 on book; the defaults that earlier ones had "
    "before the history begins are not known."
)
_CLAIM = (
    "A finding compares the highest and the lowest at the marked month and is claimed only if the 95 % interval of the "
    "ratio, widened for all pairs (Bonferroni; delta method on the logarithm), leaves out 1. The sentence on the "
    "latest vintage compares it with all earlier ones pooled, a single comparison."
)
_POOLED = (
    "All vintages are pooled, so that old ages rest on old vintages only: the curve is what would happen to a loan "
    "that met at each age what loans of that age have met."
)
