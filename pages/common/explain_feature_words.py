"""How models use one feature, in words: dependence of the attribution, and its colour."""

from dataclasses import dataclass

from analytics.attributions import Dependence
from analytics.interactions import Pair
from analytics.odds import to_factor
from analytics.words import format_factor, format_list, format_number, format_value
from pages.common import explain_feature_data as data
from pages.common import explain_interactions_data
from pages.common.explain_words import Words

DEPENDENCE = (
    "Each dot is a loan: across, its value; up, what this value adds to the loan's log-odds compared with the "
    "background. The line is the median of all explained loans by bin, the band their middle half."
)
FORMULA = "φ_f(x): interventional Shapley value of the log-odds;  base + Σ φ = log-odds of the PD"


@dataclass(frozen=True)
class Shape:
    """A feature's dependence and the figure's words; `partner` colours the dots."""

    dependence: Dependence
    unit: str
    title: str
    subtitle: str
    definition: str
    partner: Pair | None


class FeatureWords(Words):
    """What the One feature section says of attributions."""

    def features(self, ref: str) -> list[str]:
        """Return the fields that a model uses, most important first."""
        return [name for name in super().features(ref) if name in self.fields]

    def without_value(self, ref: str) -> str:
        """Return what a model reads that cannot be chosen here, and why."""
        also = " also" if self.features(ref) else ""
        return (
            f"{self.labels[ref]}{also} reads {format_list(self.histories(ref))}: months in a row have no single value "
            "to draw along; Drivers and One loan show what they do as a whole."
        )

    def doing(self, ref: str) -> str:
        """Return what is worked out, for the wait."""
        how = explain_interactions_data.method(self.selection, ref)
        if how == "additive":
            return "Reading the stored attributions …"
        return f"Reading the stored attributions and looking for what acts most with it in {self.labels[ref]} …"

    def dependence(self, ref: str, feature: str) -> Shape:
        """Return how a model's attribution of a feature depends on its value and its strongest partner."""
        found = data.coloured(self.selection, ref, self.key, feature)
        label, unit = self.feature_labels[feature], self.units[feature]
        known = found.dependence.medians.dropna(subset=["value", "phi"])
        title = f"{label}: no value to show"
        if len(known):
            high, low = known.iloc[int(known["phi"].argmax())], known.iloc[int(known["phi"].argmin())]
            factor = format_factor(to_factor(float(high["phi"] - low["phi"])))
            title = (
                f"{label}: the odds are {factor} times as high at {format_value(high['value'], unit)} as at "
                f"{format_value(low['value'], unit)}"
            )
            if factor == "1.00":
                title = f"{label} hardly moves the odds of {self.labels[ref]}"
        drawn = (
            "line: median by bin, band: middle half" if found.dependence.is_number else "mark: median, bar: middle half"
        )
        n = int(found.dependence.medians["n"].sum())
        subtitle = (
            f"Attribution in log-odds by value, {self.labels[ref]}, {n:,} {self.schema.subject}s, {self.when()}; "
            f"{drawn}; {self._colour(ref, found.partner)}"
        )
        return Shape(
            found.dependence, unit, title, subtitle, f"{DEPENDENCE}\n\n{self._how(ref, found.partner)}", found.partner
        )

    def _colour(self, ref: str, partner: Pair | None) -> str:
        if partner is None and explain_interactions_data.method(self.selection, ref) == "additive":
            return "dots without colour: an additive model has no interactions"
        if partner is None:
            return "dots without colour: no other feature stands out"
        size = format_number(partner.strength)
        return f"colour: {self.feature_labels[partner.partner]}, which acts most with it ({size} log-odds)"

    def _how(self, ref: str, partner: Pair | None) -> str:
        """Return how the feature that colours the dots was found."""
        how, name = explain_interactions_data.method(self.selection, ref), self.labels[ref]
        loans = explain_interactions_data.together(self.selection, ref, self.key).loans
        if how == "additive":
            return (
                f"{name} is additive: the attribution depends on the feature's own value alone, nothing to colour by."
            )
        if how == "exact":
            return (
                "The colour is the feature with the largest mean size of the exact pairwise Shapley interaction with "
                f"this one, over {loans:,} sampled {self.schema.subject}s (see Interactions)."
            )
        found = "The colour is the feature" if partner else "No other feature passes the test: one"
        return (
            f"{found} whose value explains most of what is left of the attribution after its own curve, out of bin, on "
            f"{loans:,} sampled {self.schema.subject}s: a statistic, not an exact interaction, and it must be more "
            "than three of its standard errors (see Interactions)."
        )
