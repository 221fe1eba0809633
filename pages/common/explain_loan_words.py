"""Why one loan got its PD, in words: headline, waterfalls, reasons, facts."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analytics.attributions import compute_waterfall, group_contributions
from analytics.odds import to_factor, to_pd
from analytics.reasons import Reason, Vocabulary, list_reasons
from analytics.words import format_factor, format_share, format_value
from models.families import PREDICTIONS
from pages.common import explain_data, explain_loan_data, model_data, score_offer
from pages.common.explain_groups import name_groups
from pages.common.explain_words import Words
from pages.common.shell import View

HIDDEN = {"ignore", "protected", "score"}
LONGEST = 36  # characters of a bar's label, three waterfalls beside each other on the narrowest page


@dataclass(frozen=True)
class Explained:
    """One model's account of one loan: its waterfall and what raises and lowers the PD, strongest first."""

    ref: str
    label: str
    colour: str
    risk: float
    title: str
    subtitle: str
    steps: pd.DataFrame
    raising: list[Reason]
    lowering: list[Reason]


class LoanWords(Words):
    """What the One loan section says of the loans of one snapshot, by every model that has scored it."""

    def __init__(self, view: View, key: str = "") -> None:
        super().__init__(view)
        self.explained_key = self.key  # where attributions of all loans are stored
        self.lacking: list[str] = []
        if key and key != self.key:
            known = [item for item in model_data.models(self.selection) if item.family != PREDICTIONS]
            # A loan is explained at once where its snapshot is scored: no stored attributions are needed.
            states = {item.ref: score_offer.state(self.selection, item.ref, key) for item in known}
            self.lacking = [ref for ref, state in states.items() if state not in ("current", "not explained")]
            self.key, self.views = key, [item for item in known if item.ref not in self.lacking]
            self.colours = {item.ref: item.colour for item in self.views}
            self.labels = {item.ref: item.label for item in self.views}

    @property
    def refs(self) -> tuple[str, ...]:
        """The models' references."""
        return tuple(self.labels)

    def examples(self) -> dict[str, str]:
        """Return loans worth a look: label → id; {} where the filters leave none."""
        return explain_loan_data.examples(self.selection, self.key, self.default_model(), self.refs)

    def risks(self, loan_id: str) -> dict[str, float] | None:
        """Return the loan's PD by each model, or None where the snapshot has no such loan within the filters."""
        return explain_loan_data.loan_pds(self.selection, self.key, self.refs, loan_id)

    def headline(self, loan_id: str, risks: Mapping[str, float]) -> str:
        """Return every model's PD in one sentence, in the same crowd for all so that they can be compared."""
        name = f"{self.schema.subject.capitalize()} {loan_id}"
        named = {self.labels[ref]: risk for ref, risk in risks.items()}
        if not self.view.business:
            return f"{name}: PD " + ", ".join(f"{format_share(risk)} ({label})" for label, risk in named.items())
        crowd = 1000 if min(named.values()) >= 0.001 else 10_000
        said = ", ".join(f"{round(risk * crowd):,} by {label}" for label, risk in named.items())
        return f"{name}: of {crowd:,} like it, {self.schema.event} {self.schema.within} is expected for {said}"

    def explain(self, loan_id: str, risks: Mapping[str, float], *, grouped: bool) -> list[Explained]:
        """Return what every model says of the loan, group by group or feature by feature."""
        row = explain_data.loan(self.selection, self.key, loan_id)
        return [self._explain(item, row, loan_id, risks[item.ref], grouped=grouped) for item in self.views]

    def groups(self) -> dict[str, str]:
        """Return field → the schema's group of it; the fields without one are left out."""
        return {item.name: item.group for item in self.schema.fields if item.group}

    def vocabulary(self) -> Vocabulary:
        """Return how the schema's fields are told."""
        typical = explain_data.typical(self.selection)
        return Vocabulary(self.groups(), typical, self.feature_labels, self.units, self.schema.event)

    def _explain(self, item: Any, row: pd.Series, loan_id: str, risk: float, *, grouped: bool) -> Explained:
        base, phi = explain_data.loan_explanation(self.selection, item.ref, self.key, loan_id)
        values = self.values(row, [str(name) for name in phi.index])
        told = self._grouped(phi, values) if grouped else (phi, values, self.feature_labels, self.units)
        steps = compute_waterfall(base, told[0], values=told[1], labels=told[2], units=told[3])
        top = str(told[0].abs().idxmax())
        verb = "raises" if told[0][top] > 0 else "lowers" if told[0][top] < 0 else "does not move"
        words = self.vocabulary()
        return Explained(
            item.ref,
            item.label,
            item.colour,
            risk,
            f"{told[2][top]} {verb} the PD{' most' if told[0][top] else ''}",
            f"{item.label}: from the background, PD {format_share(float(to_pd(base)))}, to {format_share(risk)}",
            steps,
            list_reasons(phi, values, words),
            list_reasons(phi, values, words, direction="lowers"),
        )

    def _grouped(
        self, phi: pd.Series, values: Mapping[str, Any]
    ) -> tuple[pd.Series, dict[str, Any], dict[str, str], dict[str, str]]:
        """Return φ by group, and of each group what its bar says: the field that counts most, its label, its unit."""
        groups = name_groups(self.schema)
        named = [groups.get(str(name), str(name)) for name in phi.index]
        shown, labels, units = dict(values), dict(self.feature_labels), dict(self.units)
        for group, own in phi.groupby(named, sort=False):
            if str(group) in phi.index:
                continue
            lead = str(own.abs().idxmax())
            told = f"{self.feature_labels[lead]} {format_value(values[lead], self.units[lead])}"
            name = str(group).partition(" (")[0]
            fits = len(name) + len(told) + 2 <= LONGEST
            labels[str(group)], shown[str(group)] = (name, told) if fits else (str(group), "")
        return group_contributions(phi, groups), shown, labels, units

    def limits(self, models: list[Explained]) -> tuple[float, float]:
        """Return the lowest and highest log-odds that any waterfall reaches: on one axis bars can be compared."""
        ends = pd.concat([model.steps["end"] for model in models])
        return float(ends.min()), float(ends.max())

    def check(self, models: list[Explained], loan_id: str) -> dict[str, dict[str, float]]:
        """Return by model what share of other backgrounds and seeds gives each reason again, {} if not measured."""
        return {
            model.ref: explain_loan_data.stability(self.selection, model.ref, self.key, loan_id) for model in models
        }

    def adverse(self, model: Explained, again: Mapping[str, float]) -> list[str]:
        """Return a model's reasons in sentences: what raises the PD, or what lowers it where nothing does."""
        told = model.raising or model.lowering[:2]
        marks = {"unstable": " (unstable: {:.0%} of other backgrounds give it too)", "not measured": "", "stable": ""}
        said = [
            reason.sentence + marks[self._mark(reason, again)].format(again.get(reason.group, 1)) for reason in told
        ]
        return said if model.raising else ["Nothing raises the PD noticeably against the background.", *said]

    def reason_table(self, models: list[Explained], checked: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
        """Return the models' reasons as numbers: model, reason, log-odds, factor on the odds, stability, fields."""
        told = [(model, reason) for model in models for reason in (*model.raising, *model.lowering)]
        groups, named = [reason.group for _, reason in told], set(self.groups().values())
        return pd.DataFrame(
            {
                "Model": [model.label for model, _ in told],
                "Reason": [
                    # A group may be called like one of its fields: "rate" is the group, not the interest rate alone.
                    group[:1].upper() + group[1:] if group in named else self.feature_labels[group]
                    for group in groups
                ],
                "Log-odds": [f"{reason.phi:+.2f}".replace("-", "−") for _, reason in told],
                "Odds ×": [format_factor(to_factor(reason.phi)) for _, reason in told],
                "Given again": [100 * checked[model.ref].get(reason.group, math.nan) for model, reason in told],
                "Stable": [self._mark(reason, checked[model.ref]) for model, reason in told],
                "Through": [", ".join(self.feature_labels[name] for name in reason.fields) for _, reason in told],
            }
        )

    def _mark(self, reason: Reason, again: Mapping[str, float]) -> str:
        if reason.group not in again:
            return "not measured"
        return "stable" if again[reason.group] >= explain_loan_data.stable_share(self.selection) else "unstable"

    def background(self) -> str:
        """Return against what the reasons are told."""
        least = f"{explain_loan_data.stable_share(self.selection):.0%}"
        return (
            "Reasons: what raises the PD against the recorded background of development loans, correlated fields "
            "joined to the schema's groups before they are ranked, four at most, each a factor of 1.05 on the odds or "
            f"more. Unstable: fewer than {least} of other backgrounds and seeds give the reason again. They say "
            "what moved the model, not what causes the event."
        )

    def facts(self, loan_id: str) -> pd.DataFrame:
        """Return the loan's fields with what is typical and what they mean."""
        row = explain_data.loan(self.selection, self.key, loan_id)
        usual = explain_data.typical(self.selection)
        shown = [item for item in self.schema.fields if item.name in row.index and not HIDDEN & set(item.roles)]
        return pd.DataFrame(
            {
                "Field": [item.label for item in shown],
                "Value": [format_value(row[item.name], item.unit) for item in shown],
                "Typical": [format_value(usual[item.name], item.unit) if item.name in usual else "" for item in shown],
                "Meaning": [item.description for item in shown],
            }
        )

    def explore(self, loan_id: str, models: list[Explained]) -> tuple[str, dict[str, str]]:
        """Return what the link to Explore says and asks for: the loan's kind by the field that counts most."""
        row = explain_data.loan(self.selection, self.key, loan_id)
        _, phi = explain_data.loan_explanation(self.selection, models[0].ref, self.key, loan_id)
        fields = phi[[name for name in phi.index if name in self.fields]]  # Explore knows no histories
        name = self.selection.portfolio
        if fields.empty:
            return "the book", {"portfolio": name}
        by = str(fields.abs().idxmax())
        query = {"portfolio": name, "explore_by": self.feature_labels[by]}  # addresses hold labels
        said = f"{self.schema.subject.capitalize()}s by {self.feature_labels[by]}"
        kinds = [item for item in self.schema.with_role("segment") if item.name != by and item.kind == "category"]
        kind = next((item for item in kinds if isinstance(row.get(item.name), str)), None)
        if kind is None:
            return said, query
        value = str(row[kind.name])
        query |= {"explore_where": kind.label, f"explore_where_{kind.name}": value}
        return f"{said}, {kind.label.lower()} {value}", query

    def waterfall_definition(self) -> str:
        """Return what a waterfall shows."""
        return (
            "From the mean log-odds of the recorded background to the loan's own: each bar is a feature's "
            "interventional Shapley value, or the sum of a group's. The bars add up exactly: base + sum = log-odds of "
            "the PD. A factor on the odds is exp(attribution). All models are drawn on one axis.\n\nAn attribution "
            "says what moved the model, not what causes the event, and nothing about what would happen if the borrower "
            "changed it."
        )
