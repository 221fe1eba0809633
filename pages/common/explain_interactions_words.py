"""Features that act together, in words: the matrix of pairs, and one pair's grid."""

from dataclasses import dataclass

import pandas as pd

from analytics import interactions
from analytics.odds import to_factor
from analytics.words import format_factor, format_list, format_number
from pages.common import explain_interactions_data as data
from pages.common.explain_words import Words
from pages.common.show import Definition

TOP = 10
CHOICES = 6
EXACT = (
    "How much two features do together beyond what each does alone: the Shapley interaction index of the pair, exact "
    "from the trees and interventional against the recorded background, loan by loan. A cell is the mean size over the "
    "sampled loans, in log-odds of the PD. The error in the table is its standard error over these loans. The two "
    "features of a loan share the effect equally; it is part of their attributions, not on top of them."
)
EXACT_FORMULA = (
    "I_fg(x) = Σ_S |S|!(n−|S|−2)!/(n−1)! · [v(S∪fg) − v(S∪f) − v(S∪g) + v(S)],  v(S) = mean over the background of "
    "f(x_S, b_rest);  cell = mean over loans of |I_fg(x)|"
)
LEFT_OVER = (
    "This model gives no pairwise values, so this is a statistic of its stored attributions, not the exact interaction "
    "of the other kind of matrix. If features did not act together, the attribution φ_f would depend on f's own value "
    "alone. What is left of φ_f after its own curve is predicted from the value of g, in cells of 5 by 5 bins: out of "
    "bin, on the half of the loans that the cells' means were not made of. A cell is the standard deviation of φ_f "
    "(row) that g (column) explains so, in log-odds; the table's share is the out-of-bin R², its error the standard "
    "error over the loans. Only clear pairs, more than three standard errors above nothing, are named. A feature that "
    "only moves with the true partner may stand in for it, and noise of sampled attributions makes the share smaller, "
    "not larger."
)
LEFT_OVER_FORMULA = (
    "r = φ_f − curve of φ_f over x_f (line in each of 20 bins);  r̂ = mean of r by (5 bins of x_f × 5 bins of x_g), "
    "other half;  share = 1 − Σ(r − r̂)²/Σr²;  cell = √(mean r² − mean (r − r̂)²)"
)
GRID = (
    "The mean of both features' attributions together, by bands of both values, over all explained loans of the "
    "selection. Were the two additive, every row would be the first row moved by a constant. Cells of fewer than 30 "
    "loans are grey; the table has each cell's number of loans and 95 % interval of the mean."
)


@dataclass(frozen=True)
class Shown:
    """A table, the words of its figure and how it is computed."""

    frame: pd.DataFrame
    table: pd.DataFrame
    title: str
    subtitle: str
    definition: Definition


