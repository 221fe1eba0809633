"""Two cohorts and the years, in words: why A's PDs differ from B's, and which driver moved most."""

from dataclasses import dataclass

import pandas as pd

from analytics.driver_gap import Gap, list_gap_rows
from analytics.driver_time import Move, find_moves, select_top
from analytics.figures.template import CATEGORICAL
from analytics.odds import to_factor
from analytics.proportions import SMALL_N
from analytics.words import format_factor, format_interval, format_list, format_number, format_points, format_share
from pages.common import explain_cohorts_data
from pages.common.explain_cohorts_data import Cohort
from pages.common.explain_drivers_words import CAUTION, UNIT
from pages.common.explain_groups import GROUPS, grouping
from pages.common.explain_words import Words
from pages.common.shell import plain
from portfolio.workspace import UNDATED

TOP = 10
POINTS, LOG_ODDS = "points", "log_odds"
UNITS = {POINTS: "PD points", LOG_ODDS: "Log-odds"}
COURSES = {"share": "Share of total", "mean": "Mean effect"}
TEXTS = {
    LOG_ODDS: "Every loan's log-odds are the base, the same for all, and one attribution a feature. So the difference "
    "of two cohorts' mean log-odds is exactly the sum of the differences of the features' mean attributions.",
    POINTS: "A loan's attributions of the log-odds are scaled by one factor so that they add up to its PD less the PD "
    "at the background's mean log-odds. So the difference of two cohorts' mean PDs is exactly the sum of the "
    "differences of the features' mean scaled attributions. These are not the Shapley values of the PD itself.",
}
FORMULAS = {
    LOG_ODDS: "mean(z | A) − mean(z | B) = Σ_f [mean(φ_f | A) − mean(φ_f | B)]",
    POINTS: "mean(PD | A) − mean(PD | B) = Σ_f [mean(w φ_f | A) − mean(w φ_f | B)],  w = (σ(z) − σ(b)) / (z − b)",
}


@dataclass(frozen=True)
class Difference:
    """Why two cohorts differ, and the figure's words."""

    rows: pd.DataFrame
    table: pd.DataFrame
    models: pd.DataFrame
    points: bool
    title: str
    subtitle: str
    definition: str
    formula: str


@dataclass(frozen=True)
class Course:
    """A model's drivers through time, and the figure's words."""

    frame: pd.DataFrame
    features: list[str]
    strong: str
    table: pd.DataFrame
    title: str
    subtitle: str
    definition: str
    formula: str
    window: str


