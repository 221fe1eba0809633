"""Ablations and the size of the data in words: what a model loses without a part of its input or of its loans."""

import pandas as pd

from analytics.variants import ABLATED, SIZED, group_variants, say_variant
from analytics.words import format_list
from pages.common.experiments_words import PAIRED, Words, say_difference

ABLATION = (
    "Experiments of one family that differ in nothing but what they leave out, the sequences they read or how they "
    "embed numbers; settings are the same, or were searched with the same budget. The difference is Gini of the "
    "variant − Gini of the full one: below 0 what is left out was worth something. Grey: no clear difference, which is "
    "no proof that it is worth nothing. "
)
SIZES = (
    "Experiments that differ in nothing but the share of the development loans they learn from, always the same loans, "
    "small shares within large ones. Intervals are 95 %, clustered by loan; they overlap even where a paired "
    "difference is clear, since all judge the same rows. The title tells of the paired difference. "
)
NO_ABLATION = (
    "No two finished experiments differ only in what they leave out. A TOML file that repeats one with "
    '`leave_out = ["economy"]` (a field or a group of fields of the schema), other `sequences` or another '
    "`embedding` is an ablation of it."
)
NO_SIZES = (
    "No two finished experiments differ only in `share`, the part of the development loans that is learnt from. TOML "
    "files with `share = 0.05`, `0.2` and `1.0` draw the curve."
)


class VariantWords:
    """What is said of experiments that differ in one thing only, on a sample."""

    def __init__(self, words: Words, sample: str) -> None:
        self.words, self.sample = words, sample
        names = set(words.names(sample))
        self.configs = {name: config for name, config in words.configs().items() if name in names}
        self.settings = {run.config.name: run.report["settings"] for run in words.runs.done}

    def _groups(self, keys: tuple[str, ...]) -> list[list[str]]:
        return group_variants(list(self.configs.values()), self.settings, keys)

    def ablations(self) -> pd.DataFrame:
        """Return the paired differences of every variant from its full experiment."""
        parts = []
        for full, *variants in self._groups(ABLATED):
            apart = self.words.apart(self.sample, full)
            apart = apart[apart["name"].isin(variants)].sort_values("name", ignore_index=True)
            said = [say_variant(self.configs[name], self.configs[full]) for name in apart["name"]]
            parts.append(apart.assign(full=full, variant=said))
        if not parts:
            return pd.DataFrame()
        columns = ["full", "name", "variant", "difference", "low", "high", "p_value", "verdict", "n", "events"]
        return pd.concat(parts, ignore_index=True)[columns]

    def ablation_title(self, frame: pd.DataFrame) -> str:
        """Return which part is missed most, or that none is missed clearly."""
        worse = frame[frame["verdict"] == "worse"]
        if worse.empty:
            better = frame[frame["verdict"] == "better"]
            if len(better):
                row = better.sort_values("difference").to_dict("records")[-1]
                return f"{row['full']} is clearly better {row['variant']}: {say_difference(row)} of Gini"
            return f"None of {len(frame)} variants is clearly worse than the full model" if len(frame) > 1 else \
                   f"{frame['full'].iloc[0]} is not clearly worse {frame['variant'].iloc[0]}"  # fmt: skip
        row = worse.sort_values("difference").to_dict("records")[0]
        others = len(frame) - len(worse)
        rest = f"; {others} other{'s' if others > 1 else ''} not clearly worse" if others else ""
        return f"{row['full']} loses most {row['variant']}: {say_difference(row)} of Gini{rest}"

    def subtitle(self) -> str:
        """Return what is drawn, on how many rows."""
        return f"Gini of the variant − Gini of the full one, 95 % intervals, {self.words.window(self.sample)}"

    def sizes(self) -> pd.DataFrame:
        """Return the Gini by share of the loans, of experiments that differ in nothing else."""
        board = {row["name"]: row for row in self.words.board(self.sample).to_dict("records")}
        rows = [
            {"full": full, "name": name, "share": float(self.configs[name]["share"]), "loans": self._loans(name),
             **{key: board[name][key] for key in ("gini", "low", "high", "n", "events")}}
            for full, *others in self._groups(SIZED)
            for name in (full, *others)
        ]  # fmt: skip
        return pd.DataFrame(rows)

    def _loans(self, name: str) -> int:
        return int(self.words.runs.find(name).report["protocol"]["development"]["loans"])

    def sizes_title(self, frame: pd.DataFrame) -> str:
        """Return whether the last step in loans still paid, by its paired difference."""
        said = [self._step(str(full), part) for full, part in frame.groupby("full", sort=False)]
        if len(said) <= 2:
            return "; ".join(said)
        gains = [text for text in said if "still gains" in text]
        return f"{len(gains)} of {len(said)} models still gain clearly from more loans"

    def _step(self, full: str, part: pd.DataFrame) -> str:
        ordered = part.sort_values("share")
        before, last = ordered.iloc[-2], ordered.iloc[-1]
        apart = self.words.apart(self.sample, str(before["name"]))
        row = apart[apart["name"] == last["name"]].to_dict("records")[0]
        step = f"from {100 * before['share']:g} % to {100 * last['share']:g} % of the loans"
        if row["verdict"] == "better":
            return f"{full} still gains {step}: {say_difference(row)}"
        if row["verdict"] == "worse":
            return f"{full} loses {step}: {say_difference(row)}"
        return f"{full} does not clearly gain {step}: {say_difference(row)}"

    def sizes_subtitle(self, frame: pd.DataFrame) -> str:
        """Return what is drawn, on how many rows."""
        families = format_list(list(dict.fromkeys(frame["full"])))
        return f"Gini of {families} by share of the development loans, {self.words.window(self.sample)}"

    @staticmethod
    def definitions() -> tuple[str, str]:
        """Return how both figures are made."""
        return ABLATION + PAIRED, SIZES