class InteractionWords(Words):
    """What the Interactions section says."""

    def together(self, ref: str) -> data.Together:
        """Return how strongly a model's features act together."""
        return data.together(self.selection, ref, self.key)

    def additive(self, ref: str) -> str:
        """Return why a model has no interactions, "" where it may have some."""
        if data.method(self.selection, ref) != "additive":
            return ""
        return (
            f"{self.labels[ref]} is additive: every feature adds its own points whatever the others are, so no two "
            "features act together. Choose another model to see what it finds beyond that."
        )

    def left_out_of_pairs(self, ref: str) -> str:
        """Return which of a model's features stand in no pair, and why; "" where all may."""
        names = self.histories(ref)
        if not names:
            return ""
        return (
            f"{format_list(names)} {'is' if len(names) == 1 else 'are'} in no pair: this statistic sorts "
            "loans by their values, and months in a row have no single one."
        )

    def doing(self, ref: str) -> str:
        """Return what is worked out, for the wait."""
        if data.method(self.selection, ref) == "exact":
            return f"Working out every pair of features of {self.labels[ref]}, exactly, on {data.EXACT_LOANS:,} loans …"
        return f"Looking for what the features of {self.labels[ref]} do together in its stored attributions …"

    def name(self, pair: interactions.Pair) -> str:
        """Return a pair as it is offered."""
        return f"{self.feature_labels[pair.feature]} × {self.feature_labels[pair.partner]}"

    def choices(self, ref: str) -> dict[str, tuple[str, str]]:
        """Return the strongest pairs: label → features."""
        return {self.name(pair): (pair.feature, pair.partner) for pair in self.together(ref).pairs[:CHOICES]}

    def matrix(self, ref: str) -> Shown:
        """Return the matrix of the features that act together most."""
        found = self.together(ref)
        exact = found.method == "exact"
        features = interactions.rank_features(found.frame)[:TOP]
        pairs = found.pairs
        title = f"{self.labels[ref]}: no two features act together"
        if pairs:
            amount = format_number(pairs[0].strength)
            size = f"{amount} log-odds on average" if exact else f"about {amount} log-odds"
            title = f"{self.name(pairs[0])} act together most in {self.labels[ref]}: {size}"
        what = (
            "Mean size of each pair's interaction"
            if exact
            else "How much the column's value moves the row's attribution"
        )
        subtitle = (
            f"{what}, log-odds, {len(features)} features, {found.loans:,} sampled {self.schema.subject}s, {self.when()}"
        )
        text, formula = (EXACT, EXACT_FORMULA) if exact else (LEFT_OVER, LEFT_OVER_FORMULA)
        definition = Definition(text, formula, self.key, self.version(ref))
        return Shown(
            interactions.to_square(found.frame, features),
            self._named(found.frame, exact=exact),
            title,
            subtitle,
            definition,
        )

    def _named(self, frame: pd.DataFrame, *, exact: bool) -> pd.DataFrame:
        frame = frame[frame["feature"] < frame["partner"]] if exact else frame  # symmetric: each pair once
        return frame.assign(
            feature=frame["feature"].map(self.feature_labels), partner=frame["partner"].map(self.feature_labels)
        )

    def grid(self, ref: str, pair: tuple[str, str]) -> Shown:
        """Return the mean joint attribution of two features by bands of both."""
        frame = data.grid(self.selection, ref, self.key, pair)
        one, two = (self.feature_labels[name] for name in pair)
        subject = f"{int(frame['loans'].sum()):,} {self.schema.subject}s"
        subtitle = f"Mean of both attributions together (log-odds), {self.labels[ref]}, {subject}, {self.when()}"
        title = _describe_grid(frame, one, two)
        definition = Definition(
            GRID, f"cell = mean over its loans of φ_{pair[0]} + φ_{pair[1]}", self.key, self.version(ref)
        )
        return Shown(frame, frame.rename(columns={"row": one, "column": two}), title, subtitle, definition)

    def version(self, ref: str) -> str:
        """Return a model version with the start of its card's SHA-256."""
        item = next(item for item in self.views if item.ref == ref)
        return f"{item.ref} ({item.sha256[:10]}…)"

    def first(self) -> str:
        """Return the first model whose features can act together, or the first of all."""
        return next((item.ref for item in self.views if not self.additive(item.ref)), self.views[0].ref)

    def is_exact(self, ref: str) -> bool:
        """Whether a model's interactions are exact."""
        return data.method(self.selection, ref) == "exact"

    def nothing(self, ref: str) -> str:
        """Return why there is no pair to look at."""
        return f"No pair of features of {self.labels[ref]} stands out: there is none to look at more closely."


def _describe_grid(frame: pd.DataFrame, one: str, two: str) -> str:
    """Return in which row the columns differ most and in which least, as factors on the odds."""
    known = frame[~frame["small"] & frame["value"].notna()]
    rows = known.groupby("row", observed=True)["value"]
    spread = (rows.max() - rows.min())[rows.count() > 1]
    if len(spread) < 2:
        return f"{one} and {two}: too few loans in most cells to compare"
    most, least = (format_factor(to_factor(size)) for size in (spread.max(), spread.min()))
    return (
        f"{two} changes the odds by up to × {most} where {one} is {spread.idxmax()}, by × {least} where it is "
        f"{spread.idxmin()}"
    )
