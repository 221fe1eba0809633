"""The overview's tables put into words: cards, findings, trends and breakdowns of the selected portfolio."""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from analytics.book import select_last_year
from analytics.change import describe_change
from analytics.measures import MEASURES
from analytics.words import format_month, format_share
from pages.common import cached
from pages.common.shell import View, describe_filters
from pages.common.show import Card
from portfolio.errors import HypothecError

DATE = "observation_date"
POINTS = 36  # months in a sparkline


@dataclass(frozen=True)
class Shown:
    """A table with all that a figure of it needs to say."""

    frame: pd.DataFrame
    label: str
    value: str
    unit: str
    title: str
    subtitle: str
    definition: str
    window: str
    date: str = "month"
    column: str = ""
    country: str | None = None
    from_zero: bool = True


class Words:
    """What the overview says about one selection."""

    def __init__(self, view: View) -> None:
        self.view, self.schema, self.selection = view, view.schema, view.selection
        self.dated = bool(self.schema.splits.development_until) or self.schema.kind == "history"
        self.months = cached.by_month(self.selection) if self.schema.kind == "history" else pd.DataFrame()
        self.dates = cached.outcomes_by(self.selection, (DATE,)) if self.dated else pd.DataFrame()
        self.averages = cached.average_fields(self.selection)

    def latest(self) -> pd.DataFrame:
        """Return the row of the latest month or snapshot, or of the whole table without dates."""
        if not self.months.empty:
            return self.months.tail(1)
        return self.dates.tail(1) if self.dated else cached.outcomes_by(self.selection, ())

    def finding(self) -> str:
        """Return the page's first sentence: where the book stands and what moved."""
        subject = self.schema.subject
        if not self.months.empty:
            now = self.latest().iloc[0]
            change = describe_change(self.months, value="arrears_30", noun="arrears")
            return f"{now['loans']:,} {subject}s on the book at the end of {format_month(now['month'])}. {change}."
        whole = cached.outcomes_by(self.selection, ()).iloc[0]
        if not whole["n"]:
            return f"{whole['loans']:,} {subject}s; the outcome is not known for any of them."
        rate = format_share(float(whole["default_rate"]))
        rows = f"observations of {subject}s" if self.dated else f"{subject}s"  # a loan may be seen at several dates
        return f"{whole['events']:,} of {whole['n']:,} {rows}: {self.schema.event} rate {rate} {self.schema.within}."

    def cards(self) -> list[Card]:
        """Return the top row."""
        found = []
        for shown in self.trends.values():
            known = shown.frame.dropna(subset=[shown.value])
            if len(known):
                found.append(self._card(shown, known))
        if not found:  # a table without dates: the whole of it, no course
            whole = cached.outcomes_by(self.selection, ()).iloc[0]
            found = [
                Card(label, float(whole[value]), unit, None, [], explanation=text)
                for value, label, unit, text, _ in self._dated_measures()
                if pd.notna(whole[value])
            ]
        return found

    def _card(self, shown: Shown, known: pd.DataFrame) -> Card:
        last = known.iloc[-1]
        year_before = known[
            pd.to_datetime(known[shown.date])
            == pd.Timestamp(last[shown.date]) - pd.DateOffset(years=1) + pd.offsets.MonthEnd(0)
        ]
        judged = shown.value != "default_rate" or not last["small"]  # a handful of events proves no change
        before = float(year_before[shown.value].iloc[0]) if len(year_before) and judged else None
        better = judged and shown.value in ("arrears_30", "arrears_90", "default_rate")
        when = f"{shown.definition} As of {format_month(last[shown.date])}."
        return Card(
            shown.label,
            float(last[shown.value]),
            shown.unit,
            before,
            [float(value) for value in known[shown.value].tail(POINTS)],
            better,
            when,
        )

    def first_trend(self) -> str:
        """Return the measure that the trend opens with: where things go wrong."""
        return next(name for name in ("arrears_30", "default_rate", *self.trends) if name in self.trends)

    @cached_property
    def trends(self) -> dict[str, Shown]:
        """Return the measures over time, by column name, in the order of the cards."""
        trends = (
            [self._monthly(name) for name in ("exposure", "loans", "arrears_30", "arrears_90", "prepayment")]
            if not self.months.empty
            else []
        )
        if self.dated:
            own = {shown.value for shown in trends}
            trends += [self._dated(*measure) for measure in self._dated_measures() if measure[0] not in own]
        order = ("exposure", "loans", "default_rate", "arrears_30", "arrears_90", "prepayment", *self.averages)
        found = {shown.value: shown for shown in trends if shown.frame[shown.value].notna().any()}
        return {name: found[name] for name in order if name in found}

    def _monthly(self, name: str) -> Shown:
        measure = MEASURES[name]
        unit = self.schema.currency if measure.unit == "money" else measure.unit
        parts = self._by_region() if name == "arrears_30" else None
        title = describe_change(self.months, value=name, noun=measure.noun, unit=unit, parts=parts)
        return Shown(
            self.months,
            measure.label,
            name,
            unit,
            title,
            self._subtitle(measure.label, self.months, "month"),
            measure.definition,
            self._window(self.months, "month"),
            from_zero=name != "loans",
        )

    def _places(self) -> list[str]:
        """Return the fields that place a loan on the map: country and region, as far as there are such."""
        return [item.name for item in map(self.schema.meaning, ("country", "region")) if item is not None]

    def _by_region(self) -> pd.DataFrame | None:
        region = self.schema.meaning("region")
        if region is None:
            return None
        return cached.last_year_by(self.selection, tuple(self._places())).rename(columns={region.name: "region"})

    def _dated_measures(self) -> list[tuple[str, str, str, str, bool]]:
        event = f"{self.schema.event.capitalize()} rate"
        rate = MEASURES["default_rate"].definition.replace("within the outcome window", self.schema.within)
        own = [
            ("exposure", "Exposure", self.schema.currency, "Sum of the exposures observed.", True),
            ("loans", f"{self.schema.subject.capitalize()}s", "", "Rows observed.", True),
            ("default_rate", event, "share", rate, True),
        ]
        return own + [
            (
                name,
                self.schema.get(name).label,
                self.schema.get(name).unit,
                f"{self.schema.get(name).description} {MEASURES['average'].definition}",
                False,
            )
            for name in self.averages
        ]

    def _dated(self, value: str, label: str, unit: str, text: str, from_zero: bool) -> Shown:
        title = self._dated_title(value, label, unit)
        return Shown(
            self.dates,
            label,
            value,
            unit,
            title,
            self._subtitle(self._of(value, label), self.dates.dropna(subset=[value]), DATE),
            text,
            self._window(self.dates.dropna(subset=[value]), DATE),
            date=DATE,
            from_zero=from_zero,
        )

    def _dated_title(self, value: str, label: str, unit: str) -> str:
        known = self.dates.dropna(subset=[value])
        if value == "default_rate" and len(known) and known["small"].iloc[-1]:
            last = known.iloc[-1]
            return (
                f"{label} {format_share(last[value])} of {last['n']:,} in {format_month(last[DATE])}: too few to judge"
            )
        return describe_change(
            self.dates, value=value, noun=self._of(value, label), unit=unit, date=DATE, period="date"
        )

    def _of(self, value: str, label: str) -> str:
        return f"average {label}" if value in self.averages else label

    def _subtitle(self, label: str, frame: pd.DataFrame, date: str) -> str:
        if frame.empty:
            return label
        last = frame.iloc[-1]
        return f"{label}, {self._window(frame, date)}; {int(last['loans']):,} {self.schema.subject}s at the end"

    def _window(self, frame: pd.DataFrame, date: str) -> str:
        return "" if frame.empty else f"{format_month(frame[date].iloc[0])} to {format_month(frame[date].iloc[-1])}"

    def why_no_trend(self) -> str:
        """Return why there is no line over time."""
        return "No trend: this table has no dates. Name a date column in the mapping to see one."

    def has_map(self) -> bool:
        """Whether there are months, regions and a place for each."""
        return bool(self.schema.tiles) and not self.months.empty and self.schema.meaning("region") is not None

    def why_no_map(self) -> str:
        """Return why there is no map."""
        if self.schema.kind != "history":
            return "No map: it shows arrears by month, and this table has no months."
        return (
            "No map: the schema places no regions. Give each region a square under [tiles] in schema.toml to see one."
        )

    def regions(self) -> Shown:
        """Return arrears by region over the last twelve months."""
        region, country = self.schema.meaning("region"), self.schema.meaning("country")
        if region is None:
            raise HypothecError("the schema gives no field the meaning region; there is no map to draw")
        by = self._places()
        frame = cached.arrears_by(self.selection, tuple(by)).sort_values(
            "arrears_30", ascending=False, ignore_index=True
        )
        readable = frame[~frame["small"]]
        title = (
            f"Arrears are highest in {readable[region.name].iloc[0]}, {format_share(readable['arrears_30'].iloc[0])}"
            if len(readable)
            else "Too few spells of arrears to rank the regions"
        )
        last = select_last_year(self.months)
        window = self._window(last, "month")
        return Shown(
            frame,
            "Arrears",
            "arrears_30",
            "share",
            title,
            f"Loans 30 days or more past due, %, mean of {len(last)} month ends; grey: fewer than 5 spells of arrears",
            "Loan-months 30 days past due or more as a share of the loan-months on the book, over the month "
            "ends of the last year. Grey: fewer than 5 spells of arrears or 30 loans on the book; a spell begins where "
            "a loan becomes late, or is late at the first month end. No interval: the months of one loan are not "
            "independent.",
            window,
            column=region.name,
            country=country.name if country else None,
        )

    def segments(self) -> list[str]:
        """Return the segments that the event rate can be broken down by."""
        names = [item.name for item in self.schema.with_role("segment")]
        if self.dated and not self._mature_keys():
            return []  # no outcome is known yet for this selection
        return [name for name in names if len(cached.segment_values(self.selection, name)) > 1]

    def by_segment_heading(self) -> str:
        """Return the heading above the breakdown."""
        return self.view.word(
            f"Where is the {self.schema.event} rate high?", f"{self.schema.event.capitalize()} rate by segment"
        )

    def outcomes_by(self, segment: str) -> Shown:
        """Return the event rate by one segment over the last four dates with known outcomes (or all rows)."""
        keys = self._mature_keys()
        frame = cached.outcomes_by(self.selection, (segment,), keys)
        frame = frame.sort_values("default_rate", ascending=False, ignore_index=True)
        readable = frame[~frame["small"] & frame["default_rate"].notna()]
        label = self.schema.get(segment).label
        title = "Too few events to rank " + label.lower()
        if len(readable) > 1:
            high, low = readable.iloc[0], readable.iloc[-1]
            title = (
                f"{self.schema.event.capitalize()} rate is highest for {high[segment]}, "
                f"{format_share(high['default_rate'])}, and lowest for {low[segment]}, "
                f"{format_share(low['default_rate'])}"
            )
        window = f"{keys[0]} to {keys[-1]}" if keys and len(keys) > 1 else (keys[0] if keys and self.dated else "")
        subtitle = (
            f"{self.schema.event.capitalize()} rate {self.schema.within} by {label.lower()}, 95 % Jeffreys interval; "
            f"{int(frame['n'].sum()):,} observations{', ' + window if window else ''}; {describe_filters(self.view)}"
        )
        return Shown(
            frame, label, "default_rate", "share", title, subtitle, MEASURES["default_rate"].definition, window
        )

    def _mature_keys(self) -> tuple[str, ...] | None:
        if not self.dated:
            return None
        mature = self.dates[self.dates["n"] > 0].tail(4)
        return tuple(f"{date:%Y-%m-%d}" for date in mature[DATE])
