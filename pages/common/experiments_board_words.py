"""The leaderboard in words: who leads, whether the lead is clear, what it costs and what was tuned on which dates."""

from typing import Any

import numpy as np
import pandas as pd

from analytics.words import format_interval, format_list, format_number
from pages.common.compare_cost_words import NONE
from pages.common.experiments_words import MANY, PAIRED, Words, say_difference
from pages.common.shell import plain

GINI = "Gini = 2 · AUC − 1; difference = Gini of the experiment − Gini of the one compared with, on the same rows"
SHOWN = (
    "Each experiment's Gini with its interval; below it, where several seeds were fitted, the range of their Ginis. "
    "Right: the difference from the experiment compared with, grey where it is not clear."
)
COSTS = (
    "**Parameters** are a logistic regression's and a network's weights, a scorecard's weights and bins, boosting's "
    "leaves. **Latency** is the second prediction of 10,000 loans, **fit** the seconds of one seed with its early "
    "stopping, **memory** the peak of the whole process, which may have fitted others before. **From the truth** is "
    "the root mean square distance of the PDs from the true ones, known only for a generated book and without the "
    "noise of the simulation."
)
TRUTH_DIGITS = 4
FORMATS = {"Parameters": "localized", "Latency, ms": "%.0f", "Fit, s": "%.0f", "Memory, MB": "localized",
           "From the truth": "%.4f", "Log loss": "%.5f", "Observed / expected": "%.2f"}  # fmt: skip


