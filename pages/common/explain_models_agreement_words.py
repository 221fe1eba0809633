"""How far two models agree, in words: drivers, signs and log-odds by segment, and the loans they differ on most."""

from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import numpy as np
import pandas as pd

from analytics.disagreement import LOAN
from analytics.odds import to_factor
from analytics.words import format_factor, format_interval, format_list, format_number, format_share, format_value
from pages.common import explain_models_data, model_data, overview_data
from pages.common.explain_models_words import BACKGROUND, ModelsWords
from pages.common.show import Card
from portfolio.schema import Field

By = Literal["odds", "points"]
BY: dict[str, By] = {"Odds": "odds", "PD points": "points"}
MEASURES = {"Opposite signs": "opposite", "Drivers' order": "rank", "Log-odds": "correlation"}
AXES = {
    "opposite": "share with opposite signs on a top driver",
    "rank": "mean rank correlation of the sizes of a loan's attributions",
    "correlation": "correlation of the two models' log-odds",
}
AGREEMENT = (
    "**Opposite signs**: share of loans where the feature with the largest attribution of either model has opposite "
    "signs in the two (Jeffreys interval); 0, as of a feature that a model does not use, has no sign. **Drivers' "
    "order**: Spearman's correlation of |φ| over the features, loan by loan, then the mean (t interval); whole book: "
    "of the features' mean |φ|. **Log-odds**: Pearson's correlation (Fisher's z). Thick: a segment's own interval; "
    "thin: all segments at once (Bonferroni). Grey: fewer than 30 loans, or 5 with opposite signs where these are "
    "counted."
)
MOST = (
    "Mostly: the feature whose difference of attributions goes farthest in the direction of the loan's whole "
    "difference, and its factor on the odds."
)


@dataclass(frozen=True)
class Segments:
    """The rows of a forest plot and its words."""

    rows: pd.DataFrame
    title: str
    subtitle: str
    axis: str
    reference: float
    unit: str


def title_segments(rows: pd.DataFrame, measure: str, reference: float, label: str) -> str:
    """Return which segment's agreement is clearly another than that of all: the worst, else the best, else none.

    `rows` have label, value, small, low_wide and high_wide.
    """
    clear = rows[~rows["small"] & ((rows["low_wide"] > reference) | (rows["high_wide"] < reference))]
    if clear.empty:
        return f"{label}: in no segment do the models clearly agree less or more than in all"
    worse = clear[clear["value"] > reference] if measure == "opposite" else clear[clear["value"] < reference]
    told, way = (clear, "most") if worse.empty else (worse, "least")
    row = told.iloc[int((told["value"] - reference).abs().argmax())]

    def say(value: float) -> str:
        return format_share(value) if measure == "opposite" else format_number(value, 2)

    return f"{label}: they agree {way} for {row['label']}, {say(float(row['value']))} against {say(reference)} in all"


