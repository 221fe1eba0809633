"""Explain's trust section in words: do attributions add up, do reasons hold, are the loans like those of training?"""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analytics.words import format_list, format_share
from pages.common import explain_trust_data, what_if_data
from pages.common.explain_words import Words

SHOWN = 8  # features of the spread's figure
MANY = 10  # times the policy's share: so many loans outside by one field are worth the title
PATIENCE = 600.0  # seconds beyond which explanations are not made again in the page

ADD_UP = "gap = |log-odds − base − Σφ|"
AGAIN = (
    "The same loans are explained again against other backgrounds of as many rows, drawn at random from the "
    "development sample, and, where a model's attributions are sampled, with other seeds against the recorded "
    "background. A reason is one of the four largest contributions of either sign (fields summed by the schema's "
    "groups, at least 0.05 log-odds); it is given again where the repeat has it among its own reasons with the same "
    "sign.\n\nSeeds: backgrounds 0, 1, 2, …; the explainer's own seed plus 1, 2, 3, …"
)
SPREAD = (
    "Dot: mean size of a feature's attribution over the loans. Line: the standard deviation of a loan's attribution "
    "over the other backgrounds and seeds, averaged over the loans, to either side. A wide line means that the size "
    "of the reason depends on which loans it is compared with, not that the PD is uncertain."
)
NOT_BUSINESS = (
    "**It is not a cause.** It says what moved the model's answer. That income raises a PD here does not say that a "
    "rise of income would prevent a default.",
    "**It is no forecast of a change.** What would happen to the PD if a value were different is asked on *What if*, "
    "where the model is run again.",
    "**It compares with other loans.** Every reason is against an average of recorded loans; with other loans to "
    "compare with, sizes change and weak reasons may come or go.",
    "**Related facts share the credit.** Loan-to-value and balance go together: how the credit is split between them "
    "says little, so they are summed into groups.",
    "**Some comparisons never occur.** To split the credit, values of different loans are mixed; some mixtures exist "
    "nowhere, and the model has never seen them.",
)
NOT_RISK = (
    "**Not causal.** φ decomposes the model's log-odds, not the process behind the event; a confounder that the model "
    "leans on gets the credit.",
    "**Not what would happen.** φ is no derivative and no counterfactual: Σφ returns to the background's mean, not to "
    "the loan with one value changed. *What if* evaluates the model itself.",
    "**Relative to the background.** v(S) is the mean of f over the recorded background with the features in S set to "
    "the loan's; another background shifts every φ. The spread below says by how much.",
    "**Correlated features share credit** by the model's own use of them: two equivalent models may split it in "
    "different ways. Rank sums of groups, not single fields.",
    "**Interventional means off the data's manifold.** Features outside S are drawn from the background regardless of "
    "those in S, so f is asked about combinations that need not exist; a flexible model may answer anything there.",
)


@dataclass(frozen=True)
class Shown:
    """A table and its figure's words."""

    frame: pd.DataFrame
    title: str
    subtitle: str


@dataclass(frozen=True)
class Sum:
    """How one model's attributions add up: a card."""

    label: str
    value: str
    explanation: str


