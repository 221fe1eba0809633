"""Compare's metrics put into words: the tables of metrics and differences, titles and definitions."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from analytics.performance import METRICS
from analytics.proportions import SMALL_EVENTS, SMALL_N
from analytics.verdict import format_change, metric_digits
from analytics.words import format_interval, format_list, format_number, format_p_value, format_share
from pages.common import compare_metric_data, model_data
from pages.common.compare_metric_data import CLUSTERED, DRAWN, PLAIN, Drawn
from pages.common.compare_words import Words
from pages.common.shell import describe_filters

IN_TABLE = ("gini", "ks", "brier", "log_loss", "mean_pd", "default_rate", "o_e_ratio", "calibration_slope")
IN_FIGURE = ("gini", "brier", "o_e_ratio", "calibration_slope")
DIFFERENCES = ("gini", "ks", "brier", "log_loss", "o_e_ratio", "calibration_slope")
IN_DIFFERENCES = ("gini", "ks", "brier", "log_loss")
READS = {"higher": "higher is better", "lower": "lower is better", "closer": "closer to ideal", "": ""}
FEW = f"fewer than {SMALL_EVENTS} events or {SMALL_N} rows: too few for a claim"
PAIRED = (
    "Challenger − champion on the same rows, so that what is hard for both cancels. p: two-sided, for no difference, "
    "not adjusted for the number of metrics and samples; the verdict above rests on the primary metric alone. "
    "Observed / expected and the slope have no verdict here: not larger or smaller is better, but closer to 1."
)
METHODS = (
    "**Rows independent**: every row counts as a loan of its own; for the AUC this is the test of DeLong, DeLong and "
    "Clarke-Pearson (1988). **Clustered by loan**: a loan's rows count together (Obuchowski 1997); all other intervals "
    "of this page are made so, from influence functions. **Bootstrap of loans**: {resamples} resamples draw whole "
    "loans with replacement, those with an event and those without apart, every model measured on the same resamples; "
    "percentile intervals. The bootstrap estimates the same variance as the clustered formula and should agree with it "
    "within a few per cent; it differs where events are few or a metric is skewed. KS is biased upwards in any sample, "
    "in resamples twice. Where loans are seen more than once, the first method is too sure."
)


class MetricWords:
    """What the metrics of every sample say."""

    def __init__(self, words: Words, sample: str) -> None:
        self.words, self.sample, self.view, self.selection = words, sample, words.view, words.selection
        self.champion = next((item for item in words.views if item.is_champion), None)
        self.level = f"{format_number(100 * model_data.level(self.selection))} %"

    @property
    def comparable(self) -> bool:
        """Whether there is a champion and a challenger."""
        return self.champion is not None and len(self.words.views) > 1

    def all_metrics(self) -> pd.DataFrame:
        """Return every metric of every model and sample."""
        tables = [model_data.metrics(self.selection, sample) for sample in self.words.samples]
        return pd.concat(tables, ignore_index=True)

    def heading(self) -> str:
        """Return the heading of the metric table."""
        exact = f"Metrics with {self.level} intervals, clustered by {self.words.schema.subject}"
        return self.view.word("How well each model ranks and how well its PDs fit", exact)

    def table(self) -> pd.DataFrame:
        """Return one row a metric and sample, one column a model, as text with intervals."""
        frame = self.all_metrics()
        frame = frame[frame["metric"].isin(IN_TABLE)]
        frame = frame.assign(
            text=[_cell(row) for row in frame.itertuples()], Metric=[METRICS[name].label for name in frame["metric"]]
        )
        table = frame.pivot(index=["metric", "Metric", "sample"], columns="model", values="text").reset_index()
        order = {name: place for place, name in enumerate((*IN_TABLE, *self.words.samples))}
        table = table.sort_values(["metric", "sample"], key=lambda column: column.map(order))
        table = table.rename(columns={**self.words.labels, "sample": "Sample"})
        table["Reads"] = [READS[METRICS[name].better] for name in table["metric"]]
        return table[["Metric", "Sample", *(item.label for item in self.words.views), "Reads"]]

    def columns(self) -> dict[str, Any]:
        """Return how the table's columns are drawn."""
        wide = {item.label: st.column_config.TextColumn(width=160) for item in self.words.views}
        p = {f"p, {item.label}": st.column_config.TextColumn(width=110) for item in self.words.views}
        narrow = {
            "Metric": st.column_config.TextColumn(width=130),
            "Sample": st.column_config.TextColumn(width=105),
        }
        return {**narrow, **wide, **p}

    def definition(self) -> str:
        """Return what each metric is and how its interval is made."""
        lines = [f"- **{METRICS[name].label}**: {METRICS[name].definition}" for name in IN_TABLE]
        subject = self.words.schema.subject
        return (
            f"{self.level} intervals from influence functions, summed by {subject} because several snapshots of one "
            f"{subject} are not independent (Obuchowski 1997). Differences are paired: both models on the same rows."
            "\n\n" + "\n".join(lines)
        )

    def spread_title(self) -> str:
        """Return who leads on ranking, as the figure's finding."""
        gini = {ref: found.value for ref, found in self.words.estimates(self.sample, "gini").items()}
        best = max(gini, key=gini.__getitem__)
        return f"{self.words.labels[best]} has the highest Gini {self.sample}, {gini[best]:.3f}"

    def spread_subtitle(self) -> str:
        """Return what the dots and whiskers are."""
        shown = describe_filters(self.view)
        return f"Estimates with {self.level} intervals by sample, clustered by {self.words.schema.subject}; {shown}"

    def differences(self) -> pd.DataFrame:
        """Return every challenger's difference by metric and sample; interval, p and verdict blank where too few."""
        tables = [model_data.differences(self.selection, name).assign(sample=name) for name in self.words.samples]
        frame = pd.concat(tables, ignore_index=True)
        frame = frame[frame["metric"].isin(DIFFERENCES)]
        few = (frame["n"] < SMALL_N) | (np.minimum(frame["events"], frame["n"] - frame["events"]) < SMALL_EVENTS)
        known = np.isfinite(frame["low"]) & ~few
        frame = frame.assign(
            reason=np.where(few, FEW, np.where(known, "", "no interval: a variance needs more loans")),
            verdict=frame["verdict"].where(known, ""),
        )
        blanks = {name: frame[name].where(known) for name in ("low", "high", "p_value", "standard_error", "z")}
        return frame.assign(**blanks)

    def differences_table(self) -> pd.DataFrame:
        """Return one row a metric and sample, two columns a challenger: the difference with its interval, and p."""
        frame = self.differences()
        table = pd.DataFrame(
            {"Metric": METRICS[name].label, "Sample": sample} for name in DIFFERENCES for sample in self.words.samples
        )
        places = [(name, sample) for name in DIFFERENCES for sample in self.words.samples]
        for ref, rows in frame.groupby("challenger", sort=False):
            found = {(row["metric"], row["sample"]): row for row in rows.to_dict("records")}
            label = self.words.labels[str(ref)]
            table[label] = [_difference(found[place]) for place in places]
            table[f"p, {label}"] = [_read(found[place]) for place in places]
        return table

    def differences_heading(self) -> str:
        """Return the heading of the table of differences."""
        champion = "" if self.champion is None else self.champion.label
        exact = f"Differences from {champion}: paired, {self.level} intervals, p-values"
        return self.view.word("How much each challenger differs from the champion, on the same loans", exact)

    def differences_title(self) -> str:
        """Return in how many of the compared metrics each challenger is clearly better on the chosen sample."""
        frame = self.differences()
        frame = frame[(frame["sample"] == self.sample) & frame["metric"].isin(IN_DIFFERENCES)]
        said: dict[str, list[str]] = {}
        for ref, rows in frame.groupby("challenger", sort=False):
            found = [f"{name} on {count}" for name in ("better", "worse") if (count := (rows["verdict"] == name).sum())]
            said.setdefault(format_list(found), []).append(self.words.labels[str(ref)])
        parts = [
            f"{format_list(names)} {'is' if len(names) == 1 else 'are'} clearly {found} of {len(IN_DIFFERENCES)} "
            "metrics"
            for found, names in said.items()
            if found
        ]
        none = f"no challenger differs clearly on any of {len(IN_DIFFERENCES)} metrics"
        return f"{self.sample.capitalize()}: {'; '.join(parts) or none}"

    def differences_subtitle(self) -> str:
        """Return what is plotted."""
        champion = "" if self.champion is None else self.champion.label
        return f"Challenger − {champion} by sample, {self.level} intervals; {describe_filters(self.view)}"

    def methods(self, drawn: Drawn | None) -> pd.DataFrame:
        """Return the chosen sample's differences by method, with its size."""
        rows, events = self.words.counts[self.sample]
        return compare_metric_data.methods(self.selection, self.sample, drawn).assign(n=rows, events=events)

    def methods_table(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the methods with readable columns."""
        shown = {
            "Challenger": frame["challenger"].map(self.words.labels),
            "Metric": [METRICS[name].label for name in frame["metric"]],
            "Method": frame["method"],
            "Difference": frame["difference"],
            "Standard error": frame["standard_error"],
            "Low": frame["low"],
            "High": frame["high"],
            "p": frame["p_value"],
            "Note": frame["reason"],
        }
        return pd.DataFrame(shown)

    def methods_title(self, frame: pd.DataFrame) -> str:
        """Return whether the methods come to the same answer on the AUC."""
        auc = frame[frame["metric"] == "auc"].set_index("method")
        count = auc.index.nunique()
        split = [
            self.words.labels[str(ref)]
            for ref, rows in auc.groupby("challenger", sort=False)
            if len({_side(low, high) for low, high in zip(rows["low"], rows["high"], strict=True)}) > 1
        ]
        if split:
            return f"The methods disagree on the AUC of {format_list(split)}"
        errors = auc.groupby(level=0)["standard_error"].first()
        wider = errors.get(CLUSTERED, np.nan) / errors.get(PLAIN, np.nan) - 1
        tail = ""
        if np.isfinite(wider) and abs(wider) >= 0.01:
            sure = f"{format_share(abs(wider), 0)} {'less' if wider > 0 else 'more'} sure"
            tail = f"; loans seen more than once make it {sure}"
        return f"{'Both' if count == 2 else 'All three'} methods come to the same answer on the AUC{tail}"

    def methods_subtitle(self, drawn: Drawn | None) -> str:
        """Return what is plotted, on how many loans."""
        loans = "" if drawn is None else f" of {drawn.loans:,} {self.words.schema.subject}s"
        return f"Challenger − champion with {self.level} intervals, {self.words.window(self.sample)}{loans}"

    def methods_order(self, frame: pd.DataFrame) -> list[str]:
        """Return the methods that were run."""
        return [name for name in (PLAIN, CLUSTERED, DRAWN) if name in set(frame["method"])]


def _side(low: float, high: float) -> str:
    if not (np.isfinite(low) and np.isfinite(high)):
        return "not known"
    return "above" if low > 0 else "below" if high < 0 else "both"


def _difference(row: Mapping[Hashable, Any]) -> str:
    digits = metric_digits(row["metric"])
    change = format_change(row["difference"], digits) if np.isfinite(row["difference"]) else "not defined"
    return change if row["reason"] else f"{change} {format_interval(row['low'], row['high'], digits=digits)}"


def _read(row: Mapping[Hashable, Any]) -> str:
    """Return p and the verdict of a difference, or why there is none."""
    if row["reason"]:
        return str(row["reason"])
    p = format_p_value(row["p_value"]).removeprefix("p = ").removeprefix("p ")
    return f"{p} · {row['verdict']}" if row["verdict"] in ("better", "worse") else p


def _cell(row: Any) -> str:
    metric = METRICS[row.metric]
    if pd.isna(row.estimate):
        return "not defined"
    if metric.unit == "share":
        return f"{format_share(row.estimate, 2)} {format_interval(row.low, row.high, 'share', 2)}"
    digits = metric_digits(row.metric)
    return f"{format_number(row.estimate, digits)} {format_interval(row.low, row.high, digits=digits)}"