class AgreementWords:
    """What can be said of how far a pair agrees."""

    def __init__(self, words: ModelsWords) -> None:
        self.words, self.schema, self.choice = words, words.schema, words.choice
        self.whole = explain_models_data.agreed(*self.choice, "").iloc[0]
        self.fields = overview_data.fields(words.selection)

    def scope(self) -> str:
        """Return on how many loans this is told."""
        n, total, subject = int(self.whole["n"]), self.words.explained(), self.schema.subject
        if n == total:
            return f"{n:,} {subject}s, {self.words.when()}"
        return f"{n:,} of {total:,} {subject}s, drawn by a fixed hash of their ids, {self.words.when()}"

    def heading(self) -> str:
        """Return the finding: do the models give the same reasons?"""
        share, same = float(self.whole["opposite"]), float(self.whole["same_top"])
        old, new = self.words.names
        return (
            f"{old} and {new} name the same top driver for {format_share(same, 0)} of the {self.schema.subject}s, and "
            f"pull in opposite directions on a top driver for {format_share(share)}"
        )

    def silent(self) -> str:
        """Return how often a model is silent on what moves the other most; "" where it never is."""
        share = float(self.whole["silent"])
        if not share:
            return ""
        return (
            f"For {format_share(share)} of the {self.schema.subject}s one model's top driver has no effect in the "
            "other at all."
        )

    def cards(self) -> list[Card]:
        """Return the figures of agreement."""
        row = self.whole
        importance = explain_models_data.loans(*self.choice).importance

        def interval(name: str, unit: str = "") -> str:
            low, high = float(row[f"{name}_low"]), float(row[f"{name}_high"])
            return f"{format_interval(low, high, unit)}, {self.scope()}"

        def card(label: str, value: float, unit: str, explanation: str) -> Card:
            return Card(label, value, unit, None, [], explanation=explanation)

        return [
            card("Opposite top driver", float(row["opposite"]), "share", f"Interval {interval('opposite', 'share')}"),
            card(
                "Drivers' order, loan by loan",
                float(row["rank"]),
                "",
                f"Mean of Spearman's ρ of |φ|, {interval('rank')}",
            ),
            card("Drivers' order, whole book", importance, "", f"Spearman's ρ of the mean |φ|, {self.scope()}"),
            card("Correlation of log-odds", float(row["correlation"]), "", f"Pearson's, {interval('correlation')}"),
        ]

    def field_label(self, field: str) -> str:
        """Return what a field is called."""
        return overview_data.label(self.schema, field)

    def segments(self, measure: str, field: str) -> Segments:
        """Return one measure of agreement (a value of MEASURES) by segment of a field."""
        own = explain_models_data.agreed(*self.choice, field)
        level = model_data.level(self.words.selection)
        wide = explain_models_data.agreed(*self.choice, field, 1 - (1 - level) / max(1, len(own)))
        unit = "share" if measure == "opposite" else ""
        counts = zip(own["n"], own["events"], strict=True)
        rows = own.assign(
            group=self.field_label(field), label=own["segment"], series=self.words.names[1], value=own[measure],
            low=own[f"{measure}_low"], high=own[f"{measure}_high"], low_wide=wide[f"{measure}_low"],
            high_wide=wide[f"{measure}_high"], beside=[f"{n:,} · {events:,}" for n, events in counts],
            small=own["opposite_small"] if measure == "opposite" else own["small"],
        )  # fmt: skip
        reference = float(self.whole[measure])
        return Segments(
            rows,
            title_segments(rows, measure, reference, self.field_label(field)),
            f"{AXES[measure].capitalize()}, {self.scope()}; line: all {self.schema.subject}s",
            AXES[measure],
            reference,
            unit,
        )

    def loans_heading(self, by: By) -> str:
        """Return what the table of loans shows."""
        n = len(explain_models_data.most_different(*self.choice, by))
        of = "odds" if by == "odds" else "PD points"
        return f"The {n} {self.schema.subject}s on which they differ most in {of}, of {self.words.explained():,}"

    def loans(self, by: By, links: dict[str, str]) -> pd.DataFrame:
        """Return these loans as a table; `links` are headings and the addresses that an id completes."""
        frame = explain_models_data.most_different(*self.choice, by)
        old, new = self.words.names
        return pd.DataFrame({
            self.schema.subject.capitalize(): frame[LOAN],
            **{name: link + frame[LOAN].map(lambda loan: quote(str(loan), safe="")) for name, link in links.items()},
            f"PD {old}, %": 100 * frame["pd_0"],
            f"PD {new}, %": 100 * frame["pd_1"],
            "Difference, pp": 100 * frame["points"],
            "Odds, times": np.exp(frame["gap"]),
            "Mostly": [self._say_main(row) for row in frame.to_dict("records")],
        })  # fmt: skip

    def _say_main(self, row: dict[Any, Any]) -> str:
        if not row["feature"]:
            return BACKGROUND
        label, unit = self.words.feature_labels[row["feature"]], self.words.units[row["feature"]]
        way = "×" if row["part"] > 0 else "÷"
        value = format_value(row["value"], unit)
        told = f"{label}: {value}" if value else label  # a history has none
        return f"{told} ({way}{format_factor(to_factor(abs(row['part'])))})"

    def main_features(self, by: By) -> str:
        """Return which features explain most of these loans' differences."""
        frame = explain_models_data.most_different(*self.choice, by)
        counted = frame.loc[frame["feature"] != "", "feature"].value_counts()
        if counted.empty:
            return ""
        named = [f"{self.words.feature_labels[str(name)]} ({n})" for name, n in counted.head(3).items()]
        higher = int((frame["gap"] > 0).sum())
        return (
            f"{self.words.names[1]} sees more risk in {higher} of {len(frame)}. What explains most of the difference: "
            f"{format_list(named)}."
        )

    def common(self, by: By) -> list[str]:
        """Return what these loans have in common that the others have not, one line each."""
        found, others = explain_models_data.common(*self.choice, by)
        few = len(explain_models_data.most_different(*self.choice, by))
        if not others:
            return [f"These are all the {self.schema.subject}s that both models have explained."]
        if found.empty:
            return [f"Nothing sets them apart from {others:,} other {self.schema.subject}s beyond chance."]
        return [self._say_trait(row, few, others) for row in found.to_dict("records")]

    def _say_trait(self, row: dict[Any, Any], few: int, others: int) -> str:
        item: Field = self.schema.get(str(row["field"]))
        n = f"n {row['n_few']:,} and {row['n_others']:,}" if row["kind"] != "missing" else f"n {few:,} and {others:,}"
        unit = self.words.units[item.name]
        if row["kind"] == "number":
            few_value, usual = format_value(row["few"], unit), format_value(row["others"], unit)
            return f"{item.label}: median {few_value} against {usual}; {_rank(row['percentile'])} of the others ({n})."
        shares = f"{format_share(row['few'], 0)} against {format_share(row['others'])}"
        lift = f", {format_factor(row['lift'])} times as often" if np.isfinite(row["lift"]) else ""
        what = {"missing": "not known", "category": row["value"]}.get(row["kind"])
        return f"{item.label} {what or row['kind'] + ' ' + format_value(row['value'], unit)}: {shares}{lift} ({n})."


def _rank(below: float) -> str:
    """Return where a value stands among others, of which the fraction `below` is smaller.

    >>> _rank(0.74), _rank(0.26), _rank(0.99996)
    ('above 74 %', 'below 74 %', 'above 99.9 %')
    """
    side, share = ("above", below) if below >= 0.5 else ("below", 1 - below)
    return f"{side} {format_share(min(share, 0.999), 0 if share < 0.985 else 1)}"
