"""Quality against cost in words: which experiments no other beats on both, and the cheapest within the noise."""

import pandas as pd

from analytics.experiments import find_cheapest, mark_front
from analytics.words import format_factor, format_list, format_number
from pages.common.experiments_words import PAIRED, Words

AXES = {"latency_ms": "latency of 10,000 loans, ms", "complexity": "parameters"}
SHORT = {"latency_ms": "latency", "complexity": "parameters"}
FRONT = (
    "An experiment is on the front (dotted line) where no other has at least its Gini at no more cost, and more or for "
    "less. Ringed: the cheapest whose paired difference from the highest Gini is not clearly below 0 (95 %, clustered "
    "by loan): the data do not tell it from the best. That is no proof that it is as good. Latency is the second "
    "prediction of 10,000 loans on the machine of the run, which other work may have slowed; parameters are leaves, "
    "bins or weights, by family. "
)


class CostWords:
    """What is said about quality against cost on a sample."""

    def __init__(self, words: Words, sample: str) -> None:
        self.words, self.sample = words, sample
        board = words.board(sample)
        self.best = str(board["name"].iloc[0])
        fronts = {f"{cost}_front": mark_front(board["gini"], board[cost]) for cost in AXES}
        columns = ["name", "title", "gini", "low", "high", *AXES]
        apart = words.apart(sample, self.best) if len(board) > 1 else pd.DataFrame(columns=["name", "verdict"])
        self.frame = board[columns].assign(**fronts).merge(
            apart[["name", "verdict"]].rename(columns={"verdict": "against_best"}), on="name", how="left"
        )  # fmt: skip
        self.chosen = {cost: find_cheapest(board, apart, cost) for cost in AXES}

    def title(self) -> str:
        """Return the cheapest within the noise of the best, by latency and by parameters."""
        fast, small = self.chosen["latency_ms"], self.chosen["complexity"]
        if len(self.frame) == 1:
            return f"{self.best} is the only experiment"
        if fast == small == self.best:
            return f"{self.best} has the highest Gini; nothing cheaper is within the noise of it"
        if fast == small:
            return f"{fast} is the cheapest within the noise of {self.best}: {self._saves(fast, 'latency_ms')} and " \
                   f"{self._saves(fast, 'complexity')}"  # fmt: skip
        return (
            f"Within the noise of {self.best}, {fast} is the fastest ({self._saves(fast, 'latency_ms')}) and {small} "
            f"the smallest ({self._saves(small, 'complexity')})"
        )

    def _saves(self, name: str, cost: str) -> str:
        costs = self.frame.set_index("name")[cost].astype(float)
        own, other = float(costs[name]), float(costs[self.best])
        if name == self.best or own <= 0 or own >= other:
            return f"{format_number(own, 0)} {'ms' if cost == 'latency_ms' else 'parameters'}"
        return f"{format_factor(other / own)} times {'faster' if cost == 'latency_ms' else 'fewer parameters'}"

    def subtitle(self) -> str:
        """Return what is drawn, on how many rows."""
        return f"Gini by latency and by parameters, logarithmic axes, {self.words.window(self.sample)}"

    def front(self) -> str:
        """Return who is on the front of each cost."""
        parts = []
        for cost, short in SHORT.items():
            names = [str(name) for name in self.frame.loc[self.frame[f"{cost}_front"], "name"]]
            parts.append(f"by {short}: {format_list(names)}")
        return f"On the front {'; '.join(parts)}."

    @staticmethod
    def definition() -> str:
        """Return how the figure is made."""
        return FRONT + PAIRED
