"""Why two models differ, in words: the difference of one loan, of all or of the swap set, feature by feature."""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analytics.disagreement import BASE, Difference, list_difference_steps, name_main_feature
from analytics.odds import to_factor, to_pd
from analytics.reasons import NEGLIGIBLE
from analytics.words import format_factor, format_interval, format_list, format_number, format_share
from pages.common import explain_data, explain_loan_data, explain_models_data
from pages.common.compare_pair import Pair
from pages.common.explain_words import Words
from pages.common.shell import View, describe_filters
from portfolio.histories import SEQUENCES

LOAN, ALL, SWAP = "One loan", "All loans", "Swap set"
MOST = 0.5  # of all that pushes the same way: a feature with less leads, but is not most of it
BACKGROUND = "the level of the background"
NAMED = 6  # features in a sentence; the rest are counted
APART = 1.2  # times the odds: single loans that spread less around an average of nothing are no finding
ROUNDING = 1e-9  # log-odds: what is left over beyond this is said
FORMULA = (
    "log-odds(challenger) − log-odds(champion) = (base challenger − base champion) + Σ (φ challenger − φ champion)"
)
MEANING = (
    "From the champion's log-odds to the challenger's: each bar is the difference of the two models' attributions of "
    "one feature, and one is the difference of the bases, the models' mean log-odds over the background. They add up "
    "exactly, because both models are explained against the same recorded background. A "
    "feature that a model does not use has attribution 0 there. Over several loans the bars are means, their whiskers "
    "mean ± t · sd / √n: what more such loans would give. A factor on the odds is exp(difference).\n\n"
    "It says where the models read the same loan differently, not which of them is right."
)


@dataclass(frozen=True)
class Asked:
    """What the reader looks at: LOAN with its id, ALL, or SWAP with the share approved and which side of it."""

    of: str
    loan: str = ""
    approved: float = 0.9
    move: str = "Both"


@dataclass(frozen=True)
class Told:
    """One difference as a waterfall's steps, its table and its words."""

    steps: pd.DataFrame
    table: pd.DataFrame
    title: str
    subtitle: str
    sentences: list[str]


