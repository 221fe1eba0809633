"""The answers of the Explore page put into words: findings, subtitles, definitions and what a cell adds up to."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from analytics.change import describe_change
from analytics.figures.explore import REST, Look
from analytics.measures import MEASURES
from analytics.pivot import OF_A_FIELD, Cell, Question
from analytics.words import MISSING, format_factor, format_interval, format_share, format_value
from pages.common import explore_data
from pages.common.explore_fields import Fields
from pages.common.shell import describe_filters
from portfolio.schema import OBSERVATION_DATE

Chart = Literal["bars", "lines", "heat map", "boxes", "points", "pivot"]
NOUNS = {"mean": "Average", "median": "Median", "spread": "Median", "sum": "Sum", "missing": "Share missing"}
YEARLY, LATEST, ALL = "Every year", "Latest", "All dates"
INTERVALS = {
    "rate": ", 95 % Jeffreys interval",
    "missing": ", 95 % Jeffreys interval",
    "mean": ", 95 % interval of the mean",
    "spread": ", with quartiles, 10 and 90 % quantiles and (dashed) the mean",
}
COUNTED = ("loans", "exposure", "sum")  # measures that add up


@dataclass(frozen=True)
class Asked:
    """What the page was asked: the question with its groups, the chart, and the snapshots (None: an undated table)."""

    question: Question
    chart: Chart
    keys: tuple[str, ...] | None
    x: str = ""
    y: str = ""


def choose_keys(fields: Fields, choice: str | None, measure: str) -> tuple[str, ...] | None:
    """Return the snapshots that a choice of dates stands for; an unknown one stands for every year."""
    keys = explore_data.snapshot_keys(fields.selection)
    if not keys:
        return None
    mature = explore_data.mature_keys(fields.selection)
    known = mature if measure == "rate" and mature else keys
    if choice == ALL:
        return tuple(keys)
    if choice == LATEST:
        return (known[-1],)
    return (choice,) if choice in keys else tuple(explore_data.yearly_keys(known))


class Words:
    """What the page says about one answer."""

    def __init__(self, fields: Fields, asked: Asked, frame: pd.DataFrame) -> None:
        self.fields, self.asked, self.frame, self.question = fields, asked, frame, asked.question
        self.schema, self.view = fields.schema, fields.view

    def unit(self) -> str:
        """Return the measure's unit."""
        question = self.question
        own = self.fields.unit(question.of) if question.measure in ("mean", "median", "spread", "sum") else ""
        return {"rate": "share", "missing": "share", "exposure": self.schema.currency}.get(question.measure, own)

    def measure(self) -> str:
        """Return the measure's name."""
        if self.question.measure in OF_A_FIELD:
            return f"{NOUNS[self.question.measure]} of {self.fields.label(self.question.of)}"
        return self.fields.measures()[self.question.measure]

    def dimension_labels(self) -> list[str]:
        """Return the labels of the dimensions asked for."""
        named = {(choice.dimension.column, choice.dimension.kind): choice.label
                 for choice in self.fields.dimensions().values()}  # fmt: skip
        return [named[item.column, item.kind] for item in self.question.dimensions.values()]

    def cell_name(self, row: str, column: str) -> str:
        """Return a cell in words: bands carry their field's label."""
        parts = []
        for (name, dimension), label in zip(self.question.dimensions.items(), self.dimension_labels(), strict=True):
            value = row if name == "row" else column
            bare = dimension.kind == "category" and value != MISSING
            parts.append(value if bare else f"{label} {value}")
        return ", ".join(parts)

    def title(self, total: pd.Series) -> str:
        """Return the finding: which group stands out, by how much, against all."""
        readable = self.frame[~self.frame["small"].astype(bool) & self.frame["value"].notna()]
        for name in self.question.dimensions:
            readable = readable[~readable[name].astype(str).str.startswith(REST)]
        if not self.question.dimensions:
            return f"{self.measure()}: {format_value(total['value'], self.unit())}"
        if self._is_over_time() and len(readable) > 1:
            dated = readable.assign(month=pd.to_datetime(readable["row"].astype(str)))
            return describe_change(dated, value="value", noun=self.measure(), unit=self.unit(), period="date")
        if readable.empty:
            return f"Too few {'events' if self.question.measure == 'rate' else 'rows'} to compare groups"
        return self._highest(readable.iloc[int(readable["value"].to_numpy().argmax())], total)

    def _is_over_time(self) -> bool:
        rows = self.question.rows
        return rows is not None and rows.kind == "date" and self.question.columns is None

    def _highest(self, top: pd.Series, total: pd.Series) -> str:
        name = self.cell_name(str(top.get("row", "")), str(top.get("column", "")))
        value, whole = float(top["value"]), float(total["value"])
        shown = format_value(value, self.unit())
        if self.question.measure in COUNTED:
            part = f", {format_share(value / whole)} of all" if whole > 0 and value >= 0 else ""
            return f"{self.measure()} is largest for {name}: {shown}{part}"
        if self.question.measure in ("rate", "missing") and not top["value_low"] > whole:
            return f"{self.measure()} nowhere clearly above the overall {format_value(whole, self.unit())}"
        ends = pd.notna(top["value_low"]) and self.question.measure != "spread"
        between = f" {format_interval(top['value_low'], top['value_high'], self.unit())}" if ends else ""
        against = f", overall {format_value(whole, self.unit())}"
        if self.question.measure in ("rate", "missing") and whole > 0:
            against = f", {format_factor(value / whole)} times the overall {format_value(whole, self.unit())}"
        return f"{self.measure()} is highest for {name}: {shown}{between}{against}"

    def subtitle(self, total: pd.Series) -> str:
        """Return what is plotted, on how many rows of which dates."""
        by = " and ".join(self.dimension_labels())
        interval = INTERVALS.get(self.question.measure, "")
        n = int(total.get("n", total.get("known", total["loans"])))
        what = f"{self.measure()}{' by ' + by if by else ''}{interval}"
        return f"{what}; {n:,} {self.rows_noun()}{self.window(', ')}{self._kept()}"

    def rows_noun(self) -> str:
        """Return what a row is: a loan, or an observation of one where there are several dates."""
        several = self.asked.keys is not None and len(self.asked.keys) > 1
        return f"observations of {self.schema.subject}s" if several else f"{self.schema.subject}s"

    def window(self, before: str = "") -> str:
        """Return the dates observed."""
        keys = self.asked.keys
        if not keys:
            return ""
        return before + (keys[0] if len(keys) == 1 else f"{keys[0]} to {keys[-1]}, {len(keys)} dates")

    def _kept(self) -> str:
        kept = [describe_filters(self.view)] if self.view.selection.where else []
        kept += [self.filter_words(place) for place in range(len(self.question.filters))]
        return f"; {'; '.join(kept)}" if kept else ""

    def filter_words(self, place: int) -> str:
        """Return a filter in words."""
        item = self.question.filters[place]
        unit, parts = self.fields.unit(item.column), []
        if item.values:
            parts.append(" or ".join(item.values))
        if item.low is not None:
            parts.append(f"from {format_value(item.low, unit)}")
        if item.high is not None:
            parts.append(f"to {format_value(item.high, unit)}")
        if item.known is not None:
            parts.append("known" if item.known else "missing")
        return f"{self.fields.label(item.column)} {' '.join(parts)}"

    def definition(self) -> str:
        """Return how the measure is computed."""
        measure, within = self.question.measure, self.schema.within
        rate = MEASURES["default_rate"].definition.replace("within the outcome window", within)
        text = {
            "rate": rate,
            "loans": "Rows observed.",
            "exposure": "Sum of the exposures observed.",
            "mean": "Mean over the rows where the field is known, each row counting once (not weighted by exposure); "
            "95 % interval by Student's t.",
            "median": "Median over the rows where the field is known (exact, interpolated). No interval.",
            "spread": "Exact quantiles: the box spans the middle half with the median, the whiskers the middle 80 %. "
            "In bars and lines: the median, with the 10 and 90 % quantiles as its ends; these are no interval.",
            "sum": "Sum over the rows where the field is known.",
            "missing": "Rows without a value as a share of all rows; Jeffreys interval.",
        }[measure]
        several = self.asked.keys is not None and len(self.asked.keys) > 1
        if several and measure in ("rate", "mean", "missing"):
            text += (
                " A loan counts at every date at which it is observed; the intervals take the rows as independent and "
                "are too narrow where dates lie less than a year apart."
            )
        return text + (
            " The group named in the title is the highest of many: some of its distance is chance. Grey or hollow: "
            "fewer than 30 rows or, for a rate, fewer than 5 events."
        )

    def look(self, total: pd.Series) -> Look:
        """Return how the answer is drawn."""
        rows = self.question.rows
        labels = self.dimension_labels()
        return Look(
            "heat map" if self.asked.chart == "pivot" else self.asked.chart,
            self.title(total),
            self.subtitle(total),
            self.measure(),
            self.unit(),
            labels[0] if rows is not None else "",
            rows is not None and rows.kind == "date",
            self.question.measure not in ("mean", "median", "spread"),
        )

    def points_look(self, frame: pd.DataFrame) -> Look:
        """Return how a cloud of points is drawn: its finding is Spearman's correlation."""
        x, y = self.fields.label(self.asked.x), self.fields.label(self.asked.y)
        total = int(frame["total"].iloc[0])
        rho = frame["x"].rank().corr(frame["y"].rank()) if len(frame) > 2 else float("nan")
        title = f"{y} against {x}"
        if pd.notna(rho):
            way = "hardly moves" if abs(rho) < 0.1 else "rises" if rho > 0 else "falls"
            title = f"{y} {way} with {x}: Spearman's correlation {rho:.2f}".replace("-", "−")
        shown = f"{len(frame):,} of {total:,}" if total > len(frame) else f"{total:,}"
        by = f", coloured by {self.dimension_labels()[-1]}" if self.question.columns else ""
        x_unit, y_unit = self.fields.unit(self.asked.x), self.fields.unit(self.asked.y)
        subtitle = f"{shown} {self.rows_noun()}{by}{self.window(', ')}{self._kept()}"
        return Look("points", title, subtitle, x_label=x, x_unit=x_unit, y_label=y, y_unit=y_unit)

    def reconcile(self, cell: pd.Series, shown: Cell) -> str:
        """Return what the cell's rows add up to, and whether that is what the chart shows."""
        parts = [f"{int(cell['loans']):,} {self.rows_noun()}"]
        if "exposure" in cell.index:
            parts.append(format_value(cell["exposure"], self.schema.currency))
        if "events" in cell.index:
            parts.append(f"{int(cell['events']):,} with {self.schema.event} of {int(cell['n']):,} with a known outcome")
        bar = self._bar(shown)
        value = format_value(cell["value"], self.unit())
        if bar is None:
            return f"{', '.join(parts)}: {self.measure()} {value}."
        same = bool(np.isclose(bar, float(cell["value"]), rtol=1e-9, atol=1e-12, equal_nan=True))
        verdict = "the same as in the chart" if same else f"the chart shows {format_value(bar, self.unit())}: tell us"
        return f"{', '.join(parts)}: {self.measure()} {value}, {verdict}."

    def _bar(self, shown: Cell) -> float | None:
        """Return the chart's value of a cell; None where a whole row or column was chosen."""
        wanted = {"row": shown.row, "column": shown.column}
        frame = self.frame
        for name in self.question.dimensions:
            if wanted[name] is None:
                return None
            frame = frame[frame[name].astype(str) == wanted[name]]
        return float(frame["value"].iloc[0]) if len(frame) == 1 else None

    def wide(self, totals: dict[str, pd.DataFrame]) -> pd.DataFrame:
        """Return the pivot table in words: rows × columns with totals, the last row and column "All"."""
        unit, labels = self.unit(), self.dimension_labels()
        if not labels:
            return pd.DataFrame({self.measure(): [format_value(totals["all"]["value"].iloc[0], unit)]})
        split = "column" in self.frame.columns and "row" in self.frame.columns
        index = "row" if "row" in self.frame.columns else "column"
        cells = self.frame.assign(column=self.frame["column"].astype(str) if split else "All")
        text = cells.assign(
            shown=[
                format_value(value, unit) + " (few)" * bool(few)
                for value, few in zip(cells["value"], cells["small"], strict=True)
            ]
        )
        wide = text.pivot(index=index, columns="column", values="shown") if split else text.set_index(index)[["shown"]]
        if split:
            order = [label for label in self.frame["column"].cat.categories if label in wide.columns]
            wide = wide[order].fillna("–")
            rows = totals["row"].set_index("row")["value"]
            wide["All"] = [format_value(rows.get(label), unit) for label in wide.index]
            bottom = totals["column"].set_index(totals["column"]["column"].astype(str))["value"]
            last = [format_value(bottom.get(label), unit) for label in order]
        else:
            wide, last = wide.set_axis([self.measure()], axis=1), []
        last.append(format_value(totals["all"]["value"].iloc[0], unit))
        wide.index = wide.index.astype(str)
        wide.loc["All"] = last
        return wide.rename_axis(labels[0]).rename_axis(None, axis=1).reset_index()


def drill_columns(fields: Fields, question: Question) -> tuple[str, ...]:
    """Return the columns of the drill-down: the loan, its date, amount and outcome, and the fields asked about."""
    dated = [OBSERVATION_DATE] if explore_data.snapshot_keys(fields.selection) else []
    asked = [*(item.column for item in question.dimensions.values()), question.of,
             *(item.column for item in question.filters)]  # fmt: skip
    names = [fields.schema.id.name, *dated, fields.exposure, fields.target, *asked]
    return tuple(dict.fromkeys(name for name in names if name))


def totals_of(question: Question) -> dict[str, Question]:
    """Return the questions whose answers are a pivot's totals: by row, by column, and of all."""
    return {"row": replace(question, columns=None), "column": replace(question, rows=None),
            "all": replace(question, rows=None, columns=None)}  # fmt: skip
