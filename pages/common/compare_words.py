"""The Compare page's tables put into words: verdicts, metric table, titles of the curves."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from analytics.performance import METRICS
from analytics.words import format_interval, format_number, format_p_value, format_share
from pages.common import model_data
from pages.common.shell import View, describe_filters

IN_TABLE = ("gini", "ks", "brier", "log_loss", "mean_pd", "default_rate", "o_e_ratio", "calibration_slope")
IN_FIGURE = ("gini", "brier", "o_e_ratio", "calibration_slope")
MEANING = {
    "development": "Development: loans and dates that models were fitted on (the champion on a part of them). "
    "Flatters every model; the other samples judge.",
    "out-of-sample": "Out-of-sample: other loans, same period. No model has seen these loans.",
    "out-of-time": "Out-of-time: dates after every training, with all outcome windows of training closed.",
}


@dataclass(frozen=True)
class Curve:
    """A curve's table, the models' labels in its legend, and its words."""

    frame: pd.DataFrame
    labels: dict[str, str]
    title: str
    subtitle: str
    definition: str


@dataclass(frozen=True)
class Estimate:
    """A metric of one model with its interval."""

    value: float
    low: float
    high: float


class Words:
    """What the Compare page says about one selection."""

    def __init__(self, view: View) -> None:
        self.view, self.schema, self.selection = view, view.schema, view.selection
        self.views = model_data.models(self.selection) if view.schema.with_role("target") else ()
        self.colours = {item.ref: item.colour for item in self.views}
        self.labels = {item.ref: item.label for item in self.views}
        self.counts = model_data.samples(self.selection) if self.views else {}
        self.samples = list(self.counts)

    def problem(self) -> tuple[str, str] | None:
        """Return why there is nothing to compare and the way on, or None."""
        name = self.selection.portfolio
        if not self.schema.with_role("target"):
            return (
                "This portfolio has no outcome: no field has the role target.",
                "Name one in schema.toml, then train.",
            )
        if not self.views:
            return (
                "No model of this portfolio has scores yet.",
                f"`python cli.py train --portfolio {name}` trains three models, "
                f"`python cli.py score --portfolio {name}` scores them.",
            )
        if not self.samples:
            return (
                f"No sample has loans both with and without {self.schema.event} for {describe_filters(self.view)}.",
                "Take a filter away, or press *Clear all filters* in the sidebar.",
            )
        return None

    def sample_label(self, sample: str) -> str:
        """Return a sample's name with its size."""
        rows, events = self.counts[sample]
        return f"{sample.capitalize()} · {rows:,} ({events:,} {self.schema.event}s)"

    def sample_meaning(self, sample: str) -> str:
        """Return what the sample is."""
        foreign = [item.label for item in self.views if item.family == "external"]
        doubt = (
            f" What {' and '.join(foreign)} was trained on is not known: its figures may flatter it." if foreign else ""
        )
        return MEANING[sample] + doubt

    def window(self, sample: str) -> str:
        """Return the sample's name and size for a definition."""
        rows, events = self.counts[sample]
        return f"{sample}, {rows:,} rows, {events:,} events"

    def models(self) -> str:
        """Return the model versions with the start of their cards' SHA-256."""
        return ", ".join(f"{item.ref} ({item.sha256[:10]}…)" for item in self.views)

    def verdicts(self, sample: str) -> list[str]:
        """Return one sentence a challenger: ranking first, then calibration."""
        champion = next((item for item in self.views if item.is_champion), None)
        if champion is None:
            return [f"The champion has no scores yet: `python cli.py score --portfolio {self.selection.portfolio}`."]
        if len(self.views) < 2:
            return [f"Only {self.views[0].label} has scores; a comparison needs two."]
        levels = self._estimates(sample, "o_e_ratio")
        own = f"{_bare(champion.label)}, the champion: {self._level(levels[champion.ref])}."
        others = [item for item in self.views if item.ref != champion.ref]
        return [own, *(self._verdict(sample, item, champion, levels[item.ref]) for item in others)]

    def _estimates(self, sample: str, metric: str) -> dict[str, Estimate]:
        """Return a metric of every model on a sample."""
        frame = model_data.metrics(self.selection, sample)
        rows = frame[frame["metric"] == metric][["model", "estimate", "low", "high"]].to_numpy()
        return {ref: Estimate(*map(float, numbers)) for ref, *numbers in rows}

    def _level(self, ratio: Estimate) -> str:
        """Return whether the PDs fit the outcomes, with the ratio in the Risk reading."""
        level = "its PDs fit the outcomes"
        if ratio.low > 1:
            level = "its PDs are too low"
        elif ratio.high < 1:
            level = "its PDs are too high"
        if self.view.business:
            return level
        return f"{level} (observed/expected {ratio.value:.2f} {format_interval(ratio.low, ratio.high, digits=2)})"

    def _verdict(self, sample: str, item: model_data.ModelView, champion: model_data.ModelView, level: Estimate) -> str:
        frame = model_data.differences(self.selection, sample)
        gini = frame[(frame["challenger"] == item.ref) & (frame["metric"] == "gini")].to_dict("records")[0]
        words = {"better": "ranks better than", "worse": "ranks worse than"}
        ranks = words.get(gini["verdict"], "cannot be told apart in ranking from")
        said = f"{item.label} {ranks} the {_bare(champion.label).lower()}"
        if self.view.business:
            return f"{said}; {self._level(level)}."
        detail = f"Gini {gini['difference']:+.3f} {format_interval(gini['low'], gini['high'], digits=3)}"
        return f"{said}: {detail}, {format_p_value(gini['p_value'])}; {self._level(level)}."

    def all_metrics(self) -> pd.DataFrame:
        """Return every metric of every model and sample."""
        return pd.concat([model_data.metrics(self.selection, sample) for sample in self.samples], ignore_index=True)

    def shown_metrics(self) -> list[str]:
        """Return the metrics of the dot-and-whisker figure."""
        return list(IN_FIGURE)

    def metrics_heading(self) -> str:
        """Return the heading of the metric table."""
        return self.view.word(
            "How well each model ranks and how well its PDs fit",
            "Metrics with 95 % intervals, clustered by " + self.schema.subject,
        )

    def metrics_table(self) -> pd.DataFrame:
        """Return one row a metric and sample, one column a model, as text with intervals."""
        frame = self.all_metrics()
        frame = frame[frame["metric"].isin(IN_TABLE)]
        frame = frame.assign(
            text=[_cell(row) for row in frame.itertuples()], Metric=[METRICS[name].label for name in frame["metric"]]
        )
        table = frame.pivot(index=["metric", "Metric", "sample"], columns="model", values="text").reset_index()
        order = {name: place for place, name in enumerate(IN_TABLE)}
        table = table.sort_values(
            ["metric", "sample"],
            key=lambda column: column.map(
                order if column.name == "metric" else {name: place for place, name in enumerate(self.samples)}
            ),
        )
        table = table.rename(columns={**self.labels, "sample": "Sample"})
        better = {"higher": "higher is better", "lower": "lower is better", "closer": "closer to ideal", "": ""}
        table["Reads"] = [better[METRICS[name].better] for name in table["metric"]]
        return table[["Metric", "Sample", *(item.label for item in self.views), "Reads"]]

    def metrics_columns(self) -> dict[str, Any]:
        """Return how the table's columns are drawn."""
        wide = {item.label: st.column_config.TextColumn(width=160) for item in self.views}
        return {
            "Metric": st.column_config.TextColumn(width=125),
            "Sample": st.column_config.TextColumn(width=105),
            **wide,
        }

    def metrics_definition(self) -> str:
        """Return what each metric is and how its interval is made."""
        lines = [f"- **{METRICS[name].label}**: {METRICS[name].definition}" for name in IN_TABLE]
        return (
            "95 % intervals from influence functions, summed by "
            + self.schema.subject
            + f" because several snapshots of one {self.schema.subject} are not independent (Obuchowski 1997). "
            "Differences are paired: both models on the same rows.\n\n" + "\n".join(lines)
        )

    def spread_title(self, sample: str) -> str:
        """Return who leads on ranking, as the figure's finding."""
        gini = {ref: found.value for ref, found in self._estimates(sample, "gini").items()}
        best = max(gini, key=gini.__getitem__)
        return f"{self.labels[best]} has the highest Gini {sample}, {gini[best]:.3f}"

    def spread_subtitle(self) -> str:
        """Return what the dots and whiskers are."""
        shown = describe_filters(self.view)
        return f"Estimates with 95 % intervals by sample, clustered by {self.schema.subject}; {shown}"

    def roc(self, sample: str) -> Curve:
        """Return the ROC curves with each model's AUC in the legend."""
        auc = {ref: found.value for ref, found in self._estimates(sample, "auc").items()}
        labels = {ref: f"{label}, AUC {auc[ref]:.3f}" for ref, label in self.labels.items()}
        best = max(auc, key=auc.__getitem__)
        return Curve(
            model_data.roc(self.selection, sample),
            labels,
            f"{self.labels[best]} puts {format_share(auc[best], 0)} of pairs in the right order",
            f"ROC curve, {self.window(sample)}",
            METRICS["auc"].definition,
        )

    def calibration(self, sample: str) -> Curve:
        """Return observed rates by bin of PD."""
        ratios = {ref: found.value for ref, found in self._estimates(sample, "o_e_ratio").items()}
        worst = max(ratios, key=lambda ref: abs(ratios[ref] - 1))
        side = "more" if ratios[worst] > 1 else "fewer"
        title = (
            f"{self.labels[worst]} misses the level most: {format_share(abs(ratios[worst] - 1), 0)} {side} "
            f"{self.schema.event}s than it expects"
        )
        return Curve(
            model_data.calibration(self.selection, sample),
            self.labels,
            title,
            f"Observed rate against mean PD in bins of equal size, {self.window(sample)}",
            "Loans are sorted by PD and cut into bins of about equal size, equal PDs together. A well calibrated "
            "model lies on the diagonal. Intervals: Jeffreys, widened for several snapshots of one loan.",
        )

    def distribution(self, sample: str) -> Curve:
        """Return the PDs' distributions by outcome."""
        ks = {ref: found.value for ref, found in self._estimates(sample, "ks").items()}
        best = max(ks, key=ks.__getitem__)
        return Curve(
            model_data.distribution(self.selection, sample),
            self.labels,
            f"{self.labels[best]} separates the two groups most, KS {ks[best]:.2f}",
            f"Share of loans by PD, with and without {self.schema.event}, {self.window(sample)}",
            "Histogram of the PDs on a log-odds axis, each outcome adding up to 100 %. The further apart the two "
            "shapes, the better the model tells the groups apart. " + METRICS["ks"].definition,
        )


def _bare(label: str) -> str:
    """Return a model's label without the mark of the champion."""
    return label.replace(" (champion)", "")


def _cell(row: Any) -> str:
    metric = METRICS[row.metric]
    if pd.isna(row.estimate):
        return "not defined"
    if metric.unit == "share":
        return f"{format_share(row.estimate, 2)} {format_interval(row.low, row.high, 'share', 2)}"
    digits = 4 if row.metric in ("brier", "log_loss") else 3
    return f"{format_number(row.estimate, digits)} {format_interval(row.low, row.high, digits=digits)}"
