"""The verdict on top of Compare: a sentence on each challenger and the policy's criteria, each passed or failed."""

import numpy as np
import pandas as pd
import streamlit as st

from analytics.performance import METRICS
from analytics.verdict import (
    LEVEL,
    NO_WORSE,
    SEGMENTS,
    SLOPE,
    STABILITY,
    SUPERIOR,
    Criterion,
    Verdict,
    format_change,
)
from analytics.words import format_interval, format_list, format_number, format_p_value
from models.families import TITLES
from pages.common import compare_verdict_data, model_data
from pages.common.compare_words import Words
from pages.common.shell import plain

BADGES = {
    "better": "green-badge[✔ better]",
    "no worse": "blue-badge[● no worse]",
    "mixed": "orange-badge[▲ mixed]",
    "worse": "red-badge[✖ worse]",
    "not clear": "gray-badge[◐ not clear]",
}
OUTCOMES = {
    "passed": ":green[✔ passed]",
    "failed": ":red[✖ failed]",
    "not clear": ":orange[◐ not clear]",
    "not run": ":gray[○ not run]",
}
RANKS = ("gini", "auc", "ks")
NAMED = 3  # segments named in a sentence
HOW = """**How is this decided?** The criteria are the portfolio's own (`policy.toml`, section comparison; \
`python cli.py policy` prints those in force).

- *Better*: clearly better on the primary metric, and no other criterion failed. *No worse*: not worse by more than \
the margin. *Mixed*: better or no worse, but another criterion failed. *Worse*: clearly worse. *Not clear*: the data \
do not tell.
- A criterion is *not clear* where its interval allows both, *not run* where nothing was measured; neither decides.
- Both models are measured on the same rows, with intervals clustered by {subject} at {level}.
- The band for observed / expected also holds for the calibration slope.
- Segments are judged one by one and adjusted for their number (Holm): any false "worse" among them has at most \
probability {error}. Segments with fewer than 30 rows or 5 events are not judged.
- Each challenger is judged by itself: of many challengers, one may look better by chance."""


