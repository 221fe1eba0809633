"""The Experiments page in words: which experiments there are, on which rows, against which one they are told."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from analytics.figures.experiments import Look, family_looks
from analytics.words import format_interval, format_list, format_number
from models.experiments.config import SETS, ExperimentConfig, list_configs
from models.experiments.folders import Run
from pages.common import experiments_data
from pages.common.shell import View, plain

MEANING = {
    "out-of-time": "Out-of-time: dates after every development date, with all outcome windows of training closed.",
    "out-of-sample": "Out-of-sample: other loans of the development's dates. No experiment has seen these loans.",
}
PAIRED = (
    "Differences are paired: both experiments judge the same rows, so their errors are correlated and the interval of "
    "the difference is shorter than the two intervals suggest. Intervals are 95 %, clustered by loan. Each experiment "
    "is judged by its first seed: one model, as it would be used."
)
MANY = (
    "Each difference is judged by itself: of many experiments, one may look better by chance, and the best of many "
    "looks better than it is."
)


class Words:
    """What the Experiments page says about one portfolio."""

    def __init__(self, view: View) -> None:
        # Experiments are judged on all loans: the sidebar's filters say nothing about them.
        self.view = replace(view, selection=replace(view.selection, where=()))
        self.filtered = bool(view.selection.where)
        self.selection, self.schema = self.view.selection, view.schema
        self.runs = experiments_data.runs(self.selection)
        self.boards = experiments_data.boards(self.selection) if self.runs.done else {}
        self.samples = list(self.boards)
        # The full ones before their variants, so that these have the plain lines.
        configs = sorted((run.config for run in (*self.runs.done, *self.runs.begun)), key=_fullness)
        champion = experiments_data.champion_family(self.selection)
        self.looks: dict[str, Look] = family_looks({item.name: item.family for item in configs}, champion)

    def problem(self) -> tuple[str, str] | None:
        """Return why there is nothing to show and the way on, or None."""
        name = self.selection.portfolio
        if not self.schema.with_role("target"):
            return (
                "This portfolio has no outcome: no field has the role target.",
                "Name one in schema.toml, then run experiments.",
            )
        if not self.boards and not self.runs.begun:
            stale = self.other_data()
            return (
                stale or "No experiment of this portfolio has been run yet.",
                f"`python cli.py experiments run --set contest --portfolio {name}` runs the contest of all families, "
                f"`python cli.py experiments run logistic boosting --portfolio {name}` only two.",
            )
        return None

    def other_data(self) -> str:
        """Return which experiments were made on other data, or nothing."""
        names = [plain(run.config.name) for run in self.runs.other_data]
        if not names:
            return ""
        return (
            f"Left out, because the portfolio's data have changed since: {format_list(names)}. "
            f"`python cli.py experiments run NAME --again --portfolio {self.selection.portfolio}` makes one anew."
        )

    def begun(self) -> str:
        """Return which experiments were begun and are not done, or nothing."""
        if not self.runs.begun:
            return ""
        parts = [f"{plain(run.config.name)}: begun, not done; `{self.command(run)}` goes on" for run in self.runs.begun]
        return ". ".join(parts) + "."

    def command(self, run: Run) -> str:
        """Return the command that goes on with an experiment."""
        known = {item.name: item.to_json() for which in SETS for item in list_configs(which)}
        name = run.config.name
        wanted = name if known.get(name) == run.config.to_json() else f"{name}.toml"
        return f"python cli.py experiments run {wanted} --portfolio {self.selection.portfolio}"

    def board(self, sample: str) -> pd.DataFrame:
        """Return the leaderboard of a sample, best first."""
        return self.boards[sample]

    def names(self, sample: str) -> list[str]:
        """Return the experiments of a sample, best first."""
        return [str(name) for name in self.boards[sample]["name"]]

    def sample_label(self, sample: str) -> str:
        """Return a sample's name with its size."""
        row = self.boards[sample].iloc[0]
        return f"{sample.capitalize()} · {row['n']:,} ({row['events']:,} {self.schema.event}s)"

    def window(self, sample: str) -> str:
        """Return the sample's name and size for a definition."""
        row = self.boards[sample].iloc[0]
        return f"{sample}, {row['n']:,} rows, {row['events']:,} events"

    def reference(self, sample: str) -> str:
        """Return whom the others are compared with, unless another is chosen."""
        return experiments_data.default_reference(self.selection, self.names(sample))

    def apart(self, sample: str, against: str, metric: str = "gini") -> pd.DataFrame:
        """Return the paired differences of a metric from an experiment."""
        found = experiments_data.differences(self.selection, sample, against)
        return found[found["metric"] == metric].reset_index(drop=True)

    def configs(self) -> dict[str, dict[str, Any]]:
        """Return the configurations of the finished experiments, by name."""
        return {run.config.name: run.report["config"] for run in self.runs.done}

    def found_by(self) -> str:
        """Return what the figures were made by, for a definition."""
        ends = sorted(run.report["finished"][:10] for run in self.runs.done)
        return f"{len(ends)} experiments, finished {ends[0]}" + (f" to {ends[-1]}" if ends[-1] != ends[0] else "")


def _fullness(config: ExperimentConfig) -> tuple[Any, ...]:
    return (config.name != config.family, len(config.leave_out), -config.share, config.name)


def say_difference(row: Mapping[Any, Any], digits: int = 3) -> str:
    """Return a paired difference with its sign and interval.

    >>> say_difference({"difference": 0.0412, "low": 0.011, "high": 0.0714})
    '+0.041 [0.011, 0.071]'
    """
    sign = "+" if row["difference"] > 0 else ""
    return f"{sign}{format_number(row['difference'], digits)} {format_interval(row['low'], row['high'], digits=digits)}"
