"""The figures behind Compare's cost: what was measured of each model version, and what its card records."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analytics.words import format_list
from models.complexity import Complexity, load_complexity
from models.families import PREDICTIONS
from models.registry import load_card, load_registry
from pages.common import cached, explain_data, model_data
from pages.common.cached import remember
from pages.common.shell import plain
from portfolio.errors import HypothecError
from portfolio.selection import Selection


@dataclass(frozen=True)
class Measured:
    """What was measured of a model version, or why nothing was; `waits` where a command would measure it."""

    ref: str
    found: Complexity | None
    reason: str = ""
    waits: bool = False


def command(selection: Selection) -> str:
    """Return the command that measures every model in use."""
    return f"`python cli.py models stress --portfolio {selection.portfolio}`"


@remember
def measured(selection: Selection) -> dict[str, Measured]:
    """Return what was measured of every compared model, by reference."""
    here = cached.portfolio(selection)
    registry = load_registry(here)
    found = {}
    for view in model_data.models(selection):
        if view.family == PREDICTIONS:
            found[view.ref] = Measured(view.ref, None, "predictions from a column of the data, no model to measure")
            continue
        try:
            figures = load_complexity(here, registry.find(view.ref))
        except HypothecError as error:
            found[view.ref] = Measured(view.ref, None, plain(str(error)))
            continue
        found[view.ref] = Measured(view.ref, figures, "" if figures else "not measured yet", waits=figures is None)
    return found


def stability(selection: Selection, ref: str) -> tuple[float, str]:
    """Return the standard deviation of a model's Gini over training seeds, or NaN and why it is not known."""
    here = measured(selection)[ref]
    if here.found is None:
        way = f"; {command(selection)} trains again with other seeds" if here.waits else ""
        return np.nan, here.reason + way
    if here.found.seeds.sd is None:
        return np.nan, here.found.seeds.reason
    return here.found.seeds.sd, ""


def say_missing(selection: Selection, items: Mapping[str, Measured]) -> list[str]:
    """Return why nothing was measured of some models, by their names, a sentence for each reason."""
    reasons: dict[str, list[str]] = {}
    for name, item in items.items():
        if item.found is None:
            way = f". {command(selection)} does it in minutes" if item.waits else ""
            reasons.setdefault(item.reason + way, []).append(name)
    return [f"{format_list(names)}: {reason}." for reason, names in reasons.items()]


@remember
def card(selection: Selection, ref: str) -> dict[str, Any]:
    """Return a model version's card, after its files were checked."""
    here = cached.portfolio(selection)
    return load_card(here, load_registry(here).find(ref))


@remember
def half_of_attributions(selection: Selection, ref: str) -> tuple[int, int] | None:
    """Return how many fields carry half of a model's attributions, and how many it uses; None where none are stored."""
    keys = explain_data.explained_keys(selection, ref)
    if not keys:
        return None
    shares = explain_data.importance(selection, ref, keys[0])["share"].sort_values(ascending=False)
    if not shares.sum():
        return None
    return int(np.searchsorted(np.cumsum(shares), 0.5 - 1e-12)) + 1, int((shares > 0).sum())


def seed_table(selection: Selection) -> pd.DataFrame:
    """Return model, seed, gini and own (the model in use) of every model that was fitted with other seeds."""
    rows = []
    for ref, item in measured(selection).items():
        seeds = item.found.seeds if item.found else None
        if seeds and seeds.sd is not None and seeds.own_gini is not None:
            rows += [(ref, seed, gini, False) for seed, gini in zip(seeds.seeds, seeds.ginis, strict=True)]
            rows.append((ref, seeds.seeds[0], seeds.own_gini, True))
    return pd.DataFrame(rows, columns=["model", "seed", "gini", "own"])
