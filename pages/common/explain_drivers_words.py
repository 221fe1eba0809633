"""What drives the models, in words: importance over the book on three scales, and each feature's direction."""

import math
from dataclasses import dataclass

import pandas as pd

from analytics.driver_swarm import find_category, find_direction
from analytics.figures.drivers import LOG_ODDS, POINTS, SHARE
from analytics.odds import to_factor
from analytics.words import format_factor, format_list, format_number, format_points
from pages.common import explain_drivers_data
from pages.common.explain_groups import GROUPS, grouping
from pages.common.explain_words import Words

TOP = 12
NOTHING = "No feature matters: every PD is the same"
UNIT = "\u00a0pp"  # stays with its number where a title is broken
CLEAR = 0.3  # a rank correlation from which "high values raise it" is fair
SCALES = {SHARE: "Share of total", LOG_ODDS: "Log-odds", POINTS: "PD points"}
CAUTION = "\n\nAn attribution says what moved the model, not what causes the event."
SHAPLEY = (
    "Attributions are interventional Shapley values of the log-odds against one recorded background of development "
    "loans, the same for every model."
)
TEXTS = {
    SHARE: f"Mean size of a feature's attribution over all explained loans, as a share of the model's total. {SHAPLEY}",
    LOG_ODDS: f"Mean size of a feature's attribution over all explained loans, in log-odds. {SHAPLEY} Models that "
    "spread their PDs further have longer bars.",
    POINTS: "Mean size of a feature's attribution over all explained loans, in percentage points of PD. A loan's "
    "attributions of the log-odds are scaled by one factor, so that with their signs they add up to its PD less the "
    "PD at the background's mean log-odds. They are not the Shapley values of the PD itself. Mean sizes have lost "
    f"their signs: the bars do not add up to a PD. {SHAPLEY}",
}
FORMULAS = {
    SHARE: "mean |φ_f| / Σ_g mean |φ_g|",
    LOG_ODDS: "mean |φ_f|",
    POINTS: "mean |φ_f · (σ(z) − σ(b)) / (z − b)|,  z log-odds, b base, σ(x) = 1 / (1 + exp(−x))",
}


@dataclass(frozen=True)
class Ranking:
    """Importance by model and feature, and the figure's words."""

    frame: pd.DataFrame
    features: list[str]
    table: pd.DataFrame
    title: str
    subtitle: str
    definition: str
    formula: str


@dataclass(frozen=True)
class Swarm:
    """A model's beeswarm and the figure's words."""

    frame: pd.DataFrame
    features: list[str]
    table: pd.DataFrame
    title: str
    subtitle: str
    definition: str


