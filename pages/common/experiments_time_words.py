"""Experiments after training, put into words: whose ranking decays, and whether a lead lasts."""

import pandas as pd

from analytics.words import format_number
from pages.common import experiments_data
from pages.common.experiments_words import PAIRED, Words, say_difference

COURSE = (
    "Out-of-time rows by half-years since the last development date; 12–17 are the dates twelve to seventeen months "
    "after it. Each half-year is judged by its own rows, with intervals clustered by loan within it; half-years share "
    "loans, so neighbours are not independent. A fall may be the model's decay or a harder book: the difference from "
    "another experiment on the same rows takes the book out. Hollow and grey: fewer than 30 rows or 5 events. "
)
NO_DATES = (
    "These experiments have no dated out-of-time rows with both outcomes, so nothing can be followed through time "
    "after training."
)


class TimeWords:
    """What is said of the experiments by half-years since training, against one of them."""

    def __init__(self, words: Words, against: str) -> None:
        self.words = words
        names = words.names(experiments_data.SAMPLES[0]) if experiments_data.SAMPLES[0] in words.boards else []
        self.names = names
        self.against = against if against in names or not names else words.reference(experiments_data.SAMPLES[0])
        frame = experiments_data.by_period(words.selection, self.against) if names else pd.DataFrame()
        if len(frame):
            labels = [f"{start}–{start + experiments_data.MONTHS - 1}" for start in frame["period"]]
            frame = frame.assign(period_label=labels)
        self.frame = frame

    def course_title(self) -> str:
        """Return how the reference's Gini moves, and whether the best keeps it."""
        own = self._large(self.against)
        first, last = own.iloc[0], own.iloc[-1]
        span = f"{first['period_label']} to {last['period_label']} months after training"
        if len(own) == 1:
            return f"{self.against}: Gini {format_number(first['estimate'], 2)} {first['period_label']} months after " \
                   "training; there is one half-year only"  # fmt: skip
        overlap = first["low"] <= last["high"] and last["low"] <= first["high"]
        verb = "rises" if last["estimate"] > first["estimate"] else "falls"
        how = f"{verb} from {format_number(first['estimate'], 2)} to {format_number(last['estimate'], 2)}"
        doubt = ", within the noise" if overlap else ""
        return f"{self.against}'s Gini {how} from {span}{doubt}"

    def _large(self, name: str) -> pd.DataFrame:
        """Return an experiment's half-years, without the small ones where there are others."""
        own = self.frame[self.frame["name"] == name].sort_values("period")
        large = own[~own["small"].astype(bool)]
        return large if len(large) else own

    def lead_title(self, chosen: list[str]) -> str:
        """Return who keeps ahead of the reference through all half-years, and by how much in the last."""
        others = [name for name in chosen if name != self.against]
        if not others:
            return f"{self.against} alone: choose others to compare with it"
        best = max(others, key=lambda name: float(self._large(name)["difference"].mean()))
        own = self._large(best)
        ahead, clear = int((own["difference"] > 0).sum()), int((own["verdict"] == "better").sum())
        last = own.iloc[-1].rename({"difference_low": "low", "difference_high": "high"}).to_dict()
        last |= {"low": own["difference_low"].iloc[-1], "high": own["difference_high"].iloc[-1]}
        said = f"clearly in {clear}" if clear else "clearly in none"
        return (
            f"{best} is ahead of {self.against} in {ahead} of {len(own)} half-years, {said}; in the last by "
            f"{say_difference(last)}"
        )

    def subtitle(self, what: str) -> str:
        """Return what is drawn, on how many rows."""
        return f"{what} by half-years since training, 95 % intervals, {self.words.window('out-of-time')}"

    @staticmethod
    def definition() -> str:
        """Return how both figures are made."""
        return COURSE + PAIRED
