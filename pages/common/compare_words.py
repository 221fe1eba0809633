"""The Compare page in words: what is compared and on which samples."""

from dataclasses import dataclass, replace

import pandas as pd

from analytics.performance import METRICS
from analytics.words import format_list
from models.families import PREDICTIONS, UNKNOWN_TRAINING
from pages.common import model_data
from pages.common.shell import View, describe_filters, plain

MEANING = {
    "development": "Development: loans and dates that models were fitted on (the champion on a part of them). "
    "Flatters every model; the other samples judge.",
    "out-of-sample": "Out-of-sample: other loans, same period. No model has seen these loans.",
    "out-of-time": "Out-of-time: dates after every training, with all outcome windows of training closed.",
}
PREDICTED = {  # where every score is a column of the data, nothing was fitted here
    "development": "Development: the rows that a model would be fitted on; these predictions came with the data.",
    "out-of-sample": "Out-of-sample: held-out loans of the same period; these predictions came with the data.",
    "out-of-time": "Out-of-time: the latest dates; these predictions came with the data.",
}


@dataclass(frozen=True)
class Curve:
    """A curve's table and its words."""

    frame: pd.DataFrame
    title: str
    subtitle: str
    definition: str


@dataclass(frozen=True)
class Estimate:
    """A metric of one model with its interval."""

    value: float
    low: float
    high: float


class Words:
    """What the Compare page says about one selection."""

    def __init__(self, view: View) -> None:
        self.view, self.schema, self.selection = view, view.schema, view.selection
        self.views = model_data.models(self.selection) if view.schema.with_role("target") else ()
        self.colours = {item.ref: item.colour for item in self.views}
        self.labels = {item.ref: item.label for item in self.views}
        self.counts = model_data.samples(self.selection) if self.views else {}
        self.samples = list(self.counts)

    def problem(self) -> tuple[str, str] | None:
        """Return why there is nothing to compare and the way on, or None."""
        name = self.selection.portfolio
        if not self.schema.with_role("target"):
            return (
                "This portfolio has no outcome: no field has the role target.",
                "Name one in schema.toml, then train.",
            )
        if not self.views:
            return (
                "No model of this portfolio has scores yet.",
                f"`python cli.py train --portfolio {name}` trains three models, "
                f"`python cli.py score --portfolio {name}` scores them.",
            )
        if not self.samples and (apart := self._apart()):
            return apart
        if not self.samples:
            return (
                f"No sample has loans both with and without {self.schema.event} for {describe_filters(self.view)}.",
                "Take a filter away, or press *Clear all filters* in the sidebar.",
            )
        return None

    def _apart(self) -> tuple[str, str] | None:
        """Return that the models have no rows in common, where each has rows of its own, and the way on."""
        own = [item.label for item in self.views if model_data.samples(replace(self.selection, models=(item.ref,)))]
        if len(own) < 2:
            return None
        return (
            f"{format_list(own)} have scored no rows with a known outcome in common: nothing to compare on.",
            f"Choose fewer models above, or `python cli.py score --portfolio {self.selection.portfolio}` scores every "
            "snapshot with every model.",
        )

    def sample_label(self, sample: str) -> str:
        """Return a sample's name with its size."""
        rows, events = self.counts[sample]
        return f"{sample.capitalize()} · {rows:,} ({events:,} {self.schema.event}s)"

    def sample_meaning(self, sample: str) -> str:
        """Return what the sample is."""
        foreign = [plain(item.label) for item in self.views if item.family in UNKNOWN_TRAINING]
        doubt = (
            f" What {format_list(foreign)} was trained on is not known: its figures may flatter it." if foreign else ""
        )
        bare = all(item.family == PREDICTIONS for item in self.views)
        return (PREDICTED if bare else MEANING)[sample] + doubt

    def window(self, sample: str) -> str:
        """Return the sample's name and size for a definition."""
        rows, events = self.counts[sample]
        return f"{sample}, {rows:,} rows, {events:,} events"

    def models(self) -> str:
        """Return the model versions with the start of their cards' SHA-256."""
        return ", ".join(f"{item.ref} ({item.sha256[:10]}…)" for item in self.views)

    def estimates(self, sample: str, metric: str) -> dict[str, Estimate]:
        """Return a metric of every model on a sample."""
        frame = model_data.metrics(self.selection, sample)
        rows = frame[frame["metric"] == metric][["model", "estimate", "low", "high"]].to_numpy()
        return {ref: Estimate(*map(float, numbers)) for ref, *numbers in rows}

    def distribution(self, sample: str) -> Curve:
        """Return the PDs' distributions by outcome."""
        ks = {ref: found.value for ref, found in self.estimates(sample, "ks").items()}
        best = max(ks, key=ks.__getitem__)
        return Curve(
            model_data.distribution(self.selection, sample),
            f"{self.labels[best]} separates the two groups most, KS {ks[best]:.2f}",
            f"Share of loans by PD, with and without {self.schema.event}, {self.window(sample)}",
            "Histogram of the PDs on a log-odds axis, each outcome adding up to 100 %. The further apart the two "
            "shapes, the better the model tells the groups apart. " + METRICS["ks"].definition,
        )
