"""The Explain page's attributions put into words: importance, dependence, one loan."""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analytics.attributions import Dependence, compute_waterfall
from analytics.odds import to_factor
from analytics.reasons import describe_reasons
from analytics.words import format_factor, format_list, format_share, format_value
from models.families import PREDICTIONS
from pages.common import explain_data, model_data
from pages.common.shell import View, describe_filters, plain

TOP = 12


@dataclass(frozen=True)
class Importance:
    """Importance by model and feature, and the figure's words."""

    frame: pd.DataFrame
    features: list[str]
    title: str
    subtitle: str
    definition: str


@dataclass(frozen=True)
class Shape:
    """A feature's dependence and the figure's words."""

    dependence: Dependence
    unit: str
    title: str
    subtitle: str
    definition: str


@dataclass(frozen=True)
class Explained:
    """One model's account of one loan."""

    ref: str
    colour: str
    title: str
    subtitle: str
    steps: pd.DataFrame
    reasons: list[str]


@dataclass(frozen=True)
class Loan:
    """One loan: what the models say, and its fields."""

    headline: str
    models: list[Explained]
    facts: pd.DataFrame


class Words:
    """What the Explain page says about one selection."""

    def __init__(self, view: View) -> None:
        self.view, self.schema, self.selection = view, view.schema, view.selection
        scored = model_data.models(self.selection) if view.schema.with_role("target") else ()
        self.without_model = [item.label for item in scored if item.family == PREDICTIONS]
        self.views = [item for item in scored if explain_data.explained_keys(self.selection, item.ref)]
        self.key = explain_data.explained_keys(self.selection, self.views[0].ref)[0] if self.views else ""
        self.views = [item for item in self.views if self.key in explain_data.explained_keys(self.selection, item.ref)]
        self.colours = {item.ref: item.colour for item in self.views}
        self.labels = {item.ref: item.label for item in self.views}
        self.feature_labels = {item.name: item.label for item in self.schema.fields}
        # "Months on book of 12 months" says it twice: a unit that the label names is left out.
        self.units = {
            item.name: "" if item.unit and item.unit in item.label.lower() else item.unit for item in self.schema.fields
        }

    def problem(self) -> tuple[str, str] | None:
        """Return why there is nothing to explain and the way on, or None."""
        name = self.selection.portfolio
        if not self.views and self.without_model:
            way = f"`python cli.py train --portfolio {name}` trains models that can be explained."
            return plain(self.left_out()), way
        if not self.views:
            return (
                "No model of this portfolio has explained a snapshot yet.",
                f"`python cli.py train --portfolio {name}` trains, `python cli.py score --portfolio {name}` scores and "
                "explains the latest snapshot.",
            )
        if self.index().empty:
            return (
                f"No {self.schema.subject} of the snapshot {self.key} matches {describe_filters(self.view)}.",
                "Take a filter away, or press *Clear all filters* in the sidebar.",
            )
        return None

    def left_out(self) -> str:
        """Return why some entries are not here, "" where all are."""
        if not self.without_model:
            return ""
        are = "is a column" if len(self.without_model) == 1 else "are columns"
        return f"{format_list(self.without_model)} {are} of predictions: without the model they cannot be explained."

    def models(self) -> str:
        """Return the model versions with the start of their cards' SHA-256."""
        return ", ".join(f"{item.ref} ({item.sha256[:10]}…)" for item in self.views)

    def default_model(self) -> str:
        """Return the champion, or the first model."""
        return next((item.ref for item in self.views if item.is_champion), self.views[0].ref)

    def importance(self) -> Importance:
        """Return the features that matter most in any model."""
        frame = explain_data.importance(self.selection, self.key)
        ranked = frame.groupby("feature")["share"].max().sort_values(ascending=False)
        features = list(ranked.index[:TOP])
        tops = frame.sort_values("share", ascending=False).groupby("model")["feature"].first()
        first = tops.value_counts().index[0]
        who = [self.labels[str(ref)] for ref in tops.index[tops == first]]
        whom = "all models" if len(who) == len(tops) > 1 else format_list(who)
        title = f"{self.feature_labels[first]} matters most for {whom}"
        if not frame["importance"].any():
            title = "No feature matters: every PD is the same"
        n = {self.labels[str(ref)]: int(n) for ref, n in frame.groupby("model")["n"].first().items()}
        loans = (
            format_list([f"{count:,} ({name})" for name, count in n.items()])
            if len(set(n.values())) > 1
            else f"{next(iter(n.values())):,}"
        )
        return Importance(
            frame,
            features,
            title,
            f"Share of each model's total attribution, {loans} {self.schema.subject}s, {self._when()}",
            "Mean size of a feature's attribution of the log-odds over all explained loans, as a share of the "
            "model's total. Attributions are interventional Shapley values against one recorded background of "
            "100 development loans, the same for every model.\n\nAn attribution says what moved the model, not "
            "what causes the event.",
        )

    def features(self, ref: str) -> list[str]:
        """Return a model's features, most important first; those it does not use are left out."""
        frame = explain_data.importance(self.selection, self.key)
        own = frame[(frame["model"] == ref) & (frame["importance"] > 0)]
        return list(own["feature"]) or list(frame["feature"].unique())

    def dependence(self, ref: str, feature: str) -> Shape:
        """Return how a model's attribution of a feature depends on its value."""
        found = explain_data.dependence(self.selection, ref, self.key, feature)
        label, unit = self.feature_labels[feature], self.units[feature]
        known = found.medians.dropna(subset=["value", "phi"])
        title = f"{label}: no value to show"
        if len(known):
            high, low = known.iloc[int(known["phi"].argmax())], known.iloc[int(known["phi"].argmin())]
            factor = format_factor(to_factor(float(high["phi"] - low["phi"])))
            title = (
                f"{label}: the odds are {factor} times as high at {format_value(high['value'], unit)} as at "
                f"{format_value(low['value'], unit)}"
            )
        return Shape(
            found,
            unit,
            title,
            f"Attribution in log-odds by value, {self.labels[ref]}, {self._when()}; "
            "line: median by bin, band: middle half",
            "Each dot is a loan: across, its value; up, what this value adds to the loan's log-odds compared with the "
            "background. The line is the median of all explained loans by bin.",
        )

    def index(self) -> pd.DataFrame:
        """Return the loans of the snapshot with each model's PD."""
        return explain_data.loan_index(self.selection, self.key, tuple(self.labels))

    def examples(self) -> dict[str, str]:
        """Return loans worth a look: label → id."""
        frame, refs = self.index(), list(self.labels)
        risk = frame[self.default_model()]
        found = {
            "Highest PD": frame["loan"].iloc[int(risk.argmax())],
            "Typical": frame["loan"].iloc[int((risk - risk.median()).abs().argmin())],
            "Lowest PD": frame["loan"].iloc[int(risk.argmin())],
        }
        if len(refs) > 1:
            odds = frame[refs].clip(1e-6, 1 - 1e-6).map(lambda p: math.log(p / (1 - p)))
            found["Models disagree most"] = frame["loan"].iloc[int((odds.max(axis=1) - odds.min(axis=1)).argmax())]
        return found

    def has_loan(self, loan_id: str) -> bool:
        """Whether the snapshot has the loan within the filters."""
        return bool((self.index()["loan"] == loan_id).any())

    def loan(self, loan_id: str) -> Loan:
        """Return one loan explained by every model."""
        row = explain_data.loan(self.selection, self.key, loan_id)
        index = self.index()
        own = index[index["loan"] == loan_id].iloc[0]
        risks = {ref: float(own[ref]) for ref in self.labels}
        head = self._headline(loan_id, {item.label: risks[item.ref] for item in self.views})
        models = [self._explain(item, row, loan_id, risks[item.ref]) for item in self.views]
        usual = explain_data.typical(self.selection)
        shown = [
            item
            for item in self.schema.fields
            if item.name in row.index and not {"ignore", "protected", "score"} & set(item.roles)
        ]
        facts = pd.DataFrame(
            {
                "Field": [item.label for item in shown],
                "Value": [format_value(row[item.name], item.unit) for item in shown],
                "Typical": [format_value(usual[item.name], item.unit) if item.name in usual else "" for item in shown],
                "Meaning": [item.description for item in shown],
            }
        )
        return Loan(head, models, facts)

    def _headline(self, loan_id: str, risks: dict[str, float]) -> str:
        """Return every model's PD in one sentence, in the same crowd for all so that they can be compared."""
        name = f"{self.schema.subject.capitalize()} {loan_id}"
        if not self.view.business:
            return f"{name}: PD " + ", ".join(f"{format_share(risk)} ({label})" for label, risk in risks.items())
        crowd = 1000 if min(risks.values()) >= 0.001 else 10_000
        said = ", ".join(f"{round(risk * crowd):,} by {label}" for label, risk in risks.items())
        return f"{name}: of {crowd:,} like it, {self.schema.event} {self.schema.within} is expected for {said}"

    def _explain(self, item: Any, row: pd.Series, loan_id: str, risk: float) -> Explained:
        base, phi = explain_data.loan_explanation(self.selection, item.ref, self.key, loan_id)
        values = {name: row[name] for name in phi.index}
        steps = compute_waterfall(base, phi, values=values, labels=self.feature_labels, units=self.units)
        reasons = describe_reasons(
            phi,
            values,
            typical=explain_data.typical(self.selection),
            labels=self.feature_labels,
            units=self.units,
            event=self.schema.event,
            direction="both",
        )
        top = str(phi.abs().idxmax())
        verb = "raises" if phi[top] > 0 else "lowers" if phi[top] < 0 else "does not move"
        average = 1 / (1 + math.exp(-base))
        return Explained(
            item.ref,
            item.colour,
            f"{item.label}: {self.feature_labels[top]} {verb} the PD{' most' if phi[top] else ''}",
            f"From the background, PD {format_share(average)}, to this one, {format_share(risk)}",
            steps,
            reasons,
        )

    def waterfall_definition(self) -> str:
        """Return what a waterfall shows."""
        return (
            "From the mean log-odds of the recorded background to the loan's own: each bar is a feature's "
            "interventional Shapley value. The bars add up exactly: base + sum = log-odds of the PD. A factor on the "
            "odds is exp(attribution).\n\nAn attribution says what moved the model, not what causes the event, and "
            "nothing about what would happen if the borrower changed it."
        )

    def _when(self) -> str:
        return f"snapshot {self.key}" if self.key != "all" else "all loans"
