"""Compare's curves: ROC, precision and recall, CAP, KS, gains and lift, each with what it says in one sentence."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from analytics.figures.metrics import plot_roc
from analytics.figures.ranking_curves import plot_cap, plot_gains, plot_ks, plot_precision_recall
from analytics.performance import METRICS
from analytics.words import format_factor, format_interval, format_number, format_share
from pages.common import compare_data, model_data, show
from pages.common.compare_pair import bare
from pages.common.compare_words import Words

RISKIEST = 0.1
READ = {
    "ROC and CAP": "Each point is a cut-off. ROC: to the right the loans without the event that it turns away for "
    "nothing, upwards those with the event that it catches. CAP: loans in the order of their PDs, and how many of all "
    "events the riskiest hold; dashed is a ranking without error. The diagonals are a blind ranking.",
    "Precision and recall": "Where events are rare, most loans that are flagged are good. The curve says how many are "
    "not, at each share of events caught; the dotted line is the rate of all loans.",
    "KS": "How many loans of each group have at most a PD. The larger the gap, the better one cut-off parts them.",
    "Gains and lift": "Loans in ten groups by PD. Gains add the events up, lift says how much more often a group has "
    "them than all loans.",
}
Made = tuple[go.Figure, pd.DataFrame, str, str]


class CurveWords:
    """What the curves of one sample say."""

    def __init__(self, words: Words, sample: str) -> None:
        self.words, self.sample, self.selection = words, sample, words.selection
        self.event = words.schema.event
        self.names = {ref: bare(label) for ref, label in words.labels.items()}
        self.champion = next((item.ref for item in words.views if item.is_champion), None)
        found = compare_data.ranking(words.selection, sample)
        self.numbers: dict[str, dict[Any, Any]] = {row["model"]: row for row in found.to_dict("records")}
        self.rate = float(found["rate"].iloc[0])

    def labels(self, column: str, name: str) -> dict[str, str]:
        """Return each model's name in the legend, with a number of the summary."""
        return {
            ref: f"{self.words.labels[ref]}, {name} {format_number(row[column], 3)}"
            for ref, row in self.numbers.items()
        }

    def against(self, values: dict[str, float], say: Callable[[float], str]) -> tuple[str, str]:
        """Return the best model with its number, and the champion's (the next one's if it leads itself)."""
        best = max(values, key=values.__getitem__)
        others = [ref for ref in values if ref != best]
        other = self.champion if self.champion in others else max(others, key=values.__getitem__, default="")
        return best, f", {self.names[other]} {say(values[other])}" if other else ""

    def chance(self, metric: str, best: str) -> str:
        """Return a warning where the best model cannot be told from the champion, or ""."""
        if self.champion in (None, best):
            return ""
        frame = model_data.differences(self.selection, self.sample)
        row = frame[(frame["challenger"] == best) & (frame["metric"] == metric)]
        return " (may be chance)" if row["verdict"].iloc[0] == "no clear difference" else ""

    def subtitle(self, what: str) -> str:
        """Return what is plotted, on how many rows."""
        return f"{what}, {self.words.window(self.sample)}"

    def roc(self) -> Made:
        """Return figure, table, definition and formula of the ROC curve."""
        frame = model_data.roc(self.selection, self.sample)
        auc: dict[str, float] = {ref: (1 + row["accuracy_ratio"]) / 2 for ref, row in self.numbers.items()}
        best, other = self.against(auc, lambda value: format_share(value, 1))
        labels = {ref: f"{label}, AUC {auc[ref]:.3f}" for ref, label in self.words.labels.items()}
        title = (
            f"{self.names[best]} puts {format_share(auc[best], 1)} of pairs in the right order{other}"
            f"{self.chance('auc', best)}"
        )
        figure = plot_roc(frame, colours=self.words.colours, labels=labels, title=title, event=self.event,
                          subtitle=self.subtitle("ROC curve"))  # fmt: skip
        return figure, frame, METRICS["auc"].definition, "AUC = P(PD of an event > PD of a non-event) + ½ P(equal)"

    def precision_recall(self) -> Made:
        """Return figure, table, definition and formula of the precision-recall curve."""
        frame = compare_data.precision_recall(self.selection, self.sample)
        # The strictest cut-off that catches half.
        half = {ref: float(part.loc[part["recall"] >= 0.5, "precision"].iloc[0]) for ref, part in _by_model(frame)}
        best, other = self.against(half, format_share)
        title = (
            f"Of the loans that {self.names[best]} flags to catch half of all {self.event}s, "
            f"{format_share(half[best])} have one{other}"
        )
        figure = plot_precision_recall(
            frame, colours=self.words.colours, labels=self.labels("average_precision", "AP"), rate=self.rate,
            title=title, subtitle=self.subtitle(f"Precision by recall, dotted: all, {format_share(self.rate)}"),
            event=self.event,
        )  # fmt: skip
        text = (
            "Recall is the share of events flagged, precision the share of flagged loans with the event. AP, average "
            "precision, is the mean precision over the events caught, in steps (Davis and Goadrich 2006); a blind "
            "ranking has the rate of all. Precision depends on that rate: do not compare it between samples."
        )
        return figure, frame, text, "AP = Σ (recallₖ − recallₖ₋₁) · precisionₖ"

    def cap(self) -> Made:
        """Return figure, table, definition and formula of the cumulative accuracy profile."""
        frame = compare_data.cap(self.selection, self.sample)
        caught = {ref: float(np.interp(RISKIEST, part["share"], part["captured"])) for ref, part in _by_model(frame)}
        best, other = self.against(caught, format_share)
        title = (
            f"The riskiest tenth by {self.names[best]} holds {format_share(caught[best])} of all {self.event}s{other}"
        )
        figure = plot_cap(
            frame, colours=self.words.colours, labels=self.labels("accuracy_ratio", "Gini"), rate=self.rate,
            title=title, subtitle=self.subtitle("Cumulative accuracy profile"), event=self.event,
        )  # fmt: skip
        text = (
            "The accuracy ratio, the area between curve and diagonal over that of a ranking without error, equals the "
            "Gini (Engelmann, Hayden and Tasche 2003)."
        )
        return figure, frame, text, "Gini = 2 · AUC − 1"

    def ks(self) -> Made:
        """Return figure, table, definition and formula of the KS curves."""
        frame = compare_data.ks_curve(self.selection, self.sample)
        ks = {ref: row["ks"] for ref, row in self.numbers.items()}
        best, other = self.against(ks, lambda value: format_number(value, 3))
        title = (
            f"{self.names[best]} separates the two groups most: KS {ks[best]:.3f} at a PD of "
            f"{format_share(self.numbers[best]['ks_pd'])}{other}{self.chance('ks', best)}"
        )
        figure = plot_ks(frame, colours=self.words.colours, labels=self.words.labels, title=title, event=self.event,
                         subtitle=self.subtitle("Share of loans with at most each PD, by outcome"))  # fmt: skip
        return figure, frame, METRICS["ks"].definition, "KS = max |F(PD | no event) − F(PD | event)|"

    def gains(self) -> Made:
        """Return figure, table, definition and formula of gains and lift."""
        frame = compare_data.gains(self.selection, self.sample)
        top = frame[frame["group"] == 1]
        lifts: dict[str, float] = dict(zip(top["model"], top["lift"], strict=True))
        best, other = self.against(lifts, lambda value: f"{format_factor(value)} times")
        share = frame.loc[(frame["group"] == 1) & (frame["model"] == best), "share"].iloc[0]
        title = (
            f"The riskiest {format_share(share)} by {self.names[best]} have {format_factor(lifts[best])} times the "
            f"{self.event} rate of all{other}"
        )
        figure = plot_gains(frame, colours=self.words.colours, labels=self.words.labels, title=title, event=self.event,
                            subtitle=self.subtitle("Groups of about equal size by PD"))  # fmt: skip
        text = (
            "Equal PDs stay in one group, so groups may be unequal. Whiskers: Jeffreys intervals of the group's rate "
            "over the rate of all, for the effective number of loans where they repeat. Open: fewer than 30 loans or 5 "
            "events."
        )
        return figure, frame, text, "lift = rate of the group / rate of all; gains = events so far / all events"

    def table(self) -> pd.DataFrame:
        """Return the numbers of the curves, one row a model: with intervals in the Risk reading."""
        make = self._plain if self.words.view.business else self._exact
        return pd.DataFrame([{"Model": self.words.labels[ref], **make(ref)} for ref in self.numbers])

    def _plain(self, ref: str) -> dict[str, str]:
        caught = dict(_by_model(compare_data.cap(self.selection, self.sample)))[ref]
        tenth = float(np.interp(RISKIEST, caught["share"], caught["captured"]))
        return {
            "Pairs in the right order": format_share((1 + self.numbers[ref]["accuracy_ratio"]) / 2, 1),
            f"{self.event.capitalize()}s in the riskiest tenth": format_share(tenth, 0),
        }

    def _exact(self, ref: str) -> dict[str, str]:
        frame = model_data.metrics(self.selection, self.sample)
        rows = {row["metric"]: row for row in frame[frame["model"] == ref].to_dict("records")}
        cells = {
            METRICS[name].label: f"{format_number(rows[name]['estimate'], 3)} "
            + format_interval(rows[name]["low"], rows[name]["high"], digits=3)
            for name in ("auc", "gini", "ks")
        }
        own = self.numbers[ref]
        more = {"KS at PD": format_share(own["ks_pd"]), "Average precision": f"{own['average_precision']:.4f}"}
        return {**cells, **more}

    def partial(self, high: float) -> pd.DataFrame:
        """Return the partial Gini of every model up to a PD."""
        found = compare_data.partial_gini(self.selection, self.sample, high)
        shown = [
            row["reason"]
            if pd.isna(row["gini"])
            else f"{row['gini']:.3f} {format_interval(row['low'], row['high'], digits=3)}"
            for row in found.to_dict("records")
        ]
        return pd.DataFrame({
            "Model": [self.words.labels[ref] for ref in found["model"]], "Partial Gini": shown,
            "n": [f"{n:,}" for n in found["n"]], "Events": found["events"],
        })  # fmt: skip