class VerdictWords:
    """What is said of every challenger on one sample."""

    def __init__(self, words: Words, sample: str) -> None:
        self.words, self.sample, self.view, self.selection = words, sample, words.view, words.selection
        self.policy = compare_verdict_data.policy(self.selection)
        self.found = compare_verdict_data.verdicts(self.selection, sample)
        self.champion = next((item for item in words.views if item.is_champion), None)
        frame = model_data.metrics(self.selection, sample)
        ratios = frame[frame["metric"] == "o_e_ratio"].set_index("model")
        self.ratios = {str(ref): row for ref, row in ratios.iterrows()}

    def problem(self) -> str:
        """Return why there is no verdict, or nothing."""
        if self.champion is None:
            return f"The champion has no scores yet: `python cli.py score --portfolio {self.selection.portfolio}`."
        if not self.found:
            return f"Only {plain(self.words.views[0].label)} has scores; a comparison needs two models."
        return ""

    def champion_sentence(self) -> str:
        """Return whether the champion's own PDs fit."""
        label = "The champion" if self.champion is None else f"{bare(self.champion.label)}, the champion"
        return f"{label}: {self.level('' if self.champion is None else self.champion.ref)}."

    def sentence(self, ref: str) -> str:
        """Return what a manager should know of one challenger."""
        verdict = self.found[ref]
        said = f"{self.words.labels[ref]} {self._relation(verdict)} {spoken(self._champion_label())}"
        if not self.view.business:
            said += f": {verdict.criterion(SUPERIOR).words}, {format_p_value(verdict.p_value)}"
        parts = [said, *self._segments(verdict), self.level(ref), *self._doubts(verdict)]
        return "; ".join(parts) + "."

    def _champion_label(self) -> str:
        return "" if self.champion is None else self.champion.label

    def _relation(self, verdict: Verdict) -> str:
        superior, no_worse = verdict.criterion(SUPERIOR), verdict.criterion(NO_WORSE)
        ranks = self.policy.primary_metric in RANKS
        verb = self.view.word("sorts good from bad loans", "ranks") if ranks else "predicts"
        if superior.passed:
            return f"{verb} better than"
        if verdict.decision == "worse":
            return f"{verb} worse than"
        if no_worse.passed:
            return f"{verb} no worse than"
        return f"cannot be told apart in {self.view.word('sorting', 'ranking') if ranks else 'prediction'} from"

    def _segments(self, verdict: Verdict) -> list[str]:
        """Return in how many segments it is no worse, and where it is worse."""
        counts, group = verdict.segments, self.view.word("groups of loans", "segments")
        if not counts.judged:
            return []
        shown = counts.better + counts.no_worse
        if not counts.worse:
            unclear = f", {counts.not_clear} not clear" if counts.not_clear else ""
            better = "" if self.view.business else f" ({shown} better or no worse{unclear})"
            return [f"clearly worse in none of {counts.judged} {group}{better}"]
        unclear = f", not clear in {counts.not_clear}" if counts.not_clear else ""
        return [
            f"no worse in {shown} of {counts.judged} {group}{unclear}",
            f"worse for {self._places(counts.worse_in)}",
        ]

    def _places(self, places: tuple[tuple[str, str], ...]) -> str:
        labels = {item.name: item.label for item in self.words.schema.fields}
        names = [f"{labels.get(field, field)}: {segment}" for field, segment in places]
        more = len(names) - NAMED
        return format_list(names if more <= 0 else [*names[:NAMED], f"{more} more"])

    def level(self, ref: str) -> str:
        """Return whether a model's PDs fit the outcomes, with the ratio in the Risk reading."""
        row = self.ratios[ref]
        said = "its PDs fit the outcomes"
        if not np.isfinite(row["low"]) or not np.isfinite(row["high"]):
            return "whether its PDs fit cannot be told"
        if row["low"] > 1:
            said = "its PDs are too low"
        elif row["high"] < 1:
            said = "its PDs are too high"
        if self.view.business:
            return said
        interval = format_interval(row["low"], row["high"], digits=2)
        return f"{said} (observed/expected {format_number(row['estimate'], 2)} {interval})"

    def _doubts(self, verdict: Verdict) -> list[str]:
        failed = [
            self.name(name).lower() for name in verdict.with_outcome("failed") if name not in (SUPERIOR, NO_WORSE)
        ]
        return [f"fails: {format_list(failed)}"] if failed else []

    def name(self, criterion: str) -> str:
        """Return what a criterion is called."""
        ranks = self.policy.primary_metric in RANKS
        metric = METRICS[self.policy.primary_metric].label
        names = {
            SUPERIOR: ("Sorts loans better" if ranks else "Predicts better", f"{metric}: superior"),
            NO_WORSE: ("Sorts loans no worse" if ranks else "Predicts no worse", f"{metric}: non-inferior"),
            LEVEL: ("As many events as expected", "Observed / expected"),
            SLOPE: ("PDs spread as they should", "Calibration slope"),
            SEGMENTS: ("Worse in no group of loans", "Segments"),
            STABILITY: ("The same when trained again", "Gini over seeds, SD"),
        }
        return self.view.word(*names[criterion])

    def limit(self, item: Criterion) -> str:
        """Return a criterion's limit."""
        if self.policy.primary_metric not in ("gini", "auc") or not self.view.business:
            return item.limit
        pairs = 100 * self.policy.margin / (2 if self.policy.primary_metric == "gini" else 1)
        bottom, top = (
            format_number(100 * end, 0) for end in (self.policy.calibration_low, self.policy.calibration_high)
        )
        plainly = {
            SUPERIOR: "surely more pairs in the right order",
            NO_WORSE: f"surely at most {pairs:g} of 100 pairs fewer",
            LEVEL: f"{bottom} to {top} for 100 expected",
            SEGMENTS: "in none clearly worse",
        }
        return plainly.get(item.name, item.limit)

    def value(self, item: Criterion) -> str:
        """Return what a criterion came to, in the words of the reading."""
        if not np.isfinite(item.value):
            return ""
        if not self.view.business or (item.name in (SUPERIOR, NO_WORSE) and not self._counts_pairs()):
            return self._shorten(item.words)
        if item.name in (SUPERIOR, NO_WORSE):
            pairs = 100 * item.value / (2 if self.policy.primary_metric == "gini" else 1)
            return f"{format_change(pairs, 1)} of 100 pairs"
        if item.name == LEVEL:
            return f"{100 * item.value:.0f} for 100"
        return self._shorten(item.words).replace("segments", "groups")

    def _shorten(self, text: str) -> str:
        """Return a criterion's words without its name, which its row has already."""
        for name in (METRICS[self.policy.primary_metric].label, "observed / expected", "calibration slope"):
            text = text.removeprefix(f"{name} ")
        return text.removeprefix("standard deviation of the Gini over seeds ").removeprefix("clearly worse ")

    def _counts_pairs(self) -> bool:
        return self.policy.primary_metric in ("gini", "auc")

    def table(self) -> pd.DataFrame:
        """Return one row a criterion and one column a challenger, as Markdown: outcome and value, and the limit."""
        refs = list(self.found)
        rows = {}
        for items in zip(*(self.found[ref].criteria for ref in refs), strict=True):
            cells = {plain(self.words.labels[ref]): self._cell(item) for ref, item in zip(refs, items, strict=True)}
            rows[self.name(items[0].name)] = {"Limit": plain(self.limit(items[0])), **cells}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("Criterion")

    def _cell(self, item: Criterion) -> str:
        value = plain(self.value(item))
        return OUTCOMES[item.outcome] + (f" · {value}" if value else "")

    def reasons(self) -> list[str]:
        """Return why criteria were not run or are not clear, each reason once."""
        found: dict[str, list[str]] = {}
        for verdict in self.found.values():
            for item in verdict.criteria:
                if item.passed is None:
                    names = found.setdefault(f"{item.outcome}: {item.reason}", [])
                    names += [] if self.name(item.name) in names else [self.name(item.name)]
        return [f"{format_list(names)} {reason}." for reason, names in found.items()]


def bare(label: str) -> str:
    """Return a model's label without the mark of the champion."""
    return label.removesuffix(" (champion)")


def spoken(label: str) -> str:
    """Return a model's label in the middle of a sentence: a family with its article, a name as it is.

    >>> spoken("Scorecard (champion)"), spoken("Vendor")
    ('the scorecard', 'Vendor')
    """
    name = bare(label)
    return f"the {name.lower()}" if name in TITLES.values() else name


def draw(words: Words, sample: str) -> None:
    """Show a sentence on every model, and the criteria."""
    said = VerdictWords(words, sample)
    if problem := said.problem():
        st.markdown(f"- **{problem}**")
        return
    with st.container(border=True):
        for ref, verdict in said.found.items():
            st.markdown(f":{BADGES[verdict.decision]} **{plain(said.sentence(ref))}**")
        st.markdown(plain(said.champion_sentence()))
        st.table(said.table(), border="horizontal")
        st.caption("  \n".join(said.reasons()))
        level = said.policy.level
        with st.popover("How is this decided?", icon=":material/function:", type="tertiary", key="compare_verdict_how"):
            st.markdown(
                HOW.format(
                    subject=words.schema.subject,
                    level=f"{format_number(100 * level)} %",
                    error=f"{format_number(round(100 * (1 - level), 3))} %",
                )
            )