class DriverWords(Words):
    """What the Drivers section says."""

    def ranking(self, scale: str, by: str) -> Ranking:
        """Return the features, or groups, that matter most in any model, on a scale of SCALES."""
        groups = grouping(self.schema, by)
        frame = explain_drivers_data.importance(
            self.selection, tuple(self.labels), self.key, groups, points=scale == POINTS
        )
        column = "share" if scale == SHARE else "importance"
        features = _order(frame, column)
        unit = {SHARE: "share", LOG_ODDS: "log-odds", POINTS: "PD, fraction"}[scale]
        return Ranking(
            frame,
            features,
            frame.assign(label=frame["feature"].map(self.feature_name), unit=unit),
            self._finding(frame, features, scale),
            f"{SCALES[scale]}{', groups of fields' if by == GROUPS else ''}, {self._counts(frame)}, {self.when()}",
            TEXTS[scale] + (" Fields of a group are added up loan by loan first." if by == GROUPS else "") + CAUTION,
            FORMULAS[scale],
        )

    def _finding(self, frame: pd.DataFrame, features: list[str], scale: str) -> str:
        """Return what matters most, for which models, and how much where the scale says so."""
        if not frame["importance"].any():
            return NOTHING
        tops = frame.sort_values("importance", ascending=False).groupby("model", sort=False).first()
        counts = tops["feature"].value_counts()
        if len(tops) > 1 and counts.max() == 1:
            each = [
                f"{self.feature_name(str(tops.loc[ref, 'feature']))} for {label}" for ref, label in self.labels.items()
            ]
            return f"What matters most differs by model: {format_list(each)}"
        first = min(counts.index[counts == counts.max()], key=features.index)
        name, own = self.feature_name(first), tops[tops["feature"] == first]
        who = [label for ref, label in self.labels.items() if ref in own.index]
        whom = "all models" if len(who) == len(tops) > 1 else format_list(who)
        if scale == SHARE:
            return f"{name} matters most for {whom}"
        sizes = [float(own["importance"].min()), float(own["importance"].max())]
        if scale == POINTS:
            low, high = (format_points(value).removeprefix("+").replace(" pp", UNIT) for value in sizes)
            return f"{name} moves the PD most for {whom}, by {_range(low, high)} on average"
        if self.view.business:
            low, high = (format_factor(to_factor(value)) for value in sizes)
            return f"{name} moves the odds most for {whom}, {_range(low, high)} times up or down on average"
        low, high = (format_number(value) for value in sizes)
        return f"{name} moves the log-odds most for {whom}, by {_range(low, high)} on average"

    def _counts(self, frame: pd.DataFrame) -> str:
        counts = {self.labels[str(ref)]: int(n) for ref, n in frame.groupby("model")["n"].first().items()}
        if len(set(counts.values())) == 1:
            return f"{next(iter(counts.values())):,} {self.schema.subject}s"
        return f"{format_list([f'{n:,} ({name})' for name, n in counts.items()])} {self.schema.subject}s"

    def swarm(self, ref: str) -> Swarm:
        """Return the dots of a model's most important features, and in which direction the first one works."""
        features = self.features(ref)[:TOP]
        frame = explain_drivers_data.swarm(self.selection, ref, self.key, tuple(features))
        drawn = len(frame) // max(len(features), 1)
        table = frame[["feature", "phi", "value", "word"]].assign(
            label=frame["feature"].map(self.feature_labels.__getitem__)
        )
        return Swarm(
            frame,
            features,
            table,
            self._direction(frame, features),
            f"{self.labels[ref]}: a dot is one of {drawn:,} sampled {self.schema.subject}s, right raises its PD; "
            f"colour: the feature's value, {self.when()}",
            "Each row is a feature, each dot a loan of a sample drawn by a hash of its id, the same at every visit. "
            "Across: what the feature's value adds to the loan's log-odds. Colour: the value's rank in the sample, low "
            "to high; categories have no order and missing values no rank. Where many loans have the same effect the "
            "row is thicker: dots are stacked, not scattered at random." + CAUTION,
        )

    def _direction(self, frame: pd.DataFrame, features: list[str]) -> str:
        """Return how the most important feature works, read from the dots."""
        first = features[0]
        name = self.feature_labels[first]
        if not frame["phi"].any():
            return NOTHING
        if not frame.loc[frame["feature"] == first, "is_number"].iloc[0]:
            found = find_category(frame, first)
            return f"{name}: {found} raises the PD most" if found else f"{name} matters most"
        slope = find_direction(frame, first)
        if math.isnan(slope) or abs(slope) < CLEAR:
            return f"{name} matters most, and neither high nor low values alone raise the PD"
        high, low = ("raise", "lower") if slope > 0 else ("lower", "raise")
        return f"{name} matters most: high values {high} the PD, low values {low} it"


def _order(frame: pd.DataFrame, column: str) -> list[str]:
    """Return what matters most in any model, in the order of what matters over all models."""
    sizes = frame.pivot(index="feature", columns="model", values=column).fillna(0.0)
    top = sizes.loc[sizes.max(axis=1).sort_values(ascending=False, kind="stable").index[:TOP]]
    return [str(name) for name in top.mean(axis=1).sort_values(ascending=False, kind="stable").index]


def _range(low: str, high: str) -> str:
    """Return "0.1 to 0.2 pp", or one size where both read the same."""
    return low if low == high else f"{low.partition(UNIT)[0]} to {high}"
