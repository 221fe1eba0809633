"""How experiments learnt, put into words: where learning stopped, and whether the PDs that came out fit."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analytics.searches import list_epochs
from analytics.words import format_interval, format_list, format_number
from pages.common.experiments_words import Words
from pages.common.shell import plain

CURVES = (
    "Bold: mean loss on the later period of the development dates, after each pass over the rows (epoch), as a "
    "multiple of that after the first; thin: on the rows learnt from, by the same measure. The marker is the epoch "
    "with the lowest loss on the later period: the final model learns on all development dates for so many epochs. "
    "Faint: other seeds. Losses are those of training, before the PDs are calibrated; those of the rows learnt from "
    "may hold penalties and weights, so only the same model's curves compare. No row of the samples that judge is in "
    "them. The table has the losses as they were."
)
BINS = (
    "Rows in up to ten bins of equally many by their PD; the observed rate with its Jeffreys interval (95 %) over the "
    "mean PD. On the dotted line the PDs are right; above it they are too low. Hollow and grey: fewer than 30 rows or "
    "5 events. The level is judged by observed / expected with an interval clustered by loan."
)
FORMULA = "log loss = mean of −ln(PD given to what happened); O/E = Σ outcomes / Σ PDs"


class LearningWords:
    """What is said about how the chosen experiments learnt and fit."""

    def __init__(self, words: Words, sample: str) -> None:
        self.words, self.sample = words, sample
        self.names = words.names(sample)
        self.learnt = [name for name in self.names if len(self._own(name))]

    def _own(self, name: str) -> pd.DataFrame:
        run = self.words.runs.find(name)
        return list_epochs({seed["seed"]: seed["history"] for seed in run.report["seeds"]})

    def epochs(self, chosen: Sequence[str]) -> pd.DataFrame:
        """Return the losses by epoch of the chosen experiments that learn in epochs."""
        parts = [self._own(name).assign(name=name) for name in chosen if name in self.learnt]
        if not parts:
            return pd.DataFrame(columns=["name", "seed", "first", "epoch", "loss", "val_loss", "best"])
        frame = pd.concat(parts, ignore_index=True)
        firsts = {name: self.words.runs.find(name).config.seeds[0] for name in frame["name"].unique()}
        return frame.assign(first=frame["seed"] == frame["name"].map(firsts))[
            ["name", "seed", "first", "epoch", "loss", "val_loss", "best"]
        ]

    def title(self, frame: pd.DataFrame) -> str:
        """Return where learning stopped, and for whom the loss of the later period rose after it."""
        first = frame[frame["first"]]
        stops = {str(name): self._stop(part) for name, part in first.groupby("name", sort=False)}
        if len(stops) == 1:
            name, (best, epochs, rise) = next(iter(stops.items()))
            head = f"{name} is best after {best} of {epochs} epochs"
            return f"{head}, then its loss on the later period rises by {rise:.1%}" if rise > 0 else f"{head}"
        over = [name for name, (_, _, rise) in stops.items() if rise > 0]
        bests = [best for best, _, _ in stops.values()]
        head = f"Best after {min(bests)} to {max(bests)} epochs" if min(bests) < max(bests) else \
               f"All are best after {bests[0]} epochs"  # fmt: skip
        if not over:
            return f"{head}; none had begun to overfit when learning ended"
        who = "all" if len(over) == len(stops) else format_list(over)
        return f"{head}; with more, {who} would overfit: the loss on the later period rises"

    @staticmethod
    def _stop(part: pd.DataFrame) -> tuple[int, int, float]:
        """Return the best epoch, how many there were, and by how much of it the later period's loss rose at the end."""
        epochs = int(part["epoch"].max())
        best = part[part["best"]]
        if best.empty or not np.isfinite(best["val_loss"].iloc[0]):
            return epochs, epochs, 0.0
        end = float(part["val_loss"].iloc[-1])
        return int(best["epoch"].iloc[0]), epochs, end / float(best["val_loss"].iloc[0]) - 1

    def subtitle(self, frame: pd.DataFrame) -> str:
        """Return what is drawn."""
        count = frame["name"].nunique()
        who = f"{count} experiments" if count != 1 else "one experiment"
        return f"Loss by epoch of {who}: bold on the later period, thin on the rows learnt from"

    def without(self, chosen: Sequence[str]) -> str:
        """Return which of the chosen have no learning curve, and what training said of itself."""
        rest = [plain(name) for name in chosen if name not in self.learnt]
        said = [f"{format_list(rest)}: learnt in one go, no epochs to follow."] if rest else []
        for name in chosen:
            warnings = {seed["history"].get("warning") for seed in self.words.runs.find(name).report["seeds"]} - {None}
            said += [f"{plain(name)}: {plain(str(warning))}" for warning in sorted(warnings)]
        return " ".join(said)

    def bins(self, chosen: Sequence[str]) -> pd.DataFrame:
        """Return the calibration bins of the chosen experiments on the sample."""
        rows = [
            {"name": name, **{key: value for key, value in row.items() if key not in ("model", "sample")}}
            for name in chosen
            for row in self.words.runs.find(name).report["calibration"]
            if row["sample"] == self.sample
        ]
        return pd.DataFrame(rows)

    def fit_title(self, chosen: Sequence[str]) -> str:
        """Return whose PDs fit the level of the outcomes and whose are too low or too high."""
        groups: dict[str, list[str]] = {"fit": [], "are too low": [], "are too high": []}
        for name in chosen:
            row = self._ratio(name)
            state = "are too low" if row["low"] > 1 else "are too high" if row["high"] < 1 else "fit"
            groups[state].append(f"{name} ({format_number(row['estimate'], 2)})")
        parts = [f"{format_list(names)} {state}" for state, names in groups.items() if names]
        return f"PDs of {'; of '.join(parts)}" if len(chosen) <= 4 else self._count(groups)

    @staticmethod
    def _count(groups: dict[str, list[str]]) -> str:
        parts = [f"of {len(names)} {state}" for state, names in groups.items() if names]
        return f"PDs {'; '.join(parts)}"

    def _ratio(self, name: str) -> dict[str, float]:
        rows = self.words.runs.find(name).report["metrics"]
        row = next(row for row in rows if row["sample"] == self.sample and row["metric"] == "o_e_ratio")
        return {key: np.nan if row[key] is None else float(row[key]) for key in ("estimate", "low", "high")}

    def fit_subtitle(self) -> str:
        """Return what is drawn, on how many rows."""
        return f"Observed rate by mean PD, in brackets observed / expected, {self.words.window(self.sample)}"

    def fit_table(self, chosen: Sequence[str]) -> str:
        """Return observed / expected of each with its interval."""
        parts = []
        for name in chosen:
            row = self._ratio(name)
            interval = format_interval(row["low"], row["high"], digits=2)
            parts.append(f"{plain(name)} {format_number(row['estimate'], 2)} {plain(interval)}")
        return f"Observed / expected: {'; '.join(parts)}."
