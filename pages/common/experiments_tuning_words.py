"""A search for settings in words: what it found, whether it still gains, how much of its budget is used."""

import pandas as pd

from analytics.searches import follow_search, mark_axes, say_setting, tabulate_settings
from analytics.words import format_list, format_number
from models.experiments.folders import Run
from pages.common import experiments_data
from pages.common.compare_cost_words import format_seconds
from pages.common.experiments_words import Words
from pages.common.shell import plain

LINES = (
    "A line is a trial; it crosses each parameter's axis at the value tried, on a logarithmic axis where it is "
    "searched so, and ends at its log loss: low is good. Thick: the best. Grey and dotted: pruned, stopped after a "
    "later period on which it was worse than the median of the others; its log loss is that of fewer periods and does "
    "not compare, so its line ends before. Trials that failed have no line."
)
COURSE = (
    "Each trial's mean log loss over the later periods of the development dates. Settings are proposed by Optuna's "
    "tree-structured Parzen estimator from the trials before, the first five at random; the seed is fixed. The line is "
    "the best finished trial so far. Hollow: pruned, with the log loss of the periods it was judged on."
)


class SearchWords:
    """What is said of one experiment's search."""

    def __init__(self, words: Words, name: str) -> None:
        self.words, self.name = words, name
        self.run: Run = words.runs.find(name)
        self.space = self.run.config.tuning.space
        self.trials = experiments_data.trials(words.selection, name)
        self.course = follow_search(self.trials)
        self.lines = tabulate_settings(self.trials, self.space)
        self.marks = mark_axes(self.space)

    @property
    def complete(self) -> pd.DataFrame:
        """The finished trials, best first."""
        return self.course[self.course["state"] == "complete"].sort_values("log_loss", ignore_index=True)

    def title(self) -> str:
        """Return the best settings found."""
        best = self.complete.iloc[0]["number"] if len(self.complete) else None
        if best is None:
            return f"No trial of {self.name} is finished yet"
        settings = next(trial["settings"] for trial in self.trials if trial["number"] == best)
        said = format_list([f"{key} {say_setting(value)}" for key, value in settings.items()])
        so_far = "" if self.run.done else " so far"
        return f"{self.name} does best{so_far} with {said}"

    def subtitle(self) -> str:
        """Return what is drawn."""
        return f"{self.lines['number'].nunique()} trials by parameter and log loss; thick: the best, grey: pruned"

    def course_title(self) -> str:
        """Return when the best was found and what it gained on the first."""
        done = self.course[self.course["state"] == "complete"]
        if done.empty:
            return f"No trial of {self.name} is finished yet"
        best = self.complete.to_dict("records")[0]
        first, total = float(done["log_loss"].iloc[0]), len(self.course)
        place = int(best["number"]) + 1
        if best["number"] == done["number"].iloc[0]:
            return f"The first finished trial of {total} was the best: the search gained nothing"
        gain = format_number(first - float(best["log_loss"]), 5)
        still = "; more trials may still gain" if place == total else ""
        return f"Trial {place} of {total} was the best, {gain} of log loss below the first{still}"

    def course_subtitle(self) -> str:
        """Return what is drawn, and where it was judged."""
        where = self.run.report["protocol"]["tuned_on"] if self.run.done else []
        spans = f", {'; '.join(where)}" if where else ", later periods of the development dates"
        return f"Mean log loss by trial{spans}"

    def budget(self) -> tuple[float, str]:
        """Return the share of the budget of trials that is used, and the budget in words."""
        asked = self.run.config.tuning
        used, seconds = len(self.course), float(self.course["seconds"].sum())
        states = self.course["state"].value_counts()
        parts = [f"{states[state]} {said}" for state, said in (("pruned", "pruned"), ("fail", "failed"))
                 if state in states]  # fmt: skip
        minutes = f" of {asked.minutes:g} min" if asked.minutes else ""
        detail = f" ({', '.join(parts)})" if parts else ""
        ended = " The minutes ended the search." if self.run.done and used < asked.trials else ""
        said = f"{used} of {asked.trials} trials{detail}, {format_seconds(seconds)}{minutes}.{ended}"
        return min(1.0, used / asked.trials), f"{plain(self.name)}: {said}"

    def state(self) -> str:
        """Return that the experiment is not done and how to go on, or nothing."""
        if self.run.done:
            return ""
        waiting = sum(trial["state"] == "running" for trial in self.trials)
        open_ = f" {waiting} begun and not ended." if waiting else ""
        return (
            f"{plain(self.name)} is begun, not done: it is still going or was killed.{open_} "
            f"`{self.words.command(self.run)}` goes on where it was."
        )


def searched(words: Words) -> list[str]:
    """Return the experiments that search or searched for settings: those under way first, then the best first."""
    begun = [run.config.name for run in words.runs.begun if run.config.tuning.trials]
    order = words.names(words.samples[0]) if words.samples else []
    done = {run.config.name for run in words.runs.done if run.report["trials"]}
    return [*begun, *(name for name in order if name in done), *sorted(done - set(order))]
