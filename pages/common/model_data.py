"""The tables behind the pages about models: which there are, how they rank and fit, how they differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from analytics import curves, performance
from analytics.figures.template import model_colours
from pages.common.cached import engine, hold, portfolio, remember
from portfolio.policy import load_policy
from portfolio.selection import Selection

if TYPE_CHECKING:
    from models.registry import Entry, Registry


@dataclass(frozen=True)
class ModelView:
    """A model version as pages show it."""

    ref: str
    label: str
    family: str
    colour: str
    is_champion: bool
    sha256: str


@remember
def models(selection: Selection) -> tuple[ModelView, ...]:
    """Return the scored models in use, champion first: those of the selection, or all. Colours are the same in both."""
    from models.registry import display_name, load_registry

    registry = load_registry(portfolio(selection))
    shown = [entry for entry in registry.latest() if scored_keys(selection, str(entry.ref))]
    labels = [display_name(registry, entry) for entry in shown]
    colours = give_colours(registry, shown)
    return tuple(
        ModelView(
            str(entry.ref),
            label,
            entry.family,
            colours[str(entry.ref)],
            registry.is_champion(entry),
            entry.files["card.json"],
        )
        for label, entry in zip(labels, shown, strict=True)
        if not selection.models or str(entry.ref) in selection.models
    )


def give_colours(registry: "Registry", shown: Sequence["Entry"]) -> dict[str, str]:
    """Return each version's colour by its reference.

    They are given in the order in which the names came: a newer version of one model leaves the others' as they are.
    """
    first = [entry.name for entry in registry.entries]
    order = sorted(shown, key=lambda entry: (first.index(entry.name), int(entry.version)))
    return model_colours([(str(entry.ref), entry.family, registry.is_champion(entry)) for entry in order])


@remember
def histories(selection: Selection, ref: str) -> tuple[str, ...]:
    """Return the histories (sequences of months, no fields of the schema) that a model version reads, by its card."""
    from models.registry import load_card, load_registry

    here = portfolio(selection)
    card = load_card(here, load_registry(here).find(ref))
    return tuple(str(item["name"]) for item in card["features"] if item["kind"] == "sequence")


def scored_keys(selection: Selection, ref: str) -> list[str]:
    """Return the snapshots that a model version has scored."""
    return sorted(path.stem for path in (portfolio(selection).scores / ref).glob("*.parquet"))


@hold
def judged(selection: Selection, sample: str) -> Any:
    """Return outcomes, loans and every model's PDs of a sample."""
    from models.stored import load_scored

    return load_scored(engine(selection), tuple(view.ref for view in models(selection)), sample, selection.where)


@remember
def samples(selection: Selection) -> dict[str, tuple[int, int]]:
    """Return (rows, events) of each sample that can be judged, latest first: rows that all models have scored."""
    from models.stored import count_judged

    counted = count_judged(engine(selection), tuple(view.ref for view in models(selection)), selection.where)
    known = {name: counted.get(name, (0, 0)) for name in ("out-of-time", "out-of-sample", "development")}
    return {name: (rows, events) for name, (rows, events) in known.items() if 0 < events < rows}


def level(selection: Selection) -> float:
    """Return the confidence of intervals that the portfolio's policy asks for."""
    return load_policy(portfolio(selection)).comparison.level


@hold
def evaluated(selection: Selection, sample: str) -> performance.Evaluation:
    """Return every metric of every model on a sample with what each loan adds to it."""
    data = judged(selection, sample)
    return performance.evaluate(data.y, data.scores, cluster=data.loan)


@remember
def metrics(selection: Selection, sample: str) -> pd.DataFrame:
    """Every metric of every model on a sample, with intervals clustered by loan."""
    return performance.list_metrics(evaluated(selection, sample), level=level(selection)).assign(sample=sample)


@remember
def differences(selection: Selection, sample: str) -> pd.DataFrame:
    """Every challenger's difference from the champion on a sample, paired."""
    champion = next(view.ref for view in models(selection) if view.is_champion)
    return performance.list_differences(evaluated(selection, sample), champion, level=level(selection))


@remember
def roc(selection: Selection, sample: str) -> pd.DataFrame:
    """ROC curves of every model on a sample."""
    data = judged(selection, sample)
    return curves.compute_roc(data.y, data.scores)


@remember
def distribution(selection: Selection, sample: str) -> pd.DataFrame:
    """Distribution of every model's PDs by outcome on a sample."""
    data = judged(selection, sample)
    return curves.compute_score_distribution(data.y, data.scores)