class TrustWords(Words):
    """What the Trust section says of the models that have explained the snapshot."""

    def sums(self) -> list[Sum]:
        """Return each model's largest gap as a card."""
        found = []
        for item in self.views:
            row, limit = self._added(item.ref), explain_trust_data.limit(self.selection, item.ref)
            found.append(
                Sum(
                    f"Gap, {item.label.removesuffix(' (champion)')}",
                    f"{row['largest']:.1e}",
                    f"|log-odds − base − Σφ| over {row['n']:,} explained loans; refused above {limit:.0e}.",
                )
            )
        return found

    def _added(self, ref: str) -> dict[str, Any]:
        row = explain_trust_data.additivity(self.selection, ref, self.key).iloc[0]
        return {**{str(name): value for name, value in row.items()}, "n": int(row["n"])}

    def sum_title(self) -> str:
        """Return whether all attributions add up."""
        rows = {item.ref: self._added(item.ref) for item in self.views}
        bad = [item.label for item in self.views
               if not rows[item.ref]["largest"] <= explain_trust_data.limit(self.selection, item.ref)]  # fmt: skip
        if bad:
            return f"Do not use the attributions of {format_list(bad)}: they do not add up to the PD. Score anew."
        worst, n = max(row["largest"] for row in rows.values()), max(row["n"] for row in rows.values())
        subject = f"{self.schema.subject}{'s' if n != 1 else ''}"
        return self.view.word(
            f"Every explanation adds up to its PD ({n:,} {subject} checked, model by model)",
            f"Base plus attributions give the log-odds to {worst:.0e} on {n:,} {subject}",
        )

    def sum_table(self) -> pd.DataFrame:
        """Return the gaps as a table, with the sampling noise of a loan's attributions where it is stored."""
        rows = []
        for item in self.views:
            found = self._added(item.ref)
            row = {"Model": item.label, "Explained": f"{found['n']:,}", "Largest gap": f"{found['largest']:.1e}",
                   "Limit": f"{explain_trust_data.limit(self.selection, item.ref):.0e}"}  # fmt: skip
            for name, said in (("50", "Noise, median"), ("95", "Noise, 95 %"), ("100", "Noise, largest")):
                size = found.get(f"noise_{name}")
                row[said] = "not stored" if size is None or pd.isna(size) else "none" if size == 0 else f"{size:.3f}"
            rows.append(row)
        return pd.DataFrame(rows)

    def ranges(self) -> pd.DataFrame:
        """Return by model how many of the snapshot's loans are outside what it was trained on."""
        rows = []
        for item in self.views:
            found = self._outside(item.ref)
            top = found.fields.iloc[0] if len(found.fields) else None
            most = "none" if top is None or not top["outside"] else (
                f"{self.feature_labels[str(top['feature'])]}, {format_share(float(top['share']))}")  # fmt: skip
            rows.append(
                {"Model": item.label, "Trained on loans up to": found.until or "not known",
                 "Rare combination": "no numbers" if found.rare is None else format_share(found.rare),
                 "Field most outside": most,
                 "Loans": "all " * (found.loans == found.total) + f"{found.loans:,}"}
            )  # fmt: skip
        return pd.DataFrame(rows)

    def range_title(self) -> str:
        """Return which model's training the loans leave most, against the share that training loans do by design."""
        known = {item.label: self._outside(item.ref).rare for item in self.views}
        rare = {label: share for label, share in known.items() if share is not None}
        if not rare:
            return "No model reads a number: rare combinations cannot be found"
        label = max(rare, key=lambda name: rare[name])
        usual = format_share(self.rarest)
        if rare[label] <= 2 * self.rarest:
            return f"The {self.schema.subject}s are like those the models were trained on{self._but()}"
        return (
            f"{format_share(rare[label])} of the {self.schema.subject}s are rarer than the rarest {usual} in the "
            f"training of {label}"
        )

    def _but(self) -> str:
        """Return the field that leaves a model's training most, where many loans do."""
        tops = {item.label: self._outside(item.ref).fields.iloc[0] for item in self.views
                if len(self._outside(item.ref).fields)}  # fmt: skip
        label = max(tops, key=lambda name: float(tops[name]["share"]), default="")
        if not label or float(tops[label]["share"]) <= MANY * self.rarest:
            return ""
        field = self.feature_labels[str(tops[label]["feature"])]
        return f", but {format_share(float(tops[label]['share']))} have a {field} that {label} hardly saw"

    def range_meaning(self) -> str:
        """Return what outside means."""
        return (
            "An isolation forest on a model's numbers, fitted on rows of the development sample up to its own last "
            f"training date; rare is what scores below the rarest {format_share(self.rarest)} of those rows (policy: "
            "[explanation] rarest). A field is outside beyond the same share on either side, or with a category that "
            "training has not. There PDs and reasons are an extrapolation; models from elsewhere are compared with "
            "the whole development sample."
        )

    @property
    def rarest(self) -> float:
        """The policy's share of training loans beyond which a loan is rare."""
        return what_if_data.rule(self.selection).rarest

    def _outside(self, ref: str) -> explain_trust_data.Outside:
        return explain_trust_data.outside(self.selection, ref, self.key)

    def costs(self) -> dict[str, float]:
        """Return about how many seconds each model's explanations take to be made again; those of `unread` are not."""
        return {
            item.ref: explain_trust_data.seconds(self.selection, item.ref, self.key)
            for item in self.views
            if not self.histories(item.ref)
        }

    def unread(self) -> str:
        """Return which models' explanations are not made again in any case, and why; "" where there is none."""
        names = [item.label for item in self.views if self.histories(item.ref)]
        if not names:
            return ""
        read = "reads" if len(names) == 1 else "read"
        return f"{format_list(names)}: not measured, for it {read} histories, and a loan takes it seconds to explain."

    def cost(self) -> str:
        """Return what making explanations again costs, and which models are left out for it."""
        costs = self.costs()
        kept = [seconds for seconds in costs.values() if seconds <= PATIENCE]
        slow = [f"{self.labels[ref]} (about {_duration(seconds)})" for ref, seconds in costs.items()
                if seconds > PATIENCE]  # fmt: skip
        told = f"Takes about {_duration(sum(kept))}, once." if kept else ""
        left = f"Left out, too slow for a page: {format_list(slow)}." if slow else ""
        return " ".join(part for part in (told, left, self.unread()) if part)

    def again(self) -> dict[str, explain_trust_data.Again]:
        """Return the repeats of each model that is quick enough."""
        return {
            ref: explain_trust_data.again(self.selection, ref, self.key)
            for ref, seconds in self.costs().items()
            if seconds <= PATIENCE
        }

    def repeats(self) -> Shown:
        """Return every repeat of every model and whether reasons hold."""
        found = self.again()
        frame = pd.concat([item.repeats.assign(model=ref) for ref, item in found.items()], ignore_index=True)
        # What other loans to compare with change is the question; seeds are shown beside it.
        drawn = frame[frame["kind"] == "background"].groupby("model")["again"].mean()
        worst = str(drawn.idxmin()) if drawn.notna().any() else ""
        least = what_if_data.rule(self.selection).stable_share
        if not worst:
            title = "No loan has a reason large enough to be followed"
        elif float(drawn[worst]) >= least:
            title = f"Reasons hold: at least {format_share(float(drawn[worst]))} are given again with other backgrounds"
        else:
            title = (
                f"{self.labels[worst]}: with another background only {format_share(float(drawn[worst]))} of reasons "
                "are given again"
            )
        loans = max(item.loans for item in found.values())
        subtitle = (
            f"{loans} {self.schema.subject}s spread over the ranking; a dot a repeat; dotted: stable by policy, "
            f"{format_share(least)}"
        )
        return Shown(frame, title, subtitle)

    def repeat_table(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the repeats by model and kind in words."""
        rows = []
        for (ref, kind), own in frame.groupby(["model", "kind"], sort=False):
            rows.append(
                {"Model": self.labels[str(ref)], "Other": str(kind), "Repeats": len(own),
                 "Rank correlation, lowest": f"{own['rank_correlation'].min():.3f}",
                 "Top four the same": format_share(float(own["overlap"].mean())),
                 "Reasons given again": format_share(float(own["again"].mean())),
                 "Top reason changes": format_share(float(own["top_changed"].mean()))}
            )  # fmt: skip
        return pd.DataFrame(rows)

    def spread(self) -> tuple[Shown, list[str]]:
        """Return the spread of every model's attributions, and the features to show."""
        found = self.again()
        frame = pd.concat([item.spread.assign(model=ref) for ref, item in found.items()], ignore_index=True)
        order = frame.groupby("feature")["importance"].max().sort_values(ascending=False)
        features = [str(name) for name in order.index[:SHOWN]]
        lead = self.default_model() if self.default_model() in found else next(iter(found))
        own = frame[(frame["model"] == lead) & frame["feature"].isin(features) & (frame["spread"] > 0)]
        title = f"{self.labels[lead]}: attributions do not depend on the background"
        if len(own):
            top = own.iloc[int(own["share"].to_numpy(dtype=float).argmax())]
            title = (
                f"{self.feature_labels[str(top['feature'])]} depends most on the background: its attribution by "
                f"{self.labels[lead]} moves by {format_share(float(top['share']))}"
            )
        subtitle = "Mean size of the attribution, a line of one standard deviation over the repeats"
        return Shown(frame, title, subtitle), features

    def is_not(self) -> tuple[str, ...]:
        """Return what an attribution is not."""
        return NOT_BUSINESS if self.view.business else NOT_RISK


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, math.ceil(seconds))} s"
    return f"{math.ceil(seconds / 60)} min"