def _by_model(frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    return [(str(name), part) for name, part in frame.groupby("model", sort=False)]


MAKE: dict[str, tuple[Callable[[CurveWords], Made], ...]] = {
    "ROC and CAP": (CurveWords.roc, CurveWords.cap),
    "Precision and recall": (CurveWords.precision_recall,),
    "KS": (CurveWords.ks,),
    "Gains and lift": (CurveWords.gains,),
}


def draw(words: Words, sample: str) -> None:
    """Draw the chosen curves of every model, how to read them, and the numbers behind them."""
    curves = CurveWords(words, sample)
    chosen = st.pills(
        "Curve", list(MAKE), default=next(iter(MAKE)), required=True, key="compare_curve", bind="query-params",
        label_visibility="collapsed", wrap=True,
    )  # fmt: skip
    makers = MAKE[chosen]
    for place, make in zip(st.columns(len(makers), gap="medium"), makers, strict=True):
        figure, table, text, formula = make(curves)
        definition = show.Definition(text, formula, window=words.window(sample), model=words.models())
        with place:
            show.figure(words.view, figure, table, definition, key=f"compare_curve_{make.__name__}", share=len(makers))
    with st.container(border=True):
        st.markdown(f"**How to read it.** {READ[chosen]}")
        st.dataframe(curves.table(), hide_index=True, key="compare_curve_numbers")
        if not words.view.business:
            _partial(curves)


def _partial(curves: CurveWords) -> None:
    level = 100 * model_data.level(curves.selection)
    subject = curves.words.schema.subject
    st.caption(f"{level:g} % intervals, clustered by {subject}; average precision has none here.")
    high = st.number_input(
        "Partial Gini: PDs up to, %", min_value=0.01, max_value=100.0, value=min(100.0, round(400 * curves.rate, 2)),
        step=0.5, key="compare_partial_high", bind="query-params", width=220,
        help="The Gini among the loans to which a model gives at most this PD: where the cut-off lies, not over the "
        "whole book (Lessmann et al. 2015). Each model's own PDs choose its loans, so they are not to be compared.",
    )  # fmt: skip
    st.dataframe(curves.partial(high / 100), hide_index=True, key="compare_partial")