class ModelsWords(Words):
    """What the Model against model section says of one pair."""

    def __init__(self, view: View, challenger: str = "") -> None:
        super().__init__(view)
        champion = self.default_model()
        self.others = {item.ref: item.label for item in self.views if item.ref != champion}
        chosen = challenger if challenger in self.others else next(iter(self.others), champion)
        known = {item.ref: item for item in self.views}
        self.pair = Pair(known[champion], known[chosen])
        self.names = self.pair.names
        self.colours_pair = (self.pair.champion.colour, self.pair.challenger.colour)
        self.choice = (self.selection, self.key, champion, chosen)

    def models(self) -> str:
        """Return the pair's versions with the start of their cards' SHA-256."""
        return ", ".join(f"{item.ref} ({item.sha256[:10]}…)" for item in (self.pair.champion, self.pair.challenger))

    def alone(self) -> tuple[str, str] | None:
        """Return why there is nothing to set against each other and the way on, or None."""
        name = self.selection.portfolio
        if not self.others:
            return (
                f"Only {self.names[0]} has explained the {self.schema.subject}s of the {self.when()}: a difference "
                "needs two models.",
                f"`python cli.py train --portfolio {name}` trains further models, "
                f"`python cli.py score --portfolio {name}` scores and explains the latest snapshot with each.",
            )
        if not self.explained():
            return (
                f"No {self.schema.subject} that {self.names[0]} has explained is among those that {self.names[1]} "
                f"has, for {describe_filters(self.view)}.",
                "Take a filter away, press *Clear all filters* in the sidebar, or choose another challenger.",
            )
        return None

    def explained(self) -> int:
        """Return how many loans both models have explained."""
        return explain_models_data.count(*self.choice)

    def ask_again(self, asked: Asked) -> tuple[str, str] | None:
        """Return why what was asked for cannot be told and the way on, or None."""
        subject = self.schema.subject
        if asked.of == LOAN and not self._has(asked.loan):
            return (
                f"There is no {subject} {asked.loan!r} in the {self.when()} for the chosen filters.",
                "Check the id, clear the field to see an example, or press *Clear all filters*.",
            )
        if self._difference(asked) is not None:
            return None
        if asked.of == LOAN:
            return (
                f"{subject.capitalize()} {asked.loan!r} is not among the {self.explained():,} that both models have "
                "explained.",
                "Clear the field to see one that is.",
            )
        share = format_share(asked.approved)
        if explain_models_data.moved(*self.choice, asked.approved).empty:
            said = f"At {share} approved, {self.names[0]} and {self.names[1]} approve the same {subject}s."
        else:
            said = f"None of the {subject}s that change sides at {share} approved is explained by both models."
        return said, "Move the share approved, or look at all loans."

    def _difference(self, asked: Asked) -> Difference | None:
        if asked.of == LOAN:
            return explain_models_data.loan_difference(*self.choice, asked.loan)
        if asked.of == SWAP:
            return explain_models_data.difference(*self.choice, approved=asked.approved, move=asked.move)
        return explain_models_data.difference(*self.choice)

    def tell(self, asked: Asked) -> Told:
        """Return the difference that was asked for; LookupError where there is none (see `ask_again`)."""
        found = self._difference(asked)
        if found is None:
            raise LookupError("asked for a difference of loans that the models have not both explained")
        values: dict[str, Any] | None = None
        if asked.of == LOAN:
            row = explain_data.loan(self.selection, self.key, asked.loan)
            values = dict.fromkeys(SEQUENCES, "") | {str(name): value for name, value in row.items()}
        steps = list_difference_steps(
            found, labels=self.feature_labels, values=values, units=self.units, names=self.names
        )
        return Told(
            steps,
            self._table(found),
            self._title(found, self._whom(found, asked)),
            self._subtitle(found),
            self._sentences(found, asked),
        )

    def _table(self, found: Difference) -> pd.DataFrame:
        labels = {"": ""} | self.feature_labels
        return found.terms.assign(
            label=[labels[name] for name in found.terms["feature"]],
            factor=found.terms["mean"].map(to_factor),
            n=found.n,
        )

    def _whom(self, found: Difference, asked: Asked) -> str:
        subject = self.schema.subject
        if asked.of == LOAN:
            return f"{subject} {asked.loan}"
        if asked.of == ALL:
            return f"{'these' if self.selection.where else 'all'} {found.n:,} {subject}s"
        which = {"Both": "that change sides"}.get(asked.move, asked.move.lower())
        return f"the {found.n:,} {subject}s {which}"

    def _title(self, found: Difference, whom: str) -> str:
        mean, low, high = (float(found.total[name]) for name in ("mean", "low", "high"))
        old, new = self.names
        average = " on average" if found.n > 1 else ""
        if abs(mean) < NEGLIGIBLE or low <= 0 <= high:
            clear = "about the same odds" if abs(mean) < NEGLIGIBLE else "no clearly different odds"
            spread = to_factor(float(found.total["sd"])) if found.n > 1 else 1.0
            single = f", but single ones differ by a factor of {format_factor(spread)}" if spread >= APART else ""
            return f"{new} and {old} see {clear}{average} for {whom}{single}"
        more, less = (new, old) if mean > 0 else (old, new)
        main = name_main_feature(found)
        why = self._name_main(found, main) if main else f"only {BACKGROUND}"
        return (
            f"{more} sees {format_factor(to_factor(abs(mean)))} times the odds {less} sees{average} for {whom}: {why}"
        )

    def _name_main(self, found: Difference, feature: str) -> str:
        """Return what leads the difference; "mostly" where it is most of what pushes in that direction."""
        pushes = found.terms["mean"] * (1 if found.total["mean"] > 0 else -1)
        row = found.terms["feature"] == feature
        push, base = float(pushes[row].iloc[0]), float(pushes[found.terms["kind"] == BASE].iloc[0])
        lacking = {"champion": self.names[1], "challenger": self.names[0]}.get(
            str(found.terms.loc[row, "only"].iloc[0])
        )
        named = self.feature_labels[feature] + (f", which {lacking} does not use" if lacking else "")
        if base > push:
            return f"led by {BACKGROUND}, then {named}"
        return f"{'mostly' if push >= MOST * float(pushes[pushes > 0].sum()) else 'led by'} {named}"

    def _subtitle(self, found: Difference) -> str:
        old, new = (format_share(float(to_pd(odds))) for odds in (found.start, found.end))
        over = f"mean of {found.n:,} {self.schema.subject}s, {describe_filters(self.view)}, " if found.n > 1 else ""
        at = " at the mean log-odds" if found.n > 1 else ""
        return f"From {self.names[0]}, PD {old}, to {self.names[1]}, PD {new}{at}; {over}{self.when()}"

    def _sentences(self, found: Difference, asked: Asked) -> list[str]:
        every = (
            self._size(found),
            self._against(found),
            self._swap(asked) if asked.of == SWAP else "",
            self._alone_features(found),
            self._part(),
            self._left_over(found),
        )
        return [sentence for sentence in every if sentence]

    def _size(self, found: Difference) -> str:
        mean, sd = float(found.total["mean"]), float(found.total["sd"])
        if found.n == 1 or math.isnan(sd):
            return ""
        few = f" {found.n} {self.schema.subject}s are too few to speak for others." if found.small else ""
        if self.view.business:
            spread = format_factor(to_factor(sd))
            return (
                f"Single {self.schema.subject}s spread around that average: one standard deviation is a factor of "
                f"{spread} on the odds either way.{few}"
            )
        interval = format_interval(float(found.total["low"]), float(found.total["high"]), digits=3)
        return (
            f"Mean difference of the log-odds {format_number(mean, 3)} {interval}, sd of the {self.schema.subject}s' "
            f"differences {format_number(sd, 2)}, n {found.n:,}.{few}"
        )

    def _against(self, found: Difference) -> str:
        """Return the feature that pulls hardest against the whole difference."""
        features = found.terms[found.terms["kind"] == "feature"]
        sign = 1 if found.total["mean"] >= 0 else -1
        against = features[features["mean"] * sign < -NEGLIGIBLE]
        if against.empty or abs(found.total["mean"]) < NEGLIGIBLE:
            return ""
        row = against.iloc[int(against["mean"].abs().argmax())]
        mean = float(row["mean"])
        riskier = self.names[1] if mean > 0 else self.names[0]
        factor = format_factor(to_factor(abs(mean)))
        return (
            f"{self.feature_labels[row['feature']]} pulls the other way: by a factor of {factor} riskier to {riskier}."
        )

    def _swap(self, asked: Asked) -> str:
        moves = explain_models_data.moved(*self.choice, asked.approved)["move"].value_counts()
        subject, old, new = self.schema.subject, *self.names
        return (
            f"Each model approves the same {format_share(asked.approved)} of the {subject}s of the {self.when()}, "
            f"those with its lowest PDs: {new} swaps {moves.get('swapped in', 0):,} in that {old} declines and as many "
            f"out. Compare makes the same swap on {subject}s whose outcome is known."
        )

    def _alone_features(self, found: Difference) -> str:
        parts = []
        for side, name in zip(("champion", "challenger"), self.names, strict=True):
            only = [self.feature_labels[feature] for feature in found.terms.loc[found.terms["only"] == side, "feature"]]
            if only:
                shown = only if len(only) <= NAMED else [*only[: NAMED - 1], f"{len(only) - NAMED + 1} more features"]
                parts.append(f"only {name} uses {format_list(shown)}")
        if not parts:
            return ""
        told = "; ".join(parts)
        return f"{told[0].upper()}{told[1:]}: there the other model's attribution counts as 0."

    def _has(self, loan_id: str) -> bool:
        return explain_loan_data.loan_pds(self.selection, self.key, tuple(self.labels), loan_id) is not None

    def _part(self) -> str:
        both, every = self.explained(), self.counted()
        if both >= every:
            return ""
        return (
            f"{both:,} of {every:,} {self.schema.subject}s are explained by both models; the others are left out, and "
            "the explained ones are spread over all levels of risk."
        )

    def _left_over(self, found: Difference) -> str:
        if found.left_over <= ROUNDING:
            return ""
        return (
            f"The explanations miss the models' own log-odds by at most {found.left_over:.1g} a {self.schema.subject} "
            "(single-precision arithmetic of a network); the table keeps that as remainder."
        )
