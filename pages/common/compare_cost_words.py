"""What each model costs, put into words: the table, the seeds' finding, the definitions."""

from collections.abc import Callable

import pandas as pd

from analytics.words import format_interval, format_list, format_number, format_share
from models.complexity import Complexity
from pages.common import cost_data
from pages.common.compare_verdict_data import policy
from pages.common.compare_words import Words
from pages.common.shell import plain

NONE = "–"
FORMULA = "SD = √(Σ(Gᵢ − Ḡ)² / (s − 1)) over s seeds; flips = loans whose side of the cut-off changes ÷ loans"
SEEDS = (
    "The same configuration is fitted again on the same development rows, with the same loans kept back for "
    "calibration; only the seed of what is random in the fitting differs. A family that draws nothing at random on so "
    "many rows, such as a scorecard, has no spread: other loans would change it, another seed does not. All refits are "
    "judged on the same rows. The interval is that of a normal sample's standard deviation: with five seeds it is "
    "wide. Where fewer rows are fitted than there are, the spread is that of the smaller training."
)
FIGURES = (
    "**Parameters** are a scorecard's weights and bins, boosting's leaves, a network's weights. **Size** is what is "
    "stored of the model. **Training** and **peak memory** are from the model's card; the memory is that of the whole "
    "process, which may have trained other models before. **Latency** is the median of 30 (one loan) and 5 (10,000 "
    "loans) predictions where it was measured. **Flips**: every number of every loan is moved up or down by 5 %, "
    "signs at random, five times; the cut-off stays where the model approves 80 % of the loans unmoved. Yes-or-no "
    "numbers and categories are not moved."
)


class CostWords:
    """What the Cost section says about one selection."""

    def __init__(self, words: Words) -> None:
        self.words, self.view, self.selection = words, words.view, words.selection
        self.measured = cost_data.measured(self.selection)
        self.found = {ref: item.found for ref, item in self.measured.items() if item.found}

    def missing(self) -> list[str]:
        """Return why nothing is shown of some models, a sentence for each reason."""
        names = {ref: plain(self.words.labels[ref]) for ref in self.measured}
        return cost_data.say_missing(self.selection, {names[ref]: item for ref, item in self.measured.items()})

    def heading(self) -> str:
        """Return the table's heading."""
        return self.view.word("What each model costs and how steady it is", "Complexity, stability and latency")

    def table(self) -> pd.DataFrame:
        """Return a row a figure, a column a model, as text."""
        rows = [
            {"Figure": name, **{self.words.labels[ref]: say(item) for ref, item in self.found.items()}, "Reads": reads}
            for name, say, reads in ROWS
        ]
        return pd.DataFrame(rows)

    def seeds(self) -> pd.DataFrame:
        """Return the Gini of each refit."""
        return cost_data.seed_table(self.selection)

    def seeds_title(self) -> str:
        """Return whose Gini moves most from seed to seed, against the policy's limit."""
        sds = {ref: item.seeds.sd for ref, item in self.found.items() if item.seeds.sd is not None}
        most = max(sds, key=sds.__getitem__)
        limit = policy(self.selection).stability_limit
        over = [self.words.labels[ref] for ref, sd in sds.items() if sd > limit]
        if not sds[most]:
            return "No model changes with the seed of its training"
        said = f"SD {sds[most]:.4f}"
        if len(sds) == 1:
            head = f"{self.words.labels[most]}: {said} of Gini from seed to seed"
        else:
            head = f"{self.words.labels[most]} moves most from seed to seed, {said} of Gini"
        if over == [self.words.labels[most]]:
            return f"{head}, above the policy's limit of {limit:g}"
        if over:
            return f"{head}; above the policy's limit of {limit:g}: {format_list(over)}"
        return f"{head}; {'it stays' if len(sds) == 1 else 'all stay'} within the policy's limit of {limit:g}"

    def seeds_subtitle(self) -> str:
        """Return what the dots are, on how many rows."""
        parts = [item.seeds for item in self.found.values() if item.seeds.sd is not None]
        samples = format_list(sorted({item.sample for item in parts}))
        fitted = " to ".join(f"{rows:,}" for rows in sorted({min(p.rows for p in parts), max(p.rows for p in parts)}))
        there = max(item.rows_there for item in parts)
        judged = max(item.judged for item in parts)
        count = " to ".join(str(n) for n in sorted({len(item.seeds) for item in parts}))
        return (
            f"Gini of {count} refits a model, {samples}, {judged:,} rows; fitted on {fitted} of up to {there:,} "
            "development rows; open: the model in use"
        )

    def window(self) -> str:
        """Return when and on what machine it was measured."""
        items = self.found.values()
        days = sorted({item.measured[:10] for item in items})
        machines = sorted(
            {f"{i.environment.get('machine', '?')}, {i.environment.get('cores', '?')} cores" for i in items}
        )
        return f"measured {' and '.join(days)} on {' and '.join(machines)}"