class CohortWords(Words):
    """What the Cohorts and time section says."""

    def field_label(self, name: str) -> str:
        """Return a field's label; protected fields are marked."""
        item = self.schema.get(name)
        return item.label + (" ◆" if "protected" in item.roles else "")

    def describe(self, cohort: Cohort) -> str:
        """Return what a cohort is called."""
        if cohort.rest:
            return "everyone else"
        parts = []
        for name, values in cohort.where:
            more = f" and {len(values) - 3} more" if values[3:] else ""
            parts.append(f"{self.schema.get(name).label} {' or '.join(values[:3])}{more}")
        return ", ".join(parts)

    def gap(self, ref: str, by: str, a: Cohort, b: Cohort, unit: str) -> Difference:
        """Return A against B by one model, and in short by all; ValueError where a cohort is empty."""
        groups, points = grouping(self.schema, by), unit == POINTS
        found = {
            name: explain_cohorts_data.gap(self.selection, name, self.key, a, b, groups, points=points)
            for name in self.labels
        }
        own = found[ref]
        both = f", {own.n[2]:,} in both" if own.n[2] else ""
        return Difference(
            list_gap_rows(own, TOP),
            self._table(found, unit),
            self._models(found, points),
            points,
            self._finding(own, self.describe(a), self.describe(b), points),
            f"{self.labels[ref]}: A ({self.describe(a)}, {own.n[0]:,}) against B ({self.describe(b)}, {own.n[1]:,}) "
            f"{self.schema.subject}s{both}, {self.when()}",
            f"{TEXTS[unit]} Whiskers are Welch's 95 % intervals, each {self.schema.subject} one row; that of the "
            f"others together is not drawn. A cohort of fewer than {SMALL_N} is grey." + CAUTION,
            FORMULAS[unit],
        )

    def _finding(self, gap: Gap, a: str, b: str, points: bool) -> str:
        total = gap.total
        if total["small"]:
            return f"One cohort has fewer than {SMALL_N} {self.schema.subject}s: too few to judge"
        size = float(total["difference"])
        if total["low"] <= 0 <= total["high"]:
            return f"The PDs of {a} and {b} differ by no more than chance"
        same = gap.features[(gap.features["difference"] > 0) == (size > 0)]
        top = same.iloc[0]
        part = f"{self.feature_name(top['feature'])} ({self._size(float(top['difference']), points)})"
        return f"{a} against {b}: {self._far(size, gap, points)}, most through {part}"

    def _far(self, size: float, gap: Gap, points: bool) -> str:
        """Return how far A is from B, in the reading's words."""
        if points:
            mean_a, mean_b = (format_share(float(gap.total[name])) for name in ("mean_a", "mean_b"))
            return f"PD {mean_a} instead of {mean_b}"
        if self.view.business:
            return f"the odds are typically {format_factor(to_factor(size))} times as high"
        return f"{self._size(size, points)} log-odds"

    def _size(self, value: float, points: bool) -> str:
        if points:
            return format_points(value).replace(" pp", UNIT)
        return f"{'+' if value > 0 else ''}{format_number(value)}"

    def _table(self, found: dict[str, Gap], unit: str) -> pd.DataFrame:
        """Return every model's features as rows, in log-odds or PD as a fraction."""
        parts = [
            gap.features.assign(
                model=ref, label=gap.features["feature"].map(self.feature_name), n_a=gap.n[0], n_b=gap.n[1]
            )
            for ref, gap in found.items()
        ]
        frame = pd.concat(parts, ignore_index=True).assign(unit="PD, fraction" if unit == POINTS else "log-odds")
        columns = ["model", "feature", "label", "difference", "low", "high", "mean_a", "mean_b", "n_a", "n_b", "small"]
        return frame[[*columns, "unit"]]

    def _models(self, found: dict[str, Gap], points: bool) -> pd.DataFrame:
        """Return one row a model: the means, their difference, and what makes most of it."""
        rows = []
        for ref, gap in found.items():
            total, head = gap.total, gap.features.iloc[:2]
            says = format_share if points else format_number
            made = [f"{self.feature_name(name)} {self._size(size, points)}" for name, size in
                    zip(head["feature"], head["difference"], strict=True) if size]  # fmt: skip
            low, high = (100 * float(total[end]) if points else float(total[end]) for end in ("low", "high"))
            rows.append(
                {
                    "Model": self.labels[ref],
                    f"Mean {'PD' if points else 'log-odds'}, A": says(float(total["mean_a"])),
                    "B": says(float(total["mean_b"])),
                    "Difference": self._size(float(total["difference"]), points),
                    "95 % interval": format_interval(low, high, "pp" if points else ""),
                    "Made most by": format_list(made),
                }
            )
        return pd.DataFrame(rows)

    def without_course(self, ref: str) -> str:
        """Return as Markdown why there is no course through time, "" where there is."""
        keys = explain_cohorts_data.course_keys(self.selection, ref)
        if keys == [UNDATED]:
            return "This portfolio has no dates, so its drivers cannot be followed through time."
        if len(keys) < 2:
            return (
                f"Only the snapshot {self.key} is explained by {plain(self.labels[ref])}: "
                f"`python cli.py score --portfolio {self.selection.portfolio} --explain yearly` explains one a year, "
                "`--explain all` every one."
            )
        return ""

    def course(self, ref: str, by: str, measure: str) -> Course:
        """Return a model's drivers over all dates it has explained, a measure of COURSES."""
        frame = explain_cohorts_data.course(self.selection, ref, grouping(self.schema, by))
        features = select_top(frame, measure, len(CATEGORICAL))
        moves = [move for move in find_moves(frame, measure) if move.feature in features]
        dates = pd.to_datetime(frame["date"])
        first, last = (f"{day:%Y-%m-%d}" for day in (dates.min(), dates.max()))
        days = frame.groupby("date")["n"].first()
        few = int(days.min())
        return Course(
            frame,
            features,
            moves[0].feature if moves else "",
            frame.assign(label=frame["feature"].map(self.feature_name)),
            self._moved(moves, measure, first),
            f"{self.labels[ref]}, {len(days)} snapshots from {first} to {last}, {few:,} to {int(days.max()):,} "
            f"{self.schema.subject}s each{', groups of fields' if by == GROUPS else ''}"
            + (f"; some have fewer than {SMALL_N}" if few < SMALL_N else ""),
            "The mean size of a feature's attributions at each explained snapshot, as a share of all features'; or its "
            "mean effect with its sign. One model version and one background explain every date, so what moves is the "
            "book. The mean effects of two dates differ, in all, by as much as the mean log-odds. Drawn are the "
            "features that matter or moved most." + CAUTION,
            "mean_t |φ_f| / Σ_g mean_t |φ_g|" if measure == "share" else "mean_t φ_f",
            f"{first} to {last}",
        )

    def _moved(self, moves: list[Move], measure: str, first: str) -> str:
        if not moves or pd.isna(moves[0].change) or not moves[0].change:
            return f"No driver moved since {first}"
        move = moves[0]
        name = self.feature_name(move.feature)
        if measure == "share":
            word = "grew" if move.change > 0 else "shrank"
            return f"{name} {word} most: from {format_share(move.first)} to {format_share(move.last)} of the total"
        word = "raises" if move.change > 0 else "lowers"
        if self.view.business:
            factor = format_factor(to_factor(abs(move.change)))
            verb = "multiplied" if move.change > 0 else "divided"
            return f"{name} moved the PDs most since {first}: on average it {verb} the odds by {factor}"
        return f"{name} {word} the mean log-odds by {format_number(abs(move.change))} more than at {first}"