class BoardWords:
    """What the leaderboard of one sample says, against one experiment."""

    def __init__(self, words: Words, sample: str, against: str) -> None:
        self.words, self.sample, self.against = words, sample, against
        self.board = words.board(sample)
        self.apart = words.apart(sample, against)
        self.leader = str(self.board["name"].iloc[0])

    def title(self) -> str:
        """Return who leads and whether the lead is clear; a tie is said as a tie."""
        first = self.board.iloc[0]
        head = f"{self.leader} leads with a Gini of {format_number(first['gini'], 3)}"
        if len(self.board) == 1:
            return f"{self.leader} has a Gini of {format_number(first['gini'], 3)}; there is no other to compare with"
        if self.leader == self.against:
            return f"{head}; {self._behind()}"
        row = self.apart[self.apart["name"] == self.leader].to_dict("records")[0]
        interval = say_difference(row)
        if row["verdict"] == "better":
            return f"{head}, clearly above {self.against}: {interval}"
        gini = format_number(first["gini"], 3)
        return f"A tie: {self.leader} leads with {gini}, not clearly above {self.against}: {interval}"

    def _behind(self) -> str:
        """Return how many of the others are clearly behind the leader, which is the one compared with."""
        worse = int((self.apart["verdict"] == "worse").sum())
        others = len(self.apart)
        if worse == others:
            return "all others are clearly behind" if others > 1 else f"{self.apart['name'].iloc[0]} is clearly behind"
        if not worse:
            return "a tie: no other is clearly behind"
        return f"{worse} of {others} others are clearly behind"

    def counts(self) -> str:
        """Return how many are clearly better or worse than the one compared with."""
        better = [str(name) for name in self.apart.loc[self.apart["verdict"] == "better", "name"]]
        worse = [str(name) for name in self.apart.loc[self.apart["verdict"] == "worse", "name"]]
        ties = len(self.apart) - len(better) - len(worse)
        parts = [f"Clearly better than {self.against}: {format_list(better) or 'none'}",
                 f"clearly worse: {format_list(worse) or 'none'}", f"no clear difference: {ties}"]  # fmt: skip
        return "; ".join(parts) + "." + self._fewer()

    def _fewer(self) -> str:
        """Return that the differences are on fewer rows than the Ginis, where experiments judged different ones."""
        shared, most = int(self.apart["n"].iloc[0]), int(self.board["n"].max())
        return f" Differences are on the {shared:,} rows that all experiments judged." if shared < most else ""

    def subtitle(self) -> str:
        """Return what is drawn, on how many rows."""
        return f"Gini with 95 % intervals clustered by loan, {self.words.window(self.sample)}"

    def definition(self) -> str:
        """Return how the figure is made."""
        return f"{SHOWN} {PAIRED} {MANY}"

    def frame(self) -> pd.DataFrame:
        """Return the leaderboard with the differences, numbers as they are, for the table and the download."""
        columns = {"difference": "difference", "low": "difference_low", "high": "difference_high",
                   "p_value": "p_value", "verdict": "verdict"}  # fmt: skip
        apart = self.apart[["name", *columns]].rename(columns=columns)
        return self.board.merge(apart, on="name", how="left").assign(against=self.against)

    def costs(self) -> pd.DataFrame:
        """Return a row an experiment with what it reaches and costs; numbers stay numbers, so that they sort."""
        board = self.board
        apart = {row["name"]: say_difference(row) for row in self.apart.to_dict("records")}
        gini = [f"{row['gini']:.3f} {format_interval(row['low'], row['high'], digits=3)}" for row in _rows(board)]
        seeds = [_say_seeds(row) for row in _rows(board)]
        columns: dict[str, Any] = {
            "Experiment": board["name"],
            "Gini": gini,
            f"− {self.against}": [apart.get(name, NONE) for name in board["name"]],
            "Parameters": board["complexity"],
            "Latency, ms": board["latency_ms"],
            "Fit, s": board["fit_seconds"],
            "Memory, MB": board["peak_memory_mb"],
            "Trials": board["trials"],
            **({"From the truth": board["rmse_truth"].astype(float)} if self._has_truth() else {}),
            "Gini over seeds": seeds,
            "Log loss": board["log_loss"],
            "Observed / expected": board["o_e_ratio"],
            "Family": board["title"],
        }
        return pd.DataFrame(columns)

    def _has_truth(self) -> bool:
        return bool(self.board["rmse_truth"].notna().any())

    def truth(self) -> str:
        """Return who is nearest to the true PDs and what Gini the truth itself has, where it is known."""
        if not self._has_truth():
            return ""
        distances = self.board.set_index("name")["rmse_truth"].astype(float)
        nearest = str(distances.idxmin())
        facts = next(run.report["truth"] for run in self.words.runs.done if run.report.get("truth"))
        ceiling = _number(facts.get("ceiling_gini"))
        said = (
            f"The true PDs of this generated book are known: {plain(nearest)} is nearest to them "
            f"({format_number(float(distances.min()), TRUTH_DIGITS)} root mean square)."
        )
        if not np.isfinite(ceiling):
            return said
        dates = format_list([str(date) for date in facts["dates"]])
        return (
            f"{said} As simulated in {facts['repeats']} lives a loan they have a Gini of {format_number(ceiling, 3)} "
            f"on {facts['n']:,} rows of {dates}; the noise of so few lives lowers it, so the truth itself ranks better."
        )

    def protocol(self) -> str:
        """Return in words what was learnt and tuned on which dates, and what was never touched."""
        run = next(run for run in self.words.runs.done if run.config.name == self.leader)
        facts = run.report["protocol"]
        development = facts["development"]
        lines = [f"**Learnt from** {_span(development)}, by the leader {plain(self.leader)}."]
        lines += self._tuned()
        lines.append(f"**Epochs and early stopping** (networks): {facts['stopped_on']}.")
        if facts["embargo_months"]:
            lines.append(
                f"**Embargo:** {facts['embargo_months']} months between what is fitted and what judges, so that no "
                "outcome window overlaps."
            )
        for sample in self.words.samples:
            lines.append(f"**{sample.capitalize()}:** {_span(facts[sample])}.")
        lines.append(f"**Never touched:** {facts['untouched']}.")
        shares = sorted({float(run.config.share) for run in self.words.runs.done})
        if shares != [1.0]:
            said = format_list([f"{100 * share:g} %" for share in shares])
            lines.append(f"Experiments differ in the share of the development loans they learnt from: {said}.")
        return "\n".join(f"- {line}" for line in lines)

    def _tuned(self) -> list[str]:
        tuned = [run for run in self.words.runs.done if run.report["trials"]]
        if not tuned:
            return ["**Tuned:** nothing."]
        counts = [f"{plain(run.config.name)} {len(run.report['trials'])}" for run in tuned]
        where = list(dict.fromkeys(span for run in tuned for span in run.report["protocol"]["tuned_on"]))
        return [f"**Tuned** (trials): {format_list(counts)}; each by its log loss, {'; '.join(where)}."]


def _rows(board: pd.DataFrame) -> list[dict[Any, Any]]:
    return board.to_dict("records")


def _say_seeds(row: dict[Any, Any]) -> str:
    return f"{row['seed_low']:.3f} to {row['seed_high']:.3f} ({row['seeds']})" if row["seeds"] > 1 else "1 seed"


def _span(part: dict[str, Any]) -> str:
    ends = list(dict.fromkeys([part["from"], part["until"]])) if part["from"] else []
    dates = f", {' to '.join(ends)}" if ends else ""
    return f"{part['rows']:,} rows of {part['loans']:,} loans with {part['events']:,} events{dates}"


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