def _parameters(item: Complexity) -> str:
    if item.parameters is None:
        return "not known"
    parts = format_list([f"{count:,} {name}" for name, count in item.parts.items()])
    return f"{item.parameters:,}" + (f" ({parts})" if len(item.parts) > 1 else "")


def _spread(item: Complexity) -> str:
    seeds = item.seeds
    if seeds.sd is None or seeds.low is None or seeds.high is None:
        return NONE
    if not seeds.sd:
        return f"none, {len(seeds.seeds)} seeds"
    return f"{seeds.sd:.4f} {format_interval(seeds.low, seeds.high, digits=4)}, {len(seeds.seeds)} seeds"


def _flips(item: Complexity) -> str:
    moved = item.perturbed
    if moved.flipped is None or moved.low is None or moved.high is None:
        return NONE
    return f"{format_share(moved.flipped, 2)} of {moved.rows:,}"


def _refits(item: Complexity) -> str:
    seeds = item.seeds
    return f"{seeds.rows:,} of {seeds.rows_there:,}, {max(seeds.seconds):.0f} s each" if seeds.seconds else NONE


def format_size(size: int) -> str:
    """Return a number of bytes as kB or MB.

    >>> format_size(512), format_size(150_000), format_size(2_340_000)
    ('512 bytes', '150 kB', '2.3 MB')
    """
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1000:,.0f} kB" if size < 1_000_000 else f"{format_number(size / 1e6, 1)} MB"


def format_seconds(seconds: float | None) -> str:
    """Return a duration in seconds or minutes, "–" where it is not known.

    >>> format_seconds(4.31), format_seconds(186.0), format_seconds(None)
    ('4.3 s', '3.1 min', '–')
    """
    if seconds is None:
        return NONE
    return f"{format_number(seconds)} s" if seconds < 120 else f"{format_number(seconds / 60, 1)} min"


def format_ms(value: float) -> str:
    """Return milliseconds with the digits they can bear.

    >>> format_ms(0.84), format_ms(31.7), format_ms(2140.0)
    ('0.8 ms', '32 ms', '2,140 ms')
    """
    return f"{format_number(value, 1 if value < 10 else 0)} ms"


def _share_points(value: float | None) -> str:
    return NONE if value is None else format_share(value, 3)


ROWS: tuple[tuple[str, Callable[[Complexity], str], str], ...] = (
    ("Parameters", _parameters, "fewer is simpler"),
    ("Size on disk", lambda item: format_size(item.artifact_bytes), "lower is better"),
    ("Training time", lambda item: format_seconds(item.training_seconds), "lower is better"),
    ("Peak memory", lambda item: f"{item.peak_memory_mb:,} MB" if item.peak_memory_mb else NONE, "lower is better"),
    ("Latency, one loan", lambda item: format_ms(item.latency_one_ms), "lower is better"),
    ("Latency, 10,000 loans", lambda item: format_ms(item.latency_many_ms), "lower is better"),
    ("SD of Gini over seeds", _spread, "lower is steadier"),
    ("Mean PD difference of two seeds", lambda item: _share_points(item.seeds.pd_difference), "lower is steadier"),
    ("Rows and time of a refit", _refits, ""),
    ("Decisions that flip at ±5 %", _flips, "lower is steadier"),
    ("Mean PD change at ±5 %", lambda item: _share_points(item.perturbed.pd_change), "lower is steadier"),
)
